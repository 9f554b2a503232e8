"""Time passes for sessions by moving what is in the row, because PostgreSQL's clock decides."""

from datetime import timedelta

from django.db.models import F

from apps.audit.models import Event
from apps.tokens.sessions import Session
from tests.world import World


def session(world: World) -> Session:
    return Session.objects.for_environment(world.environment).get()


def pass_time(world: World, seconds: float) -> None:
    """Make every session of this world `seconds` older."""
    moments = ("created_at", "rotated_at", "idle_expires_at", "absolute_expires_at")
    Session.objects.for_environment(world.environment).update(
        **{moment: F(moment) - timedelta(seconds=seconds) for moment in moments}
    )


def events(world: World, kind: Event.Kind) -> int:
    return Event.objects.for_environment(world.environment).filter(kind=kind).count()
