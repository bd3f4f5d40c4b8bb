"""Rows of digests, issues and deliveries: made, changed and read. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from sqlmodel import col, select

from monitor.core.digest import ChannelSpec, DigestSpec
from monitor.store.database import Transaction
from monitor.store.digest_tables import DeliveryRow, DigestRow, IssueRow
from monitor.store.digest_values import Delivery, DeliveryState, IssueRecord, IssueStatus, NewIssue, StoredDigest
from monitor.store.errors import NotFound, OwnedByConfig
from monitor.store.tables import MICROSECOND

_ISSUE_STATES: tuple[IssueStatus, ...] = get_args(IssueStatus)
_DELIVERY_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)

# --- digests ----------------------------------------------------------------------------------------------------------


def new_digest(spec: DigestSpec, now: datetime, *, declared: bool) -> DigestRow:
    return DigestRow(
        id=spec.id,
        declared=declared,
        spec=spec_json(spec),
        schedule=spec.schedule,
        reached=now,
        paused=spec.paused,
        created_at=now,
    )


def respecify(row: DigestRow, spec: DigestSpec, now: datetime) -> None:
    if row.schedule != spec.schedule:
        row.schedule, row.reached, row.trouble = spec.schedule, now, None
    asked = spec_json(spec)
    if row.spec != asked:
        row.spec = asked


def declared_specs(tx: Transaction) -> dict[str, dict[str, Any]]:
    """What config/ asked for when it was last looked at."""
    query = select(DigestRow).where(col(DigestRow.declared).is_(True), DigestRow.schedule != "")
    return {row.id: row.spec for row in tx.session.exec(query)}


def existing(tx: Transaction, digest_id: str) -> DigestRow:
    row = tx.session.get(DigestRow, digest_id)
    if row is None:
        raise NotFound(f"there is no digest {digest_id!r}: `trendmonitor digest list` shows which there are")
    return row


def editable(tx: Transaction, digest_id: str) -> DigestRow:
    row = existing(tx, digest_id)
    if row.declared:
        raise OwnedByConfig(f"digest {digest_id!r} is declared in config/digests.yaml: change it there")
    return row


def stored(row: DigestRow) -> StoredDigest:
    spec = _spec(row.id, row.spec, declared=row.declared, paused=row.paused)
    return StoredDigest(spec, row.reached, row.created_at, row.trouble)


def spec_json(spec: DigestSpec) -> dict[str, Any]:
    return {
        "title": spec.title,
        "schedule": spec.schedule,
        "channels": [channel_json(one) for one in spec.channels],
        "filters": {name: list(values) for name, values in spec.filters.items()},
        "sections": list(spec.sections),
        "locale": spec.locale,
        "quiet": spec.quiet,
        "grace": spec.grace // MICROSECOND,
    }


def _spec(digest_id: str, data: Mapping[str, Any], *, declared: bool, paused: bool) -> DigestSpec:
    return DigestSpec(
        id=digest_id,
        title=data["title"],
        schedule=data["schedule"],
        channels=tuple(map(_channel, data["channels"])),
        filters={name: tuple(values) for name, values in data["filters"].items()},
        sections=tuple(data["sections"]),
        locale=data["locale"],
        quiet=data["quiet"],
        grace=data["grace"] * MICROSECOND,
        declared=declared,
        paused=paused,
    )


def channel_json(spec: ChannelSpec) -> dict[str, Any]:
    return {"kind": spec.kind, "to": list(spec.to), "options": dict(spec.options)}


def _channel(data: Mapping[str, Any]) -> ChannelSpec:
    return ChannelSpec(data["kind"], tuple(data["to"]), data["options"])


# --- issues and deliveries --------------------------------------------------------------------------------------------


def issue_facts(new: NewIssue) -> dict[str, Any]:
    status = "missed" if new.document is None else "quiet" if new.quiet else "composed"
    return {
        "since": new.since,
        "until": new.until,
        "composed_at": new.composed_at,
        "status": status,
        "says": new.says,
        "document": None if new.document is None else dict(new.document),
    }


def add_deliveries(tx: Transaction, issue: IssueRow, channels: Sequence[ChannelSpec], now: datetime) -> None:
    tx.session.add_all([new_delivery(issue, place, channel, now) for place, channel in enumerate(channels)])
    tx.session.flush()


def new_delivery(issue: IssueRow, place: int, channel: ChannelSpec, now: datetime) -> DeliveryRow:
    return DeliveryRow(
        digest=issue.digest,
        number=issue.number,
        channel=place,
        spec=channel_json(channel),
        sending=1,
        state="waiting",
        tries=0,
        next_try=now,
        confirmed={},
        refused={},
        said="",
        changed_at=now,
    )


def send_again(row: DeliveryRow, channel: ChannelSpec, now: datetime, *, everybody: bool) -> None:
    held = row.held_until is not None and row.held_until > now
    if not everybody and (held or row.state == "sent"):
        return
    row.spec, row.state, row.refused = channel_json(channel), "waiting", {}
    row.tries, row.next_try, row.holder, row.held_until = 0, now, None, None
    if everybody:
        row.confirmed, row.sending = {}, row.sending + 1


def state_of(said: str, confirmed: Mapping[str, Any], refused: Mapping[str, Any]) -> str:
    """What some recipients refused makes a success partial, and what some confirmed makes a failure so."""
    if said == "sent" and refused:
        return "partial"
    return "partial" if said == "failed" and confirmed else said


def restate(tx: Transaction, issue: IssueRow) -> None:
    """The status of an issue follows from its deliveries, if it has any."""
    states = {row.state for row in delivery_rows(tx, issue.digest, [issue.number])}
    if not states:
        return
    if "waiting" in states:
        issue.status = "composed"
    else:
        issue.status = states.pop() if len(states) == 1 else "partial"
    tx.session.add(issue)


def delivery_rows(tx: Transaction, digest_id: str, numbers: Sequence[int]) -> list[DeliveryRow]:
    query = select(DeliveryRow).where(DeliveryRow.digest == digest_id, col(DeliveryRow.number).in_(numbers))
    return list(tx.session.exec(query.order_by(col(DeliveryRow.channel))))


def deliveries_of(tx: Transaction, digest_id: str, numbers: Sequence[int]) -> dict[int, list[Delivery]]:
    out: dict[int, list[Delivery]] = {}
    for row in delivery_rows(tx, digest_id, numbers):
        out.setdefault(row.number, []).append(delivery_of(row))
    return out


def current(tx: Transaction, delivery: Delivery) -> DeliveryRow | None:
    """The row, if it is still the same sending: what was confirmed of an earlier one tells nothing."""
    row = tx.session.get(DeliveryRow, (delivery.digest, delivery.number, delivery.channel))
    return row if row is not None and row.sending == delivery.sending else None


def held(tx: Transaction, delivery: Delivery) -> DeliveryRow | None:
    row = current(tx, delivery)
    return row if row is not None and row.holder == delivery.holder else None


def delivery_of(row: DeliveryRow) -> Delivery:
    (state,) = (one for one in _DELIVERY_STATES if one == row.state)
    return Delivery(
        digest=row.digest,
        number=row.number,
        channel=row.channel,
        spec=_channel(row.spec),
        sending=row.sending,
        state=state,
        tries=row.tries,
        next_try=row.next_try,
        confirmed={name: datetime.fromisoformat(at) for name, at in row.confirmed.items()},
        refused=dict(row.refused),
        said=row.said,
        changed_at=row.changed_at,
        holder=row.holder,
    )


def issue_of(row: IssueRow, deliveries: Mapping[int, Sequence[Delivery]]) -> IssueRecord:
    (status,) = (one for one in _ISSUE_STATES if one == row.status)
    return IssueRecord(
        digest=row.digest,
        number=row.number,
        run_at=row.run_at,
        since=row.since,
        until=row.until,
        composed_at=row.composed_at,
        status=status,
        says=row.says,
        deliveries=tuple(deliveries.get(row.number, ())),
    )
