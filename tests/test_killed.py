"""Killed at any moment and started again, collecting ends with the same posts, cells and coverage as if undisturbed."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from monitor.core.model import Interval, Post
from monitor.store import Store
from tests.servers.baddays import BadDays, Behaviour, answer, status, text
from tests.support.collecting import DAY, HOUR, START, item, rss
from tests.support.killing import collect_once
from tests.support.posts import make_source
from tests.support.stores import Cells, all_posts, counted_cells, stored_cells

SOURCES = [f"s{n:02}" for n in range(30)]
STEPS = 3
KILLS_A_STEP = 4
SHOWN = 8
ROOT = Path(__file__).parents[1]
RELEASE = "The ministry announced a vaccination programme for nurses in all hospitals of the country this winter. " * 4

forkserver = multiprocessing.get_context("forkserver")
forkserver.set_forkserver_preload(["tests.support.killing"])


def feed(number: int, step: int) -> Behaviour:
    """What source `number` shows on day `step`: new posts every day, an edit, moved counts, copies; some days are bad."""
    if (number + step) % 11 == 0:
        return status(500)
    rng = random.Random(number)
    shown = []
    for index in range(step * 3 + 6):
        at = START - 2 * DAY + index * 8 * HOUR - timedelta(minutes=number)
        words = " ".join(
            rng.choices(["patient", "care", "good", "terrible", "telehealth", "vaccine", "hope", "pain", "nurse"], k=40)
        )
        edited = index % 4 == 1 and step >= 2
        title = f"Post {index} of {number}{', corrected' if edited else ''}"
        body = RELEASE if index % 5 == 0 else words + (" We regret the error." if edited else "")
        shown.append(
            item(f"{number}-{index}", at, title=title, text=body, comments=index * step if index % 2 else None)
        )
    return text(rss(shown[::-1][:SHOWN]))


def show(server: BadDays, step: int) -> None:
    for number, name in enumerate(SOURCES):
        server.on(f"/{name}", feed(number, step))


def empty(template: Path, path: Path, server: BadDays) -> str:
    shutil.copy(template, path)
    url = f"sqlite:///{path}"
    store = Store.open(url)
    for name in SOURCES:
        store.add_source(make_source(name, url=server.url(f"/{name}")), START)
    store.close()
    return url


async def finish(child: BaseProcess) -> None:
    while child.is_alive():
        await asyncio.sleep(0.005)
    child.join()


def start(url: str, step: int) -> BaseProcess:
    child = forkserver.Process(target=collect_once, args=(url, START + step * DAY))
    child.start()
    return child


def everything(url: str) -> tuple[dict[tuple[str, str], Post], Cells, dict[str, list[Interval]]]:
    """Posts, cells and coverage. `rebuild_cells` must find nothing to mend."""
    store = Store.open(url)
    ids = [f"{number}-{index}" for number in range(len(SOURCES)) for index in range(40)]
    posts = all_posts(store, {name: [one for one in ids if one.startswith(f"{int(name[1:])}-")] for name in SOURCES})
    assert store.totals().posts == len(posts)
    cells, coverage = stored_cells(store), store.coverage()
    assert store.rebuild_cells() == 0
    store.close()
    return posts, cells, coverage


async def test_killed_in_a_loop_it_ends_like_an_undisturbed_run(sqlite_template: Path, tmp_path: Path) -> None:
    rng = random.Random(20)
    kills = 0
    async with BadDays() as server:
        calm = empty(sqlite_template, tmp_path / "calm.db", server)
        rough = empty(sqlite_template, tmp_path / "rough.db", server)
        for step in range(STEPS):
            show(server, step)
            undisturbed = start(calm, step)
            await finish(undisturbed)
            assert undisturbed.exitcode == 0
            for _ in range(KILLS_A_STEP):
                server.requests.clear()
                child = start(rough, step)
                moment = rng.randrange(1, 6)
                while child.is_alive() and len(server.requests) < moment:
                    await asyncio.sleep(0.002)
                await asyncio.sleep(rng.uniform(0, 0.04))
                child.kill()
                await finish(child)
                kills += child.exitcode == -signal.SIGKILL
            server.requests.clear()
            child = start(rough, step)
            await finish(child)
            assert child.exitcode == 0
    assert kills >= 10, "most children were still at work"
    expected, found = everything(calm), everything(rough)
    assert found[0] == expected[0]
    assert len(expected[0]) > 300
    assert found[1] == expected[1] == counted_cells(expected[0].values())
    assert found[2] == expected[2]


async def test_the_command_goes_on_at_once_where_it_was_killed(sqlite_url: str, tmp_path: Path) -> None:
    url = sqlite_url
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    async with BadDays() as server:
        body = rss(item(f"n{n}", START - n * HOUR, text="word " * 300) for n in range(40)).encode()
        for name in SOURCES:
            server.on(f"/{name}", answer(body))
        lines = [
            f"  - {{id: {name}, collector: feed, platform: web, url: '{server.url('/' + name)}'}}" for name in SOURCES
        ]
        (config / "sources.yaml").write_text("sources:\n" + "\n".join(lines) + "\n")
        environment = os.environ | {
            "TRENDMONITOR_HOME": str(tmp_path / "var"),
            "TRENDMONITOR_CONFIG": str(config),
            "TRENDMONITOR_DATABASE_URL": url,
            "TRENDMONITOR_ALLOW_NETS": "127.0.0.0/8",
            "TRENDMONITOR_CONCURRENCY": "4",
        }

        async def run() -> asyncio.subprocess.Process:
            command = (str(Path(sys.executable).with_name("trendmonitor")), "collect", "--json")
            return await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)

        first = await run()
        store = Store.open(url)
        while store.totals().posts < 40:
            assert first.returncode is None
            await asyncio.sleep(0.01)
        first.kill()
        await first.wait()
        done = {one.source.id for one in store.sources() if one.state.last_success is not None}
        assert 0 < len(done) < len(SOURCES)
        second = await run()
        report: dict[str, Any] = json.loads((await second.communicate())[0])
        assert {visit["source"] for visit in report["visits"]} == set(SOURCES) - done
        assert report["failed"] == 0
        assert store.totals().posts == 40 * len(SOURCES)
        assert store.rebuild_cells() == 0
        store.close()
