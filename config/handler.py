"""Django's way of a request, without what each request here would pay for and nothing needs."""

from functools import lru_cache

from django.conf import settings
from django.core import signals
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIHandler
from django.db import close_old_connections, reset_queries
from django.http import HttpRequest
from django.urls import ResolverMatch, get_resolver

# Addresses whose view is remembered, at 2.5 KB each: one names an environment and a step, and few of all are busy.
MOST_REMEMBERED = 1024
LONGEST_REMEMBERED = 200


class Handler(WSGIHandler):
    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        path = request.path_info
        match = remembered(path) if len(path) <= LONGEST_REMEMBERED else get_resolver().resolve(path)
        request.resolver_match = match
        return match


@lru_cache(MOST_REMEMBERED)
def remembered(path: str) -> ResolverMatch:
    """An address that leads nowhere is looked for each time, because only answers are remembered."""
    return get_resolver().resolve(path)


def spare_signals() -> None:
    """Leave out what is done at the start or the end of each request for features that are not used here."""
    # Connections are looked at when a request has ended, and nothing happens to them until the next.
    signals.request_started.disconnect(close_old_connections)
    if not settings.DEBUG:
        # It forgets what statements were sent, which is written down only with DEBUG.
        signals.request_started.disconnect(reset_queries)
    signals.request_finished.disconnect(close_caches)
    # Each request sets it at its start.
    signals.request_finished.disconnect(reset_urlconf)
