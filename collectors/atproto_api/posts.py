"""From records and views of Bluesky to items. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collectors.atproto_api.events import POSTS
from collectors.atproto_api.keywords import primary
from collectors.base import NO_ENGAGEMENT, Engagement, Item, LiveState, Media
from collectors.reading import UnreadableItemError, array, count, mapping, moment, needed, text, total

_IMAGES = "https://cdn.bsky.app/img/feed_fullsize/plain"
_VIDEOS = "https://video.bsky.app/watch"
_HIDDEN = frozenset({"!no-unauthenticated", "!hide", "!takedown"})
_LIVE = "app.bsky.actor.status#live"


@dataclass(frozen=True, slots=True)
class Author:
    """What an account says of itself, besides what each of its posts tells."""

    bio: str | None = None
    followers: int | None = None
    verified: bool | None = None


NOBODY = Author()


def split_uri(uri: str) -> tuple[str, str]:
    """(DID, record key) of a post's at-uri. Raises UnreadableItemError."""
    scheme, _, rest = uri.partition("://")
    did, _, tail = rest.partition("/")
    collection, _, rkey = tail.partition("/")
    if scheme != "at" or not did.startswith("did:") or collection != POSTS or not rkey:
        raise UnreadableItemError("the uri is not that of a post")
    return did, rkey


def item_of_record(
    did: str,
    rkey: str,
    record: Any,
    seen: datetime | None,
    *,
    updated: bool = False,
    view: Mapping[str, Any] | None = None,
    author: Author = NOBODY,
) -> Item:
    """A post. `seen`: when the platform first saw it (or, if `updated`, saw the change); `view`: with its counts.

    The date is the earlier of what the author's program says and `seen`, as anyone may write any date into a record.
    Raises UnreadableItemError.
    """
    if not isinstance(record, Mapping):
        raise UnreadableItemError("no record")
    if not isinstance(record.get("text"), str):
        raise UnreadableItemError("text is not text")
    created = moment(record.get("createdAt"))
    repairs = () if created is not None else ("createdAt is not a date: the time it was seen is taken",)
    dates = [one for one in (created, seen) if one is not None]
    if not dates:
        raise UnreadableItemError("createdAt is not a date")
    embed = mapping(record.get("embed"))
    return Item(
        id=f"at://{did}/{POSTS}/{rkey}",
        url=f"https://bsky.app/profile/{did}/post/{rkey}",
        text=_text(record),
        published_at=min(dates),
        updated_at=seen if updated else None,
        author=did,
        author_bio=author.bio,
        followers=author.followers,
        verified=author.verified,
        language=_language(record),
        live=None if view is None else _live(mapping(view.get("author")), embed),
        media=tuple(_media(did, embed)),
        categories=tuple(dict.fromkeys(_tags(record))),
        engagement=NO_ENGAGEMENT if view is None else _engagement(view),
        repairs=repairs,
    )


def item_of_view(view: Mapping[str, Any], author: Author = NOBODY) -> Item | None:
    """A post as the AppView shows it; None if its author or the platform asks not to show it to everybody.

    Raises UnreadableItemError.
    """
    did, rkey = split_uri(needed(view.get("uri"), "uri"))
    who = mapping(view.get("author"))
    record = view.get("record")
    own = mapping(mapping(record).get("labels")).get("values")
    if hidden(who.get("labels")) or hidden(view.get("labels")) or hidden(own):
        return None
    if author.verified is None:
        author = Author(author.bio, author.followers, verified_of(who))
    return item_of_record(did, rkey, record, moment(view.get("indexedAt")), view=view, author=author)


def author_of(profile: Mapping[str, Any]) -> Author:
    """Of a detailed profile."""
    return Author(text(profile.get("description")) or None, count(profile.get("followersCount")), verified_of(profile))


def verified_of(profile: Mapping[str, Any]) -> bool | None:
    """Bluesky's own mark, given by it or by somebody whom it trusts to; None where it is not told."""
    state = profile.get("verification")
    if not isinstance(state, Mapping):
        return None
    return "valid" in (state.get("verifiedStatus"), state.get("trustedVerifierStatus"))


def hidden(labels: Any) -> bool:
    """True if a label asks programs that are not logged in, or everybody, not to show what it is on."""
    return any(
        isinstance(one, Mapping) and one.get("val") in _HIDDEN and one.get("neg") is not True for one in array(labels)
    )


