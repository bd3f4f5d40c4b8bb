"""What a collect promises: bad days stay where they are, claims come back, addresses move only when they are believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from collectors import registry
from collectors.base import Source
from monitor import pipeline
from monitor.core.decide import OFFLINE
from monitor.core.model import Visit
from monitor.store import Store
from monitor.store.errors import NotFound, Unavailable
from tests.conftest import Opener
from tests.servers.baddays import BadDays, Behaviour, answer, bomb, conditional, dripping, redirect, status, text
from tests.support.collecting import DAY, HOUR, START, Service, item, rss
from tests.support.posts import make_source

MINUTE = timedelta(minutes=1)
GOOD = rss([item("a", START - DAY), item("b", START - 2 * DAY)])
LAUGHS = (
    '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    + "".join(f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in zip("bcdefgh", "cdefghi", strict=True))
    + "]><rss version='2.0'><channel><title>&i;</title><item><title>&i;</title></item></channel></rss>"
)


@pytest.fixture
async def server() -> AsyncIterator[BadDays]:
    async with BadDays() as running:
        yield running


@pytest.fixture
def service(sqlite_store: Store) -> Iterator[Service]:
    made = Service(sqlite_store)
    yield made
    made.close()


@pytest.fixture
def abroad(sqlite_store: Store, server: BadDays) -> Iterator[Service]:
    """A service to which the server is the public internet, and loopback is forbidden."""
    made = Service(sqlite_store, internet=server.port)
    yield made
    made.close()


def only(visits: tuple[Visit, ...]) -> Visit:
    (visit,) = visits
    return visit


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


# Addresses that move


async def test_a_permanent_redirect_moves_the_address_at_the_third_visit(server: BadDays, abroad: Service) -> None:
    declared = make_source("ward", url="http://old.example/old")
    abroad.store.apply([declared], START)
    server.on("/old", redirect("http://new.example/new", 301))
    server.on("/new", conditional(GOOD, ETag='"1"'))
    addresses = []
    for _ in range(4):
        only((await abroad.visit("ward")).visits)
        abroad.clock.move(DAY)
        addresses.append(_url(abroad.store, "ward"))
    assert addresses == ["http://old.example/old"] * 2 + ["http://new.example/new"] * 2
    assert server.hits("/old") == 3, "the fourth visit goes straight there"
    # config/ still holds the old address: applying it again neither moves back nor starts over
    for _ in range(2):
        assert abroad.store.apply([declared], abroad.clock()).unchanged == 1
        assert _url(abroad.store, "ward") == "http://new.example/new"
    visit = only((await abroad.visit("ward")).visits)
    assert (visit.ok, visit.new, visit.new_url) == (True, 0, None)
    # a person who changes the address in config/ wins
    abroad.store.apply([replace(declared, url="http://third.example/third")], abroad.clock())
    assert _url(abroad.store, "ward") == "http://third.example/third"


async def test_a_redirect_that_comes_and_goes_moves_nothing(server: BadDays, abroad: Service) -> None:
    abroad.track("ward", "http://old.example/old")
    there = redirect("http://new.example/new", 301)
    server.on("/old", there, there, text(GOOD), there, there)
    server.on("/new", text(GOOD))
    for _ in range(5):
        await abroad.visit("ward")
        abroad.clock.move(DAY)
    assert _url(abroad.store, "ward") == "http://old.example/old"


def _named(url: str) -> str:
    return rss([item("a", START - DAY)], head=f"<itunes:new-feed-url>{url}</itunes:new-feed-url>")


async def test_the_address_that_a_document_names_is_taken_if_the_same_posts_are_there(
    server: BadDays, service: Service
) -> None:
    service.track("pod", server.url("/pod"))
    server.on("/pod", text(_named(server.url("/moved"))))
    server.on("/moved", text(rss([item("a", START - DAY), item("b", START - HOUR)])))
    visit = only((await service.visit()).visits)
    assert visit.new_url == server.url("/moved")
    assert "moved to" in (visit.message or "")
    assert _url(service.store, "pod") == server.url("/moved")
    service.clock.move(DAY)
    assert only((await service.visit("pod")).visits).new == 1


@pytest.mark.parametrize(
    "there",
    [
        status(404),
        text("<html>parked</html>"),
        text(rss([item("other", START)])),
        text(_named("http://127.0.0.1/elsewhere")),
    ],
    ids=["not found", "a page", "other posts", "it names a third"],
)
async def test_the_address_that_a_document_names_is_not_taken_on_its_word(
    server: BadDays, service: Service, there: Behaviour
) -> None:
    service.track("pod", server.url("/pod"))
    server.on("/pod", text(_named(server.url("/moved"))))
    server.on("/moved", there)
    visit = only((await service.visit()).visits)
    assert (visit.ok, visit.new, visit.new_url) == (True, 1, None)
    assert _url(service.store, "pod") == server.url("/pod")


def _url(store: Store, name: str) -> str:
    known = store.source(name)
    assert known is not None
    return known.source.url


# Our own network


async def test_when_nobody_can_be_reached_it_is_not_held_against_the_sources(sqlite_store: Store) -> None:
    service = Service(sqlite_store)
    for n in range(6):
        service.track(f"s{n}", f"http://127.0.0.1:{n + 1}/feed")  # nobody listens there
    sqlite_store.record_visit(Visit("s0", START, START, "http_500", ok=False, failures=3.0, next_due=START))
    report = await service.visit()
    assert {visit.outcome for visit in report.visits} == {OFFLINE}
    assert "check its network" in (report.visits[0].message or "")
    due = []
    for n in range(6):
        known = sqlite_store.source(f"s{n}")
        assert known is not None
        assert known.state.failures == (3.0 if n == 0 else 0.0)
        assert known.state.next_due is not None
        due.append(known.state.next_due - START)
    assert all(MINUTE < wait < 5 * MINUTE for wait in due)
    assert max(due) - min(due) > timedelta(seconds=10), "they do not come back in one burst"
    service.close()


async def test_one_answer_shows_that_the_fault_is_theirs(server: BadDays, service: Service) -> None:
    for n in range(6):
        service.track(f"s{n}", f"http://127.0.0.1:{n + 1}/feed")
    service.track("zz", server.url("/zz"))
    server.on("/zz", status(404))
    report = await service.visit()
    assert sorted(visit.outcome for visit in report.visits) == ["connect"] * 6 + ["http_404"]
    known = service.store.source("s3")
    assert known is not None
    assert known.state.failures == 0.5


@pytest.mark.parametrize(("count", "hosts"), [(4, 4), (6, 2)])
async def test_a_few_sources_or_hosts_prove_nothing_about_our_network(service: Service, count: int, hosts: int) -> None:
    for n in range(count):
        service.track(f"s{n}", f"http://127.0.0.1:{n % hosts + 1}/feed")
    report = await service.visit()
    assert {visit.outcome for visit in report.visits} == {"connect"}


# Claims


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


# Previews


async def test_a_preview_tags_and_stores_nothing(server: BadDays, service: Service) -> None:
    server.on("/ward", text(rss([item(f"n{n}", START - n * HOUR, text="Telehealth works.") for n in range(5)])))
    source = make_source("ward", url=server.url("/ward"))
    preview = await service.collection.preview(source, limit=2)
    assert [post.id for post in preview.posts] == ["n0", "n1"]
    assert preview.posts[0].annotation.topics == ("telehealth",)
    assert (preview.error, preview.url, preview.facts.format) == (None, server.url("/ward"), "rss20")
    assert service.store.sources() == []


@pytest.mark.parametrize(
    ("behaviour", "code"), [(status(404), "http_404"), (text("<html>x</html>"), "not_a_feed"), (answer(b""), "empty")]
)
async def test_a_preview_of_a_bad_day_is_an_answer_too(
    server: BadDays, service: Service, behaviour: Behaviour, code: str
) -> None:
    server.on("/ward", behaviour)
    preview = await service.collection.preview(make_source("ward", url=server.url("/ward")))
    assert (preview.code, preview.posts) == (code, ())
    assert preview.error


async def test_a_fault_of_ours_in_a_preview_is_an_answer_too(
    server: BadDays, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("/ward", text(GOOD))

    def stumble(source: object, page: object) -> Callable[[], None]:
        raise ZeroDivisionError

    monkeypatch.setattr(registry.get("feed"), "parse", stumble)
    preview = await service.collection.preview(make_source("ward", url=server.url("/ward")))
    assert preview.code == "internal"
