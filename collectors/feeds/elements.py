"""Reading values out of lxml elements."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin
from xml.sax.saxutils import escape

from lxml import etree

from collectors.feeds.draft import Draft, FeedDraft

Element = Any
"""lxml.etree._Element; the library carries no types."""
Handler = Callable[[Draft, Element], None]


def text_of(element: Element) -> str | None:
    """Its own text without white space at the ends; None if there is none."""
    text = element.text
    return (text.strip() or None) if text else None


def inner(element: Element) -> str | None:
    """All that is inside, as markup: text as it stands if there are no elements within, else serialized as HTML."""
    text: str | None = element.text
    if not len(element):
        return text
    pieces = [escape(text)] if text else []
    pieces += [etree.tostring(child, encoding="unicode", method="html") for child in element]
    return "".join(pieces)


def is_text(kind: str) -> bool:
    """Whether a type attribute of Atom means text: 'html', 'text/plain', 'application/xhtml+xml', or none at all."""
    return (
        not kind
        or kind in ("text", "html", "xhtml", "xml")
        or kind.startswith("text/")
        or kind.endswith(("+xml", "/xml"))
    )


def is_medium(kind: str) -> bool:
    """Whether it means something to look at or to listen to, which has no text to read."""
    return kind.startswith(("image/", "audio/", "video/", "multipart/", "message/"))


def markup_of(draft: Draft | FeedDraft, element: Element) -> str | None:
    """What is inside a text as markup; None if it is no text."""
    return typed(element) if draft.typed else inner(element)


def typed(element: Element) -> str | None:
    """What is inside an Atom text, given its type: base64 where that is neither text nor a medium (RFC 4287, 4.1.3.3)."""
    kind = element.get("type")
    if element.get("mode") == "base64":
        return decode64(element)
    if kind is None or is_text(kind.lower()):
        return inner(element)
    return None if is_medium(kind.lower()) else decode64(element)


def decode64(element: Element) -> str | None:
    """Text in base64; None if it is not."""
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def href_of(draft: Draft, element: Element, href: str) -> str:
    """`href` joined with xml:base if the document uses it."""
    href = href.strip()
    return urljoin(element.base or "", href) if draft.bases else href
