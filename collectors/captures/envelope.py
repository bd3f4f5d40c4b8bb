"""One line of a capture → one item. Pure.

A line holds the platform's own JSON of one post (`data`) in an envelope that says where it was seen: `source_platform`,
`source_platform_url`, `timestamp_collected` (milliseconds), `item_id`, `nav_index` and, in newer versions, more. Files
that went through 4CAT hold the same the other way round: the post, with the envelope in `__import_meta`.

A capture says what one browser was shown. It says nothing of what else there was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from collectors.base import Item
from collectors.captures import instagram, linkedin, pinterest, threads, tiktok, x
from collectors.captures.fields import COMMENT
from collectors.reading import UnreadableItemError, epoch_moment

Mapper = Callable[[Mapping[str, Any], datetime | None], Item]
"""(the platform's JSON of one post, when it was seen) → the post. Raises UnreadableItemError with a stable reason."""

MAPPERS: Mapping[str, Mapper] = {
    "x": x.read,
    "linkedin": linkedin.read,
    "instagram": instagram.read,
    "tiktok": tiktok.read,
    "threads": threads.read,
    "pinterest": pinterest.read,
}
"""Platform as config/platforms.yaml calls it → who reads its JSON."""
PLATFORMS: Mapping[str, str] = {
    "x.com": "x",
    "twitter.com": "x",
    "linkedin.com": "linkedin",
    "instagram.com": "instagram",
    "tiktok.com": "tiktok",
    "threads.net": "threads",
    "threads.com": "threads",
    "pinterest.com": "pinterest",
}
"""`source_platform` of an envelope → platform."""
_META = "__import_meta"
_MILLISECOND = timedelta(milliseconds=1)


class CaptureError(ValueError):
    """This capture cannot be mapped. `reason` is the same for all that fail alike and names the platform; `value`, if
    there is one, is what was found instead."""

    def __init__(self, reason: str, value: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


def is_capture(record: Mapping[str, Any]) -> bool:
    """True for a line in such an envelope; a record that has a date of its own is none."""
    if "published_at" in record:
        return False
    meta = record.get(_META)
    if isinstance(meta, Mapping):
        return "source_platform" in meta
    return "source_platform" in record and "data" in record


def read_capture(record: Mapping[str, Any]) -> tuple[str, Item]:
    """The platform and the post. Raises CaptureError."""
    meta = record.get(_META)
    envelope, data = (meta, record) if isinstance(meta, Mapping) else (record, record.get("data"))
    platform = _platform(envelope.get("source_platform"))
    if not isinstance(data, Mapping):
        raise CaptureError(f"{platform}: data is not an object")
    try:
        return platform, MAPPERS[platform](data, epoch_moment(envelope.get("timestamp_collected"), unit=_MILLISECOND))
    except UnreadableItemError as error:
        raise CaptureError(f"{platform}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise CaptureError(f"{platform}: unknown shape ({type(error).__name__})") from None


def _platform(value: Any) -> str:
    name = value.strip().lower().removeprefix("www.") if isinstance(value, str) else ""
    if name.endswith(("-comments", "_comments")):
        raise CaptureError(f"captured comments: {COMMENT}", name)
    if name not in PLATFORMS:
        known = ", ".join(sorted(MAPPERS))
        raise CaptureError(f"captures of this platform cannot be mapped (those of {known} can)", value)
    return PLATFORMS[name]
