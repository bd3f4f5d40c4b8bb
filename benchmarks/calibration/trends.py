"""How often the trend test is right, wrong or silent in worlds whose truth is known."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np

from benchmarks.calibration.worlds import LOUD, MODERATE, NULLS, SEASON, D, World, simulate
from monitor.core.claim import ALL_POSTS, TrendTest
from monitor.core.estimates import share
from monitor.core.trend import fit_trend
from monitor.core.trend_rules import DETECTABLE, judge_trend, plan

SIZES = ((8, 104), (12, 78), (40, 78), (40, 104), (150, 104))
RISES = {"0 %": 0.0, "+10 %": log(1.10), "+25 %": log(1.25), "+50 %": log(1.50), "−10 %": -log(1.10)}
RISING = TrendTest(numerator=ALL_POSTS)
NOT_FALLING = TrendTest(numerator=ALL_POSTS, direction="not_falling")
MARGIN = log(1 + RISING.smallest)

NULL_AT_MOST = 0.045
COVERAGE_AT_LEAST = 0.93
WRONG_SIGN_BELOW = 0.01
POWER_AT_LEAST = {
    ("moderate", "+25 %"): 0.85,
    ("D", "+25 %"): 0.65,
    ("moderate", "+50 %"): 0.95,
    ("D", "+50 %"): 0.95,
}
"""At 40 sources and 104 weeks, before the robustness checks."""
LOWER_SIZES = ((5, 104), (40, 52), (40, 60))
STEP = replace(MODERATE, name="step", says="moderate and a step of +40 % in all sources at once", step=log(1.4))
SLOW = replace(
    MODERATE, name="slow shocks", says="moderate, but shocks remember 90 % from week to week", shock_memory=0.9
)
PEAK = replace(
    MODERATE,
    name="peak",
    says="moderate and a season with one sharp peak of about +35 %",
    season=0.2,
    season_shape="peak",
)
WEAK = (STEP, SLOW, PEAK)

_CHUNK = 50


@dataclass(frozen=True, slots=True)
class Cell:
    world: World
    sources: int
    weeks: int
    rise: str
    """A name in RISES: the truth."""

    @property
    def trend(self) -> float:
        return RISES[self.rise]

    @property
    def size(self) -> str:
        return f"{self.sources}×{self.weeks}"

    @property
    def ask_not_falling(self) -> bool:
        return self.world in (MODERATE, D) and self.rise in ("0 %", "−10 %")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in one run."""

    tested: bool = False
    """There were data enough for a test."""
    rose: bool = False
    """The 95 % interval lies above 0: supported before the checks."""
    fell: bool = False
    supported: bool = False
    """After the checks."""
    contradicted: bool = False
    not_falling: bool = False
    """`not_falling` is supported, after the checks; only asked where `Cell.ask_not_falling`."""
    covered: bool = False
    half_width: float = float("inf")
    detectable: float = float("inf")
    slope: float = 0.0
    uncapped_rose: bool = False
    """The same without caps on weeks, an earlier form of the test."""
    uncapped_half_width: float = float("inf")


@dataclass(frozen=True, slots=True)
class Tally:
    """All runs of a cell."""

    cell: Cell
    runs: int
    outcomes: tuple[Outcome, ...]

    def count(self, figure: str) -> int:
        return sum(bool(getattr(outcome, figure)) for outcome in self.outcomes)

    def rate(self, figure: str) -> float:
        return self.count(figure) / self.runs

    def interval(self, figure: str) -> tuple[float, float]:
        """Wilson's 95 % interval: what the limited number of runs leaves open."""
        found = share(np.array([self.count(figure)]), np.array([self.runs]))
        return float(found.low[0]), float(found.high[0])

    def median(self, figure: str) -> float:
        return float(np.median([getattr(outcome, figure) for outcome in self.outcomes]))

    @property
    def coverage(self) -> float:
        """Of the 95 % interval, among runs with data enough for a test."""
        tested = self.count("tested")
        return self.count("covered") / tested if tested else 1.0


def run_one(cell: Cell, seed: int, number: int) -> Outcome:
    """One draw, judged. What is drawn depends on nothing but the arguments."""
    key = [seed, *cell.world.name.encode(), cell.sources, cell.weeks, list(RISES).index(cell.rise), number]
    sample = simulate(cell.world, cell.sources, cell.weeks, cell.trend, np.random.default_rng(key))
    fit, uncapped = fit_trend(sample.panel), fit_trend(sample.panel, shock=0.0)
    if fit is None or uncapped is None or plan(sample.panel, RISING).missing:
        return Outcome()

    def verdict(test: TrendTest, possible: bool) -> str:
        """Asks for the whole verdict, checks and all, only where the interval allows the one that is counted."""
        return judge_trend(sample.panel, test, everything=sample.everything).verdict if possible else "not counted"

    rising = verdict(RISING, fit.low > 0 or fit.high < MARGIN)
    stays = verdict(NOT_FALLING, cell.ask_not_falling and fit.low > -MARGIN)
    return Outcome(
        tested=True,
        rose=fit.low > 0,
        fell=fit.high < 0,
        supported=rising == "supported",
        contradicted=rising == "contradicted",
        not_falling=stays == "supported",
        covered=fit.low <= sample.truth <= fit.high,
        half_width=fit.half_width,
        detectable=exp(DETECTABLE * fit.half_width) - 1,
        slope=fit.slope,
        uncapped_rose=uncapped.low > 0,
        uncapped_half_width=uncapped.half_width,
    )


def run_chunk(task: tuple[Cell, int, int, int]) -> list[Outcome]:
    cell, seed, first, last = task
    return [run_one(cell, seed, number) for number in range(first, last)]


def tally(cells: Sequence[Cell], runs: int, seed: int, pool: Executor | None = None) -> Iterator[Tally]:
    """Runs all cells, in processes if a pool is given, and yields them in order."""
    tasks = [(cell, seed, at, min(at + _CHUNK, runs)) for cell in cells for at in range(0, runs, _CHUNK)]
    results = pool.map(run_chunk, tasks) if pool is not None else map(run_chunk, tasks)
    per_cell = -(-runs // _CHUNK)
    for cell in cells:
        outcomes = itertools.chain.from_iterable(itertools.islice(results, per_cell))
        yield Tally(cell, runs, tuple(outcomes))


def null_cells() -> list[Cell]:
    return [Cell(world, *size, "0 %") for world in NULLS for size in SIZES]


def power_cells() -> list[Cell]:
    plain = [Cell(world, *size, rise) for world in (MODERATE, D) for size in SIZES for rise in RISES if rise != "0 %"]
    return plain + [Cell(LOUD, *size, "+25 %") for size in SIZES]


def edge_cells() -> list[Cell]:
    """Where the gates let a test pass that has little to stand on, and what the test is known to be weak against."""
    small = [Cell(world, *size, "0 %") for world in (D, SEASON) for size in LOWER_SIZES]
    return small + [Cell(world, 40, weeks, "0 %") for world in WEAK for weeks in (60, 78, 104)]
