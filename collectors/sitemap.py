"""Sitemaps: news sitemaps as they are, and the pages of ordinary ones where a source asks for it.

A news sitemap lists the articles of about two days with headline and date: as good as a feed. An ordinary sitemap lists
addresses and when they changed; what a post would be called is on the pages, which are read politely and a few at a
time, oldest change first, so that a visit can stop anywhere.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import orjson

from collectors.base import (
    NO_DUTIES,
    NOTHING_PROVED,
    CollectError,
    Cursor,
    Drifted,
    Duties,
    Facts,
    Gone,
    Item,
    Key,
    NotFound,
    Page,
    Parsed,
    Refused,
    Source,
    Stretch,
)
from collectors.feeds.articles import article_item, categories, native_id, read_article, read_date
from collectors.feeds.dates import parse_date
from collectors.feeds.elsewhere import by_official_addresses
from collectors.feeds.shape import language_code
from collectors.feeds.sitemaps import Draft, choose, dates_are_made_up, read_sitemap, same_site
from collectors.feeds.text import line
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import UnreadableItemError, load_object, mapping, moment, read_items, reject, text

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

_ACCEPT = "application/xml, text/xml;q=0.9, application/gzip;q=0.8, */*;q=0.1"
_ACCEPT_PAGE = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
_PAGE_LIMIT = 5_000_000
_NEWS_MOST = 5_000
_READ_MOST = 2_000
"""Pages that are remembered as read …"""
_UNREAD_MOST = 1_500
"""… and that may wait to be read; what changed before the oldest of them is lost."""
_LATE = timedelta(days=2)
"""Sitemaps are written some time after the pages, and many tell the day only: so much is looked at again."""
_FEW = 3
"""So many pages without an article among them are no accident."""


class SitemapCollector:
    """One page for all news sitemaps of a visit, then one for each page of the site that was read."""

    platform: ClassVar[str] = "web"
    key: ClassVar[Key | None] = None
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = NO_DUTIES
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {
        "titles": Option("flag", "Read the pages that an ordinary sitemap lists, for headline and date; false if left out.", False),
        "under": Option("texts", "Only addresses whose path begins with one of these, such as [/news/]; all if left out."),
        "files": Option("whole", "Files of a sitemap index that one visit reads at most; 5 if left out.", 5, low=1, high=50),
        "pages": Option("whole", "Pages of the site that one visit reads at most; 20 if left out.", 20, low=1, high=100),
        "days": Option("whole", "How many days the first visit looks back in an ordinary sitemap; 30 if left out.", 30, low=1, high=365),
    }  # fmt: skip
    examples: ClassVar[tuple[str, ...]] = (
        "https://www.example.org/news-sitemap.xml",
        "https://www.example.org/sitemap_index.xml",
    )

    def check(self, source: Source) -> list[Problem]:
        """Unknown options, and paths that do not begin with a slash."""
        problems = check_options(source, self.options)
        if not problems:
            for index, path in enumerate(read_options(source, self.options)["under"]):
                if not path.startswith("/"):
                    problems.append(Problem(("options", "under", index), f"{path!r} is not a path", f"write /{path}"))
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """The sitemap (of an index the files that matter), conditionally; then pages, with robots.txt obeyed.

        Raises CollectError only. Drifted('no_titles') if it lists addresses only and the source does not ask for their
        pages; Drifted('no_dates') if which of them are new cannot be told.
        """
        option = read_options(source, self.options)
        access = by_official_addresses(access)
        before = moment(cursor.get("until"))
        found = await _gather(source.url, access, cursor, now, option["files"])
        page = Page(
            None, found.root.url, found.root.fetched_at, poll_after=found.root.poll_after, moved_to=found.root.moved_to,
            context={"repairs": found.repairs} if found.repairs else {},
        )  # fmt: skip
        if found.entries is None:
            state = {**cursor, "http": found.http}
            if cursor.get("kind") == "pages" and before is not None and before < now:
                page = replace(page, observed=Stretch(before, now))
                state["until"] = now.isoformat()
            yield replace(page, resume=state)
            return
        entries = [entry for entry in found.entries if _lies_under(entry["url"], option["under"])]
        if found.entries and not entries and found.kind == "pages":
            raise NotFound(
                f"{source.id}: {source.url} lists nothing under {', '.join(option['under'])}. Change the option `under`.",
                code="no_route",
            )
        news = [entry for entry in entries if "title" in entry or "published" in entry]
        plain_ones = [entry for entry in entries if not ("title" in entry or "published" in entry)]
        if plain_ones and not news and not option["titles"]:
            raise Drifted(
                f"{source.id}: {source.url} lists addresses without headlines. Set the option `titles: true` so that its "
                "pages are read, or track a news sitemap or feed of the site.",
                code="no_titles",
            )
        floor = now - timedelta(days=option["days"]) if before is None else min(before, now) - _LATE
        floor = max(floor, moment(cursor.get("from")) or floor)
        todo = _unread(source, plain_ones, mapping(cursor.get("read")), floor, now) if option["titles"] else []
        lost = len(todo) > _UNREAD_MOST
        todo = todo[-_UNREAD_MOST:]
        kind = "news" if news or found.kind == "news" else "pages"
        state = {"http": found.http, "files": found.files, "kind": kind, "left": bool(todo)}
        state |= {name: cursor[name] for name in ("until", "read", "from", "articles") if name in cursor}
        if lost:
            state["from"] = todo[0][0].isoformat()
        if kind == "news":
            newest = sorted(news, key=lambda entry: entry.get("published", ""), reverse=True)[:_NEWS_MOST]
            yield replace(page, body=orjson.dumps({"entries": newest}), content_type="application/json", resume=state)
            if not todo:
                return
        async for one in self._read_pages(source, access, state, todo, option["pages"], floor, page, now):
            yield one

    async def _read_pages(
        self,
        source: Source,
        access: Access,
        state: dict[str, Any],
        todo: Sequence[tuple[datetime, Draft]],
        most: int,
        floor: datetime,
        page: Page,
        now: datetime,
    ) -> AsyncIterator[Page]:
        """Pages one by one, each with a cursor to go on from; the last one has no body and says what was observed."""
        read = dict(mapping(state.get("read")))
        for changed, entry in todo[:most]:
            fetched = await _page_of(access, source.url, entry["url"])
            read[_mark(entry["url"])] = changed.isoformat()
            state = {**state, "read": _latest(read), "left": True}
            if fetched is not None:
                state["articles"] = state.get("articles") is True or read_article(fetched.body or b"").is_one
                yield Page(
                    body=fetched.body,
                    url=fetched.url,
                    fetched_at=fetched.fetched_at,
                    content_type=fetched.content_type,
                    resume=state,
                    observed=NOTHING_PROVED,
                    context={"article": dict(entry)},
                )
        last = replace(page, body=None, observed=NOTHING_PROVED, resume=state)
        vain = bool(read) and state.get("articles") is not True
        if len(todo) <= most and vain and len(read) >= _FEW:
            raise Drifted(
                f"{source.id}: none of {len(read)} pages that were read says that it is an article and when it was "
                "published. Track a news sitemap or feed of the site instead.",
                code="no_articles",
            )
        if len(todo) <= most:
            lost = moment(state.get("from"))
            since = lost or moment(state.get("until")) or floor
            kept = {mark: when for mark, when in read.items() if when >= (now - _LATE * 2).isoformat()}
            state = {name: value for name, value in state.items() if name != "from"}
            state |= {"left": False, "until": now.isoformat(), "read": _latest(kept)}
            gap = "overflow" if lost else None
            observed = (
                Stretch(since, now, gap) if state["kind"] == "pages" and since < now and not vain else NOTHING_PROVED
            )
            last = replace(last, resume=state, observed=observed)
        yield last

    def parse(self, source: Source, page: Page) -> Parsed:
        """Headlines of a news sitemap, or what a page says of itself. A page that is no article is no post."""
        facts = Facts(format="sitemap", repairs=tuple(page.context.get("repairs", ())))
        if page.body is None:
            return Parsed((), facts)
        entry = page.context.get("article")
        if entry is not None:
            return replace(_read_page(page, entry), facts=facts)
        entries = load_object(source, page)["entries"]
        items, rejected = read_items(entries, lambda entry: _read_news(entry, page.fetched_at))
        return Parsed(items, facts, rejected)


@dataclass(frozen=True, slots=True)
class _Gathered:
    root: Fetched
    http: Mapping[str, Any]
    """Validators of every file that was asked for."""
    files: list[str]
    """Those of an index."""
    entries: list[Draft] | None
    """None: nothing changed."""
    kind: str
    repairs: list[str]


async def _gather(url: str, access: Access, cursor: Cursor, now: datetime, most: int) -> _Gathered:
    """The sitemap at `url` with the files of an index. All of them anew if one has changed, since only together do
    they show whether something was missed."""
    from collectors.fetch import Validators

    known = {} if cursor.get("left") is True else mapping(cursor.get("http"))
    http: dict[str, Any] = {}

    async def ask(where: str, *, anew: bool = False) -> Fetched:
        validators = Validators() if anew else Validators.from_json(known.get(where))
        fetched = await access.http.fetch(where, validators=validators, accept=_ACCEPT)
        http[where] = fetched.validators.to_json()
        return fetched

    root = await ask(url)
    repairs = list(root.repairs)
    if root.body is None:
        files = [one for one in cursor.get("files") or () if isinstance(one, str)]
        if not files:
            return _Gathered(root, http, [], None, "", repairs)
    else:
        sitemap = await asyncio.to_thread(read_sitemap, root.body, root.url, root.content_type, now)
        repairs += sitemap.repairs
        if sitemap.kind != "index":
            return _Gathered(root, http, [], list(sitemap.entries), sitemap.kind, repairs)
        files = [file.url for file in choose((one for one in sitemap.files if same_site(one.url, url)), most)]
    answers: dict[str, Fetched] = {}
    failure: CollectError | None = None
    for file in files:
        try:
            answers[file] = await ask(file)
        except (NotFound, Gone, Drifted) as error:
            failure = error
            repairs.append("a file of the sitemap index cannot be read: left out")
    if not answers and failure is not None:
        raise failure
    if answers and all(answer.body is None for answer in answers.values()):
        return _Gathered(root, http, files, None, "", repairs)
    entries: dict[str, Draft] = {}
    kinds = set()
    for file, answer in answers.items():
        fetched = answer if answer.body is not None else await ask(file, anew=True)
        try:
            sitemap = await asyncio.to_thread(read_sitemap, fetched.body or b"", fetched.url, fetched.content_type, now)
        except Drifted as error:
            failure = error
            repairs.append("a file of the sitemap index cannot be read: left out")
            continue
        if sitemap.kind == "index":
            repairs.append("an index inside the sitemap index: not followed")
            continue
        kinds.add(sitemap.kind)
        repairs += sitemap.repairs
        entries |= {entry["url"]: entry for entry in sitemap.entries if entry["url"] not in entries}
    if not kinds and failure is not None:
        raise failure
    repairs = list(dict.fromkeys(repairs))
    return _Gathered(root, http, files, list(entries.values()), "news" if "news" in kinds else "pages", repairs)


async def _page_of(access: Access, site: str, url: str) -> Fetched | None:
    """One page of the site; None if it is not there, is no page, is forbidden by robots.txt or leads off the site.

    Raises CollectError for everything else, a refusal of the whole site (403) included.
    """
    try:
        fetched = await access.http.fetch(url, accept=_ACCEPT_PAGE, robots=True, max_body=_PAGE_LIMIT)
    except (NotFound, Gone, Drifted):
        return None
    except Refused as error:
        if error.code != "robots":
            raise
        return None
    return fetched if same_site(fetched.url, site) else None


def _unread(
    source: Source, entries: Sequence[Draft], read: Mapping[str, Any], floor: datetime, now: datetime
) -> list[tuple[datetime, Draft]]:
    """The pages to read, with the date of their change, the oldest first. Raises Drifted('no_dates')."""
    dated = []
    for entry in entries:
        changed = parse_date(entry["lastmod"], now)[0] if entry.get("lastmod") else None
        if changed is not None:
            dated.append((changed, entry))
    if entries and (not dated or dates_are_made_up(changed for changed, _ in dated)):
        raise Drifted(
            f"{source.id}: the sitemap does not tell when its pages changed, so which are new is not known. "
            "Track a news sitemap or feed of the site instead.",
            code="no_dates",
        )
    found = [
        (changed, entry)
        for changed, entry in dated
        if changed >= floor
        and same_site(entry["url"], source.url)
        and read.get(_mark(entry["url"])) != changed.isoformat()
    ]
    return sorted(found, key=lambda one: (one[0], one[1]["url"]))


def _mark(url: str) -> str:
    return hashlib.blake2b(url.encode(), digest_size=8).hexdigest()


def _latest(read: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(read.items(), key=lambda one: one[1])[-_READ_MOST:])


def _lies_under(url: str, paths: Sequence[str]) -> bool:
    return not paths or urlsplit(url).path.startswith(tuple(paths))


def _read_news(entry: Mapping[str, Any], now: datetime) -> Item:
    title = line(text(entry.get("title")))
    if not title:
        raise UnreadableItemError("no title")
    repairs: list[str] = []
    published = read_date(text(entry.get("published")) or text(entry.get("lastmod")), now, repairs)
    if published is None:
        raise UnreadableItemError("no readable publication date")
    updated = read_date(text(entry.get("lastmod")), now, repairs)
    return Item(
        id=native_id(entry["url"]),
        url=entry["url"],
        title=title,
        published_at=published,
        updated_at=updated if updated is not None and updated > published else None,
        language=language_code(text(entry.get("language"))),
        content_type="news",
        categories=categories(text(entry.get("keywords")).split(",")),
        repairs=tuple(repairs),
    )


def _read_page(page: Page, entry: Mapping[str, str]) -> Parsed:
    article = read_article(page.body or b"", page.content_type)
    if not article.is_one:
        return Parsed(())
    try:
        return Parsed((article_item(article, entry["url"], page.fetched_at),))
    except UnreadableItemError as error:
        return Parsed((), rejected=(reject(str(error), {"url": entry["url"]}),))


COLLECTOR = SitemapCollector()
