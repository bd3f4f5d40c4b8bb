"""What a bot is told of the channels that it was added to (Bot API updates) as posts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from collectors.base import Item, Media
from collectors.reading import array, count, epoch_moment, mapping, needed, needed_moment, text
from collectors.telegram_routes.address import SITE
from collectors.telegram_routes.preview import native_id

KINDS = ("channel_post", "edited_channel_post")
_MEDIA = {
    "photo": "image",
    "video": "video",
    "animation": "video",
    "video_note": "video",
    "voice": "audio",
    "audio": "audio",
    "document": "document",
}


def read_update(update: Mapping[str, Any]) -> Item | None:
    """One update. None: not the post of a public channel, passed on from elsewhere, a note of the service, or a
    further picture of an album."""
    message = next((mapping(update[kind]) for kind in KINDS if kind in update), None)
    if message is None:
        return None
    chat = mapping(message.get("chat"))
    name = text(chat.get("username"))
    # A channel without a public name is private, even where a bot may read it
    if chat.get("type") != "channel" or not name or "forward_origin" in message or "forward_date" in message:
        return None
    number = int(needed(message.get("message_id"), "message_id"))
    words = text(message.get("text")) or text(message.get("caption"))
    poll = text(mapping(message.get("poll")).get("question"))
    published = needed_moment(epoch_moment(message.get("date")), "date")
    address = f"{SITE}/{name}/{number}"
    media = _media(message, address)
    if not (words or poll) and (not media or "media_group_id" in message):
        return None
    return Item(
        id=native_id(name, number),
        url=address,
        text=words or poll,
        published_at=published,
        updated_at=epoch_moment(message.get("edit_date")),
        author=name.lower(),
        media=media,
        categories=_hashtags(message, words),
    )


def told_at(update: Any) -> datetime | None:
    """When an update came about: the edit, or the post."""
    message = next((mapping(mapping(update).get(kind)) for kind in KINDS if kind in mapping(update)), {})
    return epoch_moment(message.get("edit_date")) or epoch_moment(message.get("date"))


def _media(message: Mapping[str, Any], address: str) -> tuple[Media, ...]:
    """Files of the Bot API have addresses that hold the bot's token, so the post's address stands for them."""
    found = []
    for kind, medium in _MEDIA.items():
        if kind not in message or (kind == "document" and "animation" in message):
            continue
        file = mapping(message[kind])
        length = count(file.get("duration"))
        found.append(Media(address, text(file.get("mime_type")), medium, None if length is None else float(length)))
    return tuple(found)


def _hashtags(message: Mapping[str, Any], words: str) -> tuple[str, ...]:
    """Positions are counted in UTF-16 code units."""
    units = words.encode("utf-16-le")
    tags = []
    for entity in map(mapping, array(message.get("entities")) or array(message.get("caption_entities"))):
        start, length = count(entity.get("offset")), count(entity.get("length"))
        if entity.get("type") == "hashtag" and start is not None and length:
            tag = units[2 * start : 2 * (start + length)].decode("utf-16-le", "replace")
            tags.append(tag.removeprefix("#").partition("@")[0])
    return tuple(dict.fromkeys(filter(None, tags)))
