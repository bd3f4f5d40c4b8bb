"""When the database cannot be used: a plain message that says what to do, and no password in it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from monitor.core.model import Write
from monitor.store import Store
from monitor.store.errors import Unavailable
from tests.support.posts import NOW, make_post, make_source


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "cannot be read"),
        ("not a url", "cannot be read"),
        ("sqlite://", "needs a file"),
        ("mysql://u:hunter2@host/db", "not a database that is supported"),
    ],
)
def test_an_address_that_cannot_be_used(url: str, says: str) -> None:
    with pytest.raises(Unavailable, match=says) as caught:
        Store.open(url)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    store = Store.open(f"postgresql+psycopg://me:hunter2@/db?host={tmp_path}")
    with pytest.raises(Unavailable, match="does not answer") as caught:
        store.migrate()
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in store.url


def test_a_database_locked_by_another_process(sqlite_store: Store, sqlite_url: str, monkeypatch) -> None:
    sqlite_store.add_source(make_source(), NOW)
    monkeypatch.setattr("monitor.store.dialect.BUSY_SECONDS", 0.1)
    waiting = Store.open(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert waiting.sources(), "reading goes on"
    with pytest.raises(Unavailable, match="locked"):
        waiting.commit(Write("who", NOW, (make_post(),)))
    other.execute("ROLLBACK")
    other.close()
    waiting.commit(Write("who", NOW, (make_post(),)))
    assert waiting.totals().posts == 1
    waiting.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("These are my notes, not a database. " * 100)
    store = Store.open(f"sqlite:///{path}")
    with pytest.raises(Unavailable, match="not a SQLite database"):
        store.migrate()
    store.close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store.open(f"sqlite:///{tmp_path}/file/store.db")
    with pytest.raises(Unavailable, match="folder"):
        store.migrate()


def test_a_disk_without_room(sqlite_url: str) -> None:
    store = Store.open(sqlite_url)
    store.add_source(make_source(), NOW)
    store.close()
    path = sqlite_url.removeprefix("sqlite:///")
    pages = sqlite3.connect(path).execute("PRAGMA page_count").fetchone()[0]
    full = Store.open(sqlite_url)
    from sqlalchemy import event

    event.listen(full._database.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages + 3}"))
    with pytest.raises(Unavailable, match="disk is full"):
        full.commit(Write("who", NOW, tuple(make_post(str(n), text="x" * 2000) for n in range(50))))
    assert full.totals().posts == 0
    full.close()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.chmod(0o400)
    path.parent.chmod(0o500)
    store = Store.open(sqlite_url)
    with pytest.raises(Unavailable):
        store.add_source(make_source(), NOW)
    path.parent.chmod(0o700)
    store.close()


def test_the_server_going_away_is_told_and_survived(postgres_url: str) -> None:
    store = Store.open(postgres_url)
    store.add_source(make_source(), NOW)
    import psycopg

    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert [one.source.id for one in store.sources()] == ["who"], "a stale connection is replaced"
    store.close()
