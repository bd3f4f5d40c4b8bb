"""PodcastIndex: the episodes of a show, and episodes in which a person takes part.

The show's own feed remains the source of truth: it is collected with `feed`. This collector is for what no single feed
tells (who appears where) and for shows whose feed does not answer us. `search_shows` finds shows by words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from collectors.base import (
    NO_DUTIES,
    NOTHING_PROVED,
    Cursor,
    Duties,
    Item,
    Key,
    LiveState,
    Media,
    NotFound,
    Page,
    Parsed,
    Source,
    Stretch,
    Throttled,
)
from collectors.feeds.directories import Show
from collectors.feeds.shape import language_code
from collectors.feeds.text import line, plain
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import (
    array,
    count,
    epoch_moment,
    load_object,
    mapping,
    moment,
    needed,
    needed_moment,
    read_items,
    text,
    unknown_shape,
)

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

API = "https://api.podcastindex.org/api/1.0"
KEY = Key(
    what="A free key and secret of PodcastIndex",
    where="https://api.podcastindex.org/signup",
    shape="KEY:SECRET",
)
MOST = 1000
"""Episodes that one answer holds at most."""
_OVERLAP = timedelta(days=7)
"""Episodes are dated by their publishers and listed once the show was crawled, so this much is asked for again."""
_PAUSE = timedelta(minutes=15)
_AHEAD = timedelta(days=1)
_SHOW = re.compile(r"/podcast/(\d{1,12})/?")
_LIVE: dict[str, LiveState] = {"pending": "pending", "live": "live", "ended": "ended"}


class PodcastIndexCollector:
    """One page a visit: its lists cannot be paged."""

    platform: ClassVar[str] = "podcast"
    key: ClassVar[Key | None] = KEY
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = NO_DUTIES
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {
        "days": Option(
            "whole", "How many days the first visit to a show reaches back; 90 if left out.", 90, low=1, high=3650
        ),
    }
    examples: ClassVar[tuple[str, ...]] = (
        "https://podcastindex.org/podcast/920666",
        "https://podcastindex.org/search?q=Florence+Nightingale&type=person",
    )

    def check(self, source: Source) -> list[Problem]:
        """Addresses that are neither a show's page nor a search for a person."""
        problems = check_options(source, self.options)
        if _target(source.url) is None:
            instead = (
                f"write a show's page such as {self.examples[0]}, or a search for a person such as {self.examples[1]}"
            )
            problems.append(
                Problem(("url",), "it is neither of the addresses of PodcastIndex that can be collected", instead)
            )
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """One signed request: the episodes since the last visit and a week more, or all those of a person.

        Raises CollectError only; NotFound('http_404') if there is no such show.
        """
        target = _target(source.url)
        if target is None:
            raise NotFound(f"{source.id}: {source.url} is no address of a show or person. Correct it.", code="http_404")
        kind, value = target
        before = moment(cursor.get("until"))
        since = now - timedelta(days=read_options(source, self.options)["days"]) if before is None else min(before, now)
        if kind == "show":
            since -= timedelta(0) if before is None else _OVERLAP
            path, parameters = "/episodes/byfeedid", {"id": value, "since": int(since.timestamp()), "max": MOST}
        else:
            path, parameters = "/search/byperson", {"q": value, "max": MOST}
        fetched = await request(source.id, access, f"{path}?{urlencode(parameters)}&fulltext")
        page = Page(fetched.body, fetched.url, fetched.fetched_at, fetched.content_type, {"until": now.isoformat()})
        yield replace(page, observed=_shown(kind, _entries(source, page)[0], since, now))

    def parse(self, source: Source, page: Page) -> Parsed:
        """Episodes and live items. Raises Drifted: 'not_json', 'unknown_shape'."""
        entries, live = _entries(source, page)

        def read_live(entry: Mapping[str, Any]) -> Item:
            return _read_live(entry, page.fetched_at)

        items, rejected = read_items(entries, _read_episode)
        shows, more = read_items(live, read_live)
        together = {item.id: item for item in (*items, *shows)}
        return Parsed(tuple(together.values()), rejected=(*rejected, *more))


async def search_shows(access: Access, words: str, *, most: int = 25) -> list[Show]:
    """Shows whose title, author or owner matches `words`, the best match first. Raises CollectError only."""
    query = urlencode({"q": words, "max": min(most, MOST)})
    fetched = await request("podcastindex", access, f"/search/byterm?{query}&fulltext")
    page = Page(body=fetched.body, url=fetched.url, fetched_at=fetched.fetched_at)
    source = Source(id="podcastindex", collector="podcastindex", platform="podcast", url=API)
    shows = []
    for entry in array(load_object(source, page).get("feeds")):
        feed = mapping(entry)
        url = text(feed.get("url"))
        if not url.lower().startswith(("http://", "https://")) or feed.get("dead") == 1:
            continue
        shows.append(
            Show(
                title=line(text(feed.get("title"))),
                feed_url=url,
                publisher=line(text(feed.get("author")) or text(feed.get("ownerName"))),
                episodes=count(feed.get("episodeCount")),
                newest=epoch_moment(feed.get("newestItemPubdate")),
                language=language_code(text(feed.get("language"))),
                directory="podcastindex",
            )
        )
    return shows


