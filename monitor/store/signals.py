"""Signals of sudden change: kept while they are followed and afterwards, with what people said about them.

What is measured comes from the watch; what people said (acknowledged, muted) is kept beside it and is not overwritten
when the same signal is measured again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from monitor.store.clock import Clock
from monitor.store.database import Database, Transaction
from monitor.store.digest_tables import MuteRow, SignalRow
from monitor.store.errors import NotFound
from monitor.store.events import Event, add_events, happened

if TYPE_CHECKING:
    from monitor.core.signals.series import Signal

_COLUMNS = ("id", "key", "state", "p", "opened_at", "updated_at", "ended_at")
_PEOPLE = ("acknowledged_at", "acknowledged_why", "muted_until", "muted_why")


@dataclass(frozen=True, slots=True)
class Mute:
    """Nobody is told of a signal, or of any signal of a key, until a moment (aware UTC)."""

    subject: str
    """Id of a signal, or key of a series such as topic=telehealth."""
    until: datetime
    why: str
    at: datetime


class SignalRecords:
    """Reached as `Store.signals`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        opened: Sequence[Signal],
        updated: Sequence[Signal],
        ended: Sequence[Signal],
        says: Mapping[str, str],
        now: datetime,
    ) -> list[Event]:
        """Keep what one look at the data brought, all or nothing; returns the events of what opened and ended.

        `says`: id → one sentence. A signal that is known already is not opened a second time, and one that has ended
        stays so, so that processes that look at once make one event.
        """
        happenings = []
        with self._database.write() as tx:
            Clock.take(tx)
            for signal in opened:
                if tx.session.get(SignalRow, signal.id) is None:
                    tx.session.add(_row(signal))
                    happenings.append(
                        happened(
                            "signal_opened",
                            now,
                            says[signal.id],
                            subject=signal.id,
                            detail={"key": signal.key, "direction": signal.direction},
                        )
                    )
            for signal in (*updated, *ended):
                row = tx.session.get(SignalRow, signal.id)
                if row is None or row.state == "ended" or row.updated_at > signal.updated_at:
                    continue
                if signal.state == "ended":
                    happenings.append(
                        happened(
                            "signal_ended",
                            now,
                            says[signal.id],
                            subject=signal.id,
                            detail={"key": signal.key, "direction": signal.direction},
                        )
                    )
                for name, value in _measured(signal).items():
                    setattr(row, name, value)
            tx.session.flush()
            return add_events(tx, happenings)

    def recent(self, *, state: str | None, since: datetime | None, until: datetime | None, limit: int) -> list[Signal]:
        """Newest news first. `state`: open or ended. `since` and `until`: open at any time of [since, until)."""
        query = select(SignalRow)
        if state is not None:
            query = query.where(SignalRow.state == state)
        if since is not None:
            query = query.where((col(SignalRow.state) == "open") | (col(SignalRow.ended_at) >= since))
        if until is not None:
            query = query.where(col(SignalRow.opened_at) < until)
        with self._database.read() as tx:
            mutes = _mutes(tx)
            rows = tx.session.exec(query.order_by(col(SignalRow.updated_at).desc(), col(SignalRow.id)).limit(limit))
            return [_signal(row, mutes) for row in rows]

    def get(self, signal_id: str) -> Signal | None:
        with self._database.read() as tx:
            row = tx.session.get(SignalRow, signal_id)
            return None if row is None else _signal(row, _mutes(tx))

    def acknowledge(self, signal_id: str, why: str, now: datetime) -> None:
        """Raises NotFound."""
        with self._database.write() as tx:
            Clock.take(tx)
            row = tx.session.get(SignalRow, signal_id)
            if row is None:
                raise NotFound(f"there is no signal {signal_id!r}: `trendmonitor signals` shows which there are")
            row.acknowledged_at, row.acknowledged_why = now, why

    def mute(self, mute: Mute) -> None:
        """One for each subject: a later one takes its place."""
        with self._database.write() as tx:
            Clock.take(tx)
            tx.session.merge(MuteRow(subject=mute.subject, until=mute.until, why=mute.why, at=mute.at))
            tx.session.flush()

    def mutes(self) -> list[Mute]:
        """All that were ever said and not replaced, by subject."""
        with self._database.read() as tx:
            return sorted(_mutes(tx).values(), key=lambda one: one.subject)


def _measured(signal: Signal) -> dict[str, Any]:
    body = {name: value for name, value in asdict(signal).items() if name not in (*_COLUMNS, *_PEOPLE)}
    return {**{name: getattr(signal, name) for name in _COLUMNS}, "body": body}


def _row(signal: Signal) -> SignalRow:
    return SignalRow(**_measured(signal))


def _signal(row: SignalRow, mutes: Mapping[str, Mute]) -> Signal:
    # Late: the methods behind it bring numpy, and most commands never see a signal
    from monitor.core.signals.series import Signal

    known = {one.name for one in fields(Signal)}
    body: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.body.items() if name in known
    }
    columns: dict[str, Any] = {name: getattr(row, name) for name in _COLUMNS}
    said = [mute for subject in (row.id, row.key) if (mute := mutes.get(subject)) is not None]
    longest = max(said, key=lambda one: one.until, default=None)
    return Signal(
        **columns,
        **body,
        acknowledged_at=row.acknowledged_at,
        acknowledged_why=row.acknowledged_why,
        muted_until=None if longest is None else longest.until,
        muted_why="" if longest is None else longest.why,
    )


def _mutes(tx: Transaction) -> dict[str, Mute]:
    return {row.subject: Mute(row.subject, row.until, row.why, row.at) for row in tx.session.exec(select(MuteRow))}
