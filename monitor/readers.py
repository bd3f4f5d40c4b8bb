"""Parsing and annotating, moved out of the event loop.

A few pages are read in a thread of this process; many are read in worker processes, so that every core works and a
document that crashes or stalls its reader costs one visit and not the service.

When a worker dies, nobody can tell whose document killed it. Every page that was with the workers is then read again,
alone: the guilty one fails by name, the others lose a moment.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import copyreg
import gc
import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
import weakref
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import structlog

from collectors import registry
from collectors.base import CollectError, Drifted, Engagement, Page, Refused, Source
from monitor.core.model import Annotation, Known, Post

if TYPE_CHECKING:  # slow to load, and needed only where something new is read
    from monitor.core.annotate import Taggers
    from monitor.core.reading import Reading

log = structlog.get_logger(__name__)

STALL = 60.0
"""Seconds after which a page that is still being read is given up."""
START = 60.0
"""Seconds a worker process may take to start."""


class ReadFaultError(Exception):
    """A reader failed in a way that is our fault; the message is its traceback."""


@dataclass(frozen=True)
class Recipe:
    """What a reading process needs to know; pickles."""

    taxonomy: Mapping[str, Any]
    lexicon: Mapping[str, Any]
    author_key: bytes

    @cached_property
    def taggers(self) -> Taggers:
        from monitor.core.annotate import Taggers

        return Taggers.build(self.taxonomy, self.lexicon)

    def warm(self) -> None:
        """Load now what the first page would load, so that it is not paid for once in every process."""
        registry.names()
        _ = self.taggers

    def __getstate__(self) -> dict[str, Any]:
        # taggers hold automata that do not pickle; each process builds its own
        return {name: value for name, value in self.__dict__.items() if name != "taggers"}

    def read(self, page: Page, source: Source, known: Known) -> Reading:
        """Raises CollectError for pages that cannot be used, ReadFaultError where we failed."""
        from monitor.core.reading import read

        try:
            parsed = registry.get(source.collector).parse(source, page)
            if parsed.facts.blocked:
                raise Refused(
                    f"{source.id}: the publisher asks not to be collected ({parsed.facts.blocked}). "
                    "Nothing was stored; remove or pause this source.",
                    code="blocked_by_publisher",
                )
            return read(parsed, source, known, now=page.fetched_at, taggers=self.taggers, author_key=self.author_key)
        except CollectError:
            raise
        except Exception:
            # as text: an exception of any class may not survive the way back from a worker, and would break the pool
            raise ReadFaultError(traceback.format_exc()) from None


def _flatten(kind: type[Any]) -> None:
    """Let instances of a frozen dataclass cross a pipe as a plain tuple; what dataclasses do by themselves for slots
    takes twice as long, and is done for every post twice."""
    values = attrgetter(*(one.name for one in fields(kind)))
    copyreg.pickle(kind, lambda value: (kind, values(value)))


for _kind in (Post, Annotation, Engagement):
    _flatten(_kind)

_recipe: Recipe | None = None
"""The recipe of this worker process; set once when it starts."""


def _unpack(packed: bytes) -> Recipe:
    recipe: Recipe = pickle.loads(zlib.decompress(packed))  # noqa: S301 - it comes from our own parent
    return recipe


def _adopt(recipe: Recipe | bytes) -> None:
    global _recipe  # a worker process has exactly one recipe, and ProcessPoolExecutor offers no other place for it
    if isinstance(recipe, Recipe):
        _recipe = recipe
    else:
        _recipe = _unpack(recipe)
        _recipe.warm()
    gc.freeze()  # what is loaded by now stays: no need to look through it again and again (4 % of the time)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers in order
    threading.Thread(target=_follow, daemon=True, name="follow").start()


def _follow() -> None:
    """End with the parent: a worker whose parent was killed would wait for pages for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(page: Page, source: Source, known: Known) -> Reading:
    if _recipe is None:
        raise RuntimeError("this process was started without a recipe")
    return _recipe.read(page, source, known)


