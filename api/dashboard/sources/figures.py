"""What the last weeks hold of each source: posts and observed seconds of every day, and how they are said and drawn.

One look at the cells and their coverage serves all sources; it is kept until the data or the day change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from api.dashboard.words import day, whole
from monitor.core.buckets import SECONDS_PER_DAY, day_date, day_number, make_buckets
from monitor.core.cells import Sum
from monitor.core.observed import MISSING_TOLERATED

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.core.cube import Cube
    from monitor.core.observed import Coverage
    from monitor.trends import Trends

DAYS = 90
LISTED = 30
"""Days of the bar in the list; the page of a source shows all."""
WEEKS = 8
ENOUGH_WEEKS = 4
"""Whole observed weeks without which there is no telling what is usual."""
CELL, HEIGHT, LEAST = 3, 20, 3
"""Width of a day, height of the bar, and the least that shows of a gap, in units of the drawing."""
GAPS_NAMED = 2


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one source, by day, oldest first; the present day, which is not over, is left out."""

    since: date
    posts: tuple[int, ...]
    seconds: tuple[int, ...]
    """Observed."""
    begins: int | None
    """Start of its coverage, seconds since 1970; None: never observed."""
    ends: int | None
    """End of its coverage, where it is not collected any more."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A drawing of days and what it says."""

    width: int
    on: str
    """Path of what was observed, from below."""
    off: str
    """Path of what is missing, from above."""
    says: str
    first: date
    last: date


def figures_of(services: Services) -> Mapping[str, Figures]:
    """source id → figures, of every source that ever had cells or coverage."""
    trends, now = services.trends, services.clock()
    version = trends.version()
    with _lock:
        kept = _kept.get(trends)
        if kept is not None and kept[0] == version:
            return kept[1]
    made = trends.look(lambda cube, coverage, _: _read(cube, coverage, now))
    with _lock:
        _kept[trends] = version, made
    return made


_lock = Lock()
_kept: WeakKeyDictionary[Trends, tuple[int, Mapping[str, Figures]]] = WeakKeyDictionary()


def _read(cube: Cube, coverage: Coverage, now: datetime) -> dict[str, Figures]:
    today = day_number(now)
    since = today - DAYS
    edges = np.arange(since, today + 1, dtype=np.int64) * SECONDS_PER_DAY
    seconds = coverage.seconds(edges)
    sums = cube.sums(make_buckets(since, today, "day"), {"posts": Sum("posts")}, by="source")
    posts = dict(zip(sums.keys, sums.terms["posts"], strict=True))
    none = np.zeros(DAYS, np.int64)
    made = {}
    for at, name in enumerate(cube.source_ids):
        begins, ends = int(coverage.starts[at]), int(coverage.ends[at])
        ever = ends >= begins
        made[name] = Figures(
            since=day_date(since),
            posts=tuple(int(one) for one in posts.get(name, none)),
            seconds=tuple(int(one) for one in seconds[at]),
            begins=begins if ever else None,
            ends=ends if ever and not coverage.collected[at] else None,
        )
    return made


def nothing(now: datetime) -> Figures:
    """Of a source that the cells do not know."""
    return Figures(now.date() - timedelta(days=DAYS), (0,) * DAYS, (0,) * DAYS, None, None)


@lru_cache(2048)  # asked again on every page until the data change
def week_of(figures: Figures) -> dict[str, Any]:
    """Posts of the last 7 whole days, beside the least and most of those of the 8 weeks before that were observed."""
    missing = _missing(figures)
    seen = sum(one == 0 for one in missing[-7:])
    count = sum(figures.posts[-7:])
    if not count and not any(figures.seconds[-7:]):
        return {"posts": None, "note": "not observed"}
    before = []
    for back in range(1, WEEKS + 1):
        span = slice(DAYS - 7 * (back + 1), DAYS - 7 * back)
        if all(one == 0 for one in missing[span]):
            before.append(sum(figures.posts[span]))
    if len(before) < ENOUGH_WEEKS:
        note = "too few weeks to compare"
    else:
        low, high = min(before), max(before)
        note = f"usual {whole(low)}" if low == high else f"usual {whole(low)} to {whole(high)}"
    if seen < 7:
        note = f"{seen} of 7 days whole; {note}"
    return {"posts": count, "note": note}


