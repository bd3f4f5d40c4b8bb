"""TikTok: the post objects of its web page. Embedded in a page, the author is a name; loaded later, an object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from collectors.base import Engagement, Item, Media
from collectors.captures.fields import (
    COMMENT,
    NOT_PUBLIC,
    at,
    country,
    first_count,
    first_text,
    hashtags,
    identity,
    language,
    refuse_if,
    says_yes,
    words,
)
from collectors.reading import array, epoch_moment, flag, mapping, needed, needed_moment, text

_HIDDEN = ("privateItem", "secret", "forFriend")


def read(data: Mapping[str, Any], seen: datetime | None) -> Item:
    """One post. Raises UnreadableItemError for live streams, comments and what is not public."""
    refuse_if("liveRoomInfo" in data or "liveRoom" in data, "a live stream, not a post")
    refuse_if("cid" in data and "createTime" not in data, COMMENT)
    author = mapping(data.get("author"))
    closed = author.get("privateAccount") is True or author.get("secret") is True
    refuse_if(closed or any(data.get(name) is True for name in _HIDDEN), NOT_PUBLIC)
    number = needed(identity(data.get("id")), "id")
    name = first_text(author.get("uniqueId"), data.get("author"))
    said = first_text(data.get("desc"), at(data, "contents", 0, "desc"))
    return Item(
        id=number,
        url=f"https://www.tiktok.com/@{quote(name)}/video/{number}" if name and number.isdecimal() else None,
        text=words(said),
        published_at=needed_moment(epoch_moment(data.get("createTime")), "createTime"),
        author=name or identity(author.get("id"), data.get("authorId")),
        author_bio=text(author.get("signature")) or None,
        followers=first_count(at(data, "authorStatsV2", "followerCount"), at(data, "authorStats", "followerCount")),
        verified=flag(author.get("verified")),
        language=language(data.get("textLanguage")),
        country=country(data.get("locationCreated")),
        content_type=None if data.get("imagePost") else "video",
        sponsored=says_yes([data.get("isAd")]),
        media=_media(data),
        categories=tuple(dict.fromkeys((*_tags(data), *hashtags(said)))),
        engagement=_engagement(data),
    )


def _tags(data: Mapping[str, Any]) -> list[str]:
    named = [text(mapping(one).get("title")) for one in array(data.get("challenges"))]
    marked = [text(mapping(one).get("hashtagName")) for one in array(data.get("textExtra"))]
    return [tag for tag in (*named, *marked) if tag]


def _engagement(data: Mapping[str, Any]) -> Engagement:
    """`statsV2` is exact; `stats` may be rounded."""

    def told(name: str) -> int | None:
        return first_count(at(data, "statsV2", name), at(data, "stats", name))

    return Engagement(
        views=told("playCount"), likes=told("diggCount"), comments=told("commentCount"), shares=told("shareCount")
    )


def _media(data: Mapping[str, Any]) -> tuple[Media, ...]:
    """That it is a video, or images; their addresses expire."""
    if data.get("imagePost"):
        return (Media("", medium="image"),)
    length = first_count(at(data, "video", "duration"))
    return (Media("", medium="video", duration=float(length) if length else None),)
