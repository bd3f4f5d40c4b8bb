"""Following the Jetstream for the length of a visit, and keeping what a source is about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from collectors.atproto_api.events import POSTS, Event, micros_of, moment_of, read_event
from collectors.atproto_api.keywords import Filter
from collectors.base import NOTHING_PROVED, CollectError, Cursor, Drifted, Page, RetryLater, Source, Stretch
from collectors.reading import mapping, unknown_shape

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.net.websocket import Messages

SILENCE = 10.0
"""Seconds without an event that end a visit: the whole network is never silent for so long."""
LONGEST = 240.0
"""Seconds after which a visit ends wherever it is."""
PAGE_SECONDS = 5.0
PAGE_POSTS = 500
PAGE_LINES = 5_000
PAGE_BYTES = 1_000_000
_REWIND = 5_000_000
"""Microseconds. Events are only roughly in the order of their times."""
_HOLE = 60_000_000
"""Microseconds from the last event known to the first one sent, from which on something is missing in between."""
_HOUR = 3_600_000_000
_LOOK_BACK = 36 * _HOUR
"""Microseconds that the platform keeps."""
_STRANGE = 20
"""So many messages that cannot be read, and none that can: the format has changed."""


@dataclass(slots=True)
class _Visit:
    """Where a visit is, and what waits for its next page."""

    host: str
    wire: str
    start: int
    """When it began, in microseconds."""
    wanted: Filter
    known: int | None
    """The time of the last event of the visits before, microseconds."""
    since: int | None = None
    """From when on nothing is missing."""
    lost: bool = False
    newest: int = 0
    seq: int | None = None
    caught_up: bool = False
    error: str | None = None
    strange: int = 0
    lines: list[bytes] = field(default_factory=list)
    posts: int = 0
    size: int = 0
    gone: set[str] = field(default_factory=set)
    moved: bool = False
    """It has read something since the last page."""

    @property
    def broken(self) -> bool:
        """It ended with an error other than that we read too slowly: that one is mended by the next visit."""
        return self.error not in (None, "ConsumerTooSlow")

    def take(self, raw: str | bytes) -> bool:
        """Take one message in. True: a page is full."""
        try:
            event = read_event(raw)
            self._place(event)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            self.strange += 1
            return self._keep(raw)
        kind = event.kind
        if kind == "post":
            if event.operation == "delete":
                return self._keep(raw)
            if isinstance(event.record, Mapping) and self.wanted.wants(event.did, event.record, raw):
                self.posts += 1
                return self._keep(raw)
            if event.operation == "update":  # it may once have been one of ours: what we hold is no longer what it says
                return self._keep(_as_delete(event))
        elif kind == "gone":
            self.gone.add(event.did)
            return self._keep(raw)
        elif kind == "back" and event.did in self.gone:
            return self._keep(raw)
        elif kind == "error":
            self.error = event.operation
        return False

    def page(self, now: datetime, url: str) -> Page | None:
        """What was read since the last page, and how far that is; None if nothing was."""
        if not self.moved and not self.lines:
            return None
        body = b"\n".join(self.lines) if self.lines else None
        observed: Stretch | Any = NOTHING_PROVED
        resume = None
        if self.since is not None:
            gap = "lost cursor" if self.lost else None
            observed = Stretch(moment_of(self.since), moment_of(self.newest), gap)
            resume = {"stream": {"host": self.host, "wire": self.wire, "micros": self.newest, "seq": self.seq}}
        self.lines, self.posts, self.size, self.moved = [], 0, 0, False
        self.gone.clear()
        return Page(
            body=body,
            url=url,
            fetched_at=now,
            content_type="application/x-ndjson",
            resume=resume,
            observed=observed,
            context={"kind": "stream"},
        )

    def _place(self, event: Event) -> None:
        if event.kind == "info":
            self.lost = self.lost or self.known is not None
            return
        if event.kind == "error":
            return
        floor = (self.start - _LOOK_BACK if self.known is None else self.known) - _HOUR
        if not floor <= event.micros <= self.start + 24 * _HOUR:
            raise ValueError("no time of an event")
        if self.since is None:
            if self.known is not None and event.micros > self.known + _HOLE:
                self.lost = True
            self.since = event.micros if self.lost or self.known is None else self.known
            self.newest = self.since
        self.newest = max(self.newest, event.micros)
        if event.seq is not None:
            self.seq = event.seq
        self.moved = True
        if event.micros >= self.start:
            self.caught_up = True

    def _keep(self, raw: str | bytes) -> bool:
        line = raw.encode() if isinstance(raw, str) else raw
        if b"\n" in line:
            line = line.replace(b"\n", b" ")
        self.lines.append(line)
        self.size += len(line) + 1
        return self.posts >= PAGE_POSTS or len(self.lines) >= PAGE_LINES or self.size >= PAGE_BYTES


async def follow(
    source: Source, wanted: Filter, cursor: Cursor, access: Access, now: datetime, options: Mapping[str, Any]
) -> AsyncIterator[Page]:
    """Replay what was missed, then listen on for a while. A page every five seconds, and one at the end."""
    host, wire = str(options["host"]), str(options["wire"])
    held = mapping(cursor.get("stream"))
    known = held.get("micros") if isinstance(held.get("micros"), int) else None
    visit = _Visit(host, wire, micros_of(now), wanted, known)
    if known is None:
        back = timedelta(hours=options["look_back_hours"])
        place: int | None = micros_of(now - back) if back else None
    else:
        same = (held.get("host"), held.get("wire")) == (host, wire)
        place = held["seq"] if wire == "v2" and same and isinstance(held.get("seq"), int) else known - _REWIND
    address = f"wss://{host}"  # without the cursor, so that all pages of a source come from one address
    loop = asyncio.get_running_loop()
    begun = loop.time()
    ending = begun + LONGEST
    failure: CollectError | None = None
    async with _opened(access, visit, place) as messages:
        heard = turned = begun
        while True:
            here = loop.time()
            stops = (turned + PAGE_SECONDS, heard + SILENCE, ending)
            try:
                batch = await messages.take(max(0.0, min(stops) - here))
            except CollectError as error:  # what came before it is kept
                batch, failure = [], error
            for raw in batch:
                if visit.take(raw) and (page := visit.page(access.now(), address)) is not None:
                    yield page
                    turned = loop.time()
            here = loop.time()
            if batch:
                heard = here
                _refuse_strange(source, visit)
            if visit.caught_up and ending == begun + LONGEST:
                ending = min(ending, here + float(options["follow_seconds"]))
            over = failure is not None or visit.error or messages.ended or here >= min(heard + SILENCE, ending)
            if over or here >= turned + PAGE_SECONDS:
                if (page := visit.page(access.now(), address)) is not None:
                    yield replace(page, last=True) if over and failure is None and not visit.broken else page
                turned = loop.time()
            if over:
                break
    if failure is not None:
        raise failure
    if visit.broken:
        raise RetryLater(
            f"{source.id}: {host} ended the stream ({str(visit.error)[:60]}). It is tried again later.", code="reset"
        )
    if visit.since is None:
        raise RetryLater(
            f"{source.id}: {host} sent no event for {SILENCE:g} seconds. It is tried again later.",
            code="timeout_silence",
        )


@asynccontextmanager
async def _opened(access: Access, visit: _Visit, place: int | None) -> AsyncIterator[Messages]:
    """The stream from `place` on; where that is too old, from the oldest event there is."""
    async with AsyncExitStack() as stack:
        try:
            messages = await stack.enter_async_context(_open(access, visit, place))
        except Drifted as error:
            if visit.known is None or b"CursorTooOld" not in getattr(error.__cause__, "body", b""):
                raise
            visit.lost = True
            # A time, unlike a number, is moved to the oldest event.
            messages = await stack.enter_async_context(_open(access, visit, visit.known))
        yield messages


def _open(access: Access, visit: _Visit, place: int | None) -> AbstractAsyncContextManager[Messages]:
    if visit.wire == "v2":
        path, asked = "xrpc/network.bsky.jetstream.subscribeEvents", [("kinds", "commit"), ("kinds", "account")]
        asked.append(("collections", POSTS))
    else:
        path, asked = "subscribe", [("wantedCollections", POSTS)]
    if place is not None:
        asked.append(("cursor", str(place)))
    address = access.url(f"wss://{visit.host}/{path}?{urlencode(asked)}")
    return access.http.websocket(address, subprotocols=("xrpc.v1.json",) if visit.wire == "v2" else ())


def _refuse_strange(source: Source, visit: _Visit) -> None:
    if visit.since is None and visit.strange >= _STRANGE:
        raise unknown_shape(source, "the events of the stream cannot be read")


def _as_delete(event: Event) -> bytes:
    """A post that is no longer what the source is about, told like one that was deleted."""
    commit = {"operation": "delete", "collection": POSTS, "rkey": event.rkey}
    return orjson.dumps({"did": event.did, "time_us": event.micros, "kind": "commit", "commit": commit})
