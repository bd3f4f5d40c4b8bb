"""The tables of digests and signals; `tables` says what holds for all tables."""

# No `from __future__ import annotations` here: SQLModel reads the annotations of a table when the class is made.
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.types import Double
from sqlmodel import Column, Field, ForeignKey, SQLModel

from monitor.store.tables import JsonText, UtcTime


class DigestRow(SQLModel, table=True):
    """A digest and how far its schedule has been worked off."""

    __tablename__ = "digest"
    id: str = Field(primary_key=True, sa_type=Text)
    declared: bool
    """config/ owns what is asked for; then `spec` is only what it was when last seen."""
    spec: dict[str, Any] = Field(sa_type=JsonText)
    schedule: str = Field(sa_type=Text)
    """The schedule that `reached` belongs to."""
    reached: datetime = Field(sa_type=UtcTime)
    """Runs up to this moment are dealt with."""
    paused: bool = False
    created_at: datetime = Field(sa_type=UtcTime)
    trouble: str | None = Field(default=None, sa_type=Text)
    """Why the latest run could not be composed; NULL once one was."""


class IssueRow(SQLModel, table=True):
    """One issue of a digest, composed once; or the report that runs were missed."""

    __tablename__ = "issue"
    __table_args__ = (UniqueConstraint("digest", "run_at", name="issue_run"),)
    digest: str = Field(
        sa_column=Column(Text, ForeignKey("digest.id", ondelete="CASCADE"), primary_key=True, nullable=False)
    )
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """1, 2, … for each digest."""
    run_at: datetime = Field(sa_type=UtcTime)
    since: datetime = Field(sa_type=UtcTime)
    until: datetime = Field(sa_type=UtcTime)
    composed_at: datetime = Field(sa_type=UtcTime)
    status: str = Field(sa_type=Text)
    says: str = Field(sa_type=Text)
    """Its headline; for runs that were missed, what was missed and why."""
    document: dict[str, Any] | None = Field(default=None, sa_type=JsonText)


class DeliveryRow(SQLModel, table=True):
    """One issue on its way to one channel."""

    __tablename__ = "delivery"
    __table_args__ = (
        ForeignKeyConstraint(["digest", "number"], ["issue.digest", "issue.number"], ondelete="CASCADE"),
        Index("delivery_by_state", "state", "next_try"),
    )
    digest: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    channel: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """Place of the channel in the digest, from 0."""
    spec: dict[str, Any] = Field(sa_type=JsonText)
    """The channel as it was when the issue was composed, or sent again by hand."""
    sending: int
    """1, and one more each time that it was sent again to everybody."""
    state: str = Field(sa_type=Text)
    tries: int
    next_try: datetime | None = Field(default=None, sa_type=UtcTime)
    """NULL: nothing is left to try."""
    holder: str | None = Field(default=None, sa_type=Text)
    """Random mark of whoever is sending it now."""
    held_until: datetime | None = Field(default=None, sa_type=UtcTime)
    confirmed: dict[str, str] = Field(sa_type=JsonText)
    """Recipient → when it confirmed."""
    refused: dict[str, str] = Field(sa_type=JsonText)
    """Recipient → why it refused for good."""
    said: str = Field(sa_type=Text)
    """The latest answer of the other side, or why there was none."""
    changed_at: datetime = Field(sa_type=UtcTime)


class OptOutRow(SQLModel, table=True):
    """A recipient who asked not to get a digest any more, by a keyed hash of the address."""

    __tablename__ = "digest_opt_out"
    digest: str = Field(primary_key=True, sa_type=Text)
    recipient: str = Field(primary_key=True, sa_type=Text)
    at: datetime = Field(sa_type=UtcTime)


class SignalRow(SQLModel, table=True):
    """A sudden change that is or was followed."""

    __tablename__ = "signal"
    __table_args__ = (Index("signal_by_state", "state", "updated_at"),)
    id: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    p: float = Field(sa_type=Double)
    opened_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    body: dict[str, Any] = Field(sa_type=JsonText)
    """Everything else that was measured."""
    acknowledged_at: datetime | None = Field(default=None, sa_type=UtcTime)
    acknowledged_why: str = Field(default="", sa_type=Text)


class MuteRow(SQLModel, table=True):
    """A signal, or all signals of a key, that people don't want to be told of."""

    __tablename__ = "signal_mute"
    subject: str = Field(primary_key=True, sa_type=Text)
    """Id of a signal, or key of its series."""
    until: datetime = Field(sa_type=UtcTime)
    why: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcTime)
