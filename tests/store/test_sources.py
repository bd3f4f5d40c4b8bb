"""Declared and run-time sources: who owns a row, and what happens to it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.core.model import Applied, Observed, Visit, Write
from monitor.store import PostQuery, Store
from monitor.store.errors import AlreadyExists, NotFound, OwnedByConfig
from tests.support.posts import NOW, make_post, make_source
from tests.support.stores import Mirror, counted_cells, stored_cells

HOUR = timedelta(hours=1)
FULL = make_source(
    "full",
    name="Ünïcode",
    content_type="video",
    audience=("nurses", "physicians"),
    country="DE",
    language="de",
    every=timedelta(minutes=30, microseconds=1),
    options={"a": [1, {"b": None}]},
    verified=False,
)


def test_a_source_comes_back_as_it_was_added(store: Store) -> None:
    added = store.add_source(FULL, NOW)
    assert added.source == FULL
    assert store.source("full") == added
    assert store.sources() == [added]
    assert (added.state.declared, added.state.created_at, added.state.next_due) == (False, NOW, None)
    with pytest.raises(AlreadyExists, match="full"):
        store.add_source(FULL, NOW)


def test_sources_are_listed_by_id(store: Store) -> None:
    for name in ("b", "a-b", "aB", "ab", "Z", "é"):
        store.add_source(make_source(name), NOW)
    names = [one.source.id for one in store.sources()]
    assert names == sorted(names)


def test_apply_is_idempotent(store: Store) -> None:
    declared = [FULL, make_source("b")]
    assert store.apply(declared, NOW) == Applied(added=("full", "b"))
    version = store.data_version()
    assert store.apply(declared, NOW + HOUR) == Applied(unchanged=2)
    assert store.data_version() == version
    assert all(one.state.declared and one.state.created_at == NOW for one in store.sources())
    changed = make_source("b", name="New name")
    assert store.apply([FULL, changed], NOW) == Applied(changed=("b",), unchanged=1)
    assert store.data_version() > version


def test_a_source_that_is_no_longer_declared_is_retired_and_keeps_its_posts(store: Store) -> None:
    store.apply([make_source("a"), make_source("b")], NOW)
    store.commit(Write("a", NOW, (make_post("1", "a"),)))
    assert store.apply([make_source("b")], NOW) == Applied(retired=("a",), unchanged=1)
    assert store.apply([make_source("b")], NOW) == Applied(unchanged=1)
    retired = store.source("a")
    assert retired is not None
    assert retired.state.stopped == "removed from config"
    assert [one.source.id for one in store.claim_due(NOW, limit=9, lease=HOUR)] == ["b"]
    assert store.totals().posts == 1
    assert store.apply([make_source("a"), make_source("b")], NOW).changed == ("a",)
    again = store.source("a")
    assert again is not None
    assert (again.state.declared, again.state.stopped) == (True, None)


def test_apply_takes_over_a_run_time_source_and_leaves_pause_alone(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    store.set_paused("a", True, NOW)
    assert store.apply([make_source("a")], NOW) == Applied(changed=("a",))
    known = store.source("a")
    assert known is not None
    assert (known.state.declared, known.state.paused) == (True, True)


def test_config_owns_declared_sources(store: Store) -> None:
    store.apply([make_source("a")], NOW)
    with pytest.raises(OwnedByConfig, match="apply"):
        store.update_source(make_source("a", name="x"))
    with pytest.raises(OwnedByConfig):
        store.remove_source("a", purge=True)
    assert store.set_paused("a", True, NOW).state.paused


def test_unknown_sources_are_named(store: Store) -> None:
    for act in (
        lambda: store.update_source(make_source("nobody")),
        lambda: store.remove_source("nobody"),
        lambda: store.set_paused("nobody", True, NOW),
        lambda: store.record_visit(Visit("nobody", NOW, NOW, "unchanged")),
    ):
        with pytest.raises(NotFound, match="nobody"):
            act()
    assert store.source("nobody") is None


def test_resuming_clears_the_stop_and_the_failures(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    failed = Visit("a", NOW, NOW, "gone", "410", ok=False, failures=4.0, stopped="410 Gone", next_due=NOW + 9 * HOUR)
    version = store.data_version()
    store.record_visit(failed)
    assert store.data_version() > version
    stopped = store.source("a")
    assert stopped is not None
    assert (stopped.state.stopped, stopped.state.failing_since, stopped.state.error) == ("410 Gone", NOW, "410")
    assert store.claim_due(NOW + 99 * HOUR, limit=9, lease=HOUR) == []
    state = store.set_paused("a", False, NOW + HOUR).state
    assert (state.stopped, state.failures, state.failing_since, state.error_code) == (None, 0.0, None, None)
    assert state.next_due == NOW + HOUR


def test_a_new_address_starts_over(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    store.commit(Write("a", NOW, cursor={"etag": "x"}), Visit("a", NOW, NOW, "nothing_new", next_due=NOW + HOUR))
    renamed = store.update_source(make_source("a", name="Only the name"))
    assert renamed.state.cursor == {"etag": "x"}
    moved = store.update_source(make_source("a", url="https://elsewhere.example/"))
    assert (moved.state.cursor, moved.state.verified, moved.state.next_due) == ({}, False, None)


def test_a_believed_move_survives_apply_until_config_changes(store: Store) -> None:
    declared = make_source("a", url="http://old.example/")
    store.apply([declared], NOW)
    store.record_visit(Visit("a", NOW, NOW, "unchanged", new_url="https://new.example/"))
    assert store.apply([declared], NOW).unchanged == 1
    moved = store.source("a")
    assert moved is not None
    assert moved.source.url == "https://new.example/"
    other = make_source("a", url="https://third.example/")
    assert store.apply([other], NOW).changed == ("a",)
    assert store.apply([declared], NOW).changed == ("a",)
    back = store.source("a")
    assert back is not None
    assert back.source.url == "http://old.example/"


def test_a_removed_source_is_hidden_but_its_posts_count(store: Store) -> None:
    store.add_source(make_source("a", platform="youtube"), NOW)
    store.commit(Write("a", NOW, (make_post("1", "a"),), observed=Observed(NOW - HOUR, NOW)))
    store.remove_source("a")
    assert store.sources() == []
    assert store.source("a") is None
    assert store.claim_due(NOW, limit=9, lease=HOUR, only=["a"]) == []
    assert store.totals().sources == 0
    assert [source.platform for source in store.source_numbers().values()] == ["youtube"]
    assert len(store.coverage()["a"]) == 1
    assert stored_cells(store) == counted_cells([make_post("1", "a")])
    with pytest.raises(NotFound):
        store.remove_source("a")
    store.add_source(make_source("a"), NOW)
    assert store.known("a").hashes.keys() == {"1"}


def test_purge_takes_all_of_a_source_and_turns_its_copies_into_originals(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    store.add_source(make_source("b"), NOW)
    original = make_post("1", "a", published_at=NOW - HOUR, duplicate_keys=(7,))
    copy = make_post("1", "b", published_at=NOW, duplicate_keys=(7,))
    store.commit_many(
        [
            Write("a", NOW, (original,), observed=Observed(NOW - HOUR, NOW)),
            Write("b", NOW, (copy,), observed=Observed(NOW - HOUR, NOW)),
        ]
    )
    mirror = Mirror()
    assert mirror.refresh(store) == counted_cells([original, copy])
    epoch = store.epoch()
    store.remove_source("a", purge=True)
    assert store.epoch() > epoch
    assert mirror.refresh(store) == counted_cells([copy])
    assert list(store.coverage()) == ["b"]
    assert store.totals().posts == 1
    assert [post.source for post in store.posts(PostQuery("health")).posts] == ["b"]
    store.add_source(make_source("a"), NOW)
    assert store.known("a").hashes == {}
    assert len(store.source_numbers()) == 2
    assert max(store.source_numbers()) == 3, "a number is never given twice"
