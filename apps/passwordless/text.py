"""The text message that carries a code, in the reader's language."""

from django.utils import translation
from django.utils.translation import gettext

from apps.passwordless.mail import printable


def render_code_text(*, code: str, product: str, language: str, domain: str) -> str:
    """One short line, so that it stays one segment in most languages.

    With a `domain`, the last line is the origin-bound one (WICG "Origin-bound one-time codes delivered via SMS"):
    phones then offer the code on that site, and on no other.
    """
    with translation.override(language):
        line = gettext("%(code)s is your %(product)s code") % {"code": code, "product": printable(product)}
    return f"{line}\n\n@{domain} #{code}" if domain else line
