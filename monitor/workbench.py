"""What everything that visits sources shares: the store off the event loop, the readers, the HTTP client, the keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import structlog

from collectors import registry
from collectors.access import Access
from collectors.base import EMPTY, CollectError, Drifted, Page, Refused, RetryLater, Source
from collectors.fetch import Http, redact
from collectors.quota import Quota
from monitor.core.model import Known
from monitor.readers import Readers, ReadFaultError
from monitor.store import Store

if TYPE_CHECKING:
    from monitor.core.reading import Reading

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

VISIT = 300.0
"""Seconds one visit may take in all, every page included."""
KNOWN = 1000
"""Newest posts of a source that a page is compared with at once; others are looked up one by one."""
NOTHING_KNOWN = Known(hashes={}, engagement={}, anchors=(), observed_until=None)


class Workbench:
    """One for a process.

    Args:
        http: gives the process's HTTP client, to be entered.
        keys: collector → key of its platform. bases: collector → where its platform is found instead.
    """

    def __init__(
        self,
        *,
        store: Store,
        readers: Readers,
        http: Callable[[], AbstractAsyncContextManager[Http]],
        clock: Callable[[], datetime],
        keys: Mapping[str, str] = EMPTY,
        bases: Mapping[str, str] = EMPTY,
    ) -> None:
        self.store = store
        self.readers = readers
        self.http = http
        self.clock = clock
        self.keys = keys
        self._bases = bases
        self._memories: dict[str, dict[str, Any]] = {}
        # SQLite has one writer; giving it one thread turns lock waits into a queue
        self._database = ThreadPoolExecutor(1 if store.dialect == "sqlite" else 4, thread_name_prefix="store")

    def close(self) -> None:
        self.readers.close()
        self._database.shutdown(wait=True)

    async def in_database(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function of the store in a thread of its own."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._database, lambda: call(*args, **kwargs))

    def access(self, source: Source, http: Http) -> Access:
        """What a visit of this source may use."""
        return self.access_of(source.collector, http)

    def access_of(self, collector: str, http: Http) -> Access:
        """What this collector may use; tokens and counts are shared by all its sources."""
        return Access(
            collector,
            http,
            keys=self.keys,
            base=self._bases.get(collector),
            meter=_StoredMeter(self),
            memory=self._memories.setdefault(collector, {}),
        )

    async def known(self, source: Source, *, limit: int = KNOWN) -> Known:
        return await self.in_database(self.store.known, source.id, limit=limit)

    async def read(self, source: Source, page: Page, known: Known) -> tuple[Known, Reading]:
        """Read a page in a worker, and look up what seemed new only because it is older than the newest known."""
        reading = await self.readers.read(page, source, known)
        if len(known.hashes) < KNOWN or not reading.new:
            return known, reading
        unknown = [post.id for post in reading.posts if post.id not in known.hashes]
        from monitor.core.reading import settle

        found = await self.in_database(lambda: [self.store.post(source.id, one) for one in unknown])
        stored = {post.id: post for post in found if post is not None}
        known = replace(known, hashes={**known.hashes, **{one: post.hash for one, post in stored.items()}})
        return known, settle(reading, stored)


class _StoredMeter:
    """The account book of quotas in the database, which all processes share."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def book(
        self, collector: str, quota: Quota, amount: float, *, since: datetime, at: datetime, what: str
    ) -> int | datetime:
        spending = self._bench.store.spending
        return await self._bench.in_database(spending.book, collector, quota, amount, since=since, at=at, what=what)

    async def correct(self, booking: int, amount: float) -> None:
        await self._bench.in_database(self._bench.store.spending.correct, booking, amount)


def named(error: Exception, source: Source) -> CollectError:
    """What went wrong at a source, as an error that says what to do. A fault of ours goes to the log in full."""
    if isinstance(error, CollectError):
        return error
    if isinstance(error, TimeoutError):
        return RetryLater(
            f"{source.id}: the visit took longer than {VISIT:g} s. It is tried again later.", code="timeout_visit"
        )
    if isinstance(error, registry.UnknownCollectorError):
        return Refused(f"{source.id}: {error} Change or remove this source.", code="unknown_collector")
    if isinstance(error, ReadFaultError):
        log.error("visit_failed", source=source.id, url=redact(source.url), traceback=str(error))
        kind = str(error).strip().rpartition("\n")[2].partition(":")[0]
    else:
        log.error("visit_failed", source=source.id, url=redact(source.url), exc_info=error)
        kind = type(error).__name__
    return Drifted(
        f"{source.id}: trendmonitor itself failed here ({kind}). The log has the details; please report it with the "
        "address of the source.",
        code="internal",
    )
