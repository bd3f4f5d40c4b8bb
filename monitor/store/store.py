"""The one way to the database. A thin face over the modules beside it; what each method promises is said there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from collectors.base import EMPTY, Source
from monitor.core.model import Applied, Interval, Known, Observed, Post, TrackedSource, Visit, Write
from monitor.store import (
    browse,
    cells,
    clock,
    commit,
    coverage,
    digests,
    duties,
    events,
    figures,
    keys,
    labels,
    maintenance,
    migrate,
    observations,
    presence,
    search,
    set_aside,
    signals,
    sources,
    spending,
    verdicts,
    visits,
    work,
)
from monitor.store.cells import CellBatch, ComboFacts
from monitor.store.coverage import Gap
from monitor.store.database import Database
from monitor.store.events import Event
from monitor.store.events import Kind as EventKind
from monitor.store.keys import ApiKey
from monitor.store.memory import Memory
from monitor.store.search import PostPage, PostQuery, Totals
from monitor.store.verdicts import StoredVerdict


class Store:
    """Posts, cells, coverage, sources and keys in one database. Safe for threads; synchronous.

    All methods raise `Unavailable` while the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory = Memory()

    @classmethod
    def open(cls, url: str) -> Store:
        """'sqlite:///path' or 'postgresql+psycopg://…'. Neither connects nor migrates. Raises Unavailable."""
        return cls(Database(url))

    @property
    def url(self) -> str:
        """The address, with the password masked."""
        return self._database.url

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        return self._database.dialect.name

    def migrate(self) -> None:
        migrate.migrate(self._database)

    def close(self) -> None:
        self._database.close()

    def meta(self, key: str) -> str | None:
        return keys.meta(self._database, key)

    def set_meta(self, key: str, value: str | None) -> None:
        keys.set_meta(self._database, key, value)

    def replace_meta(self, key: str, old: str | None, new: str | None) -> bool:
        return keys.replace_meta(self._database, key, old, new)

    @property
    def generated(self) -> bool:
        """True if this database holds generated posts."""
        return self.meta(keys.GENERATED) == "true"

    def author_key(self) -> bytes:
        return keys.author_key(self._database)

    # Sources

    def apply(self, declared: Sequence[Source], now: datetime) -> Applied:
        return sources.apply(self._database, declared, now)

    def add_source(self, source: Source, now: datetime) -> TrackedSource:
        return sources.add_source(self._database, source, now)

    def update_source(self, source: Source, now: datetime | None = None) -> TrackedSource:
        """`now` dates the event; None: by this machine's clock."""
        return sources.update_source(self._database, source, now or datetime.now(UTC))

    def remove_source(self, source_id: str, *, purge: bool = False, now: datetime | None = None) -> None:
        """`now` dates the event; None: by this machine's clock."""
        maintenance.remove_source(self._database, self._memory, source_id, purge, now or datetime.now(UTC))

    def set_paused(self, source_id: str, paused: bool, now: datetime) -> TrackedSource:
        return sources.set_paused(self._database, source_id, paused, now)

    def source(self, source_id: str) -> TrackedSource | None:
        return sources.source(self._database, source_id)

    def sources(self) -> list[TrackedSource]:
        return sources.sources(self._database)

    def source_numbers(self) -> dict[int, Source]:
        return sources.source_numbers(self._database)

    # Work

    def claim_due(
        self, now: datetime, *, limit: int, lease: timedelta, only: Sequence[str] | None = None
    ) -> list[TrackedSource]:
        return work.claim_due(self._database, now, limit=limit, lease=lease, only=only)

    def extend(self, source_ids: Sequence[str], until: datetime) -> None:
        work.extend(self._database, source_ids, until)

    def appear(self) -> presence.Presence:
        return presence.appear(self._database)

    def release(self, source_ids: Sequence[str]) -> None:
        work.release(self._database, source_ids)

    def known(self, source_id: str, *, limit: int = 1000) -> Known:
        return work.known(self._database, source_id, limit)

    def commit(self, write: Write, visit: Visit | None = None) -> None:
        commit.commit(self._database, self._memory, [write], visit=visit)

    def commit_many(self, writes: Sequence[Write], *, meta: Mapping[str, str | None] = EMPTY) -> None:
        """Several pages, of one or many sources, and facts that must move with them: all in one transaction."""
        commit.commit(self._database, self._memory, writes, meta=meta)

    def record_visit(self, visit: Visit) -> None:
        visits.record_visit(self._database, visit)

    def visits(self, source_id: str, *, limit: int = 50) -> list[Visit]:
        return visits.visits(self._database, source_id, limit)

    def visit_counts(self, since: datetime) -> Mapping[str, int]:
        return visits.visit_counts(self._database, since)

    # History

    def record_event(
        self,
        kind: EventKind,
        *,
        at: datetime,
        source: str | None = None,
        subject: str = "",
        says: str = "",
        detail: Mapping[str, Any] = EMPTY,
        meta: Mapping[str, str | None] = EMPTY,
        given: Mapping[str, str | None] = EMPTY,
    ) -> Event | None:
        event = events.happened(kind, at, says, source=source, subject=subject, detail=detail)
        return events.record_event(self._database, event, meta=meta, given=given)

    def events(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        kinds: Collection[str] | None = None,
        source: str | None = None,
        limit: int = 1000,
        after: int = 0,
    ) -> list[Event]:
        return events.events(
            self._database, since=since, until=until, kinds=kinds, source=source, limit=limit, after=after
        )

    def last_event(self, kind: EventKind) -> Event | None:
        return events.last_event(self._database, kind)

    def save_verdicts(self, rows: Sequence[StoredVerdict]) -> list[Event]:
        return verdicts.save_verdicts(self._database, rows)

    def verdicts(
        self, claim: str | None = None, *, at: datetime | None = None, limit: int = 100
    ) -> list[StoredVerdict]:
        return verdicts.verdicts(self._database, claim, at=at, limit=limit)

    # Reading

    def data_version(self) -> int:
        return clock.data_version(self._database)

    def epoch(self) -> int:
        return clock.epoch(self._database)

    def cells_since(self, version: int) -> Iterator[CellBatch]:
        return cells.cells_since(self._database, version)

    def combos_since(self, combo_id: int) -> Iterator[ComboFacts]:
        return cells.combos_since(self._database, combo_id)

    def coverage(self, source_ids: Sequence[str] | None = None) -> dict[str, list[Interval]]:
        return coverage.coverage(self._database, source_ids)

    def gaps(self, source_id: str) -> list[Gap]:
        return coverage.gaps(self._database, source_id)

    def observations(self, source_ids: Sequence[str]) -> dict[str, list[Observed]]:
        return observations.observations(self._database, source_ids)

    def posts(self, query: PostQuery) -> PostPage:
        return search.posts(self._database, query)

    def count_posts(self, query: PostQuery, *, cap: int = 10_000) -> int:
        return search.count_posts(self._database, query, cap)

    def post(self, source_id: str, post_id: str) -> Post | None:
        return search.post(self._database, source_id, post_id)

    def engagement_history(self, source_id: str, post_id: str) -> list[tuple[datetime, tuple[int | None, ...]]]:
        return search.history(self._database, source_id, post_id)

    @property
    def browse(self) -> browse.Browse:
        return browse.Browse(self._database)

    def totals(self) -> Totals:
        return search.totals(self._database)

    def size(self) -> int:
        return figures.size(self._database)

    def booked(self, collector: str, *, since: datetime) -> dict[str, float]:
        return figures.booked(self._database, collector, since=since)

    # Maintenance

    def forget_text(self, before: datetime, *, batch: int = 5000) -> int:
        return maintenance.forget_text(self._database, before, batch)

    def scan_posts(self, *, below_version: int, after: int = 0, limit: int = 1000) -> list[tuple[int, Post]]:
        return maintenance.scan_posts(self._database, below_version, after, limit)

    def retag(self, rows: Sequence[tuple[int, Post]]) -> None:
        maintenance.retag(self._database, self._memory, rows)

    def newest_forgotten(self) -> datetime | None:
        return maintenance.newest_forgotten(self._database)

    def rebuild_cells(self) -> int:
        return maintenance.rebuild_cells(self._database, self._memory)

    def tidy(self, *, pages: int = 500) -> bool:
        return maintenance.tidy(self._database, pages)

    @property
    def labels(self) -> labels.LabelRecords:
        return labels.LabelRecords(self._database, self._memory)

    # Digests and signals

    @property
    def digests(self) -> digests.DigestRecords:
        return digests.DigestRecords(self._database)

    @property
    def signals(self) -> signals.SignalRecords:
        return signals.SignalRecords(self._database)

    # What platforms count and ask for

    @property
    def spending(self) -> spending.Spending:
        return spending.Spending(self._database)

    @property
    def duties(self) -> duties.Duties:
        return duties.Duties(self._database, self._memory)

    @property
    def set_aside(self) -> set_aside.SetAside:
        return set_aside.SetAside(self._database)

    # API keys

    def create_key(self, name: str, scope: str, now: datetime) -> str:
        return keys.create_key(self._database, name, scope, now)

    def check_key(self, token: str, now: datetime | None = None) -> str | None:
        return keys.check_key(self._database, token, now)

    def key_id(self, token: str, now: datetime) -> int | None:
        return keys.key_id(self._database, token, now)

    def scope_of(self, key_id: int) -> str | None:
        return keys.scope_of(self._database, key_id)

    def keys(self) -> list[ApiKey]:
        return keys.keys(self._database)

    def revoke_key(self, key_id: int) -> None:
        keys.revoke_key(self._database, key_id)
