"""The clock: a few fixed ticks. What is due lives in the database, so a tick that is missed costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from monitor.bootstrap import Services
from monitor.store.errors import StoreError

log = structlog.get_logger(__name__)

COLLECT_EVERY = timedelta(seconds=20)
REFRESH_EVERY = timedelta(minutes=1)
TICK_LATE = timedelta(minutes=10)
"""A collect tick may last this long (many slow sources) before readiness calls the clock late."""


class Clockwork:
    """Runs the ticks on the event loop that starts it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def start(self) -> None:
        """One run of each tick at a time; runs that were missed are merged into one."""
        add = self._scheduler.add_job
        common = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        if not self._services.generated:
            first = self._services.clock() + timedelta(seconds=1)
            add(
                self._guarded("collect", self.collect),
                IntervalTrigger(seconds=int(COLLECT_EVERY.total_seconds())),
                id="collect",
                next_run_time=first,
                **common,
            )
        add(self._guarded("retention", self.retention), CronTrigger.from_crontab(self._services.settings.retention_cron, timezone="UTC"), id="retention", **common)
        add(
            self._guarded("refresh", self.refresh),
            IntervalTrigger(seconds=int(REFRESH_EVERY.total_seconds())),
            id="refresh",
            **common,
        )
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def collect(self) -> None:
        """Everything that is due; then the worker processes rest until there is much to do again."""
        report = await self._services.collection.collect(seen=lambda _: self._beat())
        self._beat()
        if report.visits:
            self._services.readers.rest()
            log.info("collected", sources=len(report.visits), new=report.new, failed=len(report.failures))

    async def retention(self) -> None:
        """Blank texts that are older than the retention setting; counts stay."""
        days = self._services.settings.retention_text_days
        if days:
            before = self._services.clock() - timedelta(days=days)
            blanked = await asyncio.to_thread(self._services.store.forget_text, before)
            log.info("retention", blanked=blanked, before=before.isoformat())

    async def refresh(self) -> None:
        """Keep the in-memory cells current so that the first query after a collect is as fast as the next."""
        await asyncio.to_thread(self._services.trends.refresh)

    def _beat(self) -> None:
        self._services.last_tick = self._services.clock()

    def _guarded(self, name: str, tick: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """A tick that fails is logged and comes again; it never takes the clock down."""

        async def run() -> None:
            if name == "collect":
                self._beat()
            try:
                await tick()
            except StoreError as error:
                log.error("tick_failed", tick=name, error=str(error))
            except Exception:
                log.exception("tick_failed", tick=name)

        return run
