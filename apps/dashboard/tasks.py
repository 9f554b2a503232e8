"""What beat calls for the dashboard."""

from __future__ import annotations

from celery import shared_task

from apps.dashboard.sessions import SessionStore


@shared_task(name="dashboard.forget_sessions")
def forget_sessions() -> None:
    """Django keeps the rows of sessions that have run out until somebody removes them."""
    SessionStore.clear_expired()
