"""Structured logs on standard error: for people on a terminal, JSON elsewhere. Secrets never pass."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,30}://[^\s<>\"'`]+", re.IGNORECASE)


def configure(level: str = "INFO", *, as_json: bool = False) -> None:
    """Lines for people, or JSON lines for programs. May be called again."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redacted,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        # asked for at every line: whoever redirects standard error later is followed
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def without_secrets(text: str) -> str:
    """A text in which every web address is shown without user, password and what looks like a key."""
    if "://" not in text:
        return text
    # Imported late: it brings the HTTP client, and most runs log no address at all
    from collectors.net.urls import redact

    return _ADDRESS.sub(lambda match: redact(match[0]), text)


def _redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = without_secrets(value)
        elif isinstance(value, list | tuple | dict | BaseException):
            event[name] = without_secrets(str(value)) if "://" in str(value) else value
    return event


class _Redacting(logging.Formatter):
    """Libraries log too; what they say, tracebacks included, passes the same gate."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))
