"""The account book of what platforms count, shared by all processes and kept through restarts."""

from __future__ import annotations

from datetime import datetime, timedelta

from collectors.quota import Quota
from monitor.store.clock import Clock
from monitor.store.database import Database, Transaction
from monitor.store.duty_tables import SpendingRow
from monitor.store.tables import from_micros, to_micros

KEPT = timedelta(days=35)
"""Bookings older than this are struck out: no window is longer than a month."""
SLACK = 1e-9
"""Sums of prices are not exact."""


class Spending:
    """Reached as `Store.spending`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def book(
        self, collector: str, quota: Quota, amount: float, *, since: datetime, at: datetime, what: str = ""
    ) -> int | datetime:
        """Book `amount` if the sum over [since, …) stays within the limit, and return the booking's number; otherwise
        return when the oldest booking of the window was made. Two processes never book the same room."""
        with self._database.write() as tx:
            Clock.take(tx)  # writers take turns, so nobody books between our sum and our row
            tx.run("DELETE FROM spending WHERE collector = ? AND bucket = ? AND at < ?", (
                collector, quota.bucket, min(to_micros(since), to_micros(at - KEPT)),
            ))  # fmt: skip
            held = (collector, quota.bucket, to_micros(since))
            if quota.distinct:
                used, known = _different(tx, held, what)
                amount = 0.0 if known else amount
            else:
                used = float(tx.value(f"SELECT coalesce(sum(amount), 0) {_HELD}", held))
            if used + amount > quota.limit + SLACK:
                oldest = tx.value(f"SELECT min(at) {_HELD}", held)
                return at if oldest is None else from_micros(oldest)
            row = SpendingRow(collector=collector, bucket=quota.bucket, at=at, amount=amount, what=what)
            tx.session.add(row)
            tx.session.flush()
            assert row.id is not None, "the database numbers bookings"
            return row.id

    def correct(self, booking: int, amount: float) -> None:
        """Set a booking to what was really used; one that is struck out already stays so."""
        with self._database.write() as tx:
            tx.run("UPDATE spending SET amount = ? WHERE id = ?", (amount, booking))

    def used(self, collector: str, quota: Quota, *, since: datetime) -> float:
        """What is booked since then, in the quota's unit."""
        held = (collector, quota.bucket, to_micros(since))
        with self._database.read() as tx:
            if quota.distinct:
                return _different(tx, held, "")[0]
            return float(tx.value(f"SELECT coalesce(sum(amount), 0) {_HELD}", held))


_HELD = "FROM spending WHERE collector = ? AND bucket = ? AND at >= ?"


def _different(tx: Transaction, held: tuple[str, str, int], what: str) -> tuple[float, bool]:
    """(how many different things were booked, whether `what` is one of them)."""
    found = {row[0] for row in tx.rows(f"SELECT DISTINCT what {_HELD}", held)}
    return float(len(found)), what in found
