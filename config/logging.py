"""Log lines: structlog over the standard library, so that Django's, Celery's and granian's lines look like ours.

What looks like a secret or a full identifier is masked in the last step before rendering, tracebacks included. That is
a net below the rule that none is logged in the first place, not a licence.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

_MASK = "…"
_PATTERNS = [
    (re.compile(r"\b([a-z]+_(?:live|test)_)[0-9A-Za-z]{20,}"), rf"\1{_MASK}"),
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*)*"), f"eyJ{_MASK}"),
    (re.compile(r"://[^/\s@]*:[^/\s@]*@"), f"://{_MASK}@"),
    (re.compile(r"\b((?:\w*_)?(?:token|secret|password)=)[^&\s\"']+"), rf"\1{_MASK}"),
    (re.compile(r"([^\s@<>\"'(),;:=/])[^\s@<>\"'(),;:=/]*@((?:[\w-]+\.)+\w{2,})"), rf"\1{_MASK}@\2"),
    (re.compile(r"(\+\d{2})[\d ()./-]{4,}\d"), rf"\1{_MASK}"),
    (re.compile(r"(?i)((?:code|otp)\w*\W{0,4}(?:is\W{1,3})?)\d{6,10}\b"), rf"\1{_MASK}"),
]
_SECRET_NAMES = re.compile(r"(?i)(?:^|_)(?:password|secret|token|authorization|nonce)$|^(?:app|api)[_-]key$")
_CODE_NAMES = re.compile(r"(?i)(?:^|_)(?:code|otp)$")
_QUIET = ("httpx", "httpcore")


def configure(log_format: str, level: str) -> None:
    """`json` for machines, anything else for people; one line per event to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(log_format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:  # They tell every request with its full URL at INFO.
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        # What is below the level is dropped before anything is done with it.
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.captureWarnings(True)


def as_configured() -> logging.Formatter:
    """For granian's main process, which loads no Django but takes a formatter from config/granian.json."""
    from django.conf import settings  # noqa: PLC0415 - settings import this module.

    return _formatter(settings.LOG_FORMAT)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: _masked(name, value) for name, value in event.items()}


def _masked(name: object, value: object) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(key, item) for key, item in value.items()}
    if isinstance(name, str) and value and _is_secret(name, value):
        return _MASK
    if isinstance(value, list | tuple | set):
        return [_masked(None, item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _without_secrets(str(value))


def _is_secret(name: str, value: object) -> bool:
    """A status_code is a fact; only what has the length of a code is one."""
    is_code = _CODE_NAMES.search(name) and re.fullmatch(r"\d{4,10}", str(value))
    return bool(is_code or _SECRET_NAMES.search(name))


def _without_secrets(text: str) -> str:
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _formatter(log_format: str) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            _renderer(log_format),
        ],
    )


def _renderer(log_format: str) -> Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
