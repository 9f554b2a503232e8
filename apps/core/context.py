"""What a use case may know about the request that caused it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Facts for limits, the audit trail and the choice of language; never an input to what a credential is worth."""

    ip: str
    user_agent: str = ""
    language: str | None = None
    """An Accept-Language header or a bare language tag, as sent."""
