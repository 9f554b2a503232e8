"""What templates need to say things for people."""

from __future__ import annotations

from datetime import datetime

from django import forms, template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

register = template.Library()

UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@register.simple_tag
def moment(when: datetime | None, never: str = "Never") -> SafeString | str:
    """How long ago or how soon, with the exact time for those who point at it."""
    if when is None:
        return never
    now = timezone.now()
    distance = f"{_first(timesince(when, now))} ago" if when <= now else f"in {_first(timesince(now, when))}"
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        when.isoformat(),
        f"{when:%Y-%m-%d %H:%M:%S}",
        "just now" if distance == "0\xa0minutes ago" else distance,
    )


def _first(period: str) -> str:
    """The greater of the two units is enough."""
    return period.split(",", maxsplit=1)[0]


@register.filter
def unit(field: forms.BoundField) -> str:
    return str(field.field.widget.attrs.get("data-unit", ""))


@register.filter
def duration(field: forms.BoundField) -> str:
    """A number of seconds in words, as far as it comes out even: 5400 is "90 minutes"."""
    try:
        seconds = int(field.value())
    except (TypeError, ValueError):
        return ""
    size, name = next(((size, name) for size, name in UNITS if seconds and seconds % size == 0), (1, "second"))
    count = seconds // size
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
