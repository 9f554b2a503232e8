"""The mail with a code in every language, and the catalogs behind it."""

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from apps.passwordless.languages import choose_language
from apps.passwordless.mail import RenderedEmail, render_code_email, render_link_email

LANGUAGES = [code for code, _ in settings.LANGUAGES]
TRANSLATED = [code for code in LANGUAGES if code != "en"]
LINK = "https://login.example.com/auth/0/development/confirm-email?token=x.1"
FOLDER = Path(settings.LOCALE_PATHS[0])


def render(language: str = "en", code: str = "123456", product: str = "Shop", minutes: int = 10) -> RenderedEmail:
    return render_code_email(code=code, product=product, language=language, minutes=minutes)


def render_link(kind: str, language: str = "en") -> RenderedEmail:
    return render_link_email(kind=kind, link=LINK, product="Shop", language=language, minutes=10)


class Page(HTMLParser):
    """What a reader sees and hears of an HTML mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)

    def attributes(self, tag: str) -> dict[str, str | None]:
        return next(attributes for name, attributes in self.elements if name == tag)


@pytest.mark.parametrize("language", LANGUAGES)
class TestEveryLanguage:
    def test_it_holds_the_code_in_every_part(self, language: str) -> None:
        mail = render(language)
        assert mail.subject.startswith("123456 ")
        assert "Shop" in mail.subject
        assert "\n123456\n" in mail.text
        assert "123456" in Page(mail.html).text

    def test_it_names_its_language(self, language: str) -> None:
        html = Page(render(language).html).attributes("html")
        assert (html["lang"], html["dir"]) == (language, "ltr")

    @pytest.mark.parametrize("minutes", [1, 2, 5, 10, 22, 30])
    def test_it_says_how_long_the_code_lives(self, language: str, minutes: int) -> None:
        mail = render(language, minutes=minutes)
        # Once in the body, once in the line that inboxes show beside the subject.
        assert len(re.findall(rf"\b{minutes}\b", mail.text)) == 1
        assert len(re.findall(rf"\b{minutes}\b", Page(mail.html).text)) == 2

    def test_it_points_nowhere(self, language: str) -> None:
        html = render(language).html
        assert not re.search(r"https?:|//|url\(|@import|cid:", html)
        assert not {"a", "img", "link", "script", "form", "iframe"} & {tag for tag, _ in Page(html).elements}

    def test_it_puts_the_product_into_both_parts_as_text(self, language: str) -> None:
        mail = render(language, product='<b>&"{{ x }}%(code)s')
        assert '<b>&"{{ x }}%(code)s' in mail.subject
        assert '<b>&"{{ x }}%(code)s' in mail.text
        assert '<b>&"{{ x }}%(code)s' in Page(mail.html).text
        assert "b" not in {tag for tag, _ in Page(mail.html).elements}


@pytest.mark.parametrize("kind", ["verify_identifier", "reset_password"])
class TestLinks:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_link_is_the_only_one_and_can_be_read_as_well(self, kind: str, language: str) -> None:
        mail = render_link(kind, language)
        page = Page(mail.html)
        assert [attributes["href"] for tag, attributes in page.elements if tag == "a"] == [LINK]
        assert LINK in page.text
        assert f"\n{LINK}\n" in mail.text
        assert "Shop" in mail.subject
        assert LINK not in repr(mail)

    @pytest.mark.parametrize("language", TRANSLATED)
    def test_it_leaves_no_line_in_english(self, kind: str, language: str) -> None:
        english = {line for line in render_link(kind).text.splitlines() if line and line != LINK}
        assert english.isdisjoint(render_link(kind, language).text.splitlines())
        assert render_link(kind, language).subject != render_link(kind).subject

    def test_it_loads_nothing(self, kind: str) -> None:
        html = render_link(kind).html
        assert not re.search(r"url\(|@import|cid:", html)
        assert not {"img", "link", "script", "form", "iframe"} & {tag for tag, _ in Page(html).elements}


@pytest.mark.parametrize(
    ("language", "minutes", "words"),
    [
        ("en", 1, "1 minute and"),
        ("en", 10, "10 minutes and"),
        ("de", 1, "1 Minute ab"),
        ("de", 10, "10 Minuten ab"),
        ("pl", 1, "1 minutę i"),
        ("pl", 2, "2 minuty i"),
        ("pl", 5, "5 minut i"),
        ("pl", 12, "12 minut i"),
        ("pl", 22, "22 minuty i"),
        ("zh-hans", 1, "1 分钟后"),
    ],
)
def test_it_counts_as_the_language_does(language: str, minutes: int, words: str) -> None:
    assert words in render(language, minutes=minutes).text


@pytest.mark.parametrize("language", TRANSLATED)
def test_it_leaves_no_line_in_english(language: str) -> None:
    english = {line for line in render("en").text.splitlines() if line and line != "123456"}
    assert english.isdisjoint(render(language).text.splitlines())
    assert render(language).subject != render("en").subject


@pytest.mark.parametrize(
    ("code", "groups"),
    [
        ("1234", ["1234"]),
        ("123456", ["123", "456"]),
        ("12345678", ["1234", "5678"]),
        ("0123456789", ["01234", "56789"]),
    ],
)
def test_it_groups_the_code_for_the_eye_and_not_for_the_clipboard(code: str, groups: list[str]) -> None:
    html = render(code=code).html
    assert re.findall(r"<span[^>]*>(\d+)</span>", html) == groups
    assert code in Page(html).text


def test_it_spells_the_code_out_for_screen_readers() -> None:
    shown = next(attributes for _, attributes in Page(render().html).elements if "aria-label" in attributes)
    assert (shown["aria-label"], shown["role"]) == ("1 2 3 4 5 6", "img")


def test_it_shows_a_dark_screen_dark_and_every_other_client_inlined_styles() -> None:
    html = render().html
    assert "@media (prefers-color-scheme: dark)" in html
    assert 'style="' in str(html.split("<body")[1])


def test_it_keeps_control_characters_of_a_product_out() -> None:
    mail = render(product="  Sh\x00op\r\nBcc: eve\u2028x\u202e \ud800 ")
    assert mail.subject == "123456 is your Sh op Bcc: eve x code"
    assert "Sh op Bcc: eve x" in mail.html


@pytest.mark.parametrize("code", ["0000", "1111", "01234567", "9876543210"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_puts_each_digit_where_it_belongs_and_leaves_no_mark(language: str, code: str) -> None:
    """A mail is rendered once for all codes of a length; only the digits are put in for each."""
    first, mail = render(language, code="5" * len(code)), render(language, code=code)
    for before, after in zip(("subject", "text", "html"), (mail.subject, mail.text, mail.html), strict=True):
        assert getattr(first, before).count("5" * len(code)) == after.count(code)
        assert len(getattr(first, before)) == len(after)
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", after)
    assert re.sub(r"\D", "", " ".join(re.findall(r'aria-label="([^"]*)"', mail.html))) == code
    assert "".join(re.findall(r"<span[^>]*>(\d+)</span>", mail.html)) == code


def test_it_keeps_the_marks_of_digits_out_of_a_product() -> None:
    mail = render(product="Sh\x0eop \x0f\x1b", code="987654")
    assert mail.subject == "987654 is your Sh op code"
    assert mail.html.count("Sh op") == render(product="Sh op", code="987654").html.count("Sh op")


def test_it_refuses_a_code_that_is_longer_than_it_has_marks() -> None:
    with pytest.raises(ValueError, match="zip"):
        render(code="1" * 15)


def test_it_shows_no_code_in_a_repr() -> None:
    assert "123456" not in repr(render())


def test_it_leaves_the_language_of_the_thread_alone() -> None:
    before = translation.get_language()
    render("pl")
    assert translation.get_language() == before


@pytest.mark.parametrize(
    ("requested", "language"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de_CH", "de"),
        ("pt-BR", "pt"),
        ("zh", "zh-hans"),
        ("zh-CN", "zh-hans"),
        ("zh-Hans-SG", "zh-hans"),
        ("zh-Hant", "zh-hans"),
        ("zh-TW", "zh-hans"),
        ("fr, pl;q=0.8, de;q=0.9", "de"),
        ("de;q=0, pl;q=0.1", "pl"),
        ("*, de;q=0.5", "es"),
        ("fr-CA", "es"),
        ("", "es"),
        (None, "es"),
        ("de\r\nX: y", "es"),
        ("\x00", "es"),
        ("../../etc/passwd", "es"),
        ("ü", "es"),
        ("de;q=x", "es"),
        ("a" * 100_000, "es"),
        ("de," * 10_000, "de"),
    ],
)
def test_it_chooses_the_language_that_was_asked_for(requested: str | None, language: str) -> None:
    assert choose_language(requested, "es") == language


@pytest.mark.parametrize("language", TRANSLATED)
class TestCatalogs:
    def test_it_translates_every_message(self, language: str) -> None:
        entries = read_po(language)
        assert entries
        assert [key for key, value in entries.items() if not value] == []

    def test_it_keeps_every_placeholder(self, language: str) -> None:
        for key, value in read_po(language).items():
            source = key[0] if isinstance(key, tuple) else key
            assert set(re.findall(r"%\(\w+\)s", value)) == set(re.findall(r"%\(\w+\)s", source))

    def test_it_has_compiled_what_it_has_written(self, language: str) -> None:
        with (folder(language) / "django.mo").open("rb") as file:
            compiled = dict(GNUTranslations(file)._catalog)  # type: ignore[attr-defined]
        compiled.pop("")
        assert compiled == read_po(language), "Run `manage.py compilemessages` and commit the .mo files."

    def test_it_has_the_same_messages_as_the_others(self, language: str) -> None:
        assert sources(language) == sources("de")


def folder(language: str) -> Path:
    return FOLDER / translation.to_locale(language) / "LC_MESSAGES"


def sources(language: str) -> set[str]:
    return {key[0] if isinstance(key, tuple) else key for key in read_po(language)}


def read_po(language: str) -> dict[str | tuple[str, int], str]:
    """Read a .po file as GNUTranslations keeps a .mo: plain messages by msgid, plural ones by (msgid, form)."""
    text = (folder(language) / "django.po").read_text()
    assert "#, fuzzy" not in text
    assert "#~" not in text
    entries: dict[str | tuple[str, int], str] = {}
    for block in text.split("\n\n")[1:]:
        strings = dict(_strings(block))
        for keyword, value in strings.items():
            if keyword.startswith("msgstr["):
                entries[strings["msgid"], int(keyword[7:-1])] = value
            elif keyword == "msgstr":
                entries[strings["msgid"]] = value
    return entries


def _strings(block: str) -> Iterator[tuple[str, str]]:
    for keyword, quoted in re.findall(r'^(msg\S+)((?:\s+".*")+)', block, re.MULTILINE):
        yield keyword, "".join(ast.literal_eval(line.strip()) for line in quoted.strip().splitlines())
