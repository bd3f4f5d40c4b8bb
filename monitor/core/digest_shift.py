"""One number of a period against earlier periods of the same kind: the difference, and how far it can be trusted. Pure.

**Compared** are the sources that were observed throughout the period and at least one earlier one. Each source's
earlier periods are averaged, so that a source seen in two of eight weighs as much before as now.

**Estimate.** A share (or a mean) is a ratio of sums over sources, R = Σ num / Σ den; the change is R now − R before.
The volume is compared as ln(Σ posts now / Σ posts before).

**Interval.** Two things make such a difference without any change: sources differ in how they change, and weeks differ
among themselves. The wider of the two counts:

* between sources: the linearised variance of the difference with the source as the unit that is drawn (Cochran 1977,
  section 6.4; cluster form), e = (num − R·den)/Σden now − the same before, Σ e² / (1 − h) with h the larger part that
  the source has in either sum (the correction of Bell & McCaffrey 2002); Student's t with as many degrees of freedom
  as sources really contribute, less one: the smaller of 1/Σh² and 3 (Σe²)²/Σe⁴.
* between periods: the same statistic for each earlier period against the mean of all of them; its variance times
  (1 + 1/k) is that of a new period (prediction interval), from four periods on. Shares are compared on the log scale
  here, because weeks multiply them. Eight periods tell little of a variance, so the variances of all shares, and of
  all sentiments, are drawn towards what they have in common, as far as they agree (empirical Bayes, Smyth 2004); t
  with the degrees of freedom of both together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitor.core.digest_input import Series

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEVEL = 0.95
FEWEST_SOURCES = 5
FEWEST_PERIODS = 4
"""Earlier periods from which on their own spread is estimated."""
FEWEST_TOGETHER = 6
"""Variances from which on what they have in common is estimated."""
SENTIMENT_SCALE = 10_000

_LARGEST_LEVERAGE = 0.98
_LARGEST_LOG = 50.0


@dataclass(frozen=True, slots=True)
class Shift:
    """A value of the period, what it was before, and the difference with its 95 % interval."""

    now: float
    before: float
    difference: float
    """now − before; for volumes ln(now / before)."""
    low: float
    high: float
    p: float
    """Two-sided."""
    sources: int
    """Compared."""
    effective: float
    """As many equal ones would say as much."""
    periods: int
    """Earlier ones that at least one source was compared with."""


def compared(comparable: Mask) -> Mask:
    """(sources,): observed throughout the period and at least one earlier one."""
    members: Mask = comparable[:, 0] & comparable[:, 1:].any(axis=1)
    return members


def sentiment_shift(series: Series, comparable: Mask) -> Shift | None:
    """Mean compound score, −1 to 1, of the posts that have one; by its own spread alone."""
    change = ratio_change(series.sentiment_sum / SENTIMENT_SCALE, series.sentiment_n, comparable, counts=False)
    return None if change is None else concluded(change, change.among)


def share_shift(posts: NDArray[np.generic], of: NDArray[np.generic], comparable: Mask) -> Shift | None:
    """Change of Σ posts / Σ of, by its own spread alone; arrays of shape (sources, periods).

    None if fewer than 5 sources have both.
    """
    change = ratio_change(posts, of, comparable, counts=True)
    return None if change is None else concluded(change, change.among)


def volume_shift(posts: NDArray[np.generic], days: Sequence[int], comparable: Mask) -> Shift | None:
    """Change of the number of posts a day, as ln(now / before). `days` is the length of each period."""
    change = volume_change(posts, days, comparable)
    return None if change is None else concluded(change, change.among)


def volume_change(posts: NDArray[np.generic], days: Sequence[int], comparable: Mask) -> Change | None:
    """What a change of the number of posts a day is concluded from."""
    daily = np.asarray(posts, np.float64) / np.asarray(days, np.float64)
    averaged = _averages(daily, np.ones_like(daily), comparable)
    if averaged is None:
        return None
    num_a, _, num_b, _, _ = averaged
    sum_a, sum_b = float(num_a.sum()), float(num_b.sum())
    if sum_a <= 0 or sum_b <= 0:
        return None
    between = _between_sources(num_a / sum_a - num_b / sum_b, num_a / sum_a, num_b / sum_b)

    def told(num: Floats, _den: Floats, mean_num: Floats, _mean_den: Floats) -> float | None:
        return math.log(num.sum() / mean_num.sum()) if num.sum() > 0 and mean_num.sum() > 0 else None

    among = _between_periods(daily, np.ones_like(daily), comparable, averaged, told)
    moved = math.log(sum_a / sum_b)
    bounds = (-math.inf, math.inf)
    return Change(sum_a, sum_b, moved, moved, False, between, among, _weighed(num_a, num_b), *_sizes(averaged, comparable), bounds)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Level:
    """A ratio over all sources of one period, with the 95 % interval between sources; bounds None with fewer than 5."""

    value: float
    low: float | None
    high: float | None
    n: int
    """What it is a ratio of."""
    sources: int


def level(over: NDArray[np.generic], under: NDArray[np.generic], bounds: tuple[float, float]) -> Level | None:
    """Σ over / Σ under; arrays of shape (sources,). None if there is nothing to divide by."""
    num, den = np.asarray(over, np.float64), np.asarray(under, np.float64)
    num, den = num[den > 0], den[den > 0]
    total = float(den.sum())
    if total <= 0:
        return None
    value = float(num.sum() / total)
    if len(den) < FEWEST_SOURCES:
        return Level(value, None, None, round(total), len(den))
    weights = den / total
    spread = _between_sources((num - value * den) / total, weights, weights)
    reach = float(special.stdtrit(spread.df, 1 - (1 - LEVEL) / 2)) * math.sqrt(spread.variance)
    return Level(value, max(value - reach, bounds[0]), min(value + reach, bounds[1]), round(total), len(den))


_Averaged = tuple[Floats, Floats, Floats, Floats, Mask]
"""num and den now, num and den of the average earlier period, each of the members only; and who they are."""


def _averages(over: Floats, under: Floats, comparable: Mask) -> _Averaged | None:
    members = compared(comparable)
    if int(members.sum()) < FEWEST_SOURCES:
        return None
    known = comparable[members][:, 1:]
    times = known.sum(axis=1)
    num, den = over[members], under[members]
    return (
        num[:, 0],
        den[:, 0],
        (num[:, 1:] * known).sum(axis=1) / times,
        (den[:, 1:] * known).sum(axis=1) / times,
        members,
    )


_Told = Callable[[Floats, Floats, Floats, Floats], float | None]
"""(num, den, average num, average den) of the sources of an earlier period → how far it lay from the average."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a difference lies from 0 without any change: variance, and degrees of freedom it is known with."""

    variance: float
    df: float


