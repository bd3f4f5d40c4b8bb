"""Sources are claimed, kept while their collector lives, and given back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from monitor import pipeline
from monitor.core.model import Visit
from monitor.store import Store
from tests.conftest import Opener
from tests.servers.baddays import BadDays, dripping, text
from tests.support.collecting import DAY, HOUR, START, Service, item, only, rss

MINUTE = timedelta(minutes=1)
GOOD = rss([item("a", START - DAY), item("b", START - 2 * DAY)])


async def test_named_sources_that_another_process_holds_are_busy(
    server: BadDays, store: Store, another: Opener
) -> None:
    service = Service(store)
    for name in ("mine", "theirs"):
        service.track(name, server.url(f"/{name}"))
        server.on(f"/{name}", text(GOOD))
    other = another()
    presence = other.appear()
    other.claim_due(START, limit=1, lease=HOUR, only=["theirs"])
    report = await service.visit("mine", "theirs")
    assert [visit.source for visit in report.visits] == ["mine"]
    assert report.busy == ("theirs",)
    presence.close()
    report = await service.visit("theirs")
    assert [visit.source for visit in report.visits] == ["theirs"], "whoever held it is gone, and we are alone"
    service.close()


async def test_claims_of_the_living_outlast_their_first_lease(
    monkeypatch: pytest.MonkeyPatch, server: BadDays, service: Service, sqlite_url: str
) -> None:
    monkeypatch.setattr(pipeline, "HEARTBEAT", 0.05)
    service.track("slow", server.url("/slow"))
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: object, reply: object) -> None:
        reached.set()
        await go_on.wait()
        await text(GOOD)(request, reply)  # type: ignore[arg-type]  # as it was given

    server.on("/slow", slow)
    running = asyncio.create_task(service.visit("slow"))
    await reached.wait()
    other = Store.open(sqlite_url)
    for _ in range(3):
        service.clock.move(2 * MINUTE)
        await asyncio.sleep(0.2)
        assert other.claim_due(service.clock(), limit=9, lease=HOUR, only=["slow"]) == []
    go_on.set()
    assert only((await running).visits).outcome == "new"
    other.close()


async def test_a_cancelled_collect_gives_its_claims_back(server: BadDays, service: Service) -> None:
    for n in range(20):
        service.track(f"s{n}", server.url(f"/{n}"))
        server.on(f"/{n}", dripping(1000, 0.1))
    running = asyncio.create_task(service.visit())
    while not server.requests:
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(service.store.claim_due(START, limit=99, lease=HOUR)) == 20


async def test_two_collects_at_a_time_visit_each_source_once(server: BadDays, service: Service) -> None:
    for n in range(30):
        service.track(f"s{n}", server.url(f"/{n}"))
        server.on(f"/{n}", text(GOOD))
    one, two = await asyncio.gather(service.visit(), service.visit())
    visited = [visit.source for report in (one, two) for visit in report.visits]
    assert sorted(visited) == sorted(f"s{n}" for n in range(30))


async def test_at_most_so_many_are_visited(server: BadDays, service: Service) -> None:
    for n in range(9):
        service.track(f"s{n}", server.url(f"/{n}"))
    report = await service.collection.collect(limit=4)
    assert len(report.visits) == 4
    assert len((await service.visit()).visits) == 5


async def test_a_source_that_is_due_again_at_once_is_left_for_the_next_tick(server: BadDays, service: Service) -> None:
    service.track("eager", server.url("/eager"), every=timedelta(microseconds=1))
    server.on("/eager", text(GOOD))

    def seen(visit: Visit) -> None:
        service.clock.move(MINUTE)

    report = await service.collection.collect(seen=seen)
    assert len(report.visits) == 1
