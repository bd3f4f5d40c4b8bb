"""A stand-in for GDELT DOC 2.0: windows, 250 articles at most, errors in words with status 200, broken JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from collectors.base import Source
from tests.platforms.case import Case, Clock
from tests.platforms.serving import START, Asked, Platform, Told

LANGUAGES = ("English", "German", "Chinese", "Greek")
COUNTRIES = ("United States", "Germany", "China", "Greece")


class Gdelt(Platform):
    """Articles ten minutes apart, the newest a quarter of an hour old.

    Attributes:
        dirty: True: control characters and lone backslashes in its JSON, as the real one sends at times.
        throttled_as: how it says 'too often': by status 429, or with 200 and the same words.
    """

    def __init__(self, clock: Clock = lambda: START, *, articles: int = 620) -> None:
        super().__init__(clock)
        self.dirty = False
        self.throttled_as = 429
        self.articles: list[dict[str, Any]] = []
        self._broken: set[str] = set()
        for age in range(articles, 0, -1):
            self.add(clock() - timedelta(minutes=5 + 10 * age))

    def add(self, seen: datetime, **fields: Any) -> dict[str, Any]:
        number = len(self.articles)
        article = {
            "url": f"https://news{number % 7}.example/health/{number}",
            "url_mobile": "",
            "title": f"Invented headline number {number} , on health",
            "seendate": f"{seen:%Y%m%dT%H%M%SZ}",
            "socialimage": "",
            "domain": f"news{number % 7}.example",
            "language": LANGUAGES[number % 4],
            "sourcecountry": COUNTRIES[number % 4],
        } | fields
        self.articles.append(article)
        return article

    def publish(self, count: int) -> None:
        for number in range(count):
            self.add(self.clock() - timedelta(seconds=count - number))

    def ids(self) -> set[str]:
        return {one["url"] for one in self.articles} - self._broken

    def break_one(self) -> str:
        article = self.articles[-3]
        article["title"], article["seendate"] = {"en": "?"}, [2026]
        self._broken.add(article["url"])
        return str(article["url"])

    def answer_throttled(self, asked: Asked) -> Told:
        words = b"Please limit requests to one every 5 seconds or contact somebody@gdelt.example for larger queries."
        return Told(self.throttled_as, words, {"content-type": "text/html; charset=utf-8"})

    def answer(self, asked: Asked) -> Told:
        if asked.path != "/api/v2/doc/doc":
            return Told(404, b"<html>Not Found</html>", {"content-type": "text/html"})
        wrong = self._wrong(asked)
        if wrong:
            return Told(200, wrong.encode(), {"content-type": "text/html; charset=utf-8"})
        start, end = _moment(asked.one("startdatetime")), _moment(asked.one("enddatetime"))
        language = re.search(r"sourcelang:(\w+)", asked.one("query"))
        country = re.search(r"sourcecountry:(\w+)", asked.one("query"))
        found = [
            one
            for one in self.articles
            # what has lost its date is still listed: it came last
            if isinstance(one["seendate"], list) or start < _seen(one["seendate"]) < end
            if not language or one["language"].lower() == language[1]
            if not country or one["sourcecountry"].lower().replace(" ", "") == country[1]
        ]
        found.sort(key=lambda one: str(one["seendate"]), reverse=True)
        body = orjson.dumps({"articles": found[: int(asked.one("maxrecords", "75"))]} if found else {})
        if self.dirty:
            body = body.replace(b"Invented", b"In\x0bvented\t\\ ")
        return Told(200, body, {"content-type": "application/json; charset=utf-8"}, page=True)

    def _wrong(self, asked: Asked) -> str:
        query = asked.one("query")
        bare = re.sub(r"\([^)]*\)", "", query)
        if len(query) < 3 or len(query) > 250:
            return "Your query was too short or too long."
        if " OR " in bare:
            return "Queries containing OR'd terms must be surrounded by ()."
        if any(len(phrase) < 5 for phrase in re.findall(r'"([^"]*)"', query)):
            return "The specified phrase is too short."
        if asked.one("mode").lower() != "artlist" or asked.one("format") != "json" or asked.one("sort") != "datedesc":
            return "Invalid mode."
        if int(asked.one("maxrecords")) > 250 or _moment(asked.one("startdatetime")) > _moment(
            asked.one("enddatetime")
        ):
            return "Invalid request."
        if _moment(asked.one("startdatetime")) < self.clock() - timedelta(days=91):
            return "Invalid start date: it must be within the last 3 months."
        return ""


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _seen(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


SOURCE = Source(
    id="it", collector="gdelt", platform="gdelt", url="https://www.gdeltproject.org/?query=health", content_type="news"
)
CASES: list[Case] = [Case("gdelt query", SOURCE, Gdelt, engagement=False)]
