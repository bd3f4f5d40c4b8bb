"""The calibration as one Markdown document, with what was missed at the top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.calibration.levels import Row
from benchmarks.calibration.trends import (
    COVERAGE_AT_LEAST,
    NULL_AT_MOST,
    POWER_AT_LEAST,
    SIZES,
    WRONG_SIGN_BELOW,
    Tally,
)
from benchmarks.calibration.worlds import LOUD, MODERATE, NULLS, D


def progress(done: Tally) -> str:
    cell = done.cell
    return (
        f"{cell.world.name:12} {cell.size:>7} {cell.rise:>6}  supported {_percent(done, 'supported')}  "
        f"coverage {100 * done.coverage:.1f}  half-width {done.median('half_width'):.3f}"
    )


def write(
    tallies: Mapping[str, Sequence[Tally]], rows: Sequence[Row], *, runs: int, level_runs: int, seed: int
) -> tuple[str, list[str]]:
    """(document, targets missed)."""
    missed = [
        *_missed_trends(tallies),
        *(f"{row.cell}: {row.figure} {row.value:.1%}" for row in rows if row.ok is False),
    ]
    parts = [
        "# Calibration of the tests of claims",
        "",
        f"Command: `python -m benchmarks.calibration --runs {runs} --seed {seed}`. Every cell has {runs} simulated "
        f"worlds, for levels, ranks and breaks {level_runs}. Percentages carry the 95 % Monte-Carlo interval (Wilson) where a target "
        "depends on them. Worlds are described in `benchmarks/calibration/worlds.py`, the tests in "
        "`docs/statistics.md`.",
        "",
        "## Targets missed",
        "",
        *([f"- {line}" for line in missed] or ["None."]),
        "",
        *_nulls(tallies["null"]),
        *_power(tallies),
        *_edges(tallies["edge"]),
        *_levels(rows),
    ]
    return "\n".join(parts) + "\n", missed


def _nulls(tallies: Sequence[Tally]) -> list[str]:
    lines = [
        "## Trends: nothing rises",
        "",
        f'Targets: "is rising" supported in at most {NULL_AT_MOST:.1%} of runs (nominal 2.5 %), coverage of the '
        f'95 % interval at least {COVERAGE_AT_LEAST:.0%}. "Not tested": too little data for a verdict.',
        "",
        "| world | sources × weeks | supported | before checks | falsely falling | coverage | half-width | not tested |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for done in tallies:
        low, high = done.interval("supported")
        lines.append(
            f"| {done.cell.world.name} | {done.cell.size} | {_percent(done, 'supported')} ({100 * low:.1f}–{100 * high:.1f}) "
            f"| {_percent(done, 'rose')} | {_percent(done, 'fell')} | {100 * done.coverage:.1f} "
            f"| {_width(done.median('half_width'))} | {100 * (1 - done.rate('tested')):.1f} |"
        )
    lines += ["", *(f"- {world.name}: {world.says}." for world in NULLS), ""]
    return lines


def _power(tallies: Mapping[str, Sequence[Tally]]) -> list[str]:
    lines = [
        "## Trends: power",
        "",
        'Per cent of runs. "Before" is the test alone, "after" with the robustness checks. "Weeks uncapped" is the '
        "same test on the same draws without caps on weeks, which is an earlier form of it. "
        '"Detectable" is the median of the rise that a single run names as found with 80 % probability.',
        "",
        "| world | sources × weeks | truth | before | after | weeks uncapped, before | wrong sign | contradicted "
        "| coverage | half-width | half-width, weeks uncapped | detectable |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for done in tallies["power"]:
        wrong = "fell" if done.cell.trend > 0 else "rose"
        lines.append(
            f"| {done.cell.world.name} | {done.cell.size} | {done.cell.rise} | {_percent(done, 'rose')} "
            f"| {_percent(done, 'supported')} | {_percent(done, 'uncapped_rose')} | {_percent(done, wrong)} "
            f"| {_percent(done, 'contradicted')} | {100 * done.coverage:.1f} | {_width(done.median('half_width'))} "
            f"| {_width(done.median('uncapped_half_width'))} | {_change(done.median('detectable'))} |"
        )
    lines += [
        "",
        'Contradicting "is rising" when nothing changes, and "is not falling" (margin 10 %):',
        "",
        "| world | sources × weeks | rising contradicted, truth 0 % | rising contradicted, truth −10 % "
        "| rising contradicted, truth +10 % (an error) | not falling supported, truth 0 % "
        "| not falling supported, truth −10 % (at most 2.5 % nominal) |",
        "|---|---|---|---|---|---|---|",
    ]
    by_cell = {(done.cell.world, done.cell.size, done.cell.rise): done for part in tallies.values() for done in part}
    for world in (MODERATE, D):
        for sources, weeks in SIZES:
            size = f"{sources}×{weeks}"
            flat, down, up = (by_cell[world, size, rise] for rise in ("0 %", "−10 %", "+10 %"))
            lines.append(
                f"| {world.name} | {size} | {_percent(flat, 'contradicted')} | {_percent(down, 'contradicted')} "
                f"| {_percent(up, 'contradicted')} | {_percent(flat, 'not_falling')} | {_percent(down, 'not_falling')} |"
            )
    return [*lines, ""]


def _edges(tallies: Sequence[Tally]) -> list[str]:
    lines = [
        "## Trends: edges and known weaknesses",
        "",
        "No targets. The first rows are the least that the gates let pass; the others are worlds that the test is known "
        "to be weak against, with nothing rising steadily in any of them.",
        "",
        "| world | sources × weeks | supported | before checks | falsely falling | coverage | half-width | not tested |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {done.cell.world.name} | {done.cell.size} | {_percent(done, 'supported')} | {_percent(done, 'rose')} "
        f"| {_percent(done, 'fell')} | {100 * done.coverage:.1f} | {_width(done.median('half_width'))} "
        f"| {100 * (1 - done.rate('tested')):.1f} |"
        for done in tallies
    ]
    worlds = {done.cell.world.name: done.cell.world.says for done in tallies}
    return [*lines, "", *(f"- {name}: {says}." for name, says in worlds.items()), ""]


def _levels(rows: Sequence[Row]) -> list[str]:
    lines = [
        "## Levels, ranks and breaks of volume",
        "",
        "| cell | figure | per cent | target | |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.cell} | {row.figure} | {100 * row.value:.1f} ({100 * row.low:.1f}–{100 * row.high:.1f}) | {row.target} "
        f"| {'' if row.ok is None else 'ok' if row.ok else 'MISSED'} |"
        for row in rows
    ]
    return lines


def _missed_trends(tallies: Mapping[str, Sequence[Tally]]) -> Iterable[str]:
    for done in tallies["null"]:
        where = f"{done.cell.world.name} {done.cell.size}, nothing rises"
        if done.rate("supported") > NULL_AT_MOST:
            yield f"{where}: supported in {_percent(done, 'supported')} %, target at most {100 * NULL_AT_MOST:.1f} %"
        if done.count("tested") and done.coverage < COVERAGE_AT_LEAST:
            yield f"{where}: coverage {100 * done.coverage:.1f} %, target at least {100 * COVERAGE_AT_LEAST:.0f} %"
    for done in tallies["power"]:
        cell = done.cell
        where = f"{cell.world.name} {cell.size}, truth {cell.rise}"
        if cell.trend > 0 and done.rate("fell") >= WRONG_SIGN_BELOW:
            yield f"{where}: wrong sign in {_percent(done, 'fell')} %, target below {100 * WRONG_SIGN_BELOW:.0f} %"
        wanted = POWER_AT_LEAST.get((cell.world.name, cell.rise))
        if wanted and cell.world is not LOUD and cell.size == "40×104" and done.rate("rose") < wanted:
            yield f"{where}: power {_percent(done, 'rose')} %, target at least {100 * wanted:.0f} %"


def _percent(done: Tally, figure: str) -> str:
    return f"{100 * done.rate(figure):.1f}"


def _width(value: float) -> str:
    return f"{value:.3f}" if value < 99 else "–"


def _change(value: float) -> str:
    return f"+{100 * value:.0f} %" if value < 99 else "–"
