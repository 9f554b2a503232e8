"""A real SMTP server that keeps what it receives, for tests."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ACCEPTED = "250 2.0.0 Ok: queued as 4F2A"


class ReceivedEmail(EmailMessage):
    """A message with the envelope that it came in."""

    envelope_sender: str
    recipients: list[str]

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, subtype: str) -> str:
        body = self.get_body((subtype,))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")


_POLICY = EmailPolicy(message_factory=ReceivedEmail)


@dataclass(kw_only=True, eq=False)
class SmtpSink:
    """Listens on a free loopback port from `with` to the end of it, in a thread of its own."""

    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    """Offers STARTTLS, or is TLS from the first byte with `implicit`."""
    implicit: bool = False
    login: tuple[str, str] | None = None
    """The only user and password, and needed then; without it AUTH is not offered."""
    replies: Mapping[str, str] = field(default_factory=dict)
    """What RCPT answers to a recipient, or DATA to the key "data"; everything else is accepted."""
    delay: float = 0.0
    """Seconds from keeping a mail to the reply: a client that does not wait causes a duplicate."""
    smtputf8: bool = True
    pipelining: bool = True

    messages: list[ReceivedEmail] = field(default_factory=list, init=False)
    connections: int = field(default=0, init=False)
    received: bytearray = field(default_factory=bytearray, init=False)
    """Every byte that came in on all connections, after TLS."""

    def __post_init__(self) -> None:
        self._arrived = threading.Condition()
        self._thawed = threading.Event()
        self._sessions: list[_Session] = []
        self._controller = _Controller(self)

    def __enter__(self) -> Self:
        self._controller.start()
        # The controller connects once to see whether it is up.
        self._sessions.clear()
        self.connections = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        # From Python 3.12 on a server is only closed when its connections are, and clients pool theirs.
        self.drop_connections()
        self._controller.stop()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    @property
    def url(self) -> str:
        scheme = "smtp" if not self.tls else "smtps" if self.implicit else "smtp+tls"
        credentials = "{}:{}@".format(*self.login) if self.login else ""
        return f"{scheme}://{credentials}{self.host}:{self.port}"

    def wait_for(self, count: int, seconds: float = 5.0) -> list[ReceivedEmail]:
        """Return the messages when there are at least `count`; fail after `seconds`."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.messages) >= count, seconds), (
                f"{len(self.messages)} of {count} messages after {seconds} s"
            )
            return list(self.messages)

    def freeze(self) -> None:
        """Answer nothing any more, as after SIGSTOP: connections are accepted by the kernel and stay silent."""
        self._thawed.clear()
        self._controller.loop.call_soon_threadsafe(self._thawed.wait)

    def thaw(self) -> None:
        self._thawed.set()

    def drop_connections(self) -> None:
        """Close every open connection from this side, as a server does with idle clients."""
        asyncio.run_coroutine_threadsafe(self._close_all(), self._controller.loop).result(5)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname  # With this hook nobody else notes it.
        return [responses[0], *["250-PIPELINING"] * self.pipelining, *responses[1:]]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.replies.get(address, "250 2.1.5 Ok")
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self.replies.get("data", ACCEPTED)
        if reply.startswith("2"):
            self._keep(envelope)
        await asyncio.sleep(self.delay)
        return reply

    def session_opened(self, session: "_Session") -> None:
        self.connections += 1
        self._sessions.append(session)

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        offered = (data.login.decode(), data.password.decode())
        # With handled=True aiosmtpd sends no reply to a wrong password at all.
        return AuthResult(success=offered == self.login, handled=False)

    def _keep(self, envelope: Envelope) -> None:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=_POLICY)
        message.envelope_sender = envelope.mail_from or ""
        message.recipients = list(envelope.rcpt_tos)
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    async def _close_all(self) -> None:
        for session in self._sessions:
            if session.transport:
                session.transport.close()
        self._sessions.clear()


class _Session(SMTP):
    """One connection; it writes down what comes in."""

    sink: SmtpSink

    def data_received(self, data: bytes) -> None:
        self.sink.received += data
        super().data_received(data)


class _Controller(Controller):
    """aiosmtpd's controller on a port that the kernel chooses, which it cannot do itself."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink
        self._socket = socket.create_server((sink.host, 0))
        port = self._socket.getsockname()[1]
        super().__init__(sink, hostname=sink.host, port=port, ssl_context=sink.tls if sink.implicit else None)

    def factory(self) -> SMTP:
        session = _Session(
            self._sink,
            hostname="sink.invalid",
            enable_SMTPUTF8=self._sink.smtputf8,
            tls_context=None if self._sink.implicit else self._sink.tls,
            require_starttls=bool(self._sink.tls and not self._sink.implicit),
            authenticator=self._sink.authenticate if self._sink.login else None,
            auth_exclude_mechanism=() if self._sink.login else ("LOGIN", "PLAIN"),
            auth_require_tls=False,
            loop=self.loop,
        )
        session.sink = self._sink
        self._sink.session_opened(session)
        return session

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._socket, ssl=self.ssl_context)
