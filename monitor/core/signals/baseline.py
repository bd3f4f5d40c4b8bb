"""What each period should have brought, from the series' own past: a quasi-Poisson regression that rolls along. Pure.

After Farrington, Andrews, Beale, Catchpole 1996 (J R Stat Soc A 159) and Noufaily et al. 2013 (Stat Med 32), with
weekdays and a yearly wave instead of windows around the same week of earlier years, and with a level that follows the
latest month:

1. **Long view.** E[y] = E · exp(a + weekday + trend + season), by iterated weighted least squares with a mild ridge, on
   at most `LONG` periods. `E` is the exposure, or for shares the number of all posts. Refitted every four weeks; the
   fit ends `GUARD` periods before the four weeks that it serves.
2. **Past outliers** count less: weight (2.58/|r|)² where the standardised residual |r| is above 2.58, refitted twice.
3. **Level.** The long view is multiplied by (sum w·y + a)/(sum w·mu + a) over `RECENT` periods, with outliers weighed
   down as above and a = dispersion / LEVEL_SD²: a series with few posts moves it little.
4. **Guard band.** Those periods end `GUARD` before the one forecast, so that a change doesn't become its own baseline.

Then the variance. How far sums of w periods lay from what was forecast for them is known for the past half year (weeks: two years); the
dispersion of a window is the mean of (Y − M)²/V with terms capped at 9 times the dispersion, at least 1, and mixed
with the dispersion of the fit worth `PRIOR` windows while there is little to go by. Drift, memory and misfit are in it,
because it comes from forecasts.

Nothing here reads a period with too little exposure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.signals.series import Floats, Ints, Mask, Size

LONG: Mapping[Size, int] = {"day": 546, "week": 156}
"""Longest baseline: one and a half cycles part trend and season best for days; weeks are few and need three."""
REFIT_WEEKS = 4
RECENT: Mapping[Size, int] = {"day": 28, "week": 8}
GUARD: Mapping[Size, int] = {"day": 7, "week": 2}
FEWEST: Mapping[Size, int] = {"day": 28, "week": 12}
"""Observed periods that a baseline needs; before that nothing is forecast."""
YEAR: Mapping[Size, float] = {"day": 365.25, "week": 52.18}
ERRORS: Mapping[Size, int] = {"day": 182, "week": 104}
"""Past forecasts that the dispersion is taken from."""
MOST_OF_WINDOW = 0.7
"""Part of a window's periods that must have been observed."""
OUTLIER = 2.58
CAP = 9.0
PRIOR = 14.0
LEVEL_SD = 0.2
"""How far the level strays from the long view within a month, log."""
_WEEKDAY_SD, _TREND_SD, _SEASON_SD = 0.7, 0.3, 0.15
"""The ridge: normal priors of the log effects."""
_NEVER = 1e6


@dataclass(frozen=True, slots=True)
class Forecast:
    """One number a period, NaN where nothing could be forecast."""

    expected: Floats
    fit_dispersion: Floats
    """Of the residuals that the model was fitted to, outliers weighed down."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the window of w periods that ends in each period; gaps left out. NaN where there is no forecast."""

    observed: Floats
    expected: Floats
    variance: Floats
    """Of `observed`, forecast error included."""
    df: Floats
    """How many independent forecast errors the variance rests on."""


