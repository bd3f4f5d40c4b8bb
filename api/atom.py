"""The issues of a digest as an Atom feed (RFC 4287).

Ids of the feed and its entries follow from the installation, the digest and the run, so that neither another address of
the service nor a digest made anew under an old name confuses a reader. Content is the stored document as plain HTML,
without pictures; the page of the issue has them.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from monitor.core.digest import DigestSpec
from monitor.core.moments import written_to_the_second
from monitor.core.schedule import parse_schedule
from monitor.digests import Digests
from monitor.store import Store
from monitor.store.digests import IssueRecord

MEDIA_TYPE = "application/atom+xml"
_ATOM = "http://www.w3.org/2005/Atom"
_UNSHOWN = frozenset({"quiet"})
"""Kept, but not sent anywhere."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""

ElementTree.register_namespace("", _ATOM)


def feed_of(digests: Digests, store: Store, digest_id: str, *, base: str, now: datetime, limit: int) -> bytes:
    """The latest `limit` issues, newest first. `base`: address of the service, without a slash at its end.

    Raises UnknownDigest. The same issues give the same bytes.
    """
    spec = digests.spec(digest_id)
    found = [one for one in digests.issues(digest_id, limit=limit) if one.status not in _UNSHOWN]
    namespace = _namespace(store)
    here = f"{base}/api/v1/digests/{quote(digest_id, safe='')}"
    feed = ElementTree.Element(f"{{{_ATOM}}}feed")
    _add(feed, "id", uuid.uuid5(namespace, digest_id).urn)
    _add(feed, "title", spec.title)
    _add(feed, "subtitle", f"{_when(spec)}; posts of the healthcare sector, counted with what was and was not observed")
    _add(
        feed,
        "updated",
        written_to_the_second(max((one.composed_at for one in found), default=_begin(digests, spec, now))),
    )
    _add(feed, "link", rel="self", type=MEDIA_TYPE, href=f"{here}/atom")
    _add(feed, "link", rel="alternate", type="text/html", href=f"{base}/digests/{quote(digest_id, safe='')}")
    _add(_add(feed, "author"), "name", "trendmonitor")
    _add(feed, "generator", "trendmonitor")
    for issue in found:
        document = None if issue.status == "missed" else digests.document(digest_id, issue.number)
        _entry(feed, issue, document, namespace, base)
    ElementTree.indent(feed)
    body: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return body


def _entry(
    feed: ElementTree.Element,
    issue: IssueRecord,
    document: Mapping[str, Any] | None,
    namespace: uuid.UUID,
    base: str,
) -> None:
    """A run that was missed is told too: silence must not look like calm."""
    entry = _add(feed, "entry")
    _add(entry, "id", uuid.uuid5(namespace, f"{issue.digest}@{issue.run_at.astimezone(UTC).isoformat()}").urn)
    title = "Not composed: " + issue.says if document is None else str(document.get("subject") or issue.says)
    _add(entry, "title", title)
    _add(entry, "updated", written_to_the_second(issue.composed_at))
    _add(entry, "published", written_to_the_second(issue.composed_at))
    page = f"{base}/digests/{quote(issue.digest, safe='')}/issues/{issue.number}"
    _add(entry, "link", rel="alternate", type="text/html", href=page)
    if document is None:
        _add(entry, "content", f"<p>{escape(issue.says)}</p>", type="html")
        return
    _add(entry, "summary", str(document.get("headline") or issue.says))
    _add(entry, "content", html_of(document, base), type="html")


def html_of(document: Mapping[str, Any], base: str) -> str:
    """The statements, numbers and tables of an issue, each with its link, in the order of the other views."""
    lead, rest = [], []
    for section in document.get("sections") or ():
        says = [_linked(one["text"], one, base) for one in section["says"]]
        if section["id"] == "headline":
            lead += [f"<p>{text}</p>" for text in says]
            continue
        rest.append(f"<h2>{escape(section['title'])}</h2>")
        if says:
            rest.append(_list(says))
        if section["table"]:
            rest.append(_table(section["table"], base))
    if not lead:
        lead.append(f"<p>{escape(str(document.get('headline', '')))}</p>")
    numbers = [_number(one, base) for one in document.get("numbers") or ()]
    if numbers:
        lead.append(_list(numbers))
    if document.get("cutoff"):
        rest.append(f"<p>Data up to {escape(str(document['cutoff']))}.</p>")
    return "".join((*lead, *rest))


def _list(items: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _number(one: Mapping[str, Any], base: str) -> str:
    """Posts: 1,234 (a count …); +12 % (+8 to +16), against the mean of 8 weeks."""
    text = f"{_linked(one['label'], one, base)}: {escape(str(one['text']))}"
    if one["interval"]:
        text += f" ({escape(str(one['interval']))})"
    against = one["comparison"]
    if against:
        change = f"{against['text']} ({against['interval']}), against {against['against']}"
        text += f"; {escape(change)}"
    return text


def _table(table: Mapping[str, Any], base: str) -> str:
    head = "".join(f"<th>{escape(column['title'])}</th>" for column in table["columns"])
    rows = []
    for row in table["rows"]:
        first, *others = row["cells"]
        cells = [_linked(first, {"link": row.get("url") or row.get("link")}, base), *map(escape, others)]
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    more = f"<p>{_linked(table['more']['text'], table['more'], base)}</p>" if table["more"] else ""
    caption = f"<caption>{escape(table['caption'])}</caption>"
    return f"<table>{caption}<tr>{head}</tr>{''.join(rows)}</table>{more}"


def _linked(text: str, where: Mapping[str, Any], base: str) -> str:
    """The text with a link to a page of this service or to a post on the web, named by the link's own label if it has
    one."""
    link = str(where.get("link") or "")
    if link.startswith("/") and not link.startswith("//"):
        link = base + link
    if urlsplit(link).scheme not in ("http", "https"):
        return escape(text)
    label = where.get("label")
    if label and label != text:
        return f'{escape(text)} <a href="{escape(link)}">{escape(label)}</a>'
    return f'<a href="{escape(link)}">{escape(text)}</a>'


def _namespace(store: Store) -> uuid.UUID:
    """Of this installation; nobody can tell its key from it."""
    return uuid.UUID(bytes=hashlib.blake2b(b"atom", key=store.author_key()[:64], digest_size=16).digest())


def _when(spec: DigestSpec) -> str:
    words = parse_schedule(spec.schedule).describe()
    return words[:1].upper() + words[1:]


def _begin(digests: Digests, spec: DigestSpec, now: datetime) -> datetime:
    """When a feed without entries last changed: as the digest was made."""
    state = digests.state(spec.id)
    return parse_schedule(spec.schedule).previous(now) if state is None else state.created_at


def _add(parent: ElementTree.Element, name: str, text: str | None = None, **attributes: str) -> ElementTree.Element:
    made = ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    if text is not None:
        made.text = _NOT_XML.sub("\ufffd", text)
    return made
