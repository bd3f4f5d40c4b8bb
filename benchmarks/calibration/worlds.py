"""Worlds with a known truth, in which the trend test is tried out.

Shares are generated on the logit scale, not on the log scale on which they are analysed, so that the test is not
flattered by a model that happens to be true. The slope of each source is scaled so that its expected share, noise
within the source included, changes by the wanted relative amount per year in the middle of the window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.signal import lfilter

from monitor.core.finding import SourceWeeks

Floats = NDArray[np.float64]

WEEKS_PER_YEAR = 52.18
MEMORY = 0.35
"""Standard deviation of noise that a source remembers (correlation .5 from week to week), logit."""
FRESH = 0.4
"""Standard deviation of noise that it does not remember: more spread than chance allows."""


@dataclass(frozen=True, slots=True)
class World:
    """What goes on in a simulated world; nothing of it is told to the test."""

    name: str
    says: str
    slope_spread: float = 0.0
    """Standard deviation of the slopes of sources, log per year."""
    shock: float = 0.0
    """Standard deviation of shocks common to all sources, logit."""
    shock_memory: float = 0.4
    """Correlation of shocks from one week to the next."""
    events: float = 0.0
    """News events per year; each lifts all shares for about three weeks."""
    giant: bool = False
    """One source posts as much as some forty others together."""
    outages: float = 0.0
    """Part of all source-weeks that were not observed, in stretches of about three weeks."""
    sparse: bool = False
    """Three in ten sources are small, and silent in three weeks of ten on top of that."""
    season: float = 0.0
    """Amplitude of a yearly wave, with dips over the holidays."""
    season_shape: Literal["wave", "peak"] = "wave"
    churn: bool = False
    """Half as many sources again appear or vanish within the window; those that appear have shares of .35, not .20."""
    drift: bool = False
    """Sources with a large share grow fast, those with a small one shrink: the mix rises, no source does."""
    giant_slope: float | None = None
    """The slope of the giant alone, log per year."""
    loud_week: bool = False
    """In one week every source posts twenty times as much, on something of that week."""
    step: float = 0.0
    """Log change of all shares at one moment: a tagger was changed."""


A = World("A", "overdispersed, memory within sources")
B = replace(A, name="B", says="A and common shocks with memory, news events", shock=0.2, events=2.0)
C = replace(A, name="C", says="A and slopes that differ", slope_spread=0.25)
D = World(
    "D",
    "B and C, a giant, outages, sparse sources",
    slope_spread=0.25,
    shock=0.2,
    events=2.0,
    giant=True,
    outages=0.05,
    sparse=True,
)
MODERATE = World(
    "moderate",
    "smaller shocks, one event a year, slopes that differ less, a giant, outages",
    slope_spread=0.15,
    shock=0.15,
    shock_memory=0.3,
    events=1.0,
    giant=True,
    outages=0.05,
)
SEASON = replace(MODERATE, name="season", says="moderate and a season of 12 % with dips over the holidays", season=0.12)
CHURN = replace(MODERATE, name="churn", says="moderate and sources that appear and vanish", churn=True)
DRIFT = replace(MODERATE, name="drift", says="no source changes, the mix of sources does", slope_spread=0.0, drift=True)
GIANT = replace(
    MODERATE,
    name="giant",
    says="only the giant rises, by 50 % a year",
    slope_spread=0.0,
    giant_slope=float(np.log(1.5)),
)
LOUD = replace(MODERATE, name="loud week", says="moderate and one week with twenty times the posts", loud_week=True)
NULLS = (A, B, C, D, MODERATE, SEASON, CHURN, DRIFT, GIANT, LOUD)


@dataclass(frozen=True, slots=True)
class Sample:
    """One draw from a world."""

    truth: float
    """Log change per year of the average source of the panel."""

    panel: SourceWeeks
    """Sources observed in at least 80 % of the weeks."""
    everything: SourceWeeks


def simulate(world: World, sources: int, weeks: int, trend: float, rng: np.random.Generator) -> Sample:
    """`trend`: log change per year of the average source, scaled for each source to its share."""
    extra = sources // 2 if world.churn else 0
    count = sources + extra
    years = (np.arange(weeks) - (weeks - 1) / 2) / WEEKS_PER_YEAR

    level = special.logit(0.2) + rng.normal(0, 0.7, count)
    if extra:
        level[sources:] = special.logit(0.35) + rng.normal(0, 0.7, extra)
    scale = _logit_per_log(level)
    slopes = trend + rng.normal(0, world.slope_spread, count)
    size = np.exp(rng.normal(np.log(12), 1.0, count))
    if world.sparse:
        size[: max(1, int(0.3 * sources))] = np.exp(rng.normal(np.log(1.5), 0.4, max(1, int(0.3 * sources))))
    if world.giant or world.giant_slope is not None:
        size[sources - 1] = 500.0
    if world.giant_slope is not None:
        slopes[sources - 1] = world.giant_slope

    logit = level[:, None] + (slopes * scale)[:, None] * years
    logit += _memory(rng, (count, weeks), 0.5, MEMORY) + rng.normal(0, FRESH, (count, weeks))
    logit += _common(world, weeks, rng)
    log_change = np.zeros(weeks)
    if world.season:
        log_change += _season(world, weeks, rng)
    if world.step:
        log_change += world.step * (np.arange(weeks) >= rng.integers(weeks // 4, weeks - weeks // 4))
    logit += log_change * scale[:, None]

    growth = np.full(count, np.log(1.35))
    if world.drift:
        growth += 0.5 * (level - level.mean())
    volume = np.log(size)[:, None] + growth[:, None] * years
    volume += _memory(rng, (count, weeks), 0.5, 0.2) + rng.normal(0, 0.15, (count, weeks))
    if world.loud_week:
        loud = rng.integers(weeks)
        volume[:, loud] += np.log(20)
        logit[:, loud] += rng.normal(0, 0.4)
    n = rng.poisson(np.exp(volume))
    if world.sparse:
        small = slice(0, max(1, int(0.3 * sources)))
        n[small] *= rng.random(n[small].shape) >= 0.3
    observed = _observed(world, count, sources, weeks, rng)
    n = np.where(observed, n, 0)
    k = rng.binomial(n, special.expit(logit))

    names = tuple(f"s{number}" for number in range(count))
    starts = 7 * np.arange(weeks, dtype=np.int64)
    steady = observed.mean(axis=1) >= 0.8
    everything = SourceWeeks(names, starts, k, n)
    panel = SourceWeeks(tuple(np.array(names)[steady]), starts, k[steady], n[steady])
    truth = trend if world.giant_slope is None else trend + (world.giant_slope - trend) / sources
    return Sample(truth, panel, everything)


def _logit_per_log(level: Floats) -> Floats:
    """How far to move on the logit scale for the expected share to change by one on the log scale, per source."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    share = special.expit(level[:, None] + np.hypot(MEMORY, FRESH) * nodes)
    change: Floats = (share @ weights) / ((share * (1 - share)) @ weights)
    return change


