"""What is due, who does it, and what a visit needs to know beforehand."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import select

from monitor.core.model import Known, TrackedSource
from monitor.store.database import Database
from monitor.store.rows import engagement
from monitor.store.sources import tracked
from monitor.store.tables import SourceRow, from_micros, to_micros

ANCHORS = 5
ARCHIVE = "archive"
"""The collector of sources that were imported: they are never due. Neither are those that wait for an address."""


def claim_due(
    database: Database, now: datetime, *, limit: int, lease: timedelta, only: Sequence[str] | None
) -> list[TrackedSource]:
    """Take up to `limit` sources that are due, longest waiting first; nobody else gets them until `now + lease`.

    With `only`, the named ones, due or not, stopped or paused; those that another holds are left out.
    """
    at = to_micros(now)
    with database.write() as tx:
        free = "NOT removed AND (claimed_until IS NULL OR claimed_until <= ?)"
        values: list[object] = [at]
        if only is None:
            wanted = "NOT paused AND stopped IS NULL AND collector <> ? AND url <> '' AND (next_due IS NULL OR next_due <= ?)"
            values += [ARCHIVE, at]
        else:
            wanted = tx.dialect.among("id", "text")
            values.append(tx.dialect.array(list(only)))
        numbers = [
            number
            for (number,) in tx.rows(
                f"SELECT number FROM source WHERE {free} AND {wanted}"
                f" ORDER BY coalesce(next_due, 0), number LIMIT ?{tx.dialect.row_lock}",
                (*values, limit),
            )
        ]
        if not numbers:
            return []
        tx.run(
            f"UPDATE source SET claimed_until = ? WHERE {tx.dialect.among('number', 'bigint')}",
            (to_micros(now + lease), tx.dialect.array(numbers)),
        )
        order = {number: place for place, number in enumerate(numbers)}
        rows = tx.session.exec(select(SourceRow).where(SourceRow.number.in_(numbers)))  # type: ignore[attr-defined]  # a column, not an int
        return [tracked(row) for row in sorted(rows, key=lambda row: order[row.number])]


def extend(database: Database, source_ids: Sequence[str], until: datetime) -> None:
    """Keep what `claim_due` gave until then; what was released or lost meanwhile stays so."""
    with database.write() as tx:
        tx.run(
            f"UPDATE source SET claimed_until = ? WHERE claimed_until IS NOT NULL AND {tx.dialect.among('id', 'text')}",
            (to_micros(until), tx.dialect.array(list(source_ids))),
        )


def release(database: Database, source_ids: Sequence[str]) -> None:
    """Give back what `claim_due` gave, without a visit."""
    with database.write() as tx:
        tx.run(
            f"UPDATE source SET claimed_until = NULL WHERE {tx.dialect.among('id', 'text')}",
            (tx.dialect.array(list(source_ids)),),
        )


def known(database: Database, source_id: str, limit: int) -> Known:
    """The newest `limit` posts of a source by publication; empty for a source without posts."""
    with database.read() as tx:
        number = tx.value("SELECT number FROM source WHERE id = ?", (source_id,))
        rows = tx.rows(
            "SELECT id, hash, views, likes, comments, shares FROM post WHERE source = ?"
            " ORDER BY published_at DESC, row DESC LIMIT ?",
            (number, limit),
        )
        until = tx.value('SELECT max("until") FROM coverage WHERE source = ?', (number,))
    return Known(
        hashes={row[0]: row[1] for row in rows},
        engagement={row[0]: engagement(*row[2:]) for row in rows},
        anchors=tuple(row[0] for row in rows[:ANCHORS]),
        observed_until=None if until is None else from_micros(until),
    )
