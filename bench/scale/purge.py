"""`python -m bench.scale.purge WHAT`, inside an installation: one purge, whole, with the seconds of its batches."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from typing import Any

import django


def main(what: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import connection  # noqa: PLC0415 - Django has to be set up first.

    from apps.challenges.models import Challenge  # noqa: PLC0415
    from apps.management.owner import prune_events  # noqa: PLC0415

    purges = {
        "challenges": lambda: Challenge.objects.purge(timedelta(days=15)),
        "events": lambda: prune_events(timedelta(days=300)),
    }
    batches: list[float] = []

    def timed(execute: Any, *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            batches.append((time.perf_counter() - started) * 1000)

    started = time.perf_counter()
    with connection.execute_wrapper(timed):
        removed = purges[what]()
    print(
        json.dumps(
            {
                "removed": removed,
                "seconds": time.perf_counter() - started,
                "statements": len(batches),
                "longest ms": max(batches),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
