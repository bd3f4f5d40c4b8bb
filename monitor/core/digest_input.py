"""All that a digest is composed from: gathered once, frozen. Pure values; `monitor.digest_facts` fills them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.core.digest_periods import Period

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

SPLITS = ("content_type", "audience", "platform", "region", "topic")
"""Dimensions whose shares a digest looks at."""


@dataclass(frozen=True, slots=True)
class Series:
    """Sums of one set of posts per source and period; both of shape (sources, periods)."""

    dimension: str
    """One of SPLITS; empty for all posts of the scope."""
    key: str
    label: str
    posts: Ints
    sentiment_n: Ints
    """Posts with a score."""
    sentiment_sum: Ints
    """Sum of compound scores, times 10 000."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The sources in scope, period by period. Column 0 is the reported period, the others the earlier ones, latest
    first."""

    sources: tuple[str, ...]
    comparable: Mask
    """(sources, periods): observed throughout, and collected and tagged as in the reported period."""
    everything: Series
    parts: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """A source that was not observed throughout the period, though it should have been."""

    source: str
    name: str
    observed: float
    """Part of the time it was expected for, 0 to 1."""
    why: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What was observed of the reported period."""

    sources: int
    """In scope."""
    expected: int
    observed: int
    """Of the expected: observed at any time in the period."""
    complete: int
    """Of the expected: observed throughout (95 %)."""
    share: float | None
    """Observed part of the time that sources were expected for; None if none was."""
    cutoff: datetime | None
    """Until when any source in scope was observed; None if never."""
    missing: tuple[Missing, ...] = ()
    """Worst first."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was recorded about a source or a claim since the last issue."""

    at: datetime
    kind: str
    """As in the store's events."""
    subject: str
    """Id of the source or claim."""
    name: str
    """For people."""
    says: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A source that needs attention now."""

    source: str
    name: str
    label: str
    """Blocked by the site, Failing, Stopped …"""
    reason: str
    since: datetime | None
    fresh: bool
    """It began after the last issue."""


@dataclass(frozen=True, slots=True)
class Recount:
    """A number of the previous issue, counted again now."""

    id: str
    label: str
    unit: str
    period: Period
    told: float | None
    now: float | None
    told_n: int
    now_n: int


@dataclass(frozen=True, slots=True)
class Facts:
    now: datetime
    period: Period
    earlier: tuple[Period, ...]
    since_last: datetime
    """What happened after this has not been told yet: when the previous issue was composed, or the period's start."""
    scope: Mapping[str, tuple[str, ...]]
    observation: Observation
    sample: Sample
    charts: Mapping[str, Mapping[str, Any]]
    """Answers of /api/v1/trends over the recent past: 'volume', and the share of posts by each dimension."""
    claims: tuple[Mapping[str, Any], ...] = ()
    """Documents of the ledger."""
    verdict_counts: Mapping[str, int] = field(default_factory=dict)
    happenings: tuple[Happening, ...] = ()
    """Oldest first."""
    signals: tuple[Mapping[str, Any], ...] = ()
    posts: tuple[Mapping[str, Any], ...] = ()
    """As `mask.shown_post` gives them, those with the most interactions first; `title` is None where the platform's
    terms do not let it be sent."""
    source_names: Mapping[str, str] = field(default_factory=dict)
    platform_names: Mapping[str, str] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    """Worst first."""
    tracked: Mapping[str, int] = field(default_factory=dict)
    """Status → how many sources in scope."""
    recounts: tuple[Recount, ...] = ()
    previous: str | None = None
    """Title of the previous issue's period, if it can be compared with."""
    tagging_since: date | None = None
    """Posts published before were tagged by other rules; None: all alike."""
    generated: bool = False
    """The posts are made up."""
    data_version: int = 0
