"""The record of visits, and what each does to the state of its source."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from datetime import datetime

import orjson

from monitor.core.model import Visit
from monitor.store import source_events as tell
from monitor.store.clock import Clock
from monitor.store.database import Database, Transaction
from monitor.store.errors import NotFound
from monitor.store.events import add_events
from monitor.store.tables import VisitRow, from_micros, to_micros

KEPT = 200
"""Visits kept of each source."""

_COLUMNS = tuple(VisitRow.model_fields)[1:]
_INSERT = f"INSERT INTO visit ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_SUCCEEDED = (
    "last_success = ?, failing_since = NULL, error_code = NULL, error = NULL, verified = ?,"
    " last_new = CASE WHEN ? THEN ? ELSE last_new END"
)
_FAILED = "failing_since = coalesce(failing_since, ?), error_code = ?, error = ?"


def add_visit(tx: Transaction, source: int, visit: Visit) -> bool:
    """Record a visit, move the state of its source and release it; True if readers of sources should look again.

    The caller holds the turn if the visit stops or moves its source.
    """
    finished = to_micros(visit.finished)
    if visit.stopped is not None or visit.new_url is not None:
        _tell(tx, source, visit)
    tx.run(
        _INSERT,
        (
            source,
            to_micros(visit.started),
            finished,
            visit.outcome,
            visit.message,
            visit.ok,
            visit.bytes,
            visit.new,
            visit.changed,
            visit.rejected,
            orjson.dumps(dict(visit.repairs)).decode(),
            _micros(visit.next_due),
            visit.failures,
            visit.spacing,
            visit.stopped,
            visit.new_url,
        ),
    )
    tx.run(
        "DELETE FROM visit WHERE source = ? AND id <="
        f" (SELECT id FROM visit WHERE source = ? ORDER BY id DESC LIMIT 1 OFFSET {KEPT})",
        (source, source),
    )
    values: tuple[object, ...]
    if visit.ok:
        outcome, values = _SUCCEEDED, (finished, True, visit.new > 0, finished)
    else:
        outcome, values = _FAILED, (finished, visit.outcome, visit.message)
    tx.run(
        "UPDATE source SET claimed_until = NULL, last_try = ?, next_due = ?, failures = ?,"
        f" spacing = coalesce(?, spacing), stopped = coalesce(?, stopped), {outcome} WHERE number = ?",
        (finished, _micros(visit.next_due), visit.failures, visit.spacing, visit.stopped, *values, source),
    )
    if visit.new_url is not None:
        # For a declared source the address in config/ is remembered, so that `apply` does not undo the move.
        tx.run(
            "UPDATE source SET url = ?, moved_from = CASE WHEN declared THEN coalesce(moved_from, url) END"
            " WHERE number = ? AND url <> ?",
            (visit.new_url, source, visit.new_url),
        )
    return visit.stopped is not None or visit.new_url is not None


def _tell(tx: Transaction, source: int, visit: Visit) -> None:
    """Record as events what a visit is about to do to its source."""
    url, stopped = tx.row("SELECT url, stopped FROM source WHERE number = ?", (source,))
    if visit.new_url is not None:
        add_events(tx, tell.changed(visit.source, visit.finished, {"url": url}, {"url": visit.new_url}))
    if visit.stopped is not None and visit.stopped != stopped:
        add_events(tx, [tell.stopped(visit.source, visit.finished, visit.stopped)])


def record_visit(database: Database, visit: Visit) -> None:
    """A visit that brought no page to commit. Raises NotFound."""
    with database.write() as tx:
        # Most visits are no event and change nothing that readers follow; they need not wait for other writers on
        # PostgreSQL.
        clock = Clock.take(tx) if visit.stopped is not None or visit.new_url is not None else None
        source = tx.value("SELECT number FROM source WHERE id = ?", (visit.source,))
        if source is None:
            raise NotFound(f"source {visit.source!r} is not tracked")
        add_visit(tx, source, visit)
        if clock is not None:
            clock.tick(tx)


def visits(database: Database, source_id: str, limit: int) -> list[Visit]:
    """The newest first."""
    columns = ", ".join(f"v.{name}" for name in _COLUMNS[1:])
    with database.read() as tx:
        rows = tx.rows(
            f"SELECT {columns} FROM visit AS v JOIN source AS s ON s.number = v.source"
            " WHERE s.id = ? ORDER BY v.id DESC LIMIT ?",
            (source_id, limit),
        )
    found = []
    for row in rows:
        facts = dict(zip(_COLUMNS[1:], row, strict=True))
        facts["started"] = from_micros(facts["started"])
        facts["finished"] = from_micros(facts["finished"])
        facts["next_due"] = None if facts["next_due"] is None else from_micros(facts["next_due"])
        facts["ok"] = bool(facts["ok"])
        facts["repairs"] = orjson.loads(facts["repairs"])
        found.append(Visit(source=source_id, **facts))
    return found


def visit_counts(database: Database, since: datetime) -> dict[str, int]:
    """outcome → visits that finished at `since` or later, of sources that are known still.

    Only the newest `KEPT` visits of a source exist, so a short time is exact and a long one is not.
    """
    with database.read() as tx:
        return dict(
            tx.rows("SELECT outcome, count(*) FROM visit WHERE finished >= ? GROUP BY outcome", (to_micros(since),))
        )


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)
