"""Claims, visits and coverage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.core.model import Interval, Observed, Visit, Write
from monitor.store import Gap, Store
from tests.support.posts import NOW, make_post, make_source
from tests.support.stores import Mirror, counted_cells

HOUR = timedelta(hours=1)


def ids(found: list) -> list[str]:
    return [one.source.id for one in found]


def test_the_longest_waiting_come_first_and_only_once(store: Store) -> None:
    for name, due in (("a", 3), ("b", 1), ("c", 2), ("later", -1)):
        store.add_source(make_source(name), NOW)
        store.record_visit(Visit(name, NOW, NOW, "unchanged", next_due=NOW - due * HOUR))
    store.add_source(make_source("new"), NOW)
    assert ids(store.claim_due(NOW, limit=2, lease=HOUR)) == ["new", "a"]
    assert ids(store.claim_due(NOW, limit=9, lease=HOUR)) == ["c", "b"]
    assert store.claim_due(NOW, limit=9, lease=HOUR) == []
    store.release(["c", "nobody"])
    assert ids(store.claim_due(NOW, limit=9, lease=HOUR)) == ["c"]


def test_a_lease_runs_out(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    assert ids(store.claim_due(NOW, limit=1, lease=HOUR)) == ["a"]
    assert store.claim_due(NOW + HOUR - timedelta(microseconds=1), limit=1, lease=HOUR) == []
    assert ids(store.claim_due(NOW + HOUR, limit=1, lease=HOUR)) == ["a"]


def test_named_sources_are_claimed_whatever_their_state(store: Store) -> None:
    for name in ("paused", "stopped", "later", "other"):
        store.add_source(make_source(name), NOW)
    store.set_paused("paused", True, NOW)
    store.record_visit(Visit("stopped", NOW, NOW, "gone", ok=False, stopped="410"))
    store.record_visit(Visit("later", NOW, NOW, "unchanged", next_due=NOW + HOUR))
    named = ["later", "stopped", "paused", "nobody"]
    assert sorted(ids(store.claim_due(NOW, limit=9, lease=HOUR, only=named))) == ["later", "paused", "stopped"]
    assert store.claim_due(NOW, limit=9, lease=HOUR, only=named) == []
    assert store.claim_due(NOW, limit=9, lease=HOUR, only=[]) == []


def test_nobody_gets_what_another_claimed(store: Store, another) -> None:
    for n in range(60):
        store.add_source(make_source(f"s{n}"), NOW)
    stores = [another() for _ in range(4)]

    def claim_all(one: Store) -> list[str]:
        mine: list[str] = []
        while claimed := one.claim_due(NOW, limit=3, lease=HOUR):
            mine += ids(claimed)
        return mine

    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(claim_all, stores))
    everything = [name for mine in claims for name in mine]
    assert len(everything) == len(set(everything))
    # On PostgreSQL a claimer passes over rows that another is just claiming, and may stop early.
    everything += claim_all(store)
    assert sorted(everything) == sorted(f"s{n}" for n in range(60))


def test_failures_add_up_until_a_success(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    ok = Visit("a", NOW, NOW, "new", new=2, spacing=30.0)
    store.record_visit(ok)
    for hour in (1, 2):
        at = NOW + hour * HOUR
        store.record_visit(Visit("a", at, at, "timeout", "too slow", ok=False, failures=0.5 * hour, next_due=at))
    known = store.source("a")
    assert known is not None
    state = known.state
    assert (state.failing_since, state.failures, state.error_code, state.error) == (
        NOW + HOUR,
        1.0,
        "timeout",
        "too slow",
    )
    assert (state.last_success, state.last_new, state.last_try, state.spacing) == (NOW, NOW, NOW + 2 * HOUR, 30.0)
    store.record_visit(replace(ok, new=0, started=NOW + 3 * HOUR, finished=NOW + 3 * HOUR, spacing=None))
    known = store.source("a")
    assert known is not None
    state = known.state
    assert (state.failing_since, state.failures, state.error_code, state.error) == (None, 0.0, None, None)
    assert (state.last_success, state.last_new, state.spacing) == (NOW + 3 * HOUR, NOW, 30.0)


def test_visits_come_newest_first_and_only_the_newest_are_kept(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    store.add_source(make_source("b"), NOW)
    store.record_visit(Visit("b", NOW, NOW, "unchanged"))
    every = [
        Visit("a", NOW, NOW + n * HOUR, "new", f"visit {n}", True, 10**10, n, 1, 2, {"no date": n}, None, 0.5, 1.5)
        for n in range(210)
    ]
    for visit in every:
        store.record_visit(visit)
    assert store.visits("a", limit=1000) == every[:9:-1]
    assert store.visits("a", limit=2) == [every[209], every[208]]
    assert len(store.visits("b")) == 1


def test_visits_are_counted_by_outcome_since_a_time(store: Store) -> None:
    for name in ("a", "b"):
        store.add_source(make_source(name), NOW)
    for hour, name, outcome in ((0, "a", "new"), (1, "a", "unchanged"), (1, "b", "unchanged"), (2, "b", "timeout")):
        at_that_time = NOW + hour * HOUR
        store.record_visit(Visit(name, at_that_time - HOUR, at_that_time, outcome, ok=outcome != "timeout"))
    assert store.visit_counts(NOW) == {"new": 1, "unchanged": 2, "timeout": 1}
    assert store.visit_counts(NOW + HOUR) == {"unchanged": 2, "timeout": 1}, "inclusive"
    assert store.visit_counts(NOW + 3 * HOUR) == {}


def observe(store: Store, since: float, until: float, gap: str | None = None) -> None:
    store.commit(Write("a", NOW, observed=Observed(at(since), at(until), gap)))


def at(hours: float) -> datetime:
    return NOW + hours * HOUR


def test_a_gap_has_a_reason_until_it_is_filled(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    observe(store, 0, 1)
    observe(store, 5, 6, "overflow")
    observe(store, 6, 7)
    observe(store, 9, 10)
    assert store.coverage(["a"]) == {"a": [Interval(at(0), at(1)), Interval(at(5), at(7)), Interval(at(9), at(10))]}
    assert store.gaps("a") == [Gap(at(1), at(5), "overflow"), Gap(at(7), at(9), None)]
    observe(store, 4, 5)
    assert store.gaps("a")[0] == Gap(at(1), at(4), "overflow")
    version = store.data_version()
    observe(store, 4, 5)
    observe(store, 3, 3)
    assert store.data_version() == version, "nothing new was seen"
    observe(store, 1, 9)
    assert store.coverage() == {"a": [Interval(at(0), at(10))]}
    assert store.gaps("a") == []
    assert store.data_version() > version


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=10))
def test_coverage_is_the_union_of_what_was_observed(emptied, spans: list[tuple[int, int]]) -> None:
    store = emptied()
    store.add_source(make_source("a"), NOW)
    for since, length in spans:
        observe(store, since, since + length)
    hours = {hour for since, length in spans for hour in range(since, since + length)}
    intervals = store.coverage()["a"]
    assert {hour for hour in range(60) for one in intervals if one.since <= at(hour) < one.until} == hours
    assert all(before.until < after.since for before, after in pairwise(intervals))


def test_coverage_of_named_sources_only(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    store.add_source(make_source("b"), NOW)
    assert store.coverage(["b", "nobody"]) == {"b": []}
    assert store.coverage() == {"a": [], "b": []}


@pytest.mark.parametrize("writers", [4])
def test_writers_that_cross_lose_nothing(store: Store, another, writers: int) -> None:
    names = [f"s{n}" for n in range(writers)]
    for name in names:
        store.add_source(make_source(name), NOW)
    stores = [another() for _ in names]

    def posts_of(name: str) -> list:
        return [
            make_post(str(n), name, published_at=NOW - n * HOUR, duplicate_keys=(n % 5,), sentiment=0.1)
            for n in range(12)
        ]

    def work(task: tuple[Store, str]) -> None:
        one, name = task
        for post in posts_of(name):
            one.commit(Write(name, NOW, (post,)))

    mirror = Mirror()
    with ThreadPoolExecutor(writers) as pool:
        running = [pool.submit(work, task) for task in zip(stores, names, strict=True)]
        while not all(task.done() for task in running):
            mirror.refresh(store)
        for task in running:
            task.result()
    expected = counted_cells(post for name in names for post in posts_of(name))
    assert mirror.refresh(store) == expected, "a reader that follows versions misses nothing"
    assert store.rebuild_cells() == 0
