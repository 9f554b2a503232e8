"""`python -m bench.scale.server`, inside an installation: what its PostgreSQL shall be set to when it starts again."""

from __future__ import annotations

import psycopg

from config import stack, stack_places

# A fresh server has 128 MB, which do not hold one index of a million people: each page that has to come from the kernel
# costs CPU time that says nothing about the plan. The checkpoints are for the loading.
_SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min"}


def main() -> None:
    stack.hold()
    where = {"host": str(stack_places.sockets()), "port": "5432", "user": "postgres", "dbname": "postgres"}
    with psycopg.connect(**where, autocommit=True) as session:  # type: ignore[arg-type]
        for name, value in _SETTINGS.items():
            session.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())


if __name__ == "__main__":
    main()
