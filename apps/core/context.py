"""What a use case may know about the request that caused it."""

from dataclasses import dataclass
from ipaddress import ip_network


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Facts for limits, the audit trail and the choice of language; never an input to what a credential is worth."""

    ip: str
    user_agent: str = ""
    language: str | None = None
    """An Accept-Language header or a bare language tag, as sent."""
    is_repeated: bool = False
    """The same request once more, for a reason that is not its client's: it has been paid for."""

    @property
    def network(self) -> str:
        """What a limit is kept for: an IPv4 address, or the /64 of an IPv6 one, which is what a subscriber has."""
        if ":" not in self.ip:
            return self.ip
        return str(ip_network(f"{self.ip.partition('%')[0]}/64", strict=False))
