"""Fills a Latchkey with people: `load` for whoever holds an owner's session, `python -m` inside an installation."""

from __future__ import annotations

import argparse
import os
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import environ
import psycopg
from django.conf import settings
from psycopg import sql

from bench.scale import rows
from bench.scale.set_aside import set_aside

# What a column gets that nobody spoke of, by the first letters of its type.
_NOTHING = {"char": "''", "text": "''", "bool": "FALSE", "json": "'{}'", "bytea": "''", "uuid": "gen_random_uuid()"}


@dataclass(frozen=True, slots=True)
class Sizes:
    users: int
    environments: int
    skew: float = 1.3
    """The environment of rank r has its share in proportion to 1 / r ** skew."""


def load(session: psycopg.Connection[Any], sizes: Sizes, flagship: uuid.UUID) -> None:
    """Add people and what they leave behind. `flagship` becomes the largest of the environments; the others are made.

    `session` is the owner's and commits by itself. All of it is one transaction, so that a half is never left.
    """
    with session.transaction():
        # Deferred checks would still be pending when their table is altered.
        session.execute("SET CONSTRAINTS ALL IMMEDIATE")
        session.execute("SET LOCAL maintenance_work_mem = '1GB'")
        session.execute("SET LOCAL work_mem = '256MB'")
        _make_environments(session, sizes, flagship)
        # The label keeps the phones of two loads apart.
        label = int(time.time()) % 1000
        facts = {"users": sizes.users, "skew": sizes.skew, "flagship": flagship, "environments": sizes.environments}
        for statement in rows.STAGING:
            _execute(session, statement, {**facts, "label": label})
        with set_aside(session, list(rows.TABLES)):
            for table, (source, columns) in rows.TABLES.items():
                _fill(session, table, source, columns)
        for statement in rows.CLEARING:
            session.execute(statement.encode())
    # ANALYZE for the planner; the visibility map, which index-only scans need, is VACUUM's.
    session.execute("VACUUM (ANALYZE)")


def _make_environments(session: psycopg.Connection[Any], sizes: Sizes, flagship: uuid.UUID) -> None:
    for statement in rows.ENVIRONMENTS:
        _execute(session, statement, {"count": sizes.environments - 1, "flagship": flagship})


def _fill(session: psycopg.Connection[Any], table: str, source: str, columns: Mapping[str, str]) -> None:
    values = {**_unspoken(session, table, columns), **columns}
    insert = sql.SQL("INSERT INTO {table} ({columns}) SELECT {values} {source}").format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, values)),
        values=sql.SQL(", ").join(sql.SQL(value) for value in values.values()),
        source=sql.SQL(source),
    )
    session.execute(insert)


def _unspoken(session: psycopg.Connection[Any], table: str, columns: Mapping[str, str]) -> dict[str, str]:
    """Columns that came after rows.py was written and take no NULL: it should not have to follow each of them."""
    found = session.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'",
        [table],
    )
    return {name: _nothing(kind) for name, kind in found if name not in columns}


def _nothing(kind: str) -> str:
    if kind.startswith("timestamp"):
        return "now()"
    return next((value for start, value in _NOTHING.items() if kind.startswith(start)), "'0'")


def _execute(session: psycopg.Connection[Any], statement: str, facts: Mapping[str, object]) -> None:
    # Bound by the client: a server that binds takes no parameters in CREATE TABLE AS.
    psycopg.ClientCursor(session).execute(statement.encode(), facts)


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.scale.load", description=__doc__)
    options.add_argument("--users", type=int, required=True)
    options.add_argument("--environments", type=int, required=True)
    options.add_argument("--flagship", type=uuid.UUID, required=True)
    given = options.parse_args()
    started = time.monotonic()
    with psycopg.connect(**_owner(), autocommit=True) as session:
        load(session, Sizes(given.users, given.environments), given.flagship)
    sys.stderr.write(f"{given.users:,} users in {time.monotonic() - started:.0f} s\n")


def _owner() -> dict[str, Any]:
    """How psycopg connects as the role that owns the schema of this installation."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    facts = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
    address = {name.lower(): facts[name] for name in ("USER", "PASSWORD", "HOST", "PORT") if facts[name]}
    return {"dbname": facts["NAME"], **address}


if __name__ == "__main__":
    main()
