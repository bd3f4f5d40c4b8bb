"""How often the detectors of sudden change are right, wrong or late in watch lists whose truth is known.

    python -m benchmarks.calibration.signals [--runs 4] [--seed 1] [--jobs 2]

writes benchmarks/results/signals.md. A *false alarm* is a stretch of firing in a watch list where nothing sudden was
seeded; stretches that follow each other within a week are one. A seeded change counts as *found* if a detector fires
from its first period to its last, or to its third if it is shorter (weeks: to its last). *By chance* is how often the
same detector fires in the same periods of the same list without the change.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

# One thread per process: the products are small, and the processes already use every core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.calibration.signal_worlds import (
    CALM,
    FACTORS,
    HARSH,
    LASTS,
    SERIES,
    Seeded,
    SignalWorld,
    draw,
)
from monitor.core.signals import ears
from monitor.core.signals.combine import BUDGET_DAYS, fire, judge, thresholds
from monitor.core.signals.detectors import Judged
from monitor.core.signals.series import LENGTH, Floats, Mask, Size, WatchSeries

RESULT = Path(__file__).parents[1] / "results" / "signals.md"
WARM: Mapping[Size, int] = {"day": 182, "week": 30}
"""Periods before anything is counted."""
APART = 7
"""Days within which stretches of firing are one false alarm."""
SMALL, LARGE = 4.0, 16.0
"""Posts a period that part small, middling and large series."""

DEFAULT, RISES, C1, TRIPLE = "default", "default, rises alone", "plain C1", "3 × mean of 7"
BUDGETS = tuple(
    map(
        float,
        "0.0001 0.001 0.01 0.03 0.1 0.3 1 1.5 2 3 4 6 8 10 12 14 16 18 20 25 30 40 60 100 150 220 300 600 1500".split(),
    )
)
C1_THRESHOLDS = tuple(map(float, "3 3.25 3.5 3.75 4 4.25 4.5 4.75 5 5.5 6 7 8 9 10 11 12 13 15 20 30".split()))
MULTIPLES = tuple(map(float, "3 3.5 4 5 6 8 10 12 15 20 30".split()))


@dataclass(slots=True)
class Tally:
    """What detectors did in one world; counters by detector, or by detector and kind of change."""

    world: str
    size: Size
    series_years: float = 0.0
    alarms: Counter[str] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    chance: Counter[tuple[str, str]] = field(default_factory=Counter)
    delays: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Summed over what was found, in periods."""
    seeded: Counter[str] = field(default_factory=Counter)
    """By kind."""
    by_size: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rises found, by detector and size of the series; seeded ones under the detector ''."""

    def add(self, other: Tally) -> None:
        self.series_years += other.series_years
        for name in ("alarms", "found", "chance", "delays", "seeded", "by_size"):
            getattr(self, name).update(getattr(other, name))

    def per_year(self, detector: str) -> float:
        return self.alarms[detector] / self.series_years

    def in_budget_time(self, detector: str) -> float:
        """False alarms in 30 days over the watch list."""
        return self.per_year(detector) * SERIES * BUDGET_DAYS / 365

    def rate(self, detector: str, kind: str, of: str = "found") -> float:
        return float(getattr(self, of)[detector, kind] / self.seeded[kind])

    def sensitivity(self, detector: str, of: str = "found") -> float:
        """Mean over the kinds of rises, each counting the same."""
        kinds = rises(self.size)
        return sum(self.rate(detector, kind, of) for kind in kinds) / len(kinds)

    def delay(self, detector: str) -> float:
        """Mean over all rises found, in days."""
        found = sum(self.found[detector, kind] for kind in rises(self.size))
        waited = sum(self.delays[detector, kind] for kind in rises(self.size))
        return waited / found * LENGTH[self.size] if found else float("nan")


@dataclass(frozen=True, slots=True)
class Row:
    """One detector on one set of worlds."""

    size: Size
    worlds: str
    detector: str
    false_alarms: float
    """Per series and year."""
    sensitivity: float
    tally: Tally = field(repr=False)


def rises(size: Size) -> list[str]:
    return [f"×{factor:g}, {lasts}" for factor in FACTORS for lasts in LASTS[size]]


def kind_of(one: Seeded) -> str:
    return f"×{one.factor:g}, {one.lasts}"


def run(runs: int, seed: int, jobs: int) -> list[Row]:
    """Every detector in every world and over all calm worlds, from `runs` lists each. `jobs` changes nothing else."""
    tallies: dict[tuple[Size, str], Tally] = {}
    wanted = [(size, at, one) for size in LASTS for at in range(len(CALM + HARSH)) for one in range(runs)]
    with ProcessPoolExecutor(jobs) as pool:
        for done in pool.map(_tally, wanted, [seed] * len(wanted)):
            tallies.setdefault((done.size, done.world), Tally(done.world, done.size)).add(done)
            print(f"{done.size} {done.world}", file=sys.stderr, flush=True)
    for size in LASTS:
        pooled = tallies[size, "all calm worlds"] = Tally("all calm worlds", size)
        for world in CALM:
            pooled.add(tallies[size, world.name])
    return [
        Row(size, world, detector, tally.per_year(detector), tally.sensitivity(detector), tally)
        for (size, world), tally in tallies.items()
        for detector in (*_names(), *_grid())
    ]


def _names() -> tuple[str, ...]:
    return (DEFAULT, RISES, "share", "farrington", "ewma", "c1", "c2", "c3", C1, TRIPLE)


def _grid() -> tuple[str, ...]:
    return (
        *(f"{name} {budget:g}" for name in (DEFAULT, RISES) for budget in BUDGETS),
        *(f"{C1} {threshold:g}" for threshold in C1_THRESHOLDS),
        *(f"{TRIPLE} {multiple:g}" for multiple in MULTIPLES),
    )


def _tally(wanted: tuple[Size, int, int], seed: int) -> Tally:
    size, at, one = wanted
    world: SignalWorld = (*CALM, *HARSH)[at]
    sample = draw(world, size, np.random.default_rng((seed, at, one, LENGTH[size])))
    alphas = {budget: thresholds(sample.calm, budget)[size] for budget in BUDGETS}
    done = Tally(world.name, size)
    calm: list[Mapping[str, Mask]] = []
    for series in sample.calm:
        fired = _fired(series, alphas)
        calm.append(fired)
        done.series_years += (len(series.starts) - WARM[size]) * LENGTH[size] / 365
        for detector, mask in fired.items():
            done.alarms[detector] += _stretches(mask[WARM[size] :], APART // LENGTH[size])
    changed = [_fired(series, alphas) for series in sample.changed]
    for seeded in sample.seeded:
        kind = kind_of(seeded)
        until = seeded.start + (max(seeded.lasts, 3) if size == "day" else seeded.lasts)
        done.seeded[kind] += 1
        mean = sample.means[seeded.series]
        scale = "small" if mean < SMALL else "middling" if mean < LARGE else "large"
        done.by_size["", scale] += seeded.factor > 1
        for detector, mask in changed[seeded.series].items():
            where = np.flatnonzero(mask[seeded.start : until])
            done.chance[detector, kind] += bool(calm[seeded.series][detector][seeded.start : until].any())
            if len(where):
                done.found[detector, kind] += 1
                done.delays[detector, kind] += int(where[0])
                done.by_size[detector, scale] += seeded.factor > 1
    return done


def _fired(series: WatchSeries, alphas: Mapping[float, Mapping[int, float]]) -> dict[str, Mask]:
    """When each detector fired; both directions, for those that have two."""
    judged = judge(series)
    fired: dict[str, Mask] = {}
    for budget, thresholds_of in alphas.items():
        sides = fire(judged, thresholds_of)
        fired[f"{DEFAULT} {budget:g}"] = sides["up"].fired | sides["down"].fired
        fired[f"{RISES} {budget:g}"] = sides["up"].fired
    fired[DEFAULT], fired[RISES] = fired[f"{DEFAULT} {1.0:g}"], fired[f"{RISES} {1.0:g}"]
    with np.errstate(invalid="ignore", divide="ignore"):
        fired["farrington"] = _alone(judged.count, alphas[1.0], len(series.starts))
        fired["share"] = _alone(judged.share, alphas[1.0], len(series.starts))
        for name, statistic in ears.STATISTICS.items():
            fired[name] = statistic(series) > ears.THRESHOLDS[name]
        plain = ears.c1(series, floor=False)
        fired |= {f"{C1} {threshold:g}": plain > threshold for threshold in C1_THRESHOLDS}
        multiple = _over_mean(series)
        fired |= {f"{TRIPLE} {least:g}": multiple > least for least in MULTIPLES}
    fired[C1], fired[TRIPLE] = fired[f"{C1} {3.0:g}"], fired[f"{TRIPLE} {3.0:g}"]
    return fired


def _alone(windows: Mapping[int, Judged], alphas: Mapping[int, float], length: int) -> Mask:
    """One detector without the other, at the same thresholds."""
    fired = np.zeros(length, np.bool_)
    for width, judged in windows.items():
        fired |= (judged.up <= alphas[width]) | (judged.down <= alphas[width])
    return fired


def _stretches(mask: Mask, apart: int) -> int:
    at = np.flatnonzero(mask)
    return int((np.diff(at) > apart).sum()) + 1 if len(at) else 0


def _over_mean(series: WatchSeries) -> Floats:
    """Counts over the mean of the latest 7 observed periods before; NaN where there are fewer."""
    seen = np.flatnonzero(series.seen)
    rates = series.counts[seen] / series.exposure[seen]
    found = np.full(len(series.starts), np.nan)
    if len(seen) > 7:
        found[seen[7:]] = rates[7:] / np.lib.stride_tricks.sliding_window_view(rates, 7)[:-1].mean(axis=1)
    return found


# --- the document ---------------------------------------------------------------------------------------------------


def write(rows: Sequence[Row], *, runs: int, seed: int) -> tuple[str, list[str]]:
    """(document, targets missed)."""
    tallies = {(row.size, row.worlds): row.tally for row in rows}
    missed = [line for key, tally in tallies.items() if key[1] in _CALM_NAMES for line in _missed(tally)]
    parts = [
        "# Calibration of signals",
        "",
        f"Command: `python -m benchmarks.calibration.signals --runs {runs} --seed {seed}`. Every world has {runs} watch "
        f"lists of {SERIES} series over two years, of which the first half year only warms up. Worlds are described in "
        "`benchmarks/calibration/signal_worlds.py`, detectors in `docs/signals.md`; what counts as found and as a false "
        "alarm, in `benchmarks/calibration/signals.py`.",
        "",
        f"False alarms: per series and year, and per 30 days of {SERIES} series, where the budget of the default "
        "combination is 1.00. Sensitivity: per cent of seeded rises found, the mean over all kinds (factor, periods). "
        "By chance: per cent of the same periods with an alarm although nothing was seeded. Delay in days from the "
        "first period of what was found.",
        "",
        "## Targets missed",
        "",
        *([f"- {line}" for line in missed] or ["None."]),
        "",
    ]
    for size in LASTS:
        parts += _size(size, {worlds: tally for (one, worlds), tally in tallies.items() if one == size})
    parts += ["## Worlds", "", *(f"- {world.name}: {world.says}." for world in (*CALM, *HARSH)), ""]
    return "\n".join(parts), missed


_CALM_NAMES = {*(world.name for world in CALM), "all calm worlds"}
_SAYS = {"day": "Daily series", "week": "Weekly series"}


def _size(size: Size, tallies: Mapping[str, Tally]) -> Iterator[str]:
    pooled = tallies["all calm worlds"]
    kinds = rises(size)
    fall = next(kind for kind in sorted(pooled.seeded) if kind not in kinds)
    yield f"## {_SAYS[size]}: all calm worlds together"
    yield ""
    yield (
        f"{pooled.series_years:,.0f} series-years; {sum(pooled.seeded[kind] for kind in kinds):,} rises and "
        f"{pooled.seeded[fall]:,} falls seeded."
    )
    yield ""
    yield (
        f"| detector | false alarms per series-year | per 30 days | sensitivity | by chance | delay | "
        f"{' | '.join(kinds)} | fall {fall} |"
    )
    yield "|" + "---|" * (7 + len(kinds))
    for label, name in (*((name, name) for name in _names()), *_matched(pooled)):
        cells = (f"{100 * pooled.rate(name, kind):.0f}" for kind in (*kinds, fall))
        yield (
            f"| {label} | {pooled.per_year(name):.2f} | {pooled.in_budget_time(name):.2f} | "
            f"{100 * pooled.sensitivity(name):.1f} | {100 * pooled.sensitivity(name, 'chance'):.1f} | "
            f"{pooled.delay(name):.1f} | {' | '.join(cells)} |"
        )
    yield ""
    yield f"Rises found by size of the series (small: below {SMALL:g} posts a period, large: {LARGE:g} or more), per cent:"
    yield ""
    yield "| detector | small | middling | large |"
    yield "|---|---|---|---|"
    for name in (DEFAULT, C1, TRIPLE):
        found = (
            f"{100 * pooled.by_size[name, scale] / max(pooled.by_size['', scale], 1):.0f}"
            for scale in ("small", "middling", "large")
        )
        yield f"| {name} | {' | '.join(found)} |"
    yield ""
    yield f"### {_SAYS[size]}: world by world"
    yield ""
    yield (
        "Each cell: false alarms per 30 days / sensitivity. *C1, raised* and *3 ×, raised* have the threshold that "
        "brings their false alarms down to those of the default; *rises, same as …* is the default with its budget raised "
        "until its rises alone cause as many false alarms as plain C1 or three times the mean, and no more: those two "
        "look for rises alone. Where no threshold of theirs is as quiet as the default, the quietest one is shown."
    )
    yield ""
    yield (
        "| world | default | C1, raised | 3 ×, raised | plain C1 | rises, same as C1 | 3 × mean | rises, same as 3 × |"
    )
    yield "|" + "---|" * 8
    for worlds, tally in tallies.items():
        raised = dict(_matched(tally))
        order = (
            DEFAULT,
            raised[_C1_RAISED],
            raised[_TRIPLE_RAISED],
            C1,
            raised[_LIKE_C1],
            TRIPLE,
            raised[_LIKE_TRIPLE],
        )
        cells = (f"{tally.in_budget_time(name):.2f} / {100 * tally.sensitivity(name):.1f}" for name in order)
        yield f"| {worlds} | {' | '.join(cells)} |"
    yield ""


_C1_RAISED, _TRIPLE_RAISED = "plain C1, threshold raised to the false alarms of the default", "3 × mean, the same"
_LIKE_C1, _LIKE_TRIPLE = f"{RISES}, budget raised to plain C1's", f"{RISES}, budget raised to 3 × mean's"


def _matched(tally: Tally) -> list[tuple[str, str]]:
    """(words, detector): the most sensitive setting of one that has no more false alarms than another."""
    return [
        (_C1_RAISED, _best(tally, C1, C1_THRESHOLDS, DEFAULT)),
        (_TRIPLE_RAISED, _best(tally, TRIPLE, MULTIPLES, DEFAULT)),
        (_LIKE_C1, _best(tally, RISES, BUDGETS, C1)),
        (_LIKE_TRIPLE, _best(tally, RISES, BUDGETS, TRIPLE)),
    ]


def _best(tally: Tally, name: str, settings: Sequence[float], rival: str) -> str:
    names = [f"{name} {setting:g}" for setting in settings]
    allowed = [one for one in names if tally.alarms[one] <= tally.alarms[rival]]
    if allowed:
        return max(allowed, key=tally.sensitivity)
    return min(names, key=lambda one: tally.alarms[one])  # none is as quiet; see `_missed`


def _missed(tally: Tally) -> Iterator[str]:
    where = f"{tally.size}, {tally.world}"
    if tally.in_budget_time(DEFAULT) > 1:
        yield f"{where}: {tally.in_budget_time(DEFAULT):.2f} false alarms per 30 days, budget 1"
    raised = dict(_matched(tally))
    for ours, theirs in (
        (DEFAULT, raised[_C1_RAISED]),
        (DEFAULT, raised[_TRIPLE_RAISED]),
        (raised[_LIKE_C1], C1),
        (raised[_LIKE_TRIPLE], TRIPLE),
    ):
        if theirs in (C1, TRIPLE) and tally.alarms[ours] > tally.alarms[theirs]:
            yield f"{where}: no budget tried brings the false alarms of the default down to those of {theirs}"
        if tally.sensitivity(ours) <= tally.sensitivity(theirs):
            yield (
                f"{where}: {ours} finds {100 * tally.sensitivity(ours):.1f} %, "
                f"{theirs} finds {100 * tally.sensitivity(theirs):.1f} %"
            )


def publish(runs: int, seed: int, jobs: int, *, keep: bool = True) -> list[str]:
    """Run, print, write `RESULT` if `keep`, and say which targets were missed."""
    text, missed = write(run(runs, seed, jobs), runs=runs, seed=seed)
    print(text)
    if keep:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text, encoding="utf-8")
    return missed


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration.signals", description="Calibrates signals.")
    parser.add_argument("--runs", type=int, default=4, help="watch lists per world (4)")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one per core)")
    given = parser.parse_args(arguments)
    return 1 if publish(given.runs, given.seed, given.jobs) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
