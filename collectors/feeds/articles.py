"""What an article's page says of itself: schema.org as JSON-LD, Open Graph, and the usual meta elements. Pure.

Only what the page states in its head is read, never its body: a headline, a date and a summary are enough to count a
post by, and the text belongs to its publisher.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from selectolax.lexbor import LexborHTMLParser

from collectors.base import Item
from collectors.feeds.charset import to_utf8
from collectors.feeds.dates import parse_date
from collectors.feeds.shape import ID_LIMIT, language_code
from collectors.feeds.text import line, plain
from collectors.reading import UnreadableItemError

HTML_LIMIT = 3_000_000
"""Bytes of a page that are looked at."""
_TYPES = frozenset(
    {
        "article", "newsarticle", "analysisnewsarticle", "askpublicnewsarticle", "backgroundnewsarticle",
        "opinionnewsarticle", "reportagenewsarticle", "reviewnewsarticle", "advertisercontentarticle", "blogposting",
        "liveblogposting", "medicalscholarlyarticle", "scholarlyarticle", "techarticle", "report", "pressrelease",
        "socialmediaposting", "satiricalarticle",
    }
)  # fmt: skip
_DEEPEST = 6
_CONTROL = re.compile(r"[\x00-\x1f]")
_TITLES = ("og:title", "twitter:title", "dc.title", "headline")
_SUMMARIES = ("og:description", "description", "twitter:description", "dc.description")
_PUBLISHED = (
    "article:published_time", "og:article:published_time", "datepublished", "parsely-pub-date", "dc.date.issued",
    "dcterms.created", "citation_publication_date", "publish-date", "pubdate", "sailthru.date",
)  # fmt: skip
_UPDATED = ("article:modified_time", "og:updated_time", "datemodified")


@dataclass(frozen=True, slots=True)
class Article:
    """As the page writes it; nothing is judged."""

    title: str = ""
    text: str = ""
    published: str = ""
    updated: str = ""
    author: str = ""
    language: str = ""
    keywords: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """schema.org types, lower case."""
    claimed: bool = False
    """It says that it is an article."""

    @property
    def is_one(self) -> bool:
        """False for a page that neither says that it is an article nor has a date of publication."""
        return self.claimed or bool(self.published)


def read_article(body: bytes, content_type: str = "") -> Article:
    """What a page says of itself; all empty for a page that says nothing. Never raises on what a page may contain."""
    tree = LexborHTMLParser(to_utf8(body[:HTML_LIMIT], content_type)[0].decode("utf-8", "replace"))
    data = next(iter(_objects(tree)), {})
    meta = _meta(tree)
    types = tuple(_types(data))
    root = tree.css_first("html")
    keywords = [word for name in ("keywords", "articleSection") for word in _list(data.get(name))] or meta.get(
        "article:tag", []
    )
    return Article(
        title=_string(data.get("headline")) or _string(data.get("name")) or _first(meta, _TITLES),
        text=_string(data.get("description")) or _first(meta, _SUMMARIES),
        published=_string(data.get("datePublished")) or _first(meta, _PUBLISHED),
        updated=_string(data.get("dateModified")) or _first(meta, _UPDATED),
        author=_author(data.get("author")),
        language=_string(data.get("inLanguage")) or (root.attributes.get("lang") or "" if root is not None else ""),
        keywords=tuple(dict.fromkeys(keywords)),
        types=types,
        claimed=bool(types) or _first(meta, ("og:type",)).lower() == "article",
    )


def article_item(article: Article, url: str, now: datetime) -> Item:
    """A page of an article as an item. Raises UnreadableItemError if it has no headline or no readable date."""
    title = line(article.title)
    if not title:
        raise UnreadableItemError("no headline")
    repairs: list[str] = []
    published = read_date(article.published, now, repairs)
    if published is None:
        raise UnreadableItemError("no readable publication date")
    updated = read_date(article.updated, now, repairs)
    news = any(kind.endswith("newsarticle") for kind in article.types)
    return Item(
        id=native_id(url),
        url=url,
        title=title,
        text=plain(article.text),
        published_at=published,
        updated_at=updated if updated is not None and updated > published else None,
        author=line(article.author) or None,
        language=language_code(article.language),
        content_type="news" if news else None,
        sponsored=True if "advertisercontentarticle" in article.types else None,
        categories=categories(article.keywords),
        repairs=tuple(repairs),
    )


def read_date(raw: str, now: datetime, repairs: list[str]) -> datetime | None:
    """Aware UTC; what was mended is appended to `repairs`."""
    found, note = parse_date(raw, now) if raw else (None, None)
    if note:
        repairs.append(note)
    return found


def categories(words: Sequence[str]) -> tuple[str, ...]:
    """Words as categories, each once, 50 at most."""
    return tuple(dict.fromkeys(word for one in words[:50] if (word := line(one)[:200])))


def native_id(url: str) -> str:
    """The address, or its hash if it is too long to be an id."""
    return url if len(url) <= ID_LIMIT else hashlib.blake2b(url.encode(), digest_size=16).hexdigest()


def _objects(tree: LexborHTMLParser) -> Iterator[Mapping[str, Any]]:
    """Every object of the page's JSON-LD that is an article."""
    for script in tree.css('script[type="application/ld+json"]')[:20]:
        text = _CONTROL.sub(" ", script.text(deep=True) or "").strip().removeprefix("<!--").removesuffix("-->")
        try:
            value = orjson.loads(text.strip().rstrip(";"))
        except orjson.JSONDecodeError:
            continue
        yield from _within(value, 0)


def _within(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value[:200]:
            yield from _within(one, depth + 1)
    elif isinstance(value, dict):
        if any(True for _ in _types(value)):
            yield value
        for name in ("@graph", "mainEntity", "mainEntityOfPage"):
            yield from _within(value.get(name), depth + 1)


def _types(value: Mapping[str, Any]) -> Iterator[str]:
    for kind in _list(value.get("@type")):
        short = kind.rpartition("/")[2].lower()
        if short in _TYPES:
            yield short


def _meta(tree: LexborHTMLParser) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in tree.css("meta[content]")[:500]:
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        content = (attributes.get("content") or "").strip()
        if name and content:
            found.setdefault(name.strip().lower(), []).append(content)
    return found


def _first(meta: Mapping[str, list[str]], names: tuple[str, ...]) -> str:
    return next((meta[name][0] for name in names if name in meta), "")


def _string(value: Any) -> str:
    """A text; of a list the first; of an object its '@value' or name."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    return value.strip() if isinstance(value, str) else ""


def _list(value: Any) -> list[str]:
    """Texts; a single one is taken apart at its commas."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return [one.strip() for one in value if isinstance(one, str) and one.strip()] if isinstance(value, list) else []


def _author(value: Any) -> str:
    """The name of the first author; an address where there is only that."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        return _string(value.get("name")) or _string(value.get("@id")) or _string(value.get("url"))
    return _string(value)
