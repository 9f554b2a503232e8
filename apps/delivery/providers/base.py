"""What every provider of messages shares: the message it is given and the two ways in which it fails."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Email:
    """A composed email. Only `message_id` is in its repr, because the other fields hold the person and the code."""

    message_id: (
        str  # RFC 5322, with the angle brackets; the same on every retry, so that mailboxes can fold duplicates.
    )
    sender: str = field(repr=False)  # "address" or "Display Name <address>", as plain Unicode.
    recipient: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    language: str  # A BCP 47 tag.


class ProviderError(Exception):
    """Carries a `reason` of a few words that is stored and logged: it holds no address, no code and no credentials."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TransientFailure(ProviderError):
    """The same message may succeed later."""


class PermanentFailure(ProviderError):
    """The provider has refused this message for good."""
