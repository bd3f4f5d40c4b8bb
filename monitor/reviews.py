"""Looking stored posts up again, where a platform asks for it: edits and deletions propagate, and what could not be
confirmed in time is let go.

The same road as a visit (`retrieve` is `review`), so an edit moves cells as any other edit does. A platform that
cannot be asked now is asked at the next round; nothing is deleted because of an error.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from collectors import registry
from collectors.base import CollectError, Collector, Reviewer, Stored
from monitor.core.decide import write_page
from monitor.core.model import TrackedSource
from monitor.store.errors import NotFound, StoreError
from monitor.workbench import VISIT, Workbench, named

log = structlog.get_logger(__name__)

BATCH = 500
"""Posts of one source that are looked up in one round; the next round goes on."""
LEASE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What one round brought at one source."""

    source: str
    asked: int = 0
    deleted: int = 0
    changed: int = 0
    let_go: int = 0
    error: str | None = None
    code: str | None = None


class Reviews:
    """One per process."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def run(self) -> list[Reviewed]:
        """One round over all sources whose platform asks for it; only those where something was done are told.

        Sources that are paused or stopped keep their duties: what we hold of them is held all the same.
        Raises StoreError if the database fails.
        """
        done = []
        for one in await self._bench.in_database(self._bench.store.sources):
            try:
                collector = registry.get(one.source.collector)
            except registry.UnknownCollectorError:
                continue
            reviewed = await self._fulfil(one, collector)
            if reviewed is not None:
                done.append(reviewed)
                log.info("reviewed", **{name: getattr(reviewed, name) for name in Reviewed.__slots__})
        return done

    async def _fulfil(self, one: TrackedSource, collector: Collector) -> Reviewed | None:
        now, duties, name = self._bench.clock(), collector.duties, one.source.id
        found = Reviewed(name)
        if duties.review is not None and isinstance(collector, Reviewer):
            posts = await self._due(name, now, duties.review, duties.review_for)
            if posts:
                found = await self._look_up(one, collector, posts, now)
        if duties.keep is not None:
            let_go = await self._bench.in_database(self._bench.store.duties.let_go, name, before=now - duties.keep)
            found = Reviewed(name, found.asked, found.deleted, found.changed, let_go, found.error, found.code)
        return found if found != Reviewed(name) else None

    async def _due(self, name: str, now: datetime, every: timedelta, lasts: timedelta | None) -> list[Stored]:
        return await self._bench.in_database(
            self._bench.store.duties.to_review,
            name,
            before=now - every,
            published_since=None if lasts is None else now - lasts,
            limit=BATCH,
        )

    async def _look_up(self, one: TrackedSource, collector: Reviewer, posts: list[Stored], now: datetime) -> Reviewed:
        """Raises StoreError only."""
        source, asked, deleted, changed = one.source, 0, 0, 0
        error: CollectError | None = None
        # the lease keeps other processes from paying for the same look-ups
        held = await self._bench.in_database(self._bench.store.claim_due, now, limit=1, lease=LEASE, only=[source.id])
        if not held:
            return Reviewed(source.id)
        try:
            known = await self._bench.known(source)
            async with self._bench.http() as http, asyncio.timeout(VISIT):
                async for page in collector.review(source, posts, self._bench.access(source, http), now):
                    known, reading = await self._bench.read(source, page, known)
                    write = write_page(source, known, page, reading)
                    await self._bench.in_database(self._bench.store.commit, write)
                    asked += len(page.confirmed)
                    deleted += len(reading.deleted)
                    changed += len(reading.posts)
        except NotFound:
            pass  # removed meanwhile
        except StoreError:
            raise
        except Exception as trouble:
            error = named(trouble, source)
        finally:
            await asyncio.shield(self._bench.in_database(self._bench.store.release, [source.id]))
        return Reviewed(
            source.id, asked, deleted, changed,
            error=None if error is None else str(error), code=None if error is None else error.code,
        )  # fmt: skip
