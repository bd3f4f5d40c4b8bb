"""Politeness: how soon and how often one host is asked, and how much is asked in all at one time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

_PRUNE_ABOVE = 2000


@dataclass(slots=True)
class _Host:
    slots: asyncio.Semaphore
    delay: float
    next_start: float = float("-inf")
    users: int = 0
    held_until: datetime | None = field(default=None)


class Pace:
    """Hands out turns. Within one process only; `per_host` and `delay` do not apply to near hosts (the user's own).

    What it knows of hosts (when they were asked last, how long they are held) outlives event loops; turns do not: see
    `begin`.

    Args:
        delay: seconds between the starts of two requests to one host.
        per_host: requests to one host at a time.
        total: requests at a time in all. Waiting for a host does not use up one of these.
        monotonic: seconds; sleep: waits that many seconds.
    """

    def __init__(
        self,
        *,
        delay: float,
        per_host: int,
        total: int,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._delay = delay
        self._per_host = per_host
        self._total_turns = total
        self._total = asyncio.Semaphore(total)
        self._monotonic = monotonic
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}

    def begin(self) -> None:
        """Forget all turns, as nobody holds or waits for one: a semaphore belongs to the event loop it was used on."""
        self._total = asyncio.Semaphore(self._total_turns)
        for state in self._hosts.values():
            state.slots, state.users = asyncio.Semaphore(self._per_host), 0

    @asynccontextmanager
    async def turn(self, host: str, *, near: bool) -> AsyncIterator[None]:
        """Wait for one's turn at `host`, and hold it."""
        if near:
            async with self._total:
                yield
            return
        state = self._state(host)
        state.users += 1
        try:
            async with state.slots:
                now = self._monotonic()
                start = max(now, state.next_start)
                state.next_start = start + state.delay
                if start > now:
                    await self._sleep(start - now)
                async with self._total:
                    yield
        finally:
            state.users -= 1

    def slow_down(self, host: str, delay: float) -> None:
        """Ask `host` no faster than this from now on (robots.txt Crawl-delay), nor faster than every other host."""
        self._state(host).delay = max(self._delay, delay)

    def hold(self, host: str, until: datetime) -> None:
        """`host` said 429: nothing before `until`."""
        self._state(host).held_until = until

    def held(self, host: str, now: datetime) -> datetime | None:
        """Until when `host` is not to be asked; None if it may be."""
        state = self._hosts.get(host)
        if state is None or state.held_until is None:
            return None
        if state.held_until <= now:
            state.held_until = None
        return state.held_until

    def _state(self, host: str) -> _Host:
        state = self._hosts.get(host)
        if state is None:
            if len(self._hosts) >= _PRUNE_ABOVE:
                self._prune()
            state = self._hosts[host] = _Host(asyncio.Semaphore(self._per_host), self._delay)
        return state

    def _prune(self) -> None:
        now = self._monotonic()
        for host, state in list(self._hosts.items()):
            if not state.users and state.next_start <= now and state.held_until is None:
                del self._hosts[host]
