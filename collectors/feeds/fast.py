"""The fast road: well-formed RSS, RDF and Atom through lxml, one pass over each item's children.

The parser loads nothing, expands nothing and refuses what is ill-formed or nested deeper than 256. Element by
element, a table says what to keep; an element that is not in it costs one dictionary look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

from lxml import etree

from collectors.feeds import extensions
from collectors.feeds.draft import ITEM_LIMIT, Draft, FeedDraft, MediaDraft
from collectors.feeds.elements import Element, Handler, href_of, inner, markup_of, text_of
from collectors.feeds.names import canonical

_RSS_VERSIONS = {"0.90": "rss090", "0.91": "rss091u", "0.92": "rss092", "0.93": "rss093", "0.94": "rss094"}
_ATOM_VERSIONS = {"0.1": "atom01", "0.2": "atom02", "0.3": "atom03"}
_PAGE_TYPES = ("", "html", "text/html", "application/xhtml+xml", "text/plain")
FeedHandler = Callable[[FeedDraft, Element], None]


class NotWellFormedError(Exception):
    """The strict parser cannot read it; the message says where."""


class NotAFeedError(Exception):
    """It is XML, but its root element is not a feed's. The message names the root."""


def read_xml(body: bytes) -> FeedDraft:
    """`body` (UTF-8, without prolog) as a draft. Raises NotWellFormedError or NotAFeedError."""
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, recover=False, remove_comments=True, remove_pis=True, collect_ids=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotWellFormedError(str(error)) from None
    return _Reading(b"xml:base" in body, b"base64" in body).read(root)


class _Reading:
    """One document: resolves each tag once."""

    def __init__(self, bases: bool, typed: bool) -> None:
        self.feed = FeedDraft()
        self.feed.typed = typed
        self.bases = bases
        self._core = ""
        self._item_handlers: dict[str, Handler | None] = {}
        self._feed_handlers: dict[str, FeedHandler | None] = {}

    def read(self, root: Element) -> FeedDraft:
        kind = canonical(root.tag)
        local = kind.rpartition(":")[2]
        if kind in ("?:feed", "?:rss"):
            # A namespace of its own making: what is in it is meant as the format's own elements
            self._core = root.tag[: root.tag.index("}") + 1]
            kind = local
        feed = self.feed
        if kind in ("feed", "entry"):
            feed.typed = True
        if kind == "feed":
            feed.format = _atom_version(root)
            feed.links_from_page = True
            self._language(root)
            self._children(root)
        elif kind == "entry":
            feed.format = _atom_version(root)
            feed.links_from_page = True
            feed.items.append(self._item(root))
        elif kind in ("rss", "rdf:rdf", "rdf", "channel"):
            feed.format = _rss_version(root, kind)
            self._language(root)
            if kind == "channel":
                self._children(root)
            for child in root:
                name = self._name(child.tag)
                if name == "channel":
                    self._language(child)
                    self._children(child)
                elif name == "item":
                    self._take_item(feed, child)
        else:
            raise NotAFeedError(local)
        if not feed.items:
            for element in root.iter("{*}item", "{*}entry"):
                if self._name(element.tag) in ("item", "entry"):
                    self._take_item(feed, element)
        return feed

    def _name(self, tag: str) -> str:
        return canonical(tag[len(self._core) :] if self._core and tag.startswith(self._core) else tag)

    def _language(self, root: Element) -> None:
        self.feed.language = root.get(extensions.XML_LANG) or self.feed.language

    def _children(self, parent: Element) -> None:
        feed, handlers = self.feed, self._feed_handlers
        for child in parent:
            tag = child.tag
            try:
                handler = handlers[tag]
            except KeyError:
                name = self._name(tag)
                handler = handlers[tag] = self._take_item if name in ("item", "entry") else _FEED.get(name)
                if name == "podcast:liveitem":
                    handler = handlers[tag] = self._take_live
            if handler is not None:
                handler(feed, child)

    def _take_item(self, feed: FeedDraft, element: Element) -> None:
        if len(feed.items) <= ITEM_LIMIT:
            feed.items.append(self._item(element))

    def _take_live(self, feed: FeedDraft, element: Element) -> None:
        if len(feed.items) > ITEM_LIMIT:
            return
        draft = self._item(element)
        draft.live = element.get("status") or ""
        draft.live_start = element.get("start")
        feed.items.append(draft)

    def _item(self, element: Element) -> Draft:
        draft = Draft()
        if self.bases:
            draft.bases = True
        if self.feed.typed:
            draft.typed = True
        attributes = element.attrib
        if attributes:
            draft.id = attributes.get(extensions.RDF_ABOUT)
            draft.language = attributes.get(extensions.XML_LANG)
        handlers = self._item_handlers
        for child in element:
            tag = child.tag
            try:
                handler = handlers[tag]
            except KeyError:
                handler = handlers[tag] = ITEM.get(self._name(tag))
            if handler is not None:
                handler(draft, child)
        return draft


def _atom_version(root: Element) -> str:
    if root.tag.lower().startswith("{http://www.w3.org/2005/atom}"):
        return "atom10"
    return _ATOM_VERSIONS.get(root.get("version", ""), "atom")


