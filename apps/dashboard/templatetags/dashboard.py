"""What templates need to say things for people."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms, template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from apps.dashboard.words import in_words as words_for
from apps.tenants.models import Membership
from apps.tokens.oauth_clients import Grant

register = template.Library()


@register.simple_tag
def moment(when: datetime | None, never: str = "Never") -> SafeString | str:
    """How long ago or how soon, with the exact time for those who point at it."""
    if when is None:
        return never
    now = timezone.now()
    # The first minute of "in 24 hours" would be "in 23 hours" otherwise.
    ahead = when + timedelta(seconds=59)
    distance = f"{_first(timesince(when, now))} ago" if when <= now else f"in {_first(timesince(now, ahead))}"
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
    """What the number of seconds in a field amounts to; nothing for what is no number."""
    try:
        seconds = int(field.value())
    except (TypeError, ValueError):
        return ""
    return words_for(seconds)


@register.filter
def in_words(seconds: int) -> str:
    return words_for(seconds)


@register.filter
def grant(value: str) -> str:
    return str(Grant(value).label).capitalize() if value in Grant.values else value


@register.filter
def is_ahead(when: datetime | None) -> bool:
    return when is not None and when > timezone.now()


@register.filter
def signed_in_here(membership: Membership) -> datetime | None:
    """Since they belong to the company: what they did before is no affair of its owners."""
    last = membership.operator.last_login
    return last if last and last >= membership.created_at else None
