"""How much of each bucket each source was observed for, and what follows for a point: ok, partial or not observed.

Coverage says of every source which stretches of time were observed. A gap is never a zero: a bucket that nobody
watched has no value, and a bucket that some source missed is marked, so that an outage or a new source cannot look
like a trend. Pure: coverage and the present moment are passed in. All times are aware UTC.

The rules, for a source and a bucket (its days, cut to the window asked for):

* It is *expected* once its coverage has begun. A source that is no longer collected (retired, paused, stopped, or an
  archive read once) is expected until its coverage ends; one that should be collected stays expected.
* It is *complete* there if at least 95 % of the bucket was observed, its coverage does not begin inside the bucket
  and, if it is no longer collected, does not end inside it either.
* A bucket is observed if any source of the scope was observed in any part of it, and partial if any expected source
  is not complete, if it is not over yet, or if the window cuts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from monitor.core.buckets import SECONDS_PER_DAY, Buckets, day_number
from monitor.core.model import Interval

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

MISSING_TOLERATED = 20
"""A source may miss less than 1/20 of a bucket and still count as observed throughout."""

_NEVER = np.iinfo(np.int64).max


class Exclusion(IntEnum):
    """Why a source is not in a fixed panel."""

    NONE = 0
    NEVER_OBSERVED = 1
    STARTED_LATER = 2
    ENDED_EARLIER = 3
    GAPS = 4


@dataclass(frozen=True, slots=True)
class Watch:
    """Observation of every source in every bucket; arrays of shape (sources, buckets)."""

    seconds: Ints
    """Observed seconds."""
    expected: Mask
    complete: Mask


@dataclass(frozen=True, slots=True)
class Scope:
    """Observation of a set of sources; arrays of shape (buckets,)."""

    observed: Ints
    """Sources observed in any part of the bucket."""
    expected: Ints
    partial: Mask
    """Some expected source is not complete, or the bucket is not over or was cut."""


class Coverage:
    """Coverage of all sources at one moment, indexed as the sources are given.

    `collected` says which sources are still being collected. Intervals of a source are disjoint; order is free. What
    an archive declares beyond `now` has not been observed yet and is left out.
    """

    def __init__(self, coverage: Sequence[Sequence[Interval]], collected: Sequence[bool], now: datetime) -> None:
        self.collected = np.array(collected, np.bool_)
        self._steps = [_cumulative(intervals, now.timestamp()) for intervals in coverage]
        self.starts = np.array([int(edges[0]) if len(edges) else _NEVER for edges, _ in self._steps], np.int64)
        self.ends = np.array([int(edges[-1]) if len(edges) else -_NEVER for edges, _ in self._steps], np.int64)

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def ever(self) -> Mask:
        """Sources that were observed at any time."""
        known: Mask = self.starts != _NEVER
        return known

    def seconds(self, edges: Ints) -> Ints:
        """Observed seconds between consecutive edges (seconds since 1970, ascending): (sources, edges − 1)."""
        observed = np.zeros((len(self), len(edges) - 1), np.int64)
        for at, (times, covered) in enumerate(self._steps):
            if len(times) and times[-1] > edges[0] and times[0] < edges[-1]:
                observed[at] = np.diff(np.interp(edges, times, covered)).round()
        return observed

    def watch(self, buckets: Buckets) -> Watch:
        """Observation in the buckets. A bucket that is not over counts as if it were: see `unfinished`."""
        lows, highs = buckets.lows * SECONDS_PER_DAY, buckets.highs * SECONDS_PER_DAY
        seconds = self.seconds(np.append(lows, highs[-1:]))
        starts, ends = self.starts[:, None], self.ends[:, None]
        over = ~self.collected[:, None]
        expected = (starts < highs) & ~(over & (ends <= lows))
        whole = (highs - lows - seconds) * MISSING_TOLERATED < highs - lows
        begins = (starts > lows) & (starts < highs)
        finishes = over & (ends > lows) & (ends < highs)
        return Watch(seconds, expected, whole & ~begins & ~finishes)

    def until(self, mask: Mask) -> int | None:
        """End of the latest coverage of these sources, in seconds since 1970; None if none was ever observed."""
        ends = self.ends[mask]
        return int(ends.max()) if len(ends) and ends.max() != -_NEVER else None

    def observed_share(self, mask: Mask, since: int, until: int) -> float | None:
        """Observed part of the time that these sources were expected for between two moments (seconds since 1970).

        None if none of them was expected.
        """
        starts = np.clip(self.starts[mask], since, until)
        ends = np.where(self.collected[mask], until, np.clip(self.ends[mask], since, until))
        expected = int(np.maximum(ends - starts, 0).sum())
        if not expected or until <= since:
            return None
        return float(self.seconds(np.array([since, until], np.int64))[mask].sum() / expected)


def scope(watch: Watch, mask: Mask, unfinished: Mask) -> Scope:
    """Observation of the sources in the mask taken together; `unfinished` marks buckets that are partial anyway."""
    expected = watch.expected[mask]
    return Scope(
        observed=(watch.seconds[mask] > 0).sum(axis=0),
        expected=expected.sum(axis=0),
        partial=unfinished | (expected & ~watch.complete[mask]).any(axis=0),
    )


def unfinished(buckets: Buckets, now: datetime) -> Mask:
    """Buckets that the window cuts or that are not over at `now`."""
    return buckets.clipped | (buckets.highs > day_number(now))


def panel(coverage: Coverage, watch: Watch, buckets: Buckets, mask: Mask, now: datetime) -> NDArray[np.int8]:
    """Which sources of the mask belong to the fixed panel: an `Exclusion` for each source, NONE for members.

    A member was observed for at least 95 % of every bucket of the window that is over (a cut one counts by the part
    that lies in the window). If no bucket is over yet, a member was observed in any part of the window. Sources
    outside the mask get NONE too: they are not in question.
    """
    over = buckets.highs <= day_number(now)
    if over.any():
        length = (buckets.highs - buckets.lows) * SECONDS_PER_DAY
        whole = ((length - watch.seconds) * MISSING_TOLERATED < length)[:, over]
        first = whole[:, 0]
        member = np.logical_and.reduce(whole, axis=1)
        low, high = buckets.lows[over][0] * SECONDS_PER_DAY, buckets.highs[over][-1] * SECONDS_PER_DAY
    else:
        member = first = watch.seconds.max(axis=1) > 0
        low, high = buckets.lows[0] * SECONDS_PER_DAY, buckets.highs[-1] * SECONDS_PER_DAY
    reasons = np.select(
        [
            member | ~mask,
            coverage.starts == _NEVER,
            (coverage.starts > low) & ~first,
            ~coverage.collected & (coverage.ends < high),
        ],
        [Exclusion.NONE, Exclusion.NEVER_OBSERVED, Exclusion.STARTED_LATER, Exclusion.ENDED_EARLIER],
        default=Exclusion.GAPS,
    )
    return reasons.astype(np.int8)


def _cumulative(intervals: Sequence[Interval], now: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Edges of the intervals up to now, in order, and the seconds covered up to each."""
    pairs = sorted((interval.since.timestamp(), min(interval.until.timestamp(), now)) for interval in intervals)
    edges = np.array([edge for pair in pairs if pair[0] < pair[1] for edge in pair], np.float64)
    lengths = np.diff(edges, prepend=edges[:1])
    lengths[::2] = 0
    return edges, np.cumsum(lengths)
