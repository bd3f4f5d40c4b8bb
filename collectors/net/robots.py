"""robots.txt (RFC 9309), for collectors that read pages rather than feeds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from protego import Protego

from collectors.base import CollectError, Refused, RetryLater
from collectors.net.urls import redact

PRODUCT = "trendmonitor"
"""The product token that robots.txt may name."""
KEEP = timedelta(hours=24)
"""The longest a robots.txt is used without asking again (RFC 9309, 2.4)."""
RETRY = timedelta(hours=1)
"""After this long an unreachable robots.txt is tried again."""
PARSED = 512_000
"""Bytes that are read of it; the RFC asks for 500 KiB at least."""
_MOST_ORIGINS = 2000
_LONGEST_CRAWL_DELAY = 30.0

Read = Callable[[httpx.URL], Awaitable[tuple[int, bytes]]]
"""Fetches a robots.txt, following redirects: (status, body). Raises CollectError if it could not be reached."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one origin's robots.txt says. `parsed` None: everything is allowed, or nothing if not `reachable`."""

    parsed: Protego | None
    reachable: bool
    until: datetime
    why: str = ""
    """What kept us from reading it, if anything is known beyond its status."""

    @property
    def crawl_delay(self) -> float | None:
        """Seconds between requests, at most 30; not in the RFC, but cheap to respect."""
        delay = self.parsed.crawl_delay(PRODUCT) if self.parsed else None
        return min(delay, _LONGEST_CRAWL_DELAY) if delay and delay > 0 else None


class Robots:
    """A cache of rules per origin. Each is read once, however many ask at the same time."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._rules: dict[str, Rules] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def begin(self) -> None:
        """Forget who reads what, as nobody does: a lock belongs to the event loop it was used on. Rules are kept."""
        self._locks.clear()

    async def check(self, url: httpx.URL, now: datetime) -> Rules:
        """The rules that let `url` be read. Raises Refused('robots') if they forbid it, and
        RetryLater('robots_unreachable') if they cannot be had just now, which means no as well."""
        rules = await self._of(url, now)
        if not rules.reachable:
            said = f"{redact(str(_address(url)))} cannot be read just now, so {redact(str(url))} is not read either."
            raise RetryLater(
                f"{said} {rules.why or 'It is tried again later.'}",
                code="robots_unreachable",
                until=rules.until,
            )
        if rules.parsed is not None and not rules.parsed.can_fetch(str(url), PRODUCT):
            raise Refused(
                f"{redact(str(_address(url)))} asks programs not to read {redact(str(url))}. "
                "Choose a feed of this site instead, or remove the source.",
                code="robots",
            )
        return rules

    async def _of(self, url: httpx.URL, now: datetime) -> Rules:
        where = _address(url)
        origin = str(where)
        rules = self._rules.get(origin)
        if rules is None or rules.until <= now:
            lock = self._locks.setdefault(origin, asyncio.Lock())
            async with lock:
                rules = self._rules.get(origin)
                if rules is None or rules.until <= now:
                    rules = await self._fresh(where, now)
                    self._keep(origin, rules, now)
            self._locks.pop(origin, None)
        return rules

    async def _fresh(self, where: httpx.URL, now: datetime) -> Rules:
        try:
            return judge(await self._read(where), now)
        except CollectError as error:
            if error.code == "private_address":
                raise
            # Endless redirects count as "there is none" (RFC 9309, 2.3.1.2), everything else as "not reachable"
            if error.code in {"redirect_loop", "too_many_redirects"}:
                return judge((404, b""), now)
            return Rules(None, reachable=False, until=now + RETRY, why=str(error))

    def _keep(self, origin: str, rules: Rules, now: datetime) -> None:
        if len(self._rules) >= _MOST_ORIGINS:
            self._rules = {name: kept for name, kept in self._rules.items() if kept.until > now}
        if len(self._rules) >= _MOST_ORIGINS:
            self._rules.clear()
        self._rules[origin] = rules


def judge(answer: tuple[int, bytes], now: datetime) -> Rules:
    """RFC 9309, 2.3.1: 2xx is parsed; other 4xx mean no rules; 429 and 5xx mean no access, as silence does."""
    if answer[0] == 429 or answer[0] >= 500:
        return Rules(None, reachable=False, until=now + RETRY)
    status, body = answer
    if not 200 <= status < 300:
        return Rules(None, reachable=True, until=now + KEEP)
    text = body[:PARSED].decode("utf-8-sig", "replace")
    return Rules(Protego.parse(text), reachable=True, until=now + KEEP)


def _address(url: httpx.URL) -> httpx.URL:
    return url.copy_with(path="/robots.txt", query=None, fragment=None, userinfo=b"")
