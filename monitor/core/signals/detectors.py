"""The two detectors that keep a budget: counts against their own past, and the share among all posts. Pure.

Both forecast with `baseline` and ask how likely so many posts, or so few, would be in the window of w periods that ends
now. For the share the window's posts are given and the question is how many of them have the key (binomial, with a
dispersion). Where more than half have it, the others are counted, which is the same question with the sides swapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitor.core.signals.baseline import FEWEST, Sums, forecast, window_sums
from monitor.core.signals.series import Direction, Floats, Size, WatchSeries
from monitor.core.signals.tails import at_least, at_most, widened

WINDOWS: Mapping[Size, tuple[int, ...]] = {"day": (1, 3, 7), "week": (1,)}
"""Periods summed: sharp changes show in one, small and lasting ones in several."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How surprising each window is; arrays (T,), NaN where there is no forecast."""

    sums: Sums
    up: Floats
    """P(at least so many)."""
    down: Floats
    """P(at most so many)."""

    def p(self, direction: Direction) -> Floats:
        return self.up if direction == "up" else self.down


def count_detector(series: WatchSeries, first: int = 0, reach: int = 0) -> dict[int, Judged]:
    """By width of window, for the periods from `first` on. `reach`: periods from which forecasts are made."""
    made = forecast(series.starts, series.counts, series.exposure, series.seen, series.size, reach)
    return {
        width: _judged(window_sums(series.counts, made.expected, made, series.size, width, first))
        for width in WINDOWS[series.size]
    }


def share_detector(series: WatchSeries, first: int = 0, reach: int = 0) -> dict[int, Judged]:
    """The same for the share. `sums` are of posts with the key, even where the others were counted."""
    seen = series.seen & (series.of > 0)
    of = np.where(seen, series.of, 0)
    counts = np.where(seen, series.counts, 0)
    early = np.flatnonzero(seen)[: FEWEST[series.size]]  # decided once, and not by what comes later
    swapped = 2 * int(counts[early].sum()) > int(of[early].sum())
    fewer = of - counts if swapped else counts
    made = forecast(series.starts, fewer, of.astype(np.float64), seen, series.size, reach)
    share = np.minimum(made.expected / np.maximum(of, 1), 0.99)
    found = {}
    for width in WINDOWS[series.size]:
        sums = window_sums(fewer, made.expected * (1 - share), made, series.size, width, first)
        judged = _judged(sums)
        if swapped:
            whole = window_sums(of, made.expected, made, series.size, width, first).observed
            turned = Sums(whole - sums.observed, whole - sums.expected, sums.variance, sums.df)
            judged = Judged(turned, judged.down, judged.up)
        found[width] = judged
    return found


def _judged(sums: Sums) -> Judged:
    known = ~np.isnan(sums.observed)
    observed, expected, variance, df = (
        values[known] for values in (sums.observed, sums.expected, sums.variance, sums.df)
    )
    up, down = np.full(len(known), np.nan), np.full(len(known), np.nan)
    up[known] = widened(at_least(observed, expected, variance), df)
    down[known] = widened(at_most(observed, expected, variance), df)
    return Judged(sums, up, down)
