"""The slow road: feedparser, for what the strict parser cannot read, and as referee over what it can.

It is handed UTF-8 bytes without a document type, in memory, so that it neither fetches nor expands anything; its
sanitizing and its rewriting of links are off, since shape.py makes plain text anyway. It takes half a millisecond an
item and more, so it reads SIZE_LIMIT bytes and TAG_LIMIT tags at most. Of elements that repeat it keeps only the last in namespaces it does
not know: named guests are therefore not counted on this road.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import feedparser

from collectors.feeds.draft import Draft, FeedDraft, MediaDraft
from collectors.feeds.elements import is_medium, is_text

SIZE_LIMIT = 2_000_000
TAG_LIMIT = 60_000
"""Its forgiving parser takes some 30 µs a tag, so this is what bounds its time."""
_FORMATS = {"rss10": "rdf", "rss090": "rdf", "rss091n": "rss091u"}
_PAGE_TYPES = ("", "html", "text/html", "application/xhtml+xml", "text/plain")
_ENDS = (b"</item>", b"</entry>")


class UnreadableError(Exception):
    """feedparser finds no feed in it, or gives up."""


def read_patiently(body: bytes) -> FeedDraft:
    """`body` (UTF-8, without prolog) as a draft, as far as feedparser can read it. Raises UnreadableError."""
    whole = len(body)
    body = _bounded(body)
    try:
        result = feedparser.parse(
            io.BytesIO(body),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as error:
        raise UnreadableError(f"feedparser gave up: {type(error).__name__}") from None
    version = str(result.get("version") or "")
    if not version:
        raise UnreadableError("no feed was found in it")
    feed = _feed(dict(result["feed"]))
    feed.format = _FORMATS.get(version, version)
    feed.links_from_page = version.startswith("atom")
    feed.items = [_item(entry, feed) for entry in result["entries"]]
    if len(body) < whole:
        feed.repairs.append(f"ill-formed and large: only the first {len(body):,} of {whole:,} bytes were read")
    return feed


def _bounded(body: bytes) -> bytes:
    """`body` up to the last whole item within both limits."""
    limit = SIZE_LIMIT
    if body.count(b"<", 0, limit) > TAG_LIMIT:
        limit = 0
        for _ in range(TAG_LIMIT):
            limit = body.find(b"<", limit) + 1
    if len(body) <= limit:
        return body
    end = max(body.rfind(tag, 0, limit) for tag in _ENDS)
    return body[: body.find(b">", end) + 1] if end > 0 else body[:limit]


def _feed(data: Mapping[str, Any]) -> FeedDraft:
    feed = FeedDraft()
    feed.title = _text(data, "title")
    # Not its own "link", which may be the feed's id
    links = [link for link in _dicts(data.get("links")) if _text(link, "rel") == "alternate"]
    feed.link = next(
        (href for link in links if (href := _text(link, "href")) and _text(link, "type") in _PAGE_TYPES), None
    )
    feed.language = _text(data, "language")
    feed.author = _person(data)[0] or _person(data)[1]
    feed.ttl = _text(data, "ttl")
    feed.sy_period = _text(data, "sy_updateperiod")
    feed.sy_frequency = _text(data, "sy_updatefrequency")
    feed.new_url = _text(data, "itunes_new-feed-url")
    rhythm = data.get("podcast_updatefrequency")
    if isinstance(rhythm, Mapping):
        feed.rrule = _text(rhythm, "rrule")
        feed.complete = _text(rhythm, "complete") == "true"
    block = _text(data, "podcast_block")
    if block:
        feed.block("", block.lower())
    place = data.get("podcast_location")
    if isinstance(place, Mapping):
        feed.country = _text(place, "country")
    return feed


def _item(entry: Mapping[str, Any], feed: FeedDraft) -> Draft:
    # A plain dict: feedparser's own answers some questions from other keys (updated from published).
    data = dict(entry)
    draft = Draft()
    draft.id = _text(data, "id")
    draft.id_is_link = bool(data.get("guidislink"))
    draft.title = _text(data, "title")
    for content in _dicts(data.get("content")):
        kind = _text(content, "type") or ""
        value = _text(content, "value") or ""
        # It decodes base64 where that gives text, and else leaves it: that has no blanks.
        if "src" not in content and (is_text(kind) or (not is_medium(kind) and " " in value)):
            draft.say(value, full=True)
    draft.say(_text(data, "summary"), full=False)
    draft.published = _text(data, "published")
    draft.created = _text(data, "created")
    draft.updated = _text(data, "updated")
    draft.author, draft.author_mail = _person(data)
    draft.language = _text(data, "language") or _own_language(data, feed)
    for tag in _dicts(data.get("tags")):
        draft.file_under(_text(tag, "label") or _text(tag, "term"))
    _links(draft, data)
    for medium in _dicts(data.get("media_content")):
        url = _text(medium, "url") or _player(data)
        if url:
            kind, name = _text(medium, "type") or "", _text(medium, "medium") or ""
            draft.attach(MediaDraft(url, kind.lower(), name.lower(), _text(medium, "duration")))
    _extensions(draft, data)
    return draft


def _player(data: Mapping[str, Any]) -> str | None:
    player = data.get("media_player")
    return _text(player, "url") if isinstance(player, Mapping) else None


def _links(draft: Draft, data: Mapping[str, Any]) -> None:
    for link in _dicts(data.get("links")):
        href = _text(link, "href")
        rel = _text(link, "rel") or "alternate"
        if rel == "replies" and draft.comments is None:
            draft.comments = _text(link, "thr:count")
        if not href:
            continue
        kind = (_text(link, "type") or "").lower()
        if rel == "enclosure":
            draft.attach(MediaDraft(href, kind))
        elif rel == "alternate" and kind in _PAGE_TYPES:
            draft.link = draft.link or href
        elif rel in ("alternate", "related", "via"):
            draft.other_link = draft.other_link or href


def _extensions(draft: Draft, data: Mapping[str, Any]) -> None:
    draft.duration = _text(data, "itunes_duration")
    draft.comments = _text(data, "slash_comments") or _text(data, "thr_total") or draft.comments
    draft.video_id = _text(data, "yt_videoid")
    for name, key in (("media_statistics", "views"), ("media_starrating", "count")):
        told = data.get(name)
        if isinstance(told, Mapping):
            value = _text(told, key)
            draft.views, draft.likes = (value, draft.likes) if key == "views" else (draft.views, value)
    transcript = data.get("podcast_transcript")
    if isinstance(transcript, Mapping):
        draft.transcribe(_text(transcript, "url"))
    where = data.get("where")
    point = where.get("coordinates") if isinstance(where, Mapping) and where.get("type") == "Point" else None
    if isinstance(point, tuple) and len(point) >= 2:
        draft.coordinates = f"{point[1]} {point[0]}"
    elif _text(data, "geo_lat") and _text(data, "geo_long"):
        draft.coordinates = f"{data['geo_lat']} {data['geo_long']}"
    draft.location = _text(data, "georss_featurename")


def _own_language(data: Mapping[str, Any], feed: FeedDraft) -> str | None:
    """xml:lang of the entry shows only on its texts, where the feed's own shows as well."""
    detail = data.get("title_detail")
    language = _text(detail, "language") if isinstance(detail, Mapping) else None
    return language if language and language.lower() != (feed.language or "").lower() else None


def _person(data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Name and mail of the first author. With one author the text as written, which it takes apart less well."""
    people = _dicts(data.get("authors"))
    if len(people) < 2 and (author := _text(data, "author")):
        return author, None
    for person in people:
        name, mail = _text(person, "name"), _text(person, "email")
        if name or mail:
            return name, mail
    return None, None


def _text(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) and value else None


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