def _missing(figures: Figures) -> list[float | None]:
    """What part of each day was missed, 0 where it is too little to matter; None: nothing was to be observed."""
    start = _seconds(figures.since)
    found: list[float | None] = []
    for at, seconds in enumerate(figures.seconds):
        low = start + at * SECONDS_PER_DAY
        expected = _expected(figures, low, low + SECONDS_PER_DAY)
        short = max(expected - seconds, 0)
        if not expected and not seconds:
            found.append(None)
        else:
            found.append(0.0 if short * MISSING_TOLERATED < SECONDS_PER_DAY else short / SECONDS_PER_DAY)
    return found


@lru_cache(2048)
def bar_of(figures: Figures, days: int = LISTED) -> Bar:
    """The last `days` as a drawing. What lies before the first observation, or after the last of a source that is not
    collected any more, is neither observed nor missing."""
    first = figures.since + timedelta(days=DAYS - days)
    missing = _missing(figures)[-days:]
    return Bar(
        width=days * CELL,
        on=_path([None if one is None else 1 - one for one in missing], above=False),
        off=_path([one or None for one in missing], above=True),
        says=_says(missing, first, figures),
        first=first,
        last=first + timedelta(days=days - 1),
    )


def _expected(figures: Figures, low: int, high: int) -> int:
    """Seconds of a day that this source was to be observed in."""
    if figures.begins is None:
        return 0
    until = high if figures.ends is None else min(high, figures.ends)
    return max(until - max(low, figures.begins), 0)


def _path(heights: Sequence[float | None], *, above: bool) -> str:
    """Neighbouring days of one height are one shape."""
    shapes, at = [], 0
    rounded = [None if one is None else round(one * HEIGHT) for one in heights]
    while at < len(rounded):
        end = at
        while end < len(rounded) and rounded[end] == rounded[at]:
            end += 1
        height = rounded[at]
        if height is not None and (height or above):
            height = max(height, LEAST) if above else height
            low, high = (0, height) if above else (HEIGHT - height, HEIGHT)
            shapes.append(f"M{at * CELL} {low}H{end * CELL}V{high}H{at * CELL}Z")
        at = end
    return "".join(shapes)


def _says(missing: Sequence[float | None], first: date, figures: Figures) -> str:
    """29 of 30 days collected; gap 4 July."""
    expected = [at for at, one in enumerate(missing) if one is not None]
    if not expected:
        if figures.begins is None:
            return "nothing observed yet"
        if figures.ends is not None and figures.ends <= _seconds(first):
            return f"nothing since {day(_date(figures.ends))}"
        return "first observed today"
    complete = sum(missing[at] == 0 for at in expected)
    parts = [f"{complete} of {len(expected)} days collected"]
    if expected[0] > 0:
        parts[0] += f" since {_day(first + timedelta(days=expected[0]))}"
    if expected[-1] < len(missing) - 1:
        parts[0] += f", until {_day(first + timedelta(days=expected[-1]))}"
    runs: list[tuple[int, int]] = []
    for at in expected:
        if missing[at]:
            if runs and runs[-1][1] == at - 1:
                runs[-1] = runs[-1][0], at
            else:
                runs.append((at, at))
    named = [_run(first, low, high, last=len(missing) - 1) for low, high in runs[-GAPS_NAMED:]]
    if len(runs) > GAPS_NAMED:
        named.insert(0, f"{len(runs) - GAPS_NAMED} earlier {'gap' if len(runs) == GAPS_NAMED + 1 else 'gaps'}")
    return "; ".join([*parts, *named])


def _run(first: date, low: int, high: int, *, last: int) -> str:
    since, until = first + timedelta(days=low), first + timedelta(days=high)
    if high == last:
        return f"gap since {_day(since)}"
    return f"gap {_day(since)}" if low == high else f"gap {_day(since)} to {_day(until)}"


def _day(one: date) -> str:
    """Without its year: the bar's own dates stand beside it."""
    return day(one, year=False)


def _date(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def _seconds(one: date) -> int:
    return int(datetime.combine(one, datetime.min.time(), UTC).timestamp())