def _memory(rng: np.random.Generator, shape: tuple[int, ...], rho: float, size: float) -> Floats:
    """Stationary autoregressive noise of order 1 along the last axis, with standard deviation `size`."""
    noise = rng.normal(0, 1, shape)
    noise[..., 1:] *= np.sqrt(1 - rho**2)
    filtered: Floats = size * lfilter([1.0], [1.0, -rho], noise, axis=-1)
    return filtered


def _common(world: World, weeks: int, rng: np.random.Generator) -> Floats:
    shocks = _memory(rng, (weeks,), world.shock_memory, world.shock) if world.shock else np.zeros(weeks)
    for start in rng.integers(0, weeks, rng.poisson(world.events * weeks / WEEKS_PER_YEAR)):
        age = np.arange(weeks - start)
        shocks[start:] += rng.exponential(0.4) * np.exp(-age / 1.5)
    return shocks


def _season(world: World, weeks: int, rng: np.random.Generator) -> Floats:
    week = (np.arange(weeks) + rng.integers(0, 52)) % WEEKS_PER_YEAR
    angle = 2 * np.pi * week / WEEKS_PER_YEAR
    if world.season_shape == "peak":
        peak: Floats = world.season * 2 * (np.exp(3 * (np.cos(angle) - 1)) - 0.24)
        return peak
    holidays = (week < 1) | (week >= 51) | ((week >= 30) & (week < 33))
    wave: Floats = world.season * np.sin(angle) - 0.25 * holidays
    return wave


def _observed(world: World, count: int, sources: int, weeks: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    observed = np.ones((count, weeks), np.bool_)
    if world.outages:
        for row, start in zip(*np.nonzero(rng.random((count, weeks)) < world.outages / 3), strict=True):
            observed[row, start : start + rng.geometric(1 / 3)] = False
    week = np.arange(weeks)
    for row in range(sources, count):
        moment = rng.integers(weeks // 4, weeks - weeks // 4)
        observed[row] &= week >= moment if rng.random() < 0.6 else week < moment
    return observed
