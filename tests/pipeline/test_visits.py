"""What a collect promises: bad days stay at their source, and whatever happens meanwhile ends in a visit or a reason."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from collectors import registry
from collectors.base import Source
from monitor.store import Store
from monitor.store.errors import NotFound, Unavailable
from tests.servers.baddays import BadDays, Behaviour, answer, bomb, dripping, redirect, status, text
from tests.support.collecting import DAY, HOUR, START, Service, item, only, rss

MINUTE = timedelta(minutes=1)
GOOD = rss([item("a", START - DAY), item("b", START - 2 * DAY)])
LAUGHS = (
    '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    + "".join(f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in zip("bcdefgh", "cdefghi", strict=True))
    + "]><rss version='2.0'><channel><title>&i;</title><item><title>&i;</title></item></channel></rss>"
)


@dataclass(frozen=True)
class BadDay:
    behaviour: Behaviour
    code: str
    says: str
    """Part of its message: what to do."""
    failures: float = 1.0
    at_least: timedelta = timedelta(0)
    """Not tried again before this."""
    stops: bool = False


DAYS = {
    "html": BadDay(
        text('<html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head><body>Hi</body></html>'),
        "not_a_feed",
        "use that address",
    ),
    "nothing": BadDay(answer(b""), "empty", "Check the address"),
    "blank": BadDay(answer(b"  \n "), "empty", "Check the address"),
    "zeros": BadDay(bomb("gzip"), "too_large", "15 MB"),
    "laughs": BadDay(text(LAUGHS), "entity_bomb", "entit"),
    "loopback": BadDay(redirect("http://127.0.0.1:1/feed"), "private_address", "TRENDMONITOR_ALLOW_NETS", 2.0),
    "metadata": BadDay(redirect("http://169.254.169.254/latest"), "private_address", "redirects", 2.0),
    "gone": BadDay(status(410), "http_410", "remove or replace", 2.0, stops=True),
    "forbidden": BadDay(status(403), "http_403", "forbid programs", 2.0),
    "missing": BadDay(status(404), "http_404", "Check the address"),
    "tired": BadDay(status(429, Retry_After="86400"), "http_429", "2026-07-07 12:00", 0.5, at_least=DAY),
    "ill": BadDay(status(500), "http_500", "asked again", 0.5),
    "resting": BadDay(status(503, Retry_After="7200"), "http_503", "2026-07-06 14:00", 0.5, at_least=2 * HOUR),
    "circle": BadDay(redirect("http://circle.example/feed"), "redirect_loop", "Check the address"),
    "slow": BadDay(dripping(10_000, 0.05), "timeout_total", "tried again", 0.5),
}


async def test_each_bad_day_is_named_at_its_source_and_touches_no_other(sqlite_store: Store, server: BadDays) -> None:
    service = Service(sqlite_store, internet=server.port, http={"total_timeout": 1.0}, concurrency=20)
    service.track("good", "http://good.example/good")
    server.on("/good", text(GOOD))
    latin = '<?xml version="1.0" encoding="utf-8"?>' + rss([item("m", START - DAY, title="Ein Café für Ärzte")])[38:]
    service.track("charset", "http://charset.example/charset")
    server.on("/charset", answer(latin.encode("cp1252"), Content_Type="text/xml; charset=utf-8"))
    service.track("future", "http://future.example/future")
    server.on("/future", text(rss([item("f", datetime(2199, 1, 1, tzinfo=UTC))])))
    for name, day in DAYS.items():
        path = "/feed" if name == "circle" else f"/{name}"
        service.track(name, f"http://{name}.example{path}")
        server.on(path, day.behaviour)
    report = await service.visit()
    service.close()
    visits = {visit.source: visit for visit in report.visits}
    assert set(visits) == {"good", "charset", "future", *DAYS}
    for name in ("good", "charset", "future"):
        assert (name, visits[name].ok, visits[name].outcome) == (name, True, "new")
    post = sqlite_store.post("charset", "m")
    assert post is not None
    assert post.title == "Ein Café für Ärzte"
    for name, day in DAYS.items():
        visit, known = visits[name], sqlite_store.source(name)
        assert known is not None
        state = known.state
        assert (name, visit.ok, visit.outcome) == (name, False, day.code)
        assert day.says in (visit.message or ""), name
        assert (state.error_code, state.error, state.failures) == (day.code, visit.message, day.failures), name
        assert state.failing_since == START
        assert state.last_success is None
        assert state.next_due is not None
        assert START + max(day.at_least, 10 * MINUTE) <= state.next_due <= START + day.at_least + 8 * HOUR, name
        assert bool(state.stopped) is day.stops, name
        assert state.cursor == {}, f"{name}: what could not be read is asked for in full again"
    assert sqlite_store.totals().posts == 4
    assert sqlite_store.claim_due(START + 30 * DAY, limit=99, lease=MINUTE, only=list(visits)), "all claims came back"


async def test_410_stops_a_source_until_a_person_resumes_it(server: BadDays, service: Service) -> None:
    service.track("ward", server.url("/ward"))
    server.on("/ward", status(410), text(GOOD))
    await service.visit()
    service.clock.move(30 * DAY)
    assert (await service.visit()).visits == ()
    service.store.set_paused("ward", False, service.clock())
    assert only((await service.visit()).visits).outcome == "new"


async def test_a_source_that_recovers_is_as_good_as_new(server: BadDays, service: Service) -> None:
    service.track("ward", server.url("/ward"))
    server.on("/ward", text(GOOD), status(500), text("<html>maintenance</html>"), text(GOOD))
    outcomes, failures = [], []
    for _ in range(4):
        visit = only((await service.visit("ward")).visits)
        outcomes.append(visit.outcome)
        failures.append(visit.failures)
        service.clock.move(DAY)
    assert outcomes == ["new", "http_500", "not_a_feed", "unchanged"]
    assert failures == [0, 0.5, 1.5, 0]
    known = service.store.source("ward")
    assert known is not None
    assert known.state.failing_since is None
    assert len(service.store.coverage(["ward"])["ward"]) == 1, "the feed still showed what we knew"


async def test_podcast_block_stores_nothing_and_says_so(server: BadDays, service: Service) -> None:
    service.track("pod", server.url("/pod"))
    server.on("/pod", text(rss([item("a", START)], head="<podcast:block>yes</podcast:block>")))
    visit = only((await service.visit()).visits)
    assert (visit.ok, visit.outcome) == (False, "blocked_by_publisher")
    assert "remove or pause" in (visit.message or "")
    assert service.store.totals().posts == 0
    assert service.store.coverage() == {"pod": []}


# What else may happen meanwhile


async def test_unknown_names_are_refused_before_anything_is_done(server: BadDays, service: Service) -> None:
    service.track("ward", server.url("/ward"))
    with pytest.raises(NotFound, match="nobody"):
        await service.visit("ward", "nobody")
    assert server.requests == []


async def test_a_source_that_is_removed_during_its_visit_leaves_the_others_alone(
    server: BadDays, service: Service
) -> None:
    for name in ("ward", "wing"):
        service.track(name, server.url(f"/{name}"))

    async def remove(request: object, reply: object) -> None:
        await asyncio.to_thread(service.store.remove_source, "ward", purge=True)
        await text(GOOD)(request, reply)  # type: ignore[arg-type]  # as it was given

    server.on("/ward", remove)
    server.on("/wing", text(GOOD))
    report = await service.visit()
    assert [visit.source for visit in report.visits] == ["wing"]
    assert service.store.totals().posts == 2


async def test_a_database_that_fails_ends_the_collect_with_its_reason(
    server: BadDays, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(10):
        service.track(f"s{n}", server.url(f"/{n}"))
        server.on(f"/{n}", text(GOOD))

    def full(*_: object) -> None:
        raise Unavailable("the disk is full; make room")

    monkeypatch.setattr(service.store, "commit", full)
    with pytest.raises(Unavailable, match="make room"):
        await service.visit()
    monkeypatch.undo()
    assert len((await service.visit()).visits) == 10, "no claim was left behind"


async def test_a_fault_of_ours_is_one_visit_and_is_not_silent(
    server: BadDays, service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ward", "wing"):
        service.track(name, server.url(f"/{name}"))
        server.on(f"/{name}", text(GOOD))
    parse = registry.get("feed").parse

    def stumble(source: Source, page: object) -> object:
        if source.id == "ward":
            raise ZeroDivisionError("a fault of ours")
        return parse(source, page)  # type: ignore[arg-type]  # as it was given

    monkeypatch.setattr(registry.get("feed"), "parse", stumble)
    visits = {visit.source: visit for visit in (await service.visit()).visits}
    assert visits["wing"].outcome == "new"
    assert visits["ward"].outcome == "internal"
    assert "ZeroDivisionError" in (visits["ward"].message or "")
    assert "a fault of ours" in capsys.readouterr().out, "the log has the details"


async def test_a_collector_that_is_no_more_is_named(server: BadDays, service: Service) -> None:
    service.track("old", server.url("/old"), collector="gopher")
    visit = only((await service.visit()).visits)
    assert visit.outcome == "unknown_collector"
    assert "gopher" in (visit.message or "")


async def test_an_archive_is_never_due_and_being_named_leaves_no_trace(service: Service) -> None:
    service.track("old", "", collector="archive")
    assert (await service.visit()).visits == ()
    visit = only((await service.visit("old")).visits)
    assert visit.outcome == "archive_only"
    assert "trendmonitor import" in (visit.message or "")
    known = service.store.source("old")
    assert known is not None
    assert (known.state.last_try, known.state.failing_since) == (None, None)
    assert only((await service.visit("old")).visits).outcome == "archive_only", "its claim came back"
