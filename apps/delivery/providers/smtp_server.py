"""A mail server as a URL names it."""

from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote, urlsplit

from apps.delivery.providers.base import PermanentFailure
from apps.delivery.providers.mime import ascii_domain


class Security(Enum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


# The scheme names are django-environ's, but it reads smtps:// as STARTTLS and a "+" in a password as a blank, so that
# the URL is taken apart here. smtps:// is TLS from the first byte, as RFC 8314 and everybody else use the word.
_SCHEMES = {
    "smtp": (Security.NONE, 25),
    "smtp+tls": (Security.STARTTLS, 587),
    "smtps": (Security.TLS, 465),
    "smtp+ssl": (Security.TLS, 465),
}


@dataclass(frozen=True, slots=True)
class Server:
    """Two messages may share a connection when their servers are equal: credentials and guard are part of that."""

    security: Security
    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    guarded: bool

    @classmethod
    def parse(cls, url: str, *, guarded: bool) -> "Server":
        """Raises PermanentFailure for what is not an SMTP URL."""
        try:
            parts = urlsplit(url)
            security, default_port = _SCHEMES[parts.scheme]
            host = ascii_domain(parts.hostname or "")
            port = parts.port or default_port
        except (KeyError, ValueError):
            host = ""
        if not host:
            # The cause would quote the URL with its password.
            raise PermanentFailure("smtp url malformed") from None
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(security, host, port, user, password, guarded)
