"""Which weeks and which sources a test may rest on. Decided by coverage alone, never by what was counted.

A *week* is observed for a source if at least half of it was. A source belongs to the *panel* of a window if it was
observed in at least 80 % of its weeks. The window ends with the latest week whose 52-week panel is at least a quarter
of the largest there ever was and half of it still there, and is as long as the claim allows while the panel keeps half of its sources: longer
windows tell more than more sources do (see docs/statistics.md). Times are UTC weeks that start on Monday.

What must not be compared across is cut away first: weeks of a source before its address, collector or prior tags
changed, and every week before the tagging rules changed without the older posts being tagged again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from monitor.core.buckets import SECONDS_PER_DAY, Buckets, day_number, floor_day, make_buckets
from monitor.core.observed import Coverage

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

WEEK = 7
MEMBER_SHARE = 0.8
"""Part of the weeks of a window in which a source of its panel was observed."""
SHORTEST = 52
"""Weeks below which there is no verdict on a trend (docs/statistics.md)."""
LONGEST_LOOK = 1_040
"""Weeks before the latest that are looked at for a window: twenty years."""
FEWEST = 5
"""Sources below which there is no verdict on a trend."""


class Absence(IntEnum):
    """Why a source in scope is not in the panel."""

    NONE = 0
    NEVER_OBSERVED = 1
    NOT_IN_WINDOW = 2
    STARTED_LATER = 3
    ENDED_EARLIER = 4
    CHANGED = 5
    GAPS = 6


@dataclass(frozen=True, slots=True)
class Regimes:
    """Days before which counts cannot be compared with those after."""

    tagging: int | None = None
    """Day number since which all posts are tagged by the same rules; None: always."""
    sources: Mapping[str, int] | None = None
    """Source id → day number of the latest change of what or how it is collected."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Every complete week up to a day, and which sources were observed in it."""

    sources: tuple[str, ...]
    weeks: Buckets
    observed: Mask
    """(sources, weeks): observed, and comparable with the latest week."""
    seconds: Ints
    """(sources, weeks)"""
    cut: Mask
    """(sources,): some observed weeks were cut away because the source changed."""
    tagging: int | None
    """Day number before which everything was cut away because tagging changed."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of complete weeks [first, last) of `Watched.weeks`, and the panel in it."""

    first: int
    last: int
    members: Mask
    """(sources,)"""
    absences: NDArray[np.int8]
    """(sources,): an `Absence` for every source in scope, NONE for members and for sources out of scope."""

    def __len__(self) -> int:
        return self.last - self.first


def watch_weeks(coverage: Coverage, sources: Sequence[str], until: datetime, regimes: Regimes) -> Watched | None:
    """All complete weeks before `until` (aware UTC) since the first that any source was observed in.

    `coverage` is indexed as `sources`. None if there is no such week.
    """
    starts = coverage.starts[coverage.ends > coverage.starts]
    end = floor_day(day_number(until), "week")
    if not len(starts):
        return None
    begin = max(floor_day(int(starts.min()) // SECONDS_PER_DAY, "week"), end - LONGEST_LOOK * WEEK)
    last = min(end, floor_day(int(coverage.ends.max()) // SECONDS_PER_DAY, "week") + WEEK)
    if last <= begin:
        return None
    weeks = make_buckets(begin, last, "week")
    seconds = coverage.seconds(np.append(weeks.lows, weeks.highs[-1:]) * SECONDS_PER_DAY)
    observed: Mask = np.greater_equal(seconds * 2, WEEK * SECONDS_PER_DAY)
    since = np.full(len(sources), np.iinfo(np.int64).min)
    changes = regimes.sources or {}
    for at, source in enumerate(sources):
        since[at] = changes.get(source, since[at])
    old = np.less(weeks.lows[None, :], since[:, None])
    cut: Mask = (observed & old).any(axis=1)
    observed = observed & ~old
    tagging = regimes.tagging
    if tagging is not None and (observed & (weeks.lows < tagging)).any():
        observed = observed & np.greater_equal(weeks.lows, tagging)
    else:
        tagging = None
    return Watched(tuple(sources), weeks, observed, seconds, cut, tagging)


def choose_window(watched: Watched, scope: Mask, longest: int, *, shortest: int = SHORTEST) -> Window | None:
    """The window for a test on the sources in scope: at most `longest` weeks, if possible at least `shortest`.

    Where no stretch of `shortest` weeks has a panel of five sources, the latest observed weeks are returned, so that
    a reader can be told what there is. None if no source in scope was observed in any week.
    """
    observed = watched.observed & scope[:, None]
    width = observed.shape[1]
    anywhere = np.flatnonzero(observed.any(axis=0))
    if not len(anywhere):
        return None
    running = np.concatenate([np.zeros((len(scope), 1), np.int32), np.cumsum(observed, axis=1, dtype=np.int32)], axis=1)
    if width >= shortest:
        sizes, present = _panel_sizes(running, observed, shortest)  # by last week, counted from `shortest`
        enough = np.flatnonzero((sizes >= max(FEWEST, -(-int(sizes.max()) // 4))) & (present * 2 >= sizes))
        if len(enough):
            last = int(enough[-1]) + shortest
            at_least = max(FEWEST, -(-int(sizes[enough[-1]]) // 2))
            for length in range(min(longest, last), shortest - 1, -1):
                members = _members(running, last - length, last)
                size = int(members.sum())
                if size >= at_least and 2 * int(observed[members, last - length].sum()) >= size:
                    return _window(watched, observed, running, scope, last - length, last)
            return _window(watched, observed, running, scope, last - shortest, last)
    last = int(anywhere[-1]) + 1
    return _window(watched, observed, running, scope, max(int(anywhere[0]), last - longest), last)


def _panel_sizes(running: NDArray[np.int32], observed: Mask, length: int) -> tuple[Ints, Ints]:
    """Size of the panel of every stretch of `length` weeks, and how many of it were observed in its last week."""
    members = running[:, length:] - running[:, :-length] >= MEMBER_SHARE * length
    return members.sum(axis=0), (members & observed[:, length - 1 :]).sum(axis=0)


def _members(running: NDArray[np.int32], first: int, last: int) -> Mask:
    mask: Mask = running[:, last] - running[:, first] >= max(MEMBER_SHARE * (last - first), 1)
    return mask


def _window(watched: Watched, observed: Mask, running: NDArray[np.int32], scope: Mask, first: int, last: int) -> Window:
    members = _members(running, first, last)
    inside = observed[:, first:last]
    ever = watched.observed.any(axis=1) | watched.cut
    margin = max(round((last - first) * (1 - MEMBER_SHARE) / 2), 1)
    reasons = np.select(
        [
            members | ~scope,
            watched.cut,
            ~ever,
            ~inside.any(axis=1),
            ~inside[:, :margin].any(axis=1),
            ~inside[:, -margin:].any(axis=1),
        ],
        [
            Absence.NONE,
            Absence.CHANGED,
            Absence.NEVER_OBSERVED,
            Absence.NOT_IN_WINDOW,
            Absence.STARTED_LATER,
            Absence.ENDED_EARLIER,
        ],
        default=Absence.GAPS,
    )
    return Window(first, last, members, reasons.astype(np.int8))
