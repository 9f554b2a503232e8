"""The application may add events and nothing else, so this runs as the owner, at the operator's word."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from apps.management.owner import prune_events


def days(text: str) -> timedelta:
    """`400d`, or `400`. Not less than a day: what is told of today has not been read yet."""
    number = text.removesuffix("d")
    if not number.isdecimal() or not 1 <= int(number) <= 36_500:  # noqa: PLR2004 - A hundred years.
        raise ArgumentTypeError("a number of days from 1 on, such as 400d")
    return timedelta(days=int(number))


class Command(BaseCommand):
    help = "Remove events older than a number of days, in batches, as the role that owns the schema."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=days, required=True, metavar="400d", help="a number of days")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{prune_events(options['older_than'])} events removed")
