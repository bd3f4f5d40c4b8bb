"""How long the whole claim ledger takes over 1,000,000 posts of 400 sources and two years, and how much memory.

    .venv/bin/python -m benchmarks claims

Every figure is of a whole process, `trendmonitor claims --json`, started cold: first on data it has not judged yet,
then again on the same data, where the stored verdicts are told. Cells are written to the store directly, as in
`bench_trends`; nearly every post has a cell of its own, which is the hard case. Inside a running service the same
question is timed apart, on data that did not change.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.bench_trends import Generated
from monitor.bootstrap import Services
from monitor.settings import Settings

POSTS = 1_000_000
COLD_AIM, UNCHANGED_AIM, MEMORY_AIM = 10.0, 0.1, 500.0
"""Seconds, seconds, megabytes."""
REPEATS = 20


def command(home: Path) -> tuple[dict[str, Any], float, float]:
    """The ledger by a fresh process: document, seconds, and peak megabytes (of the largest child so far)."""
    program = Path(sys.executable).with_name("trendmonitor")
    began = time.perf_counter()
    done = subprocess.run(
        [program, "claims", "--json"],
        env=os.environ | {"TRENDMONITOR_HOME": str(home)},
        capture_output=True,
        check=True,
    )
    spent = time.perf_counter() - began
    return json.loads(done.stdout), spent, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def run() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(home=home)
        generated = Generated(POSTS)
        generated.save(Path(settings.database_url.removeprefix("sqlite:///")), outages=False).close()
        cells = generated.cells
        del generated
        document, cold, peak = command(home)
        _, again, _ = command(home)
        services = Services(settings)
        services.ledger.ledger()
        unchanged = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            services.ledger.ledger()
            unchanged.append(time.perf_counter() - began)
        services.close()
    warm = statistics.median(unchanged)
    return {
        "ratios": {
            f"cold command against the aim of {COLD_AIM:.0f} s": round(cold / COLD_AIM, 2),
            f"unchanged, in a service, against the aim of {UNCHANGED_AIM * 1000:.0f} ms": round(
                warm / UNCHANGED_AIM, 3
            ),
            f"peak memory against the aim of {MEMORY_AIM:.0f} MB": round(peak / MEMORY_AIM, 2),
        },
        "posts": POSTS,
        "cells": cells,
        "cold_seconds": round(cold, 2),
        "again_seconds": round(again, 2),
        "unchanged_milliseconds": round(warm * 1000, 2),
        "peak_megabytes": round(peak),
        "verdicts": dict(Counter(one["verdict"] for one in document["claims"])),
    }
