"""Visits of the stand-in, for the tests of the Mastodon collector."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from collectors.access import Access
from collectors.base import (
    NOTHING_PROVED,
    Cursor,
    Item,
    Page,
    Parsed,
    Source,
    Stored,
)
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.mastodon import COLLECTOR
from collectors.quota import MemoryMeter
from tests.platforms.mastodon_platform import MastodonPlatform, source
from tests.platforms.serving import START
from tests.support.collecting import Clock

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Visitor:
    """Visits one source again and again, and keeps what was found."""

    def __init__(self, platform: MastodonPlatform, clock: Clock, http: Http, key: str | None) -> None:
        self.platform = platform
        self.clock = clock
        self.meter = MemoryMeter()
        self.memory: dict[str, Any] = {}
        self.access = Access(
            "mastodon", http, keys={"mastodon": key} if key else {}, base=platform.base, meter=self.meter, memory=self.memory
        )  # fmt: skip
        self.cursor: Cursor = {}
        self.items: dict[str, Item] = {}

    async def visit(self, where: Source) -> list[tuple[Page, Parsed]]:
        """Pages and what they hold; the cursor passes through JSON as it does in the database."""
        pages = []
        async for page in COLLECTOR.retrieve(where, self.cursor, self.access, self.clock.now):
            parsed = COLLECTOR.parse(where, page)
            pages.append((page, parsed))
            self.items |= {item.id: item for item in parsed.items}
            if page.resume is not None:
                self.cursor = json.loads(json.dumps(page.resume))
        return pages

    async def review(self, where: Source, ids: list[str]) -> list[Parsed]:
        posts = [Stored(one, None, START) for one in ids]
        pages = [page async for page in COLLECTOR.review(where, posts, self.access, self.clock.now)]
        assert [one for page in pages for one in page.confirmed] == ids
        assert all(page.resume is None and page.observed == NOTHING_PROVED for page in pages)
        return [COLLECTOR.parse(where, page) for page in pages]

    def asked(self) -> list[str]:
        return [request.path for request in self.platform.requests]


@asynccontextmanager
async def visitor(key: str | None = None, **how: Any) -> AsyncIterator[Visitor]:
    clock = Clock()
    settings = HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0)
    with MastodonPlatform(clock, **how) as platform:
        async with Http(settings, clock=clock) as http:
            yield Visitor(platform, clock, http, key)


def read(status: Mapping[str, Any], path: str = "/tags/nursing", **options: Any) -> Parsed:
    page = Page(json.dumps([status]).encode(), "https://ward.example/api", START, context={"kind": "list"})
    return COLLECTOR.parse(source(path, **options), page)


def status(**fields: Any) -> dict[str, Any]:
    platform = MastodonPlatform(posts=0)
    return platform.statuses[platform.add(START - MINUTE, **fields)]
