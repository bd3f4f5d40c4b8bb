"""The nouns of the core: frozen values that travel between stages. No I/O, no clock, no database.

Times are aware UTC. `day` is the UTC calendar day of `published_at`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from collectors.base import Cursor, Engagement, Rejected, Source

CONTENT_TYPES = ("video", "podcast", "news", "other")
AUDIENCES = ("physicians", "nurses", "public_health", "other")
REGIONS = ("north_america", "europe", "asia_pacific", "latin_america", "middle_east_africa", "unknown")
UNKNOWN = "unknown"
"""How an absent country, language or region is written in keys of metrics; in values it is None."""

Status = Literal["ok", "partial", "too_few", "not_observed"]


@dataclass(frozen=True, slots=True)
class Annotation:
    """What tagging says of one item, each tag with its reason."""

    version: int
    content_type: str
    subtype: str | None
    """forum, infographic, … for `other`; short for video; None otherwise."""
    live: bool
    sponsored: bool
    audience: tuple[str, ...]
    """Sorted, never empty: ('other',) where nothing speaks for a profession."""
    language: str | None
    country: str | None
    topics: tuple[str, ...]
    """Sorted."""
    sentiment: float | None
    """VADER compound, −1 … 1; None where the language is not supported."""
    duplicate_keys: tuple[int, ...]
    """Signed 64-bit hashes. Two posts that share any of them are copies of one text; empty: too short to say."""
    reasons: Mapping[str, str]
    """dimension → why, in plain words."""


@dataclass(frozen=True, slots=True)
class Post:
    """One stored post. Identity is (source, id)."""

    source: str
    id: str
    url: str | None
    title: str
    text: str
    author: str | None
    """Keyed hash, hex."""
    published_at: datetime
    date_guessed: bool
    """True if `published_at` is the time of first sight because the item had no usable date."""
    seen_at: datetime
    updated_at: datetime | None
    duration: float | None
    """Seconds of its longest medium."""
    words: int
    guests: int | None
    engagement: Engagement
    annotation: Annotation
    evidence: Mapping[str, Any]
    """What re-tagging needs beside title, text and url (media kinds, declared tags …); JSON, nothing personal."""
    hash: int
    """Signed 64-bit hash of what a reader would see: title, text, url. Tells an edit from a repeat."""
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """Observed from `since` (inclusive) to `until` (exclusive)."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a source's newest posts, as far as one visit needs it to decide."""

    hashes: Mapping[str, int]
    """native id → Post.hash"""
    engagement: Mapping[str, Engagement]
    """native id → latest counts"""
    anchors: tuple[str, ...]
    """The newest known native ids by publication, newest first (at most 5)."""
    observed_until: datetime | None
    """End of the last coverage interval; None: never observed."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What one page adds to a source's coverage: [since, until), joined to what touches or overlaps it."""

    since: datetime
    until: datetime
    gap: str | None = None
    """Why the time between the last coverage and `since` is lost, if it is: 'overflow', 'emptied', 'lost cursor', 'cut off', 'budget'."""


@dataclass(frozen=True, slots=True)
class Write:
    """All that one page changes; committed in one transaction or not at all."""

    source: str
    at: datetime
    posts: tuple[Post, ...] = ()
    """New or edited: upserted by (source, id)."""
    engagement: Mapping[str, Engagement] = field(default_factory=dict)
    """native id → new counts of known posts whose text did not change."""
    deleted: tuple[str, ...] = ()
    deleted_prefixes: tuple[str, ...] = ()
    """All posts of this source whose native id begins so are deleted."""
    confirmed: tuple[str, ...] = ()
    """Native ids that the platform was asked about: those that are still stored were there at `at`."""
    set_aside: tuple[Rejected, ...] = ()
    """Items that could not be read, kept for a later try."""
    observed: Observed | None = None
    cursor: Cursor | None = None
    """None leaves the stored cursor as it is."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """Where a tracked source stands. Times are aware UTC."""

    declared: bool
    """True: config/ owns the row."""
    created_at: datetime
    paused: bool = False
    stopped: str | None = None
    """Why it is not polled any more until a person resumes it ('410 Gone', 'removed from config')."""
    next_due: datetime | None = None
    last_try: datetime | None = None
    last_success: datetime | None = None
    last_new: datetime | None = None
    """When a visit last brought a new post."""
    failing_since: datetime | None = None
    failures: float = 0.0
    """Weighted consecutive failures; 0 after a success."""
    error_code: str | None = None
    error: str | None = None
    spacing: float | None = None
    """Typical seconds between posts, smoothed."""
    cursor: Cursor = field(default_factory=dict)
    verified: bool = False
    """This address has answered here with something readable at least once."""


@dataclass(frozen=True, slots=True)
class TrackedSource:
    source: Source
    state: SourceState


@dataclass(frozen=True, slots=True)
class Visit:
    """The record of one try to collect one source; also moves its state."""

    source: str
    started: datetime
    finished: datetime
    outcome: str
    """'new', 'nothing_new', 'unchanged' or the code of a CollectError."""
    message: str | None = None
    """In plain words; only for failures and repairs."""
    ok: bool = True
    bytes: int = 0
    new: int = 0
    changed: int = 0
    rejected: int = 0
    repairs: Mapping[str, int] = field(default_factory=dict)
    """what was mended → how often"""
    next_due: datetime | None = None
    failures: float = 0.0
    spacing: float | None = None
    stopped: str | None = None
    new_url: str | None = None
    """A permanent move that is believed: the source's address changes with this visit."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did, as source ids."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    """Declared before, absent now: not polled any more, posts stay."""
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """One bucket of one series. `value`, `low`, `high` are None unless there is something to say."""

    start: datetime
    value: float | None
    low: float | None
    high: float | None
    n: int
    of: int
    status: Status


@dataclass(frozen=True, slots=True)
class Series:
    key: str
    label: str
    points: tuple[Point, ...]
