"""One SMTP connection that ends in bounded time whatever the server does."""

import io
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from apps.delivery.providers import egress
from apps.delivery.providers.mime import Parcel
from apps.delivery.providers.smtp_failures import demand, named
from apps.delivery.providers.smtp_server import Security, Server

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

# A greeting, an EHLO reply and the replies to one mail are a few hundred bytes; a server that sends without end must
# not fill our memory.
MAX_REPLY_BYTES = 64 * 1024

# The reply codes of RFC 5321 that mean "go on".
_READY = 220
_OK = 250
_OK_FORWARDED = 251
_CLOSING = 421
_GARBAGE = -1  # smtplib's word for a reply without a code.


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds. Nothing that a server does makes a message take longer than the last three."""

    # A route or a host that is away shows at once or never; resolving the name has as much again.
    connect: float = 5.0
    # One command and its reply. Healthy servers answer in milliseconds, greylisting ones within a few seconds.
    step: float = 10.0
    # An idle connection whose peer vanished behind a NAT is found out by silence, and asking costs one round trip.
    check: float = 2.0
    # Everything up to DATA: a server that sends one byte in each step's time must not hold a worker for ever.
    prepare: float = 15.0
    # From DATA to the final reply. Servers scan the content before that reply, and giving up there costs a duplicate.
    finish: float = 15.0


@cache
def tls_context() -> ssl.SSLContext:
    """Verified TLS with the machine's certificate authorities; SSL_CERT_FILE names others. Loading them takes 20 ms."""
    return ssl.create_default_context()


@cache
def _own_name() -> str:
    """The name in EHLO. smtplib would ask the resolver for it, without a time-out and with an answer of any kind."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    if ":" in host:
        return f"[IPv6:{host}]"
    return f"[{host}]" if host.replace(".", "").isdigit() else host


class Conversation(smtplib.SMTP):
    """smtplib's protocol over a socket of our own; `carry` takes one mail and may be called again and again.

    smtplib's time-out is for one read, so a server that drips bytes is waited for without end. Here each read and
    write gets what is left of its step, and a step what is left of the whole.
    """

    def __init__(self, server: Server, patience: Patience) -> None:
        super().__init__(local_hostname=_own_name())
        self.server = server
        self._host = server.host  # The name that smtplib's starttls() verifies the certificate for.
        self.patience = patience
        self.allow(patience.prepare)

    @classmethod
    def open(cls, server: Server, patience: Patience) -> "Conversation":
        """Connect, secure and log in. Raises TransientFailure, or PermanentFailure for a guarded address."""
        conversation = cls(server, patience)
        try:
            conversation._establish()
        except BaseException:
            conversation.close()
            raise
        return conversation

    def allow(self, seconds: float) -> None:
        """Start the clock for all that follows."""
        self._ends = time.monotonic() + seconds

    def alive(self) -> bool:
        """Ask an idle connection with RSET, which also clears what an earlier refusal may have left."""
        self.allow(self.patience.check)
        try:
            return self.rset()[0] == _OK
        except OSError:
            return False

    def carry(self, parcel: Parcel) -> bytes:
        """Hand one mail over and return the words of the final reply. Raises TransientFailure and PermanentFailure.

        After a refusal the connection is good for another mail; `sock` is None after anything else.
        """
        options = self._options(parcel)
        self._transact("mail", lambda: self.mail(parcel.sender, options), _OK)
        self._transact("rcpt", lambda: self.rcpt(parcel.recipient), _OK, _OK_FORWARDED)
        self.allow(self.patience.finish)
        return self._transact("data", lambda: self.data(parcel.content), _OK)

    def leave(self) -> None:
        """Say QUIT without waiting for the answer."""
        self.allow(self.patience.check)
        try:
            self.putcmd("QUIT")
        except OSError:
            pass
        finally:
            self.close()

    def send(self, s: "ReadableBuffer | str") -> None:
        if self.sock:
            self.sock.settimeout(self._left(self.patience.step))
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.sock and self.file is None:
            self.file = io.BufferedReader(_Replies(self.sock, lambda: self._step_ends - time.monotonic()))
        self._step_ends = time.monotonic() + self._left(self.patience.step)
        if isinstance(self.file, io.BufferedReader) and isinstance(self.file.raw, _Replies):
            self.file.raw.begin()
        reply = super().getreply()
        if self.sock:
            # A TLS handshake that follows takes its time-out from the socket. This may not raise: the reply is there.
            self.sock.settimeout(max(self._ends - time.monotonic(), 0.001))
        return reply

    def _establish(self) -> None:
        with named("connect"):
            self.sock = self._dial()
        with named("greeting"):
            self._greet()
        if self.server.security is Security.STARTTLS:
            with named("starttls"):
                self.starttls(context=tls_context())
                self.ehlo_or_helo_if_needed()
        if self.server.user:
            with named("auth"):
                self.login(self.server.user, self.server.password)

    def _dial(self) -> socket.socket:
        resolve = egress.resolve_public if self.server.guarded else egress.resolve
        failure: OSError = ConnectionError()
        for address in resolve(self.server.host, self.server.port, seconds=self._left(self.patience.connect)):
            # The address is a literal by now, so nothing is resolved a second time.
            try:
                dialled = (address, self.server.port)
                return self._secure(socket.create_connection(dialled, self._left(self.patience.connect)))
            except OSError as error:
                failure = error
        raise failure

    def _secure(self, plain: socket.socket) -> socket.socket:
        try:
            plain.settimeout(self._left(self.patience.step))
            if self.server.security is not Security.TLS:
                return plain
            return tls_context().wrap_socket(plain, server_hostname=self.server.host)
        except BaseException:
            plain.close()
            raise

    def _greet(self) -> None:
        code, text = self.getreply()
        if code != _READY:
            raise smtplib.SMTPConnectError(code, text)
        self.ehlo_or_helo_if_needed()

    def _options(self, parcel: Parcel) -> list[str]:
        if not parcel.international:
            return []
        if not self.has_extn("smtputf8"):
            # Said as a reply: the address is one that this server cannot serve (RFC 6531 section 3.5).
            demand("mail", (553, b"5.6.7"), _OK)
        return ["SMTPUTF8", "BODY=8BITMIME"]

    def _transact(self, stage: str, command: Callable[[], tuple[int, bytes]], *accepted: int) -> bytes:
        with named(stage):
            try:
                reply = command()
            except smtplib.SMTPDataError as refused:  # DATA itself was refused, nothing was sent.
                reply = (refused.smtp_code, refused.smtp_error if isinstance(refused.smtp_error, bytes) else b"")
            except BaseException:
                # In the middle of DATA the next command would be read as text of the mail.
                self.close()
                raise
        if reply[0] in {_CLOSING, _GARBAGE}:
            self.close()
        demand(stage, reply, *accepted)
        return reply[1]

    def _left(self, wanted: float) -> float:
        left = min(wanted, self._ends - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left


class _Replies(io.RawIOBase):
    """Reads a socket until a step's time is over or a reply is too long."""

    def __init__(self, sock: socket.socket, seconds_left: Callable[[], float]) -> None:
        self._sock = sock
        self._seconds_left = seconds_left
        self._room = MAX_REPLY_BYTES

    def begin(self) -> None:
        self._room = MAX_REPLY_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        seconds = self._seconds_left()
        if seconds <= 0:
            raise TimeoutError
        self._sock.settimeout(seconds)
        count = self._sock.recv_into(buffer)
        self._room -= count
        if self._room < 0:
            raise ConnectionError("The reply is too long.")
        return count
