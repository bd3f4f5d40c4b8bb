"""The table of what people say of tags; `tables` says what holds for all tables."""

# No `from __future__ import annotations` here: SQLModel reads the annotations of a table when the class is made.
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlmodel import Column, Field, SQLModel

from monitor.store.dialect import RowNumber
from monitor.store.tables import JsonText, UtcTime


class LabelRow(SQLModel, table=True):
    """One statement of a person about one tag of a post. Rows are only added, and go with their post; they hold nothing
    of its text."""

    __tablename__ = "label"
    __table_args__ = (Index("label_by_post", "source", "post"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=RowNumber)
    source: int = Field(sa_column=Column(ForeignKey("source.number", ondelete="CASCADE"), nullable=False))
    post: int = Field(sa_type=BigInteger)
    """Row number."""
    dimension: str = Field(sa_type=Text)
    value: Any = Field(sa_column=Column(JsonText, nullable=False))
    was: Any = Field(sa_column=Column(JsonText, nullable=False))
    """What tagging says by itself, without people."""
    annotator: str = Field(sa_type=Text)
    note: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UtcTime)
    tagging: str = Field(sa_type=Text)
    """Stands for the rules and lists that `was` comes from."""
    hash: int = Field(sa_type=BigInteger)
    """Of the content that the person saw."""
    withdrawn: bool
    """The annotator takes back what they said of this dimension."""