def _between_sources(parts: Floats, weight_a: Floats, weight_b: Floats) -> Spread:
    leverage = np.minimum(np.maximum(weight_a, weight_b), _LARGEST_LEVERAGE)
    squares = parts**2 / (1 - leverage)
    variance = float(squares.sum())
    weights = (weight_a + weight_b) / 2
    effective = float(1 / np.sum(weights**2))
    fourth = float(np.sum(squares**2))
    contributing = 3 * variance**2 / fourth if fourth > 0 else effective
    return Spread(variance, max(min(effective, contributing) - 1, 1.0))


def _between_periods(over: Floats, under: Floats, comparable: Mask, averaged: _Averaged, told: _Told) -> Spread | None:
    """Spread of earlier periods around their own mean, as that of one more; None with too few of them."""
    _, _, mean_num, mean_den, members = averaged
    seen = []
    for at in range(1, over.shape[1]):
        present = comparable[members, at]
        if int(present.sum()) * 2 < int(members.sum()) or int(present.sum()) < FEWEST_SOURCES:
            continue  # too few sources in common to say how this period was
        value = told(over[members, at][present], under[members, at][present], mean_num[present], mean_den[present])
        if value is not None:
            seen.append(value)
    count = len(seen)
    if count < FEWEST_PERIODS:
        return None
    centred = np.asarray(seen) - np.mean(seen)
    return Spread(float(np.sum(centred**2) / (count - 1)) * (1 + 1 / count), count - 1.0)


@dataclass(frozen=True, slots=True)
class Change:
    """A difference, and both spreads that it is held against."""

    now: float
    before: float
    difference: float
    moved: float
    """What is held against the spread between periods: ln(now / before) if `logs`, else the difference."""
    logs: bool
    between: Spread
    among: Spread | None
    effective: float
    sources: int
    periods: int
    bounds: tuple[float, float]


