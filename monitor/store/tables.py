"""The tables. Every other module of the store takes names, columns and types from here.

Times are stored as whole microseconds since 1970-01-01 UTC, because an integer is exact, small and the same on
both databases; outside they are aware datetimes. Tables whose rows belong to a source begin their key with its
`number`, the small integer that stands for a source id and is never used again for another one.
`migrations/` holds the same schema as a history; a test keeps the two equal.
"""

# No `from __future__ import annotations` here: SQLModel reads the annotations of a table when the class is made.
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson
from sqlalchemy import BigInteger, Dialect, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.types import Double, TypeDecorator
from sqlmodel import Column, Field, LargeBinary, SQLModel

from monitor.store.dialect import CLUSTERED, RowNumber

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = 86_400_000_000
"""Microseconds of a day."""


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime; exact. Raises TypeError for a naive one."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(value: int) -> datetime:
    """The aware UTC datetime of `to_micros`."""
    return EPOCH + timedelta(microseconds=value)


class UtcTime(TypeDecorator[datetime]):
    """Aware datetime outside, whole microseconds inside."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class JsonText(TypeDecorator[Any]):
    """JSON as text, written and read by orjson."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value, default=_plain).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return dict(value.items())
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


class MetaRow(SQLModel, table=True):
    """Small facts about this database."""

    __tablename__ = "meta"
    key: str = Field(primary_key=True, sa_type=Text)
    value: str = Field(sa_type=Text)


class ClockRow(SQLModel, table=True):
    """One row that every writer of cells, coverage or sources moves first, so that writers take turns.

    `version` therefore grows in the order of commits, on both databases: a reader that remembers the version it
    saw can ask for what changed since and miss nothing.
    """

    __tablename__ = "clock"
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    version: int = Field(sa_type=BigInteger)
    epoch: int = Field(sa_type=BigInteger)
    """Moves when cells are taken away instead of being counted down to zero: readers start again."""
    posts: int = Field(sa_type=BigInteger)
    """Number of stored posts."""
    last_source: int = Field(sa_type=BigInteger)
    """Highest source number ever given."""
    last_post: int = Field(sa_type=BigInteger)
    """Highest row number of a post ever given."""
    keyed: int = Field(sa_type=BigInteger)
    """Posts up to this row number are in `post_key`; see `recent`."""
    searchable: int = Field(sa_type=BigInteger)
    """Posts up to this row number are in the text index; only SQLite has them follow later."""


class SourceRow(SQLModel, table=True):
    """A tracked source: its configuration and where it stands."""

    __tablename__ = "source"
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = Field(sa_type=Text, unique=True)
    collector: str = Field(sa_type=Text)
    platform: str = Field(sa_type=Text)
    url: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    content_type: str | None = Field(default=None, sa_type=Text)
    audience: list[str] = Field(sa_type=JsonText)
    country: str | None = Field(default=None, sa_type=Text)
    language: str | None = Field(default=None, sa_type=Text)
    every: int | None = Field(default=None, sa_type=BigInteger)
    """Microseconds."""
    options: dict[str, Any] = Field(sa_type=JsonText)
    checked: bool
    """`Source.verified`: what the declaration says, not what we saw."""

    declared: bool
    removed: bool = False
    """Taken away by a person while its posts stay; hidden everywhere but in their numbers."""
    moved_from: str | None = Field(default=None, sa_type=Text)
    """The declared address that a permanent redirect replaced."""
    created_at: datetime = Field(sa_type=UtcTime)
    paused: bool = False
    stopped: str | None = Field(default=None, sa_type=Text)
    next_due: datetime | None = Field(default=None, sa_type=UtcTime)
    claimed_until: datetime | None = Field(default=None, sa_type=UtcTime)
    last_try: datetime | None = Field(default=None, sa_type=UtcTime)
    last_success: datetime | None = Field(default=None, sa_type=UtcTime)
    last_new: datetime | None = Field(default=None, sa_type=UtcTime)
    failing_since: datetime | None = Field(default=None, sa_type=UtcTime)
    failures: float = Field(default=0.0, sa_type=Double)
    error_code: str | None = Field(default=None, sa_type=Text)
    error: str | None = Field(default=None, sa_type=Text)
    spacing: float | None = Field(default=None, sa_type=Double)
    cursor: dict[str, Any] = Field(sa_type=JsonText)
    verified: bool = False