def _rss_version(root: Element, kind: str) -> str:
    if kind in ("rdf:rdf", "rdf"):
        return "rdf"
    version = root.get("version", "")
    return _RSS_VERSIONS.get(version) or ("rss20" if version.startswith("2.") else "rss")


# ── what an item says ────────────────────────────────────────────────────────────────────────────────────────────


def _title(draft: Draft, element: Element) -> None:
    if draft.title is None:
        draft.title = markup_of(draft, element)


def _other_title(draft: Draft, element: Element) -> None:
    if draft.other_title is None:
        draft.other_title = inner(element)


def _link(draft: Draft, element: Element) -> None:
    href = element.get("href")
    if href is None:
        href = text_of(element)
        if not href:
            return
    href = href_of(draft, element, href)
    if not element.attrib:
        draft.link = draft.link or href
        return
    rel = element.get("rel", "alternate").lower()
    kind = element.get("type", "").lower()
    if rel == "enclosure":
        draft.attach(MediaDraft(href, kind))
    elif rel in ("alternate", "http://www.iana.org/assignments/relation/alternate"):
        if kind in _PAGE_TYPES:
            draft.link = draft.link or href
        else:
            draft.other_link = draft.other_link or href
    elif rel == "replies":
        draft.comments = draft.comments or element.get(extensions.THR_COUNT)
    elif rel in ("related", "via"):
        draft.other_link = draft.other_link or href


def _guid(draft: Draft, element: Element) -> None:
    text = element.text
    if text:
        draft.id = text
        draft.id_is_link = element.get("isPermaLink", element.get("ispermalink", "true")).lower() == "true"


def _id(draft: Draft, element: Element) -> None:
    if element.text:
        draft.id = element.text
        draft.id_is_link = True


def _description(draft: Draft, element: Element) -> None:
    draft.say(markup_of(draft, element), full=False)


def _encoded(draft: Draft, element: Element) -> None:
    draft.say(inner(element), full=True)


def _content(draft: Draft, element: Element) -> None:
    if element.get("src") is None:
        draft.say(markup_of(draft, element), full=True)


def _published(draft: Draft, element: Element) -> None:
    if element.text and draft.published is None:
        draft.published = element.text


def _created(draft: Draft, element: Element) -> None:
    if element.text and draft.created is None:
        draft.created = element.text


def _updated(draft: Draft, element: Element) -> None:
    if element.text and draft.updated is None:
        draft.updated = element.text


def _author(draft: Draft, element: Element) -> None:
    if draft.author is not None:
        return
    if len(element):
        draft.author, draft.author_mail = _person(element)
    elif element.text:
        draft.author = element.text.strip() or None


def _person(element: Element) -> tuple[str | None, str | None]:
    """Name and address of an Atom person; either may be None."""
    found: dict[str, str] = {}
    for child in element:
        if child.text and child.text.strip():
            found.setdefault(canonical(child.tag).rpartition(":")[2], child.text.strip())
    return found.get("name"), found.get("email")


def _category(draft: Draft, element: Element) -> None:
    draft.file_under(element.get("label") or element.get("term") or element.text)


def _enclosure(draft: Draft, element: Element) -> None:
    url = element.get("url") or element.get("href")
    if url:
        draft.attach(MediaDraft(href_of(draft, element, url), element.get("type", "").lower()))


ITEM: dict[str, Handler] = {
    "title": _title,
    "dc:title": _other_title,
    "link": _link,
    "guid": _guid,
    "id": _id,
    "description": _description,
    "summary": _description,
    "dc:description": _description,
    "content:encoded": _encoded,
    "content": _content,
    "body": _encoded,
    "xhtml:body": _encoded,
    "fullitem": _encoded,
    "pubdate": _published,
    "published": _published,
    "issued": _published,
    "dcterms:issued": _published,
    "created": _created,
    "dcterms:created": _created,
    "updated": _updated,
    "modified": _updated,
    "dc:date": _updated,
    "dcterms:modified": _updated,
    "author": _author,
    "dc:creator": _author,
    "dc:author": _author,
    "itunes:author": _author,
    "category": _category,
    "dc:subject": _category,
    "enclosure": _enclosure,
    **extensions.ITEM,
}


# ── what a feed says of itself ───────────────────────────────────────────────────────────────────────────────────


def _feed_title(feed: FeedDraft, element: Element) -> None:
    if feed.title is None:
        feed.title = markup_of(feed, element)


def _feed_link(feed: FeedDraft, element: Element) -> None:
    href = element.get("href")
    if href is None:
        href = element.text
    elif element.get("rel", "alternate") != "alternate" or element.get("type", "").lower() not in _PAGE_TYPES:
        return
    if href and feed.link is None:
        feed.link = urljoin(element.base or "", href.strip())


def _feed_language(feed: FeedDraft, element: Element) -> None:
    if element.text:
        feed.language = element.text


def _feed_author(feed: FeedDraft, element: Element) -> None:
    if feed.author is None:
        name, mail = _person(element) if len(element) else (text_of(element), None)
        feed.author = name or mail


_FEED: dict[str, FeedHandler] = {
    "title": _feed_title,
    "dc:title": _feed_title,
    "link": _feed_link,
    "language": _feed_language,
    "dc:language": _feed_language,
    "author": _feed_author,
    "itunes:author": _feed_author,
    **extensions.FEED,
}
