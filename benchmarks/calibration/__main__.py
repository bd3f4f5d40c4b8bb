"""Calibrates the tests of claims by simulation and writes benchmarks/results/calibration.md.

    python -m benchmarks.calibration [--runs 600] [--seed 1] [--jobs 2] [--quick]

Exit status 1 if any target is missed. The same arguments give the same table on every machine.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

# One thread per process: the products are small, and the processes already use every core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.calibration import levels, report, signals, trends

RESULT = Path(__file__).parents[1] / "results" / "calibration.md"
QUICK_RUNS = 40
LEVEL_RUNS = 2000
"""At least so many worlds per cell for levels and ranks: they are cheap, and their targets are two-sided."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration", description="Calibrates the tests of claims."
    )
    parser.add_argument("--runs", type=int, default=600, help="simulated worlds per cell (600)")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one per core)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} runs, and no file is written")
    given = parser.parse_args(arguments)
    runs = QUICK_RUNS if given.quick else given.runs

    tallies: dict[str, list[trends.Tally]] = {}
    with ProcessPoolExecutor(given.jobs) as pool:
        cells = {"null": trends.null_cells(), "power": trends.power_cells(), "edge": trends.edge_cells()}
        for name, wanted in cells.items():
            tallies[name] = []
            for done in trends.tally(wanted, runs, given.seed, pool):
                tallies[name].append(done)
                print(report.progress(done), file=sys.stderr, flush=True)
    level_runs = runs if given.quick else max(runs, LEVEL_RUNS)
    rows = levels.run(level_runs, given.seed, given.jobs)

    text, missed = report.write(tallies, rows, runs=runs, level_runs=level_runs, seed=given.seed)
    print(text)
    if not given.quick:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text, encoding="utf-8")
    missed += signals.publish(max(runs // 150, 1), given.seed, given.jobs, keep=not given.quick)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
