"""Answers to 'is this post still there?', one for each post, as a batch gives them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from collectors.base import Item, Parsed
from collectors.graph.faults import Fault, read_fault
from collectors.reading import array, mapping, read_items, text


@dataclass(frozen=True, slots=True)
class Found:
    post: Mapping[str, Any]
    """Empty if there is a fault."""
    fault: Fault | None

    @property
    def gone(self) -> bool:
        """The platform says that it does not exist (or not for this key: see where it is asked)."""
        return self.fault is not None and self.fault.about_absence


def found_or_gone(entries: Any, asked: Sequence[str]) -> dict[str, Found]:
    """The answers of a batch by what was asked for, in its order. Those that cannot be read are left out."""
    found = {}
    for one, entry in zip(asked, array(entries), strict=False):
        try:
            body = orjson.loads(text(mapping(entry).get("body")))
        except orjson.JSONDecodeError:
            continue
        fault = read_fault(body)
        if fault is not None or isinstance(body, dict):
            found[one] = Found({} if fault else body, fault)
    return found


def parse_lookups(entries: Any, asked: Sequence[str], read: Callable[[Mapping[str, Any]], Item | None]) -> Parsed:
    """Items of those that are there, and deleted ones for those that are gone; nothing for those with other faults."""
    found = found_or_gone(entries, asked)
    items, rejected = read_items([one.post for one in found.values() if one.fault is None], read)
    gone = tuple(Item(id=native, deleted=True) for native, one in found.items() if one.gone)
    return Parsed((*items, *gone), rejected=rejected)
