"""Which feeds a web page advertises. Pure: what is asked of the network is in finder.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from collectors.feeds.charset import to_utf8
from collectors.feeds.text import line

HTML_LIMIT = 2_000_000
"""Bytes of a page that are looked at; feeds are advertised in its head."""
_MOST = 50
_TYPES = {
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/rdf+xml": "rdf",
    "application/feed+json": "json",
    "application/json": "json",
    "application/x.atom+xml": "atom",
    "application/x-atom+xml": "atom",
    "text/rss+xml": "rss",
    "text/xml": "xml",
    "application/xml": "xml",
}
_PATH = re.compile(
    r"(?:^|[/._-])(?:feeds?|rss(?:2|20)?|atom(?:10)?|rdf)(?:$|[/._-])|\.(?:rss|atom|rdf)$|/index\.xml$|/feed\.json$",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\.(?:png|jpe?g|gif|svg|css|js|pdf|zip|mp3|mp4|html?)$|/(?:comments|wp-json)/|feedback", re.IGNORECASE
)
_WORDS = re.compile(r"\b(?:rss|atom|feed|xml)\b", re.IGNORECASE)
_COMMENTS = re.compile(r"comments? feed|/comments/feed|kommentar|commentaires|comentarios", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page points to."""

    url: str
    """Absolute."""
    title: str = ""
    type: str = ""
    """'rss', 'atom', 'rdf', 'json' or 'xml' as the page says; empty if it does not."""


def discover(html: bytes | str, base_url: str) -> list[FeedLink]:
    """The feeds that a page advertises, the likeliest first: `<link rel=alternate>`, then links that look like feeds.

    Feeds of comments come last. Each address once; at most 50.
    """
    text = html[:HTML_LIMIT] if isinstance(html, str) else to_utf8(html[:HTML_LIMIT])[0].decode("utf-8", "replace")
    tree = LexborHTMLParser(text)
    base = tree.css_first("base[href]")
    if base is not None:
        base_url = _join(base_url, base.attributes.get("href") or "") or base_url
    declared = [_declared(node, base_url) for node in tree.css("link[href]")]
    linked = [_linked(node, base_url) for node in tree.css("a[href]")[:3_000]]
    found: dict[str, FeedLink] = {}
    for link in (*declared, *linked):
        if link is not None:
            found.setdefault(link.url, link)
    return sorted(found.values(), key=_is_about_comments)[:_MOST]


def _is_about_comments(link: FeedLink) -> bool:
    return bool(_COMMENTS.search(f"{link.title} {link.url}"))


def _declared(node: LexborNode, base: str) -> FeedLink | None:
    attributes = node.attributes
    rel = (attributes.get("rel") or "").lower().split()
    kind = (attributes.get("type") or "").split(";")[0].strip().lower()
    if not (("alternate" in rel and kind in _TYPES) or "feed" in rel) or "stylesheet" in rel:
        return None
    href = attributes.get("href") or ""
    if _TYPES.get(kind) == "json" and kind == "application/json" and _NOT.search(href):
        return None  # WordPress announces its API in the same way
    url = _join(base, href)
    return FeedLink(url, line(attributes.get("title") or ""), _TYPES.get(kind, "")) if url else None


def _linked(node: LexborNode, base: str) -> FeedLink | None:
    attributes = node.attributes
    href = attributes.get("href") or ""
    kind = (attributes.get("type") or "").split(";")[0].strip().lower()
    url = _join(base, href)
    if url is None:
        return None
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    says = f"{node.text(deep=True)[:200]} {attributes.get('title') or ''} {attributes.get('class') or ''}"
    by_path = bool(_PATH.search(parts.path)) and not _NOT.search(parts.path)
    by_query = bool({"feed", "rss"} & query.keys()) or query.get("format", [""])[0].lower() in ("rss", "atom", "feed")
    by_words = parts.path.lower().endswith((".xml", ".json")) and bool(_WORDS.search(says))
    by_host = parts.hostname in (
        "feeds.feedburner.com",
        "feeds.simplecast.com",
        "feeds.megaphone.fm",
        "feeds.buzzsprout.com",
    )
    if not (kind in _TYPES or by_path or by_query or by_words or by_host):
        return None
    return FeedLink(url, line(node.text(deep=True)[:500]), _TYPES.get(kind, ""))


def _join(base: str, href: str) -> str | None:
    """An absolute web address without fragment; 'feed:' in front is taken away."""
    href = href.strip()
    if href.lower().startswith("feed:"):
        href = href[5:] if href.lower().startswith(("feed:http://", "feed:https://")) else "http:" + href[5:]
    try:
        url = urljoin(base, href)
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts._replace(fragment="").geturl() if parts.scheme in ("http", "https") and parts.netloc else None
