"""What the tests of Meta's platforms share: a stand-in, a clock, and what one process remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import orjson
import pytest

from collectors.access import Access
from collectors.base import Cursor, Item, Page, Source, Stored
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.meta import COLLECTOR
from collectors.quota import MemoryMeter
from tests.platforms.meta_platform import MetaPlatform, source
from tests.platforms.meta_posts import KEY, Kind
from tests.platforms.serving import START


class Bench:
    """A platform, a clock, and what one process remembers of it."""

    def __init__(self, platform: MetaPlatform, what: Source) -> None:
        self.platform, self.source = platform, what
        self.now = START
        platform.clock = lambda: self.now
        self.meter = MemoryMeter()
        self.memory: MutableMapping[str, Any] = {}
        self.keys: Mapping[str, str] = {"meta": KEY}
        self.pages: list[Page] = []

    async def visit(self, cursor: Cursor | None = None) -> list[Page]:
        """All pages of one visit; those before an error are in `pages`."""
        self.pages = []
        async with self._http() as http:
            async for page in COLLECTOR.retrieve(self.source, cursor or {}, self._access(http), self.now):
                self.pages.append(page)
        return self.pages

    async def review(self, ids: Sequence[str]) -> list[Page]:
        posts = [Stored(one, None, START) for one in ids]
        async with self._http() as http:
            return [page async for page in COLLECTOR.review(self.source, posts, self._access(http), self.now)]

    def items(self) -> dict[str, Item]:
        return {item.id: item for page in self.pages for item in COLLECTOR.parse(self.source, page).items}

    def asked(self, ending: str) -> list[Mapping[str, list[str]]]:
        """The queries of all requests whose path ends so."""
        return [one.query for one in self.platform.requests if one.path.endswith(ending)]

    def _http(self) -> Http:
        return Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=lambda: self.now)

    def _access(self, http: Http) -> Access:
        return Access("meta", http, keys=self.keys, base=self.platform.base, meter=self.meter, memory=self.memory)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """Makes a bench of a kind, with options of its source."""
    opened: list[MetaPlatform] = []

    def make(kind: Kind, **options: Any) -> Bench:
        platform = MetaPlatform(lambda: START, kind)
        opened.append(platform)
        platform.__enter__()
        return Bench(platform, source(kind, **options))

    yield make
    for platform in opened:
        platform.__exit__(None, None, None)


def last(pages: Sequence[Page]) -> Cursor:
    resume = pages[-1].resume
    assert resume is not None
    return orjson.loads(orjson.dumps(dict(resume)))  # type: ignore[no-any-return]
