"""X: the post objects of its web page.

The oldest have the author beside them (`user`), the next inside `core` with all of it in `legacy`, the newest with the
name in a `core` of its own. Numbers are ids that a browser may have rounded, so ids are read from texts only.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collectors.base import Engagement, Item, Media
from collectors.captures.fields import (
    NOT_PUBLIC,
    REPOST,
    at,
    country,
    first_count,
    first_text,
    identity,
    language,
    refuse_if,
    says_yes,
    words,
)
from collectors.reading import array, count, flag, mapping, moment, needed, needed_moment, text, total
from collectors.x_api.paging import moment_of

_MONTHS = {name: at for at, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_VOUCHED = frozenset({"business", "government"})
"""Kinds of the mark that X gives after looking at who it is; the others are bought."""
_MEDIUMS = {"photo": "image", "animated_gif": "image", "video": "video"}


def read(data: Mapping[str, Any], seen: datetime | None) -> Item:
    """One post. Raises UnreadableItemError for reposts and for what is withheld or not public."""
    promoted = [data.get("promoted"), "promotedMetadata" in data]
    post = mapping(data.get("tweet")) or data  # wrapped once more where X limits who may reply
    legacy = mapping(post.get("legacy"))
    shown = needed(first_text(legacy.get("id_str"), post.get("rest_id")), "id")
    refuse_if(not shown.isdecimal(), "id is not a number")
    refuse_if(bool(legacy.get("retweeted_status_result") or legacy.get("retweeted_status_id_str")), REPOST)
    author = _Author(post)
    refuse_if(author.protected, NOT_PUBLIC)
    refuse_if(bool(legacy.get("withheld_scope")) or legacy.get("withheld_copyright") is True, "withheld by X")
    native = _first_version(post) or shown
    written = needed_moment(_moment(legacy.get("created_at")) or moment_of(shown), "created_at")
    edited = native != shown
    note = mapping(at(post, "note_tweet", "note_tweet_results", "result"))
    entities = [mapping(note.get("entity_set")), mapping(legacy.get("entities"))]
    said = first_text(note.get("text"), legacy.get("full_text"), legacy.get("text"))
    return Item(
        id=native,
        url=f"https://x.com/i/status/{native}",
        text=words(_plain(said, entities)),
        published_at=(moment_of(native) or written) if edited else written,
        updated_at=written if edited else None,
        author=identity(author.id, legacy.get("user_id_str"), author.name),
        author_bio=html.unescape(author.bio) or None,
        followers=author.followers,
        verified=author.verified,
        language=language(legacy.get("lang")),
        country=country(at(legacy, "place", "country_code")),
        location=text(at(legacy, "place", "full_name")) or None,
        sponsored=says_yes(promoted),
        media=_media(legacy),
        categories=tuple(dict.fromkeys(tag for one in entities for tag in _tags(one))),
        engagement=Engagement(
            views=first_count(
                at(post, "views", "count"), at(post, "ext_views", "count"), at(legacy, "ext_views", "count")
            ),
            likes=count(legacy.get("favorite_count")),
            comments=count(legacy.get("reply_count")),
            shares=total(count(legacy.get("retweet_count")), count(legacy.get("quote_count"))),
        ),
    )


class _Author:
    """Who wrote a post, wherever this generation of the format says so."""

    def __init__(self, post: Mapping[str, Any]) -> None:
        held = mapping(at(post, "core", "user_results", "result"))
        flat = mapping(held.get("legacy")) or mapping(post.get("user"))
        self.id = identity(held.get("rest_id"), flat.get("id_str"))
        self.name = first_text(at(held, "core", "screen_name"), flat.get("screen_name"))
        self.bio = first_text(flat.get("description"), at(held, "profile_bio", "description"))
        self.followers = first_count(flat.get("followers_count"), at(held, "relationship_counts", "followers"))
        self.protected = at(held, "privacy", "protected") is True or flat.get("protected") is True
        self.verified = self._verified(held, flat)

    @staticmethod
    def _verified(held: Mapping[str, Any], flat: Mapping[str, Any]) -> bool | None:
        kind = first_text(at(held, "verification", "verified_type"), flat.get("verified_type")).lower()
        if kind:
            return kind in _VOUCHED
        stated = flag(at(held, "verification", "verified"))
        return flag(flat.get("verified")) if stated is None else stated


def _first_version(post: Mapping[str, Any]) -> str:
    """Id of an edited post's first version, by which it is known."""
    control = mapping(post.get("edit_control"))
    versions = array(at(control, "edit_control_initial", "edit_tweet_ids") or control.get("edit_tweet_ids"))
    return next((one for one in versions if isinstance(one, str) and one.isdecimal()), "")


def _moment(value: Any) -> datetime | None:
    """'Wed Oct 10 20:19:24 +0000 2018', read without the machine's language."""
    parts = text(value).split()
    if len(parts) != 6 or parts[1] not in _MONTHS:
        return None
    _, month, day, clock, zone, year = parts
    return moment(f"{year}-{_MONTHS[month]:02d}-{day.zfill(2)}T{clock}{zone}")


def _plain(said: str, entities: list[Mapping[str, Any]]) -> str:
    """Characters instead of entities, and addresses instead of X's short ones; those of its own media go."""
    for one in entities:
        for url in map(mapping, array(one.get("urls"))):
            short, long = text(url.get("url")), text(url.get("expanded_url"))
            if short and long:
                said = said.replace(short, long)
        for medium in map(mapping, array(one.get("media"))):
            if short := text(medium.get("url")):
                said = said.replace(short, "")
    return html.unescape(said).strip()


def _tags(entities: Mapping[str, Any]) -> list[str]:
    return [tag for tag in (text(mapping(one).get("text")) for one in array(entities.get("hashtags"))) if tag]


def _media(legacy: Mapping[str, Any]) -> tuple[Media, ...]:
    held = array(at(legacy, "extended_entities", "media") or at(legacy, "entities", "media"))
    found = []
    for one in map(mapping, held):
        length = count(at(one, "video_info", "duration_millis"))
        found.append(
            Media(
                url=text(one.get("media_url_https")),
                medium=_MEDIUMS.get(text(one.get("type")), ""),
                duration=length / 1000 if length else None,
            )
        )
    return tuple(found)
