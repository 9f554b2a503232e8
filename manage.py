#!/usr/bin/env python
"""Latchkey's command line: `./manage.py help` lists what there is."""

import os
import sys

from config import stack


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    stack.hold()
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - The servers come before Django.

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
