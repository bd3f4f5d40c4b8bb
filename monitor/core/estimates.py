"""Values with 95 % intervals from counts and sums. Pure, vectorised, exact until the final division.

All functions take int64 arrays of one shape and answer an `Estimate` of the same shape. NaN means "nothing to say":
no value where nothing was counted, no interval where one cannot be formed.

What these intervals do not cover: they describe chance among the posts that were collected, as if posts were drawn
independently. They do not say how well the tracked sources stand for others, nor that posts of one source resemble
each other. Levels and ranks across sources need the source as their unit, which is the business of claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LEVEL = 0.95
_TAIL = (1 - LEVEL) / 2
_Z = float(special.ndtri(1 - _TAIL))


@dataclass(frozen=True, slots=True)
class Estimate:
    """Values and the bounds of their 95 % intervals; NaN where there is none."""

    value: Floats
    low: Floats
    high: Floats


def count(n: Ints) -> Estimate:
    """A count with the exact Poisson interval (Garwood 1936).

    The count itself is complete. The interval says which rates of posting would make such a count unsurprising, so
    that two periods can be compared.
    """
    distinct, back = np.unique(n, return_inverse=True)
    low = np.where(distinct > 0, special.gammaincinv(np.maximum(distinct, 1), _TAIL), 0.0)
    high = special.gammainccinv(distinct + 1.0, _TAIL)
    return Estimate(n.astype(np.float64), low[back].reshape(n.shape), high[back].reshape(n.shape))


def share(n: Ints, of: Ints) -> Estimate:
    """n / of with Wilson's score interval (Wilson 1927), without continuity correction; NaN where `of` is 0."""
    some = of > 0
    total = np.where(some, of, 1).astype(np.float64)
    value = n / total
    z2 = _Z * _Z
    middle = (n + z2 / 2) / (total + z2)
    half = _Z / (total + z2) * np.sqrt(value * (1 - value) * total + z2 / 4)
    low = np.where(n == 0, 0.0, np.maximum(middle - half, 0.0))
    high = np.where(n == of, 1.0, np.minimum(middle + half, 1.0))
    return Estimate(*(np.where(some, part, np.nan) for part in (value, low, high)))


def mean(n: Ints, total: Ints, squares: Ints) -> Estimate:
    """Mean of n integers from their sum and sum of squares, with Student's t interval.

    NaN where n is 0; no interval where n is 1. Sums are centred in integers first, so that equal values have exactly
    no spread. The interval may be wider than the range of possible values: the caller knows the range.
    """
    some = np.maximum(n, 1)
    whole = total // some
    rest = total - whole * some
    spread = (squares - 2 * whole * total + some * whole * whole) - rest * (rest / some)
    value = np.where(n > 0, total / some, np.nan)
    freedom = np.maximum(n - 1, 1)
    error = np.sqrt(np.maximum(spread, 0.0) / freedom / some)
    half = np.where(n > 1, _t_quantile(freedom) * error, np.nan)
    return Estimate(value, value - half, value + half)


def ratio(over: Ints, under: Ints, cells: Ints, products: tuple[Floats, Floats, Floats]) -> Estimate:
    """Ratio of two sums with a linearised (Taylor) interval that takes cells of posts as the units drawn.

    `products` are the sums over cells of over², over·under and under². NaN where `under` is 0; no interval with
    fewer than two cells. Formula: Cochran 1977, section 6.4 (ratio estimator, large population).
    """
    some = under > 0
    base = np.where(some, under, 1).astype(np.float64)
    value = over / base
    spread = products[0] - 2 * value * products[1] + value * value * products[2]
    freedom = np.maximum(cells - 1, 1)
    error = np.sqrt(np.maximum(spread, 0.0) * cells / freedom) / base
    half = np.where(cells > 1, _t_quantile(freedom) * error, np.nan)
    low = np.maximum(value - half, 0.0)
    return Estimate(*(np.where(some, part, np.nan) for part in (value, low, value + half)))


def mapped(estimate: Estimate, change: np.ufunc, scale: float) -> Estimate:
    """change(scale · x) of value and bounds; `change` must grow with x so that bounds stay bounds."""
    return Estimate(change(estimate.value * scale), change(estimate.low * scale), change(estimate.high * scale))


def scaled(estimate: Estimate, scale: float) -> Estimate:
    """Value and bounds times a positive number."""
    return Estimate(estimate.value * scale, estimate.low * scale, estimate.high * scale)


def clipped(estimate: Estimate, low: float, high: float) -> Estimate:
    """Bounds cut to the range of possible values; NaN stays NaN."""
    return Estimate(estimate.value, np.clip(estimate.low, low, high), np.clip(estimate.high, low, high))


def _t_quantile(freedom: Ints) -> Floats:
    distinct, back = np.unique(freedom, return_inverse=True)
    quantiles: Floats = special.stdtrit(distinct.astype(np.float64), 1 - _TAIL)
    return quantiles[back].reshape(freedom.shape)