class VisitRow(SQLModel, table=True):
    """One try to collect a source. The newest 200 of each source are kept."""

    __tablename__ = "visit"
    __table_args__ = (Index("visit_source", "source", "id"), Index("visit_by_time", "finished", "outcome"))
    id: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    source: int = Field(sa_column=Column(ForeignKey("source.number", ondelete="CASCADE"), nullable=False))
    started: datetime = Field(sa_type=UtcTime)
    finished: datetime = Field(sa_type=UtcTime)
    outcome: str = Field(sa_type=Text)
    message: str | None = Field(default=None, sa_type=Text)
    ok: bool
    bytes: int = Field(sa_type=BigInteger)
    new: int
    changed: int
    rejected: int
    repairs: dict[str, int] = Field(sa_type=JsonText)
    next_due: datetime | None = Field(default=None, sa_type=UtcTime)
    failures: float = Field(sa_type=Double)
    spacing: float | None = Field(default=None, sa_type=Double)
    stopped: str | None = Field(default=None, sa_type=Text)
    new_url: str | None = Field(default=None, sa_type=Text)


class PostRow(SQLModel, table=True):
    """A stored post with its latest tags and counts. Narrow columns first: a scan of them reads the row's head only.

    The order of columns is the order of the fields of `rows.StoredPost`.
    """

    __tablename__ = "post"
    __table_args__ = (
        UniqueConstraint("source", "id", name="post_identity"),
        Index("post_by_source", "source", "published_at"),
        Index("post_by_date", "published_at", "forgotten"),
        Index("post_by_interactions", "interactions"),
    )
    row: int = Field(primary_key=True, sa_type=RowNumber, sa_column_kwargs={"autoincrement": False})
    source: int
    id: str = Field(sa_type=Text)
    published_at: datetime = Field(sa_type=UtcTime)
    date_guessed: bool
    seen_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime | None = Field(default=None, sa_type=UtcTime)
    forgotten: bool
    """Title, text and address were blanked by retention."""
    is_copy: bool
    hash: int = Field(sa_type=BigInteger)
    author: str | None = Field(default=None, sa_type=Text)
    version: int
    content_type: str = Field(sa_type=Text)
    subtype: str | None = Field(default=None, sa_type=Text)
    live: bool
    sponsored: bool
    audience: str = Field(sa_type=Text)
    language: str | None = Field(default=None, sa_type=Text)
    country: str | None = Field(default=None, sa_type=Text)
    topics: str = Field(sa_type=Text)
    sentiment: float | None = Field(default=None, sa_type=Double)
    words: int
    guests: int | None = None
    duration: float | None = Field(default=None, sa_type=Double)
    views: int | None = Field(default=None, sa_type=BigInteger)
    likes: int | None = Field(default=None, sa_type=BigInteger)
    comments: int | None = Field(default=None, sa_type=BigInteger)
    shares: int | None = Field(default=None, sa_type=BigInteger)
    interactions: int = Field(sa_type=BigInteger)
    """likes + comments + shares as far as known; −1 if none is known."""
    keys: bytes = Field(sa_type=LargeBinary)
    """Duplicate keys, eight little-endian bytes each."""
    url: str | None = Field(default=None, sa_type=Text)
    title: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    reasons: str = Field(sa_type=Text)
    evidence: str = Field(sa_type=Text)
    repairs: str = Field(sa_type=Text)


class PostKeyRow(SQLModel, table=True):
    """Duplicate keys of posts, ordered so that the earliest post of a key is found in one step.

    The newest posts follow later; see `recent`.
    """

    __tablename__ = "post_key"
    __table_args__: ClassVar[Any] = CLUSTERED
    key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    published_at: datetime = Field(primary_key=True, sa_type=UtcTime)
    post: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})


class EngagementRow(SQLModel, table=True):
    """Counts as they were told at a time; a row only when something changed."""

    __tablename__ = "engagement"
    __table_args__: ClassVar[Any] = CLUSTERED
    source: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    post: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(primary_key=True, sa_type=UtcTime)
    views: int | None = Field(default=None, sa_type=BigInteger)
    likes: int | None = Field(default=None, sa_type=BigInteger)
    comments: int | None = Field(default=None, sa_type=BigInteger)
    shares: int | None = Field(default=None, sa_type=BigInteger)


class CoverageRow(SQLModel, table=True):
    """Disjoint times a source was observed for."""

    __tablename__ = "coverage"
    __table_args__: ClassVar[Any] = CLUSTERED
    source: int = Field(
        sa_column=Column(
            ForeignKey("source.number", ondelete="CASCADE"), primary_key=True, autoincrement=False, nullable=False
        )
    )
    since: datetime = Field(primary_key=True, sa_type=UtcTime)
    until: datetime = Field(sa_type=UtcTime)
    gap: str | None = Field(default=None, sa_type=Text)
    """Why the time before `since` was not observed; NULL if nobody said."""


