"""Lists of feeds: OPML in, as forgiving as it can be; OPML out, so that what we know comes back.

Our tags travel as attributes in a namespace of our own, which other readers ignore; what OPML has a word for
(title, htmlUrl, language, category) is said in OPML's words too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from urllib.parse import urlsplit

from lxml import etree

from collectors.base import Drifted, Source
from collectors.feeds.charset import to_utf8
from collectors.feeds.elements import Element
from collectors.feeds.mend import mend
from collectors.feeds.prolog import strip_prolog
from collectors.feeds.shape import language_code
from collectors.feeds.text import line

NAMESPACE = "urn:trendmonitor:opml"
"""Of our attributes: id, collector, platform, content-type, audience, country, every."""
_OWN = f"{{{NAMESPACE}}}"
_SAMPLE = 200
_FEED_TYPES = frozenset(
    {"", "rss", "rss1", "rss2", "atom", "feed", "xml", "rdf", "json", "jsonfeed", "podcast", "pie", "scraped"}
)
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class OpmlFeed:
    """One feed of a list."""

    url: str
    title: str = ""
    html_url: str | None = None
    folder: tuple[str, ...] = ()
    """Names of the folders around it, outermost first."""
    category: tuple[str, ...] = ()
    language: str | None = None
    """ISO 639-1."""
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Our own attributes, if we wrote the file: 'id', 'platform', 'audience' …"""


@dataclass(frozen=True, slots=True)
class OpmlReport:
    outlines: tuple[OpmlFeed, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    """(line and sample, reason) of every outline that is not a feed we can use."""
    title: str = ""
    repairs: tuple[str, ...] = ()


def parse_opml(data: bytes) -> OpmlReport:
    """The feeds of a list, each address once, in the order of the file.

    Raises Drifted if there is no OPML in it ('not_opml'), or entities that must not be expanded ('entity_bomb').
    """
    body, repairs = to_utf8(data)
    if not body.strip():
        raise Drifted("The file is empty. Export the list of feeds again.", code="not_opml")
    body, more = strip_prolog(body)
    root, mended = _tree(body)
    outlines = list(root.iter("{*}outline", "{*}Outline", "{*}OUTLINE")) if root is not None else []
    if root is None or (_local(root) != "opml" and not outlines):
        raise Drifted("This is not OPML: there is no <opml> in it. Export the list of feeds as OPML.", code="not_opml")
    seen: set[str] = set()
    feeds: list[OpmlFeed] = []
    skipped: list[tuple[str, str]] = []
    for outline in outlines:
        result = _outline(outline, seen)
        if isinstance(result, OpmlFeed):
            seen.add(result.url)
            feeds.append(result)
        elif result:
            skipped.append((f"line {outline.sourceline}: {_sample(outline)}", result))
    title = next((line(found.text or "") for found in root.iter("{*}title")), "")
    return OpmlReport(tuple(feeds), tuple(skipped), title, tuple(dict.fromkeys([*repairs, *more, *mended])))


def _tree(body: bytes) -> tuple[Element | None, list[str]]:
    """Strictly first, then mended, then with all that can be saved."""
    strict = {"encoding": "utf-8", "resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    try:
        return etree.fromstring(body, etree.XMLParser(**strict)), []
    except (etree.XMLSyntaxError, ValueError):
        body, repairs = mend(body)
    try:
        root = etree.fromstring(body, etree.XMLParser(recover=True, **strict))
        return root, repairs or ["ill-formed XML: read as far as possible"]
    except (etree.XMLSyntaxError, ValueError):
        return None, repairs


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()


def _sample(outline: Element) -> str:
    return " ".join(f'{name}="{value}"' for name, value in outline.attrib.items())[:_SAMPLE]


def _outline(outline: Element, seen: set[str]) -> OpmlFeed | str:
    """The feed, or why it is none; '' for a folder."""
    said = {name.lower(): value.strip() for name, value in outline.attrib.items() if not name.startswith("{")}
    kind = said.get("type", "").lower()
    url = said.get("xmlurl") or said.get("feedurl") or ""
    if not url:
        if len(outline):
            return ""
        if kind == "include":
            return "it includes another list: import that list instead"
        if "url" not in said or kind not in _FEED_TYPES or not kind:
            return "it has no xmlUrl"
        url = said["url"]
    url = _web_address(url)
    if not url:
        return "its address is not a web address"
    if url in seen:
        return "its address is already in the list"
    tags = {name.removeprefix(_OWN): value.strip() for name, value in outline.attrib.items() if name.startswith(_OWN)}
    category = [name.strip() for name in said.get("category", "").split(",")]
    return OpmlFeed(
        url=url,
        title=line(said.get("title") or said.get("text") or ""),
        html_url=_web_address(said.get("htmlurl", "")) or None,
        folder=_folders(outline),
        category=tuple(name for name in category if name),
        language=language_code(said.get("language")),
        tags=MappingProxyType(tags),
    )


def _folders(outline: Element) -> tuple[str, ...]:
    names = (line(parent.get("text") or parent.get("title") or "") for parent in outline.iterancestors("{*}outline"))
    return tuple(reversed([name for name in names if name]))


def _web_address(url: str) -> str:
    url = "".join(url.split())
    if url.lower().startswith("feed:"):
        url = url[5:] if url[5:].lower().startswith("http") else "http:" + url[5:]
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme.lower() in ("http", "https") and parts.hostname else ""


def write_opml(sources: Iterable[Source], *, title: str = "trendmonitor") -> bytes:
    """OPML 2.0 (UTF-8) of `sources`, in folders by content type, in their order.

    `parse_opml` gives back every address, name, language and tag. Options are not written: they may hold secrets.
    """
    root = etree.Element("opml", version="2.0", nsmap={"tm": NAMESPACE})
    etree.SubElement(etree.SubElement(root, "head"), "title").text = _clean(title)
    body = etree.SubElement(root, "body")
    folders: dict[str, Element] = {}
    for source in sources:
        name = source.content_type or "unsorted"
        folder = folders.get(name)
        if folder is None:
            folder = folders[name] = etree.SubElement(body, "outline", text=_clean(name))
        outline = etree.SubElement(
            folder, "outline", type="rss", text=_clean(source.name or source.id), xmlUrl=_clean(source.url)
        )
        category = ",".join(f"/{part}" for part in (source.content_type, *source.audience) if part)
        for key, value in (("category", category), ("language", source.language or "")):
            if value:
                outline.set(key, _clean(value))
        for key, value in _tags(source).items():
            if value:
                outline.set(_OWN + key, _clean(value))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True))


def _tags(source: Source) -> dict[str, str]:
    return {
        "id": source.id,
        "collector": source.collector,
        "platform": source.platform,
        "content-type": source.content_type or "",
        "audience": ",".join(source.audience),
        "country": source.country or "",
        "every": f"{source.every.total_seconds():.0f}" if source.every else "",
    }


def to_source(feed: OpmlFeed, source_id: str) -> Source:
    """A source as the list describes it; `source_id` counts unless the list is ours and names another."""
    tags = feed.tags
    every = tags.get("every", "")
    return Source(
        id=tags.get("id") or source_id,
        collector=tags.get("collector") or "feed",
        platform=tags.get("platform") or "web",
        url=feed.url,
        name=feed.title,
        content_type=tags.get("content-type") or None,
        audience=tuple(name for name in tags.get("audience", "").split(",") if name),
        country=tags.get("country") or None,
        language=feed.language,
        every=timedelta(seconds=int(every)) if every.isdecimal() else None,
    )


def _clean(text: str) -> str:
    """Without the characters that XML cannot carry."""
    return _FORBIDDEN.sub("", text)
