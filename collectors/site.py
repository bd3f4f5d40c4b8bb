"""A site by its address: its feed where it has one, else its news sitemap, else its sitemap and the pages it lists.

The way that was found is remembered, and looked for anew when it ends. A site that refuses is left alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urljoin, urlsplit

from collectors.base import (
    NO_DUTIES,
    CollectError,
    Cursor,
    Drifted,
    Duties,
    Gone,
    Key,
    NotFound,
    Page,
    Parsed,
    Refused,
    RetryLater,
    Source,
    Throttled,
)
from collectors.feed import COLLECTOR as FEED
from collectors.feeds.elsewhere import by_official_addresses
from collectors.feeds.read import read
from collectors.feeds.sitemaps import looks_like_sitemap, names_news, read_sitemap, same_site
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import mapping
from collectors.sitemap import COLLECTOR as SITEMAP

if TYPE_CHECKING:
    from collectors.access import Access

_SITEMAPS = 6
"""Sitemaps that one search asks at most."""
_USUAL = ("/news-sitemap.xml", "/sitemap.xml")
_ENDED = frozenset({"not_a_feed", "not_a_sitemap", "empty"})


class SiteCollector:
    """Pages as of the collector `feed` or `sitemap`, whichever reads what the site offers."""

    platform: ClassVar[str] = "web"
    key: ClassVar[Key | None] = None
    remembers: ClassVar[timedelta | None] = None
    duties: ClassVar[Duties] = NO_DUTIES
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {
        "route": Option(
            "choice", "What to look for: feed, sitemap, or either (auto); auto if left out.", "auto",
            choices=("auto", "feed", "sitemap"),
        ),
        "under": Option(
            "texts", "With a sitemap: only paths that begin with one of these; the address's own path if left out."
        ),
        "files": SITEMAP.options["files"],
        "pages": SITEMAP.options["pages"],
        "days": SITEMAP.options["days"],
    }  # fmt: skip
    examples: ClassVar[tuple[str, ...]] = ("https://www.example.org/news",)

    def check(self, source: Source) -> list[Problem]:
        """An address that is none. An empty one is accepted: it stands for a site that nobody has found yet."""
        problems = check_options(source, self.options)
        if source.url and not _is_web(source.url):
            instead = f"write the site's public address such as {self.examples[0]}"
            problems.append(Problem(("url",), "it is not a web address", instead))
        return problems or SITEMAP.check(replace(source, options={"under": source.options.get("under")}))

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """The pages of the remembered route, or of the one that is found now.

        Raises CollectError only: NotFound('needs_address') without an address, NotFound('no_route') if the site offers
        nothing that can be read, Refused if it refuses.
        """
        if not source.url:
            name = source.name or source.id
            raise NotFound(
                f"Nobody has found a public address of {name}; write its `url:` in config/sources.yaml.",
                code="needs_address",
            )
        access = by_official_addresses(access)
        route, url = cursor.get("route"), cursor.get("url")
        if route in ("feed", "sitemap") and isinstance(url, str):
            try:
                async for page in self._follow(source, route, url, mapping(cursor.get("inner")), access, now):
                    yield page
                return
            except (NotFound, Gone):
                pass
            except Drifted as drifted:
                if drifted.code not in _ENDED:
                    raise
        route, url = await self._find(source, access, now)
        async for page in self._follow(source, route, url, {}, access, now):
            yield page

    def parse(self, source: Source, page: Page) -> Parsed:
        """As the collector of the page's route does; a move that a feed announces is found by looking anew."""
        reader = SITEMAP if page.context.get("route") == "sitemap" else FEED
        parsed = reader.parse(source, page)
        return replace(parsed, facts=replace(parsed.facts, new_url=None))

    async def _follow(
        self, source: Source, route: str, url: str, inner: Cursor, access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        if route == "feed":
            pages = FEED.retrieve(replace(source, url=url, options={}), inner, access, now)
        else:
            pages = SITEMAP.retrieve(replace(source, url=url, options=self._options(source)), inner, access, now)
        async for page in pages:
            if route == "feed" and page.body is not None and b"<html" in page.body[:4_096].lower():
                read(page)  # a page in place of the feed is said here, while another way can still be looked for
            resume = None
            if page.resume is not None:
                resume = {"route": route, "url": page.moved_to or url, "inner": dict(page.resume)}
            yield replace(page, resume=resume, moved_to=None, context={**page.context, "route": route})

    def _options(self, source: Source) -> dict[str, Any]:
        """Those of `sitemap`: pages are read, and only below the address of the source."""
        option = read_options(source, self.options)
        folder, _, name = urlsplit(source.url).path.rpartition("/")
        path = f"{folder}/" if not name or "." in name else f"{folder}/{name}/"
        own = [path] if path != "/" else []
        return {
            "titles": True,
            "under": list(option["under"]) or own,
            **{name: option[name] for name in ("files", "pages", "days")},
        }

    async def _find(self, source: Source, access: Access, now: datetime) -> tuple[str, str]:
        """The best route that the site offers. Raises NotFound('no_route') which says what was tried."""
        from collectors.feeds.finder import find_feeds

        wanted = read_options(source, self.options)["route"]
        tried = []
        if wanted != "sitemap":
            found = await find_feeds(access.http, source.url)
            if found:
                return "feed", found[0].url
            tried.append("feeds that the page names or that are usual")
        if wanted != "feed":
            sitemap = await _find_sitemap(source.url, access, now)
            if sitemap is not None:
                return "sitemap", sitemap
            tried.append("sitemaps that robots.txt names or that are usual")
        raise NotFound(
            f"{source.id}: {source.url} offers nothing that can be read; tried: {' and '.join(tried)}. Look on the site "
            "for an address of a feed and track that with `collector: feed`.",
            code="no_route",
        )


async def _find_sitemap(url: str, access: Access, now: datetime) -> str | None:
    """The first readable sitemap of the site: a news sitemap if there is one. Raises Throttled, RetryLater, and
    Refused where the site refuses robots.txt itself."""
    from protego import Protego

    try:
        fetched = await access.http.fetch(urljoin(url, "/robots.txt"), accept="text/plain, */*;q=0.5")
        said = Protego.parse((fetched.body or b"").decode("utf-8-sig", "replace")).sitemaps
        named = [urljoin(url, one.strip()) for one in said]
    except (NotFound, Gone, Drifted):
        named = []
    named = sorted(dict.fromkeys(one for one in named if _is_web(one) and same_site(one, url)), key=_news_first)
    guessed = [one for path in _USUAL if (one := urljoin(url, path)) not in named]
    ordinary = None
    for where in [*named, *guessed][:_SITEMAPS]:
        try:
            fetched = await access.http.fetch(where, robots=where in guessed)
            body = fetched.body or b""
            if not looks_like_sitemap(body):
                continue
            sitemap = read_sitemap(body, fetched.url, fetched.content_type, now)
        except (Throttled, RetryLater):
            raise
        except CollectError as error:
            if isinstance(error, Refused) and error.code != "robots":
                raise
            continue
        if sitemap.kind == "news" or any(names_news(file.url) for file in sitemap.files):
            return where
        if ordinary is None and (sitemap.entries or sitemap.files):
            ordinary = where
    return ordinary


def _news_first(url: str) -> tuple[bool, str]:
    return not names_news(url), url


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


COLLECTOR = SiteCollector()
