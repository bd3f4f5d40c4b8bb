"""The difference of two source averages, with the source as the unit that is drawn. Pure.

Sources weigh by their bases under a constant intraclass correlation; the variance is the bias-reduced cluster variance
(CR2, Bell & McCaffrey 2002) of the difference over sources, so that a source on both sides counts once, with both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from monitor.core.estimates import Floats, Ints
from monitor.core.level import effective, precision, source_weights

LEVEL = 0.025
"""One-sided; its interval has 95 %."""
MIN_WITHIN = 2
"""Posts that a source needs on each side to be compared with itself."""

_LARGEST_LEVERAGE = 0.98
_SMALLEST_DF = 0.1
_NO_SPREAD = 1e-12
"""Relative; what is left of equal values after rounding."""


@dataclass(frozen=True, slots=True)
class SideSums:
    """One side of a comparison, summed per source. Both sides list the same sources in the same order."""

    label: str
    num: Floats
    """(sources,): posts of the kind, or the sum of what is measured."""
    den: Floats
    """(sources,): posts that `num` is a share of or a sum over; 0: the source is not on this side."""
    posts: Ints
    """(sources,): posts of the kind, for readers."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """Higher minus lower, with the 95 % interval and both one-sided tests. Never NaN; unbounded from a single source."""

    difference: float
    se: float
    df: float
    low: float
    high: float
    p_higher: float
    """One-sided p-value for "higher is larger"."""
    p_lower: float
    """One-sided p-value for "higher is smaller"."""
    g: int
    """Sources of the side that has fewer."""
    g_eff: float
    """Effective sources of the side that has fewer."""
    value_higher: float
    value_lower: float


def compare(higher: SideSums, lower: SideSums, *, within: bool, shares: bool) -> Contrast | None:
    """The difference of two source averages. None: a side has no source at all (`within`: no source has both).

    mA − mB = Σ hA·yA − Σ hB·yB with y = num / den; e = hA(yA − mA) − hB(yB − mB) per source, variance Σ e² /
    (1 − max(hA, hB)), t with the smaller G_eff less one. With one base for both sides this is the test of the mean of
    yA − yB. `within` keeps sources that have at least 2 posts on both sides and weighs them by the precision of their
    own difference; only they are spoken of.

    Sides on two bases are tested on the logit scale (`shares`) or the log scale (means above 0): few sources of skewed
    values on one side against many on the other would else pass for a difference far too often. `se` and the interval
    are carried back by the average slope of that scale between the two values, so that the interval leaves out 0
    exactly if a test passes. Shares on which all sources agree are not taken for certainty: each effective source then
    counts as one draw, with half a draw added to both kinds (Jeffreys).
    """
    both = (higher.den >= MIN_WITHIN) & (lower.den >= MIN_WITHIN)
    bases = (np.where(both, higher.den, 0), np.where(both, lower.den, 0)) if within else (higher.den, lower.den)
    if not (bases[0].any() and bases[1].any()):
        return None
    value_a, value_b = _means(higher), _means(lower)
    if within:
        weight_a = weight_b = _joint_weights(*bases)
    else:
        weight_a, weight_b = source_weights(bases[0]), source_weights(bases[1])
    mean_a, mean_b = float(weight_a @ value_a), float(weight_b @ value_b)
    one_base = within or np.array_equal(bases[0], bases[1])
    slope_a, slope_b, overall = (1.0, 1.0, 1.0) if one_base else _slopes(mean_a, mean_b, shares=shares)
    part_a, part_b = slope_a * weight_a * (value_a - mean_a), slope_b * weight_b * (value_b - mean_b)
    leverage = np.minimum(np.maximum(weight_a, weight_b), _LARGEST_LEVERAGE)
    variance = float(np.sum((part_a - part_b) ** 2 / (1 - leverage)))
    if not one_base:
        variance += _borrowed((part_a, weight_a), (part_b, weight_b))
    error = math.sqrt(variance) / overall
    if error <= _NO_SPREAD * max(abs(mean_a), abs(mean_b), 1.0):
        drawn = _draws(mean_a, effective(weight_a)) + _draws(mean_b, effective(weight_b)) if shares else 0.0
        error = math.sqrt(drawn)
    g = min(int((weight_a > 0).sum()), int((weight_b > 0).sum()))
    g_eff = min(effective(weight_a), effective(weight_b))
    return _contrast(mean_a, mean_b, error, g, g_eff, shares=shares)


def _means(side: SideSums) -> Floats:
    return np.divide(side.num, side.den, out=np.zeros(len(side.den)), where=side.den > 0)


def _joint_weights(base_a: Floats, base_b: Floats) -> Floats:
    """Per source 1 / (1 / precision A + 1 / precision B), normalised; 0 where a side has nothing."""
    both = (base_a > 0) & (base_b > 0)
    parts = [np.divide(1.0, precision(base), out=np.zeros(len(both)), where=both) for base in (base_a, base_b)]
    raw = np.divide(1.0, parts[0] + parts[1], out=np.zeros(len(both)), where=both)
    return np.asarray(raw / raw.sum())


def _slopes(mean_a: float, mean_b: float, *, shares: bool) -> tuple[float, float, float]:
    """Slope of the scale that a difference is tested on: at A, at B, and on average between them. 1 if it has none."""
    if min(mean_a, mean_b) <= 0 or (shares and max(mean_a, mean_b) >= 1):
        return 1.0, 1.0, 1.0

    def scale(value: float) -> float:
        return math.log(value / (1 - value)) if shares else math.log(value)

    def slope(value: float) -> float:
        return 1 / (value * (1 - value)) if shares else 1 / value

    difference = mean_a - mean_b
    between = (mean_a + mean_b) / 2
    far = abs(difference) > 1e-9 * between
    return slope(mean_a), slope(mean_b), (scale(mean_a) - scale(mean_b)) / difference if far else slope(between)


def _borrowed(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> float:
    """What is added to the variance so that the side of fewer sources is not taken to be calmer than both together.

    A few draws from a skewed kind of source often miss its tail, which makes them look low and certain at once. The
    side of more sources has met the tail. Spread per effective source, pooled by effective sources; the less of it is
    borrowed, the more alike the sides are in number.
    """
    (few_part, few), (many_part, many) = sorted((one, other), key=lambda side: effective(side[1]))
    g_few, g_many = effective(few), effective(many)
    own, theirs = (
        float(np.sum(part**2 / (1 - np.minimum(weight, _LARGEST_LEVERAGE))))
        for part, weight in ((few_part, few), (many_part, many))
    )
    pooled = (own * g_few**2 + theirs * g_many**2) / (g_few + g_many)
    return max(pooled / g_few - own, 0.0) * (1 - g_few / g_many)


def _draws(share: float, g_eff: float) -> float:
    """Variance of a share of g_eff draws, half a draw added to both kinds."""
    moved = (share * g_eff + 0.5) / (g_eff + 1)
    return moved * (1 - moved) / g_eff


def _contrast(mean_a: float, mean_b: float, error: float, g: int, g_eff: float, *, shares: bool) -> Contrast:
    difference = mean_a - mean_b
    df = max(g_eff - 1, _SMALLEST_DF)
    reach = float(special.stdtrit(df, 1 - LEVEL)) * error
    low, high = difference - reach, difference + reach
    if g < 2:
        low, high = -math.inf, math.inf
    if shares:
        low, high = max(low, -1.0), min(high, 1.0)
    if g < 2:
        p_higher = p_lower = 1.0
    elif error > 0:
        p_higher, p_lower = (float(special.stdtr(df, sign * difference / error)) for sign in (-1, 1))
    else:
        agree = 0.5**g_eff  # every source alike: as likely as a coin that falls on one side each time
        p_higher, p_lower = (agree if sign * difference > 0 else 1.0 for sign in (1, -1))
    return Contrast(difference, error, df, low, high, p_higher, p_lower, g, g_eff, mean_a, mean_b)
