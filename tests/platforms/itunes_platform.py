"""A stand-in for Apple's directory of podcasts, and for the host of the feeds that it lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson

from collectors.base import Source
from tests.platforms.case import Case, Clock
from tests.platforms.serving import START, Asked, Platform, Told

SHOW = 1441923632
APP_ONLY = 1441923633
_SEARCH = {"term", "media", "entity", "country", "lang", "limit", "attribute", "explicit", "version"}
_LOOKUP = {"id", "entity", "limit", "sort", "country"}


class Itunes(Platform):
    """Two shows, one of them without a feed. `feed_path` is where the feed is now; elsewhere it answers 404.

    Attributes:
        lookups: how often the directory was asked for a show.
    """

    def __init__(self, clock: Clock = lambda: START, *, episodes: int = 6) -> None:
        super().__init__(clock)
        self.feed_path = "/feeds/example.xml"
        self.lookups = 0
        self.new_feed_url = ""
        self.episodes: list[tuple[str, datetime]] = []
        for age in range(episodes, 0, -1):
            self.add(clock() - timedelta(days=age))

    def add(self, published: datetime) -> str:
        native = f"ep-{len(self.episodes)}"
        self.episodes.append((native, published))
        return native

    def publish(self, count: int) -> None:
        for number in range(count):
            self.add(self.clock() - timedelta(seconds=count - number))

    def ids(self) -> set[str]:
        return {native for native, _ in self.episodes}

    def answer_throttled(self, asked: Asked) -> Told:
        return Told(403, b"<HTML><BODY>Forbidden</BODY></HTML>", {"content-type": "text/html"})

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/lookup" and not set(asked.query) - _LOOKUP:
            self.lookups += 1
            return self._script([one for one in self._shows() if str(one["collectionId"]) == asked.one("id")])
        if asked.path == "/search" and not set(asked.query) - _SEARCH:
            words = asked.one("term").lower()
            if asked.one("media") != "podcast" or not words:
                return self._script([])
            found = [one for one in self._shows() if words in one["collectionName"].lower()]
            return self._script(found[: min(int(asked.one("limit", "50")), 200)])
        if asked.path == self.feed_path:
            return Told(200, self._feed(), {"content-type": "application/rss+xml"}, page=True)
        if asked.path in ("/lookup", "/search"):
            return Told.json({"errorMessage": "Invalid value(s) for key(s)", "queryParameters": {}}, 400)
        return Told(404, b"Not found", {"content-type": "text/plain"})

    def _script(self, results: list[dict[str, Any]]) -> Told:
        body = b"\n\n\n" + orjson.dumps({"resultCount": len(results), "results": results}) + b"\n\n\n"
        return Told(200, body, {"content-type": "text/javascript; charset=utf-8"})

    def _shows(self) -> list[dict[str, Any]]:
        show = {
            "wrapperType": "track",
            "kind": "podcast",
            "collectionId": SHOW,
            "trackId": SHOW,
            "artistName": "Example Desk",
            "collectionName": "Example Nursing Show",
            "trackName": "Example Nursing Show",
            "feedUrl": f"{self.base}{self.feed_path}",
            "releaseDate": "2026-07-05T10:00:00Z",
            "primaryGenreName": "Medicine",
            "genres": ["Medicine", "Podcasts"],
            "trackCount": 6,
        }
        alone = {key: value for key, value in show.items() if key != "feedUrl"}
        return [show, alone | {"collectionId": APP_ONLY, "trackId": APP_ONLY, "collectionName": "Nursing in one app"}]

    def _feed(self) -> bytes:
        moved = f"<itunes:new-feed-url>{self.new_feed_url}</itunes:new-feed-url>" if self.new_feed_url else ""
        entries = "".join(
            f"<item><title>Invented {native}</title><guid isPermaLink='false'>{native}</guid>"
            f"<pubDate>{format_datetime(published)}</pubDate><itunes:duration>1810</itunes:duration>"
            f"<enclosure url='https://example.fm/{native}.mp3' type='audio/mpeg' length='1'/></item>"
            for native, published in reversed(self.episodes)
        )
        return (
            "<?xml version='1.0' encoding='utf-8'?><rss version='2.0' "
            "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><channel><title>Example Nursing Show</title>"
            f"<language>en</language>{moved}{entries}</channel></rss>"
        ).encode()


SOURCE = Source(
    id="it", collector="itunes", platform="podcast", url=f"https://podcasts.apple.com/us/podcast/example/id{SHOW}"
)
CASES: list[Case] = [Case("itunes show", SOURCE, Itunes, pages=1, drifts=False, engagement=False)]