def ratio_change(
    over: NDArray[np.generic], under: NDArray[np.generic], comparable: Mask, *, counts: bool
) -> Change | None:
    """Of Σ over / Σ under; `counts`: a share of counts, held against earlier periods on the log scale."""
    num, den = np.asarray(over, np.float64), np.asarray(under, np.float64)
    averaged = _averages(num, den, comparable)
    if averaged is None:
        return None
    num_a, den_a, num_b, den_b, _ = averaged
    sum_a, sum_b = den_a.sum(), den_b.sum()
    if sum_a <= 0 or sum_b <= 0 or int(((den_a > 0) & (den_b > 0)).sum()) < FEWEST_SOURCES:
        return None
    now, before = float(num_a.sum() / sum_a), float(num_b.sum() / sum_b)
    parts = (num_a - now * den_a) / sum_a - (num_b - before * den_b) / sum_b
    between = _between_sources(parts, den_a / sum_a, den_b / sum_b)

    def told(top: Floats, base: Floats, mean_top: Floats, mean_base: Floats) -> float | None:
        if base.sum() <= 0 or mean_base.sum() <= 0:
            return None
        if counts:
            return _log_ratio(top.sum(), base.sum(), mean_top.sum(), mean_base.sum())
        return float(top.sum() / base.sum() - mean_top.sum() / mean_base.sum())

    among = _between_periods(num, den, comparable, averaged, told)
    moved = _log_ratio(num_a.sum(), sum_a, num_b.sum(), sum_b) if counts else now - before
    bounds = (-1.0, 1.0) if counts else (-2.0, 2.0)
    effective = _weighed(den_a, den_b)
    return Change(now, before, now - before, moved, counts, between, among, effective, *_sizes(averaged, comparable), bounds)  # fmt: skip


def _log_ratio(top: float, base: float, other: float, other_base: float) -> float:
    """ln of the ratio of two shares, half a post added to each so that none is 0."""
    return math.log((top + 0.5) / (base + 1)) - math.log((other + 0.5) / (other_base + 1))


def _weighed(base_a: Floats, base_b: Floats) -> float:
    """Sources of equal size that would weigh as these do."""
    weights = (base_a / base_a.sum() + base_b / base_b.sum()) / 2
    return float(1 / np.sum(weights**2))


def _sizes(averaged: _Averaged, comparable: Mask) -> tuple[int, int]:
    """Sources that say anything, and earlier periods that any of them was compared with."""
    _, den_a, _, den_b, members = averaged
    return int(((den_a > 0) | (den_b > 0)).sum()), int(comparable[members][:, 1:].any(axis=0).sum())


def moderated(spreads: Sequence[Spread | None]) -> list[Spread | None]:
    """Each variance drawn towards the common one, as far as the variances agree (Smyth 2004, section 6.2)."""
    known = [one for one in spreads if one is not None and one.variance > 0]
    if len(known) < FEWEST_TOGETHER:
        return list(spreads)
    df = np.array([one.df for one in known])
    logs = np.log([one.variance for one in known]) - special.digamma(df / 2) + np.log(df / 2)
    excess = float(np.var(logs, ddof=1) - np.mean(special.polygamma(1, df / 2)))
    total = float(df.sum())
    prior = min(2 * _trigamma_inverse(excess), total) if excess > 0 else total
    common = math.exp(float(np.mean(logs)) + float(special.digamma(prior / 2)) - math.log(prior / 2))
    return [
        None
        if one is None
        else Spread((prior * common + one.df * one.variance) / (prior + one.df), min(prior + one.df, total))
        for one in spreads
    ]


def _trigamma_inverse(value: float) -> float:
    """x with trigamma(x) = value > 0, by Newton's method on 1 / trigamma, which is nearly straight."""
    x = 0.5 + 1 / value
    for _ in range(50):
        slope = float(special.polygamma(1, x))
        step = slope * (1 - slope / value) / float(special.polygamma(2, x))
        x += step
        if abs(step) < 1e-9 * x:
            break
    return x


def concluded(change: Change, among: Spread | None) -> Shift:
    """With the wider of both intervals; `among` takes the place of the change's own spread between periods."""
    error = math.sqrt(change.between.variance)
    reach = _quantile(change.between.df) * error
    low, high = change.difference - reach, change.difference + reach
    p = _chance(change.difference, error, change.between.df)
    if error == 0:
        p = 1.0  # all sources alike to the last digit: nothing can be said of how far they differ
    if among is not None:
        error = math.sqrt(among.variance)
        reach = _quantile(among.df) * error
        ends = change.moved - reach, change.moved + reach
        if change.logs:
            # from ln(now / before) to a difference
            ends = tuple(change.before * math.expm1(min(end, _LARGEST_LOG)) for end in ends)  # type: ignore[assignment]  # two still
        low, high = min(low, ends[0]), max(high, ends[1])
        p = max(p, _chance(change.moved, error, among.df))
    return Shift(
        now=change.now,
        before=change.before,
        difference=change.difference,
        low=max(low, change.bounds[0]),
        high=min(high, change.bounds[1]),
        p=p,
        sources=change.sources,
        effective=change.effective,
        periods=change.periods,
    )


def _quantile(df: float) -> float:
    return float(special.stdtrit(df, 1 - (1 - LEVEL) / 2))


def _chance(difference: float, error: float, df: float) -> float:
    """Two-sided."""
    if error == 0:
        return 0.0 if difference else 1.0
    return 2 * float(special.stdtr(df, -abs(difference) / error))
