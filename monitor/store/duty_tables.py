"""The tables of what platforms count and ask for; `tables` says what holds for all tables."""

# No `from __future__ import annotations` here: SQLModel reads the annotations of a table when the class is made.
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.types import Double
from sqlmodel import Column, Field, SQLModel

from monitor.store.dialect import CLUSTERED, RowNumber
from monitor.store.tables import UtcTime


class SpendingRow(SQLModel, table=True):
    """One booking of what a platform counts: calls, units, money, different things."""

    __tablename__ = "spending"
    __table_args__ = (Index("spending_by_bucket", "collector", "bucket", "at"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    collector: str = Field(sa_type=Text)
    bucket: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcTime)
    amount: float = Field(sa_type=Double)
    what: str = Field(default="", sa_type=Text)


class ConfirmedRow(SQLModel, table=True):
    """When the platform last told that a post is still there; a row only for posts that were looked up again."""

    __tablename__ = "confirmed"
    __table_args__: ClassVar[Any] = CLUSTERED
    source: int = Field(
        sa_column=Column(
            ForeignKey("source.number", ondelete="CASCADE"), primary_key=True, autoincrement=False, nullable=False
        )
    )
    post: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcTime)


class SetAsideRow(SQLModel, table=True):
    """An item that could not be read, as it came; kept for a later try, not for long."""

    __tablename__ = "set_aside"
    __table_args__ = (Index("set_aside_by_time", "at"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    source: int = Field(sa_column=Column(ForeignKey("source.number", ondelete="CASCADE"), nullable=False, index=True))
    hash: int = Field(sa_type=BigInteger)
    """Of `raw`: the same item that comes again is kept once."""
    at: datetime = Field(sa_type=UtcTime)
    reason: str = Field(sa_type=Text)
    raw: bytes = Field(sa_type=LargeBinary)
