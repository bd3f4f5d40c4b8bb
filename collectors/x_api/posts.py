"""From what X answers to items. Pure. Both of X's vocabularies are read."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collectors.base import Engagement, Facts, Item, Media
from collectors.reading import (
    UnreadableItemError,
    array,
    count,
    flag,
    mapping,
    moment,
    needed,
    needed_moment,
    text,
    total,
)
from collectors.x_api.paging import moment_of

GONE = ("resource-not-found", "not-authorized-for-resource")
"""How X says that a post was deleted, or that its author was, is suspended or has become private."""
_FORMER = {"iw": "he", "in": "id", "ji": "yi"}
"""Language codes that X still writes the old way."""
_VOUCHED = frozenset({"business", "government"})
"""Kinds of the mark that X gives after looking at who it is; 'blue' is bought."""


@dataclass(frozen=True, slots=True)
class Includes:
    """What came beside the posts, by its key."""

    users: Mapping[str, Mapping[str, Any]]
    media: Mapping[str, Mapping[str, Any]]
    places: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Includes:
        held = mapping(document.get("includes"))
        return cls(_by(held.get("users"), "id"), _by(held.get("media"), "media_key"), _by(held.get("places"), "id"))


def _by(entries: Any, key: str) -> dict[str, Mapping[str, Any]]:
    return {text(mapping(one).get(key)): mapping(one) for one in array(entries)}


def read_post(entry: Mapping[str, Any], includes: Includes, *, again: bool) -> Item | None:
    """One post; None for what is not collected: reposts, withheld posts, posts of protected accounts.

    `again`: it was looked up by its id. Then a withheld post comes as deleted, and one that has been edited is None,
    because its newest version is looked up as well.
    """
    shown = needed(entry.get("id"), "id")
    versions = _versions(entry, shown)
    if again and versions[-1] != shown:
        return None
    if entry.get("withheld"):
        return Item(versions[0], deleted=True) if again else None
    references = array(entry.get("referenced_tweets") or entry.get("referenced_posts"))
    if any(mapping(one).get("type") in ("retweeted", "reposted") for one in references):
        return None
    author = includes.users.get(text(entry.get("author_id")), {})
    if author.get("protected") is True or author.get("withheld"):
        return None
    written = needed_moment(moment(entry.get("created_at")), "created_at")
    edited = versions[0] != shown
    note = mapping(entry.get("note_tweet") or entry.get("note_post"))
    words = text(note.get("text")) or entry.get("text")
    if not isinstance(words, str):
        raise UnreadableItemError("no text")
    entities = [mapping(one.get("entities")) for one in (note, entry)]
    place = includes.places.get(text(mapping(entry.get("geo")).get("place_id")), {})
    followers = count(mapping(author.get("public_metrics")).get("followers_count"))
    return Item(
        id=versions[0],
        url=f"https://x.com/i/status/{versions[0]}",
        text=_plain(words, [url for one in entities for url in array(one.get("urls"))]),
        published_at=(moment_of(versions[0]) or written) if edited else written,
        updated_at=written if edited else None,
        author=text(entry.get("author_id")) or None,
        author_bio=html.unescape(text(author.get("description"))) or None,
        followers=followers,
        verified=_verified(author),
        language=_language(text(entry.get("lang"))),
        country=_country(text(place.get("country_code"))),
        location=text(place.get("full_name")) or _point(mapping(entry.get("geo"))),
        sponsored=flag(entry.get("paid_partnership")),
        media=_media(entry, includes),
        categories=tuple(dict.fromkeys(tag for one in entities for tag in _tags(one))),
        engagement=_engagement(mapping(entry.get("public_metrics"))),
    )


def newest_versions(entries: list[Any]) -> list[str]:
    """Ids of the newest versions of those posts that have been edited since."""
    found = []
    for entry in map(mapping, entries):
        shown = text(entry.get("id"))
        if shown and (newest := _versions(entry, shown)[-1]) != shown:
            found.append(newest)
    return found


def gone(document: Mapping[str, Any]) -> set[str]:
    """Ids of posts that X says are no longer to be seen."""
    found = set()
    for error in map(mapping, array(document.get("errors"))):
        if text(error.get("type")).rpartition("/")[2] in GONE and error.get("resource_type") in ("tweet", "post", None):
            found.add(text(error.get("resource_id")) or text(error.get("value")))
    return found - {""}


def count_errors(document: Mapping[str, Any]) -> Facts:
    """X leaves things out of a good answer and says so beside it; how many, as a note for the report."""
    errors = [mapping(one) for one in array(document.get("errors"))]
    kinds = Counter(text(one.get("type")).rpartition("/")[2] or "unknown" for one in errors)
    return Facts(
        repairs=tuple(f"X left out something that belongs to a post: {kind}, {n} times" for kind, n in kinds.items())
    )


def _versions(entry: Mapping[str, Any], shown: str) -> list[str]:
    """Ids of a post from its first version to its newest."""
    held = entry.get("edit_history_tweet_ids") or entry.get("edit_history_post_ids")
    return [one for one in array(held) if isinstance(one, str) and one.isdecimal()] or [shown]


def _plain(words: str, urls: list[Any]) -> str:
    """Characters instead of entities, and addresses instead of X's short ones; those of its own media go."""
    for url in map(mapping, urls):
        short, long = text(url.get("url")), text(url.get("expanded_url"))
        if short and long:
            words = words.replace(short, "" if "media_key" in url else long)
    return html.unescape(words).strip()


