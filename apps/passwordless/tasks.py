"""The tasks Celery knows: beat calls them to keep house."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from apps.challenges.models import Challenge, FailureCount
from apps.delivery.models import CapturedMessage, Message
from apps.passwordless import api_keys
from apps.tenants.models import Environment
from apps.tokens.sessions import Session

SETTLED_MESSAGES_KEPT = timedelta(days=30)
ENDED_SESSIONS_KEPT = timedelta(days=30)
ENDED_CHALLENGES_KEPT = timedelta(days=30)


@shared_task(name="passwordless.keep_house")
def keep_house() -> None:
    """Forget secrets that have run out: nonces of expired codes, captured bodies. It may run twice."""
    Challenge.objects.end_expired()
    CapturedMessage.objects.purge()


@shared_task(name="passwordless.purge")
def purge() -> None:
    """Remove old rows. Each step stands alone and may run twice."""
    Challenge.objects.purge(ENDED_CHALLENGES_KEPT)
    Message.objects.purge(SETTLED_MESSAGES_KEPT)
    FailureCount.objects.purge()
    Session.objects.purge(ENDED_SESSIONS_KEPT)


@shared_task(name="passwordless.revoke_unused_keys")
def revoke_unused_keys() -> None:
    """End API keys that nobody has used for long. It may run twice."""
    api_keys.revoke_unused()


@shared_task(name="passwordless.learn_usual_failures")
def learn_usual_failures() -> None:
    """What is usual for an environment, so that an attack on it can be told from a busy day."""
    usual = FailureCount.objects.usual()
    Environment.objects.exclude(id__in=usual).exclude(usual_failures=0).update(usual_failures=0)
    for environment_id, failures in usual.items():
        Environment.objects.filter(id=environment_id).exclude(usual_failures=failures).update(usual_failures=failures)
