"""Reddit's posts (t3), comments (t1) and feed entries as items. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from collectors.base import Engagement, Item, Media
from collectors.feeds.text import line, plain
from collectors.reading import array, count, epoch_moment, mapping, needed, needed_moment, text
from collectors.reddit_api.address import SITE

KINDS = ("t3", "t1")
_GONE = ("[deleted]", "[removed]", "[deleted by user]", "[ removed by reddit ]")
_CLOSED = ("private", "gold_only", "employees_only")
_FEED_TAIL = re.compile(r"\s*submitted by\s+/u/[\w-]+\s*(?:to\s+r/\w+\s*)?(?:\[link\]\s*\[comments\])?\s*$")


def names(children: Iterable[Any]) -> set[str]:
    """Full names ('t3_…') of the entries of a listing, readable or not."""
    found = (text(mapping(mapping(child).get("data")).get("name")) for child in children)
    return {name for name in found if name}


def read_entry(child: Mapping[str, Any], *, adult: bool = True) -> Item | None:
    """One entry of a listing. None: neither post nor comment, or for adults and those are not wanted."""
    kind, data = child.get("kind"), mapping(child.get("data"))
    if kind not in KINDS:
        return None
    name = needed(data.get("name"), "name")
    if is_gone(data):
        return Item(name, deleted=True)
    if data.get("over_18") is True and not adult:
        return None
    return _post(name, data) if kind == "t3" else _comment(name, data)


def is_gone(data: Mapping[str, Any]) -> bool:
    """The author is deleted, or the text, or somebody removed it, or its community is not public any more. A link has
    no text that could be blanked, so a deleted author alone counts."""
    marks = (data.get("author"), data.get("selftext"), data.get("body"), data.get("title"))
    closed = data.get("removed_by_category") is not None or data.get("subreddit_type") in _CLOSED
    return closed or any(text(mark).strip().lower() in _GONE for mark in marks)


def _post(name: str, data: Mapping[str, Any]) -> Item:
    flair = line(text(data.get("link_flair_text")))
    return Item(
        id=name,
        url=SITE + needed(data.get("permalink"), "permalink"),
        title=line(needed(data.get("title"), "title")),
        text=_body(data, "selftext"),
        published_at=needed_moment(epoch_moment(data.get("created_utc")), "created_utc"),
        updated_at=epoch_moment(data.get("edited")),
        author=text(data.get("author")) or None,
        media=_media(data),
        categories=(flair,) if flair else (),
        engagement=Engagement(
            likes=None if data.get("hide_score") is True else count(data.get("score")),
            comments=count(data.get("num_comments")),
            shares=count(data.get("num_crossposts")),
        ),
    )


def _comment(name: str, data: Mapping[str, Any]) -> Item:
    thread = text(data.get("link_id")).removeprefix("t3_")
    # Answers of some years ago have no permalink; Reddit's own short form leads to the same place
    path = text(data.get("permalink")) or f"/comments/{needed(thread, 'link_id')}/_/{name.removeprefix('t1_')}/"
    return Item(
        id=name,
        url=SITE + path,
        text=_body(data, "body"),
        published_at=needed_moment(epoch_moment(data.get("created_utc")), "created_utc"),
        updated_at=epoch_moment(data.get("edited")),
        author=text(data.get("author")) or None,
        engagement=Engagement(likes=None if data.get("score_hidden") is True else count(data.get("score"))),
    )


def _body(data: Mapping[str, Any], field: str) -> str:
    """From the HTML, where the marks of Markdown are gone already."""
    return plain(text(data.get(f"{field}_html"))) or text(data.get(field)).strip()


def _media(data: Mapping[str, Any]) -> tuple[Media, ...]:
    """Pictures and videos that Reddit itself hosts. Links to other sites are none."""
    video = mapping(mapping(data.get("media")).get("reddit_video"))
    address = text(video.get("fallback_url"))
    if address.startswith("https://"):
        length = count(video.get("duration"))
        return (Media(address, "video/mp4", "video", None if length is None else float(length)),)
    address = text(data.get("url"))
    if address.startswith("https://i.redd.it/"):
        return (Media(address, medium="image"),)
    pieces = [mapping(one) for one in array(mapping(data.get("gallery_data")).get("items"))]
    kinds = mapping(data.get("media_metadata"))
    return tuple(
        Media(found, text(mapping(kinds.get(key)).get("m")), "image")
        for piece in pieces
        if (key := text(piece.get("media_id"))) and (found := text(mapping(mapping(kinds.get(key)).get("s")).get("u")))
        if found.startswith("https://")
    )


def from_feed(item: Item) -> Item | None:
    """An entry of the public feed as the API would tell it: same id, author and address; no line that names its author,
    and no community for a category. None: it is not a post."""
    if not item.id.startswith("t3_"):
        return None
    if item.author in ("[deleted]", "/u/[deleted]"):
        return Item(item.id, deleted=True)
    parts = urlsplit(item.url or "")
    ours = (parts.hostname or "").endswith("reddit.com")
    return replace(
        item,
        url=SITE + parts.path if ours and parts.path else item.url,
        author=item.author.removeprefix("/u/") if item.author else None,
        text=_FEED_TAIL.sub("", item.text),
        categories=(),
    )
