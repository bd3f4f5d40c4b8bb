"""Which collectors there are: every module of this package that defines COLLECTOR, by its file name.

Adding one is adding a file; nothing here, or anywhere, lists them.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import collectors
from collectors.base import Collector


class UnknownCollectorError(LookupError):
    """No collector has this name. The message lists those that exist."""


def names() -> tuple[str, ...]:
    """The names of all collectors, in alphabetical order."""
    return tuple(sorted(_all()))


def get(name: str) -> Collector:
    """The collector of this name. Raises UnknownCollectorError."""
    try:
        return _all()[name]
    except KeyError:
        raise UnknownCollectorError(f"There is no collector {name!r}. There are: {', '.join(names())}.") from None


@cache
def _all() -> dict[str, Collector]:
    found: dict[str, Collector] = {}
    for module in pkgutil.iter_modules(collectors.__path__):
        if module.ispkg or module.name.startswith("_"):
            continue
        collector = getattr(importlib.import_module(f"collectors.{module.name}"), "COLLECTOR", None)
        if collector is not None:
            found[module.name] = collector
    return found
