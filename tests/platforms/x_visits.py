"""Visits of the X collector to its stand-in, one going on from the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.access import Access
from collectors.base import (
    CollectError,
    Item,
    Page,
    Source,
    Stored,
    Stretch,
)
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.quota import MemoryMeter
from collectors.x import COLLECTOR
from tests.platforms.serving import START
from tests.platforms.x_platform import KEY, SEARCH, X

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 7, 7, tzinfo=UTC)


class Visits:
    """Visits of one source that go on from each other, with one account book and one memory."""

    def __init__(self, platform: X, source: Source = SEARCH, **options: Any) -> None:
        self.platform = platform
        self.source = replace(source, options={**source.options, **options})
        self.now = START
        platform.clock = lambda: self.now
        self.meter = MemoryMeter()
        self.memory: dict[str, Any] = {}
        self.cursor: Mapping[str, Any] = {}
        self.pages: list[Page] = []
        self.items: dict[str, Item] = {}
        self.error: CollectError | None = None

    async def go(self, stored: list[Stored] | None = None) -> list[Item]:
        """One visit (or one look at stored posts); what it brought."""
        self.pages, self.error = [], None
        found: list[Item] = []
        async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=lambda: self.now) as http:
            access = Access("x", http, keys={"x": KEY}, base=self.platform.base, meter=self.meter, memory=self.memory)
            coming = (
                COLLECTOR.retrieve(self.source, self.cursor, access, self.now)
                if stored is None
                else COLLECTOR.review(self.source, stored, access, self.now)
            )
            try:
                async for page in coming:
                    self.pages.append(page)
                    self.cursor = page.resume or self.cursor
                    found += COLLECTOR.parse(self.source, page).items
            except CollectError as error:
                self.error = error
        self.items.update({item.id: item for item in found})
        return found

    def proved(self) -> Stretch:
        assert isinstance(self.pages[-1].observed, Stretch)
        return self.pages[-1].observed

    def booked(self, bucket: str) -> float:
        return sum(entry.amount for entry in self.meter.entries if entry.bucket.startswith(bucket))


async def one(platform: X, **more: Any) -> Item:
    """What the only post of a platform becomes."""
    platform.add(START - timedelta(hours=1), 1, **more)
    (item,) = await Visits(platform).go()
    return item


def stored(platform: X) -> list[Stored]:
    return [Stored(post["edit_history_tweet_ids"][0], None, START) for post in platform.posts]
