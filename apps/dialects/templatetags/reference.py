"""What the reference's templates need."""

from __future__ import annotations

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def code(text: str) -> SafeString:
    """Backticks as <code>: all of Markdown that the documents use."""
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", conditional_escape(text))
    return mark_safe(escaped)  # noqa: S308 - escaped just before.
