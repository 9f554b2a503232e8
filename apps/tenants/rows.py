"""Models out of one statement over several tables, as `select_related` makes them at seven times the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, models

from apps.core.database import stored
from apps.tenants.models import Environment, Project

M = TypeVar("M", bound=models.Model)


@cache
def columns(model: type[models.Model]) -> str:
    """All columns of a model's row `k`, of its environment `e` and of its project `p`, for a SELECT."""
    tables: list[tuple[str, type[models.Model]]] = [("k", model), ("e", Environment), ("p", Project)]
    return ", ".join(f"{alias}.{column}" for alias, table in tables for column, _name in stored(table))


def with_environment(model: type[M], row: tuple[Any, ...]) -> tuple[M, Environment, Iterator[Any]]:
    """What `columns` selected, the environment with its project, and the values that came after them."""
    values = iter(row)
    first, environment, project = _made(model, values), _made(Environment, values), _made(Project, values)
    environment.project = project
    return first, environment, values


def _made(model: type[M], values: Iterator[Any]) -> M:
    """The next of a row's values as a model, as the ORM would make it."""
    names = [name for _column, name in stored(model)]
    return model.from_db(DEFAULT_DB_ALIAS, names, list(islice(values, len(names))))
