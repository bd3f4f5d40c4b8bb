"""Instagram: the post objects of its web page, as 'graph' nodes (older) and as items of lists (newer)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from collectors.base import Engagement, Item, Media
from collectors.captures.fields import (
    NOT_PUBLIC,
    at,
    first_count,
    first_text,
    hashtags,
    identity,
    refuse_if,
    says_yes,
    words,
)
from collectors.reading import array, count, epoch_moment, flag, mapping, needed, needed_moment, text

_VIDEO = 2
"""`media_type` of a video; 1 is an image, 8 several of either."""
_ADS = "https://www.facebook.com/ads/"


def read(data: Mapping[str, Any], seen: datetime | None) -> Item:
    """One post. Raises UnreadableItemError for stories and for accounts that are not public."""
    post = mapping(data.get("node")) or data
    kind = text(post.get("product_type")).lower()
    refuse_if(kind == "story", "a story, not a post")
    author = mapping(post.get("user")) or mapping(post.get("owner"))
    refuse_if(author.get("is_private") is True, NOT_PUBLIC)
    code = needed(first_text(post.get("code"), post.get("shortcode")), "code")
    taken = epoch_moment(post.get("taken_at")) or epoch_moment(post.get("taken_at_timestamp"))
    published = needed_moment(taken, "taken_at")
    said = first_text(
        at(post, "caption", "text"), post.get("caption"), at(post, "edge_media_to_caption", "edges", 0, "node", "text")
    )
    hidden = post.get("like_and_view_counts_disabled") is True
    return Item(
        id=code,
        url=f"https://www.instagram.com/{'reel' if kind == 'clips' else 'p'}/{quote(code, safe='')}/",
        text=words(said),
        published_at=published,
        author=identity(author.get("pk"), author.get("id"), author.get("username")),
        author_bio=text(author.get("biography")) or None,
        followers=first_count(author.get("follower_count"), at(author, "edge_followed_by", "count")),
        verified=flag(author.get("is_verified")),
        location=text(at(post, "location", "name")) or None,
        sponsored=says_yes(_labels(post, kind)),
        media=_media(post),
        categories=hashtags(said),
        engagement=Engagement(
            views=None if hidden else _views(post),
            likes=None if hidden else _likes(post),
            comments=_comments(post),
        ),
    )


def _labels(post: Mapping[str, Any], kind: str) -> list[Any]:
    return [
        kind == "ad",
        post.get("is_ad"),
        post.get("is_paid_partnership"),
        bool(post.get("ad_id")),
        text(post.get("link")).startswith(_ADS),
        bool(array(post.get("sponsor_tags"))),
        bool(array(at(post, "edge_media_to_sponsor_user", "edges"))),
    ]


def _views(post: Mapping[str, Any]) -> int | None:
    names = ("play_count", "ig_play_count", "view_count", "video_play_count", "video_view_count")
    return first_count(*(post.get(name) for name in names))


def _likes(post: Mapping[str, Any]) -> int | None:
    """A hidden number is sent as −1."""
    return first_count(
        post.get("like_count"), at(post, "edge_media_preview_like", "count"), at(post, "edge_liked_by", "count")
    )


def _comments(post: Mapping[str, Any]) -> int | None:
    names = ("edge_media_to_parent_comment", "edge_media_to_comment", "edge_media_preview_comment")
    return first_count(post.get("comment_count"), *(at(post, name, "count") for name in names))


def _media(post: Mapping[str, Any]) -> tuple[Media, ...]:
    """What kinds of media there are; their addresses expire."""
    parts = array(post.get("carousel_media")) or [
        at(one, "node") for one in array(at(post, "edge_sidecar_to_children", "edges"))
    ]
    found: dict[Media, None] = {}
    for part in map(mapping, parts or [post]):
        video = count(part.get("media_type")) == _VIDEO or part.get("is_video") is True
        found[Media("", medium="video" if video else "image", duration=_seconds(part) if video else None)] = None
    return tuple(found)


def _seconds(part: Mapping[str, Any]) -> float | None:
    length = part.get("video_duration")
    return float(length) if isinstance(length, (int, float)) and length is not True and length > 0 else None
