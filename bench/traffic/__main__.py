"""The generator's process: says on which ports its sinks listen, then answers each order, a line of JSON, with a round.

It ends with its standard input.
"""

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

from bench.targets import Order
from bench.traffic.flows import run
from bench.traffic.sinks import Boxes, LineSink, MailSink, listen


async def main() -> None:
    boxes = Boxes()
    ports = {"mail": await listen(lambda: MailSink(boxes)), "lines": await listen(lambda: LineSink(boxes))}
    _say(ports)
    while line := await asyncio.to_thread(sys.stdin.readline):
        _say(asdict(await run(Order.from_json(json.loads(line)), boxes)))


def _say(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
