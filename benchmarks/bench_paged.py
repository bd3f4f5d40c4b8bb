"""A paged API: 100 pages of 100 posts from a stand-in in another process, collected, tagged and stored in SQLite.

Target: under 5 s beyond the server's own pacing; the stand-in does not pace, and the time it needs for its answers is in
the figure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

PAGES = 100
SIZE = 100
TARGET = 5.0
RUNS = 3


def run() -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.bench_paged"]
    seconds, stored = [], 0
    with subprocess.Popen([*command, "serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            base = server.stdout.readline().strip()
            for _ in range(RUNS):
                with tempfile.TemporaryDirectory() as folder:
                    told = json.loads(subprocess.run(
                        [*command, "collect", folder, base], capture_output=True, text=True, timeout=120, check=True
                    ).stdout)  # fmt: skip
                seconds.append(told["seconds"])
                stored = told["new"]
        finally:
            server.kill()
    best = min(seconds)
    return {
        "ratios": {
            f"of the {TARGET:g} s that {PAGES} pages of {SIZE} posts may take (target 1)": round(best / TARGET, 2)
        },
        "posts stored": stored,
        "seconds, best of three": round(best, 2),
        "posts a second": round(stored / best),
    }


def serve() -> None:
    """Search answers like X's, 10,000 posts of the last days, made beforehand so that making them does not count.
    Prints the address and answers until it is killed."""
    import orjson

    from tests.platforms.serving import Asked, Platform, Told
    from tests.platforms.x_platform import X

    made = X(lambda: datetime.now(UTC), posts=PAGES * SIZE)
    posts = sorted(made.posts, key=lambda post: int(post["id"]), reverse=True)
    pages = []
    for number in range(PAGES):
        held = posts[number * SIZE : (number + 1) * SIZE]
        meta = {"newest_id": held[0]["id"], "oldest_id": held[-1]["id"], "result_count": SIZE}
        if number + 1 < PAGES:
            meta["next_token"] = f"page{number + 1}"
        users = [user for user in made.users.values() if not user.get("protected")]
        pages.append(orjson.dumps({"data": held, "includes": {"users": users}, "meta": meta}))

    class Prepared(Platform):
        def answer(self, asked: Asked) -> Told:
            number = int((asked.one("next_token") or asked.one("pagination_token", "page0")).removeprefix("page"))
            return Told(200, pages[number], {"content-type": "application/json"}, page=True)

    with Prepared() as platform:
        print(platform.base, flush=True)
        while True:
            time.sleep(3600)


def collect(folder: str, base: str) -> None:
    """One visit as a service makes it, with its worker processes; prints what it brought and how long it took."""
    import asyncio

    from monitor import logs
    from monitor.bootstrap import Services
    from monitor.config_source import source_to_mapping
    from monitor.settings import Settings
    from tests.platforms.x_platform import CASES

    config = Path(folder) / "config"
    config.mkdir()
    for name in ("platforms.yaml", "lexicon.yaml", "taxonomy"):
        (config / name).symlink_to(Path("config").absolute() / name)
    source = replace(CASES[0].source, options={**CASES[0].source.options, "usd_a_day": 10_000})
    (config / "sources.yaml").write_text(yaml.safe_dump({"sources": [source_to_mapping(source)]}))
    os.environ.update(
        TRENDMONITOR_HOME=folder, TRENDMONITOR_CONFIG=str(config), TRENDMONITOR_ALLOW_NETS="127.0.0.0/8",
        TRENDMONITOR_API_BASE__X=base, TRENDMONITOR_KEY__X=str(CASES[0].key),
    )  # fmt: skip
    logs.configure("WARNING")
    services = Services(Settings.load())
    services.apply()
    services.readers.start_workers()
    services.recipe.warm()
    started = time.perf_counter()
    report = asyncio.run(services.collection.collect())
    seconds = time.perf_counter() - started
    services.close()
    print(
        json.dumps(
            {
                "pages": len(report.visits),
                "seconds": seconds,
                "new": report.new,
                "says": [visit.message for visit in report.visits],
            }
        )
    )


if __name__ == "__main__":
    serve() if sys.argv[1] == "serve" else collect(*sys.argv[2:])