async def request(name: str, access: Access, path: str) -> Fetched:
    """One signed request. `name`: whom to name in errors. Raises CollectError only."""
    from collectors.net.failures import read_retry_after

    key, secret = access.key_pair(KEY)
    date = str(int(access.now().timestamp()))
    # SHA-1 is what PodcastIndex asks for.
    sign = hashlib.sha1(f"{key}{secret}{date}".encode(), usedforsecurity=False).hexdigest()
    fetched = await access.http.fetch(
        access.url(f"{API}{path}"),
        accept="application/json",
        headers={"X-Auth-Key": key, "X-Auth-Date": date, "Authorization": sign},
        allow_status=(400, 401, 403, 404, 429),
    )
    if fetched.status in (401, 403):
        why = f"PodcastIndex answers {fetched.status}; if the key is right, check the clock of this machine, which may be 3 minutes off at most"
        raise access.refused(KEY, why)
    if fetched.status == 429:
        until = read_retry_after(fetched.headers, fetched.fetched_at) or fetched.fetched_at + _PAUSE
        raise Throttled(
            f"{name}: PodcastIndex asks for fewer requests. It is asked again after {until:%Y-%m-%d %H:%M} UTC.",
            code="http_429",
            until=until,
        )
    if fetched.status in (400, 404):
        raise NotFound(
            f"{name}: PodcastIndex does not know what was asked for ({fetched.status}). Check the source's `url`.",
            code="http_404",
        )
    return fetched


def _target(url: str) -> tuple[str, str] | None:
    """('show', its number) or ('person', the name); None for any other address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or (parts.hostname or "").removeprefix("www.") != "podcastindex.org":
        return None
    match = _SHOW.fullmatch(parts.path)
    if match:
        return "show", match[1]
    asked = parse_qs(parts.query)
    name = asked.get("q", [""])[0].strip()
    if parts.path.rstrip("/") == "/search" and name and asked.get("type", [""])[0] == "person":
        return "person", name
    return None


def _entries(source: Source, page: Page) -> tuple[list[Any], list[Any]]:
    """Episodes and live items as they came. Raises Drifted."""
    answer = load_object(source, page)
    items = answer.get("items")
    if str(answer.get("status")).lower() != "true" or not isinstance(items, list):
        raise unknown_shape(source, f"status {str(answer.get('status'))[:20]!r} without a list of episodes")
    return items, array(answer.get("liveItems"))


def _shown(kind: str, entries: list[Any], since: datetime, now: datetime) -> Stretch | Literal["nothing"]:
    """What one answer has shown. A list that is not full is all there is; a full one of a show holds its newest, and
    of a full one of a person nobody says which."""
    gap = None
    if len(entries) >= MOST:
        dates = [when for one in entries if (when := epoch_moment(mapping(one).get("datePublished"))) is not None]
        if kind != "show" or not dates:
            return NOTHING_PROVED
        since, gap = max(min(dates), since), "overflow"
    return Stretch(since, now, gap) if since < now else NOTHING_PROVED


def _read_episode(entry: Mapping[str, Any]) -> Item:
    native = needed(entry.get("id"), "id")
    published = needed_moment(epoch_moment(entry.get("datePublished")), "datePublished")
    return _item(entry, native, published, None)


def _read_live(entry: Mapping[str, Any], now: datetime) -> Item:
    native = needed(entry.get("id"), "id")
    when = epoch_moment(entry.get("datePublished")) or epoch_moment(entry.get("startTime"))
    # The start of a broadcast to come is an estimate and no date of publication.
    published = when if when is not None and when <= now + _AHEAD else None
    return _item(entry, native, published, _LIVE.get(text(entry.get("status")).lower()))


def _item(entry: Mapping[str, Any], native: str, published: datetime | None, live: LiveState | None) -> Item:
    media = _media(entry)
    title = line(needed(entry.get("title"), "title"))
    people = [mapping(one) for one in array(entry.get("persons"))]
    links = (text(entry.get("link")), text(entry.get("contentLink")), media[0].url if media else "")
    transcripts = [text(mapping(one).get("url")) for one in array(entry.get("transcripts"))]
    feed = entry.get("feedId")
    return Item(
        id=native,
        url=next((link for link in links if _is_web(link)), None),
        title=title,
        text=plain(text(entry.get("description"))),
        published_at=published,
        # The show stands for its makers: PodcastIndex tells no author of an episode.
        author=f"podcastindex:{feed}" if isinstance(feed, int) and not isinstance(feed, bool) else None,
        language=language_code(text(entry.get("feedLanguage"))),
        content_type="podcast",
        live=live,
        media=media,
        guests=sum(_is_guest(text(one.get("role"))) for one in people) if people else None,
        transcripts=tuple(
            dict.fromkeys(url for url in (*transcripts, text(entry.get("transcriptUrl"))) if _is_web(url))
        ),
    )


def _media(entry: Mapping[str, Any]) -> tuple[Media, ...]:
    url = text(entry.get("enclosureUrl"))
    if not _is_web(url):
        return ()
    kind = text(entry.get("enclosureType")).split(";")[0].strip().lower()
    seconds = count(entry.get("duration"))
    medium = kind.partition("/")[0] if kind.startswith(("audio/", "video/")) else ""
    return (Media(url, kind, medium, float(seconds) if seconds else None),)


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _is_guest(role: str) -> bool:
    return "guest" in role.lower() or "expert" in role.lower()


COLLECTOR = PodcastIndexCollector()
