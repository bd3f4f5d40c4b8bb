"""One parsed page, held against what is known: what is new, what changed, what only moved its counts.

Runs in a worker process, so everything that goes in and out pickles. Only new and edited items are annotated; a
repeat costs one hash.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from collectors.base import NO_ENGAGEMENT, Engagement, Facts, Item, Parsed, Rejected, Source
from monitor.core.annotate import Evidence, Taggers
from monitor.core.fingerprint import content_hash
from monitor.core.model import Known, Post

FUTURE = timedelta(days=1)
"""How far ahead a date may lie (time zones, clocks) before it counts as absurd."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one page holds, compared with what is stored."""

    posts: tuple[Post, ...]
    """New and edited ones, annotated."""
    engagement: Mapping[str, Engagement]
    """native id → counts, of known unedited posts whose counts moved."""
    deleted: tuple[str, ...]
    seen: tuple[tuple[str, datetime | None], ...]
    """(native id, published) of every item of the page, for the coverage."""
    facts: Facts = field(default_factory=Facts)
    rejected: int = 0
    rejected_why: str | None = None
    """The first reason, as a sample."""
    set_aside: tuple[Rejected, ...] = ()
    """Those of the rejected that are kept whole."""
    gone: tuple[str, ...] = ()
    """What native ids begin with whose posts are all gone."""
    new: int = 0
    repairs: Mapping[str, int] = field(default_factory=dict)


def read(
    parsed: Parsed, source: Source, known: Known, *, now: datetime, taggers: Taggers, author_key: bytes
) -> Reading:
    """Compare the items of a page with what is known and annotate what is new or edited."""
    posts: list[Post] = []
    moved: dict[str, Engagement] = {}
    deleted: list[str] = []
    seen: list[tuple[str, datetime | None]] = []
    repairs: Counter[str] = Counter(repair_kind(repair) for repair in parsed.facts.repairs)
    new = 0
    for item in parsed.items:
        if item.deleted:
            deleted.append(item.id)
            continue
        published = item.published_at if item.published_at and item.published_at <= now + FUTURE else None
        seen.append((item.id, published))
        stored = known.hashes.get(item.id)
        fingerprint = content_hash(item.title, item.text, item.url)
        if stored == fingerprint:
            if item.engagement != NO_ENGAGEMENT and item.engagement != known.engagement.get(item.id):
                moved[item.id] = item.engagement
            continue
        repairs.update(repair_kind(repair) for repair in item.repairs)
        new += stored is None
        posts.append(make_post(item, source, now=now, taggers=taggers, author_key=author_key, fingerprint=fingerprint))
    return Reading(
        posts=tuple(posts),
        engagement=moved,
        deleted=tuple(deleted),
        seen=tuple(seen),
        facts=parsed.facts,
        rejected=len(parsed.rejected),
        rejected_why=parsed.rejected[0].reason if parsed.rejected else None,
        set_aside=tuple(one for one in parsed.rejected if one.raw is not None),
        gone=parsed.gone,
        new=new,
        repairs=dict(repairs),
    )


def settle(reading: Reading, stored: Mapping[str, Post]) -> Reading:
    """The reading of a page some of whose items were unknown only because they are older than what was looked up.

    `stored` are those of them that the store has, by native id.
    """
    posts: list[Post] = []
    moved = dict(reading.engagement)
    for post in reading.posts:
        before = stored.get(post.id)
        if before is None or before.hash != post.hash:
            posts.append(post)
        elif post.engagement != NO_ENGAGEMENT and post.engagement != before.engagement:
            moved[post.id] = post.engagement
    return replace(reading, posts=tuple(posts), engagement=moved, new=reading.new - len(stored))


def make_post(
    item: Item, source: Source, *, now: datetime, taggers: Taggers, author_key: bytes, fingerprint: int | None = None
) -> Post:
    """Annotate one item and strip it of everything personal. `now` stands in for a missing or future date."""
    evidence = Evidence.of(item)
    dated = item.published_at is not None and item.published_at <= now + FUTURE
    durations = [medium.duration for medium in item.media if medium.duration]
    words = item.text.split()  # once for all who need it
    return Post(
        source=source.id,
        id=item.id,
        url=item.url,
        title=item.title,
        text=item.text,
        author=author_hash(item.author, source.platform, author_key) if item.author else None,
        published_at=item.published_at if dated and item.published_at else now,
        date_guessed=not dated,
        seen_at=now,
        updated_at=item.updated_at,
        duration=max(durations, default=None),
        words=len(words) if item.text else len(item.title.split()),
        guests=item.guests,
        engagement=item.engagement,
        annotation=taggers.annotate(evidence, source, words),
        evidence=evidence.to_json(),
        hash=content_hash(item.title, item.text, item.url) if fingerprint is None else fingerprint,
        repairs=item.repairs,
    )


def author_hash(author: str, platform: str, key: bytes) -> str:
    """Keyed BLAKE2b of platform and author, 128 bits in hex: the same author compares equal, nobody can be looked up."""
    return hashlib.blake2b(
        f"{platform}\0{author.strip().casefold()}".encode(errors="replace"), key=key[:64], digest_size=16
    ).hexdigest()


def repair_kind(repair: str) -> str:
    """The part of a repair note before its details ('date in the future: 2199-01-01' → 'date in the future')."""
    return repair.partition(":")[0][:80]
