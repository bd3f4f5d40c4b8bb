"""Digests, their issues, and how each issue got to each channel.

An issue is kept once for each run of a digest, whoever composes it first; a delivery is held by one sender at a time,
and what a recipient confirmed is kept at once and for good. So several schedulers may work on one database, and one
that is killed leaves nothing behind but a hold that runs out. All writers take turns by the clock's row; the clock is
not moved, because no number depends on what is written here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from monitor.core.digest import ChannelSpec, DigestSpec
from monitor.store import digest_rows as rows_of
from monitor.store.clock import Clock
from monitor.store.database import Database
from monitor.store.digest_tables import DeliveryRow, DigestRow, IssueRow, OptOutRow
from monitor.store.digest_values import (
    Delivery,
    DeliveryState,
    IssueRecord,
    IssueStatus,
    NewIssue,
    Outcome,
    StoredDigest,
)
from monitor.store.errors import AlreadyExists, NotFound

__all__ = [
    "AHEAD",
    "KEPT_ISSUES",
    "LONGEST_WAIT",
    "Delivery",
    "DeliveryState",
    "DigestRecords",
    "IssueRecord",
    "IssueStatus",
    "NewIssue",
    "Outcome",
    "StoredDigest",
]

LONGEST_WAIT = timedelta(days=1)
"""No try is planned further ahead."""
AHEAD = 4
"""Clocks of two machines may differ by some minutes; what is this many times too far ahead is a wrong clock's."""
KEPT_ISSUES = 500
"""Of each digest; older ones go."""


