"""Connections and transactions, and nothing about what is in the tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from monitor.store.dialect import Dialect, dialect_of
from monitor.store.errors import Unavailable


class Transaction:
    """An open transaction. Hot paths speak to the driver's cursor; the rest uses `session`."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self.connection = connection
        self.dialect = dialect
        self.cursor: Any = connection.connection.cursor()
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """An ORM session inside this transaction; flushed by whoever changes rows through it."""
        if self._session is None:
            self._session = Session(self.connection)
        return self._session

    def run(self, text: str, values: Sequence[Any] = ()) -> Any:
        return self.cursor.execute(self.dialect.sql(text), values)

    def many(self, text: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            self.cursor.executemany(self.dialect.sql(text), rows)

    def rows(self, text: str, values: Sequence[Any] = ()) -> list[Any]:
        return list(self.run(text, values).fetchall())

    def row(self, text: str, values: Sequence[Any] = ()) -> Any:
        return self.run(text, values).fetchone()

    def value(self, text: str, values: Sequence[Any] = ()) -> Any:
        """The first column of the first row; None without rows."""
        row = self.row(text, values)
        return None if row is None else row[0]


class Database:
    """An engine and the two kinds of transaction. Safe for use by several threads."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError:
            # The text may hold a password, so it is not repeated.
            raise Unavailable(
                "the database address cannot be read: use sqlite:///… or postgresql+psycopg://…"
            ) from None
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.address: URL = parsed
        self.url = parsed.render_as_string(hide_password=True)
        try:
            self.dialect = dialect_of(parsed)
            self.engine = self.dialect.engine(parsed)
        except ValueError as error:
            raise Unavailable(str(error)) from None
        self._writing = self.engine.execution_options(writes=True)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that changes nothing. On SQLite all of it sees one state."""
        with self.explained(), self.engine.connect() as connection, connection.begin():
            yield self._opened(connection)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is committed at the end of the block and rolled back by an exception."""
        with self.explained(), self.dialect.turn(), self._writing.connect() as connection, connection.begin():
            tx = self._opened(connection)
            yield tx
            if tx._session is not None:
                tx._session.flush()

    def _opened(self, connection: Connection) -> Transaction:
        return Transaction(connection, self.dialect)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what the drivers say about an unusable database into `Unavailable`."""
        try:
            yield
        except PoolTimeout as error:
            raise Unavailable(f"database {self.url}: all connections are in use; try again") from error
        except (DBAPIError, InvalidRequestError) as error:
            trouble = self.dialect.trouble(getattr(error, "orig", None) or error)
            if trouble is None:
                raise
            raise Unavailable(f"database {self.url}: {trouble}") from error
        except Exception as error:
            trouble = self.dialect.trouble(error)
            if trouble is None:
                raise
            raise Unavailable(f"database {self.url}: {trouble}") from error
