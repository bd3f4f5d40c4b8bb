"""What each source was observed for, kept as few disjoint intervals."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from monitor.core.model import Interval, Observed
from monitor.store.database import Database, Transaction
from monitor.store.tables import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class Gap:
    """Not observed from `since` (inclusive) to `until` (exclusive), between two times that were."""

    since: datetime
    until: datetime
    reason: str | None
    """'overflow', 'emptied', 'lost cursor' …; None if nobody said why."""


def observe(tx: Transaction, source: int, observed: Observed) -> bool:
    """Add one observation, joined to all it touches or overlaps; False if it says nothing new."""
    since, until = to_micros(observed.since), to_micros(observed.until)
    if since >= until:
        return False
    touched = tx.rows(
        'SELECT since, "until", gap FROM coverage WHERE source = ? AND since <= ? AND "until" >= ? ORDER BY since',
        (source, until, since),
    )
    gap = observed.gap
    if touched:
        first, last = touched[0], touched[-1]
        if len(touched) == 1 and first[0] <= since and first[1] >= until:
            return False
        if first[0] <= since:
            gap = first[2]
        elif gap is None:
            # It reaches further back than what was known: what is lost still ends here.
            gap = first[2]
        since, until = min(since, first[0]), max(until, last[1])
        tx.many("DELETE FROM coverage WHERE source = ? AND since = ?", [(source, row[0]) for row in touched])
    tx.run(
        'INSERT INTO coverage (source, since, "until", gap) VALUES (?, ?, ?, ?)',
        (source, since, until, gap),
    )
    return True


def coverage(database: Database, source_ids: Sequence[str] | None) -> dict[str, list[Interval]]:
    """source id → its intervals in order of time; sources never observed have an empty list."""
    where, values = "", []
    with database.read() as tx:
        if source_ids is not None:
            where, values = f" WHERE {tx.dialect.among('s.id', 'text')}", [tx.dialect.array(list(source_ids))]
        rows = tx.rows(
            'SELECT s.id, c.since, c."until" FROM source AS s LEFT JOIN coverage AS c ON c.source = s.number'
            f"{where} ORDER BY s.id, c.since",
            values,
        )
    found: dict[str, list[Interval]] = {}
    for source_id, since, until in rows:
        intervals = found.setdefault(source_id, [])
        if since is not None:
            intervals.append(Interval(from_micros(since), from_micros(until)))
    return found


def gaps(database: Database, source_id: str) -> list[Gap]:
    """The times between a source's intervals, in order."""
    with database.read() as tx:
        rows = tx.rows(
            'SELECT c.since, c."until", c.gap FROM coverage AS c JOIN source AS s ON s.number = c.source'
            " WHERE s.id = ? ORDER BY c.since",
            (source_id,),
        )
    return [Gap(from_micros(before[1]), from_micros(after[0]), after[2]) for before, after in pairwise(rows)]