class DigestRecords:
    """Reached as `Store.digests`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # What is asked for

    def listed(self) -> list[StoredDigest]:
        """By id; declared ones that config/ has dropped are left out."""
        with self._database.read() as tx:
            rows = tx.session.exec(select(DigestRow).where(col(DigestRow.schedule) != ""))
            return sorted(map(rows_of.stored, rows), key=lambda one: one.spec.id)

    def get(self, digest_id: str) -> StoredDigest | None:
        with self._database.read() as tx:
            row = tx.session.get(DigestRow, digest_id)
            return None if row is None else rows_of.stored(row)

    def declare(self, specs: Sequence[DigestSpec], now: datetime) -> None:
        """Make these the digests of config/. Runs count from now on for one that is new or has a new schedule.

        Nothing is written, and no turn waited for, where that changes nothing.
        """
        with self._database.read() as tx:
            if rows_of.declared_specs(tx) == {spec.id: rows_of.spec_json(spec) for spec in specs}:
                return
        with self._database.write() as tx:
            Clock.take(tx)
            rows = {row.id: row for row in tx.session.exec(select(DigestRow))}
            for spec in specs:
                row = rows.pop(spec.id, None)
                if row is None:
                    tx.session.add(rows_of.new_digest(spec, now, declared=True))
                else:
                    rows_of.respecify(row, spec, now)
                    row.declared = True
            for row in rows.values():
                if row.declared:
                    row.schedule = ""  # it starts anew should it come back

    def remember(self, spec: DigestSpec, now: datetime) -> None:
        """Make sure that there is something to hang issues on; changes nothing that is there."""
        with self._database.write() as tx:
            Clock.take(tx)
            if tx.session.get(DigestRow, spec.id) is None:
                tx.session.add(rows_of.new_digest(spec, now, declared=spec.declared))

    def create(self, spec: DigestSpec, now: datetime) -> None:
        """Add a digest at run time. Raises AlreadyExists."""
        with self._database.write() as tx:
            Clock.take(tx)
            row = tx.session.get(DigestRow, spec.id)
            if row is not None and (row.schedule or not row.declared):
                raise AlreadyExists(f"digest {spec.id!r} exists already: choose another id, or change that one")
            if row is None:
                tx.session.add(rows_of.new_digest(spec, now, declared=False))
            else:  # config/ has dropped it; its issues stay
                rows_of.respecify(row, spec, now)
                row.declared, row.paused = False, False

    def update(self, spec: DigestSpec, now: datetime) -> None:
        """Change a run-time digest. Raises NotFound, OwnedByConfig."""
        with self._database.write() as tx:
            Clock.take(tx)
            rows_of.respecify(rows_of.editable(tx, spec.id), spec, now)

    def remove(self, digest_id: str) -> None:
        """Delete a run-time digest with its issues. Raises NotFound, OwnedByConfig."""
        with self._database.write() as tx:
            Clock.take(tx)
            rows_of.editable(tx, digest_id)
            tx.session.flush()
            tx.run("DELETE FROM digest_opt_out WHERE digest = ?", (digest_id,))
            tx.run("DELETE FROM digest WHERE id = ?", (digest_id,))  # issues and deliveries go with it

    def set_paused(self, digest_id: str, paused: bool, now: datetime) -> None:
        """Runs that fall into a pause are not missed. Raises NotFound."""
        with self._database.write() as tx:
            Clock.take(tx)
            row = rows_of.existing(tx, digest_id)
            if row.paused and not paused:
                row.reached = now
            row.paused = paused

    def reach(self, digest_id: str, moment: datetime) -> None:
        """Runs up to a moment are dealt with, later ones are not. Raises NotFound."""
        with self._database.write() as tx:
            Clock.take(tx)
            row = rows_of.existing(tx, digest_id)
            row.reached, row.trouble = moment, None

    def note(self, digest_id: str, trouble: str) -> None:
        """Why the next run can't be composed. Raises NotFound."""
        with self._database.write() as tx:
            Clock.take(tx)
            rows_of.existing(tx, digest_id).trouble = trouble

    # Issues

    def add_issue(self, new: NewIssue) -> tuple[IssueRecord, bool]:
        """Keep an issue unless its run has one already; returns the one that is kept, and whether it is this one.

        A report that the run was missed gives way to an issue. Raises NotFound for an unknown digest.
        """
        with self._database.write() as tx:
            Clock.take(tx)
            digest = rows_of.existing(tx, new.digest)
            query = select(IssueRow).where(IssueRow.digest == new.digest, IssueRow.run_at == new.run_at)
            row = tx.session.exec(query).first()
            if row is not None and (row.status != "missed" or new.document is None):
                return rows_of.issue_of(row, rows_of.deliveries_of(tx, new.digest, [row.number])), False
            if row is None:
                last = tx.value("SELECT max(number) FROM issue WHERE digest = ?", (new.digest,)) or 0
                row = IssueRow(digest=new.digest, number=last + 1, run_at=new.run_at, **rows_of.issue_facts(new))
                tx.session.add(row)
            else:
                for name, value in rows_of.issue_facts(new).items():
                    setattr(row, name, value)
            digest.reached, digest.trouble = max(digest.reached, new.run_at), None
            tx.session.flush()
            rows_of.add_deliveries(tx, row, new.channels, new.composed_at)
            rows_of.restate(tx, row)
            tx.session.flush()
            tx.run("DELETE FROM issue WHERE digest = ? AND number <= ?", (new.digest, row.number - KEPT_ISSUES))
            return rows_of.issue_of(row, rows_of.deliveries_of(tx, new.digest, [row.number])), True

    def issues(self, digest_id: str, *, limit: int) -> list[IssueRecord]:
        """The latest, newest first."""
        with self._database.read() as tx:
            query = select(IssueRow).where(IssueRow.digest == digest_id).order_by(col(IssueRow.number).desc())
            rows = list(tx.session.exec(query.limit(limit)))
            deliveries = rows_of.deliveries_of(tx, digest_id, [row.number for row in rows])
            return [rows_of.issue_of(row, deliveries) for row in rows]

    def issue(self, digest_id: str, number: int) -> IssueRecord | None:
        with self._database.read() as tx:
            row = tx.session.get(IssueRow, (digest_id, number))
            return None if row is None else rows_of.issue_of(row, rows_of.deliveries_of(tx, digest_id, [number]))

    def issue_of(self, digest_id: str, run_at: datetime) -> IssueRecord | None:
        """The issue of a run."""
        with self._database.read() as tx:
            query = select(IssueRow).where(IssueRow.digest == digest_id, IssueRow.run_at == run_at)
            row = tx.session.exec(query).first()
            return None if row is None else rows_of.issue_of(row, rows_of.deliveries_of(tx, digest_id, [row.number]))

    def document(self, digest_id: str, number: int) -> Mapping[str, Any] | None:
        """What was composed; None if there is no such issue or it was missed."""
        with self._database.read() as tx:
            row = tx.session.get(IssueRow, (digest_id, number))
            return None if row is None else row.document

    def document_before(self, digest_id: str, run_at: datetime) -> Mapping[str, Any] | None:
        """The document of the latest issue that was composed for an earlier run."""
        with self._database.read() as tx:
            query = (
                select(IssueRow)
                .where(IssueRow.digest == digest_id, IssueRow.run_at < run_at, IssueRow.status != "missed")
                .order_by(col(IssueRow.run_at).desc())
            )
            row = tx.session.exec(query.limit(1)).first()
            return None if row is None else row.document

    # Deliveries

    def prepare(
        self, digest_id: str, number: int, channels: Sequence[ChannelSpec], now: datetime, *, again: bool
    ) -> IssueRecord:
        """Make an issue due at once at the channels as they are now, for everybody who has not confirmed; `again`:
        for everybody. What someone is sending just now is left to them, unless `again`. Raises NotFound."""
        with self._database.write() as tx:
            Clock.take(tx)
            row = tx.session.get(IssueRow, (digest_id, number))
            if row is None or row.document is None:
                raise NotFound(f"digest {digest_id!r} has no issue {number} that could be sent")
            rows = {one.channel: one for one in rows_of.delivery_rows(tx, digest_id, [number])}
            for place, channel in enumerate(channels):
                known = rows.get(place)
                if known is not None and known.spec.get("kind") == channel.kind:
                    rows_of.send_again(known, channel, now, everybody=again)
                elif known is not None and not known.confirmed:
                    known.spec = rows_of.channel_json(channel)
                    rows_of.send_again(known, channel, now, everybody=True)
            fresh = [(place, one) for place, one in enumerate(channels) if place not in rows]
            for place, channel in fresh:
                tx.session.add(rows_of.new_delivery(row, place, channel, now))
            tx.session.flush()
            rows_of.restate(tx, row)
            return rows_of.issue_of(row, rows_of.deliveries_of(tx, digest_id, [number]))

    def claim(
        self, now: datetime, *, hold: timedelta, limit: int, only: tuple[str, int] | None = None
    ) -> list[Delivery]:
        """Take deliveries that are due, longest waiting first; nobody else gets them until `now + hold`.

        `only`: those of one issue (digest, number), due or not. A hold and a planned try that lie `AHEAD` times further
        away than they may come from a clock that ran ahead, and don't count.
        """
        held, planned = col(DeliveryRow.held_until), col(DeliveryRow.next_try)
        query = select(DeliveryRow).where(
            DeliveryRow.state == "waiting",
            held.is_(None) | (held <= now) | (held > now + AHEAD * hold),
            planned.is_not(None),
        )
        if only is None:
            query = query.where((planned <= now) | (planned > now + AHEAD * LONGEST_WAIT))
        else:
            query = query.where(DeliveryRow.digest == only[0], DeliveryRow.number == only[1])
        with self._database.read() as tx:  # there seldom is any, and then no turn is waited for
            if tx.session.exec(query.limit(1)).first() is None:
                return []
        order = planned, col(DeliveryRow.digest), col(DeliveryRow.number), col(DeliveryRow.channel)
        with self._database.write() as tx:
            Clock.take(tx)
            rows = list(tx.session.exec(query.order_by(*order).limit(limit)))
            for row in rows:
                row.holder, row.held_until, row.tries = secrets.token_hex(8), now + hold, row.tries + 1
            return [rows_of.delivery_of(row) for row in rows]

    def keep(self, delivery: Delivery, until: datetime) -> bool:
        """Hold on to a claimed delivery; False if somebody else has it by now."""
        with self._database.write() as tx:
            Clock.take(tx)
            row = rows_of.held(tx, delivery)
            if row is None:
                return False
            row.held_until = until
            return True

    def confirm(self, delivery: Delivery, recipient: str, now: datetime) -> bool:
        """A recipient has it. Kept in any case; False if somebody else holds the delivery by now."""
        with self._database.write() as tx:
            Clock.take(tx)
            row = rows_of.current(tx, delivery)
            if row is None:
                return False
            row.confirmed = {**row.confirmed, recipient: now.isoformat()}
            row.refused = {name: why for name, why in row.refused.items() if name != recipient}
            return row.holder == delivery.holder

    def finish(self, delivery: Delivery, outcome: Outcome, now: datetime) -> IssueRecord | None:
        """Write down what came of a claimed delivery and give it back; returns its issue, None if that is gone.

        If somebody else holds it by now, only what recipients said is kept.
        """
        with self._database.write() as tx:
            Clock.take(tx)
            issue = tx.session.get(IssueRow, (delivery.digest, delivery.number))
            row = rows_of.current(tx, delivery)
            if issue is None:
                return None
            if row is not None:
                told = {
                    **row.confirmed,
                    **{name: now.isoformat() for name in outcome.confirmed if name not in row.confirmed},
                }
                row.confirmed = told
                row.refused = {**row.refused, **{n: why for n, why in outcome.refused.items() if n not in told}}
                if row.holder == delivery.holder:
                    row.said, row.changed_at = outcome.said, now
                    row.next_try, row.holder, row.held_until = outcome.next_try, None, None
                    row.state = rows_of.state_of(outcome.state, told, row.refused)
                tx.session.flush()
                rows_of.restate(tx, issue)
            return rows_of.issue_of(issue, rows_of.deliveries_of(tx, delivery.digest, [delivery.number]))

    # Recipients who asked to be left out

    def opt_out(self, digest_id: str, recipient: str, now: datetime) -> None:
        """`recipient` is a keyed hash. A second time changes nothing."""
        with self._database.write() as tx:
            Clock.take(tx)
            if tx.session.get(OptOutRow, (digest_id, recipient)) is None:
                tx.session.add(OptOutRow(digest=digest_id, recipient=recipient, at=now))

    def opt_in(self, digest_id: str, recipient: str) -> None:
        with self._database.write() as tx:
            Clock.take(tx)
            tx.run("DELETE FROM digest_opt_out WHERE digest = ? AND recipient = ?", (digest_id, recipient))

    def opted_out(self, digest_id: str) -> frozenset[str]:
        with self._database.read() as tx:
            return frozenset(
                row[0] for row in tx.rows("SELECT recipient FROM digest_opt_out WHERE digest = ?", (digest_id,))
            )
