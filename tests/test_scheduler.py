"""The clock ticks, survives its ticks, stops clean, and keeps its hands off generated data; and the service around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.asgi import UnsafeAddress, create
from monitor import pipeline, scheduler
from monitor.bootstrap import Services
from monitor.core.model import Write
from monitor.scheduler import Clockwork
from monitor.settings import Settings
from monitor.store.errors import Unavailable
from monitor.store.keys import GENERATED
from tests.servers.baddays import BadDays, dripping, text
from tests.support.collecting import DAY, HOUR, START, Clock, item, rss
from tests.support.posts import make_post, make_source

GOOD = rss([item("a", START - DAY)])
CONFIG = Path(__file__).parents[1] / "config"


@pytest.fixture
async def server() -> AsyncIterator[BadDays]:
    async with BadDays() as running:
        yield running


Make = Callable[..., Services]


@pytest.fixture
async def make(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    """Makes real services on an empty database; ticks come fast."""
    monkeypatch.setattr(scheduler, "COLLECT_EVERY", timedelta(seconds=0.1))
    monkeypatch.setattr(scheduler, "FIRST_COLLECT", timedelta(0))
    made: list[Services] = []

    def services(**settings: object) -> Services:
        given = {"home": tmp_path, "config": CONFIG, "database_url": sqlite_url, "allow_nets": "127.0.0.0/8"}
        made.append(Services(Settings(**{**given, "collect_workers": 0, **settings}), clock=Clock()))  # type: ignore[arg-type]  # as from the environment
        return made[-1]

    yield services
    for one in made:
        one.close()


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


async def test_what_is_due_is_collected_tick_by_tick(make: Make, server: BadDays) -> None:
    services = make()
    server.on("/ward", text(GOOD))
    services.store.add_source(make_source("ward", url=server.url("/ward")), START)
    clockwork = Clockwork(services)
    clockwork.start()
    await until(lambda: server.hits("/ward") == 1)
    await until(lambda: services.store.totals().posts == 1)
    await asyncio.sleep(0.5)
    assert server.hits("/ward") == 1, "it is not due again"
    assert isinstance(services.clock, Clock)
    services.clock.move(DAY)
    await until(lambda: server.hits("/ward") == 2)
    await until(lambda: services.last_tick == START + DAY)
    await clockwork.stop()


async def test_a_tick_that_fails_is_logged_and_comes_again(
    make: Make, server: BadDays, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    services = make()
    troubles: list[Exception] = [Unavailable("the disk is full; make room"), ZeroDivisionError("a fault of ours")]
    whole = services.collection.collect

    async def stumble(**how: object) -> object:
        if troubles:
            raise troubles.pop(0)
        return await whole(**how)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(services.collection, "collect", stumble)
    server.on("/ward", text(GOOD))
    services.store.add_source(make_source("ward", url=server.url("/ward")), START)
    clockwork = Clockwork(services)
    clockwork.start()
    await until(lambda: server.hits("/ward") == 1)
    await clockwork.stop()
    said = "".join(capsys.readouterr())
    assert "make room" in said
    assert "a fault of ours" in said


async def test_stopping_gives_claims_back_and_leaves_nothing_behind(
    make: Make, server: BadDays, caplog: pytest.LogCaptureFixture
) -> None:
    services = make()
    server.on("/slow", dripping(1000, 0.1))
    services.store.add_source(make_source("slow", url=server.url("/slow")), START)
    before = asyncio.all_tasks()
    clockwork = Clockwork(services)
    clockwork.start()
    await until(lambda: server.hits("/slow") == 1)
    await clockwork.stop()
    await asyncio.sleep(0)
    assert caplog.records == [], "stopping is no fault"
    assert [one.source.id for one in services.store.claim_due(START, limit=9, lease=HOUR)] == ["slow"]
    left = asyncio.all_tasks() - before - server._tasks
    assert not left
    hits = len(server.requests)
    await asyncio.sleep(0.4)
    assert len(server.requests) == hits
    await clockwork.stop()


async def test_nothing_is_collected_into_generated_data(make: Make, server: BadDays) -> None:
    services = make()
    services.store.set_meta(GENERATED, "true")
    server.on("/ward", text(GOOD))
    services.store.add_source(make_source("ward", url=server.url("/ward")), START)
    clockwork = Clockwork(services)
    clockwork.start()
    await until(lambda: services.last_tick is not None)
    await asyncio.sleep(0.4)
    await clockwork.stop()
    assert server.requests == []


async def test_verdicts_are_kept_current_and_a_change_is_logged_once(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scheduler, "FIRST_CLAIMS", timedelta(0))
    monkeypatch.setattr(scheduler, "CLAIMS_EVERY", timedelta(seconds=0.2))
    services = make()
    clockwork = Clockwork(services)
    clockwork.start()
    await until(lambda: bool(services.store.verdicts("growth-consistency")))
    (kept,) = services.store.verdicts("growth-consistency", limit=1)
    assert kept.verdict == "supported"
    services.store.save_verdicts([replace(kept, verdict="inconclusive", at=kept.at + HOUR)])
    told: list[str] = []

    def logged() -> bool:
        told.append("".join(capsys.readouterr()))
        return "verdict_changed" in "".join(told)

    await until(logged)
    await asyncio.sleep(0.5)
    await clockwork.stop()
    logged()
    lines = [line for line in "".join(told).splitlines() if "verdict_changed" in line]
    assert len(lines) == 1
    assert "growth-consistency" in lines[0]
    assert "inconclusive" in lines[0]


async def test_workers_rest_when_much_has_been_done(
    make: Make, server: BadDays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MANY", 3)
    services = make(collect_workers=1)
    used: list[bool] = []
    for n in range(4):
        services.store.add_source(make_source(f"s{n}", url=server.url(f"/{n}")), START)
        server.on(f"/{n}", text(GOOD))
    read = services.readers.read

    async def watched(*given: object) -> object:
        used.append(services.readers.has_workers)
        return await read(*given)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(services.readers, "read", watched)
    await Clockwork(services).collect()
    assert used == [True] * 4
    assert services.store.totals().posts == 4
    assert not services.readers.has_workers


async def test_retention_runs_soon_after_the_start_and_keeps_what_is_young(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "FIRST_RETENTION", timedelta(0))
    services = make(retention_text_days=30)
    services.store.add_source(make_source(), START)
    old, young = (make_post(f"p{n}", published_at=START - n * DAY) for n in (40, 20))
    services.store.commit(Write("who", START, (old, young)))
    clockwork = Clockwork(services)
    clockwork.start()

    def texts() -> list[str]:
        return [post.text for post in (services.store.post("who", one) for one in ("p40", "p20")) if post]

    await until(lambda: texts() == ["", young.text])
    await clockwork.stop()


# The service around it


async def test_the_service_collects_while_it_runs_and_closes_what_it_opened(make: Make, server: BadDays) -> None:
    services = make(contact="ops@example.org")
    server.on("/ward", text(GOOD))
    services.store.add_source(make_source("ward", url=server.url("/ward")), START)
    application = create(services)
    transport = httpx.ASGITransport(application, client=("127.0.0.1", 50000))
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        await until(lambda: services.store.totals().posts == 1)
        ready = await client.get("/readyz")
        assert ready.status_code == 200, ready.text
        assert "looked for due sources" in ready.text
        assert "trendmonitor" in server.requests[0].headers["user-agent"]
        assert "ops@example.org" in server.requests[0].headers["user-agent"]
        assert (await client.get("/api/v1/posts")).json()["posts"][0]["id"] == "a"
    with pytest.raises(RuntimeError, match="shutdown"):
        await services.collection.collect()


async def test_addresses_that_others_reach_need_a_key_first(make: Make) -> None:
    services = make(host="0.0.0.0")
    with pytest.raises(UnsafeAddress, match="trendmonitor keys create"):
        create(services)
    services.store.create_key("mine", "read", START)
    create(services)
