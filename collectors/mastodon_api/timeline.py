"""The way through a timeline, page by page, and what each page proves.

The first look goes from the newest post backwards. Every later visit walks forwards with `min_id`, oldest first. A
server gives posts of other servers ids by the time they were *written*, so one that arrives late lies before those we
have read; hence a walk begins not at the newest post we know, but some minutes before the end of what was observed.
Within one second ids are in no order at all, so dates are trusted to the second only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from collectors.base import NOTHING_PROVED, Cursor, Page, Stretch
from collectors.mastodon_api.server import Parameters, Server, entries
from collectors.reading import moment, unknown_shape

if TYPE_CHECKING:
    from collectors.fetch import Fetched

LIMIT = 40
_SECOND = timedelta(seconds=1)


def order(native: str) -> tuple[int, str]:
    """Ids are opaque; those of one server are ordered by length, then as text."""
    return len(native), native


@dataclass(slots=True)
class Position:
    """How far a timeline was read: the cursor, in words."""

    of: str
    account: str | None = None
    """The server's id of the account, for sources that are one."""
    until: datetime | None = None
    """Everything before this was seen, back to the beginning of the coverage."""
    start: str | None = None
    """The post after which the next walk begins; None: the timeline was empty."""
    at: str | None = None
    """The post after which a walk that was cut short goes on."""
    late: str | None = None
    """Where the walk after this one is to begin, as far as this one has come."""
    back: str | None = None
    """The post before which a first look that was cut short goes on …"""
    top: datetime | None = None
    """… the time when it began …"""
    floor: datetime | None = None
    """… and how far back it is to reach."""

    @classmethod
    def read(cls, cursor: Cursor, of: str) -> Position:
        """The position that a cursor holds; that of a new source if it belongs to another address."""
        if cursor.get("of") != of:
            return cls(of)
        texts = {
            name: value
            for name in ("account", "start", "at", "late", "back")
            if isinstance(value := cursor.get(name), str)
        }
        times = {name: value for name in ("until", "top", "floor") if (value := moment(cursor.get(name))) is not None}
        return cls(of, **texts, **times)  # type: ignore[arg-type]  # both are declared above

    def write(self) -> Cursor:
        """As JSON."""
        held: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in held.items()
            if value is not None
        }


class Timeline:
    """One visit's way through one listing of a server."""

    def __init__(
        self, server: Server, position: Position, path: str, parameters: Parameters,
        *, pages: int, days: float, overlap: timedelta,
    ) -> None:  # fmt: skip
        """`pages`: requests for posts that this visit may make; `days`: how far back a first look reaches."""
        self.server = server
        self.position = position
        self.left = pages
        self.newest: str | None = None
        """The newest post seen on this visit."""
        self._path = path
        self._parameters = [*parameters, ("limit", str(LIMIT))]
        self._days = timedelta(days=days)
        self._overlap = overlap

    async def catch_up(self) -> AsyncIterator[Page]:
        """Everything up to now, or as much of it as the visit's pages allow. Raises CollectError only."""
        looked = False
        if self.position.back is not None or self.position.start is None:
            looked = self.position.back is None
            async for page in self._look_back():
                yield page
        if not looked:
            async for page in self._walk():
                yield page

    async def go_on(self) -> AsyncIterator[Page]:
        """What has come since `catch_up`, without reading again what may have come late."""
        self.position.at = self.newest
        async for page in self.catch_up():
            yield page

    async def _look_back(self) -> AsyncIterator[Page]:
        position, asked = self.position, self.server.access.now()
        top = position.top = position.top or asked
        if position.floor is None:
            position.floor = top - self._days if position.until is None else position.until - self._overlap
        floor, known = position.floor, position.until is not None
        while self.left > 0:
            self.left -= 1
            before = [] if position.back is None else [("max_id", position.back)]
            fetched, found = await self.server.ask_list(self._path, [*self._parameters, *before])
            posts = entries(found)
            if not found and position.back is None:
                await self.server.explain_empty()
            self._remember(posts, top)
            dates = [date for _, date in posts if date is not None]
            oldest = dates[-1].replace(microsecond=0) + _SECOND if dates else top
            ended = not found or oldest < floor
            if not ended and (self.left or known):
                position.back = self._next(fetched, found, posts, "next", "max_id")
                yield self._page(fetched, Stretch(oldest, top))
                continue
            position.until, position.start = top, position.late or (posts[-1][0] if posts else position.back)
            position.back = position.top = position.floor = position.late = None
            yield self._page(fetched, Stretch(floor if ended else oldest, top))
            return

    async def _walk(self) -> AsyncIterator[Page]:
        position = self.position
        first = position.at is None
        while self.left > 0:
            self.left -= 1
            asked = self.server.access.now()
            since = position.until if position.until is not None else asked
            after = position.at or position.start or ""
            fetched, found = await self.server.ask_list(self._path, [*self._parameters, ("min_id", after)])
            if not found:
                if first:
                    await self.server.explain_empty()
                position.until, position.start = max(asked, since), position.late or position.start
                position.at = position.late = None
                yield self._page(fetched, Stretch(since, position.until))
                return
            first = False
            posts = entries(found)
            self._remember(posts, asked)
            position.at = self._next(fetched, found, posts, "prev", "min_id")
            dates = [date for _, date in posts if date is not None and date <= asked]
            reached = dates[0].replace(microsecond=0) if dates else since
            position.until = max(reached, since)
            yield self._page(fetched, Stretch(since, position.until))

    def _remember(self, posts: list[tuple[str, datetime | None]], asked: datetime) -> None:
        """Take note of the newest post, and of the newest that is too old for others to arrive before it."""
        for native, date in posts:
            if self.newest is None or order(native) > order(self.newest):
                self.newest = native
            old = date is not None and date <= asked - self._overlap
            if old and (self.position.late is None or order(native) > order(self.position.late)):
                self.position.late = native

    def _next(
        self, fetched: Fetched, found: list[Any], posts: list[tuple[str, datetime | None]], relation: str, name: str
    ) -> str:
        """Where the next page begins: what the Link header says, of which the parameter alone is taken, so that no
        request goes where an answer points; or the page's own first or last id."""
        link = urlsplit(fetched.links.get(relation, "")).query
        told = parse_qs(link).get(name, [""])[0]
        ids = [native for native, _ in posts]
        forwards = name == "min_id"
        there = told or (max(ids, key=order, default="") if forwards else min(ids, key=order, default=""))
        here = (self.position.at or self.position.start) if forwards else self.position.back
        stuck = here is not None and (order(there) <= order(here) if forwards else order(there) >= order(here))
        if stuck or not there:
            raise unknown_shape(self.server.source, "its pages do not lead on")
        return there

    def _page(self, fetched: Fetched, observed: Stretch) -> Page:
        return Page(
            body=fetched.body,
            url=fetched.url,
            fetched_at=fetched.fetched_at,
            content_type=fetched.content_type,
            resume=self.position.write(),
            observed=observed if observed.since < observed.until else NOTHING_PROVED,
            context={"kind": "list", "deprecated": self.server.deprecated},
        )
