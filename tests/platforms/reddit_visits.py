"""Visits to Reddit's stand-in as the service would make them, for the tests of its collector."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

import orjson

from collectors.access import Access
from collectors.base import Cursor, Item, Page, Source, Stored
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.quota import MemoryMeter
from collectors.reddit import COLLECTOR
from tests.platforms.reddit_platform import KEY, Reddit, source
from tests.platforms.serving import START


class Visitor:
    """Visits a stand-in as the service would: one process, one account of quotas, one cursor."""

    def __init__(self, platform: Reddit, *, key: str | None = KEY, at: Source | None = None) -> None:
        self.platform = platform
        self.now = START
        self.cursor: Cursor = {}
        self.source = at or source()
        self.memory: MutableMapping[str, Any] = {}
        self.meter = MemoryMeter()
        self.keys = {"reddit": key} if key else {}
        self.pages: list[Page] = []
        self.stored: dict[str, Item] = {}
        platform.clock = lambda: self.now

    async def _follow(self, pages: Any) -> list[Page]:
        self.pages = []
        async for page in pages:
            self.pages.append(page)
            if page.resume is not None:
                self.cursor = orjson.loads(orjson.dumps(page.resume))
            for item in COLLECTOR.parse(self.source, page).items:
                if item.deleted:
                    self.stored.pop(item.id, None)
                else:
                    self.stored[item.id] = item
        return self.pages

    def _http(self) -> Http:
        return Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=lambda: self.now)

    def _access(self, http: Http) -> Access:
        base = self.platform.base
        return Access("reddit", http, keys=self.keys, base=base, meter=self.meter, memory=self.memory)

    async def visit(self) -> list[Page]:
        async with self._http() as http:
            return await self._follow(COLLECTOR.retrieve(self.source, self.cursor, self._access(http), self.now))

    async def review(self, posts: list[Stored]) -> list[Page]:
        async with self._http() as http:
            return await self._follow(COLLECTOR.review(self.source, posts, self._access(http), self.now))

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def asked(self, ending: str) -> list[str]:
        return [one.path for one in self.platform.requests if one.path.endswith(ending)]
