"""The questions asked beside a trend test: does the answer hang on one source, one stretch of time, one way of counting?

A check passes, fails, or is only noted. What follows from a failure is decided in `trend_rules`. docs/statistics.md
says which checks were found by simulation to earn their cost, and which were not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from monitor.core.claim import Quantity
from monitor.core.finding import RELATIVE_PER_YEAR, Check, Effect, SourceWeeks
from monitor.core.trend import Floats, Mask, TrendFit, fit_trend

STEP_EDGE = 6
"""Weeks at either end of the window where no step is looked for."""
STEP_SURER = 14.5
"""A step describes the weeks better than a line if weeks · ln(squares left by the line / by the best step) exceeds this:
a ratio of 1.15 at 104 weeks. It is twice the difference of the logarithms of likelihood."""
CAP_AT_LEAST = 10
"""Posts a week below which sitting at the maximum is nothing special."""
CAP_SHARE = 0.30
"""A source that sits at its maximum in this part of its weeks looks capped."""
CAP_NEAR = 0.02
"""How far below the maximum still counts as sitting at it (relative), but at most …"""
CAP_NEAR_CHANCE = 0.25
"""… this many standard deviations of a Poisson count: large steady counts are near their maximum without any limit."""
CAP_WEIGHT = 0.5
"""Capped sources that carry more than this weight decide the estimate."""

_LARGEST_EXPONENT = 50.0


@dataclass(frozen=True, slots=True)
class Side:
    """The side of a boundary that an estimate must stay on, log per year."""

    boundary: float = 0.0
    """0 for rising and falling; below it, minus the margin, for "not falling"."""

    def same(self, one: float, other: float) -> bool:
        return (one > self.boundary) == (other > self.boundary)


def relative(slope: float) -> float:
    """Relative change per year of a slope in log per year."""
    return exp(min(slope, _LARGEST_EXPONENT)) - 1


def percent(values: tuple[float, ...]) -> tuple[str, ...]:
    """Relative changes in per cent with sign, equally many decimals in all: (0.14, 0.09) → ("+14", "+9")."""
    decimals = 1 if all(abs(value) < 0.0995 for value in values) else 0
    shown = (f"{100 * value:+,.{decimals}f}".replace(",", " ").replace("-", "−") for value in values)
    return tuple(text[1:] if float(text[1:].replace(" ", "")) == 0 else text for text in shown)


def effect_of(fit: TrendFit) -> Effect:
    return Effect(relative(fit.slope), relative(fit.low), relative(fit.high), RELATIVE_PER_YEAR)


def in_words(effect: Effect) -> str:
    """ "+14 % a year, 95 % interval +9 to +20"."""
    if effect.low is None or effect.high is None:
        return f"{percent((effect.value,))[0]} % a year"
    value, low, high = percent((effect.value, effect.low, effect.high))
    return f"{value} % a year, 95 % interval {low} to {high}"


def some_sources(data: SourceWeeks, wanted: Mask) -> SourceWeeks:
    """The same weeks, fewer sources."""
    kept = tuple(name for name, keep in zip(data.sources, wanted, strict=True) if keep)
    return SourceWeeks(kept, data.starts, data.k[wanted], data.n[wanted])


def variant(name: str, subject: str, fit: TrendFit | None, main: TrendFit, side: Side) -> Check:
    """Whether another fit lies on the same side as the main one."""
    if fit is None:
        return Check(name, "failed", f"{subject}: no trend can be estimated.")
    agrees = side.same(fit.slope, main.slope)
    effect = effect_of(fit)
    tail = "the same direction" if agrees else "the other direction"
    return Check(name, "passed" if agrees else "failed", f"{subject}: {in_words(effect)}; {tail}.", effect)


def noted(name: str, subject: str, fit: TrendFit | None) -> Check:
    if fit is None:
        return Check(name, "noted", f"{subject}: no trend can be estimated.")
    effect = effect_of(fit)
    return Check(name, "noted", f"{subject}: {in_words(effect)}.", effect)


def drop_largest(panel: SourceWeeks, fit: TrendFit, side: Side) -> Check:
    """The trend without the source that weighs most."""
    largest = int(np.argmax(fit.weights))
    rest = np.ones(len(panel.sources), np.bool_)
    rest[largest] = False
    subject = f"Without the largest source ({panel.sources[largest]})"
    return variant("drop-largest", subject, fit_trend(some_sources(panel, rest)), fit, side)


def halves(fit: TrendFit, side: Side) -> Check:
    """The slope in each half of the window, from the season-free index.

    Rising and falling ask for the same direction in both halves: a single step in the middle of nothing does not have
    it. "Not falling" is weaker and fails only if both halves fall by more than the margin, which happens when a step
    upward hides a fall; asking more of the much noisier halves would refuse most levels that truly stay.
    """
    middle = len(fit.years) // 2
    first, second = (_line(fit, part)[0] for part in (slice(None, middle), slice(middle, None)))
    if side.boundary < 0:
        passed = max(first, second) > side.boundary
    else:
        passed = side.same(first, fit.slope) and side.same(second, fit.slope)
    one, two = percent((relative(first), relative(second)))
    says = f"First half of the window {one} % a year, second half {two} %."
    return Check("halves-of-time", "passed" if passed else "failed", says)


def line_or_step(fit: TrendFit, side: Side) -> tuple[Check, float]:
    """Whether a steady change describes the weeks about as well as one single step; and the ratio of what is left.

    For "not falling" it is only noted: a level has no line to compare.
    """
    ratio, week = step_ratio(fit)
    at = f"a step in week {week + 1} of {len(fit.years)}"
    if len(fit.years) * log(ratio) < STEP_SURER:
        says = f"A steady change describes the weeks about as well as {at} would (ratio {ratio:.2f})."
        return Check("line-or-step", "passed" if side.boundary == 0 else "noted", says), ratio
    says = f"Described better by {at} than by a steady change (ratio {ratio:.2f}): look for what changed then."
    return Check("line-or-step", "failed" if side.boundary == 0 else "noted", says), ratio


def step_ratio(fit: TrendFit) -> tuple[float, int]:
    """(squares left by a line / squares left by the best single step, first week after that step).

    Both are fitted to the weeks together with a season of their own: a season fitted beside a line has already bent
    part of a step into its wave, and would hide it.
    """
    weeks = len(fit.years)
    root = np.sqrt(fit.expected)[:, None]
    angle = 2 * np.pi * fit.years
    shared, _ = np.linalg.qr(root * np.stack([np.ones(weeks), np.sin(angle), np.cos(angle)], axis=1))
    first = np.arange(STEP_EDGE, weeks - STEP_EDGE + 1)
    steps = (np.arange(weeks)[:, None] >= first).astype(np.float64)
    shapes = root * np.concatenate([fit.years[:, None], steps], axis=1)
    shapes = shapes - shared @ (shared.T @ shapes)
    y = root[:, 0] * (_straight(fit) + fit.season_of_week)
    y = y - shared @ (shared.T @ y)
    whole = float(y @ y)
    size = (shapes**2).sum(axis=0)
    left = whole - np.where(
        size > 1e-9 * size.max(), np.einsum("w,ws->s", y, shapes) ** 2 / np.maximum(size, 1e-300), 0.0
    )
    left = np.maximum(left, 1e-12 * whole)
    best = int(np.argmin(left[1:]))
    return float(left[0] / left[1 + best]) if whole > 0 else 1.0, int(first[best])


def _straight(fit: TrendFit) -> Floats:
    """The season-free index to first order. Unlike its logarithm it is not thrown off by weeks with few counts."""
    return fit.slope * fit.years + fit.residual


def _line(fit: TrendFit, part: slice) -> tuple[float, float]:
    """(slope, squares left) of the weighted straight line through a stretch of the index."""
    years, y, weight = fit.years[part], _straight(fit)[part], fit.expected[part]
    total = float(weight.sum())
    if total <= 0:
        return fit.slope, 0.0
    t = years - weight @ years / total
    y = y - weight @ y / total
    spread = float(weight @ t**2)
    slope = float(weight @ (t * y)) / spread if spread > 0 else fit.slope
    return slope, float(weight @ (y - slope * t) ** 2)


@dataclass(frozen=True, slots=True)
class Caps:
    """Sources whose weekly counts sit at their maximum so often that a limit seems to cut them."""

    biased: NDArray[np.bool_]
    """(sources,): the count itself is cut; what the source says about change is wrong."""
    fair: NDArray[np.bool_]
    """(sources,): only the posts compared with are cut; a share stays fair if the limit favours no kind of post."""


def find_caps(data: SourceWeeks, quantity: Quantity) -> Caps:
    """Looks for a collector's or platform's limit in the counts.

    A rate is cut by any limit, so its counts are looked at in fully observed weeks. In a share, a limit on all posts
    alike leaves the share fair, while one on the counted kind does not; weeks in which every post was of that kind tell
    nothing about it. A publisher with a fixed programme of ten or more posts a week cannot be told from a limit: it is
    treated as one, which loses only a source without any change.
    """
    if quantity == "rate":
        full = data.n == np.maximum(data.n.max(axis=1, initial=0), 1)[:, None]
        return Caps(_at_maximum(data.k, full), np.zeros(len(data.sources), np.bool_))
    some = data.n > 0
    return Caps(_at_maximum(data.k, some, data.k < data.n), _at_maximum(data.n, some))


def _at_maximum(counts: NDArray[np.int64], weeks: Mask, telling: Mask | None = None) -> Mask:
    """Which sources sit at their maximum too often; only `telling` weeks are held against them."""
    top = np.where(weeks, counts, 0).max(axis=1, initial=0)
    near = np.minimum(CAP_NEAR * top, CAP_NEAR_CHANCE * np.sqrt(top))
    at_top = weeks & (counts >= (top - near)[:, None])
    if telling is not None:
        at_top &= telling
    seen: Mask = (top >= CAP_AT_LEAST) & (at_top.sum(axis=1) >= CAP_SHARE * np.maximum(weeks.sum(axis=1), 1))
    return seen


def first_and_last(data: SourceWeeks, fit: TrendFit, *, season_free: bool = False) -> tuple[float, float] | None:
    """Share (or posts a day) of the average source in the first and the last quarter of the window.

    Sources weigh as in the slope; only those with data in both quarters count, so that both figures speak of the same
    sources. Raw unless `season_free`, which divides by the fitted season.
    """
    quarter = max(len(fit.years) // 4, 1)
    factor = np.exp(fit.season_of_week) if season_free else np.ones(len(fit.years))
    counted = np.where(data.n > 0, data.k, 0).astype(np.float64)
    base = data.n * factor
    parts = [slice(None, quarter), slice(len(fit.years) - quarter, None)]
    under = [base[:, part].sum(axis=1) for part in parts]
    both = (under[0] > 0) & (under[1] > 0) & (fit.weights > 0)
    weight = float(fit.weights[both].sum())
    if weight <= 0:
        return None
    first, last = (
        float(fit.weights[both] @ (counted[both, part].sum(axis=1) / below[both])) / weight
        for part, below in zip(parts, under, strict=True)
    )
    return first, last
