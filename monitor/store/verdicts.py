"""The history of verdicts: what was said of each claim, from when, and on which data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import col, func, select, tuple_

from monitor.store.clock import Clock
from monitor.store.database import Database, Transaction
from monitor.store.events import Event, add_events, happened
from monitor.store.tables import VerdictRow

FIRST_DAY = date(1970, 1, 1)
LATE = timedelta(hours=1)
"""A verdict that was computed before the latest one of its claim, by up to this, has been overtaken and is dropped.
One that is older still means that this machine's clock was set back, and counts."""
KEPT_WHOLE = 200
"""Of each claim this many latest rows are kept, and of older ones only the last of every cut-off and verdict."""

_PREDATE = (
    "UPDATE verdict SET since = p.since FROM verdict AS p WHERE p.claim = ? AND p.number = ?"
    " AND verdict.claim = p.claim AND verdict.number = p.number + 1"
    " AND verdict.cutoff = p.cutoff AND verdict.verdict = p.verdict"
)
_DROP = (
    "DELETE FROM verdict WHERE claim = ? AND number = ? AND EXISTS (SELECT 1 FROM verdict AS n"
    " WHERE n.claim = verdict.claim AND n.number = verdict.number + 1"
    " AND n.cutoff = verdict.cutoff AND n.verdict = verdict.verdict)"
)


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    claim: str
    at: datetime
    """When it was computed, aware UTC; of equal verdicts in a row, the last time."""
    cutoff: date
    """Data up to the end of this UTC day, or before it, as the ledger defines it."""
    fingerprint: str
    """Stands for everything that went in."""
    verdict: str
    document: Mapping[str, Any]
    """The whole answer as JSON."""


def save_verdicts(database: Database, rows: Sequence[StoredVerdict]) -> list[Event]:
    """Keep newly computed verdicts, all or none; returns the events of those that changed.

    A verdict is a new row of history if verdict, cut-off or fingerprint differ from the latest row of its claim;
    otherwise that row's time and document are renewed. Processes that save at once take turns by the clock's row, so
    a change is recorded once; the clock is not moved, so the data version stays.
    """
    changes: list[Event] = []
    leaving: list[tuple[str, int]] = []
    with database.write() as tx:
        Clock.take(tx)
        latest = {row.claim: row for row in _latest(tx, sorted({row.claim for row in rows}))}
        for new in rows:
            old = latest.get(new.claim)
            if old is not None and timedelta(0) < old.at - new.at <= LATE:
                continue
            cutoff = (new.cutoff - FIRST_DAY).days
            if old is not None and (old.verdict, old.cutoff, old.fingerprint) == (new.verdict, cutoff, new.fingerprint):
                old.at, old.document = new.at, dict(new.document)
                old.since = min(old.since, new.at)
                continue
            row = VerdictRow(
                claim=new.claim,
                number=1 if old is None else old.number + 1,
                since=new.at,
                at=new.at,
                cutoff=cutoff,
                fingerprint=new.fingerprint,
                verdict=new.verdict,
                document=dict(new.document),
            )
            tx.session.add(row)
            latest[new.claim] = row
            leaving.append((new.claim, row.number - KEPT_WHOLE))
            if old is not None and old.verdict != new.verdict:
                changes.append(_changed(new, old.verdict))
        _thin(tx, leaving)
        return add_events(tx, changes)


def verdicts(database: Database, claim: str | None, *, at: datetime | None, limit: int) -> list[StoredVerdict]:
    """The history of a claim, newest first and at most `limit`; for None the latest verdict of every claim, the
    newest computation first. With `at`, as it stood then."""
    with database.read() as tx:
        if claim is None:
            rows = sorted(_latest(tx, None, at), key=lambda row: (-row.at.timestamp(), row.claim))
        else:
            query = select(VerdictRow).where(VerdictRow.claim == claim)
            if at is not None:
                query = query.where(col(VerdictRow.since) <= at)
            rows = list(tx.session.exec(query.order_by(col(VerdictRow.number).desc()).limit(limit)))
        return [_stored(row, at) for row in rows]


def _latest(tx: Transaction, claims: Sequence[str] | None, at: datetime | None = None) -> list[VerdictRow]:
    newest = select(VerdictRow.claim, func.max(VerdictRow.number)).group_by(VerdictRow.claim)
    if claims is not None:
        newest = newest.where(col(VerdictRow.claim).in_(claims))
    if at is not None:
        newest = newest.where(col(VerdictRow.since) <= at)
    query = select(VerdictRow).where(tuple_(col(VerdictRow.claim), col(VerdictRow.number)).in_(newest))
    return list(tx.session.exec(query))


def _stored(row: VerdictRow, asked: datetime | None) -> StoredVerdict:
    # It was computed again later than asked for; then, it had been computed at least once.
    at = row.since if asked is not None and row.at > asked else row.at
    cutoff = FIRST_DAY + timedelta(days=row.cutoff)
    return StoredVerdict(row.claim, at, cutoff, row.fingerprint, row.verdict, row.document)


def _thin(tx: Transaction, leaving: Sequence[tuple[str, int]]) -> None:
    """Of rows (claim, number) that leave the latest ones, drop those of which the next says the same of the same
    cut-off; that one takes their place in time."""
    tx.session.flush()
    tx.many(_PREDATE, leaving)
    tx.many(_DROP, leaving)


def _changed(new: StoredVerdict, old: str) -> Event:
    before, now = (name.replace("_", " ") for name in (old, new.verdict))
    return happened(
        "verdict_changed",
        new.at,
        f"The verdict on {new.claim} went from {before} to {now}.",
        subject=new.claim,
        detail={"from": old, "to": new.verdict},
    )
