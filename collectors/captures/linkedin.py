"""LinkedIn: the update objects of its web page.

They carry no date, only words such as '2d'. An activity's id does: its upper bits are milliseconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.base import Engagement, Item, Media
from collectors.captures.fields import (
    NOT_PUBLIC,
    REPOST,
    at,
    first_count,
    first_text,
    hashtags,
    identity,
    refuse_if,
    words,
)
from collectors.reading import UnreadableItemError, count, epoch_moment, mapping, text

_ACTIVITY = re.compile(r"urn:li:activity:(\d{15,20})")
_TIME_BITS = 22
"""Bits of an id below its time."""
_BEGAN = datetime(2003, 5, 1, tzinfo=UTC)
"""LinkedIn began in May 2003; an id that gives an earlier time does not hold one."""
_FOLLOWERS = re.compile(r"([\d.,\s]+)followers", re.IGNORECASE)
_NEW = timedelta(hours=1)
"""A younger post's age may be told without a number ('now')."""


def read(data: Mapping[str, Any], seen: datetime | None) -> Item:
    """One post. Raises UnreadableItemError for what has no author, and for what not everyone may see."""
    number = _number(data)
    published = _published(number)
    actor = mapping(data.get("actor"))
    refuse_if(not actor, "no author (a recommendation, not a post)")
    refuse_if("urn:li:groupPost:" in text(at(data, "metadata", "shareUrn")) or _limited(actor), NOT_PUBLIC)
    said = first_text(at(data, "commentary", "text", "text"), at(data, "commentary", "text"))
    refuse_if(not said and bool(data.get("*resharedUpdate") or data.get("resharedUpdate")), REPOST)
    about = first_text(at(actor, "description", "text"))
    followers = _FOLLOWERS.fullmatch(about)
    urn = f"urn:li:activity:{number}"
    return Item(
        id=urn,
        url=f"https://www.linkedin.com/feed/update/{urn}/",
        text=words(said),
        published_at=published,
        author=_author(actor),
        author_bio=None if followers else about or None,
        followers=count(re.sub(r"\D", "", followers[1])) if followers else None,
        sponsored=True if _promoted(actor, published, seen) else None,
        media=_media(mapping(data.get("content"))),
        categories=hashtags(said),
        engagement=_engagement(mapping(data.get("*socialDetail") or data.get("socialDetail"))),
    )


def _number(data: Mapping[str, Any]) -> str:
    """Of two activities that are shown as one, the first."""
    places = (
        at(data, "updateMetadata", "urn"), at(data, "metadata", "backendUrn"), data.get("preDashEntityUrn"),
        data.get("entityUrn"), data.get("id"), data.get("urn"),
    )  # fmt: skip
    for place in places:
        if found := _ACTIVITY.search(text(place)):
            return found[1]
    raise UnreadableItemError("no id of an activity")


def _published(number: str) -> datetime:
    found = epoch_moment(int(number) >> _TIME_BITS, unit=timedelta(milliseconds=1))
    if found is None or found < _BEGAN:
        raise UnreadableItemError("the id holds no date")
    return found


def _limited(actor: Mapping[str, Any]) -> bool:
    """The page says who may see a post, in words; read where it is shown in English."""
    said = text(at(actor, "subDescription", "accessibilityText")).casefold()
    return "visible to" in said and "anyone" not in said


def _author(actor: Mapping[str, Any]) -> str | None:
    """As LinkedIn's API names it where the page does too; otherwise the profile's path."""
    urn = text(actor.get("backendUrn")).replace("urn:li:company:", "urn:li:organization:")
    target = first_text(at(actor, "navigationContext", "actionTarget"))
    path = target.partition("linkedin.com/")[2].partition("?")[0].strip("/")
    return identity(urn, path, at(actor, "name", "text"))


def _promoted(actor: Mapping[str, Any], published: datetime, seen: datetime | None) -> bool:
    """Where others show their age ('3d • Edited'), what is paid for shows a word of the reader's language."""
    label = first_text(at(actor, "subDescription", "text")).split("•")[0].strip()
    if label.casefold().startswith("promoted"):
        return True
    aged = not label or any(letter.isdigit() for letter in label)
    return not aged and seen is not None and seen - published > _NEW


def _engagement(social: Mapping[str, Any]) -> Engagement:
    counts = mapping(social.get("*totalSocialActivityCounts") or social.get("totalSocialActivityCounts"))
    return Engagement(
        likes=first_count(counts.get("numLikes"), at(social, "likes", "paging", "total")),
        comments=first_count(counts.get("numComments"), at(social, "comments", "paging", "total")),
        shares=first_count(counts.get("numShares"), social.get("totalShares")),
    )


def _media(content: Mapping[str, Any]) -> tuple[Media, ...]:
    """That there is a video or an image; their addresses expire."""
    for holder in (
        content,
        mapping(content.get("linkedInVideoComponent")),
        mapping(content.get("externalVideoComponent")),
    ):
        played = holder.get("*videoPlayMetadata") or holder.get("videoPlayMetadata")
        if played:
            length = count(at(played, "duration"))
            return (Media(url="", medium="video", duration=length / 1000 if length else None),)
    if content.get("images") or content.get("imageComponent"):
        return (Media(url="", medium="image"),)
    return ()
