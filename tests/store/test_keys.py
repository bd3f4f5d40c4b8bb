"""API keys, facts and the key for authors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.store import Store
from monitor.store.database import Database
from monitor.store.errors import NotFound
from tests.support.posts import NOW


def test_a_key_opens_its_scope_until_it_is_revoked(store: Store) -> None:
    token = store.create_key("grafana", "read", NOW)
    other = store.create_key("script", "write", NOW)
    assert (store.check_key(token), store.check_key(other)) == ("read", "write")
    for wrong in ("", "tm_", token + "x", token[:-1], "\ud800", "x" * 10_000):
        assert store.check_key(wrong) is None
    first, second = store.keys()
    assert (first.name, first.scope, first.created_at, first.last_used, first.revoked) == (
        "grafana",
        "read",
        NOW,
        None,
        False,
    )
    store.revoke_key(first.id)
    assert (store.check_key(token), store.check_key(other)) == (None, "write")
    every = store.keys()
    assert [key.revoked for key in every] == [True, False]
    with pytest.raises(NotFound):
        store.revoke_key(second.id + 1)
    with pytest.raises(ValueError, match="scope"):
        store.create_key("x", "admin", NOW)


def test_use_is_noted_to_the_minute(store: Store) -> None:
    token = store.create_key("a", "read", NOW)
    for seconds, noted in ((0, 0), (30, 0), (60, 60)):
        assert store.check_key(token, NOW + timedelta(seconds=seconds)) == "read"
        assert store.keys()[0].last_used == NOW + timedelta(seconds=noted)


def test_the_key_itself_is_nowhere_in_the_database(store: Store, store_url: str) -> None:
    token = store.create_key("a", "read", NOW)
    database = Database(store_url)
    with database.read() as tx:
        rows = tx.rows("SELECT * FROM api_key")
    database.close()
    assert token not in repr(rows)
    assert token.removeprefix("tm_") not in repr(rows)


def test_facts_are_kept_replaced_and_forgotten(store: Store, another) -> None:
    assert store.meta("generated") is None
    store.set_meta("generated", "true")
    store.set_meta("generated", "false")
    assert another().meta("generated") == "false"
    store.set_meta("generated", None)
    assert store.meta("generated") is None


def test_the_author_key_is_made_once(store: Store, another) -> None:
    key = store.author_key()
    assert len(key) == 32
    assert another().author_key() == key == store.author_key()
