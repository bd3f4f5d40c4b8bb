"""A post as the table holds it, and the way there and back. Pure."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

import orjson

from collectors.base import NO_ENGAGEMENT, Engagement
from monitor.core.model import Annotation, Post
from monitor.store.tables import PostRow, from_micros, to_micros

LARGEST_COUNT = 10**12
"""Counts beyond this are not believed; they are kept at it, so that sums of cells stay within 64 bits."""
LONGEST = 10**9
"""Seconds, and words of one post."""


class StoredPost(NamedTuple):
    """One row of the table `post`; the fields are its columns, in order. Times are microseconds since 1970 UTC."""

    row: int
    source: int
    id: str
    published_at: int
    date_guessed: bool
    seen_at: int
    updated_at: int | None
    forgotten: bool
    is_copy: bool
    hash: int
    author: str | None
    version: int
    content_type: str
    subtype: str | None
    live: bool
    sponsored: bool
    audience: str
    language: str | None
    country: str | None
    topics: str
    sentiment: float | None
    words: int
    guests: int | None
    duration: float | None
    views: int | None
    likes: int | None
    comments: int | None
    shares: int | None
    interactions: int
    keys: bytes
    url: str | None
    title: str
    text: str
    reasons: str
    evidence: str
    repairs: str


COLUMNS = tuple(column.name for column in PostRow.__table__.columns)  # type: ignore[attr-defined]  # SQLModel adds it
if StoredPost._fields != COLUMNS:
    raise RuntimeError("StoredPost and the table `post` must have the same columns in the same order")

COLUMN_LIST = ", ".join(f'p."{name}"' for name in COLUMNS)
"""For `SELECT` over `post AS p`; the result fits `StoredPost._make`."""


def to_stored(post: Post, row: int, source: int) -> StoredPost:
    """The row of a post, not yet known to be a copy.

    Text that no database takes (NUL, lone surrogates) is cleaned, counts are kept within 0 … 10^12.
    """
    tags, told = post.annotation, post.engagement
    views, likes, comments, shares, interactions = to_counts(told)
    return StoredPost(
        row,
        source,
        clean(post.id),
        to_micros(post.published_at),
        post.date_guessed,
        to_micros(post.seen_at),
        None if post.updated_at is None else to_micros(post.updated_at),
        False,
        False,
        post.hash,
        post.author,
        tags.version,
        tags.content_type,
        tags.subtype,
        tags.live,
        tags.sponsored,
        ",".join(tags.audience),
        tags.language,
        tags.country,
        ",".join(tags.topics),
        tags.sentiment,
        within(post.words, LONGEST),
        None if post.guests is None else within(post.guests, LONGEST),
        None if post.duration is None or not isfinite(post.duration) else min(max(float(post.duration), 0.0), LONGEST),
        views,
        likes,
        comments,
        shares,
        interactions,
        pack_keys(tags.duplicate_keys),
        None if post.url is None else clean(post.url),
        clean(post.title),
        clean(post.text),
        to_json(tags.reasons),
        to_json(post.evidence),
        to_json(post.repairs),
    )


def to_post(stored: StoredPost, source: str) -> Post:
    """The post of a row; `source` is the id that its source number stands for."""
    return Post(
        source=source,
        id=stored.id,
        url=stored.url,
        title=stored.title,
        text=stored.text,
        author=stored.author,
        published_at=from_micros(stored.published_at),
        date_guessed=bool(stored.date_guessed),
        seen_at=from_micros(stored.seen_at),
        updated_at=None if stored.updated_at is None else from_micros(stored.updated_at),
        duration=stored.duration,
        words=stored.words,
        guests=stored.guests,
        engagement=counts_of(stored),
        annotation=Annotation(
            version=stored.version,
            content_type=stored.content_type,
            subtype=stored.subtype,
            live=bool(stored.live),
            sponsored=bool(stored.sponsored),
            audience=split(stored.audience),
            language=stored.language,
            country=stored.country,
            topics=split(stored.topics),
            sentiment=stored.sentiment,
            duplicate_keys=unpack_keys(stored.keys),
            reasons=orjson.loads(stored.reasons),
        ),
        evidence=orjson.loads(stored.evidence),
        hash=stored.hash,
        repairs=tuple(orjson.loads(stored.repairs)),
    )


def counts_of(stored: StoredPost) -> Engagement:
    return engagement(stored.views, stored.likes, stored.comments, stored.shares)


def engagement(views: int | None, likes: int | None, comments: int | None, shares: int | None) -> Engagement:
    if views is None and likes is None and comments is None and shares is None:
        return NO_ENGAGEMENT
    return Engagement(views, likes, comments, shares)


def to_counts(told: Engagement) -> tuple[int | None, int | None, int | None, int | None, int]:
    """views, likes, comments, shares as stored, and their interactions (−1: none is known)."""
    if told is NO_ENGAGEMENT:
        return None, None, None, None, -1
    views, likes, comments, shares = (
        None if count is None else within(count, LARGEST_COUNT)
        for count in (told.views, told.likes, told.comments, told.shares)
    )
    known = likes is not None or comments is not None or shares is not None
    return views, likes, comments, shares, (likes or 0) + (comments or 0) + (shares or 0) if known else -1


def with_counts(stored: StoredPost, told: Engagement) -> StoredPost:
    views, likes, comments, shares, interactions = to_counts(told)
    return stored._replace(views=views, likes=likes, comments=comments, shares=shares, interactions=interactions)


def within(value: int, most: int) -> int:
    return 0 if value < 0 else most if value > most else int(value)


def split(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(",")) if joined else ()


def clean(text: str) -> str:
    """The text without what PostgreSQL or UTF-8 cannot hold; nearly always the very same object."""
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-8", "replace").decode()
    return text


def to_json(value: Mapping[str, Any] | tuple[str, ...]) -> str:
    if not value:
        return "[]" if isinstance(value, tuple) else "{}"
    return clean(orjson.dumps(value, default=dict).decode().replace("\\u0000", ""))


def pack_keys(keys: tuple[int, ...]) -> bytes:
    packed = array("q", keys)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack_keys(packed: bytes) -> tuple[int, ...]:
    keys = array("q")
    keys.frombytes(packed)
    if sys.byteorder == "big":
        keys.byteswap()
    return tuple(keys)
