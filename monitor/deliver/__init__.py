"""Channels: one file each, found by its name. Adding one is adding a file; nothing lists them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.deliver.base import Channel


@cache
def channels() -> Mapping[str, Channel]:
    """Every module of this package that defines CHANNEL, by its file name."""
    found: dict[str, Channel] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        channel = getattr(importlib.import_module(f"{__name__}.{module.name}"), "CHANNEL", None)
        if channel is not None:
            found[module.name] = channel
    return MappingProxyType(found)
