"""Where connections may go whose host name a customer chose.

A customer's own mail server is a host name in a form field, and the worker that connects to it stands inside the
operator's network: without a check, that field reads cloud metadata and scans private hosts (SSRF). The check is made
on resolved addresses and the caller connects to exactly those, because a name that is resolved a second time may
answer differently (DNS rebinding).
"""

import queue
import socket
import threading
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings

from apps.delivery.providers.base import PermanentFailure, TransientFailure

RESOLVE_SECONDS = 5.0

# IPv6 prefixes in which an IPv4 address is embedded in the last 32 bits: a translator on the operator's network would
# carry a packet for 64:ff9b::10.0.0.1 to 10.0.0.1.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def resolve_public(host: str, port: int, *, seconds: float = RESOLVE_SECONDS) -> list[str]:
    """Return the addresses of a host that a customer named, to be connected to as they are.

    One address that is not public refuses the whole name: a name that mixes both has no honest use. The setting
    PRIVATE_PROVIDERS_ALLOWED lifts the check for installations whose customers' mail servers are on a private network.
    Raises PermanentFailure for a refused address and TransientFailure when the name does not resolve.
    """
    addresses = resolve(host, port, seconds=seconds)
    if not settings.PRIVATE_PROVIDERS_ALLOWED and not all(is_public(address) for address in addresses):
        raise PermanentFailure("address is not public")
    return addresses


def resolve(host: str, port: int, *, seconds: float = RESOLVE_SECONDS) -> list[str]:
    """Return the addresses of a host in the order of preference. Raises TransientFailure."""
    answer: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()
    # getaddrinfo() knows no time-out and can take half a minute. The thread is left behind when it does, and it is a
    # daemon so that a stuck name server cannot hold up the end of the process.
    threading.Thread(target=lambda: answer.put(_lookup(host, port)), name="resolve", daemon=True).start()
    try:
        addresses = answer.get(timeout=seconds)
    except queue.Empty:
        raise TransientFailure("dns: timed out") from None
    if not addresses:
        raise TransientFailure("dns: lookup failed")
    return addresses


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the public Internet, looking through IPv4 that is embedded in IPv6."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return _is_public_v4(ip)
    embedded = _embedded_v4(ip)
    if embedded is not None:
        return _is_public_v4(embedded)
    return ip in _GLOBAL_UNICAST and ip.is_global and not ip.is_multicast


def _lookup(host: str, port: int) -> list[str] | None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # A name with a NUL or an empty label is a ValueError.
        return None
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _is_public_v4(ip: IPv4Address) -> bool:
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _embedded_v4(ip: IPv6Address) -> IPv4Address | None:
    if any(ip in network for network in _TRANSLATED):
        return IPv4Address(ip.packed[-4:])
    if ip.teredo:
        return ip.teredo[1]
    return ip.ipv4_mapped or ip.sixtofour
