"""Calendar buckets of days, weeks and months in UTC. Pure arithmetic on day numbers.

A *day number* counts UTC calendar days since 1970-01-01, which is day 0 (a Thursday). Weeks start on Monday.
Buckets are half-open: each runs from its own start to the start of the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from monitor.core.moments import midnight

Size = Literal["day", "week", "month"]
SIZES: tuple[Size, ...] = get_args(Size)

SECONDS_PER_DAY = 86_400
_EPOCH = date(1970, 1, 1)
_EPOCH_ORDINAL = _EPOCH.toordinal()


def day_number(moment: date | datetime) -> int:
    """The UTC day a date or an aware datetime lies in. A naive datetime is refused: its day is not known."""
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError("a datetime without a time zone has no UTC day; give it a zone first")
        moment = moment.astimezone(UTC).date()
    return moment.toordinal() - _EPOCH_ORDINAL


def day_date(day: int) -> date:
    """The calendar date of a day number."""
    return date.fromordinal(day + _EPOCH_ORDINAL)


def day_start(day: int) -> datetime:
    """Midnight UTC at which a day begins."""
    return midnight(day_date(day))


def floor_day(day: int, size: Size) -> int:
    """First day of the bucket that holds `day`."""
    if size == "day":
        return day
    if size == "week":
        return day - (day + 3) % 7
    return day_number(day_date(day).replace(day=1))


def next_start(start: int, size: Size) -> int:
    """First day of the bucket after the one that starts on `start`."""
    if size == "day":
        return start + 1
    if size == "week":
        return start + 7
    return day_number((day_date(start) + timedelta(days=31)).replace(day=1))


def step_back(start: int, size: Size, count: int) -> int:
    """First day of the bucket that lies `count` buckets before the one starting on `start`."""
    if size == "day":
        return start - count
    if size == "week":
        return start - 7 * count
    first = day_date(start)
    months = first.year * 12 + first.month - 1 - count
    return day_number(date(months // 12, months % 12 + 1, 1))


def count_buckets(since: int, until: int, size: Size) -> int:
    """How many buckets the days [since, until) touch; cheap for any span."""
    if until <= since:
        return 0
    first, last = floor_day(since, size), floor_day(until - 1, size)
    if size == "month":
        a, b = day_date(first), day_date(last)
        return (b.year - a.year) * 12 + b.month - a.month + 1
    return (last - first) // (7 if size == "week" else 1) + 1


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets that the days [since, until) touch.

    `starts` are calendar starts, what a reader sees. `lows` and `highs` are the days that really count: the same,
    cut to [since, until) in the first and the last bucket. `clipped` says where that cut took something away.
    """

    size: Size
    since: int
    until: int
    starts: NDArray[np.int64]
    lows: NDArray[np.int64]
    highs: NDArray[np.int64]
    clipped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.starts)

    def dates(self) -> list[str]:
        """ISO date of each start."""
        return [day_date(int(start)).isoformat() for start in self.starts]

    def index_of_days(self) -> NDArray[np.int32]:
        """Bucket index of each day from `since` to `until` − 1."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.highs - self.lows)


def make_buckets(since: int, until: int, size: Size) -> Buckets:
    """Buckets touched by the days [since, until); none if that is empty."""
    starts = np.empty(count_buckets(since, until, size) + 1, np.int64)
    start = floor_day(since, size)
    for at in range(len(starts)):
        starts[at] = start
        start = next_start(start, size)
    calendar_lows, calendar_highs = starts[:-1], starts[1:]
    lows, highs = np.maximum(calendar_lows, since), np.minimum(calendar_highs, until)
    return Buckets(
        size=size,
        since=since,
        until=until,
        starts=calendar_lows,
        lows=lows,
        highs=highs,
        clipped=(lows > calendar_lows) | (highs < calendar_highs),
    )
