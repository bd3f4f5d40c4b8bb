"""From a due source to a committed page::

    claim_due ─ retrieve ─ read (parse + annotate) ─ decide ─ commit
    (database)  (network)   (worker processes)      (pure)   (one transaction a page)

One failing source never touches another: every visit ends in a Visit record, whatever happened.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from collectors import registry
from collectors.base import CollectError, Page, Source
from collectors.fetch import Http
from monitor.core.decide import (
    NOBODY_ASKED,
    UNREACHED,
    Tally,
    failed,
    is_our_network,
    offline,
    succeeded,
    write_page,
    write_unchanged,
)
from monitor.core.model import Known, TrackedSource, Visit, Write
from monitor.readers import ReadFaultError
from monitor.store.errors import NotFound, StoreError
from monitor.workbench import NOTHING_KNOWN, VISIT, Workbench, named

if TYPE_CHECKING:
    from monitor.core.reading import Reading

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=3)
"""How long a claimed source belongs to a process that says nothing more."""
HEARTBEAT = 60.0
"""Seconds between two extensions of the leases that a living process holds."""
NEVER_TRIED = frozenset({"archive_only", "needs_address"})
"""Codes of visits that could not be made at all; they leave no trace."""
MANY = 12
"""From this many due sources on, reading moves to worker processes."""


@dataclass(frozen=True, slots=True)
class CollectReport:
    visits: tuple[Visit, ...]
    busy: tuple[str, ...] = ()
    """Asked for by name, but another process is at it."""

    @property
    def new(self) -> int:
        return sum(visit.new for visit in self.visits)

    @property
    def failures(self) -> tuple[Visit, ...]:
        return tuple(visit for visit in self.visits if not visit.ok)


@dataclass(slots=True)
class _Round:
    """One call of `collect`: what it holds, and what came of it."""

    http: Http
    seen: Callable[[Visit], None] | None
    visits: list[Visit] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)
    unreached: list[tuple[TrackedSource, Tally, CollectError]] = field(default_factory=list)
    """Held back until something else happens: they may say more about our network than about their sources."""
    online: bool = False
    """Some source was reached."""


class Collection:
    """Collects sources with bounded concurrency. One per process; several `collect` may run at a time on one loop."""

    def __init__(self, bench: Workbench, *, rng: random.Random, concurrency: int = 24) -> None:
        self._bench = bench
        self._store = bench.store
        self._in_database = bench.in_database
        self._clock = bench.clock
        self._rng = rng
        self._concurrency = concurrency

    async def collect(
        self,
        only: Sequence[str] | None = None,
        *,
        limit: int | None = None,
        seen: Callable[[Visit], None] | None = None,
    ) -> CollectReport:
        """Visit all sources that are due now, or those named in `only` whether due or not; at most `limit` of them.

        Raises NotFound for an unknown name and StoreError if the database fails; what fails at a source is in the
        report. A cancelled collect gives its claims back.
        """
        if only is not None:
            tracked = await self._in_database(self._store.sources)
            unknown = sorted(set(only) - {one.source.id for one in tracked})
            if unknown:
                raise NotFound(f"no source with id {', '.join(unknown)}; `trendmonitor sources list` names them all")
        presence = await self._in_database(self._store.appear)
        try:
            async with self._bench.http() as http:
                work = _Round(http, seen)
                try:
                    await self._work(work, only, limit)
                finally:
                    if work.claimed:
                        await asyncio.shield(self._in_database(self._store.release, sorted(work.claimed)))
        finally:
            await asyncio.shield(self._in_database(presence.close))
        busy = sorted(set(only) - {visit.source for visit in work.visits}) if only is not None else []
        return CollectReport(tuple(work.visits), tuple(busy))

    async def _work(self, work: _Round, only: Sequence[str] | None, limit: int | None) -> None:
        queue: asyncio.Queue[TrackedSource | None] = asyncio.Queue(self._concurrency * 2)

        async def visit_queued() -> None:
            while (one := await queue.get()) is not None:
                await self._visit(one, work)

        try:
            async with asyncio.TaskGroup() as group:
                alive = group.create_task(self._keep_claims(work))
                visitors = [group.create_task(visit_queued()) for _ in range(self._concurrency)]
                async for one in self._claim(work, only, limit):
                    await queue.put(one)
                for _ in visitors:
                    await queue.put(None)
                await asyncio.wait(visitors)
                alive.cancel()
        except BaseExceptionGroup as group_error:
            raise group_error.exceptions[0] from None
        if not work.online and is_our_network([_host(one.source) for one, _, _ in work.unreached]):
            for one, tally, _ in work.unreached:
                await self._record(work, offline(one.source, one.state, tally, self._clock(), self._rng), None)
        else:
            await self._blame(work)

    async def _claim(self, work: _Round, only: Sequence[str] | None, limit: int | None) -> AsyncIterator[TrackedSource]:
        """Sources that were due at the start, batch by batch, so that several processes share them evenly."""
        due, left = self._clock(), limit
        while left is None or left > 0:
            size = self._concurrency * 4 if only is None else len(set(only))
            size = size if left is None else min(size, left)
            lease = self._clock() - due + LEASE
            batch = await self._in_database(self._store.claim_due, due, limit=size, lease=lease, only=only)
            work.claimed.update(one.source.id for one in batch)
            if len(batch) >= MANY:
                self._bench.readers.start_workers()
            for one in batch:
                yield one
            if only is not None or not batch:
                return
            left = None if left is None else left - len(batch)

    async def _keep_claims(self, work: _Round) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            if work.claimed:
                await self._in_database(self._store.extend, sorted(work.claimed), self._clock() + LEASE)

    async def _visit(self, tracked: TrackedSource, work: _Round) -> None:
        """One source, all its pages. Raises StoreError only."""
        source, state = tracked.source, tracked.state
        tally = Tally(started=self._clock())
        known: Known | None = None
        pending: Write | None = None
        error: CollectError | None = None
        try:
            collector = registry.get(source.collector)
            async with asyncio.timeout(VISIT):
                async for page in collector.retrieve(
                    source, state.cursor, self._bench.access(source, work.http), tally.started
                ):
                    if page.body is None:
                        # only the end of its coverage is needed
                        end = known if known is not None else await self._bench.known(source, limit=0)
                        pending, reading = write_unchanged(source, end, page), None
                    else:
                        # later pages too are held against what was known before the visit: coverage needs that
                        if known is None:
                            known = await self._bench.known(source)
                        known, reading = await self._bench.read(source, page, known)
                        pending = write_page(source, known, page, reading)
                        if tally.moved_to is None and await self._moved(source, page, reading, work.http):
                            tally.moved_to = reading.facts.new_url
                    tally.add(page, reading, pending)
                    if not page.last:
                        await self._in_database(self._store.commit, pending)
                        pending = None
        except NotFound:
            self._vanished(work, source.id)
            return
        except StoreError:
            raise
        except Exception as trouble:
            error = named(trouble, source)
        if error is not None and not tally.pages and error.code in UNREACHED and not work.online:
            work.unreached.append((tracked, tally, error))
            return
        if error is None:
            visit = succeeded(source, state, tally, self._clock(), self._rng)
        else:
            visit = failed(source, state, tally, error, self._clock(), self._rng)
        if error is not None and error.code in NEVER_TRIED:
            self._report(work, visit)  # not recorded: a source that was tried is expected to be observed ever after
            return
        await self._record(work, visit, pending)
        if not work.online and (error is None or error.code not in NOBODY_ASKED):
            work.online = True
            await self._blame(work)

    async def _moved(self, source: Source, page: Page, reading: Reading, http: Http) -> bool:
        """True if the address that a document names as its new one holds the same posts.

        Such notes are often old or wrong, and two documents may name each other; so the word of a document is not
        enough, as it is for a permanent redirect.
        """
        new = reading.facts.new_url
        if new is None or new == source.url or (source.url.startswith("https:") and not new.startswith("https:")):
            return False
        there = replace(source, url=new)
        try:
            async for other in registry.get(source.collector).retrieve(
                there, {}, self._bench.access(source, http), page.fetched_at
            ):
                if other.body is None or other.url == page.url:
                    return False
                found = await self._bench.readers.read(other, there, NOTHING_KNOWN)
                here, ids = {one for one, _ in reading.seen}, {one for one, _ in found.seen}
                return found.facts.new_url is None and len(here & ids) * 2 >= min(len(here), len(ids)) > 0
        except (CollectError, ReadFaultError) as error:
            log.info("new_address_unusable", source=source.id, url=new, error=str(error))
        return False

    async def _blame(self, work: _Round) -> None:
        """Record what was held back as failures of the sources: the network works."""
        held, work.unreached = work.unreached, []
        for one, tally, error in held:
            await self._record(work, failed(one.source, one.state, tally, error, self._clock(), self._rng), None)

    async def _record(self, work: _Round, visit: Visit, write: Write | None) -> None:
        try:
            if write is not None:
                await self._in_database(self._store.commit, write, visit)
            else:
                await self._in_database(self._store.record_visit, visit)
        except NotFound:
            self._vanished(work, visit.source)
            return
        work.claimed.discard(visit.source)
        self._report(work, visit)

    @staticmethod
    def _report(work: _Round, visit: Visit) -> None:
        work.visits.append(visit)
        log.info(
            "visited",
            source=visit.source,
            outcome=visit.outcome,
            new=visit.new,
            changed=visit.changed,
            bytes=visit.bytes,
        )
        if work.seen is not None:
            work.seen(visit)

    @staticmethod
    def _vanished(work: _Round, source_id: str) -> None:
        log.info("source_removed_during_visit", source=source_id)
        work.claimed.discard(source_id)


def _host(source: Source) -> str:
    return urlsplit(source.url).netloc
