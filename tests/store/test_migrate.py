"""The schema: from nothing to the current one, on both databases, and equal to the tables in the code."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from monitor.core.model import Write
from monitor.store import Store
from monitor.store.database import Database
from monitor.store.errors import SchemaTooNew, Unavailable
from monitor.store.migrate import HEAD
from tests.support.posts import NOW, make_post, make_source


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/folder/with %20 in it/new.db"
    return str(request.getfixturevalue("bare_postgres_url"))


def test_an_empty_database_becomes_usable_and_stays_so(bare_url: str) -> None:
    for _ in range(2):
        store = Store.open(bare_url)
        store.migrate()
        store.migrate()
        if not store.sources():
            store.add_source(make_source(), NOW)
        store.commit(Write("who", NOW, (make_post("a"),)))
        assert store.totals().posts == 1
        store.close()


def test_two_processes_may_migrate_at_once(bare_url: str) -> None:
    code = f"from monitor.store import Store; s = Store.open({bare_url!r}); s.migrate(); print(s.data_version())"

    def run(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(run, range(2)):
            assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_the_migrated_schema_is_that_of_the_tables(store_url: str) -> None:
    database = Database(store_url)
    with database.read() as tx:
        context = MigrationContext.configure(
            tx.connection,
            opts={
                "compare_type": True,
                # What the text search of each database adds lies outside SQLModel.
                "include_object": lambda thing, name, kind, *_: (
                    not name.startswith(("post_fts", "search", "post_search"))
                ),
            },
        )
        assert compare_metadata(context, SQLModel.metadata) == []
    database.close()


def test_a_database_of_a_newer_program_is_refused(store: Store, store_url: str) -> None:
    database = Database(store_url)
    try:
        with database.write() as tx:
            tx.run("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(SchemaTooNew, match="newer version"):
            store.migrate()
    finally:
        with database.write() as tx:
            tx.run("UPDATE alembic_version SET version_num = ?", (HEAD,))
        database.close()


def test_a_store_that_was_never_set_up_says_so(bare_url: str, tmp_path: Path) -> None:
    if bare_url.startswith("sqlite"):
        bare_url = f"sqlite:///{tmp_path}/empty.db"
    store = Store.open(bare_url)
    with pytest.raises(Unavailable, match="not been set up"):
        store.sources()
    store.close()


def test_the_file_is_private_and_uses_write_ahead_logging(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    store = Store.open(f"sqlite:///{path}")
    store.migrate()
    store.close()
    assert path.stat().st_mode & 0o077 == 0
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)
