"""Writes the dialects' OpenAPI documents, or says which of them no longer tell what the code does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.dialects.openapi.committed import FOLDER


class Command(BaseCommand):
    help = "Write the OpenAPI document of every dialect."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django declares it so.

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing, and fail where a document is stale")
        parser.add_argument("--folder", type=Path, default=FOLDER, help="where the documents are")

    def handle(self, *_args: Any, check: bool, folder: Path, **_options: Any) -> None:
        documents = made()
        stale = {path: text for name, text in documents.items() if read(path := folder / f"{name}.json") != text}
        if check and stale:
            names = ", ".join(path.name for path in stale)
            raise CommandError(f"{names}: no longer what the code says. Run manage.py openapi and commit.")
        for path, text in stale.items():
            path.write_text(text)
            self.stdout.write(f"{path.name} written")


def made() -> dict[str, str]:
    """The text of each document by its dialect's name."""
    try:
        from apps.dialects.openapi import build  # noqa: PLC0415 - production has no drf-spectacular.
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("drf_spectacular"):
            raise CommandError("drf-spectacular is missing: it is one of requirements/dev.txt.") from None
        raise
    return {document.name: build.written(document) for document in build.DOCUMENTS}


def read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