def _verified(author: Mapping[str, Any]) -> bool | None:
    if author.get("is_identity_verified") is True:
        return True
    kind = author.get("verified_type")
    return kind in _VOUCHED if isinstance(kind, str) else flag(author.get("verified"))


def _language(lang: str) -> str | None:
    """'en', 'zh-TW', 'hi-Latn' → two letters; None for 'und', 'zxx', 'art', 'qme' and whatever has none."""
    main = lang.lower().partition("-")[0]
    return _FORMER.get(main, main) if len(main) == 2 and main.isascii() and main.isalpha() else None


def _country(code: str) -> str | None:
    return code.upper() if len(code) == 2 and code.isascii() and code.isalpha() else None


def _point(geo: Mapping[str, Any]) -> str | None:
    """X writes longitude first."""
    held = array(mapping(geo.get("coordinates")).get("coordinates"))
    if len(held) != 2 or not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in held):
        return None
    return f"{held[1]},{held[0]}"


def _tags(entities: Mapping[str, Any]) -> list[str]:
    return [tag for tag in (text(mapping(one).get("tag")) for one in array(entities.get("hashtags"))) if tag]


def _engagement(metrics: Mapping[str, Any]) -> Engagement:
    reposts = count(metrics.get("retweet_count"))
    if reposts is None:
        reposts = count(metrics.get("repost_count"))
    return Engagement(
        views=count(metrics.get("impression_count")),
        likes=count(metrics.get("like_count")),
        comments=count(metrics.get("reply_count")),
        shares=total(reposts, count(metrics.get("quote_count"))),
    )


_MEDIUMS = {"photo": "image", "animated_gif": "image", "video": "video"}


def _media(entry: Mapping[str, Any], includes: Includes) -> tuple[Media, ...]:
    found = []
    for key in array(mapping(entry.get("attachments")).get("media_keys")):
        one = includes.media.get(key, {}) if isinstance(key, str) else {}
        variants = [mapping(variant) for variant in array(one.get("variants"))]
        films = [v for v in variants if v.get("content_type") == "video/mp4" and text(v.get("url"))]
        best = max(films, key=lambda film: count(film.get("bit_rate")) or 0, default={})
        url = text(best.get("url")) or text(one.get("url")) or text(one.get("preview_image_url"))
        if not url.startswith("https://"):
            continue
        length = count(one.get("duration_ms"))
        found.append(
            Media(
                url=url,
                type="video/mp4" if best else "",
                medium=_MEDIUMS.get(text(one.get("type")), ""),
                duration=length / 1000 if length is not None else None,
            )
        )
    return tuple(found)
