"""A stand-in for PodcastIndex: signed requests, unpaged lists of at most 1,000, live items, episodes of a person."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.base import Source
from tests.platforms.case import Case, Clock
from tests.platforms.serving import START, Asked, Platform, Told

KEY, SECRET = "hush-key", "hush-secret"
SHOW, OTHER = 75075, 75076
_KNOWN = {
    "/episodes/byfeedid": {"id", "since", "max", "enclosure", "fulltext", "newest", "pretty"},
    "/search/byperson": {"q", "max", "fulltext", "pretty"},
    "/search/byterm": {"q", "val", "max", "aponly", "clean", "similar", "fulltext", "pretty"},
}


class PodcastIndex(Platform):
    """Two shows; every third episode is the other's, every second has a guest called Example Guest."""

    def __init__(self, clock: Clock = lambda: START, *, episodes: int = 24) -> None:
        super().__init__(clock)
        self.episodes: list[dict[str, Any]] = []
        self.live: list[dict[str, Any]] = []
        self._broken: set[str] = set()
        for age in range(episodes, 0, -1):
            self.add(clock() - timedelta(hours=30 * age))
        self.go_live("live")

    def add(self, published: datetime, **fields: Any) -> dict[str, Any]:
        number = len(self.episodes)
        episode = {
            "id": 90_000_000 + number,
            "title": f"Ep {number}: invented & example",
            "link": f"https://example.fm/{number}",
            "description": f"<p>About <b>example</b> number {number}.</p>",
            "guid": f"ep-{number}",
            "datePublished": int(published.timestamp()),
            "datePublishedPretty": published.strftime("%B %d, %Y %I:%M%p").lower(),
            "dateCrawled": int(published.timestamp()) + 600,
            "enclosureUrl": f"https://example.fm/{number}.mp3",
            "enclosureType": "audio/mpeg",
            "enclosureLength": 1000,
            "duration": 1810 if number % 2 else None,
            "explicit": 0,
            "episode": number,
            "episodeType": "full",
            "season": None,
            "image": "",
            "feedItunesId": None,
            "feedUrl": f"https://example.fm/feed-{number % 3}.xml",
            "feedImage": "",
            "feedId": OTHER if number % 3 == 2 else SHOW,
            "podcastGuid": "917393e3-0000-5cef-0000-edaa54e1f810",
            "feedLanguage": "en-us",
            "feedDead": 0,
            "feedDuplicateOf": None,
            "chaptersUrl": None,
            "transcriptUrl": f"https://example.fm/{number}.vtt" if number % 2 else None,
        } | fields
        if number % 2 and "persons" not in fields:
            episode["transcripts"] = [{"url": f"https://example.fm/{number}.srt", "type": "application/srt"}]
            episode["persons"] = [_person("Example Host", "host"), _person("Example Guest", "guest")]
        self.episodes.append(episode)
        return episode

    def go_live(self, status: str, number: int = 1) -> None:
        """The show's broadcast of this number is now `status`."""
        self.live = [one for one in self.live if one["guid"] != f"live-{number}"]
        start = int((self.clock() - timedelta(minutes=20)).timestamp())
        self.live.append(
            {
                "id": 91_000_000 + number,
                "title": f"Live {number}",
                "link": "https://example.fm/live",
                "description": "",
                "guid": f"live-{number}",
                "datePublished": start,
                "dateCrawled": start,
                "enclosureUrl": "https://example.fm/live.mp3",
                "enclosureType": "audio/mpeg",
                "enclosureLength": 0,
                "startTime": start,
                "endTime": start + 3600,
                "status": status,
                "contentLink": "https://example.fm/live",
                "duration": None,
                "explicit": 0,
                "feedId": SHOW,
                "feedLanguage": "en-us",
                "feedDead": 0,
            }
        )

    def publish(self, count: int) -> None:
        for number in range(count):
            self.add(self.clock() - timedelta(seconds=count - number), feedId=SHOW)

    def ids(self) -> set[str]:
        mine = {str(one["id"]) for one in self.episodes if one["feedId"] == SHOW}
        return (mine | {str(one["id"]) for one in self.live}) - self._broken

    def break_one(self) -> str:
        episode = next(one for one in reversed(self.episodes) if one["feedId"] == SHOW)
        episode["title"], episode["datePublished"] = ["?"], "soon"
        self._broken.add(str(episode["id"]))
        return str(episode["id"])

    def answer_throttled(self, asked: Asked) -> Told:
        return Told.json("Rate limit exceeded.", 429, retry_after="120")

    def answer(self, asked: Asked) -> Told:
        if not asked.path.startswith("/api/1.0/"):
            return Told(404, b"Not found", {"content-type": "text/html"})
        refused = self._refused(asked)
        if refused:
            return Told.json(refused, 401)
        path = asked.path.removeprefix("/api/1.0")
        most = asked.one("max", "60")
        if path not in _KNOWN or set(asked.query) - _KNOWN[path] or not (most.isdigit() and 1 <= int(most) <= 1000):
            return Told.json({"status": "false", "description": "Invalid parameters"}, 400)
        return getattr(self, "_" + path.rpartition("/")[2])(asked, int(most))

    def _byfeedid(self, asked: Asked, most: int) -> Told:
        show = int(asked.one("id"))
        if show not in (SHOW, OTHER):
            return Told.json({"status": "false", "description": "Feed not found"}, 400)
        since = int(asked.one("since", "0"))
        found = [
            one
            for one in self.episodes
            if one["feedId"] == show and (isinstance(one["datePublished"], str) or one["datePublished"] >= since)
        ]
        found.sort(key=lambda one: one["id"], reverse=True)
        live = [one for one in self.live if one["feedId"] == show]
        return Told.json(
            {
                "status": "true",
                "liveItems": live,
                "items": found[:most],
                "count": len(found[:most]),
                "query": str(show),
                "description": "Found matching items.",
            },
            page=True,
        )

    def _byperson(self, asked: Asked, most: int) -> Told:
        name = asked.one("q").lower()
        found = [
            {key: value for key, value in one.items() if key != "persons"}
            | {"feedTitle": "Example", "feedAuthor": "Desk"}
            for one in self.episodes
            if any(name in person["name"].lower() for person in one.get("persons", ()))
        ]
        body = {"status": "true", "items": found[:most], "count": len(found[:most]), "query": asked.one("q")}
        return Told.json(body | {"description": "Found matching items."}, page=True)

    def _byterm(self, asked: Asked, most: int) -> Told:
        feeds = [_feed(SHOW, "Example Health Show", "en-us", 0), _feed(OTHER, "Gone Show", "de", 1)]
        found = [one for one in feeds if asked.one("q").lower() in one["title"].lower()][:most]
        body = {"status": "true", "feeds": found, "count": len(found), "query": asked.one("q")}
        return Told.json(body | {"description": "Found matching feeds."})

    def _refused(self, asked: Asked) -> str:
        headers = asked.headers
        if not headers.get("user-agent"):
            return "User-Agent header value either not set or blank."
        for name in ("X-Auth-Key", "X-Auth-Date", "Authorization"):
            if not headers.get(name.lower()):
                return f"{name} header value either not set or blank."
        date = headers["x-auth-date"]
        if not date.isdigit() or abs(int(date) - self.clock().timestamp()) > 180:
            return "Authorization header is outside of the allowed time."
        sign = hashlib.sha1(f"{KEY}{SECRET}{date}".encode(), usedforsecurity=False).hexdigest()
        if headers["x-auth-key"] != KEY or headers["authorization"] != sign:
            return "Authorization failed."
        return ""


