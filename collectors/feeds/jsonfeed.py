"""JSON Feed 1.0 and 1.1 → a draft. orjson first; the standard library for JSON with raw control characters."""

from __future__ import annotations

import html
import json
from typing import Any

import orjson

from collectors.base import Drifted
from collectors.feeds.draft import ITEM_LIMIT, Draft, FeedDraft, MediaDraft


def looks_like_json(body: bytes) -> bool:
    return body[:1] == b"{" or body[:64].lstrip()[:1] == b"{"


def read_json(body: bytes) -> FeedDraft:
    """`body` (UTF-8, without byte order mark) as a draft.

    Raises Drifted: 'malformed' if it is not JSON, 'not_a_feed' if it is not a JSON Feed.
    """
    repairs: list[str] = []
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as strict:
        try:
            data = json.loads(body, strict=False)
        except (ValueError, RecursionError):
            raise Drifted(
                f"This looks like JSON but is broken ({strict}). Check the address.", code="malformed"
            ) from None
        repairs.append("JSON with raw control characters: accepted")
    version = data.get("version") if isinstance(data, dict) else None
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list) or not (isinstance(version, str) and "jsonfeed" in version):
        raise Drifted(
            "This is JSON but not a JSON Feed (it has no 'version' of jsonfeed.org and 'items'). "
            "Name the address of the feed itself.",
            code="not_a_feed",
        )
    feed = FeedDraft()
    feed.repairs = repairs
    feed.format = "json1" if version.rstrip("/").endswith("/1") else "json11"
    feed.title = _text(data.get("title"))
    feed.link = _text(data.get("home_page_url"))
    feed.language = _text(data.get("language"))
    feed.author = _author(data)
    feed.links_from_page = True
    feed.complete = data.get("expired") is True
    for entry in items[: ITEM_LIMIT + 1]:
        if isinstance(entry, dict):
            feed.items.append(_item(entry))
        else:
            feed.items.append(Draft())
    return feed


def _item(entry: dict[str, Any]) -> Draft:
    draft = Draft()
    draft.id = _text(entry.get("id"))
    draft.link = _text(entry.get("url"))
    draft.other_link = _text(entry.get("external_url"))
    # Titles and content_text are plain text by definition; from here on everything is read as markup.
    draft.title = _plain(entry.get("title"))
    draft.content = _text(entry.get("content_html")) or _plain(entry.get("content_text"))
    draft.summary = _plain(entry.get("summary"))
    draft.published = _text(entry.get("date_published"))
    draft.updated = _text(entry.get("date_modified"))
    draft.author = _author(entry)
    draft.language = _text(entry.get("language"))
    for tag in _list(entry.get("tags")):
        draft.file_under(_text(tag))
    for attachment in _list(entry.get("attachments")):
        url = attachment.get("url") if isinstance(attachment, dict) else None
        if isinstance(url, str) and url:
            draft.attach(
                MediaDraft(
                    url,
                    (_text(attachment.get("mime_type")) or "").lower(),
                    "",
                    _text(attachment.get("duration_in_seconds")),
                )
            )
    return draft


def _text(value: object) -> str | None:
    """A string; numbers (ids are sometimes numbers) as text; anything else nothing."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def _plain(value: object) -> str | None:
    text = _text(value)
    return html.escape(text, quote=False) if text and ("<" in text or "&" in text) else text


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _author(data: dict[str, Any]) -> str | None:
    """The first author with a name; 1.1 has a list, 1.0 had one."""
    for person in [*_list(data.get("authors")), data.get("author")]:
        if isinstance(person, dict) and (name := _text(person.get("name")) or _text(person.get("url"))):
            return name
    return None
