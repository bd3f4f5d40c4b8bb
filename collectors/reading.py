"""Reading what platforms answer: JSON that may not be what it should, one item at a time. Pure.

A value that is missing or of the wrong kind is None, never zero or now; an item without what makes it a post is set
aside with a reason, and the others are not affected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from collectors.base import Drifted, Item, Page, Parsed, Rejected, Source

RAW_LIMIT = 64_000
"""Bytes of an item that cannot be read that are kept for a later try."""
_DIGITS = re.compile(r"\d{1,18}")
_ZONE = re.compile(r"([+-]\d\d)(\d\d)$")
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableItemError(Exception):
    """This item cannot be used; the message says why in words that are the same for all items with this fault."""


def load(source: Source, page: Page) -> Any:
    """The JSON of a page. Raises Drifted('not_json'): HTML with 200 is a common bad day."""
    body = page.body or b""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        start = body[:60].decode("utf-8", "replace").strip()
        raise Drifted(
            f"{source.id}: the answer is not JSON (it begins {start!r}). It is tried again later.", code="not_json"
        ) from None


def load_object(source: Source, page: Page) -> Mapping[str, Any]:
    """The JSON object of a page. Raises Drifted('not_json' or 'unknown_shape')."""
    value = load(source, page)
    if not isinstance(value, dict):
        raise unknown_shape(source, f"an object was expected, {type(value).__name__} came")
    return value


def unknown_shape(source: Source, what: str) -> Drifted:
    """The answer as a whole is not what this collector reads."""
    return Drifted(f"{source.id}: the platform's answer has changed ({what}). Please report it.", code="unknown_shape")


def read_items(
    entries: Iterable[Any], read: Callable[[Mapping[str, Any]], Item | None]
) -> tuple[tuple[Item, ...], tuple[Rejected, ...]]:
    """Each entry through `read`, which returns None for what is not a post and raises UnreadableItemError (or stumbles:
    KeyError, TypeError, ValueError, AttributeError, IndexError) for what cannot be read; that is set aside."""
    items: dict[str, Item] = {}
    rejected = []
    for entry in entries:
        try:
            if not isinstance(entry, Mapping):
                raise UnreadableItemError(f"{type(entry).__name__} is not a post")
            item = read(entry)
        except UnreadableItemError as error:
            rejected.append(reject(str(error), entry))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            rejected.append(reject(f"unknown shape ({type(error).__name__})", entry))
        else:
            if item is not None:
                items[item.id] = item
    return tuple(items.values()), tuple(rejected)


def reject(reason: str, entry: Any) -> Rejected:
    raw = orjson.dumps(entry, default=str)
    return Rejected(reason, raw[:500].decode("utf-8", "replace"), raw[:RAW_LIMIT])


def needed(value: Any, name: str) -> str:
    """A text (or whole number, as text) that every post has. Raises UnreadableItemError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise UnreadableItemError(f"no {name}")
    return value


def text(value: Any) -> str:
    """A text, or empty."""
    return value if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """A whole number from 0 up, also written as text; None for anything else (hidden, absent, negative, true)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else None


def total(*counts: int | None) -> int | None:
    """The sum of those that are known; None if none is."""
    known = [one for one in counts if one is not None]
    return sum(known) if known else None


def flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def array(value: Any) -> list[Any]:
    """A list, or an empty one."""
    return value if isinstance(value, list) else []


def moment(value: Any) -> datetime | None:
    """RFC 3339 or ISO 8601 with zone ('+0000' too) → aware UTC; without zone it is taken as UTC. None if absurd."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(_ZONE.sub(r"\1:\2", value.strip()))
    except ValueError:
        return None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    try:
        return _sane(found.astimezone(UTC))
    except OverflowError:
        return None


def epoch_moment(value: Any, *, unit: timedelta = timedelta(seconds=1)) -> datetime | None:
    """A number of `unit`s since 1970 (seconds, milliseconds, microseconds), also as text → aware UTC."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return _sane(_EPOCH + value * unit)
    except (OverflowError, ValueError):
        return None


def needed_moment(found: datetime | None, name: str) -> datetime:
    """A time that every post has. Raises UnreadableItemError."""
    if found is None:
        raise UnreadableItemError(f"{name} is not a date")
    return found


def parsed(entries: Iterable[Any], read: Callable[[Mapping[str, Any]], Item | None]) -> Parsed:
    """`read_items` as the result of a page."""
    items, rejected = read_items(entries, read)
    return Parsed(items, rejected=rejected)


def _sane(found: datetime) -> datetime | None:
    return found if found >= _EARLIEST else None