def forecast(starts: Ints, counts: Ints, base: Floats, seen: Mask, size: Size, first: int = 0) -> Forecast:
    """Forecast each period from about `first` on, each from those before its guard band.

    `base` is what counts are proportional to: exposure, or all posts. Periods where it is 0 count as gaps. A forecast
    depends on earlier periods alone, not on `first` nor on how long the series goes on.
    """
    length = len(starts)
    expected, dispersion = np.full(length, np.nan), np.full(length, np.nan)
    seen = seen & (base > 0)
    y = np.where(seen, counts, 0).astype(np.float64)
    base = np.where(seen, base, 0.0).astype(np.float64)
    spells = (starts + 3) // (7 * REFIT_WEEKS)
    begins = np.flatnonzero(np.diff(spells, prepend=spells[:1] - 1))
    finishes = np.append(begins[1:], length)
    ends = begins - GUARD[size]  # of the baselines, exclusive
    running = np.concatenate([[0], np.cumsum(seen)])
    enough = running[np.maximum(ends, 0)] - running[np.maximum(ends - LONG[size], 0)] >= FEWEST[size]
    chosen = np.flatnonzero((finishes > first) & enough)
    if not len(chosen):
        return Forecast(expected, dispersion)
    begins, finishes, ends = begins[chosen], finishes[chosen], ends[chosen]

    long = min(LONG[size], int(ends.max()))
    columns = _columns(starts, size)
    at = ends[:, None] - long + np.arange(long)
    use = np.where(at >= 0, seen[np.maximum(at, 0)], False)
    at = np.maximum(at, 0)
    spans = long - np.argmax(use, axis=1)
    local = columns[at]
    local[:, :, 1] -= columns[begins, 1][:, None]  # time runs from the spell: the same numbers wherever a series ends
    beta, phi = _fit(local, np.where(use, y[at], 0.0), np.where(use, base[at], 0.0), use, _ridge(size, spans))

    back, most = GUARD[size] + RECENT[size], int((finishes - begins).max())
    at = begins[:, None] - back + np.arange(back + most)
    here = (at >= 0) & (at < finishes[:, None])
    at = np.clip(at, 0, length - 1)
    ahead = columns[at]
    ahead[:, :, 1] -= columns[begins, 1][:, None]
    view = np.where(here, base[at], 0.0) * np.exp(np.clip((ahead @ beta[:, :, None])[:, :, 0], -30, 30))
    level = _levels(np.where(here, y[at], 0.0), view, here & seen[at], size, phi, most)
    served = at[:, back:][here[:, back:]]
    expected[served] = np.where(seen[served], (view[:, back:] * level)[here[:, back:]], np.nan)
    dispersion[served] = np.broadcast_to(phi[:, None], level.shape)[here[:, back:]]
    return Forecast(expected, dispersion)


def _levels(y: Floats, view: Floats, seen: Mask, size: Size, phi: Floats, most: int) -> Floats:
    """What to multiply the long view with in each of the `most` periods served; (fits, periods)."""
    window = np.arange(most)[:, None] + np.arange(RECENT[size])
    ys, views, uses = y[:, window], view[:, window], seen[:, window].astype(np.float64)
    scale = phi[:, None, None]
    prior = (phi / LEVEL_SD**2)[:, None]
    level = np.ones((len(y), most))
    weights = uses
    for step in range(3):
        if step:
            mu = np.maximum(views * level[:, :, None], 1e-9)
            weights = uses * np.minimum(1.0, OUTLIER**2 * scale * mu / np.maximum((ys - mu) ** 2, 1e-12))
        level = ((weights * ys).sum(axis=2) + prior) / ((weights * views).sum(axis=2) + prior)
    return level


