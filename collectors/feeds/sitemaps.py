"""Sitemaps and news sitemaps, as written. Pure: what is asked of the network is in the collector `sitemap`.

Formats: sitemaps.org/protocol (urlset, sitemapindex) and Google's news extension. Elements are known by their local
names, since publishers misspell the namespaces; only what lies directly in an entry counts, so that addresses of
images and videos are not taken for pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from lxml import etree

from collectors.base import Drifted
from collectors.feeds.charset import to_utf8
from collectors.feeds.dates import parse_date
from collectors.feeds.mend import mend
from collectors.feeds.prolog import strip_prolog

ENTRY_LIMIT = 50_000
"""Addresses in one file, as the protocol says; the rest is not read."""
_VALUE_LIMIT = 4_000
_ROOT = re.compile(rb"<(?:[\w.-]{1,40}:)?(urlset|sitemapindex)[\s>/]", re.IGNORECASE)
_WEB_PAGE = re.compile(rb"<!doctype html|<html[\s>]", re.IGNORECASE)
_MANY = 50
_ALIKE = 0.8

Draft = Mapping[str, str]
"""One entry as written: 'url' and, where they are told, 'lastmod', 'title', 'published', 'language', 'keywords'."""


@dataclass(frozen=True, slots=True)
class File:
    """A sitemap that an index names."""

    url: str
    lastmod: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What one document holds."""

    kind: Literal["news", "pages", "index"]
    """'news' if any of its entries has a headline, or its root speaks of the news extension and it has no entry."""
    entries: tuple[Draft, ...] = ()
    files: tuple[File, ...] = ()
    repairs: tuple[str, ...] = ()


def read_sitemap(body: bytes, url: str, content_type: str, now: datetime) -> Sitemap:
    """`body` as a sitemap; addresses are made absolute with `url`.

    Raises Drifted: 'not_a_sitemap', 'entity_bomb', 'malformed'.
    """
    text, repairs = to_utf8(body, content_type)
    text, more = strip_prolog(text)
    repairs += more
    if not _ROOT.match(text):
        start = None if _WEB_PAGE.search(text, 0, 4_096) else _ROOT.search(text, 0, 65_536)
        if start is None:
            raise Drifted(
                f"{url} is no sitemap: its root element is neither <urlset> nor <sitemapindex>. Check the address.",
                code="not_a_sitemap",
            )
        text = text[start.start() :]
        repairs.append("text before the document: ignored")
    root, more = _tree(text, url)
    repairs += more
    if _name(root) == "sitemapindex":
        files = tuple(_files(root, url, now))
        return Sitemap("index", files=files, repairs=tuple(repairs))
    entries: list[Draft] = []
    for element in root:
        if len(entries) >= ENTRY_LIMIT:
            repairs.append(f"more than {ENTRY_LIMIT:,} addresses: the rest was not read")
            break
        if _name(element) == "url":
            entry = _entry(element, url)
            if entry is not None:
                entries.append(entry)
    news = any("title" in entry or "published" in entry for entry in entries)
    empty_news = not entries and any("sitemap-news" in (address or "") for address in root.nsmap.values())
    return Sitemap("news" if news or empty_news else "pages", tuple(entries), repairs=tuple(repairs))


def looks_like_sitemap(body: bytes) -> bool:
    """Whether the beginning of `body` holds the root element of a sitemap; cheap, and sometimes wrong."""
    return bool(_ROOT.search(body, 0, 65_536)) and not _WEB_PAGE.search(body, 0, 4_096)


def choose(files: Iterable[File], most: int) -> tuple[File, ...]:
    """The files of an index that are worth reading: those named after news, then the last changed; in a stable order."""
    ranked = sorted(files, key=lambda file: (not names_news(file.url), -_seconds(file.lastmod), file.url))
    return tuple(ranked[:most])


def names_news(url: str) -> bool:
    """Whether the path of an address speaks of news: '/news-sitemap.xml', '/sitemap_news.xml'."""
    return "news" in urlsplit(url).path.lower().rsplit("/", 1)[-1]


def same_site(one: str, other: str) -> bool:
    """Whether two addresses lie on the same host, or one on a host under the other's; 'www.' does not count."""
    hosts = sorted((_host(one), _host(other)), key=len)
    return bool(hosts[0]) and (hosts[0] == hosts[1] or hosts[1].endswith("." + hosts[0]))


def dates_are_made_up(dates: Iterable[datetime]) -> bool:
    """True if most of many pages bear one and the same moment: that is when the file was written, not the pages."""
    counted = Counter(dates)
    total = counted.total()
    return total >= _MANY and counted.most_common(1)[0][1] >= _ALIKE * total


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower().removeprefix("www.")
    except ValueError:
        return ""


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else float("-inf")


def _tree(text: bytes, url: str) -> tuple[Any, list[str]]:
    try:
        return _parse(text), []
    except (etree.XMLSyntaxError, ValueError) as error:
        complaint = str(error)
    mended, repairs = mend(text)
    if repairs:
        try:
            return _parse(mended), repairs
        except (etree.XMLSyntaxError, ValueError) as error:
            complaint = str(error)
    raise Drifted(f"{url} is not readable as a sitemap ({complaint[:200]}). Tell its publisher.", code="malformed")


def _parse(text: bytes) -> Any:
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, recover=False, remove_comments=True, remove_pis=True, collect_ids=False,
    )  # fmt: skip
    return etree.fromstring(text, parser)


def _name(element: Any) -> str:
    """The local name in small letters; empty for what is no element (an entity that was not expanded)."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _text(element: Any) -> str:
    return (element.text or "").strip()[:_VALUE_LIMIT]


def _files(root: Any, url: str, now: datetime) -> Iterable[File]:
    for element in root:
        if _name(element) != "sitemap":
            continue
        said = {_name(child): _text(child) for child in element}
        address = _absolute(said.get("loc", ""), url)
        if address:
            yield File(address, parse_date(said["lastmod"], now)[0] if said.get("lastmod") else None)


def _entry(element: Any, url: str) -> Draft | None:
    """None for an entry without an address: nothing could be made of it."""
    entry: dict[str, str] = {}
    for child in element:
        name = _name(child)
        if name == "loc":
            entry["url"] = _absolute(_text(child), url)
        elif name == "lastmod":
            entry["lastmod"] = _text(child)
        elif name == "news":
            _news(child, entry)
    return entry if entry.get("url") else None


def _news(element: Any, entry: dict[str, str]) -> None:
    for child in element.iter():
        name = _name(child)
        if name == "title":
            entry["title"] = _text(child)
        elif name == "publication_date":
            entry["published"] = _text(child)
        elif name in ("language", "keywords"):
            entry[name] = _text(child)


def _absolute(link: str, base: str) -> str:
    """An absolute web address without fragment; empty if it is none."""
    try:
        url = urljoin(base, link) if link else ""
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts._replace(fragment="").geturl() if parts.scheme in ("http", "https") and parts.netloc else ""
