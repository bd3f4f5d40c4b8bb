"""A way through a channel's preview, from its newest post back to the known. Pure.

Posts are numbered in their order, and `before=NUMBER` means the same for ever. So every page can be gone on from, in
the same visit or a later one, and a post that was deleted meanwhile does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from collectors.base import NOTHING_PROVED, Cursor, Stretch
from collectors.reading import count, mapping, moment


@dataclass(frozen=True, slots=True)
class Walk:
    low: int
    """Posts up to this number are known; 0: none."""
    since: datetime
    """When the last walk began; in a first one: how far back to go."""
    until: datetime
    """When this walk began at the newest post."""
    shown: datetime
    """Shown without a hole from here to `until`."""
    before: int | None = None
    """Go on with posts before this number; None: at the newest."""
    top: int = 0
    """The highest number that was seen; 0: no post at all. Every channel shows at least a note of its creation, so
    that is a bad day or a page that has changed, and no sign that it was quiet."""
    reached: bool = False
    lost: bool = False
    """The preview ended before the known did: older posts are not shown any more."""

    @classmethod
    def begin(cls, cursor: Cursor, *, now: datetime, floor: datetime) -> Walk:
        """A new one, from the newest post."""
        return cls(count(cursor.get("top")) or 0, moment(cursor.get("until")) or floor, until=now, shown=now)

    @classmethod
    def unfinished(cls, cursor: Cursor) -> Walk | None:
        """The one that the last visit left open, if it did."""
        left: Mapping[str, Any] = mapping(cursor.get("open"))
        times = [moment(left.get(name)) for name in ("since", "until", "shown")]
        before = count(left.get("before"))
        if before is None or None in times:
            return None
        since, until, shown = (at for at in times if at is not None)
        return cls(count(cursor.get("top")) or 0, since, until, shown, before, count(left.get("top")) or 0)

    def take(self, numbers: set[int], oldest: datetime | None) -> Walk:
        """After one more page."""
        if not numbers:
            return replace(self, reached=True, lost=self.low > 0)
        shown = self.shown if oldest is None else min(self.shown, oldest)
        bottom = min(numbers)
        at_floor = self.low == 0 and oldest is not None and oldest < self.since
        return replace(
            self,
            shown=shown,
            before=bottom,
            top=max(self.top, *numbers),
            reached=bottom <= max(self.low, 1) or at_floor,
        )

    @property
    def proved(self) -> Stretch | Literal["nothing"]:
        """What all pages of this walk have shown."""
        if self.top == 0:
            return NOTHING_PROVED
        if self.reached and not self.lost:
            return Stretch(min(self.since, self.until), self.until)
        return Stretch(self.shown, self.until, "overflow" if self.lost else None)

    def resume(self, cursor: Cursor) -> dict[str, Any] | None:
        """The cursor after this page; None: stay where we were."""
        if self.reached:
            if self.top == 0:
                return None
            return {"top": max(self.top, self.low), "until": self.until.isoformat()}
        left = {
            "before": self.before,
            "top": self.top,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "shown": self.shown.isoformat(),
        }
        return {name: cursor[name] for name in ("top", "until") if name in cursor} | {"open": left}