def _person(name: str, role: str) -> dict[str, Any]:
    return {"id": len(name), "name": name, "role": role, "group": "cast", "href": "", "img": ""}


def _feed(show: int, title: str, language: str, dead: int) -> dict[str, Any]:
    newest = int(datetime(2026, 7, 5, tzinfo=UTC).timestamp())
    return {
        "id": show,
        "podcastGuid": "917393e3-0000-5cef-0000-edaa54e1f810",
        "title": title,
        "url": f"https://example.fm/feed-{show}.xml",
        "originalUrl": f"https://example.fm/feed-{show}.xml",
        "link": "https://example.fm/",
        "description": "An invented show.",
        "author": "Example Desk",
        "ownerName": "Example Owner",
        "itunesId": None,
        "language": language,
        "explicit": False,
        "type": 0,
        "medium": "podcast",
        "dead": dead,
        "episodeCount": 16,
        "categories": {"29": "Health"},
        "locked": 0,
        "newestItemPubdate": newest,
    }


class Person(PodcastIndex):
    """The same, of which a search for Example Guest is collected."""

    def ids(self) -> set[str]:
        return {str(one["id"]) for one in self.episodes if one.get("persons")} - self._broken

    def publish(self, count: int) -> None:
        for number in range(count):
            self.add(self.clock() - timedelta(seconds=count - number), persons=[_person("Example Guest", "guest")])

    def break_one(self) -> str:
        episode = next(one for one in reversed(self.episodes) if one.get("persons"))
        episode["title"], episode["datePublished"] = ["?"], "soon"
        self._broken.add(str(episode["id"]))
        return str(episode["id"])


SOURCE = Source(id="it", collector="podcastindex", platform="podcast", url=f"https://podcastindex.org/podcast/{SHOW}")
PERSON = Source(
    id="it",
    collector="podcastindex",
    platform="podcast",
    url="https://podcastindex.org/search?q=Example+Guest&type=person",
)
_KEYS = {"key": f"{KEY}:{SECRET}", "wrong_key": "hush-other:hush-secret", "pages": 1, "engagement": False}
CASES: list[Case] = [
    Case("podcastindex show", SOURCE, PodcastIndex, **_KEYS),
    Case("podcastindex person", PERSON, Person, **_KEYS),
]