def window_sums(counts: Ints, unit_variance: Floats, made: Forecast, size: Size, width: int, first: int = 0) -> Sums:
    """Sums over windows of `width` periods and their variance. `unit_variance`: of a period if the dispersion were 1."""
    known = ~np.isnan(made.expected) & ~np.isnan(unit_variance)
    observed = _moving(np.where(known, counts, 0).astype(np.float64), width)
    expected = _moving(np.where(known, made.expected, 0.0), width)
    variance = _moving(np.where(known, unit_variance, 0.0), width)
    usable = known & (_moving(known.astype(np.float64), width) >= MOST_OF_WINDOW * width) & (variance > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(usable, (observed - expected) ** 2 / variance, 0.0)
    dispersion, df = _dispersion(errors, usable, made.fit_dispersion, size, width, first)
    hidden = np.where(usable & (np.arange(len(counts)) >= first), 1.0, np.nan)
    return Sums(observed * hidden, expected * hidden, variance * dispersion * hidden, df * hidden)


def _dispersion(errors: Floats, usable: Mask, fit: Floats, size: Size, width: int, first: int) -> tuple[Floats, Floats]:
    """Trailing mean of past errors, capped, mixed with the dispersion of the fit; and its degrees of freedom."""
    length, back = len(errors), ERRORS[size]
    dispersion, df = np.full(length, np.nan), np.full(length, np.nan)
    if first >= length:
        return dispersion, df
    gap = GUARD[size] + width - 1  # a window that touches the guard band isn't past yet
    padded = np.concatenate([np.zeros(back + gap), errors[: max(length - gap, 0)]])[: length + back]
    past = np.lib.stride_tricks.sliding_window_view(padded, back)[first:length]
    running = np.concatenate([[0], np.cumsum(usable)])
    high = np.maximum(np.arange(first, length) - gap, 0)
    count = (running[high] - running[np.maximum(high - back, 0)]) / width
    start = np.maximum(np.nan_to_num(fit[first:], nan=1.0), 1.0)
    found = start
    room = np.empty(past.shape)
    for _ in range(3):
        capped = np.minimum(past, CAP * found[:, None], out=room).sum(axis=1) / width
        found = np.maximum((PRIOR * start + capped) / (PRIOR + count), 1.0)
    dispersion[first:], df[first:] = found, PRIOR + count
    return dispersion, df


def _moving(values: Floats, width: int) -> Floats:
    running = np.concatenate([np.zeros(width), np.cumsum(values)])
    summed: Floats = running[width:] - running[: len(values)]
    return summed


def _columns(starts: Ints, size: Size) -> Floats:
    """(periods, columns): level, trend in years, one yearly wave, and for days six weekdays."""
    angle = 2 * np.pi * starts / 365.25
    columns = [np.ones(len(starts)), (starts - starts[:1]) / 365.25, np.sin(angle), np.cos(angle)]
    if size == "day":
        weekday = (starts + 3) % 7
        columns += [(weekday == day) - (weekday == 6).astype(np.float64) for day in range(6)]
    return np.stack(columns, axis=-1)


def _ridge(size: Size, spans: NDArray[np.intp]) -> Floats:
    """(fits, columns) precision of each effect.

    The wave waits until a whole year has been seen, the trend for a quarter: before, they would only chase noise.
    """
    season = np.where(spans >= YEAR[size] - 8, 1 / _SEASON_SD**2, _NEVER)
    trend = np.where(spans >= YEAR[size] / 4, 1 / _TREND_SD**2, _NEVER)
    parts = [np.full(len(spans), 1e-6), trend, season, season]
    if size == "day":
        parts += [np.full(len(spans), 1 / _WEEKDAY_SD**2)] * 6
    return np.stack(parts, axis=-1)


def _fit(columns: Floats, y: Floats, base: Floats, use: Mask, ridge: Floats) -> tuple[Floats, Floats]:
    """(coefficients, dispersion) of every fit: Poisson by Newton's method, outliers weighed down."""
    beta = np.zeros((len(y), columns.shape[2]))
    beta[:, 0] = np.log((y.sum(axis=1) + 0.5) / (base.sum(axis=1) + 1e-12))
    weights = use.astype(np.float64)
    phi = np.ones(len(y))
    transposed = np.ascontiguousarray(columns.transpose(0, 2, 1))
    diagonal = np.arange(beta.shape[1])
    effects = np.count_nonzero(ridge < _NEVER, axis=1)

    def mean() -> Floats:
        found: Floats = base * np.exp(np.clip((columns @ beta[:, :, None])[:, :, 0], -30, 30))
        return found

    mu = mean()
    inverse: Floats = np.zeros((0, 0, 0))
    for exact, steps in ((3, 3), (1, 2), (1, 2)):  # refits start close by, so one curvature serves both of their steps
        pull = ridge * phi[:, None]  # the ridge is a prior: it weighs as much against loud data as against quiet
        for step in range(steps):
            if step < exact:
                curve = (transposed * (weights * mu)[:, None, :]) @ columns
                curve[:, diagonal, diagonal] += pull + 1e-9
                inverse = np.asarray(np.linalg.inv(curve), np.float64)
            slope = transposed @ (weights * (y - mu))[:, :, None] - (pull * beta)[:, :, None]
            beta = beta + np.clip((inverse @ slope)[:, :, 0], -2, 2)
            mu = mean()
        squared = np.where(use, (y - mu) ** 2 / np.maximum(mu, 1e-9), 0.0)
        phi = np.maximum((weights * squared).sum(axis=1) / np.maximum(weights.sum(axis=1) - effects, 1.0), 1.0)
        weights = np.where(use, np.minimum(1.0, OUTLIER**2 * phi[:, None] / np.maximum(squared, 1e-12)), 0.0)
    return beta, phi