def listed_at(entry: Any) -> datetime | None:
    """The time by which an author feed sorts an entry; None for a pinned post, which stands out of order."""
    reason = mapping(mapping(entry).get("reason"))
    if str(reason.get("$type")).endswith("#reasonPin"):
        return None
    if reason:
        return moment(reason.get("indexedAt"))
    view = mapping(mapping(entry).get("post"))
    dates = (moment(mapping(view.get("record")).get("createdAt")), moment(view.get("indexedAt")))
    return min((one for one in dates if one is not None), default=None)


def _engagement(view: Mapping[str, Any]) -> Engagement:
    return Engagement(
        likes=count(view.get("likeCount")),
        comments=count(view.get("replyCount")),
        shares=total(count(view.get("repostCount")), count(view.get("quoteCount"))),
    )


def _features(record: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """(feature, byte range) of the marks in a text."""
    for facet in array(record.get("facets")):
        for feature in array(mapping(facet).get("features")):
            yield mapping(feature), mapping(mapping(facet).get("index"))


def _tags(record: Mapping[str, Any]) -> Iterator[str]:
    marked = [feature.get("tag") for feature, _ in _features(record) if str(feature.get("$type")).endswith("#tag")]
    for tag in (*marked, *array(record.get("tags"))):
        name = text(tag).strip().lstrip("#")
        if name:
            yield name


def _text(record: Mapping[str, Any]) -> str:
    """The text, with links in full where the author's program has shortened them for show ('example.org/a…')."""
    raw: bytes = record["text"].encode("utf-8", "replace")
    links = []
    for feature, index in _features(record):
        start, end, uri = count(index.get("byteStart")), count(index.get("byteEnd")), text(feature.get("uri"))
        if start is None or end is None or not start < end <= len(raw) or not uri.startswith(("https://", "http://")):
            continue
        if raw[start:end].endswith((b"...", "…".encode())):
            links.append((start, end, uri.encode("utf-8", "replace")))
    last = len(raw)
    for start, end, uri_bytes in sorted(links, reverse=True):
        if end <= last:
            raw, last = raw[:start] + uri_bytes + raw[end:], start
    return raw.decode("utf-8", "replace").strip()


def _language(record: Mapping[str, Any]) -> str | None:
    """The one language the author's program declares; None if it declares none, or several."""
    declared = {primary(one) for one in array(record.get("langs"))}
    code = declared.pop() if len(declared) == 1 else ""
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def _media(did: str, embed: Mapping[str, Any]) -> Iterator[Media]:
    """Pictures and videos at the addresses where the platform serves them, and the page a link card leads to."""
    kind = embed.get("$type")
    if kind == "app.bsky.embed.recordWithMedia":
        yield from _media(did, mapping(embed.get("media")))
    elif kind in ("app.bsky.embed.images", "app.bsky.embed.gallery"):
        for image in (*array(embed.get("images")), *array(embed.get("items"))):
            cid, mime = _blob(mapping(image).get("image"))
            if cid:
                yield Media(f"{_IMAGES}/{did}/{cid}@jpeg", mime, "image")
    elif kind == "app.bsky.embed.video":
        cid, mime = _blob(embed.get("video"))
        moving = embed.get("presentation") == "gif"  # a moving picture without sound is no video to its viewers
        if cid:
            yield Media(f"{_VIDEOS}/{did}/{cid}/playlist.m3u8", "" if moving else mime, "image" if moving else "video")
    elif kind == "app.bsky.embed.external":
        uri = text(mapping(embed.get("external")).get("uri"))
        if uri.startswith(("https://", "http://")):
            yield Media(uri)


def _blob(value: Any) -> tuple[str, str]:
    """(CID, MIME type) of a blob, in its present or its old form; empty if it is none."""
    blob = mapping(value)
    return text(mapping(blob.get("ref")).get("$link")) or text(blob.get("cid")), text(blob.get("mimeType")).lower()


def _live(author: Mapping[str, Any], embed: Mapping[str, Any]) -> LiveState | None:
    """'live' while the author's status says so and this very post carries the link of the broadcast.

    The status belongs to the account; its other posts are not live because of it.
    """
    status = mapping(author.get("status"))
    if status.get("status") != _LIVE or status.get("isActive") is not True:
        return None
    there = mapping(mapping(status.get("embed")).get("external")).get("uri")
    return "live" if there and mapping(embed.get("external")).get("uri") == there else None
