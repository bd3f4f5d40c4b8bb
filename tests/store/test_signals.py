"""Signals in both databases: opened once, measured again, ended once, with what people said."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from monitor.core.signals import Signal
from monitor.store import Store
from monitor.store.errors import NotFound
from monitor.store.signals import Mute
from tests.support.posts import NOW

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def made(name: str = "one", **changes: Any) -> Signal:
    given: dict[str, Any] = {
        "id": name,
        "key": "topic=telehealth",
        "size": "day",
        "direction": "up",
        "state": "open",
        "since": 20_510,
        "last": 20_512,
        "observed": 41,
        "expected": 17.25,
        "low": 9.0,
        "high": 26.5,
        "figures_since": 20_511,
        "peak": 2.4,
        "p": 1e-9,
        "detectors": ("share_1", "farrington"),
        "settings": {"alpha": 1e-4, "budget": 1.0, "windows": "1,7"},
        "opened_at": NOW,
        "updated_at": NOW,
        "n_sources": 3,
        "top_source_share": 0.5,
        "copies_only": False,
    }
    return Signal(**(given | changes))


def says(*signals: Signal) -> dict[str, str]:
    return {one.id: f"{one.key} moved." for one in signals}


def test_a_signal_comes_back_as_it_was_measured(store: Store) -> None:
    whole, bare = made(), made("two", peak=None, n_sources=None, top_source_share=None, copies_only=None, size="week")
    opened = store.signals.save([whole, bare], [], [], says(whole, bare), NOW)
    assert store.signals.get("one") == whole
    assert store.signals.get("two") == bare
    assert store.signals.get("three") is None
    assert [(one.kind, one.subject, one.says) for one in opened] == [
        ("signal_opened", "one", "topic=telehealth moved."),
        ("signal_opened", "two", "topic=telehealth moved."),
    ]
    assert store.events() == opened


def test_measured_again_it_keeps_what_people_said_and_ends_once(store: Store) -> None:
    store.signals.save([made()], [], [], says(made()), NOW)
    store.signals.acknowledge("one", "A congress.", NOW + HOUR)
    store.signals.mute(Mute("one", NOW + 2 * DAY, "Known.", NOW))
    later = made(observed=60, last=20_513, updated_at=NOW + DAY)
    assert store.signals.save([], [later], [], {}, NOW + DAY) == []
    known = store.signals.get("one")
    assert known == replace(
        later,
        acknowledged_at=NOW + HOUR,
        acknowledged_why="A congress.",
        muted_until=NOW + 2 * DAY,
        muted_why="Known.",
    )
    store.signals.save([], [made(observed=1)], [], {}, NOW + DAY)
    assert store.signals.get("one") == known, "a computation that was overtaken changes nothing"
    over = replace(later, state="ended", updated_at=NOW + 9 * DAY, ended_at=NOW + 9 * DAY)
    (event,) = store.signals.save([], [], [over], says(over), NOW + 9 * DAY)
    assert (event.kind, event.detail) == ("signal_ended", {"key": "topic=telehealth", "direction": "up"})
    assert store.signals.save([], [later], [over], says(over), NOW + 10 * DAY) == []
    with pytest.raises(NotFound):
        store.signals.acknowledge("none", "x", NOW)


def test_processes_that_find_it_at_once_open_it_once(store: Store, another: Callable[[], Store]) -> None:
    stores = [another() for _ in range(4)]
    start = Barrier(len(stores))

    def save(one: Store) -> int:
        start.wait()
        return len(one.signals.save([made(), made("two")], [], [], says(made(), made("two")), NOW))

    with ThreadPoolExecutor(len(stores)) as pool:
        assert sorted(pool.map(save, stores)) == [0, 0, 0, 2]
    assert len(store.events()) == 2


def test_which_are_listed(store: Store) -> None:
    old = made("old", state="ended", opened_at=NOW - 20 * DAY, updated_at=NOW - 10 * DAY, ended_at=NOW - 10 * DAY)
    new = made("new", updated_at=NOW + HOUR)
    store.signals.save([old, made(), new], [], [], says(old, made(), new), NOW)

    def listed(**given: Any) -> list[str]:
        asked: dict[str, Any] = {"state": None, "since": None, "until": None, "limit": 9, **given}
        return [one.id for one in store.signals.recent(**asked)]

    assert listed() == ["new", "one", "old"]
    assert listed(limit=1) == ["new"]
    assert listed(state="open") == ["new", "one"]
    assert listed(state="ended") == ["old"]
    assert listed(since=NOW - 11 * DAY) == ["new", "one", "old"]
    assert listed(since=NOW - 9 * DAY) == ["new", "one"]
    assert listed(until=NOW - DAY) == ["old"]


def test_the_mute_that_lasts_longest_counts_and_a_new_one_replaces(store: Store) -> None:
    store.signals.save([made()], [], [], says(made()), NOW)
    store.signals.mute(Mute("topic=telehealth", NOW + 5 * DAY, "All of it.", NOW))
    store.signals.mute(Mute("one", NOW + DAY, "This one.", NOW))
    known = store.signals.get("one")
    assert known is not None
    assert (known.muted_until, known.muted_why) == (NOW + 5 * DAY, "All of it.")
    store.signals.mute(Mute("topic=telehealth", NOW - DAY, "No longer.", NOW))
    known = store.signals.get("one")
    assert known is not None
    assert known.muted_why == "This one."
    assert [one.subject for one in store.signals.mutes()] == ["one", "topic=telehealth"]
