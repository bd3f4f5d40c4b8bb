"""The clock: a few fixed ticks. What is due lives in the database, so a tick that is missed costs nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from monitor.bootstrap import Services
from monitor.store.errors import StoreError
from monitor.store.events import Event

log = structlog.get_logger(__name__)

COLLECT_EVERY = timedelta(seconds=20)
REFRESH_EVERY = timedelta(minutes=1)
FIRST_COLLECT = timedelta(seconds=1)
FIRST_RETENTION = timedelta(minutes=10)
"""After the start: a service that is never up at the hour of the cron line must keep its promise too."""
CLAIMS_EVERY = timedelta(hours=1)
FIRST_CLAIMS = timedelta(minutes=2)
"""After the start, so that a service that was down first collects what it missed."""
DUTIES_EVERY = timedelta(hours=1)
FIRST_DUTIES = timedelta(minutes=5)
SIGNALS_EVERY = timedelta(hours=1)
FIRST_SIGNALS = timedelta(minutes=3)
DIGESTS_EVERY = timedelta(minutes=1)
FIRST_DIGESTS = timedelta(minutes=4)
"""After the start: what was missed is told from posts that have been collected and claims that have been judged."""
TICK_LATE = timedelta(minutes=10)
"""A collect tick may last this long (many slow sources) before readiness calls the clock late."""
STOPPING = 10.0
"""Seconds that ticks may take to end when the clock stops."""

Tick = Callable[[], Awaitable[None]]


class Clockwork:
    """Runs the ticks on the event loop that starts it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._started = services.clock()
        self._told = 0
        """The last change of verdict that was logged."""

    def start(self) -> None:
        """One run of each tick at a time; runs that were missed are merged into one."""
        # A collect that takes longer than its interval is no news, and APScheduler would tell it every time.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        now = datetime.now(UTC)  # APScheduler goes by this clock
        retention = CronTrigger.from_crontab(self._services.settings.retention_cron, timezone="UTC")
        collect = IntervalTrigger(seconds=COLLECT_EVERY.total_seconds())
        refresh = IntervalTrigger(seconds=REFRESH_EVERY.total_seconds())
        claims = IntervalTrigger(seconds=CLAIMS_EVERY.total_seconds())
        duties = IntervalTrigger(seconds=DUTIES_EVERY.total_seconds())
        signals = IntervalTrigger(seconds=SIGNALS_EVERY.total_seconds())
        digests = IntervalTrigger(seconds=DIGESTS_EVERY.total_seconds())
        common = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        for name, tick, trigger, first in (
            ("collect", self.collect, collect, now + FIRST_COLLECT),
            ("refresh", self.refresh, refresh, now + FIRST_COLLECT),
            ("claims", self.claims, claims, now + FIRST_CLAIMS),
            ("duties", self.duties, duties, now + FIRST_DUTIES),
            ("signals", self.signals, signals, now + FIRST_SIGNALS),
            ("digests", self.digests, digests, now + FIRST_DIGESTS),
            ("retention", self.retention, retention, now + FIRST_RETENTION),
        ):
            self._scheduler.add_job(self.guarded(name, tick), trigger, id=name, next_run_time=first, **common)
        self._scheduler.start()

    async def stop(self) -> None:
        """No tick starts any more; those that run are cancelled and waited for, so that claims are given back."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=STOPPING)

    async def collect(self) -> None:
        """Everything that is due; then the worker processes rest until there is much to do again."""
        services = self._services
        self._beat()
        if await asyncio.to_thread(lambda: services.generated):
            return  # real posts are never mixed into a database of generated ones
        report = await services.collection.collect(seen=lambda _: self._beat())
        self._beat()
        if report.visits:
            services.readers.rest()
            await asyncio.to_thread(self._tidy)
            log.info("collected", sources=len(report.visits), new=report.new, failed=len(report.failures))

    async def retention(self) -> None:
        """Blank texts that are older than the retention setting; counts stay."""
        days = self._services.settings.retention_text_days
        if days:
            before = self._services.clock() - timedelta(days=days)
            blanked = await asyncio.to_thread(self._services.store.forget_text, before)
            log.info("retention", blanked=blanked, before=before.isoformat())

    async def duties(self) -> None:
        """What platforms ask of those who keep their posts: look them up again, let go what nobody confirmed."""
        if not await asyncio.to_thread(lambda: self._services.generated):
            await self._services.reviews.run()
        await asyncio.to_thread(self._services.store.set_aside.expire, self._services.clock())

    async def refresh(self) -> None:
        """Keep the in-memory cells current so that the first query after a collect is as fast as the next."""
        await asyncio.to_thread(self._services.trends.refresh)

    async def claims(self) -> None:
        """Judge every claim by what is stored now, and keep the verdicts. One that changed is logged once."""
        for event in await asyncio.to_thread(self._judge):
            log.info("verdict_changed", claim=event.subject, was=event.detail["from"], now=event.detail["to"])

    async def signals(self) -> None:
        """Look for sudden change. What opened or ended is logged once, by whoever found it."""
        watch = self._services.signal_watch
        changes = await asyncio.to_thread(watch.refresh)
        for name, signals in (("signal_opened", changes.new), ("signal_ended", changes.ended)):
            for signal in signals:
                log.info(name, signal=signal.id, says=watch.says(signal))

    async def digests(self) -> None:
        """Compose the issues that are due and send what waits. Each has its own lines in the log."""
        report = await self._services.digests.tick()
        for digest, trouble in report.troubles.items():
            log.error("digest_trouble", digest=digest, error=trouble)

    def _judge(self) -> list[Event]:
        """Changes of verdict since the last tick, or the start; a request for the ledger may have found them before."""
        self._services.ledger.refresh()
        changes = self._services.store.events(kinds=("verdict_changed",), since=self._started, after=self._told)
        self._told = max((event.id for event in changes), default=self._told)
        return changes

    def _tidy(self) -> None:
        """Upkeep of the database in small steps, so that other writers get their turn in between."""
        while self._services.store.tidy():
            self._beat()

    def _beat(self) -> None:
        self._services.last_tick = self._services.clock()

    def guarded(self, name: str, tick: Tick) -> Tick:
        """A tick that fails is logged and comes again; it never takes the clock down."""

        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            try:
                await tick()
            except StoreError as error:
                log.error("tick_failed", tick=name, error=str(error))
            except Exception:
                log.exception("tick_failed", tick=name)
            except asyncio.CancelledError:
                if not self._stopping:
                    raise  # somebody else ended it; APScheduler tells that as a fault, which it is
            finally:
                self._running.discard(task)

        return run
