"""The only file that knows SQLite from PostgreSQL.

SQL elsewhere is written once with `?` for parameters; what the two databases say differently has a name here.
On both, writers of cells, coverage and sources take turns (SQLite by BEGIN IMMEDIATE, PostgreSQL by locking the row
of the table `clock`): numbers handed out by `max + 1` are safe, and versions become visible in their order.
"""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import orjson
from sqlalchemy import URL, BigInteger, Connection, Engine, Integer, create_engine, event

from monitor.store.packed import packing, unpacked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from monitor.store.database import Transaction

    Ints = NDArray[np.int64]

RowNumber = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit number; on SQLite a column of it that is the primary key is the row's own number and costs no index."""
CLUSTERED = {"sqlite_with_rowid": False}
"""The primary key is the table on SQLite; PostgreSQL has nothing like it."""

_BATCH = 50_000
"""Rows of a table that are read at once."""
BUSY_SECONDS = 30
"""How long a writer waits for its turn before the database counts as unavailable."""


class Dialect(Protocol):
    name: ClassVar[Literal["sqlite", "postgresql"]]
    row_lock: ClassVar[str]
    """Ends a SELECT whose rows will be changed: others pass over them."""
    turn_lock: ClassVar[str]
    """Ends the SELECT of the clock's row: others wait."""
    least_of_keys: ClassVar[str]
    """For each key of the array parameter with any posts: its earliest posts as
    (key, published_at, source id, post id, row). Several per key only if they were published at one time."""

    def engine(self, url: URL) -> Engine: ...
    def sql(self, text: str) -> str:
        """The statement with this driver's parameter marks."""
        ...

    def array(self, values: Sequence[Any]) -> Any:
        """A parameter for `among`."""
        ...

    def among(self, column: str, kind: Literal["bigint", "text"]) -> str:
        """Condition: the column is one of the array parameter."""
        ...

    def turn(self) -> AbstractContextManager[Any]:
        """Held by a writing thread of this process; keeps threads from polling the database's own lock."""
        ...

    follows: ClassVar[bool]
    """The text index follows the posts later, by `index_from`."""

    def index_from(self, tx: Transaction, after: int, to: int) -> None:
        """Make the posts with row numbers above `after`, up to `to`, searchable."""
        ...

    def index(self, tx: Transaction, rows: Sequence[tuple[int, str, str]]) -> None:
        """Make posts (row, title, text) searchable again, after `unindex`."""
        ...

    def unindex(self, tx: Transaction, rows: Sequence[tuple[int, str, str]]) -> None:
        """Before posts change or go: take out what `index` put in, which the caller must know."""
        ...

    def tidy(self, tx: Transaction, pages: int) -> bool:
        """Do a bounded piece of the database's own upkeep; False when nothing is left."""
        ...

    def add_cells(self, tx: Transaction, add: str, rows: Sequence[tuple[int, ...]]) -> None:
        """Insert or add to cells. `add` is the list 'measure = cell.measure + excluded.measure, …'; a row is
        source, day, combo, version and the measures."""
        ...

    def integers(self, tx: Transaction, columns: Sequence[str], rest: str, batch: int) -> Iterator[Ints]:
        """The answer of 'SELECT columns rest' where all columns are integers and never NULL: arrays (n, columns) of
        about `batch` rows. No parameters."""
        ...

    def whole_table(
        self, tx: Transaction, table: str, columns: Sequence[str], *, wide: Sequence[str], signed: Sequence[str]
    ) -> Iterator[Ints]:
        """All rows of a table of integers that are never NULL, in the order of its dense key `id`, which is among the
        columns: arrays (n, columns). Fast where most numbers are within 2^20, in `wide` columns 2^40, half of that
        either side of zero in `signed` ones; exact in any case."""
        ...

    def matching(self, wanted: Sequence[str], unwanted: Sequence[str]) -> tuple[str, list[Any]]:
        """Condition over `post AS p`, and its parameters: all wanted phrases occur in title or text, no unwanted."""
        ...

    def ranked(self, wanted: Sequence[str]) -> tuple[str, list[Any]]:
        """A join to `post AS p`, and its parameters: keeps posts with all wanted phrases and gives them `r.rank`,
        smaller for the more relevant."""
        ...

    def trouble(self, error: BaseException) -> str | None:
        """In plain words, if this driver's error means that the database cannot be used now."""
        ...


