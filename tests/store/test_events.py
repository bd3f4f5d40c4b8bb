"""Events: recorded with what caused them, once, and found again in order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from types import MappingProxyType
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

from monitor.core.model import Visit, Write
from monitor.store import Event, Store
from monitor.store.database import Database
from monitor.store.errors import AlreadyExists, OwnedByConfig, Unavailable
from monitor.store.migrate import MIGRATIONS
from tests.support.posts import NOW, make_post, make_source

HOUR = timedelta(hours=1)


def told(store: Store, source: str | None = None) -> list[tuple[str, str | None, dict[str, Any]]]:
    return [(one.kind, one.source, dict(one.detail)) for one in store.events(source=source)]


def test_an_event_comes_back_as_it_was_recorded(store: Store) -> None:
    detail = MappingProxyType({"marks": ("a", "b"), "inner": MappingProxyType({"n": 1.5, "none": None, "ü": "%?"})})
    recorded = store.record_event(
        "tagging_changed", at=NOW, source="who", subject="5:abc", says="50 % more?", detail=detail
    )
    assert recorded is not None
    (found,) = store.events()
    assert found == Event(
        recorded.id, NOW, "tagging_changed", "who", "5:abc", "50 % more?",
        {"marks": ["a", "b"], "inner": {"n": 1.5, "none": None, "ü": "%?"}},
    )  # fmt: skip
    assert store.last_event("tagging_changed") == found
    assert store.last_event("retagged") is None


def test_events_are_found_by_time_kind_source_and_place(store: Store) -> None:
    for hour, source in enumerate(("a", "b", "a", "b")):
        kind = "source_changed" if hour % 2 else "source_resumed"
        store.record_event(kind, at=NOW + hour * HOUR, source=source)  # type: ignore[arg-type]  # one of two kinds

    def hours(**wanted: Any) -> list[float]:
        return [(one.at - NOW) / HOUR for one in store.events(**wanted)]

    assert hours() == [0, 1, 2, 3], "oldest first"
    assert hours(since=NOW + HOUR, until=NOW + 3 * HOUR) == [1, 2], "since is inclusive, until is not"
    assert hours(kinds=["source_changed"]) == [1, 3]
    assert hours(kinds=[]) == []
    assert hours(source="a") == [0, 2]
    assert hours(source="a", kinds={"source_changed"}) == []
    page = store.events(limit=3)
    assert hours(limit=3, after=page[-1].id) == [3]
    assert hours(after=store.events()[-1].id) == []


def test_an_event_moves_the_data_version_and_its_facts(store: Store) -> None:
    version = store.data_version()
    assert store.record_event("retagged", at=NOW, meta={"lists": "new"}, given={"lists": None}) is not None
    assert (store.meta("lists"), store.data_version()) == ("new", version + 1)
    assert store.record_event("retagged", at=NOW, meta={"lists": "other"}, given={"lists": "old"}) is None
    assert (store.meta("lists"), store.data_version(), len(store.events())) == ("new", version + 1, 1)
    assert store.record_event("retagged", at=NOW, meta={"lists": None}, given={"lists": "new"}) is not None
    assert store.meta("lists") is None


def test_a_fact_is_replaced_only_if_it_is_still_so(store: Store) -> None:
    assert not store.replace_meta("lists", "old", "new")
    assert store.replace_meta("lists", None, "one")
    assert not store.replace_meta("lists", None, "two")
    assert store.replace_meta("lists", "one", None)
    assert store.meta("lists") is None


def test_of_many_that_record_the_same_one_wins(store: Store, another: Callable[[], Store]) -> None:
    stores = [another() for _ in range(4)]
    start = Barrier(len(stores))

    def record(one: Store) -> bool:
        start.wait()
        return one.record_event("retagged", at=NOW, meta={"lists": "new"}, given={"lists": None}) is not None

    with ThreadPoolExecutor(len(stores)) as pool:
        assert sum(pool.map(record, stores)) == 1
    assert len(store.events()) == 1


def test_apply_tells_what_began_changed_ended_and_came_back(store: Store) -> None:
    plain = make_source("a", options={"depth": 1})
    store.apply([plain, make_source("b")], NOW)
    assert told(store) == [("source_added", "a", {}), ("source_added", "b", {})]
    store.apply([plain, make_source("b")], NOW + HOUR)
    store.apply([make_source("a", name="New", options={"depth": 1}, every=HOUR), make_source("b")], NOW + HOUR)
    assert len(store.events()) == 2, "names and rhythm change no number"
    edited = make_source(
        "a", platform="youtube", url="https://u:p@a.example/x?api_key=s3cret", audience=("nurses",), country="DE"
    )
    store.apply([edited], NOW + 2 * HOUR)
    changed, retired = store.events(since=NOW + 2 * HOUR)
    assert changed.detail == {
        "platform": ["web", "youtube"],
        "url": ["https://a.example/feed.xml", "https://a.example/x?api_key=***"],
        "audience": [[], ["nurses"]],
        "country": [None, "DE"],
        "options": [{"depth": 1}, {}],
    }
    assert changed.says == "a changed: platform, address, audience, country, options."
    assert (retired.kind, retired.source, retired.at) == ("source_retired", "b", NOW + 2 * HOUR)
    store.apply([edited, make_source("b", language="de")], NOW + 3 * HOUR)
    assert told(store)[4:] == [("source_resumed", "b", {}), ("source_changed", "b", {"language": [None, "de"]})]


def test_a_person_who_changes_a_source_is_told_of(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    with pytest.raises(AlreadyExists):
        store.add_source(make_source("a", language="de"), NOW)
    store.update_source(make_source("a", name="Only the name"), NOW)
    store.update_source(make_source("a", language="de"), NOW + HOUR)
    store.set_paused("a", True, NOW + 2 * HOUR)
    store.set_paused("a", True, NOW + 2 * HOUR)
    store.set_paused("a", False, NOW + 3 * HOUR)
    store.set_paused("a", False, NOW + 3 * HOUR)
    store.remove_source("a", now=NOW + 4 * HOUR)
    store.add_source(make_source("a", language="fr"), NOW + 5 * HOUR)
    store.remove_source("a", purge=True, now=NOW + 6 * HOUR)
    assert [(one.kind, (one.at - NOW) / HOUR, dict(one.detail)) for one in store.events(source="a")] == [
        ("source_added", 0, {}),
        ("source_changed", 1, {"language": [None, "de"]}),
        ("source_paused", 2, {}),
        ("source_resumed", 3, {}),
        ("source_retired", 4, {}),
        ("source_resumed", 5, {}),
        ("source_changed", 5, {"language": ["de", "fr"]}),
        ("source_retired", 6, {"purged": True}),
    ]


def test_visits_tell_of_moves_and_stops_once(store: Store) -> None:
    store.apply([make_source("a", url="http://old.example/"), make_source("b")], NOW)
    moved = Visit("a", NOW, NOW + HOUR, "unchanged", new_url="https://new.example/")
    store.record_visit(moved)
    store.record_visit(moved)
    gone = Visit("b", NOW, NOW + HOUR, "gone", "410", ok=False, stopped="410 Gone")
    store.commit(Write("b", NOW, (make_post("1", "b"),)), gone)
    store.record_visit(gone)
    store.set_paused("b", False, NOW + 2 * HOUR)
    added = 2
    assert told(store)[added:] == [
        ("source_changed", "a", {"url": ["http://old.example/", "https://new.example/"]}),
        ("source_stopped", "b", {}),
        ("source_resumed", "b", {}),
    ]
    assert "410 Gone" in store.events(kinds=["source_stopped"])[0].says
    store.apply([make_source("a", url="http://old.example/"), make_source("b")], NOW)
    assert len(store.events()) == added + 3, "config/ still names the old address"


def test_a_stopped_source_with_a_new_address_is_visited_again(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    store.record_visit(Visit("a", NOW, NOW, "gone", "410", ok=False, stopped="410 Gone"))
    store.update_source(make_source("a", url="https://new.example/"), NOW)
    assert [kind for kind, _, _ in told(store)][2:] == ["source_resumed", "source_changed"]


def test_a_refused_change_leaves_no_event(store: Store) -> None:
    store.apply([make_source("a")], NOW)
    for act in (
        lambda: store.update_source(make_source("a", language="de"), NOW),
        lambda: store.remove_source("a", now=NOW),
    ):
        with pytest.raises(OwnedByConfig):
            act()
    assert told(store) == [("source_added", "a", {})]


def test_without_a_time_the_clock_of_the_machine_dates_a_change(store: Store) -> None:
    store.add_source(make_source("a"), NOW)
    store.update_source(make_source("a", language="de"))
    store.remove_source("a")
    assert all(one.at > NOW for one in store.events()[1:])


def test_a_database_of_the_first_schema_learns_when_its_sources_began(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    for url in (f"sqlite:///{tmp_path}/old.db", str(request.getfixturevalue("bare_postgres_url"))):
        database = Database(url)
        with database.write() as tx:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = tx.connection
            command.upgrade(config, "0001")
        store = Store.open(url)
        with pytest.raises(Unavailable, match="not been set up"):
            store.events()
        with database.write() as tx:
            tx.run(
                "INSERT INTO source (number, id, collector, platform, url, name, audience, options, checked, declared,"
                " removed, created_at, paused, failures, cursor, verified)"
                " VALUES (7, 'a', 'feed', 'web', 'https://a.example/', '', '[]', '{}', ?, ?, ?, ?, ?, 0, '{}', ?)",
                (True, True, False, 1_000_000, False, False),
            )
        store.migrate()
        (event,) = store.events()
        assert (event.kind, event.source, event.at.isoformat()) == (
            "source_added",
            "a",
            "1970-01-01T00:00:01+00:00",
        )
        store.add_source(make_source("b"), NOW)
        assert [one.source for one in store.events()] == ["a", "b"]
        assert store.save_verdicts([]) == []
        store.close()
        database.close()
