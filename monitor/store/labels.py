"""What people say of tags: added to, never changed, and gone with the post it is about."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from monitor.core.model import Post
from monitor.store.clock import Clock
from monitor.store.commit import store_changes
from monitor.store.database import Database
from monitor.store.label_tables import LabelRow
from monitor.store.maintenance import retagged
from monitor.store.measures import Combo
from monitor.store.memory import Memory
from monitor.store.rows import COLUMN_LIST, COLUMNS, StoredPost, clean, to_post
from monitor.store.tables import from_micros, to_micros

_SAID = "l.id, s.id, p.id, l.dimension, l.value, l.was, l.annotator, l.note, l.at, l.tagging, l.hash, l.withdrawn"
_FROM = f"FROM {LabelRow.__tablename__} AS l JOIN post AS p ON p.row = l.post JOIN source AS s ON s.number = l.source"
_INSERT = (
    "INSERT INTO label (source, post, dimension, value, was, annotator, note, at, tagging, hash, withdrawn)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Label:
    """One statement of a person about one tag of a post."""

    id: int
    """0 before it is stored."""
    source: str
    post: str
    dimension: str
    value: Any
    was: Any
    """What tagging said by itself at that time."""
    annotator: str
    note: str
    at: datetime
    tagging: str
    """Stands for the rules and lists that `was` comes from."""
    hash: int
    """Of the content that the person saw."""
    withdrawn: bool = False
    """The annotator takes back what they said of this dimension."""


@dataclass(frozen=True, slots=True)
class Found:
    """A post as `LabelRecords.save` must still find it."""

    row: int
    post: Post
    forgotten: bool
    """Title, text and address were blanked."""


class LabelRecords:
    """Reached as `Store.labels`."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._database = database
        self._memory = memory

    def find(self, source_id: str, post_id: str) -> Found | None:
        with self._database.read() as tx:
            row = tx.row(
                f"SELECT {COLUMN_LIST} FROM post AS p JOIN source AS s ON s.number = p.source"
                " WHERE s.id = ? AND p.id = ?",
                (source_id, post_id.replace("\0", "")),
            )
        if row is None:
            return None
        stored = StoredPost._make(row)
        return Found(stored.row, to_post(stored, source_id), bool(stored.forgotten))

    def of_post(self, source_id: str, post_id: str) -> list[Label]:
        """All that was ever said of a post, in order."""
        with self._database.read() as tx:
            rows = tx.rows(
                f"SELECT {_SAID} {_FROM} WHERE s.id = ? AND p.id = ? ORDER BY l.id",
                (source_id, post_id.replace("\0", "")),
            )
        return [_label(row) for row in rows]

    def scan(self, *, after: int = 0, limit: int = 1000) -> list[tuple[Label, Found]]:
        """Labels with their posts as they are now, in the order in which they were given; go on after the last id."""
        with self._database.read() as tx:
            rows = tx.rows(
                f"SELECT {_SAID}, {COLUMN_LIST} {_FROM} WHERE l.id > ? ORDER BY l.id LIMIT ?", (after, limit)
            )
        many = len(COLUMNS)
        found = []
        for row in rows:
            label, stored = _label(row[:-many]), StoredPost._make(row[-many:])
            found.append((label, Found(stored.row, to_post(stored, label.source), bool(stored.forgotten))))
        return found

    def save(self, label: Label, found: Found, tagged: Post) -> bool:
        """Keep a label and give its post the tags that follow, with cells moved, in one transaction.

        False, and nothing is done, if the post is not as it was found: changed, corrected by somebody else, or gone.
        """
        fresh: dict[Combo, int] = {}
        with self._database.write() as tx:
            clock = Clock.take(tx)
            self._memory.recent.catch_up(tx, clock)
            row = tx.row(f"SELECT {COLUMN_LIST} FROM post AS p WHERE p.row = ?", (found.row,))
            if row is None:
                return False
            stored = StoredPost._make(row)
            now = to_post(stored, label.source)
            if bool(stored.forgotten) != found.forgotten or (now.hash, now.evidence, now.annotation) != (
                found.post.hash,
                found.post.evidence,
                found.post.annotation,
            ):
                return False
            tx.run(_INSERT, (stored.source, stored.row, *_values(label)))
            changes = retagged(tx, stored.source, {stored.row: tagged})
            if changes:
                fresh = store_changes(tx, clock, self._memory, changes, {stored.source: label.source})
                clock.tick(tx)
        self._memory.cells.learn(fresh)
        return True


def _values(label: Label) -> tuple[Any, ...]:
    return (
        label.dimension,
        orjson.dumps(label.value).decode(),
        orjson.dumps(label.was).decode(),
        clean(label.annotator),
        clean(label.note),
        to_micros(label.at),
        label.tagging,
        label.hash,
        label.withdrawn,
    )


def _label(row: Any) -> Label:
    number, source, post, dimension, value, was, annotator, note, at, tagging, seen, withdrawn = row
    return Label(
        number, source, post, dimension, orjson.loads(value), orjson.loads(was), annotator, note, from_micros(at),
        tagging, seen, bool(withdrawn),
    )  # fmt: skip
