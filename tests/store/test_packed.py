"""Packed reading gives what plain reading gives, whatever the numbers."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.store.database import Database
from monitor.store.packed import BITS, packing, unpacked

COLUMNS = ("id", "small", "wide", "signed", "both")
WIDE, SIGNED = ("id", "wide", "both"), ("signed", "both")
HALF, ONE, TWO = 2 ** (BITS - 1), 2**BITS, 2 ** (2 * BITS)
EDGES = [0, 1, HALF - 1, HALF, ONE - 1, ONE, TWO // 2 - 1, TWO // 2, TWO - 1, TWO, 2**62, 2**63 - 1]
numbers = st.sampled_from([*EDGES, *(-edge for edge in EDGES), -(2**63)]) | st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    path = tmp_path_factory.mktemp("packed") / "numbers.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE n (id INTEGER PRIMARY KEY, small, wide, signed, both)")
    return Database(f"sqlite:///{path}")


def refill(database: Database, rows: list[tuple[int, ...]]) -> None:
    with database.write() as tx:
        tx.run("DELETE FROM n")
        tx.many("INSERT INTO n VALUES (?, ?, ?, ?, ?)", rows)


def read(database: Database) -> list[list[int]]:
    with database.read() as tx:
        batches = list(tx.dialect.whole_table(tx, "n", COLUMNS, wide=WIDE, signed=SIGNED))
    return [row for batch in batches for row in batch.tolist()]


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=12))
@example(values=[(0, 0, 0, 0)])
@example(values=[(-1, 0, 0, 0), (0xD800 - 2**16, 0, 0, 0), (0, 0, 0, -(2**62))])
def test_every_number_comes_as_it_was_written(database: Database, values: list[tuple[int, ...]]) -> None:
    rows = [(3 * place + 1, *row) for place, row in enumerate(values)]
    refill(database, rows)
    assert read(database) == [list(row) for row in rows]


def test_rows_come_in_the_order_of_their_ids_over_batches_and_holes(database: Database) -> None:
    rows = [(number, number % 7, number * 1000, -number, 0) for number in (1, 2, 49_999, 50_000, 50_001, 175_000)]
    refill(database, rows[::-1])
    assert read(database) == [list(row) for row in rows]
    refill(database, [])
    assert read(database) == []


def test_numbers_within_their_room_need_no_second_reading() -> None:
    row = (ONE, ONE - 1, TWO - 1, -HALF, -TWO // 2)
    with sqlite3.connect(":memory:") as connection:
        marks = ", ".join(f"? AS {name}" for name in COLUMNS)
        packed = packing(COLUMNS, wide=WIDE, signed=SIGNED)
        (text,) = connection.execute(f"SELECT CAST({packed} AS BLOB) FROM (SELECT {marks})", row).fetchone()
    values, beyond = unpacked(text, COLUMNS, wide=WIDE, signed=SIGNED)
    assert values.tolist() == [list(row)]
    assert len(beyond) == 0
    assert values.dtype == np.int64
