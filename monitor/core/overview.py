"""The headline figures of one period: value, interval, and the change against one other period. Pure.

Values and changes are those of digests (`digest_shift`), with one difference: a digest compares with the average of
earlier periods, a page with a single one that its reader chose. Two single periods differ more than one does from an
average, so the spread of earlier periods counts for both of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np

from monitor.core.digest_input import Ints, Mask, Sample, Series
from monitor.core.digest_periods import Period
from monitor.core.digest_shift import (
    FEWEST_SOURCES,
    SENTIMENT_SCALE,
    Change,
    Level,
    Shift,
    Spread,
    compared,
    concluded,
    level,
    ratio_change,
    volume_change,
)

Compare = Literal["previous", "year", "none"]
Kind = Literal["count", "share", "sentiment"]
Gap = Literal["", "not_asked", "few_sources", "new", "nothing"]

YEAR = timedelta(weeks=52)
"""The same week of last year starts on a Monday, too."""
SPLITS = ("content_type", "audience")
"""Dimensions whose shares are told in full."""
HEADLINES = ("content_type", "audience", "topic")
"""Of each of these the largest part is a headline, chosen by its size alone and never by its change."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the period, and how it changed."""

    kind: Kind
    dimension: str
    """Empty for all posts."""
    key: str
    label: str
    value: float | None
    """None: nobody observed anything."""
    low: float | None
    high: float | None
    n: int
    """Posts that were counted; of a mean, those that have a score."""
    of: int
    """Posts that a share is a part of."""
    sources: int
    shift: Shift | None
    """`difference` of a count is ln(now / before)."""
    gap: Gap
    """Why there is no shift; empty if there is one."""
    settled: bool
    """The interval of the change also covers how such periods differ among themselves."""


@dataclass(frozen=True, slots=True)
class Figures:
    headlines: tuple[Figure, ...]
    """Posts, mean sentiment, and the largest part of each of HEADLINES."""
    parts: tuple[tuple[Figure, Figure], ...]
    """Share and mean sentiment of each part of SPLITS, largest first within its dimension."""
    compared: int
    """Sources that were observed throughout both periods and are of one kind in both; 0 without a comparison."""


def base_of(period: Period, compare: Compare) -> Period | None:
    """The period that it is compared with."""
    if compare == "none":
        return None
    if compare == "year":
        return Period(period.since - YEAR, period.until - YEAR)
    return period.earlier(1)[0]


def figures(pair: Sample, earlier: Sample, days: int, compare: Compare, *, observed: bool) -> Figures:
    """All figures. `pair` has the period and, unless nothing is compared, the other one; `earlier` the period and those
    of the same length before it. Both list the same sources."""
    asked = compare != "none"
    known = {(one.dimension, one.key): one for one in earlier.parts}

    def told(kind: Kind, part: Series) -> Figure:
        before = earlier.everything if not part.dimension else known.get((part.dimension, part.key))
        return _figure(kind, part, pair, before, earlier, days, asked=asked, observed=observed)

    headlines = [told("count", pair.everything), told("sentiment", pair.everything)]
    for dimension in HEADLINES:
        largest = max((one for one in _sorted(pair, dimension) if one.key != "other"), key=_now, default=None)
        if largest is not None and _now(largest):
            headlines.append(told("share", largest))
    parts = [(told("share", part), told("sentiment", part)) for name in SPLITS for part in _sorted(pair, name)]
    members = int(compared(pair.comparable).sum()) if asked else 0
    return Figures(tuple(headlines), tuple(parts), members)


def _sorted(sample: Sample, dimension: str) -> list[Series]:
    return sorted((one for one in sample.parts if one.dimension == dimension), key=lambda one: (-_now(one), one.key))


def _now(part: Series) -> int:
    return int(part.posts[:, 0].sum())


def _figure(
    kind: Kind, part: Series, pair: Sample, before: Series | None, earlier: Sample, days: int, *, asked: bool,
    observed: bool,
) -> Figure:  # fmt: skip
    at = _level(kind, part, pair.everything)
    posts = _now(part)
    of = _now(pair.everything)
    if kind == "count":
        value: float | None = posts if observed else None
    else:
        value = None if at is None or not observed else at.value
    shift, settled = None, False
    change = _change(kind, part, pair.everything, pair.comparable, days) if asked and observed else None
    if change is not None:
        wide = None if before is None else _change(kind, before, earlier.everything, earlier.comparable, days)
        among = None if wide is None or wide.among is None else of_two(wide.among)
        shift, settled = concluded(change, among), among is not None
    gap: Gap = "" if shift is not None else "not_asked" if not asked else _why(kind, part, pair)
    if shift is not None and kind == "share" and shift.before == 0:
        gap = "new" if shift.now else "nothing"
        shift = None
    return Figure(
        kind=kind,
        dimension=part.dimension,
        key=part.key,
        label=part.label,
        value=value,
        low=None if at is None or value is None else at.low,
        high=None if at is None or value is None else at.high,
        n=int(part.sentiment_n[:, 0].sum()) if kind == "sentiment" else posts,
        of=of,
        sources=int((part.posts[:, 0] > 0).sum()),
        shift=shift,
        gap=gap,
        settled=settled,
    )


def of_two(among: Spread) -> Spread:
    """From the spread of one period around the mean of k earlier ones, (1 + 1/k) σ², to that of two single ones, 2 σ²."""
    k = among.df + 1
    return Spread(among.variance * 2 / (1 + 1 / k), among.df)


def _level(kind: Kind, part: Series, everything: Series) -> Level | None:
    if kind == "sentiment":
        return level(part.sentiment_sum[:, 0] / SENTIMENT_SCALE, part.sentiment_n[:, 0], (-1.0, 1.0))
    return level(part.posts[:, 0], everything.posts[:, 0], (0.0, 1.0)) if kind == "share" else None


def _change(kind: Kind, part: Series, everything: Series, comparable: Mask, days: int) -> Change | None:
    if kind == "count":
        return volume_change(part.posts, [days] * part.posts.shape[1], comparable)
    if kind == "share":
        return ratio_change(part.posts, everything.posts, comparable, counts=True)
    return ratio_change(part.sentiment_sum / SENTIMENT_SCALE, part.sentiment_n, comparable, counts=False)


def _why(kind: Kind, part: Series, pair: Sample) -> Gap:
    """Why two periods could not be compared."""
    members = compared(pair.comparable)
    if int(members.sum()) < FEWEST_SOURCES:
        return "few_sources"
    base: Ints = part.sentiment_n if kind == "sentiment" else part.posts
    now, before = (int(base[members, at].sum()) for at in (0, 1))
    if not before:
        return "new" if now else "nothing"
    return "few_sources" if now else "nothing"


def ratio(logarithm: float) -> float:
    """From ln(now / before) to now / before, bounded so that it can be printed."""
    return math.exp(float(np.clip(logarithm, -20.0, 20.0)))
