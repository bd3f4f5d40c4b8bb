"""Readers: a document that crashes or stalls its process costs one visit, and processes never outlive their use."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors import registry
from collectors.base import CollectError, Page
from monitor.core.reading import Reading
from monitor.pipeline import NOTHING_KNOWN
from monitor.readers import Readers, ReadFaultError
from monitor.store import Store
from tests.servers.baddays import BadDays, text
from tests.support.collecting import RECIPE, START, Service
from tests.support.hostile import Hostile, hostile
from tests.support.posts import make_source

SOURCE = make_source("ward", collector="hostile")


@pytest.fixture
def readers() -> Iterator[Readers]:
    made = Readers(hostile(RECIPE), workers=2, stall=2.0)
    yield made
    made.close()


def page(says: str) -> Page:
    return Page(says.encode(), "http://ward.example/", START)


async def read(readers: Readers, says: str) -> Reading | str:
    """What reading gives, or the code of its failure."""
    try:
        return await readers.read(page(says), SOURCE, NOTHING_KNOWN)
    except CollectError as error:
        return error.code


def reader_of(found: Reading | str) -> int:
    """The number of the process that read it."""
    assert isinstance(found, Reading)
    return int(found.posts[0].text)


async def test_without_workers_it_reads_here_and_one_page_at_a_time(readers: Readers) -> None:
    found = await asyncio.gather(*(read(readers, f"page {n}") for n in range(5)))
    assert [reader_of(one) for one in found] == [os.getpid()] * 5


async def test_workers_share_the_pages(readers: Readers) -> None:
    readers.start_workers()
    found = await asyncio.gather(*(read(readers, "sleep 0.4") for _ in range(10)))
    assert len({reader_of(one) for one in found} - {os.getpid()}) == 2


async def test_the_page_that_kills_its_reader_fails_by_name_and_no_other(readers: Readers) -> None:
    readers.start_workers()
    pages = [f"page {n}" for n in range(6)] + ["die"] + [f"page {n}" for n in range(6, 12)] + ["die"]
    found = await asyncio.gather(*(read(readers, says) for says in pages))
    outcomes = ["read" if isinstance(one, Reading) else one for one in found]
    assert outcomes == ["reader_died" if says == "die" else "read" for says in pages]
    assert isinstance(await read(readers, "afterwards"), Reading)


async def test_the_page_that_stalls_its_reader_fails_by_name_and_no_other(readers: Readers) -> None:
    readers.start_workers()
    await asyncio.gather(*(read(readers, "warm") for _ in range(4)))
    pages = ["sleep 600", *(f"page {n}" for n in range(9))]
    started = time.monotonic()
    found = await asyncio.gather(*(read(readers, says) for says in pages))
    assert [one if isinstance(one, str) else "read" for one in found] == ["reader_stalled"] + ["read"] * 9
    assert time.monotonic() - started < 20


async def test_waiting_for_a_turn_is_not_stalling(readers: Readers) -> None:
    readers.start_workers()
    found = await asyncio.gather(*(read(readers, "sleep 0.4") for _ in range(14)))  # nearly three seconds in all
    assert all(isinstance(one, Reading) for one in found)


async def test_after_a_stall_in_this_process_others_read_that_can_be_ended(readers: Readers) -> None:
    assert await read(readers, "sleep 5") == "reader_stalled"
    found = await asyncio.gather(read(readers, "page 1"), read(readers, "page 2"))
    assert os.getpid() not in {reader_of(one) for one in found}
    readers.rest()
    assert readers.has_workers, "this process is not trusted with reading any more"


@pytest.mark.parametrize("workers", [False, True])
async def test_a_fault_of_ours_comes_back_as_its_traceback(readers: Readers, workers: bool) -> None:
    if workers:
        readers.start_workers()
    with pytest.raises(ReadFaultError, match=r"UnpicklableError: a fault of ours"):
        await readers.read(page("raise"), SOURCE, NOTHING_KNOWN)
    assert isinstance(await read(readers, "afterwards"), Reading)


async def test_workers_are_not_taken_away_while_one_is_reading(readers: Readers) -> None:
    readers.start_workers()
    running = asyncio.create_task(read(readers, "sleep 0.3"))
    await asyncio.sleep(0.1)
    readers.rest()
    assert isinstance(await running, Reading)
    assert readers.has_workers
    readers.rest()
    assert not readers.has_workers
    assert reader_of(await read(readers, "page")) == os.getpid()


async def test_from_a_process_with_threads_workers_are_spawned(readers: Readers) -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        readers.start_workers()
        # a spawned worker knows nothing of what this process changed after its imports
        registry._all()["hostile"] = Hostile()
        assert reader_of(await read(readers, "page")) != os.getpid()
    finally:
        done.set()
        other.join()


def test_it_serves_one_event_loop_after_another(readers: Readers) -> None:
    readers.start_workers()
    for _ in range(2):
        found = asyncio.run(_several(readers))
        assert all(isinstance(one, Reading) for one in found)


async def _several(readers: Readers) -> list[Reading | str]:
    return list(await asyncio.gather(*(read(readers, f"page {n}") for n in range(8))))


CHILD = """
import asyncio, sys, time
from monitor.pipeline import NOTHING_KNOWN
from monitor.readers import Readers
from tests.support.collecting import RECIPE
from tests.support.hostile import hostile
from tests.test_readers import SOURCE, page

readers = Readers(hostile(RECIPE), workers=2)
readers.start_workers()

async def main():
    found = [readers.read(page("sleep 0.2"), SOURCE, NOTHING_KNOWN) for _ in range(6)]
    print(*{one.posts[0].text for one in await asyncio.gather(*found)}, flush=True)
    time.sleep(60)

asyncio.run(main())
"""


def test_workers_end_with_a_parent_that_was_killed() -> None:
    root = Path(__file__).parents[1]
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, cwd=root, text=True)
    assert child.stdout is not None
    workers = [int(number) for number in child.stdout.readline().split()]
    assert len(workers) == 2
    assert all(_lives(number) for number in workers)
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    child.stdout.close()
    end = time.monotonic() + 10
    while any(map(_lives, workers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(_lives, workers))


def _lives(number: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


async def test_in_a_collect_hostile_sources_fail_and_the_others_finish(sqlite_store: Store) -> None:
    service = Service(sqlite_store, recipe=hostile(RECIPE), workers=2, stall=2.0, concurrency=20)
    async with BadDays() as server:
        said = {"crash": "die", "stall": "sleep 600", "fault": "raise"} | {f"s{n}": f"page {n}" for n in range(25)}
        for name, says in said.items():
            service.track(name, server.url(f"/{name}"), collector="hostile")
            server.on(f"/{name}", text(says))
        visits = {visit.source: visit for visit in (await service.visit()).visits}
    service.close()
    assert {name: visit.outcome for name, visit in visits.items() if not visit.ok} == {
        "crash": "reader_died",
        "stall": "reader_stalled",
        "fault": "internal",
    }
    assert "died" in (visits["crash"].message or "")
    assert "longer than 2 s" in (visits["stall"].message or "")
    assert "UnpicklableError" in (visits["fault"].message or "")
    assert sqlite_store.totals().posts == 25
