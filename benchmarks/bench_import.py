"""Importing archive lines into an empty SQLite: lines a second and peak memory of all processes together.

100,000 lines; with BENCH_FULL=1 a million. Whole processes are timed, start-up included.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

TRENDMONITOR = Path(sys.executable).with_name("trendmonitor")
SOURCES = 200
WORDS = re.findall(
    r"\w+",
    "patients clinic nurses report flu study vaccine screening hospital care team week region health telehealth data "
    "guideline children heart diabetes treatment trial symptoms prevention community doctors staff public risk early "
    "results support new digital service access quality training mental cancer programme people year home",
)
TARGET_MB = 500


def run(lines: int | None = None) -> dict[str, Any]:
    lines = lines or (1_000_000 if os.environ.get("BENCH_FULL") == "1" else 100_000)
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive.jsonl"
        write_archive(archive, lines)
        environment = os.environ | {"TRENDMONITOR_HOME": str(Path(folder) / "var")}
        first = _timed(["import", str(archive), "--json"], environment)
        again = _timed(["import", str(archive), "--json"], environment)
        database = Path(folder) / "var" / "trendmonitor.db"
        return {
            "lines": lines,
            "archive MB": round(archive.stat().st_size / 1e6),
            "database MB": round(database.stat().st_size / 1e6),
            "seconds": round(first["seconds"], 1),
            "lines per second": round(lines / first["seconds"]),
            "lines per second, second time (nothing new)": round(lines / again["seconds"]),
            "peak MB by process (pages they share count in each)": first["peaks"],
            "sum of these peaks, MB": sum(first["peaks"].values()),
            "peak MB together (shared pages once)": first["together"],
            "ratios": {
                f"peak memory of all processes against {TARGET_MB} MB (target at most 1)": round(
                    first["together"] / TARGET_MB, 2
                )
            },
        }


def write_archive(path: Path, lines: int) -> None:
    """Made-up posts of 100 to 150 words over two years, in 200 sources, in order of time."""
    rng = random.Random(20_260_706)
    start = datetime(2024, 7, 1, tzinfo=UTC)
    step = timedelta(days=730) / lines
    coverage = [
        {"source": f"bench-{n}", "since": start.isoformat(), "until": (start + timedelta(days=730)).isoformat()} for n in range(SOURCES)
    ]  # fmt: skip
    with path.open("w") as file:
        file.write(json.dumps({"coverage": coverage}) + "\n")
        for number in range(lines):
            words = rng.choices(WORDS, k=rng.randrange(100, 150))
            record: dict[str, Any] = {
                "source": f"bench-{rng.randrange(SOURCES)}",
                "id": f"post-{number}",
                "url": f"https://bench.example/{number}",
                "title": " ".join(words[:7]).capitalize(),
                "text": " ".join(words[7:]) + ".",
                "published_at": (start + step * number).isoformat(),
            }
            if number % 3 == 0:
                record["engagement"] = {"views": rng.randrange(10_000), "likes": rng.randrange(300)}
            file.write(json.dumps(record) + "\n")


def _timed(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Seconds and, where /proc tells, the greatest resident size of the process and its children in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [TRENDMONITOR, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    peaks: dict[int, float] = {}
    together, tick = 0.0, 0
    while process.poll() is None:
        family = _family(process.pid)
        for pid in family:
            peaks[pid] = max(peaks.get(pid, 0.0), _told(pid, "status", "VmHWM"))
        if tick % 10 == 0:  # adding up the pages takes a while
            together = max(together, sum(_told(pid, "smaps_rollup", "Pss") for pid in family))
        tick += 1
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"{command[0]} failed: {errors.decode()[-2000:]}")
    names = {pid: "parent" if pid == process.pid else f"worker {place}" for place, pid in enumerate(peaks)}
    return {
        "seconds": seconds,
        "together": round(together),
        "peaks": {names[pid]: round(size) for pid, size in peaks.items()},
    }


def _family(pid: int) -> list[int]:
    try:
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    except OSError:
        return [pid]


def _told(pid: int, file: str, name: str) -> float:
    """A size in MB from /proc; 0 where there is none."""
    try:
        text = Path(f"/proc/{pid}/{file}").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(f"{name}:")), 0.0)


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
