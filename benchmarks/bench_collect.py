"""Collecting 200 feeds over loopback into an empty SQLite: this product, the `reader` library, and newsboat if installed.

Whole processes are timed, start-up included, in turns. The others parse and store; this product also tags, scores
sentiment, finds copies and counts. Time of processors (user and system, children included) is told beside the time that
passed, because it depends less on what else the machine does.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.feeds import NOW, make_feeds, served

ROUNDS = 3
TRENDMONITOR = Path(sys.executable).with_name("trendmonitor")

READER = """
import sys
from reader import make_reader
base, count, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
reader = make_reader(path)
for number in range(count):
    reader.add_feed(f"{base}/{number}.xml", exist_ok=True)
reader.update_feeds(workers=10)
print(reader.get_entry_counts().total)
"""


SERVICE = """
import asyncio, sqlite3, sys, time
from monitor.bootstrap import Services
from monitor.settings import Settings

services = Services(Settings.load())
services.apply()


def passed():
    started = time.perf_counter()
    asyncio.run(services.collection.collect())
    spent = time.perf_counter() - started
    with sqlite3.connect(sys.argv[1]) as connection:
        connection.execute("UPDATE source SET next_due = NULL")
    return spent


print(passed(), passed(), flush=True)
services.close()
"""
"""Two passes in one process, as in a running service."""


def run() -> dict[str, Any]:
    feeds = make_feeds(NOW)
    figures: dict[str, list[float]] = {"first pass": [], "second pass": [], "reader": [], "newsboat": []}
    processor: dict[str, list[float]] = {name: [] for name in figures}

    def measure(name: str, command: list[str], environment: dict[str, str], home: Path) -> None:
        passed, used = _timed(command, environment, home)
        figures[name].append(passed)
        processor[name].append(used)

    stored: dict[str, int] = {}
    service: list[tuple[float, float]] = []
    with served(feeds) as base:
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder)
                config = _config(home, base, len(feeds))
                environment = os.environ | {
                    "TRENDMONITOR_HOME": str(home / "var"),
                    "TRENDMONITOR_CONFIG": str(config),
                    "TRENDMONITOR_ALLOW_NETS": "127.0.0.0/8",
                }
                measure("first pass", [str(TRENDMONITOR), "collect", "--json"], environment, home)
                stored["trendmonitor"] = _count(home / "var" / "trendmonitor.db", "post")
                _make_due(home / "var" / "trendmonitor.db")
                measure("second pass", [str(TRENDMONITOR), "collect", "--json"], environment, home)
                again = home / "again"
                inside = environment | {"TRENDMONITOR_HOME": str(again)}
                program = [sys.executable, "-c", SERVICE, str(again / "trendmonitor.db")]
                told = subprocess.run(program, env=inside, capture_output=True, timeout=600, check=True, text=True)
                first, second = map(float, told.stdout.splitlines()[-1].split())
                service.append((first, second))
                command = [sys.executable, "-c", READER, base, str(len(feeds)), str(home / "reader.db")]
                measure("reader", command, dict(os.environ), home)
                stored["reader"] = _count(home / "reader.db", "entries")
                if shutil.which("newsboat"):
                    measure("newsboat", _newsboat(home, base, len(feeds)), dict(os.environ), home)
                    stored["newsboat"] = _count(home / "newsboat.db", "rss_item")
    median = {name: statistics.median(times) for name, times in figures.items() if times}
    return {
        "feeds": len(feeds),
        "bytes": sum(map(len, feeds.values())),
        "posts": stored,
        "seconds": {name: [round(value, 3) for value in times] for name, times in figures.items()},
        "seconds within a service": [[round(value, 3) for value in pair] for pair in service],
        "processor seconds": {name: [round(value, 2) for value in times] for name, times in processor.items()},
        "ratios": {
            "times the speed of reader (target 20)": _ratio(figures["reader"], figures["first pass"]),
            "times the speed of newsboat (target 1)": _ratio(figures["newsboat"], figures["first pass"]),
            "second pass against first (target 10)": _ratio(figures["first pass"], figures["second pass"]),
            "second pass against first, within a service (target 10)": _ratio(
                [first for first, _ in service], [second for _, second in service]
            ),
            "processor time against reader": _ratio(processor["reader"], processor["first pass"]),
            "processor time against newsboat": _ratio(processor["newsboat"], processor["first pass"]),
            "processor time, second pass against first": _ratio(processor["first pass"], processor["second pass"]),
        },
        "posts per second": round(stored["trendmonitor"] / median["first pass"]),
    }


def _ratio(slower: list[float], faster: list[float]) -> float | None:
    """Median of the ratios of the same round, so that a slow spell of the machine hits both."""
    pairs = [slow / fast for slow, fast in zip(slower, faster, strict=False)]
    return round(statistics.median(pairs), 2) if pairs else None


def _config(home: Path, base: str, count: int) -> Path:
    folder = home / "config"
    shutil.copytree(Path(__file__).parents[1] / "config", folder)
    lines = ["sources:"]
    for number in range(count):
        lines += [
            f"  - id: bench-{number}",
            "    collector: feed",
            "    platform: web",
            f"    url: {base}/{number}.xml",
        ]
    (folder / "sources.yaml").write_text("\n".join(lines) + "\n")
    return folder


def _newsboat(home: Path, base: str, count: int) -> list[str]:
    (home / "urls").write_text("".join(f"{base}/{number}.xml\n" for number in range(count)))
    (home / "newsboat.conf").write_text("reload-threads 10\n")
    return [
        "newsboat",
        "-u",
        str(home / "urls"),
        "-c",
        str(home / "newsboat.db"),
        "-C",
        str(home / "newsboat.conf"),
        "-x",
        "reload",
    ]


def _timed(command: list[str], environment: dict[str, str], folder: Path) -> tuple[float, float]:
    """Seconds that passed, and seconds of processors that the command and its children used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr.decode()[-2000:]}")
    passed = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _count(database: Path, table: str) -> int:
    with sqlite3.connect(database) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _make_due(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE source SET next_due = NULL")


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
