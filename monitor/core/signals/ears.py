"""Detectors with a short sliding baseline: EARS C1, C2, C3 and EWMA with a guard band. Pure.

They see counts alone, know neither weekdays nor seasons, and are kept because people know them; what they add to an
alarm is a name. Their thresholds are the usual ones and do not follow from a budget.

* C1: (y[t] − mean) / sd over the 7 periods before t. Fires above 3.
* C2: the same over 7 periods that end 2 periods earlier (the guard band), so that a slow rise doesn't hide itself.
* C3: sum over t, t−1, t−2 of max(0, C2 − 1). Fires above 2.
* EWMA: S[t] = 0.4 y[t] + 0.6 S[t−1], against the mean of 28 periods that end 2 periods earlier, in units of
  sd · sqrt(0.4 / 1.6). Fires above 3.

C1 to C3: Hutwagner, Thompson, Seeman, Treadwell 2003 (J Urban Health 80, suppl 1); formulas also in Fricker, Hegler,
Dunfee 2008 (Stat Med 27). EWMA: Roberts 1959; weight, baseline and guard band as in the ESSENCE system (documented in the R package Rnssp of CDC).

Gaps are skipped: a baseline is the latest observed periods, wherever they lie within three times its length. Counts
are divided by exposure first. The sd is at least sqrt(mean / exposure) of a Poisson count of the same mean, and at
least `LEAST_SD`: a series that was silent for a week would otherwise fire at its first post.
"""

from __future__ import annotations

import numpy as np

from monitor.core.signals.series import Floats, WatchSeries

WINDOW = 7
GUARD = 2
EWMA_WINDOW = 28
EWMA_WEIGHT = 0.4
LEAST_SD = 0.2
THRESHOLDS = {"c1": 3.0, "c2": 3.0, "c3": 2.0, "ewma": 3.0}


def c1(series: WatchSeries, *, floor: bool = True) -> Floats:
    """C1 of every period; NaN in gaps and before there are 7 observed periods. `floor=False`: the sd as published."""
    return _standing(_rates(series), series.seen, WINDOW, 0, floor)


def c2(series: WatchSeries) -> Floats:
    return _standing(_rates(series), series.seen, WINDOW, GUARD, True)


def c3(series: WatchSeries) -> Floats:
    """The three values are those of the latest three observed periods."""
    standing = c2(series)
    over = np.maximum(standing[series.seen] - 1, 0)
    summed = over.copy()
    summed[1:] += np.nan_to_num(over[:-1])
    summed[2:] += np.nan_to_num(over[:-2])
    found = np.full(len(standing), np.nan)
    found[series.seen] = summed
    return found


def ewma(series: WatchSeries) -> Floats:
    """Starts anew at the mean of its baseline where that is first known; a gap leaves it as it was."""
    rates, seen = _rates(series), series.seen
    mean, sd = _baseline(rates, seen, EWMA_WINDOW, GUARD)
    sd = np.maximum(sd, np.maximum(np.sqrt(mean), LEAST_SD))
    found = np.full(len(rates), np.nan)
    level = np.nan
    for at in np.flatnonzero(seen & ~np.isnan(mean)):
        level = mean[at] if np.isnan(level) else level
        level = EWMA_WEIGHT * rates[at] + (1 - EWMA_WEIGHT) * level
        found[at] = (level - mean[at]) / (sd[at] * np.sqrt(EWMA_WEIGHT / (2 - EWMA_WEIGHT)))
    return found


STATISTICS = {"c1": c1, "c2": c2, "c3": c3, "ewma": ewma}


def _rates(series: WatchSeries) -> Floats:
    seen = series.seen
    rates: Floats = np.where(seen, series.counts / np.where(seen, series.exposure, 1), np.nan)
    return rates


def _standing(rates: Floats, seen: np.ndarray, window: int, guard: int, floor: bool) -> Floats:
    mean, sd = _baseline(rates, seen, window, guard)
    if floor:
        sd = np.maximum(sd, np.maximum(np.sqrt(mean), LEAST_SD))
    with np.errstate(divide="ignore", invalid="ignore"):
        standing: Floats = np.where(seen, (rates - mean) / sd, np.nan)
    return standing


def _baseline(rates: Floats, seen: np.ndarray, window: int, guard: int) -> tuple[Floats, Floats]:
    """Mean and sd of the latest `window` observed periods before each period and its guard band; NaN if too old."""
    at = np.flatnonzero(seen)
    mean = np.full(len(rates), np.nan)
    sd = np.full(len(rates), np.nan)
    if len(at) < window:
        return mean, sd
    blocks = np.lib.stride_tricks.sliding_window_view(rates[at], window)
    means, sds = blocks.mean(axis=1), blocks.std(axis=1, ddof=1)
    ready = np.searchsorted(at, np.arange(len(rates)) - guard) - window  # block that ends before the guard band
    known = ready >= 0
    known[known] = np.arange(len(rates))[known] - guard - at[ready[known]] <= 3 * window
    mean[known], sd[known] = means[ready[known]], sds[ready[known]]
    return mean, sd
