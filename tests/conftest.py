"""Fixtures that several parts share: a store on either database, and a PostgreSQL server."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import hypothesis
import psycopg
import pytest
import structlog

from monitor.store.store import Store
from tests.support.postgres import NoPostgresError, server

_numbers = count(1)

# The same examples on every run, and no failure because a shared machine was slow for a moment
hypothesis.settings.register_profile(
    "suite", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A test that configures logging, as every command does, leaves no trace for the next one."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The socket folder of a real PostgreSQL with the migrated database `shared`; one for the whole run."""
    try:
        context = server()
        folder = context.__enter__()
    except NoPostgresError as error:
        if os.environ.get("TRENDMONITOR_REQUIRE_POSTGRES") == "1":
            pytest.fail(f"no PostgreSQL: {error}")
        pytest.skip(f"no PostgreSQL: {error}")
    try:
        _execute(folder, "CREATE DATABASE shared")
        store = Store.open(_url(folder, "shared"))
        store.migrate()
        store.close()
        yield folder
    finally:
        context.__exit__(None, None, None)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The address of a PostgreSQL database with the current schema, emptied."""
    url = _url(postgres_server, "shared")
    _empty(url)
    return url


@pytest.fixture
def bare_postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of a PostgreSQL database without any table."""
    name = f"bare{next(_numbers)}"
    _execute(postgres_server, f"CREATE DATABASE {name}")
    yield _url(postgres_server, name)
    _execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    store = Store.open(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of an empty SQLite database with the current schema."""
    path = tmp_path / "store.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database with the current schema, once for each kind of database."""
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty, migrated store; the test runs once on SQLite and once on PostgreSQL."""
    opened = Store.open(store_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """An empty, migrated store on SQLite, for tests of what lies above the store."""
    opened = Store.open(sqlite_url)
    yield opened
    opened.close()


Opener = Callable[[], Store]


@pytest.fixture
def another(store: Store, store_url: str) -> Iterator[Opener]:
    """Opens the database of `store` once more, as another process would."""
    opened: list[Store] = []

    def open_again() -> Store:
        opened.append(Store.open(store_url))
        return opened[-1]

    yield open_again
    for one in opened:
        one.close()


def _url(folder: str, database: str) -> str:
    return f"postgresql+psycopg://postgres@/{database}?host={folder}"


def _execute(folder: str, statement: str) -> None:
    with psycopg.connect(host=folder, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def emptied(store_url: str) -> Iterator[Opener]:
    """Empties the database and opens it anew; for tests that need many empty stores."""
    opened: list[Store] = []

    def open_empty() -> Store:
        while opened:
            opened.pop().close()
        _empty(store_url)
        opened.append(Store.open(store_url))
        return opened[-1]

    yield open_empty
    for one in opened:
        one.close()


TABLES = (
    "post", "post_key", "engagement", "cell", "combo", "coverage", "visit", "source", "meta", "api_key", "event",
    "verdict", "delivery", "issue", "digest", "digest_opt_out", "signal", "signal_mute", "spending", "confirmed", "set_aside",
    "label",
)  # fmt: skip
CLOCK = "UPDATE clock SET version = 0, epoch = 0, posts = 0, last_source = 0, last_post = 0, keyed = 0, searchable = 0"


def _empty(url: str) -> None:
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")
            connection.execute("INSERT INTO post_fts(post_fts) VALUES ('delete-all')")
            connection.execute(CLOCK)
            connection.commit()
    else:
        with psycopg.connect(url.replace("+psycopg", "")) as postgres:
            for table in TABLES:
                postgres.execute(f"DELETE FROM {table}".encode())
            postgres.execute(CLOCK)
