"""One page → Items: chooses the road, and names what is not a feed.

bytes ─ to_utf8 ─┬─ JSON ───────────────────────── jsonfeed ─┐
                 └─ strip_prolog ─ fast (lxml, strict) ──────┤
                                    └ mend, fast again ──────┼─ shape ─ Parsed
                                       └ referee (feedparser)┘
"""

from __future__ import annotations

import re

from collectors.base import Drifted, Page, Parsed
from collectors.feeds.charset import to_utf8
from collectors.feeds.discovery import discover
from collectors.feeds.draft import FeedDraft
from collectors.feeds.fast import NotAFeedError, NotWellFormedError, read_xml
from collectors.feeds.jsonfeed import looks_like_json, read_json
from collectors.feeds.mend import mend
from collectors.feeds.prolog import strip_prolog
from collectors.feeds.referee import UnreadableError, read_patiently
from collectors.feeds.shape import shape

_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]{0,60})")
_FEED_ROOT = re.compile(rb"<(?:rss|rdf:RDF|feed)[\s>]", re.IGNORECASE)
_WEB_PAGE = re.compile(
    rb"<(?:html|head|body|meta|title|script|div|table|p|h1|center|form|frameset)[\s/>]", re.IGNORECASE
)
_HTML = re.compile(rb"<html[\s>]", re.IGNORECASE)


def read(page: Page) -> Parsed:
    """What `page` holds. Pure; the same bytes give the same Items.

    Raises Drifted only: 'empty', 'not_a_feed', 'entity_bomb' or 'malformed'.
    """
    if page.body is None:
        return Parsed(items=())
    body, repairs = to_utf8(page.body, page.content_type)
    if not body.strip(b" \t\r\n\0\x0b\x0c"):
        raise Drifted("The answer is blank. Check the address if it lasts.", code="empty")
    if looks_like_json(body):
        feed = read_json(body)
    else:
        feed, more = _read_markup(body, page)
        repairs += more
    feed.repairs = repairs + feed.repairs
    return shape(feed, page)


def _read_markup(body: bytes, page: Page) -> tuple[FeedDraft, list[str]]:
    body, repairs = strip_prolog(body)
    if not _FEED_ROOT.match(body):
        start = _FEED_ROOT.search(body, 0, 65_536)
        if start and not _HTML.search(body, 0, start.start()):
            body = body[start.start() :]
            repairs.append("text before the document: ignored")
        elif _WEB_PAGE.match(body) or _HTML.search(body, 0, 4_096):
            raise Drifted(_page_message(body, page.url), code="not_a_feed")
        elif not _ROOT.match(body):
            raise Drifted("This is neither XML nor JSON, so no feed. Check the address.", code="not_a_feed")
    try:
        return read_xml(body), repairs
    except NotAFeedError as error:
        raise _no_feed(error) from None
    except NotWellFormedError as error:
        complaint = str(error)
    mended, more = mend(body)
    if more:
        try:
            return read_xml(mended), repairs + more
        except NotAFeedError as error:
            raise _no_feed(error) from None
        except NotWellFormedError as error:
            complaint = str(error)
    try:
        feed = read_patiently(mended)
    except UnreadableError as error:
        raise Drifted(
            f"This is not readable as a feed: {error} ({complaint[:200]}). Check the address.", code="malformed"
        ) from None
    if not feed.items:
        raise Drifted(
            f"The feed is broken and no item could be read ({complaint[:200]}). Tell its publisher.", code="malformed"
        )
    return feed, [*repairs, *more, "ill-formed XML: read by the forgiving parser"]


def _no_feed(error: NotAFeedError) -> Drifted:
    return Drifted(
        f"This is XML but not a feed: its root element is <{str(error)[:60]}>. Check the address.", code="not_a_feed"
    )


def _page_message(body: bytes, url: str) -> str:
    found = [link.url for link in discover(body, url)][:3]
    if found:
        return f"This is a web page, not a feed. This page advertises {' and '.join(found)}: use that address."
    return "This is a web page, not a feed, and it advertises none. Check the address."
