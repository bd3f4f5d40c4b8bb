"""From an answer of videos.list to items. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from collectors.base import Engagement, Item, LiveState, Media, Page, Parsed, Source
from collectors.reading import (
    array,
    count,
    flag,
    load_object,
    mapping,
    moment,
    needed,
    needed_moment,
    parsed,
    text,
    unknown_shape,
)

KIND = "youtube#videoListResponse"
TEXT_LIMIT = 20_000
"""Characters of a description; YouTube itself allows about 5,000."""
_DURATION = re.compile(r"P(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,7})S)?)?")
_SECONDS = (604_800, 86_400, 3_600, 60, 1)
_HASHTAG = re.compile(r"(?<![\w&/#])#([^\W_][\w·]{1,99})")
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_][a-z0-9-]+)?", re.IGNORECASE)
_RENAMED = {"iw": "he", "in": "id", "ji": "yi"}
"""Codes that YouTube still uses although ISO 639-1 has replaced them."""
_NOT_SHOWN = frozenset({"private", "unlisted"})
_NOT_THERE = frozenset({"deleted", "failed", "rejected"})
_ANNOUNCED: dict[str, LiveState] = {"upcoming": "pending", "live": "live", "completed": "ended"}


def read_videos(source: Source, page: Page) -> Parsed:
    """The videos of a page. Those that were asked for by id and are missing, or no longer public, are `deleted`.

    `page.context` may hold `asked` (ids whose absence tells something), `authors` (channel id → `followers`, `bio`)
    and `sponsored` (true: all of these came from a search for paid promotion only).

    Raises Drifted.
    """
    if page.body is None:
        return Parsed(())
    answer = load_object(source, page)
    entries = answer.get("items")
    if answer.get("kind") != KIND or not isinstance(entries, list):
        raise unknown_shape(source, f"{KIND} was expected, {str(answer.get('kind'))[:60]!r} came")
    authors = mapping(page.context.get("authors"))
    asked = dict.fromkeys(page.context.get("asked", ()))
    sponsored = True if page.context.get("sponsored") else None

    def read(video: Mapping[str, Any]) -> Item | None:
        if not is_public(video):
            name = video.get("id")
            return Item(id=name, deleted=True) if isinstance(name, str) and name in asked else None
        return _read(video, authors, sponsored)

    found = parsed(entries, read)
    # One that came in an unknown shape is there, so it is not gone.
    there = {entry.get("id") for entry in entries if isinstance(entry, Mapping)}
    gone = tuple(Item(id=name, deleted=True) for name in asked if name not in there)
    return Parsed((*found.items, *gone), rejected=found.rejected)


def is_public(video: Mapping[str, Any]) -> bool:
    """False only where YouTube says otherwise."""
    status = mapping(video.get("status"))
    return status.get("privacyStatus") not in _NOT_SHOWN and status.get("uploadStatus") not in _NOT_THERE


def live_state(video: Mapping[str, Any]) -> LiveState | None:
    """None for a video that never was a broadcast. A premiere counts as one."""
    told = text(mapping(video.get("snippet")).get("liveBroadcastContent"))
    times = mapping(video.get("liveStreamingDetails"))
    if told in _ANNOUNCED:
        return _ANNOUNCED[told]
    if times.get("actualEndTime"):
        return "ended"
    # Announced, but never begun, and no longer announced: neither pending nor ended.
    return "live" if times.get("actualStartTime") else None


def duration(value: Any) -> float | None:
    """ISO 8601 → seconds. None for zero, which YouTube writes ('P0D') while a broadcast has no length yet."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    return float(sum(int(part or 0) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True))) or None


def _read(video: Mapping[str, Any], authors: Mapping[str, Any], sponsored: bool | None) -> Item:
    name = needed(video.get("id"), "id")
    snippet = mapping(video.get("snippet"))
    published = needed_moment(moment(snippet.get("publishedAt")), "publishedAt")
    title = " ".join(needed(snippet.get("title"), "title").split())
    # Titles and descriptions are plain text here (search.list escapes them, videos.list does not).
    body = text(snippet.get("description")).strip()[:TEXT_LIMIT]
    channel = text(snippet.get("channelId"))
    author = mapping(authors.get(channel))
    counts = mapping(video.get("statistics"))
    paid = flag(mapping(video.get("paidProductPlacementDetails")).get("hasPaidProductPlacement"))
    url = f"https://www.youtube.com/watch?v={name}"
    return Item(
        id=name,
        url=url,
        title=title,
        text=body,
        published_at=published,
        author=channel or None,
        author_bio=text(author.get("bio")) or None,
        followers=count(author.get("followers")),
        # The words of the post are in the first of these, what is spoken in the second.
        language=_language(snippet.get("defaultLanguage")) or _language(snippet.get("defaultAudioLanguage")),
        location=_place(mapping(video.get("recordingDetails"))),
        content_type="video",
        live=live_state(video),
        sponsored=sponsored if paid is None else paid,
        media=(Media(url, medium="video", duration=duration(mapping(video.get("contentDetails")).get("duration"))),),
        categories=_categories(array(snippet.get("tags")), title, body),
        engagement=Engagement(
            views=count(counts.get("viewCount")),
            likes=count(counts.get("likeCount")),
            comments=count(counts.get("commentCount")),
        ),
    )


def _language(value: Any) -> str | None:
    match = _LANGUAGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None  # also 'und', 'zxx' and the three-letter codes, which ISO 639-1 does not have
    code = match[1].lower()
    return _RENAMED.get(code, code)


def _place(recording: Mapping[str, Any]) -> str | None:
    where = mapping(recording.get("location"))
    latitude, longitude = where.get("latitude"), where.get("longitude")
    if isinstance(latitude, (int, float)) and isinstance(longitude, (int, float)) and (latitude or longitude):
        return f"{latitude},{longitude}"
    return text(recording.get("locationDescription")).strip() or None


def _categories(tags: list[Any], title: str, body: str) -> tuple[str, ...]:
    """The uploader's tags, then the hashtags of title and description; one spelling each."""
    words = [tag.strip().lstrip("#").strip() for tag in tags if isinstance(tag, str)]
    words += _HASHTAG.findall(title) + _HASHTAG.findall(body)
    seen: dict[str, str] = {}
    for word in words:
        if word:
            seen.setdefault(word.casefold(), word)
    return tuple(seen.values())
