"""iTunes (Apple Podcasts): finds the feed of a show, which is then collected exactly as `feed` does.

Apple's directory is asked once a week at most for each show; what is observed is the publisher's own feed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode, urlsplit

from collectors.base import NO_DUTIES, Cursor, Duties, Gone, Key, NotFound, Page, Parsed, Source, Throttled
from collectors.feed import COLLECTOR as FEED
from collectors.feeds.directories import Show
from collectors.feeds.text import line
from collectors.options import Option, Problem, check_options
from collectors.quota import Quota, Rolling
from collectors.reading import array, count, load_object, mapping, moment, text

if TYPE_CHECKING:
    from collectors.access import Access

API = "https://itunes.apple.com"
CALLS = Quota("calls", 18, "calls to Apple's directory a minute", Rolling(timedelta(minutes=1)))
"""Apple speaks of about 20 a minute, subject to change."""
ASK_AGAIN = timedelta(days=7)
"""After this long the address of the feed is looked up anew: shows change their host."""
_PAUSE = timedelta(minutes=15)
_HOSTS = ("podcasts.apple.com", "itunes.apple.com")
_SHOW = re.compile(r"/podcast/(?:[^/]+/)?id(\d{4,14})/?$")


class ItunesCollector:
    """One page a visit, as of any feed."""

    platform: ClassVar[str] = "podcast"
    key: ClassVar[Key | None] = None
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = NO_DUTIES
    quotas: ClassVar[tuple[Quota, ...]] = (CALLS,)
    options: ClassVar[Mapping[str, Option]] = {}
    examples: ClassVar[tuple[str, ...]] = ("https://podcasts.apple.com/us/podcast/id1441923632",)

    def check(self, source: Source) -> list[Problem]:
        """Addresses that hold no number of a show, and any option."""
        problems = check_options(source, self.options)
        if _show_id(source.url) is None:
            instead = f"copy it from the show's page in Apple Podcasts, such as {self.examples[0]}"
            problems.append(Problem(("url",), "it is not the page of a show in Apple Podcasts", instead))
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """The show's feed, conditionally. Where it was is looked up first, if that is not known or was a week ago.

        Raises CollectError only; NotFound('http_404') if Apple does not list the show, NotFound('no_route') if it
        lists it without a feed.
        """
        number = _show_id(source.url)
        if number is None:
            raise NotFound(f"{source.id}: {source.url} is not the page of a show. Correct it.", code="http_404")
        feed = cursor.get("feed")
        asked = moment(cursor.get("asked"))
        http = cursor.get("http")
        if not isinstance(feed, str) or not feed or asked is None or now - asked >= ASK_AGAIN:
            found = await lookup(source, access, number)
            http = http if found == feed else None
            feed, asked = found, now
        try:
            async for page in self._pages(source, feed, asked, http, access, now):
                yield page
        except (NotFound, Gone):
            if asked == now:
                raise
            found = await lookup(source, access, number)
            if found == feed:
                raise
            async for page in self._pages(source, found, now, None, access, now):
                yield page

    def parse(self, source: Source, page: Page) -> Parsed:
        """As `feed` does; a new address that the feed names is left to Apple's directory to tell."""
        parsed = FEED.parse(source, page)
        return replace(parsed, facts=replace(parsed.facts, new_url=None))

    async def _pages(
        self, source: Source, feed: str, asked: datetime, http: Any, access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        async for page in FEED.retrieve(replace(source, url=feed), {"http": http}, access, now):
            state = {"feed": page.moved_to or feed, "asked": asked.isoformat(), **(page.resume or {})}
            yield replace(page, resume=state, moved_to=None)


async def lookup(source: Source, access: Access, number: str) -> str:
    """The address of the feed of the show with this number. Raises CollectError only."""
    answer = await _ask(source, access, f"/lookup?{urlencode({'id': number, 'entity': 'podcast'})}")
    results = [mapping(one) for one in array(answer.get("results"))]
    if not results:
        raise NotFound(
            f"{source.id}: Apple lists no show with the number {number}. Check the source's `url`.", code="http_404"
        )
    feed = next((url for one in results if _is_web(url := text(one.get("feedUrl")).strip())), None)
    if feed is None:
        raise NotFound(
            f"{source.id}: Apple lists the show {number} without a feed, so it can be heard in Apple's app only. "
            "Remove the source, or track the show's feed with `collector: feed` if it has one elsewhere.",
            code="no_route",
        )
    return feed


async def search_shows(access: Access, words: str, *, country: str | None = None, most: int = 25) -> list[Show]:
    """Shows that match `words` in the shop of `country` (the United States if None). Raises CollectError only."""
    parameters = {"term": words, "media": "podcast", "entity": "podcast", "limit": str(min(most, 200))}
    if country:
        parameters["country"] = country
    source = Source(id="itunes", collector="itunes", platform="podcast", url=API)
    answer = await _ask(source, access, f"/search?{urlencode(parameters)}")
    shows = []
    for result in array(answer.get("results")):
        entry = mapping(result)
        feed = text(entry.get("feedUrl")).strip()
        if not _is_web(feed):
            continue
        shows.append(
            Show(
                title=line(text(entry.get("collectionName")) or text(entry.get("trackName"))),
                feed_url=feed,
                publisher=line(text(entry.get("artistName"))),
                episodes=count(entry.get("trackCount")),
                newest=moment(entry.get("releaseDate")),
                directory="itunes",
            )
        )
    return shows


async def _ask(source: Source, access: Access, path: str) -> Mapping[str, Any]:
    """One counted call. Apple says 403 as well as 429 to those who ask too often."""
    from collectors.net.failures import read_retry_after

    await access.spend(CALLS)
    fetched = await access.http.fetch(
        access.url(f"{API}{path}"), accept="application/json, text/javascript", allow_status=(403, 429)
    )
    if fetched.status in (403, 429):
        until = read_retry_after(fetched.headers, fetched.fetched_at) or fetched.fetched_at + _PAUSE
        raise Throttled(
            f"{source.id}: Apple's directory asks for fewer requests ({fetched.status}). "
            f"It is asked again after {until:%Y-%m-%d %H:%M} UTC.",
            code="http_429",
            until=until,
        )
    page = Page(body=fetched.body, url=fetched.url, fetched_at=fetched.fetched_at)
    return load_object(source, page)


def _show_id(url: str) -> str | None:
    """The number in the address of a show's page, '…/podcast/any-name/id1441923632'."""
    parts = urlsplit(url)
    known = parts.scheme in ("http", "https") and (parts.hostname or "").lower() in _HOSTS
    match = _SHOW.search(parts.path) if known else None
    return match[1] if match else None


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


COLLECTOR = ItunesCollector()
