"""Tracked sources: declared by config/ or added at run time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from collectors.base import Source
from monitor.core.model import Applied, SourceState, TrackedSource
from monitor.store import source_events as tell
from monitor.store.clock import Clock
from monitor.store.database import Database, Transaction
from monitor.store.errors import AlreadyExists, NotFound, OwnedByConfig
from monitor.store.events import Event, add_events
from monitor.store.tables import MICROSECOND, SourceRow

RETIRED = "removed from config"
"""Why a source is stopped that config/ no longer declares."""


def apply(database: Database, declared: Sequence[Source], now: datetime) -> Applied:
    """Make the declared sources the declared state, in one transaction; a second time changes nothing.

    Sources that are declared no longer are stopped and keep their posts. A run-time source of the same id becomes
    declared. Pause is a person's decision and survives.
    """
    added, changed, retired, unchanged = [], [], [], 0
    events: list[Event] = []
    with database.write() as tx:
        clock = Clock.take(tx)
        rows = {row.id: row for row in tx.session.exec(select(SourceRow))}
        for source in declared:
            row = rows.pop(source.id, None)
            if row is None:
                _insert(tx, clock, source, now, declared=True)
                added.append(source.id)
                events.append(tell.added(source.id, now))
            elif row.removed:
                events += _revive(row, source, now, declared=True)
                added.append(source.id)
            elif _adopt(row, source, now, events):
                changed.append(source.id)
            else:
                unchanged += 1
        for row in rows.values():
            if row.declared:
                row.declared, row.stopped, row.moved_from = False, RETIRED, None
                retired.append(row.id)
                events.append(tell.retired(row.id, now))
        add_events(tx, events)
        if added or changed or retired:
            clock.tick(tx)
    return Applied(tuple(added), tuple(changed), tuple(sorted(retired)), unchanged)


def _adopt(row: SourceRow, source: Source, now: datetime, events: list[Event]) -> bool:
    """Write a declared source over a known one, and what there is to tell into `events`; False if that changes
    nothing."""
    before = (_config(row), row.declared, row.stopped)
    url = source.url
    if row.declared and row.moved_from == source.url:
        url = row.url  # config/ still holds the address that has moved
    else:
        row.moved_from = None
    if row.stopped == RETIRED:
        row.stopped = None
    _write_config(row, source, url)
    row.declared = True
    after = (_config(row), row.declared, row.stopped)
    if before[2] is not None and row.stopped is None:
        events.append(tell.resumed(row.id, now))
    events += tell.changed(row.id, now, before[0], after[0])
    return after != before


def add_source(database: Database, source: Source, now: datetime) -> TrackedSource:
    """Track a source at run time, due at once. Raises AlreadyExists. A removed one of this id comes back."""
    with database.write() as tx:
        clock = Clock.take(tx)
        row = _row(tx, source.id)
        if row is None:
            row = _insert(tx, clock, source, now, declared=False)
            add_events(tx, [tell.added(source.id, now)])
        elif row.removed:
            add_events(tx, _revive(row, source, now, declared=False))
        else:
            raise AlreadyExists(f"source {source.id!r} exists already: choose another id, or change that one")
        clock.tick(tx)
        return tracked(row)


def update_source(database: Database, source: Source, now: datetime) -> TrackedSource:
    """Change a run-time source. A new address or collector starts over: cursor and failures are cleared."""
    with database.write() as tx:
        clock = Clock.take(tx)
        row = _editable(tx, source.id)
        before, stopped = _config(row), row.stopped
        _write_config(row, source, source.url)
        if stopped is not None and row.stopped is None:
            add_events(tx, [tell.resumed(row.id, now)])
        add_events(tx, tell.changed(row.id, now, before, _config(row)))
        clock.tick(tx)
        return tracked(row)


def hide_source(database: Database, source_id: str, now: datetime, *, purge: bool) -> int:
    """Take a run-time source out of every list; its posts stay. Returns its number.

    With `purge` also one that is hidden already, and it is told that the posts will go.
    """
    with database.write() as tx:
        clock = Clock.take(tx)
        row = _editable(tx, source_id, even_hidden=purge)
        row.removed, row.claimed_until = True, None
        add_events(tx, [tell.removed(source_id, now, purge=purge)])
        clock.tick(tx)
        return row.number


def set_paused(database: Database, source_id: str, paused: bool, now: datetime) -> TrackedSource:
    """Pause or resume any source. Resuming also lifts a stop, forgets failures and makes it due now."""
    with database.write() as tx:
        clock = Clock.take(tx)
        row = _existing(tx, source_id)
        if paused and not row.paused:
            add_events(tx, [tell.paused(source_id, now)])
        if not paused and (row.paused or row.stopped is not None):
            add_events(tx, [tell.resumed(source_id, now)])
        row.paused = paused
        if not paused:
            row.stopped = row.failing_since = row.error_code = row.error = None
            row.failures, row.next_due = 0.0, now
        clock.tick(tx)
        return tracked(row)


def source(database: Database, source_id: str) -> TrackedSource | None:
    with database.read() as tx:
        row = _row(tx, source_id)
        return None if row is None or row.removed else tracked(row)


def sources(database: Database) -> list[TrackedSource]:
    """All that are not removed, by id."""
    with database.read() as tx:
        rows = tx.session.exec(select(SourceRow).where(col(SourceRow.removed).is_(False)))
        # Python's order of text is the same on both databases; theirs depends on the collation.
        return sorted((tracked(row) for row in rows), key=lambda known: known.source.id)


def source_numbers(database: Database) -> dict[int, Source]:
    """source number, as in cells → source; with those that were removed while their posts stayed."""
    with database.read() as tx:
        return {row.number: tracked(row).source for row in tx.session.exec(select(SourceRow))}


def tracked(row: SourceRow) -> TrackedSource:
    return TrackedSource(
        Source(
            id=row.id,
            collector=row.collector,
            platform=row.platform,
            url=row.url,
            name=row.name,
            content_type=row.content_type,
            audience=tuple(row.audience),
            country=row.country,
            language=row.language,
            every=None if row.every is None else timedelta(microseconds=row.every),
            options=row.options,
            verified=row.checked,
        ),
        SourceState(
            declared=row.declared,
            created_at=row.created_at,
            paused=row.paused,
            stopped=row.stopped,
            next_due=row.next_due,
            last_try=row.last_try,
            last_success=row.last_success,
            last_new=row.last_new,
            failing_since=row.failing_since,
            failures=row.failures,
            error_code=row.error_code,
            error=row.error,
            spacing=row.spacing,
            cursor=row.cursor,
            verified=row.verified,
        ),
    )


def _row(tx: Transaction, source_id: str) -> SourceRow | None:
    return tx.session.exec(select(SourceRow).where(SourceRow.id == source_id)).first()


def _existing(tx: Transaction, source_id: str, *, even_hidden: bool = False) -> SourceRow:
    row = _row(tx, source_id)
    if row is None or (row.removed and not even_hidden):
        raise NotFound(f"source {source_id!r} is not tracked: `trendmonitor sources list` shows which are")
    return row


def _editable(tx: Transaction, source_id: str, *, even_hidden: bool = False) -> SourceRow:
    row = _existing(tx, source_id, even_hidden=even_hidden)
    if row.declared:
        raise OwnedByConfig(
            f"source {source_id!r} is declared in config/: change it there and run `trendmonitor apply`"
        )
    return row


def _insert(tx: Transaction, clock: Clock, source: Source, now: datetime, *, declared: bool) -> SourceRow:
    clock.last_source += 1
    row = SourceRow(
        number=clock.last_source,
        id=source.id,
        declared=declared,
        created_at=now,
        cursor={},
        **_facts(source, source.url),
    )
    tx.session.add(row)
    return row


def _revive(row: SourceRow, source: Source, now: datetime, *, declared: bool) -> list[Event]:
    """Bring back a removed source, whose posts may have stayed; returns what there is to tell."""
    before = _config(row)
    row.removed, row.paused, row.stopped, row.moved_from = False, False, None, None
    row.failing_since = row.error_code = row.error = row.next_due = None
    row.failures, row.declared = 0.0, declared
    _write_config(row, source, source.url)
    return [tell.resumed(row.id, now), *tell.changed(row.id, now, before, _config(row))]


def _facts(source: Source, url: str) -> dict[str, Any]:
    return {
        "collector": source.collector,
        "platform": source.platform,
        "url": url,
        "name": source.name,
        "content_type": source.content_type,
        "audience": list(source.audience),
        "country": source.country,
        "language": source.language,
        "every": None if source.every is None else source.every // MICROSECOND,
        "options": dict(source.options),
        "checked": source.verified,
    }


def _config(row: SourceRow) -> dict[str, Any]:
    return _facts(tracked(row).source, row.url)


def _write_config(row: SourceRow, source: Source, url: str) -> None:
    if (row.url, row.collector) != (url, source.collector):
        # The cursor belongs to the old address, and so do its failures and its good name.
        row.cursor, row.verified, row.failures = {}, False, 0.0
        row.failing_since = row.error_code = row.error = row.stopped = row.next_due = None
    for name, value in _facts(source, url).items():
        if getattr(row, name) != value:
            setattr(row, name, value)
