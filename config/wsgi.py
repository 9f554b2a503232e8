"""What granian serves."""

import gc
import os

import django
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from config.handler import Handler, spare_signals  # noqa: E402 - It needs the settings.

spare_signals()
application = Handler()
# Import every view now, else the first request of each worker process waits most of a second for it.
_ = get_resolver().url_patterns
# What is there now stays for as long as the process: the collector need not look through it again and again, nor write
# into memory that is shared with the process that config.preload forked this one from.
gc.collect()
gc.freeze()