@dataclass(frozen=True, eq=False)
class _Pool:
    """Worker processes, and the news that the first of them has started."""

    executor: ProcessPoolExecutor
    ready: concurrent.futures.Future[None]

    async def read(self, page: Page, source: Source, known: Known, stall: float) -> Reading:
        """Raises BrokenProcessPool, CannotStartError, TimeoutError once it reads for longer than `stall`, and what
        reading raises. What a worker takes to start does not count."""
        try:
            async with asyncio.timeout(START):
                await asyncio.shield(asyncio.wrap_future(self.ready))
        except (TimeoutError, BrokenProcessPool, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and not self.ready.cancelled():
                raise
            raise CannotStartError from None
        try:
            future = self.executor.submit(_read, page, source, known)
        except RuntimeError as error:  # it was shut down a moment ago; BrokenProcessPool is a RuntimeError too
            raise BrokenProcessPool(str(error)) from None
        async with asyncio.timeout(stall):
            return await asyncio.wrap_future(future)

    def end(self) -> None:
        """End every process, also one that is stuck."""
        kill: Callable[[], None] | None = getattr(self.executor, "kill_workers", None)  # Python 3.14
        if kill is not None:
            kill()
            return
        for process in list((getattr(self.executor, "_processes", None) or {}).values()):
            with contextlib.suppress(OSError, ValueError):
                process.kill()
        self.executor.shutdown(wait=False, cancel_futures=True)


class CannotStartError(Exception):
    """There are no worker processes to be had."""


class _Turns:
    """Who may read now, on one event loop."""

    def __init__(self, workers: int) -> None:
        # one page more than workers: it lies ready when a worker is done, and waits for one other page at most
        self.pool = asyncio.Semaphore(workers + 1)
        self.alone = asyncio.Lock()
        self.thread = asyncio.Lock()


class Readers:
    """Reads pages, here or in worker processes. `start_workers` decides which; without it everything is read here.

    Safe for any number of coroutines, on any number of event loops one after the other.
    """

    def __init__(self, recipe: Recipe, *, workers: int | None = None, stall: float = STALL) -> None:
        self.recipe = recipe
        self.workers = workers if workers is not None else os.cpu_count() or 1
        self._stall = stall
        self._pool: _Pool | None = None
        self._solo: _Pool | None = None
        self._without = False
        """Worker processes cannot be started on this machine."""
        self._wary = False
        """A page stalled a thread of this process: from then on only processes read, because they can be ended."""
        self._reading = 0
        self._lock = threading.Lock()
        self._turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = weakref.WeakKeyDictionary()

    @property
    def has_workers(self) -> bool:
        return self._pool is not None

    def start_workers(self) -> None:
        """Start the worker processes. From a process without threads they are forked and ready at once."""
        with self._lock:
            if self._pool is None and not self._without and (self.workers > 0 or self._wary):
                self._pool = self._make_pool(max(self.workers, 1))

    def rest(self) -> None:
        """Give the worker processes back, unless one is being used. Reading goes on in this process."""
        with self._lock:
            if self._reading or self._wary:
                return
            pools = (self._pool, self._solo)
            self._pool = self._solo = None
        for pool in pools:
            if pool is not None:
                pool.executor.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the worker processes; what they were reading is lost."""
        with self._lock:
            pools = (self._pool, self._solo)
            self._pool = self._solo = None
        for pool in pools:
            if pool is not None:
                pool.end()

    async def read(self, page: Page, source: Source, known: Known) -> Reading:
        """Raises CollectError, with a code of its own where the reader crashed or stalled, and ReadFaultError."""
        loop = asyncio.get_running_loop()
        turns = self._turns.get(loop)
        if turns is None:
            turns = self._turns[loop] = _Turns(max(self.workers, 1))
        self._reading += 1
        try:
            async with turns.pool:
                if (pool := self._pool) is not None:
                    try:
                        return await self._in_pool(pool, page, source, known)
                    except BrokenProcessPool:
                        async with turns.alone:
                            return await self._alone(page, source, known)
                    except CannotStartError:
                        self._give_up(pool)
            async with turns.thread:
                return await self._in_thread(page, source, known)
        finally:
            self._reading -= 1

    async def _in_pool(self, pool: _Pool, page: Page, source: Source, known: Known) -> Reading:
        try:
            return await pool.read(page, source, known, self._stall)
        except BrokenProcessPool:
            self._replace(pool)
            raise
        except TimeoutError:
            self._replace(pool)
            raise self._stalled(source, page) from None

    async def _alone(self, page: Page, source: Source, known: Known) -> Reading:
        """Read a page by itself in a process of its own, so that there is no doubt who killed it."""
        if self._solo is None:
            self._solo = self._make_pool(1)
        if (pool := self._solo) is not None:
            try:
                return await self._in_pool(pool, page, source, known)
            except BrokenProcessPool:
                raise Drifted(
                    f"{source.id}: the process that read this document died (out of memory, or a hostile document). "
                    "It will be tried again.",
                    code="reader_died",
                ) from None
            except CannotStartError:
                self._give_up(pool)
        return await self._in_thread(page, source, known)

    async def _in_thread(self, page: Page, source: Source, known: Known) -> Reading:
        future: concurrent.futures.Future[Reading] = concurrent.futures.Future()
        future.set_running_or_notify_cancel()

        def work() -> None:
            try:
                future.set_result(self.recipe.read(page, source, known))
            except BaseException as error:
                future.set_exception(error)

        # a daemon: a thread that is stuck must not keep the process from ending
        threading.Thread(target=work, daemon=True, name="reader").start()
        try:
            async with asyncio.timeout(self._stall):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            self._wary = True
            self.start_workers()
            raise self._stalled(source, page) from None

    def _stalled(self, source: Source, page: Page) -> Drifted:
        return Drifted(
            f"{source.id}: reading {len(page.body or b''):,} bytes took longer than {self._stall:g} s and was given "
            "up. The document is probably made to be slow; look at it before you keep this source.",
            code="reader_stalled",
        )

    def _make_pool(self, workers: int) -> _Pool | None:
        """Worker processes; None, with a line in the log, where there can be none."""
        # a fork of a process with threads can inherit a lock that nobody will ever open
        forked = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
        # A fork warms up with its first page, while other pages are being fetched, and not at all if nothing changed.
        # What is sent to others must fit into the buffer of a pipe: should the process die as it starts, its parent
        # would wait for ever at the other end.
        recipe = self.recipe if forked else zlib.compress(pickle.dumps(self.recipe))
        try:
            executor = ProcessPoolExecutor(
                workers,
                mp_context=multiprocessing.get_context("fork" if forked else "spawn"),
                initializer=_adopt,
                initargs=(recipe,),
            )
            # forked processes all start with the first task: now, before the caller starts threads
            return _Pool(executor, executor.submit(time.sleep, 0))
        except (OSError, ImportError) as error:
            self._without = True
            log.warning("no_worker_processes", error=str(error))
            return None

    def _replace(self, pool: _Pool) -> None:
        """A pool with a dead or stuck process is no use to the other pages: end it and start another."""
        if self._drop(pool):
            log.warning("readers_restarted")
            self.start_workers()

    def _give_up(self, pool: _Pool) -> None:
        """Processes do not start here: go on without."""
        if not self._without:
            self._without = True
            log.warning("no_worker_processes", error="they end, or do nothing, when they are started")
        self._drop(pool)

    def _drop(self, pool: _Pool) -> bool:
        """End a pool; True if it was the one that pages go to."""
        with self._lock:
            ours = self._pool is pool
            if ours:
                self._pool = None
            if self._solo is pool:
                self._solo = None
        pool.end()
        return ours
