"""Looking at a source without storing anything."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from collectors import registry
from collectors.base import Facts, Source
from collectors.feeds.directories import Found, search_podcasts
from collectors.feeds.finder import Candidate, find_feeds
from collectors.pinterest_api.trends import Kind, TrendKeyword, growing_keywords
from monitor.core.model import Post
from monitor.workbench import NOTHING_KNOWN, VISIT, Workbench, named


@dataclass(frozen=True, slots=True)
class Preview:
    """What a source would bring."""

    source: Source
    posts: tuple[Post, ...] = ()
    facts: Facts = field(default_factory=Facts)
    rejected: int = 0
    repairs: tuple[str, ...] = ()
    error: str | None = None
    code: str | None = None
    url: str | None = None
    """Where the answer came from, after redirects."""
    millis: int = 0


class Previews:
    """One per process."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def preview(self, source: Source, *, limit: int = 20) -> Preview:
        """Fetch and tag the first page of a source."""
        started = self._bench.clock()
        url: str | None = None
        try:
            collector = registry.get(source.collector)
            async with self._bench.http() as http, asyncio.timeout(VISIT):
                async for page in collector.retrieve(source, {}, self._bench.access(source, http), started):
                    url = page.url
                    if page.body is None:
                        continue
                    reading = await self._bench.readers.read(page, source, NOTHING_KNOWN)
                    newest = sorted(reading.posts, key=lambda post: post.published_at, reverse=True)
                    return Preview(
                        source=source,
                        posts=tuple(newest[:limit]),
                        facts=reading.facts,
                        rejected=reading.rejected,
                        repairs=tuple(reading.repairs),
                        url=url,
                        millis=self._millis(started),
                    )
        except Exception as trouble:
            error = named(trouble, source)
            return Preview(source, error=str(error), code=error.code, url=url, millis=self._millis(started))
        return Preview(source, error="It answered, but with nothing to read.", code="empty", url=url)

    async def discover(self, url: str) -> list[Candidate]:
        """Feeds that can be read at or from this address, best first. Raises CollectError if it does not answer."""
        async with self._bench.http() as http:
            return await find_feeds(http, url)

    async def podcasts(self, words: str, *, country: str | None = None) -> Found:
        """Shows that the podcast directories list under these words. Raises ValueError if there are none."""
        async with self._bench.http() as http:
            accesses = {name: self._bench.access_of(name, http) for name in ("podcastindex", "itunes")}
            return await search_podcasts(accesses, words, country=country)

    async def growing_keywords(self, region: str, kind: Kind) -> tuple[TrendKeyword, ...]:
        """What people search for on Pinterest more than before. Raises ValueError, CollectError."""
        async with self._bench.http() as http:
            return await growing_keywords(self._bench.access_of("pinterest", http), region, kind)

    def _millis(self, started: datetime) -> int:
        return round((self._bench.clock() - started).total_seconds() * 1000)
