"""What happened to sources, tagging, verdicts and signals, in the order it was recorded. Events are never changed.

They say why numbers before and after a moment may not be comparable, and what a digest can report.
"""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import orjson

from collectors.base import EMPTY
from monitor.store.clock import Clock
from monitor.store.database import Database, Transaction
from monitor.store.keys import put
from monitor.store.tables import from_micros, to_micros

Kind = Literal[
    "source_added",
    "source_changed",
    "source_paused",
    "source_stopped",
    "source_retired",
    "source_resumed",
    "tagging_changed",
    "retagged",
    "verdict_changed",
    "signal_opened",
    "signal_ended",
]
"""source_added: tracked for the first time. source_changed: where posts come from or what they are taken for is
different; `detail` is {field: [old, new]} of collector, platform, url (secrets masked), content_type, audience,
country, language, options. source_paused: by a person. source_stopped: by the service, after an answer such as 410.
source_retired: no longer declared, or removed by a person (`detail` {"purged": true} if its posts went too).
source_resumed: visited again after any of these three. tagging_changed: other rules or word lists from now on, while
older posts keep their tags. retagged: all stored posts were brought under one set of them. verdict_changed: `subject`
is the claim, `detail` {"from", "to"}. signal_opened, signal_ended: a sudden change, or its end; `subject` is the id of
the signal, `detail` {"key", "direction"}."""

_COLUMNS = "id, at, kind, source, subject, says, detail"


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    """Grows in the order of recording; 0 until recorded."""
    at: datetime
    """When it happened here, aware UTC. For a source: when we learned of it, not when its posts begin."""
    kind: str
    """One of `Kind`."""
    source: str | None
    """Source id; None where it is not about one source. The source may be gone by now."""
    subject: str
    """What else it is about: a claim id, a mark of rules and lists; empty if nothing."""
    says: str
    """One sentence for a reader."""
    detail: Mapping[str, Any]


def happened(
    kind: Kind,
    at: datetime,
    says: str,
    *,
    source: str | None = None,
    subject: str = "",
    detail: Mapping[str, Any] = EMPTY,
) -> Event:
    """An event that was not recorded yet."""
    return Event(0, at, kind, source, subject, says, detail)


def add_events(tx: Transaction, events: Iterable[Event]) -> list[Event]:
    """Record events with what caused them; returns them with their ids. The caller holds the turn (`Clock.take`)."""
    new = list(events)
    if not new:
        return []
    last = int(tx.value("SELECT coalesce(max(id), 0) FROM event"))
    recorded = [replace(event, id=number) for number, event in enumerate(new, last + 1)]
    tx.many(
        f"INSERT INTO event ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (one.id, to_micros(one.at), one.kind, one.source, one.subject, one.says, _json(one.detail))
            for one in recorded
        ],
    )
    return recorded


def record_event(
    database: Database,
    event: Event,
    *,
    meta: Mapping[str, str | None] = EMPTY,
    given: Mapping[str, str | None] = EMPTY,
) -> Event | None:
    """Record one event and the facts of `meta` that move with it (None: forget it), in one transaction.

    With `given`, only while these facts are still so (None: there is no such fact); otherwise nothing is written and
    the answer is None. Moves the data version, because numbers may mean something else from now on.
    """
    with database.write() as tx:
        clock = Clock.take(tx)
        for key, value in given.items():
            if tx.value("SELECT value FROM meta WHERE key = ?", (key,)) != value:
                return None
        for key, value in meta.items():
            put(tx, key, value)
        (recorded,) = add_events(tx, [event])
        clock.tick(tx)
    return recorded


def events(
    database: Database,
    *,
    since: datetime | None,
    until: datetime | None,
    kinds: Collection[str] | None,
    source: str | None,
    limit: int,
    after: int,
) -> list[Event]:
    """The first `limit` events with an id above `after`, in the order of recording.

    They happened from `since` (inclusive) to `until` (exclusive), are of these kinds and about this source.
    """
    wanted: list[tuple[str, Any]] = [("id > ?", after)]
    with database.read() as tx:
        if since is not None:
            wanted.append(("at >= ?", to_micros(since)))
        if until is not None:
            wanted.append(("at < ?", to_micros(until)))
        if kinds is not None:
            wanted.append((tx.dialect.among("kind", "text"), tx.dialect.array(list(kinds))))
        if source is not None:
            wanted.append(("source = ?", source))
        where = " AND ".join(condition for condition, _ in wanted)
        values = [value for _, value in wanted]
        rows = tx.rows(f"SELECT {_COLUMNS} FROM event WHERE {where} ORDER BY id LIMIT ?", (*values, limit))
    return [_event(row) for row in rows]


def last_event(database: Database, kind: str) -> Event | None:
    """The one that was recorded last."""
    with database.read() as tx:
        row = tx.row(f"SELECT {_COLUMNS} FROM event WHERE kind = ? ORDER BY id DESC LIMIT 1", (kind,))
    return None if row is None else _event(row)


def _event(row: tuple[Any, ...]) -> Event:
    number, at, kind, source, subject, says, detail = row
    return Event(number, from_micros(at), kind, source, subject, says, orjson.loads(detail))


def _json(detail: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(detail), default=dict).decode()
