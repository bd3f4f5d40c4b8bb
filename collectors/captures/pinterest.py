"""Pinterest: the pin objects of its web page, in the spelling of its older (`created_at`) and newer calls (`createdAt`).

Pins that were read from the page itself have no date, and many others have none either; they cannot be used.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collectors.base import Engagement, Item, Media
from collectors.captures.fields import (
    NOT_PUBLIC,
    at,
    first_count,
    first_text,
    hashtags,
    identity,
    mail_moment,
    refuse_if,
    says_yes,
    words,
)
from collectors.reading import UnreadableItemError, array, count, mapping, needed_moment, total


def read(data: Mapping[str, Any], seen: datetime | None) -> Item:
    """One pin. Raises UnreadableItemError for what is no pin, has no date or lies on a secret board."""
    refuse_if(data.get("type") not in (None, "pin"), "not a pin")
    refuse_if(at(data, "board", "privacy") in ("secret", "protected"), NOT_PUBLIC)
    number = _number(data)
    made = first_text(data.get("created_at"), data.get("createdAt"))
    refuse_if(not made, "no date")
    title = first_text(data.get("title"), data.get("grid_title"), data.get("gridTitle"))
    said = first_text(
        data.get("description"), data.get("closeup_unified_description"), data.get("closeupUnifiedDescription")
    )
    words(title or said)
    owner = mapping(data.get("pinner"))
    return Item(
        id=number,
        url=f"https://www.pinterest.com/pin/{number}/",
        title=title,
        text=said,
        published_at=needed_moment(mail_moment(made), "created_at"),
        author=identity(owner.get("username"), owner.get("entityId"), owner.get("id")),
        followers=first_count(owner.get("follower_count"), owner.get("followerCount")),
        sponsored=says_yes(
            [data.get("is_promoted"), data.get("isPromoted"), bool(data.get("promoter")), bool(data.get("sponsorship"))]
        ),
        media=_media(data),
        categories=hashtags(said),
        engagement=_engagement(data),
    )


def _number(data: Mapping[str, Any]) -> str:
    """Newer calls give a coded `id` beside the pin's number."""
    for value in (data.get("entityId"), data.get("id")):
        if (found := identity(value)) and found.isdecimal():
            return found
    raise UnreadableItemError("no id")


def _engagement(data: Mapping[str, Any]) -> Engagement:
    older, newer = data.get("aggregated_pin_data"), data.get("aggregatedPinData")
    reactions = mapping(data.get("reaction_counts") or data.get("reactionCounts"))
    listed = [at(one, "reactionCount") for one in array(data.get("reactionCountsData"))]
    return Engagement(
        likes=total(*map(count, (*reactions.values(), *listed))),
        comments=first_count(data.get("comment_count"), at(older, "comment_count"), at(newer, "commentCount")),
        shares=first_count(
            data.get("repin_count"), data.get("repinCount"), at(older, "aggregated_stats", "saves"),
            at(newer, "aggregatedStats", "saves"),
        ),
    )  # fmt: skip


def _media(data: Mapping[str, Any]) -> tuple[Media, ...]:
    videos = mapping(at(data, "videos", "video_list") or at(data, "videos", "videoList"))
    if videos or data.get("is_video") is True or data.get("isVideo") is True:
        lengths = [found for found in (count(at(one, "duration")) for one in videos.values()) if found]
        return (Media("", medium="video", duration=max(lengths) / 1000 if lengths else None),)
    return (Media("", medium="image"),)