class ComboRow(SQLModel, table=True):
    """One combination of a cell's dimensions, interned. Rows are never changed or deleted."""

    __tablename__ = "combo"
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    key: str = Field(sa_type=Text, unique=True)
    """All dimensions in one text; what makes the combination unique."""
    content_type: str = Field(sa_type=Text)
    audience: str = Field(sa_type=Text)
    country: str | None = Field(default=None, sa_type=Text)
    language: str | None = Field(default=None, sa_type=Text)
    topics: str = Field(sa_type=Text)
    live: bool
    sponsored: bool
    is_copy: bool


class CellRow(SQLModel, table=True):
    """Measures of all posts of one source, day and combination; whole numbers, so that differences are exact.

    The order of the measures is the order of `measures.MEASURES`. A cell that has become empty stays, with zeros.
    """

    __tablename__ = "cell"
    __table_args__ = (
        UniqueConstraint("source", "day", "combo", name="cell_identity"),
        Index("cell_by_version", "version"),
    )
    id: int = Field(primary_key=True, sa_type=RowNumber, sa_column_kwargs={"autoincrement": False})
    source: int
    day: int
    """Days since 1970-01-01, UTC."""
    combo: int
    version: int = Field(sa_type=BigInteger)
    posts: int = Field(sa_type=BigInteger)
    sentiment_n: int = Field(sa_type=BigInteger)
    sentiment_sum: int = Field(sa_type=BigInteger)
    sentiment_sq: int = Field(sa_type=BigInteger)
    positive: int = Field(sa_type=BigInteger)
    negative: int = Field(sa_type=BigInteger)
    engagement_n: int = Field(sa_type=BigInteger)
    engagement_log_sum: int = Field(sa_type=BigInteger)
    engagement_log_sq: int = Field(sa_type=BigInteger)
    views_n: int = Field(sa_type=BigInteger)
    views_sum: int = Field(sa_type=BigInteger)
    interactions_sum: int = Field(sa_type=BigInteger)
    viewed_n: int = Field(sa_type=BigInteger)
    viewed_interactions_sum: int = Field(sa_type=BigInteger)
    viewed_views_sum: int = Field(sa_type=BigInteger)
    words_sum: int = Field(sa_type=BigInteger)
    words_sq: int = Field(sa_type=BigInteger)
    duration_n: int = Field(sa_type=BigInteger)
    duration_sum: int = Field(sa_type=BigInteger)
    guests_n: int = Field(sa_type=BigInteger)
    guests_sum: int = Field(sa_type=BigInteger)


class EventRow(SQLModel, table=True):
    """Something that happened to sources, tagging or verdicts. Rows are only added.

    `source` is an id, not a number, and no reference: what happened to a source is known longer than the source.
    """

    __tablename__ = "event"
    __table_args__ = (Index("event_by_kind", "kind", "id"),)
    id: int = Field(primary_key=True, sa_type=RowNumber, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcTime)
    kind: str = Field(sa_type=Text)
    source: str | None = Field(default=None, sa_type=Text)
    subject: str = Field(sa_type=Text)
    says: str = Field(sa_type=Text)
    detail: dict[str, Any] = Field(sa_type=JsonText)


class VerdictRow(SQLModel, table=True):
    """One step in the history of a claim: what was said of it from `since`, last computed `at`."""

    __tablename__ = "verdict"
    claim: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """1, 2, … for each claim; some are missing where history was thinned."""
    since: datetime = Field(sa_type=UtcTime)
    at: datetime = Field(sa_type=UtcTime)
    cutoff: int
    """Days since 1970-01-01, UTC."""
    fingerprint: str = Field(sa_type=Text)
    verdict: str = Field(sa_type=Text)
    document: dict[str, Any] = Field(sa_type=JsonText)


class ApiKeyRow(SQLModel, table=True):
    """An API key, by its hash only."""

    __tablename__ = "api_key"
    id: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    name: str = Field(sa_type=Text)
    scope: str = Field(sa_type=Text)
    hash: str = Field(sa_type=Text, unique=True)
    created_at: datetime = Field(sa_type=UtcTime)
    last_used: datetime | None = Field(default=None, sa_type=UtcTime)
    revoked: bool = False
