"""Which of our languages a person reads."""

from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header


def choose_language(requested: str | None, default: str) -> str:
    """Map an Accept-Language header or a bare tag to a code of settings.LANGUAGES, else `default`; it never raises.

    Regions and scripts fall back to the language: "de-AT" to "de", "zh-CN", "zh-Hant" and "zh" to "zh-hans".
    """
    wishes = parse_accept_lang_header((requested or "").strip().replace("_", "-"))
    # The wish for anything ("*") ends the search, and q=0 means "not this one" (RFC 9110 section 12.4.2).
    for tag, quality in wishes:
        if tag == "*" or quality <= 0:
            break
        try:
            return get_supported_language_variant(tag)
        except LookupError:
            continue
    return default
