"""`python -m bench.scale.plans FACTS`, inside an installation: pages touched by each statement of a journey."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django


def main(facts: dict[str, Any]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from apps.tenants.models import Environment  # noqa: PLC0415 - Django has to be set up first.
    from bench.scale.journey import walk  # noqa: PLC0415
    from tests.world import World  # noqa: PLC0415

    rows = Environment.objects.filter(id=facts["id"])
    environment = rows.select_related("project").get()
    # Captured instead of sent, so that the journey can read its codes.
    rows.update(mail_url_sealed=None)
    try:
        world = World(environment, facts["app_key"], facts["messages_key"])
        walk(world, f"warm-{os.getpid()}")
        steps = walk(world, f"counted-{os.getpid()}")
    finally:
        rows.update(mail_url_sealed=environment.mail_url_sealed)
    print(json.dumps({step: [_told(one) for one in found] for step, found in steps.items()}))


def _told(one: Any) -> dict[str, Any]:
    return {
        "statement": one.title,
        "pages": one.plan.pages,
        "generic pages": one.generic.pages,
        "indexes": sorted(one.plan.indexes),
        "scanned": sorted(one.plan.scanned | one.generic.scanned),
        "same plan": (one.plan.indexes, one.plan.scanned) == (one.generic.indexes, one.generic.scanned),
        "ms": one.plan.milliseconds,
    }


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
