"""The generator against a server that does nothing: more flows per second than this cannot be seen."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench import children
from bench.sides import CEILING, Side
from bench.targets import REFRESH, START, VERIFY, Step, Target
from config.stack_places import BASE_DIR

_BODY = b'{"code": "123456", "refresh_token": "nothing"}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
_STEPS = (
    Step(START, "/start", '{"email": "%(email)s"}'),
    Step(VERIFY, "/verify", '{"email": "%(email)s", "otp_code": "%(code)s"}'),
    Step(REFRESH, "/refresh", '{"refresh_token": "%(refresh_token)s"}'),
)


@contextmanager
def running() -> Iterator[Side]:
    child = children.converse([sys.executable, "-m", "bench.ceiling"], cwd=BASE_DIR)
    try:
        assert child.stdout
        port = int(child.stdout.readline())
        yield Side(CEILING, Target("127.0.0.1", port, _STEPS), {"web": child.pid})
    finally:
        children.end(child)


class _Nothing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        """A request of the generator's comes in one piece."""
        self._transport.write(_ANSWER)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Nothing, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