class Sqlite:
    name: ClassVar[Literal["sqlite", "postgresql"]] = "sqlite"
    row_lock: ClassVar[str] = ""
    turn_lock: ClassVar[str] = ""
    least_of_keys: ClassVar[str] = (
        "SELECT k.key, k.published_at, s.id, p.id, k.post FROM json_each(?) AS j"
        " CROSS JOIN post_key AS k CROSS JOIN post AS p CROSS JOIN source AS s"
        " WHERE k.key = j.value AND k.published_at ="
        " (SELECT f.published_at FROM post_key AS f WHERE f.key = j.value ORDER BY f.published_at LIMIT 1)"
        ' AND p."row" = k.post AND s.number = p.source'
    )

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def engine(self, url: URL) -> Engine:
        path = url.database
        if not path or path == ":memory:":
            raise ValueError("the SQLite address needs a file, for instance sqlite:///var/trendmonitor.db")
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "cached_statements": 256})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine

    def sql(self, text: str) -> str:
        return text

    def array(self, values: Sequence[Any]) -> Any:
        return orjson.dumps(values).decode()

    def among(self, column: str, kind: Literal["bigint", "text"]) -> str:
        return f"{column} IN (SELECT value FROM json_each(?))"

    def turn(self) -> AbstractContextManager[Any]:
        return self._turn

    follows: ClassVar[bool] = True

    def index_from(self, tx: Transaction, after: int, to: int) -> None:
        tx.run(
            "INSERT INTO post_fts(rowid, title, text) SELECT row, title, text FROM post WHERE row > ? AND row <= ?",
            (after, to),
        )

    def index(self, tx: Transaction, rows: Sequence[tuple[int, str, str]]) -> None:
        tx.many("INSERT INTO post_fts(rowid, title, text) VALUES (?, ?, ?)", rows)

    def unindex(self, tx: Transaction, rows: Sequence[tuple[int, str, str]]) -> None:
        tx.many("INSERT INTO post_fts(post_fts, rowid, title, text) VALUES ('delete', ?, ?, ?)", rows)

    def tidy(self, tx: Transaction, pages: int) -> bool:
        before = tx.value("SELECT total_changes()")
        tx.run("INSERT INTO post_fts(post_fts, rank) VALUES ('merge', ?)", (pages,))
        # SQLite documents this sign of a finished merge: the statement itself counts as one change.
        return bool(tx.value("SELECT total_changes()") - before >= 2)

    def add_cells(self, tx: Transaction, add: str, rows: Sequence[tuple[int, ...]]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        columns = ", ".join(part.split(" = ")[0] for part in add.split(", "))
        tx.many(
            f"INSERT INTO cell (source, day, combo, version, {columns}) VALUES ({marks})"
            f" ON CONFLICT (source, day, combo) DO UPDATE SET version = excluded.version, {add}",
            rows,
        )

    def integers(self, tx: Transaction, columns: Sequence[str], rest: str, batch: int) -> Iterator[Ints]:
        import numpy as np  # late: most commands read no cells

        # One stream of numbers: rows are taken apart as they come, so that no list of them is ever in memory.
        numbers = chain.from_iterable(tx.run(f"SELECT {', '.join(columns)} {rest}"))
        while len(flat := np.fromiter(islice(numbers, batch * len(columns)), np.int64)):
            yield flat.reshape(-1, len(columns))

    def whole_table(
        self, tx: Transaction, table: str, columns: Sequence[str], *, wide: Sequence[str], signed: Sequence[str]
    ) -> Iterator[Ints]:
        row = packing(columns, wide=wide, signed=signed)
        batch = f"SELECT CAST(group_concat({row}, '') AS BLOB) FROM {table} WHERE id > ? AND id <= ?"
        last = tx.value(f"SELECT coalesce(max(id), 0) FROM {table}")
        for start in range(0, last, _BATCH):
            packed = tx.value(batch, (start, start + _BATCH))
            if packed is None:
                continue
            values, beyond = unpacked(packed, columns, wide=wide, signed=signed)
            if len(beyond):
                plain = f"SELECT {', '.join(columns)} FROM {table} WHERE {self.among('id', 'bigint')} ORDER BY id"
                ids = values[beyond, columns.index("id")]
                rows = tx.rows(plain, (self.array(ids.tolist()),))
                values[beyond[ids.argsort()]] = rows
            yield values

    def matching(self, wanted: Sequence[str], unwanted: Sequence[str]) -> tuple[str, list[Any]]:
        parts, values = [], []
        inside = "p.row {}IN (SELECT rowid FROM post_fts WHERE post_fts MATCH ?)"
        if wanted:
            parts.append(inside.format(""))
            values.append(_fts(wanted, " AND "))
        if unwanted:
            parts.append(inside.format("NOT "))
            values.append(_fts(unwanted, " OR "))
        return " AND ".join(parts), values

    def ranked(self, wanted: Sequence[str]) -> tuple[str, list[Any]]:
        found = "SELECT rowid AS post, rank FROM post_fts WHERE post_fts MATCH ?"
        return f"JOIN ({found}) AS r ON r.post = p.row", [_fts(wanted, " AND ")]

    def trouble(self, error: BaseException) -> str | None:
        if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.IntegrityError):
            return None
        said = str(error)
        for sign, meaning in _SQLITE_TROUBLE:
            if sign in said:
                return meaning
        return None


