"""A stand-in for a publisher's site: robots.txt, news sitemap, sitemap index (one file gzipped), feed, and pages."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape

import orjson

from collectors.base import Source
from tests.platforms.case import Case, Clock
from tests.platforms.serving import START, Asked, Platform, Told

SITE = "https://paper.example.org"
_XML = {"content-type": "application/xml; charset=utf-8"}


class Paper(Platform):
    """Articles six hours apart under /news/, and a page about the paper that is no article.

    Attributes:
        page_is: which answers count as pages of posts: 'list' (sitemaps and feed) or 'article'.
        robots: its robots.txt.
        missing: paths that answer 404; refusing: those that answer 403.
        news: whether its sitemaps tell headlines.
    """

    def __init__(self, clock: Clock = lambda: START, *, articles: int = 6, news: bool = True) -> None:
        super().__init__(clock)
        self.page_is = "list"
        self.robots = f"User-agent: *\nDisallow: /private/\nSitemap: {SITE}/sitemap_index.xml\n"
        self.home = "<html><head><title>Paper</title></head><body>News</body></html>"
        self.missing: set[str] = {"/feed", "/feed/"}
        self.refusing: set[str] = set()
        self.news = news
        self.articles: list[tuple[str, datetime]] = []
        self._broken: set[str] = set()
        for age in range(articles, 0, -1):
            self.add(clock() - timedelta(hours=6 * age))

    def add(self, published: datetime, path: str = "") -> str:
        url = f"{SITE}{path or f'/news/{len(self.articles)}-invented'}"
        self.articles.append((url, published))
        return url

    def publish(self, count: int) -> None:
        for number in range(count):
            self.add(self.clock() - timedelta(seconds=count - number))

    def ids(self) -> set[str]:
        return {url for url, _ in self.articles} - self._broken

    def break_one(self) -> str:
        url = self.articles[-1][0]
        self._broken.add(url)
        return url

    def answer_throttled(self, asked: Asked) -> Told:
        return Told(429, b"Slow down", {"content-type": "text/plain", "retry-after": "300"})

    def answer(self, asked: Asked) -> Told:
        path = asked.path
        if path in self.refusing:
            return Told(403, b"Forbidden", {"content-type": "text/html"})
        if path in self.missing:
            return Told(404, b"Not found", {"content-type": "text/html"})
        if path == "/robots.txt":
            return Told(200, self.robots.encode(), {"content-type": "text/plain"})
        if path in ("/", "/news"):
            return Told(200, self.home.encode(), {"content-type": "text/html"})
        lists = self.page_is == "list"
        half = len(self.articles) // 2
        if path == "/news-sitemap.xml":
            return self._unless_known(asked, self.urlset(self.articles), page=lists)
        if path == "/sitemap_index.xml":
            return self._unless_known(asked, self.index(), page=False)
        if path == "/post-sitemap1.xml.gz":
            body = gzip.compress(self.urlset(self.articles[:half]), mtime=0)
            return Told(200, body, {"content-type": "application/gzip"}, page=False)
        if path == "/post-sitemap2.xml":
            return self._unless_known(asked, self.urlset(self.articles[half:]), page=lists)
        if path == "/about-sitemap.xml":
            return Told(200, self.urlset([(f"{SITE}/about", self.clock() - timedelta(hours=1))], news=False), _XML)
        if path == "/feed.xml":
            return Told(200, self.feed(), {"content-type": "application/rss+xml"}, page=lists)
        if path == "/about":
            return Told(200, b"<html><head><title>About us</title></head></html>", {"content-type": "text/html"})
        found = next((one for one in self.articles if one[0] == SITE + path), None)
        if found is None:
            return Told(404, b"Not found", {"content-type": "text/html"})
        return Told(200, self.page(*found), {"content-type": "text/html; charset=utf-8"}, page=not lists)

    def _unless_known(self, asked: Asked, body: bytes, *, page: bool) -> Told:
        tag = f'"{hash(body)}"'
        if asked.headers.get("if-none-match") == tag:
            return Told(304, headers={"etag": tag})
        return Told(200, body, {**_XML, "etag": tag}, page=page)

    def index(self) -> bytes:
        rows = "".join(
            f"<sitemap><loc>{SITE}{path}</loc><lastmod>{when:%Y-%m-%dT%H:%M:%S+00:00}</lastmod></sitemap>"
            for path, when in (
                ("/about-sitemap.xml", START - timedelta(days=400)),
                ("/post-sitemap1.xml.gz", START - timedelta(days=2)),
                ("/post-sitemap2.xml", self.articles[-1][1] if self.articles else START),
            )
        )
        return f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{rows}</sitemapindex>".encode()

    def urlset(self, articles: list[tuple[str, datetime]], *, news: bool | None = None) -> bytes:
        rows = []
        for number, (url, published) in enumerate(articles):
            row = f"<loc>{escape(url)}</loc>"
            if self.news if news is None else news:
                date = "soon" if url in self._broken else published.isoformat()
                title = "<b/>" if url in self._broken else escape(f"Headline & more of {url.rpartition('/')[2]}")
                row += (
                    "<n:news><n:publication><n:name>Paper</n:name><n:language>en</n:language></n:publication>"
                    f"<n:publication_date>{date}</n:publication_date><n:title>{title}</n:title>"
                    f"<n:keywords>health, number {number % 2}</n:keywords></n:news>"
                    f"<i:image><i:loc>{SITE}/{number}.jpg</i:loc></i:image>"
                )
            else:
                row += f"<lastmod>{published.isoformat()}</lastmod>"
            rows.append(f"<url>{row}</url>")
        return (
            "<?xml version='1.0' encoding='UTF-8'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
            "xmlns:n='http://www.google.com/schemas/sitemap-news/0.9' "
            f"xmlns:i='http://www.google.com/schemas/sitemap-image/1.1'>{''.join(rows)}</urlset>"
        ).encode()

    def page(self, url: str, published: datetime) -> bytes:
        data = {
            "@context": "https://schema.org",
            "@graph": [
                {"@type": "WebSite", "name": "Paper"},
                {
                    "@type": ["NewsArticle"],
                    "headline": f"Headline of {url.rpartition('/')[2]}" if url not in self._broken else [],
                    "datePublished": published.isoformat() if url not in self._broken else {"year": 2026},
                    "description": "An invented <b>lead</b>.",
                    "author": [{"@type": "Person", "name": "Example Author"}],
                    "inLanguage": "en-US",
                    "keywords": ["health"],
                },
            ],
        }
        script = f"<script type='application/ld+json'>{orjson.dumps(data).decode()}</script>"
        return f"<html lang='en'><head><title>Paper</title>{script}</head><body>Text.</body></html>".encode()

    def feed(self) -> bytes:
        rows = "".join(
            f"<item><title>Headline</title><link>{url}</link><guid>{url}</guid>"
            f"<pubDate>{format_datetime(published)}</pubDate></item>"
            for url, published in reversed(self.articles)
        )
        return f"<rss version='2.0'><channel><title>Paper</title><link>{SITE}/</link>{rows}</channel></rss>".encode()


def read_by_pages(clock: Clock) -> Paper:
    """The same without headlines in its sitemaps, so that every page must be read."""
    paper = Paper(clock, news=False)
    paper.page_is = "article"
    return paper


NEWS = Source(id="it", collector="sitemap", platform="web", url=f"{SITE}/news-sitemap.xml")
INDEX = Source(id="it", collector="sitemap", platform="web", url=f"{SITE}/sitemap_index.xml", options={"titles": True})
CASES: list[Case] = [
    Case("sitemap news", NEWS, Paper, pages=1, engagement=False),
    Case("sitemap pages", INDEX, read_by_pages, engagement=False),
]
