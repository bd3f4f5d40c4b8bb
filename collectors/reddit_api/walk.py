"""A way through one listing, from its newest entry back to where the last visit began. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from collectors.base import NOTHING_PROVED, Stretch
from collectors.reading import array, epoch_moment, mapping, moment, text

ANCHORS = 10
"""So many of the newest posts are remembered, because any of them may be deleted before the next visit."""
DEPTH = {"search": 200, "communities": 900, "account": 900}
"""Entries after which the end of a listing is taken for Reddit's limit (about 1,000; searches are reported to end
earlier) and not for the end of the community."""
MOST_PAGES = 12


@dataclass(slots=True)
class Walk:
    """What was seen so far. Mutable; one for each listing and visit."""

    edge: datetime
    """Entries older than this are beyond the end."""
    known: Mapping[str, datetime]
    """Anchors of the last visit."""
    depth: int
    taken: int = 0
    pages: int = 0
    oldest: datetime | None = None
    reached: bool = False
    """It met what is known, or went past it."""
    ended: bool = False
    """Reddit has no more pages."""
    cut: bool = False
    """A further page came empty, as it does when the post that it should go on after was removed meanwhile."""
    newest: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def after(cls, state: Any, *, floor: datetime, kind: str) -> Walk:
        """From what the cursor holds of this listing. `floor`: how far back to go where there are no anchors."""
        pairs = [one for one in array(mapping(state).get("known")) if isinstance(one, list) and len(one) == 2]
        known = {text(name): at for name, at in ((name, moment(at)) for name, at in pairs) if at is not None}
        return cls(min(known.values(), default=floor), known, DEPTH[kind])

    def take(self, children: Iterable[Any], after: str | None) -> None:
        """Go on by one page. Pinned posts stand where they please, so they say nothing about how far it is."""
        self.pages += 1
        before = self.taken
        for child in children:
            data = mapping(mapping(child).get("data"))
            self.taken += 1
            if data.get("stickied") is True or data.get("pinned") is True:
                continue
            name, at = text(data.get("name")), epoch_moment(data.get("created_utc"))
            if name in self.known:
                self.reached = True
            if at is None:
                continue
            self.oldest = at if self.oldest is None else min(self.oldest, at)
            if at < self.edge:
                self.reached = True
            if name and len(self.newest) < ANCHORS:
                self.newest[name] = at
        self.ended = after is None or self.pages >= MOST_PAGES
        self.cut = self.pages > 1 and self.taken == before and self.taken < self.depth

    @property
    def done(self) -> bool:
        return self.reached or self.ended

    @property
    def lost(self) -> bool:
        """Reddit's listing ended before the known did."""
        return self.ended and not self.reached and (self.taken >= self.depth or self.pages >= MOST_PAGES)

    @property
    def unsure(self) -> bool:
        """It ended in a way that proves nothing: cut, or nothing at all came where something was known."""
        return self.cut or (self.ended and self.taken == 0 and bool(self.known))

    def shown(self, now: datetime) -> Stretch | Literal["nothing"]:
        """What the pages so far prove."""
        return NOTHING_PROVED if self.oldest is None else Stretch(min(self.oldest, now), now)

    def state(self) -> dict[str, Any]:
        """For the cursor: this visit's newest, filled up with those of the last."""
        merged = self.newest | {name: at for name, at in self.known.items() if name not in self.newest}
        kept = list(merged.items())[:ANCHORS]
        return {"known": [[name, at.isoformat()] for name, at in kept]}


def conclude(walks: Iterable[Walk], since: datetime, now: datetime) -> Stretch | Literal["nothing"]:
    """What a whole visit has shown: back to `since`, or to where the first of its listings ended too early."""
    walks = tuple(walks)
    if any(walk.unsure for walk in walks):
        return NOTHING_PROVED
    ends = [min(walk.oldest or now, now) for walk in walks if walk.lost]
    start = max([since, *ends])
    return Stretch(min(start, now), now, "overflow" if ends else None)