_SQLITE_TROUBLE = (
    ("locked", "another process keeps it locked; wait, or stop that process"),
    ("unable to open", "the file cannot be opened; check that its folder exists and may be written to"),
    ("readonly", "the file may not be written to; check the permissions of the file and its folder"),
    ("disk is full", "the disk is full; make room"),
    ("disk I/O error", "the disk reports an error; check the disk and the room on it"),
    ("not a database", "the file is not a SQLite database; check the path, or restore a backup"),
    ("malformed", "the file is damaged; restore a backup"),
    ("no such table", "it has not been set up; start the service once, or check the path"),
)


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`, not guessed by the driver
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "synchronous = NORMAL",  # with WAL: a power cut may lose the last commits, never consistency
        "foreign_keys = ON",
        "cache_size = -32000",
        "temp_store = MEMORY",
        "wal_autocheckpoint = 4000",
        "journal_size_limit = 67108864",
        "secure_delete = FAST",  # forgotten text is overwritten where that costs no further writing
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _fts(phrases: Sequence[str], operator: str) -> str:
    return operator.join('"' + phrase.replace('"', " ") + '"' for phrase in phrases)


def use_wal(path: Path) -> None:
    """Make the file (private to its owner) if need be and switch it to write-ahead logging, which it then keeps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    end = time.monotonic() + BUSY_SECONDS
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                # While another process does the same, SQLite gives up at once instead of waiting.
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
            time.sleep(0.01)


class Postgres:
    name: ClassVar[Literal["sqlite", "postgresql"]] = "postgresql"
    row_lock: ClassVar[str] = " FOR UPDATE SKIP LOCKED"
    turn_lock: ClassVar[str] = " FOR UPDATE"
    least_of_keys: ClassVar[str] = (
        "SELECT k.key, k.published_at, s.id, p.id, k.post FROM unnest(?::bigint[]) AS j(value)"
        " CROSS JOIN LATERAL (SELECT f.published_at FROM post_key AS f WHERE f.key = j.value"
        " ORDER BY f.published_at LIMIT 1) AS m"
        " JOIN post_key AS k ON k.key = j.value AND k.published_at = m.published_at"
        ' JOIN post AS p ON p."row" = k.post JOIN source AS s ON s.number = p.source'
    )

    def engine(self, url: URL) -> Engine:
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10, "options": _PG_OPTIONS})

    def sql(self, text: str) -> str:
        return _percent(text)

    def array(self, values: Sequence[Any]) -> Any:
        return list(values)

    def among(self, column: str, kind: Literal["bigint", "text"]) -> str:
        return f"{column} = ANY(?::{kind}[])"

    def turn(self) -> AbstractContextManager[Any]:
        return nullcontext()

    follows: ClassVar[bool] = False

    def index_from(self, tx: Transaction, after: int, to: int) -> None:
        """Nothing to do."""

    def index(self, tx: Transaction, rows: Sequence[tuple[int, str, str]]) -> None:
        """Nothing to do: `post.search` is a generated column."""

    def unindex(self, tx: Transaction, rows: Sequence[tuple[int, str, str]]) -> None:
        """Nothing to do."""

    def tidy(self, tx: Transaction, pages: int) -> bool:
        return False

    def add_cells(self, tx: Transaction, add: str, rows: Sequence[tuple[int, ...]]) -> None:
        marks = ", ".join("?" * (len(rows[0]) + 1))
        columns = ", ".join(part.split(" = ")[0] for part in add.split(", "))
        # Which exist already? ON CONFLICT alone would burn a number for each that does, and numbers must stay dense.
        sources, days, combos = (list(column) for column in zip(*(row[:3] for row in rows), strict=True))
        there = {
            (source, day, combo): number
            for number, source, day, combo in tx.rows(
                "SELECT c.id, c.source, c.day, c.combo FROM cell AS c"
                " JOIN unnest(?::int[], ?::int[], ?::int[]) AS w(source, day, combo)"
                " ON c.source = w.source AND c.day = w.day AND c.combo = w.combo",
                (sources, days, combos),
            )
        }
        last = tx.value("SELECT coalesce(max(id), 0) FROM cell")
        numbered = []
        for row in rows:
            number = there.get((row[0], row[1], row[2]))
            if number is None:
                last += 1
                number = last
            numbered.append((number, *row))
        tx.many(
            f"INSERT INTO cell (id, source, day, combo, version, {columns}) VALUES ({marks})"
            f" ON CONFLICT (source, day, combo) DO UPDATE SET version = excluded.version, {add}",
            numbered,
        )

    def integers(self, tx: Transaction, columns: Sequence[str], rest: str, batch: int) -> Iterator[Ints]:
        import numpy as np  # late: most commands read no cells

        query = f"SELECT {', '.join(f'{column}::bigint' for column in columns)} {rest}"
        # Binary COPY rows of bigints have one fixed shape, so whole buffers become arrays without a loop.
        row = np.dtype([("fields", ">i2"), ("cells", [("size", ">i4"), ("value", ">i8")], (len(columns),))])
        held, started = b"", False
        with tx.cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
            for piece in copy:
                held += bytes(piece)
                if not started and len(held) >= _COPY_HEADER:
                    held, started = held[_COPY_HEADER:], True
                if len(held) >= row.itemsize * batch:
                    whole = len(held) // row.itemsize * row.itemsize
                    yield _integers(held[:whole], row)
                    held = held[whole:]
        whole = len(held) // row.itemsize * row.itemsize
        if whole:
            yield _integers(held[:whole], row)

    def whole_table(
        self, tx: Transaction, table: str, columns: Sequence[str], *, wide: Sequence[str], signed: Sequence[str]
    ) -> Iterator[Ints]:
        return self.integers(tx, columns, f"FROM {table} ORDER BY id", _BATCH)

    def matching(self, wanted: Sequence[str], unwanted: Sequence[str]) -> tuple[str, list[Any]]:
        parts = [f"p.search @@ {_PHRASE}"] * len(wanted)
        parts += [f"NOT (p.search @@ {_PHRASE})"] * len(unwanted)
        return " AND ".join(parts), [*wanted, *unwanted]

    def ranked(self, wanted: Sequence[str]) -> tuple[str, list[Any]]:
        query = " && ".join([_PHRASE] * len(wanted))
        joined = f"JOIN (SELECT {query} AS query) AS w ON p.search @@ w.query"
        return f"{joined} CROSS JOIN LATERAL (SELECT -ts_rank(p.search, w.query)::float8 AS rank) AS r", list(wanted)

    def trouble(self, error: BaseException) -> str | None:
        import psycopg  # late: nobody else needs it

        if isinstance(error, psycopg.errors.UndefinedTable):
            return "it has not been set up; start the service once, or check the address"
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            return "it takes no changes (read-only); check that the address is that of the primary server"
        if isinstance(error, psycopg.errors.DiskFull):
            return "its disk is full; make room"
        if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled):
            return "another writer holds it for too long; wait, or look for long transactions"
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return "the server does not answer or refuses us; check that it runs, and TRENDMONITOR_DATABASE_URL"
        return None


_PG_OPTIONS = f"-c timezone=UTC -c lock_timeout={BUSY_SECONDS * 1000}"
PG_PUNCTUATION = "-_/.@:+&''’"
"""Blanked in texts and queries (written for SQL), so that PostgreSQL sees plain words where it would see addresses,
signed numbers and compounds; SQLite parts words there by itself."""
PG_WORDS = f"translate({{}}, '{PG_PUNCTUATION}', '{' ' * (len(PG_PUNCTUATION) - 1)}')"
_PHRASE = f"phraseto_tsquery('simple', {PG_WORDS.format('?')})"
_COPY_HEADER = 19
"""Signature (11 bytes), flags (4) and the length of an empty extension (4) that begin a binary COPY."""


def _integers(buffer: bytes, row: np.dtype[Any]) -> Ints:
    import numpy as np

    return np.frombuffer(buffer, row)["cells"]["value"].astype(np.int64)


@lru_cache(maxsize=512)
def _percent(text: str) -> str:
    return text.replace("%", "%%").replace("?", "%s")


def dialect_of(url: URL) -> Dialect:
    """Raises ValueError for a database we do not speak."""
    kind = url.get_backend_name()
    if kind == "sqlite":
        return Sqlite()
    if kind == "postgresql":
        return Postgres()
    raise ValueError(f"{kind!r} is not a database that is supported: use sqlite:///… or postgresql+psycopg://…")
