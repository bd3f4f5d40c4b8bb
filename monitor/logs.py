"""Structured logs on standard error: for people on a terminal, JSON elsewhere. Secrets never pass."""

from __future__ import annotations

import importlib.util
import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,30}://[^\s<>\"'`]+", re.IGNORECASE)


def configure(level: str = "INFO", *, as_json: bool = False) -> None:
    """Lines for people, or JSON lines for programs. May be called again."""
    if "structlog" in sys.modules:
        _configure_structlog(level, as_json)
    else:
        sys.meta_path.insert(0, _Awaited("structlog", lambda: _configure_structlog(level, as_json)))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Awaited(MetaPathFinder):
    """Does something once a module is loaded, by whomever.

    structlog takes a tenth of a second to load, and most commands log nothing; but who loads it must find it set up.
    """

    def __init__(self, module: str, then: Callable[[], None]) -> None:
        self._module, self._then = module, then

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def load(module: Any) -> None:
                execute(module)
                self._then()

            spec.loader.exec_module = load  # type: ignore[method-assign]  # of this one loader
        return spec


def _configure_structlog(level: str, as_json: bool) -> None:
    import structlog

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
