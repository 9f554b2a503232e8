"""Python imports this before anything else: in the process of an SDK, the vendor's names lead to the tests' server.

The package itself stays as it was published. Any other name leads nowhere, so that no test asks the Internet.
"""

import os
import socket

VENDOR = ("auth.passage.id", "api.passage.id")
ADDRESS, PORT = os.environ["VENDOR_ADDRESS"].split(":")
_getaddrinfo = socket.getaddrinfo


def getaddrinfo(host, port, *args, **options):  # type: ignore[no-untyped-def]
    name = host.decode() if isinstance(host, bytes) else host
    if name not in VENDOR:
        raise socket.gaierror(socket.EAI_NONAME, "not a name of the vendor's")
    return _getaddrinfo(ADDRESS, int(PORT), *args, **options)


socket.getaddrinfo = getaddrinfo
