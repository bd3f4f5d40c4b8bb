"""Threads: the post objects of its web page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from collectors.base import Engagement, Item, Media
from collectors.captures.fields import (
    NOT_PUBLIC,
    REPOST,
    at,
    first_text,
    hashtags,
    identity,
    refuse_if,
    says_yes,
    words,
)
from collectors.reading import array, count, epoch_moment, flag, mapping, needed, needed_moment, text, total


def read(data: Mapping[str, Any], seen: datetime | None) -> Item:
    """One post. Raises UnreadableItemError for reposts and for accounts that are not public."""
    post = mapping(data.get("post")) or data
    author = mapping(post.get("user"))
    refuse_if(author.get("text_post_app_is_private") is True or author.get("is_private") is True, NOT_PUBLIC)
    code = needed(first_text(post.get("code")), "code")
    told = mapping(post.get("text_post_app_info"))
    said = first_text(at(post, "caption", "text"), _pieces(told))
    refuse_if(not said and bool(at(told, "share_info", "reposted_post")), REPOST)
    name = first_text(author.get("username"))
    hidden = post.get("like_and_view_counts_disabled") is True
    return Item(
        id=code,
        url=f"https://www.threads.com/@{quote(name)}/post/{quote(code, safe='')}" if name else None,
        text=words(said),
        published_at=needed_moment(epoch_moment(post.get("taken_at")), "taken_at"),
        author=identity(name, author.get("pk")),
        author_bio=text(author.get("biography")) or None,
        followers=count(author.get("follower_count")),
        verified=flag(author.get("is_verified")),
        sponsored=says_yes([post.get("is_paid_partnership")]),
        media=_media(post),
        categories=tuple(dict.fromkeys((*_topic(told), *hashtags(said)))),
        engagement=Engagement(
            likes=None if hidden else count(post.get("like_count")),
            comments=count(told.get("direct_reply_count")),
            shares=total(count(told.get("repost_count")), count(told.get("quote_count"))),
        ),
    )


def _pieces(told: Mapping[str, Any]) -> str:
    """The text where it comes in pieces only."""
    held = array(at(told, "text_fragments", "fragments"))
    return "".join(text(mapping(one).get("plaintext")) for one in held)


def _topic(told: Mapping[str, Any]) -> tuple[str, ...]:
    tag = first_text(at(told, "tag_header", "display_name")).removeprefix("#")
    return (tag,) if tag else ()


def _media(post: Mapping[str, Any]) -> tuple[Media, ...]:
    """What kinds of media there are; their addresses expire."""
    found: dict[Media, None] = {}
    for part in map(mapping, array(post.get("carousel_media")) or [post]):
        if part.get("video_versions"):
            found[Media("", medium="video")] = None
        elif array(at(part, "image_versions2", "candidates")):
            found[Media("", medium="image")] = None
        elif part.get("audio"):
            found[Media("", medium="audio")] = None
    return tuple(found)
