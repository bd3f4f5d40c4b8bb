"""Worlds with known changes, in which the detectors of sudden change are tried out.

A world is a watch list of sixty series over two years: one counts all posts, one has two thirds of them, the others
have between 0.3 % and 30 %. Every world exists twice, with the same random numbers: once with nothing sudden in it, for
false alarms, and once with seeded changes, for sensitivity and delay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from monitor.core.signals.series import Floats, Ints, Size, WatchSeries

SERIES = 60
DAYS = 737
"""Two years and a week."""
FIRST_DAY = 19_723
"""Monday, 1 January 2024."""
WARM = 182
"""Days before anything is counted: detectors may need that much."""
FACTORS = (1.5, 2.0, 3.0)
LASTS: dict[Size, tuple[int, ...]] = {"day": (1, 3, 7), "week": (1, 3)}
FALL = 0.25
"""Falls are to a quarter, for as long as the longest rise."""


@dataclass(frozen=True, slots=True)
class SignalWorld:
    """What goes on in a simulated watch list; nothing of it is told to the detectors."""

    name: str
    says: str
    posts: float = 300.0
    """A day, all series together."""
    weekdays: bool = True
    """Half as many posts at weekends, and series that differ in it."""
    spread: float = 0.0
    """Standard deviation of daily noise that all series share, log; its memory from day to day is .5."""
    own_spread: float = 0.0
    """The same for each series alone."""
    season: float = 0.0
    """Amplitude of a yearly wave, at another time of the year for every series, log."""
    drift: float = 0.0
    """All posts grow by this much a year, and each series drifts against them with this standard deviation, log."""
    outages: bool = False
    """Six a year, one to five days, of all sources or of some of them."""
    holidays: bool = False
    """Twelve days at the turn of the year and four long weekends with four posts in ten."""
    batches: float = 0.0
    """How often a year a feed delivers 20 posts of all kinds at once."""
    narrow_batches: float = 0.0
    """The same with seven in ten on one key."""


PLAIN = SignalWorld("plain", "nothing but chance, no weekdays", weekdays=False)
WEEKDAYS = SignalWorld("weekdays", "chance and weekdays")
SPREAD = replace(
    WEEKDAYS,
    name="overdispersed",
    says="weekdays, noise of 15 % in all series and 15 % in each",
    spread=0.15,
    own_spread=0.15,
)
DRIFT = replace(SPREAD, name="drift", says="overdispersed, and slow drifts of some 40 % a year", drift=0.35)
SEASON = replace(SPREAD, name="season", says="overdispersed, and yearly waves of 25 %", season=0.25)
OUTAGES = replace(SPREAD, name="outages", says="overdispersed, and days or sources without observation", outages=True)
HOLIDAYS = replace(SPREAD, name="holidays", says="overdispersed, and holidays with 40 % of the posts", holidays=True)
BATCHES = replace(SPREAD, name="batches", says="overdispersed, and 20 posts of all kinds at once, monthly", batches=12)
ALL = replace(
    SPREAD,
    name="all together",
    says="all of the above with waves of 15 % and drifts of some 20 % a year",
    season=0.15,
    drift=0.2,
    outages=True,
    holidays=True,
    batches=12,
)
QUIET = replace(ALL, name="few posts", says="all together, with 40 posts a day in all", posts=40.0)
NARROW = replace(
    SPREAD, name="narrow batches", says="overdispersed, and 14 posts on one key at once, monthly", narrow_batches=12
)
JUMPY = replace(SPREAD, name="jumpy", says="weekdays, noise of 15 % in all series and 35 % in each", own_spread=0.35)

CALM = (PLAIN, WEEKDAYS, SPREAD, DRIFT, SEASON, OUTAGES, HOLIDAYS, BATCHES, ALL, QUIET)
"""The budget must hold in all of these."""
HARSH = (JUMPY, NARROW)
"""Shown, and known to break it."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """One seeded change."""

    series: int
    start: int
    """Period index."""
    lasts: int
    """Periods."""
    factor: float


@dataclass(frozen=True, slots=True)
class Draw:
    calm: tuple[WatchSeries, ...]
    changed: tuple[WatchSeries, ...]
    seeded: tuple[Seeded, ...]
    means: Floats
    """(series,) posts a period."""


def draw(world: SignalWorld, size: Size, rng: np.random.Generator) -> Draw:
    """One watch list. For weeks, the same days added up to whole weeks."""
    starts = np.arange(FIRST_DAY, FIRST_DAY + DAYS)
    exposure = _exposure(world, rng)
    total = _total(world, starts, rng) * exposure
    shares = _shares(world, starts, exposure, rng)
    of: Ints = rng.poisson(total)
    extra_of, extra = _batches(world, shares, rng)
    counts = rng.binomial(of, shares)
    counts[0] = of
    seeded = _seeded(size, rng)
    days = 7 if size == "week" else 1
    added = np.zeros_like(counts)
    for one in seeded:
        at = slice(one.start * days, (one.start + one.lasts) * days)
        if one.factor > 1:
            mean = (one.factor - 1) * (total if one.series == 0 else total * shares[one.series])[at]
            added[one.series, at] += rng.poisson(mean)
        else:
            added[one.series, at] -= rng.binomial(counts[one.series, at], 1 - one.factor)
    calm = counts + np.where(exposure > 0, extra, 0)
    all_calm = of + np.where(exposure > 0, extra_of, 0)
    calm[0] = all_calm

    def series(values: Ints, of_all: Ints, at: int) -> WatchSeries:
        return _series(f"key={at}", size, starts, values, of_all, exposure)

    return Draw(
        tuple(series(calm[at], all_calm, at) for at in range(SERIES)),
        tuple(series(calm[at] + added[at], all_calm + added[at], at) for at in range(SERIES)),
        seeded,
        calm.mean(axis=1) * days,
    )


def _series(key: str, size: Size, starts: Ints, counts: Ints, of: Ints, exposure: Floats) -> WatchSeries:
    if size == "day":
        return WatchSeries(key, size, starts, counts, of, exposure)
    weeks = len(starts) // 7

    def weekly(values: NDArray[Any]) -> NDArray[Any]:
        summed: NDArray[Any] = values[: weeks * 7].reshape(weeks, 7).sum(axis=1)
        return summed

    return WatchSeries(key, size, starts[: weeks * 7 : 7], weekly(counts), weekly(of), weekly(exposure) / 7)


def _noise(rng: np.random.Generator, shape: tuple[int, ...], spread: float) -> Floats:
    fresh = rng.normal(0, spread * np.sqrt(1 - 0.5**2), shape)
    remembered: Floats = lfilter([1], [1, -0.5], fresh, axis=-1)
    return remembered


def _total(world: SignalWorld, starts: Ints, rng: np.random.Generator) -> Floats:
    log = _noise(rng, (DAYS,), world.spread) + world.drift * (np.arange(DAYS) - DAYS / 2) / 365
    if world.weekdays:
        log += np.log(np.array([1.15, 1.2, 1.2, 1.15, 1.1, 0.65, 0.55]))[(starts + 3) % 7]
    if world.season:
        log += world.season * np.sin(2 * np.pi * starts / 365.25 + 1)
    if world.holidays:
        for day in (*(year * 365 + at for year in (0, 1) for at in (92, 121, 140, 246)),):
            log[day : day + 3] += np.log(0.4)
        for turn in (-8, 357, 722):
            log[max(turn, 0) : turn + 12] += np.log(0.4)
    rates: Floats = world.posts * np.exp(log)
    return rates


def _shares(world: SignalWorld, starts: Ints, exposure: Floats, rng: np.random.Generator) -> Floats:
    level = np.exp(rng.uniform(np.log(0.003), np.log(0.3), SERIES))
    level[1] = 0.65
    log = _noise(rng, (SERIES, DAYS), world.own_spread)
    if world.weekdays:
        log += rng.normal(0, 0.2, (SERIES, 7))[:, (starts + 3) % 7]
    log += rng.normal(0, 1, (SERIES, 1)) * world.drift * (np.arange(DAYS) - DAYS / 2) / 365
    log += world.season * np.sin(2 * np.pi * starts / 365.25 + rng.uniform(0, 6.3, (SERIES, 1)))
    # with some sources missing the rest has another mix
    log += rng.normal(0, 0.15, (SERIES, DAYS)) * ((exposure < 1) & (exposure > 0))
    odds = level[:, None] / (1 - level[:, None]) * np.exp(log)
    shares: Floats = odds / (1 + odds)
    return shares


def _exposure(world: SignalWorld, rng: np.random.Generator) -> Floats:
    exposure = np.ones(DAYS)
    if world.outages:
        for _ in range(rng.poisson(6 * DAYS / 365)):
            at = rng.integers(DAYS)
            left = 0.0 if rng.random() < 0.4 else rng.uniform(0.3, 0.95)
            exposure[at : at + rng.integers(1, 6)] = left
    return exposure


def _batches(world: SignalWorld, shares: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    of, counts = np.zeros(DAYS, np.int64), np.zeros((SERIES, DAYS), np.int64)
    for narrow, often in ((False, world.batches), (True, world.narrow_batches)):
        for _ in range(rng.poisson(often * DAYS / 365)):
            at, posts = rng.integers(DAYS), 20
            chance = shares[:, at].copy()
            if narrow:
                chance[rng.integers(2, SERIES)] = 0.7
            of[at] += posts
            counts[:, at] += rng.binomial(posts, chance)
    return of, counts


def _seeded(size: Size, rng: np.random.Generator) -> tuple[Seeded, ...]:
    """Five in each series of days, three in each of weeks, far enough apart not to meet."""
    kinds = [(factor, lasts) for factor in FACTORS for lasts in LASTS[size]] + [(FALL, LASTS[size][-1])]
    first, step, many, room = (200, 100, 5, 30) if size == "day" else (40, 20, 3, 6)
    found = []
    for series in range(SERIES):
        for at in range(many):
            factor, lasts = kinds[rng.integers(len(kinds))]
            found.append(Seeded(series, first + step * at + int(rng.integers(room)), lasts, factor))
    return tuple(found)
