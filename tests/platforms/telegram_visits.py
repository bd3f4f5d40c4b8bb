"""Visits to Telegram's stand-ins as the service would make them, for the tests of its collector."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

import orjson

from collectors.access import Access
from collectors.base import Cursor, Item, Page, Source, Stored
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.telegram import COLLECTOR
from tests.platforms.serving import START
from tests.platforms.telegram_platform import source


class Visitor:
    """Visits a stand-in as the service would: one process, one cursor."""

    def __init__(self, platform: Any, *, at: Source | None = None, key: str | None = None) -> None:
        self.platform = platform
        self.now = START
        self.cursor: Cursor = {}
        self.source = at or source()
        self.keys = {"telegram": key} if key else {}
        self.memory: MutableMapping[str, Any] = {}
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

    def http(self) -> Http:
        return Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=lambda: self.now)

    def access(self, http: Http) -> Access:
        return Access("telegram", http, keys=self.keys, base=self.platform.base, memory=self.memory)

    async def visit(self) -> list[Page]:
        async with self.http() as http:
            return await self._follow(COLLECTOR.retrieve(self.source, self.cursor, self.access(http), self.now))

    async def review(self, posts: list[Stored]) -> list[Page]:
        async with self.http() as http:
            return await self._follow(COLLECTOR.review(self.source, posts, self.access(http), self.now))

    def held(self) -> list[Stored]:
        return [Stored(name, item.url, item.published_at or START) for name, item in self.stored.items()]

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)
