"""What the parts of a service share."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import SecretStr

from collectors.fetch import Http, HttpSettings
from monitor.bootstrap import Services
from monitor.settings import Settings
from tests.servers.baddays import BadDays, status, text
from tests.servers.internet import PUBLIC, Elsewhere, Names
from tests.support.collecting import DAY, START, Clock, item, rss
from tests.support.posts import make_source

CONFIG = Path(__file__).parents[1] / "config"


def test_a_host_that_throttled_a_tick_is_not_asked_by_hand_either(sqlite_url: str, tmp_path: Path) -> None:
    clock, internet = Clock(), Elsewhere(0)
    settings = Settings(home=tmp_path, config=CONFIG, database_url=sqlite_url, collect_workers=0)
    services = Services(settings, clock=clock)
    assert services.http is services.http
    services.__dict__["http"] = Http(HttpSettings(pace=0), clock=clock, resolve=Names([PUBLIC]), network=internet)
    services.store.add_source(make_source("a", url="http://feeds.example/a"), START)

    async def throttled() -> None:
        async with BadDays() as server:
            internet.port = server.port
            server.on("/a", status(429, Retry_After="7200"))
            server.on("/b", text(rss([item("b", START - DAY)])))
            other = make_source("b", url="http://feeds.example/b")
            (visit,) = (await services.collection.collect()).visits
            assert visit.outcome == "http_429"
            preview = await services.previews.preview(other)
            assert preview.code == "http_429"
            assert "2026-07-06 14:00:00 UTC" in (preview.error or "")
            assert server.hits("/b") == 0

    async def forgiven() -> None:
        async with BadDays() as server:
            internet.port = server.port
            server.on("/b", text(rss([item("b", START - DAY)])))
            assert (await services.previews.preview(make_source("b", url="http://feeds.example/b"))).error
            assert server.hits("/b") == 0
            clock.move(DAY)
            preview = await services.previews.preview(make_source("b", url="http://feeds.example/b"))
            assert (preview.error, len(preview.posts)) == (None, 1)

    try:
        asyncio.run(throttled())
        asyncio.run(forgiven())
    finally:
        services.close()


def test_a_source_whose_key_is_set_by_now_is_due_at_once(sqlite_url: str, tmp_path: Path) -> None:
    clock = Clock()
    settings = Settings(home=tmp_path, config=CONFIG, database_url=sqlite_url, collect_workers=0)
    without = Services(settings, clock=clock)
    source = make_source("tele", collector="youtube", platform="youtube", url="https://www.youtube.com/@example")
    without.store.add_source(source, START)
    (visit,) = asyncio.run(without.collection.collect(["tele"])).visits
    assert visit.outcome == "needs_key"
    without.apply()
    waiting = without.store.source("tele")
    assert waiting is not None
    assert waiting.state.next_due is not None
    assert waiting.state.next_due > START, "still without a key"
    without.close()

    keyed = Services(settings.model_copy(update={"key": {"youtube": SecretStr("hush")}}), clock=clock)
    keyed.apply()
    due = keyed.store.source("tele")
    assert due is not None
    assert (due.state.next_due, due.state.error_code) == (START, None)
    keyed.close()
