"""Email over SMTP. It is called from many threads at once, and outside of any transaction."""

from contextlib import suppress

from apps.delivery.providers import mime
from apps.delivery.providers.base import Email
from apps.delivery.providers.smtp_conversation import Conversation, GoneWhileIdle, Patience
from apps.delivery.providers.smtp_pool import Pool
from apps.delivery.providers.smtp_server import Server

PATIENCE = Patience()
# `send` returns or raises within this time. The lease on a message must be longer, else a second worker sends it too.
WORST_CASE_SECONDS = max(PATIENCE.check, PATIENCE.reply) + PATIENCE.prepare + PATIENCE.finish

_MAX_REFERENCE = 100
_pool = Pool()


def send(url: str, email: Email, *, guarded: bool, patience: Patience = PATIENCE) -> str:
    """Hand the email to the server that `url` names and return the server's reference, without addresses.

    `guarded` is for a URL that a customer supplied: see `egress.resolve_public`. Raises TransientFailure and
    PermanentFailure. Nothing is retried here once DATA was said: a duplicate can only come from the outbox's own retry.
    """
    server = Server.parse(url, guarded=guarded)
    parcel = mime.pack(email)
    idle = _pool.take(server)
    if idle:
        idle.patience = patience
        with suppress(GoneWhileIdle):  # That is no failure: it is replaced.
            return _carry(idle, parcel)
    return _carry(Conversation.open(server, patience), parcel)


def hang_up() -> None:
    """Close the idle connections of this process."""
    _pool.clear()


def _carry(conversation: Conversation, parcel: mime.Parcel) -> str:
    try:
        return _reference(conversation.carry(parcel))
    finally:
        _pool.give(conversation)


def _reference(reply: bytes) -> str:
    """Return the final reply's printable words, which usually hold the queue id; some servers repeat an address."""
    words = reply.decode("ascii", "replace").split()
    kept = [word for word in words if "@" not in word and word.isascii() and word.isprintable()]
    return " ".join(kept)[:_MAX_REFERENCE]
