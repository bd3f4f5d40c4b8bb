"""Shapes of answers, as OpenAPI documents them. Times are UTC in ISO 8601; None means 'not told', never 0."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class FieldErrorOut(Shape):
    field: str = Field(description="Where: a parameter, a header, or a key of the body (`options.max`).")
    message: str = Field(description="What is wrong and what would be right.")


class ProblemOut(Shape):
    """RFC 9457 problem details."""

    type: str = Field(description="Stable; a page under this address says more.", examples=["/problems/not-found"])
    title: str
    status: int
    detail: str = Field(description="What is wrong this time and what to do.")
    instance: str
    errors: list[FieldErrorOut] = []


class TrendPointOut(Shape):
    start: date = Field(description="First UTC day of the bucket.", examples=["2026-07-06"])
    value: float | None = Field(description="None where nothing was observed or nothing can be said; never 0 for that.")
    low: float | None = Field(description="Lower end of the interval.")
    high: float | None
    n: int = Field(description="What was counted, or how many posts the value rests on.")
    of: int = Field(description="What n is part of.")
    status: Literal["ok", "partial", "too_few", "not_observed"]
    sources_observed: int = Field(description="Sources behind the point that were observed in the bucket.")
    sources_expected: int


class TrendSeriesOut(Shape):
    key: str
    label: str
    points: list[TrendPointOut]


class TrendOut(Shape):
    metric: str
    label: str
    unit: str
    about: str = Field(description="What value, n and of are, in plain words.")
    by: str | None
    interval: Literal["day", "week", "month"]
    since: date = Field(description="Inclusive.")
    until: date = Field(description="Exclusive.")
    as_of: datetime = Field(description="Until when the sources behind it were observed.")
    level: float = Field(description="Of the intervals, usually 0.95.")
    filters: dict[str, list[str]]
    copies: Literal["count", "fold"]
    panel: dict[str, Any] = Field(description="Which sources count, and why others do not.")
    coverage: dict[str, Any]
    generated: bool = Field(description="True: demonstration data that says nothing about the world.")
    truncated: bool = Field(description="True: there are more series than shown.")
    notes: list[str] = Field(description="What a reader must know before quoting a number.")
    reproduce: str = Field(description="The command that gives the same answer.")
    series: list[TrendSeriesOut]


class EngagementOut(Shape):
    """None: the platform does not tell. 0: it says zero."""

    views: int | None
    likes: int | None
    comments: int | None
    shares: int | None


class PostOut(Shape):
    """A public post. No author, and no more than an excerpt of its text, e-mail addresses and phone numbers masked."""

    source: str
    id: str
    url: str | None
    title: str
    excerpt: str
    published_at: datetime
    date_guessed: bool = Field(description="True if the post had no usable date; then this is when it was first seen.")
    seen_at: datetime
    updated_at: datetime | None
    platform: str | None
    content_type: str
    subtype: str | None
    live: bool
    sponsored: bool
    audience: list[str]
    language: str | None
    country: str | None
    region: str
    topics: list[str]
    sentiment: float | None = Field(description="VADER compound, −1 to 1; None for languages that are not scored.")
    engagement: EngagementOut
    duration: float | None = Field(description="Seconds.")
    words: int
    guests: int | None
    reasons: dict[str, str] = Field(description="Dimension → why it is tagged so.")
    tagging_version: int = Field(description="Which version of the tagging rules said so.")
    repairs: list[str] = Field(description="What was wrong with the item and how it was mended.")


class PostsOut(Shape):
    posts: list[PostOut]
    next: str | None = Field(description="Give it back as `cursor` for the next page; None on the last.")


class SourceOut(Shape):
    id: str
    collector: str
    platform: str
    url: str
    name: str
    content_type: str | None
    audience: list[str]
    country: str | None
    language: str | None
    every: str | None = Field(description="Fixed polling interval such as 30m; None: adapts to the source's rhythm.")
    options: dict[str, Any]
    verified: bool = Field(description="This address has answered here with something readable at least once.")
    owner: Literal["config", "api"] = Field(description="config: a file declares it; here it can only be paused.")
    status: str = Field(description="ok, failing, waiting (never visited), paused, stopped or archive.")
    label: str = Field(description="The status in words, finer.")
    reason: str | None = Field(description="What is wrong, in plain words.")
    created_at: datetime
    next_due: datetime | None
    last_try: datetime | None
    last_success: datetime | None
    last_new: datetime | None
    failing_since: datetime | None
    error_code: str | None


class SourcesOut(Shape):
    sources: list[SourceOut]
    total: int = Field(description="How many match, on all pages.")
    counts: dict[str, int] = Field(description="Status → how many of all tracked sources.")
    next: str | None


class SourceFields(BaseModel):
    """What may be said of a source, in the words of config/sources.yaml. Null counts as left out."""

    model_config = ConfigDict(extra="forbid")

    platform: str | None = Field(None, description="A row of /platforms; left out, the address decides.")
    name: str | None = Field(None, max_length=200)
    content_type: Literal["video", "podcast", "news", "other"] | None = None
    audience: list[Literal["physicians", "nurses", "public_health", "other"]] | None = None
    country: str | None = Field(None, examples=["CH"], pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2.")
    language: str | None = Field(None, examples=["en"], pattern="^[a-z]{2}$", description="ISO 639-1.")
    every: str | None = Field(None, examples=["30m"], description="From 1m to 30d: 90s, 30m, 2h, 1d, 1w.")
    options: dict[str, Any] | None = None
    verified: bool | None = None


class SourceIn(SourceFields):
    """A new source."""

    id: str | None = Field(
        None, description="Stable short name (a-z 0-9 . _ -, at most 80); left out, one is made from the address."
    )
    collector: str = Field(examples=["feed"])
    url: str = Field(examples=["https://www.who.int/rss-feeds/news-english.xml"])


class SourceChange(SourceFields):
    """Changes of a source; what is left out stays, null takes a value away."""

    collector: str = Field("feed", examples=["feed"])
    url: str = Field("", examples=["https://www.who.int/rss-feeds/news-english.xml"])
    paused: bool = Field(False, description="The only change that works on rows of config/ too.")


class PreviewOut(Shape):
    """What a source would bring; nothing was stored."""

    ok: bool
    source: dict[str, Any]
    posts: list[PostOut]
    format: str
    title: str
    rejected: int
    repairs: list[str]
    error: str | None
    code: str | None
    url: str | None = Field(description="Where the answer came from, after redirects.")
    millis: int


class VisitOut(Shape):
    source: str
    started: datetime
    finished: datetime
    outcome: str = Field(description="new, nothing_new, unchanged, or the code of what went wrong.")
    ok: bool
    message: str | None
    bytes: int
    new: int
    changed: int
    rejected: int
    repairs: dict[str, int]
    next_due: datetime | None


class RunsOut(Shape):
    runs: list[VisitOut]


class IntervalOut(Shape):
    since: datetime
    until: datetime


class GapOut(IntervalOut):
    reason: str | None = Field(description="overflow, emptied, lost cursor or declared; null if none was recorded.")
    says: str = Field(description="The reason for people.")


class CoverageOut(Shape):
    source: str
    observed: list[IntervalOut] = Field(description="Disjoint, in order; since inclusive, until exclusive.")
    gaps: list[GapOut]


class CandidateOut(Shape):
    url: str
    title: str
    format: str
    items: int
    newest: datetime | None
    language: str | None
    found: str = Field(description="How it was found.")
    source: str | None = Field(description="The source that tracks this address already, if any.")


class CandidatesOut(Shape):
    candidates: list[CandidateOut]


class SkippedOut(Shape):
    what: str
    why: str


class OpmlReportOut(Shape):
    added: list[str] = Field(description="Ids of the new sources.")
    known: list[str] = Field(description="Addresses that were tracked already.")
    skipped: list[SkippedOut]


class RouteOut(Shape):
    collector: str
    observes: str
    evidence: str
    implemented: bool
    key: str | None
    quota: str | None
    duty: str | None
    state: Literal["works", "failing", "not_tried", "no_key", "no_source", "not_implemented"] = Field(
        description="How it stands here and now: works (a source answered at its last visit), failing, not_tried, "
        "no_key, no_source, not_implemented."
    )
    says: str = Field(description="Why, and what to do.")
    variable: str | None = Field(description="The environment variable that holds its key; null if it needs none.")
    sources: int
    working: int
    last_success: datetime | None


class PlatformOut(Shape):
    """One row of the access register."""

    id: str
    name: str
    kind: str
    access: str
    measurable: bool = Field(description="Some part of it can be observed with what is installed.")
    not_measurable: str = Field(description="What public posts of this platform can never show.")
    reviewed: date
    company: str | None
    player: bool
    hosts: list[str]
    routes: list[RouteOut]
    retention: str | None
    sources: int = Field(description="Tracked sources of this platform.")
    working: int = Field(description="How many of them answered at their last visit.")


class PlatformsOut(Shape):
    platforms: list[PlatformOut]


class TopicOut(Shape):
    id: str
    label: str
    description: str


class TopicsOut(Shape):
    topics: list[TopicOut]


class HealthOut(Shape):
    status: Literal["ok"]


class FindingOut(Shape):
    level: Literal["ok", "warning", "problem"]
    subject: str
    says: str
    remedy: str | None


class ReadyOut(Shape):
    ready: bool
    findings: list[FindingOut]
