"""A service in small for tests of collecting: a real store, real HTTP over loopback, and a clock that the test moves."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

from collectors.base import Source
from collectors.fetch import Http, HttpSettings, parse_nets
from monitor.core.metrics import parse_query
from monitor.core.model import Visit
from monitor.pipeline import Collection, CollectReport
from monitor.previews import Previews
from monitor.readers import Readers, Recipe
from monitor.reviews import Reviews
from monitor.store import Store
from monitor.trends import Trends
from monitor.workbench import Workbench
from tests.servers.internet import PUBLIC, Elsewhere, Names
from tests.support.posts import make_source

START = datetime(2026, 7, 6, 12, tzinfo=UTC)
"""A Monday."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TAXONOMY = {
    "telehealth": {
        "label": "Telehealth",
        "description": "Care at a distance.",
        "phrases": {"en": ["telehealth"]},
        "examples": ["A telehealth visit"],
        "counter_examples": ["A telephone"],
    }
}
RECIPE = Recipe(taxonomy=TAXONOMY, lexicon={}, author_key=b"a key for tests")


def item(
    native: str,
    at: datetime | None,
    *,
    title: str | None = None,
    text: str = "Nurses met in the ward.",
    comments: int | None = None,
) -> str:
    """One RSS item."""
    date = "" if at is None else f"<pubDate>{format_datetime(at)}</pubDate>"
    count = "" if comments is None else f"<slash:comments>{comments}</slash:comments>"
    return (
        f'<item><guid isPermaLink="false">{native}</guid><link>https://ward.example/{native}</link>'
        f"<title>{escape(title if title is not None else f'Post {native}')}</title>"
        f"<description>{escape(text)}</description>{date}{count}</item>"
    )


def rss(items: Iterable[str], *, head: str = "") -> str:
    """An RSS document of these items."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
        ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:podcast="https://podcastindex.org/namespace/1.0">'
        "<channel><title>Ward news</title><link>https://ward.example/</link><description>d</description>"
        f"{head}{''.join(items)}</channel></rss>"
    )


class Clock:
    """The present moment, until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, step: timedelta) -> datetime:
        self.now += step
        return self.now


class Service:
    """What a test of collecting works with."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        recipe: Recipe = RECIPE,
        workers: int = 0,
        stall: float = 60.0,
        internet: int | None = None,
        concurrency: int = 8,
        http: Mapping[str, Any] | None = None,
        keys: Mapping[str, str] | None = None,
        bases: Mapping[str, str] | None = None,
    ) -> None:
        """`internet`: the port of a loopback server that stands for every public host; loopback itself is then
        refused, as it is by default. Without it loopback may be reached."""
        self.store = store
        self.clock = clock or Clock()
        self.readers = Readers(recipe, workers=workers, stall=stall)
        settings: dict[str, Any] = {"pace": 0.0, "concurrency": concurrency} | dict(http or {})
        if internet is None:
            settings["allow_nets"] = parse_nets("127.0.0.0/8")

        def connect() -> Http:
            if internet is None:
                return Http(HttpSettings(**settings), clock=self.clock)
            return Http(
                HttpSettings(**settings), clock=self.clock, resolve=Names([PUBLIC]), network=Elsewhere(internet)
            )

        self.bench = Workbench(
            store=store, readers=self.readers, http=connect, clock=self.clock, keys=keys or {}, bases=bases or {}
        )
        self.collection = Collection(self.bench, rng=random.Random(5), concurrency=concurrency)
        self.previews = Previews(self.bench)
        self.reviews = Reviews(self.bench)

    def track(self, name: str, url: str, **facts: Any) -> Source:
        source = make_source(name, url=url, **facts)
        self.store.add_source(source, self.clock())
        return source

    async def visit(self, *names: str) -> CollectReport:
        """Collect the named sources, or all that are due, at the present moment."""
        return await self.collection.collect(names or None)

    def buckets(self, since: datetime, until: datetime, **params: str) -> list[tuple[str, float | None, str]]:
        """(day, posts, status) of each day, as the API would say it."""
        asked = {"metric": "volume", "interval": "day", "since": f"{since:%Y-%m-%d}", "until": f"{until:%Y-%m-%d}"}
        query = parse_query({name: [value] for name, value in (asked | params).items()}, now=self.clock())
        (series,) = Trends(self.store, clock=self.clock).answer(query)["series"]
        return [(point["start"][:10], point["value"], point["status"]) for point in series["points"]]

    def close(self) -> None:
        self.bench.close()


def only(visits: tuple[Visit, ...]) -> Visit:
    (visit,) = visits
    return visit
