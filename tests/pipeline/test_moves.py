"""Addresses move only when they are believed, and an outage of our own network is nobody's failure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.decide import OFFLINE
from monitor.core.model import Visit
from monitor.store import Store
from tests.servers.baddays import BadDays, Behaviour, conditional, redirect, status, text
from tests.support.collecting import DAY, HOUR, START, Service, item, only, rss
from tests.support.posts import make_source

MINUTE = timedelta(minutes=1)
GOOD = rss([item("a", START - DAY), item("b", START - 2 * DAY)])


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
