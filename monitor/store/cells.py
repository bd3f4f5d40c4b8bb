"""Cells: moved by difference as posts are committed, and read in bulk by whoever mirrors them."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import add, sub
from typing import TYPE_CHECKING, NamedTuple

from monitor.store.copies import Change
from monitor.store.database import Database, Transaction
from monitor.store.measures import MEASURES, CellKey, Combo, Measures, cell_of, measures_of

if TYPE_CHECKING:
    from monitor.store.dialect import Ints

CELL_COLUMNS = ("id", "source", "day", "combo", *MEASURES)
"""The columns of `CellBatch.values`."""
BATCH = 50_000
_WIDE = ("id", *(name for name in MEASURES if name.endswith(("_sum", "_sq"))))
_SIGNED = ("day", "sentiment_sum")
ZERO: Measures = (0,) * len(MEASURES)
_COMBO = "content_type, audience, country, language, topics, live, sponsored, is_copy"
_ADD = ", ".join(f"{name} = cell.{name} + excluded.{name}" for name in MEASURES)


@dataclass(frozen=True, slots=True)
class CellBatch:
    """Cells as they are now: absolute values that replace what a reader has under the same id."""

    version: int
    """What to remember, once every batch of this reading is applied."""
    values: Ints
    """Shape (n, 25), int64; columns as in `CELL_COLUMNS`. Ids are dense and begin at 1; `source` is a source number
    (see `Store.source_numbers`), `day` counts from 1970-01-01 UTC. An emptied cell comes with zeros."""

    def column(self, name: str) -> Ints:
        """One column, shape (n,)."""
        return self.values[:, CELL_COLUMNS.index(name)]


class ComboFacts(NamedTuple):
    """One combination of dimensions; sets are comma-joined sorted text, '' for the empty set."""

    id: int
    content_type: str
    audience: str
    country: str | None
    language: str | None
    topics: str
    live: bool
    sponsored: bool
    copy: bool


class Cells:
    """Writes cells. Remembers combinations that are committed, which never change."""

    def __init__(self) -> None:
        self._combos: dict[Combo, int] = {}

    def move(self, tx: Transaction, changes: Iterable[Change], version: int) -> dict[Combo, int]:
        """Take the old posts out of their cells and put the new ones in.

        Returns the combinations that are new; give them to `learn` when the transaction is committed.
        """
        moves: dict[CellKey, Measures] = {}
        for change in changes:
            old, new = change.old, change.new
            if old is new:
                continue
            if old is not None:
                key = cell_of(old)
                moves[key] = tuple(map(sub, moves.get(key, ZERO), measures_of(old)))
            if new is not None:
                key = cell_of(new)
                held = moves.get(key)
                moves[key] = measures_of(new) if held is None else tuple(map(add, held, measures_of(new)))
        moves = {key: move for key, move in moves.items() if any(move)}
        if not moves:
            return {}
        fresh = self.intern(tx, {key[2] for key in moves})
        rows = [
            (source, day, self.number(combo, fresh), version, *move) for (source, day, combo), move in moves.items()
        ]
        rows.sort(key=_by_identity)
        tx.dialect.add_cells(tx, _ADD, rows)
        return fresh

    def intern(self, tx: Transaction, combos: Iterable[Combo]) -> dict[Combo, int]:
        """Numbers for combinations; returns those that `learn` has not seen."""
        fresh = {_combo_key(combo): combo for combo in combos if combo not in self._combos}
        if not fresh:
            return {}
        query = f"SELECT id, key FROM combo WHERE {tx.dialect.among('key', 'text')}"
        numbers = {fresh[key]: number for number, key in tx.rows(query, (tx.dialect.array(list(fresh)),))}
        last = tx.value("SELECT coalesce(max(id), 0) FROM combo")
        rows = []
        for key, combo in fresh.items():
            if combo not in numbers:
                last += 1
                numbers[combo] = last
                rows.append((last, key, *combo))
        tx.many(f"INSERT INTO combo (id, key, {_COMBO}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return numbers

    def number(self, combo: Combo, fresh: dict[Combo, int]) -> int:
        """The number of a combination that was interned; `fresh` is what `intern` returned."""
        return self._combos.get(combo) or fresh[combo]

    def correct(
        self,
        tx: Transaction,
        source: int,
        stored: dict[tuple[int, int], Measures],
        right: dict[tuple[int, int], Measures],
        version: int,
    ) -> int:
        """Make the cells of one source, by (day, combination), what they should be; returns how many were wrong."""
        rows = []
        for key in stored.keys() | right.keys():
            move = tuple(map(sub, right.get(key, ZERO), stored.get(key, ZERO)))
            if any(move):
                rows.append((source, *key, version, *move))
        if rows:
            rows.sort(key=_by_identity)
            tx.dialect.add_cells(tx, _ADD, rows)
        return len(rows)

    def learn(self, fresh: dict[Combo, int]) -> None:
        self._combos.update(fresh)


def _by_identity(row: Sequence[int]) -> tuple[int, int, int]:
    return row[0], row[1], row[2]


def _combo_key(combo: Combo) -> str:
    content_type, audience, country, language, topics, live, sponsored, copy = combo
    marks = f"{'L' * live}{'S' * sponsored}{'C' * copy}"
    return f"{content_type}|{audience}|{country or ''}|{language or ''}|{topics}|{marks}"


def cells_since(database: Database, version: int) -> Iterator[CellBatch]:
    """Cells that changed after `version` (0: all), in batches ordered by id.

    Exact for a reader that applies all batches and then asks again from `CellBatch.version`; a cell may come twice.
    Yields nothing if nothing changed. Hold no transaction of this thread open meanwhile.
    """
    with database.read() as tx:
        now = int(tx.value("SELECT version FROM clock WHERE id = 1"))
        if now <= version:
            return
        if version > 0:
            changed = f"FROM cell WHERE version > {int(version)} ORDER BY id"
            batches = tx.dialect.integers(tx, CELL_COLUMNS, changed, BATCH)
        else:
            batches = tx.dialect.whole_table(tx, "cell", CELL_COLUMNS, wide=_WIDE, signed=_SIGNED)
        for values in batches:
            yield CellBatch(now, values)


def combos_since(database: Database, combo_id: int) -> Iterator[ComboFacts]:
    """Combinations with a higher number than `combo_id`, in order."""
    with database.read() as tx:
        rows = tx.rows(f"SELECT id, {_COMBO} FROM combo WHERE id > ? ORDER BY id", (combo_id,))
    for number, content_type, audience, country, language, topics, *marks in rows:
        live, sponsored, copy = map(bool, marks)
        yield ComboFacts(number, content_type, audience, country, language, topics, live, sponsored, copy)
