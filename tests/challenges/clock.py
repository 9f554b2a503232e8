"""Time passes by moving what is in the row: nobody waits ten minutes, and the clock that decides is PostgreSQL's."""

from datetime import timedelta

from django.db.models import F

from apps.challenges.models import Challenge
from tests.world import World


def live(world: World) -> Challenge:
    """The one live challenge of this world."""
    return Challenge.objects.for_environment(world.environment).get(nonce__isnull=False)


def pass_time(world: World, seconds: float) -> None:
    """Make every challenge of this world `seconds` older."""
    moments = ("created_at", "last_sent_at", "expires_at", "renewable_until")
    Challenge.objects.for_environment(world.environment).update(
        **{moment: F(moment) - timedelta(seconds=seconds) for moment in moments}
    )


def seconds_left(world: World) -> int:
    """From the last message to the end of its code, rounded."""
    challenge = live(world)
    return round((challenge.expires_at - challenge.last_sent_at).total_seconds())
