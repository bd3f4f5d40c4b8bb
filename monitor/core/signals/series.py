"""The nouns of signals: a watched series, an alarm of one run, and the signal that outlives it. Pure, frozen.

Periods are UTC days, or weeks that start on Monday; a period is named by the number of its first day (days since
1970-01-01). Shares and exposures are 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

Size = Literal["day", "week"]
Direction = Literal["up", "down"]
State = Literal["open", "ended"]

LENGTH: Mapping[Size, int] = {"day": 1, "week": 7}
"""Days in a period."""
ENOUGH_EXPOSURE = 0.5
"""A period that was observed for less than this is a gap; above it, counts are compared with what that part of the
period should have brought."""


@dataclass(frozen=True, slots=True)
class WatchSeries:
    """Counts of one key in consecutive periods, oldest first.

    **Which sources to count.** Give the counts of a fixed set: sources observed both in the baseline and now (a
    matched panel). If sources joined or left within the series, a change of the list of sources looks like a change
    of the world, and no detector here can tell the two apart. Where the set can't be fixed, let `exposure` carry it:
    source-days observed in the period over source-days of the whole set. That is right only if sources are alike in
    volume, which they seldom are.

    `counts` and `of` of a period with exposure 0 are never read, so a gap is not a zero.
    """

    key: str
    """What is counted, such as topic=telehealth. Part of the identity of a signal."""
    size: Size
    starts: Ints
    """(T,) first day of each period, one period apart."""
    counts: Ints
    """(T,) posts with the key."""
    of: Ints
    """(T,) all posts of the same sources, for shares. The same as `counts` for the series of all posts."""
    exposure: Floats
    """(T,) part of the sources' time in the period that was observed; 0 is a gap."""

    def __post_init__(self) -> None:
        """Raises ValueError, naming the series and what is wrong with it."""
        length = len(self.starts)
        if not all(np.shape(values) == (length,) for values in (self.starts, self.counts, self.of, self.exposure)):
            raise ValueError(f"{self.key}: starts, counts, of and exposure must be equally long, one number a period")
        if self.size not in LENGTH:
            raise ValueError(f"{self.key}: size is {self.size!r}; it must be 'day' or 'week'")
        if length > 1 and (np.diff(self.starts) != LENGTH[self.size]).any():
            raise ValueError(
                f"{self.key}: periods must follow each other, {LENGTH[self.size]} day(s) apart; fill gaps "
                "with exposure 0"
            )
        if not ((self.exposure >= 0) & (self.exposure <= 1)).all():  # refuses NaN too
            raise ValueError(f"{self.key}: exposure must lie between 0 and 1 in every period")
        seen = self.exposure > 0
        if ((self.counts < 0) | (self.counts > self.of))[seen].any():
            raise ValueError(f"{self.key}: counts must lie between 0 and `of` in every observed period")

    @property
    def seen(self) -> Mask:
        """Periods observed well enough to be compared."""
        seen: Mask = self.exposure >= ENOUGH_EXPOSURE
        return seen

    def part(self, low: int, high: int) -> WatchSeries:
        """The periods from index `low` up to, not including, `high`."""
        cut = slice(low, high)
        return replace(
            self, starts=self.starts[cut], counts=self.counts[cut], of=self.of[cut], exposure=self.exposure[cut]
        )

    @property
    def has_share(self) -> bool:
        """There is something else to compare with: not every post has the key."""
        return bool((self.counts != self.of)[self.seen].any())


@dataclass(frozen=True, slots=True)
class Alarm:
    """A series that left its baseline, as one run saw it. Covers the periods from `start` to `end`."""

    key: str
    size: Size
    direction: Direction
    start: int
    """First day of the first period of the change."""
    end: int
    """First day of the last period that is still out of line."""
    observed: int
    """Posts in the observed periods from start to end."""
    expected: float
    """Posts that the baseline leads to expect in the same periods, as far as they were observed."""
    low: float
    high: float
    """95 % prediction interval of `observed`."""
    p: float
    """Smallest p of the episode, before any correction; compare with settings["alpha"]."""
    detectors: tuple[str, ...]
    """All that fired in the episode, those that decide first. See `NAMES`."""
    settings: Mapping[str, float | int | str] = field(default_factory=dict)
    """What a reader needs to compute it again: budget, thresholds, windows, share observed and expected …"""

    @property
    def ratio(self) -> float | None:
        """Observed over expected; None if next to nothing was expected."""
        return self.observed / self.expected if self.expected >= 0.05 else None

    @property
    def name(self) -> str:
        """What makes two alarms the same change: key, size of period and direction."""
        return f"{self.size}:{self.direction}:{self.key}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the posts of an alarm came from; found by whoever can look into the posts."""

    n_sources: int
    """Independent sources with posts in it."""
    top_source_share: float
    """Part of the posts that came from one source."""
    copies_only: bool
    """Without copies of the same text the change would be gone."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A sudden change that people follow: opened by an alarm, updated by later ones, ended when they stop."""

    id: str
    """Stable: follows from key, size, direction and the day it began. Safe in an address."""
    key: str
    size: Size
    direction: Direction
    state: State
    since: int
    """First day of the change, as far back as any of its alarms put it."""
    last: int
    """First day of the last period in which it was out of line."""
    observed: int
    expected: float
    low: float
    high: float
    """As of the latest alarm, from `figures_since` to its end: where the change stands out most."""
    figures_since: int
    peak: float | None
    """Observed over expected of the alarm farthest from its baseline; None if next to nothing was expected."""
    p: float
    """Smallest so far."""
    detectors: tuple[str, ...]
    settings: Mapping[str, float | int | str]
    opened_at: datetime
    """Aware UTC, as the following two."""
    updated_at: datetime
    ended_at: datetime | None = None
    n_sources: int | None = None
    """None: nobody looked."""
    top_source_share: float | None = None
    copies_only: bool | None = None
    acknowledged_at: datetime | None = None
    acknowledged_why: str = ""
    muted_until: datetime | None = None
    """Until then nobody is told. It is followed all the same."""
    muted_why: str = ""

    @property
    def name(self) -> str:
        """As `Alarm.name`."""
        return f"{self.size}:{self.direction}:{self.key}"

    @property
    def ratio(self) -> float | None:
        return self.observed / self.expected if self.expected >= 0.05 else None
