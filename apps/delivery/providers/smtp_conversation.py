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
from apps.delivery.providers.base import ProviderError
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
_GO_ON = 354
_GARBAGE = -1  # smtplib's word for a reply without a code.
# An idle connection is this long believed to live.
BELIEVED_SECONDS = 5.0
_STAGES = (("mail", (_OK,)), ("rcpt", (_OK, _OK_FORWARDED)), ("data", (_GO_ON,)))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds. Nothing that a server does makes a message take longer than the last three."""

    # A route or a host that is away shows at once or never; resolving the name has as much again.
    connect: float = 5.0
    # One command and its reply. Healthy servers answer in milliseconds, greylisting ones within a few seconds.
    step: float = 10.0
    # An idle connection whose peer vanished behind a NAT is found out by silence, and asking costs one round trip.
    check: float = 2.0
    # One that was in use a moment ago may answer only together with the other commands that it hears at once.
    reply: float = 5.0
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


class GoneWhileIdle(Exception):
    """The connection died between two mails."""


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
        self._used_at: float | None = None
        """By time.monotonic(); None before the first mail."""
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

    def carry(self, parcel: Parcel) -> bytes:
        """Hand one mail over and return the words of the final reply.

        Raises TransientFailure and PermanentFailure; GoneWhileIdle when nothing of the mail has been handed over yet.
        After a refusal the connection is good for another mail; `sock` is None after anything else.
        """
        commands = self._envelope(parcel)
        if self._used_at is not None:
            self._ask(commands)
        self._used_at = time.monotonic()
        self._open_mail(commands)
        self.allow(self.patience.finish)
        # No line of its own may look like the end of the mail (RFC 5321 section 4.5.2).
        content = parcel.content.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        return self._transact("data", [content], _OK)

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

    def _envelope(self, parcel: Parcel) -> list[bytes]:
        """MAIL, RCPT and DATA. `mime.pack` has made sure that neither address says more than itself."""
        options = ""
        if parcel.international:
            if not self.has_extn("smtputf8"):
                # Said as a reply: the address is one that this server cannot serve (RFC 6531 section 3.5).
                demand("mail", (553, b"5.6.7"), _OK)
            options = " SMTPUTF8 BODY=8BITMIME"
        lines = (f"MAIL FROM:<{parcel.sender}>{options}", f"RCPT TO:<{parcel.recipient}>", "DATA")
        return [f"{line}\r\n".encode() for line in lines]

    def _ask(self, commands: list[bytes]) -> None:
        """See with RSET whether an idle connection lives; it also clears what an earlier refusal may have left.

        One that was in use a moment ago is believed to live, and hears along with it what may be said of `commands`,
        which is taken from there. A server may answer RSET only together with the rest (RFC 2920 section 3.2).
        A dead connection has not been given the mail itself.
        """
        is_fresh = time.monotonic() - (self._used_at or 0) < BELIEVED_SECONDS
        self.allow(self.patience.reply if is_fresh else self.patience.check)
        said = commands if is_fresh else []
        said.insert(0, b"RSET\r\n")
        try:
            self._say(said)
            is_alive = self.getreply()[0] == _OK
        except OSError:
            is_alive = False
        if not is_alive:
            self.close()
            raise GoneWhileIdle
        self.allow(self.patience.prepare)

    def _open_mail(self, commands: list[bytes]) -> None:
        """Get as far as the server's word that it takes the mail. The first refusal counts.

        The replies to what was said behind a refused command are read too, for the next mail's sake.
        """
        refusal: ProviderError | None = None
        for stage, accepted in _STAGES:
            try:
                self._transact(stage, commands, *accepted)
            except ProviderError as failure:
                refusal = refusal or failure
                if commands or self.sock is None:
                    break
            else:
                if refusal and stage == "data":
                    # The server waits for a mail that nobody may get, and would take the next command for its text.
                    self.close()
        if refusal:
            raise refusal

    def _transact(self, stage: str, commands: list[bytes], *accepted: int) -> bytes:
        """Say what is to be said, if it has not been, and demand an accepted reply."""
        with named(stage):
            try:
                self._say(commands)
                reply = self.getreply()
            except BaseException:
                # In the middle of DATA the next command would be read as text of the mail.
                self.close()
                raise
        if reply[0] in {_CLOSING, _GARBAGE}:
            self.close()
        demand(stage, reply, *accepted)
        return reply[1]

    def _say(self, commands: list[bytes]) -> None:
        """Send all commands where the server takes them in a row (RFC 2920), else the first; remove what was sent."""
        said = commands[:] if self.has_extn("pipelining") else commands[:1]
        if said:
            del commands[: len(said)]
            self.send(b"".join(said))

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
