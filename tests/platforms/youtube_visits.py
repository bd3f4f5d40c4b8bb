"""Visits to the stand-in for YouTube, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from collectors.access import Access
from collectors.base import (
    Item,
    Page,
    Source,
    Stored,
    Stretch,
)
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.quota import MemoryMeter
from collectors.youtube import COLLECTOR
from tests.platforms.serving import START
from tests.platforms.youtube_platform import (
    KEY,
    YouTube,
)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Visitor:
    """Visits a stand-in again and again, with one cursor, one account book and one memory."""

    def __init__(self, platform: YouTube, of: Source, *, key: str = KEY) -> None:
        self.platform, self.source, self.key = platform, of, key
        self.cursor: Mapping[str, Any] = {}
        self.now = START
        self.meter = MemoryMeter()
        self.memory: dict[str, Any] = {}
        platform.clock = lambda: self.now

    async def visit(self, *, stop: int | None = None) -> list[Page]:
        """The pages of a visit; the cursor follows each of them. `stop`: it is killed after so many."""
        pages = []
        async with self._http() as http:
            found = COLLECTOR.retrieve(self.source, self.cursor, self._access(http), self.now)
            async for page in found:
                pages.append(page)
                self.cursor = orjson.loads(orjson.dumps(page.resume))
                if len(pages) == stop:
                    break
        return pages

    async def review(self, ids: list[str]) -> list[Page]:
        posts = [Stored(name, None, START) for name in ids]
        async with self._http() as http:
            return [page async for page in COLLECTOR.review(self.source, posts, self._access(http), self.now)]

    def items(self, pages: list[Page]) -> dict[str, Item]:
        return {item.id: item for page in pages for item in COLLECTOR.parse(self.source, page).items}

    def _http(self) -> Http:
        return Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=lambda: self.now)

    def _access(self, http: Http) -> Access:
        keys = {"youtube": self.key}
        return Access("youtube", http, keys=keys, base=self.platform.base, meter=self.meter, memory=self.memory)


def asked(platform: YouTube, resource: str) -> list[Any]:
    return [one for one in platform.requests if one.path.endswith(f"/{resource}")]


def stretches(pages: list[Page]) -> list[Stretch]:
    return [page.observed for page in pages if isinstance(page.observed, Stretch)]
