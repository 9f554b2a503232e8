"""What a text message is billed by."""

import pytest
from django.conf import settings

from apps.delivery.segments import BASIC, EXTENDED, count
from apps.passwordless.text import render_code_text

LANGUAGES = [code for code, _ in settings.LANGUAGES]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("ñ@\n" * 53 + "Ω", 1),
        # Two septets each.
        ("€" * 80, 1),
        ("€" * 80 + "x", 2),
        ("x" * 159 + "€", 2),
        # The escape and what it escapes stay together: 76 pairs to a part, and one septet is lost.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("x" * 152 + "€" + "x" * 152, 3),
        # One character outside the alphabet makes all of them wide.
        ("ę" * 70, 1),
        ("ę" * 71, 2),
        ("x" * 69 + "ę", 1),
        ("x" * 70 + "ę", 2),
        ("验" * 134, 2),
        ("验" * 135, 3),
        ("`" + "x" * 70, 2),
        # Two units each, which stay together as well.
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 66, 2),
        ("😀" * 67, 3),
        ("x" * 66 + "😀" + "x" * 66, 3),
    ],
)
def test_it_counts(text: str, segments: int) -> None:
    assert count(text) == segments


def test_the_alphabet_is_the_standards() -> None:
    """GSM 03.38 has 128 places less the escape, and nine characters behind it."""
    assert (len(BASIC), len(EXTENDED)) == (127, 9)
    assert not BASIC & EXTENDED


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_is_one_segment_in_every_language(language: str) -> None:
    text = render_code_text(code="12345678", product="Shop", language=language, domain="")
    assert text.startswith("12345678 ")
    assert "Shop" in text
    assert "\n" not in text
    assert count(text) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_last_line_binds_the_code_to_the_site(language: str) -> None:
    text = render_code_text(code="123456", product="Shop", language=language, domain="shop.example.com")
    explanation, blank, bound = text.split("\n")
    assert explanation.startswith("123456 ")
    assert (blank, bound) == ("", "@shop.example.com #123456")
    assert count(text) == 1


@pytest.mark.parametrize("product", ["A\n\n@evil.example #000000", "A\r@evil.example #000000", "A\u2028@evil.example"])
def test_a_products_name_makes_no_line_of_its_own(product: str) -> None:
    text = render_code_text(code="123456", product=product, language="en", domain="shop.example.com")
    assert [line[0] for line in text.splitlines() if line.startswith("@")] == ["@"]
    assert text.splitlines()[-1] == "@shop.example.com #123456"
