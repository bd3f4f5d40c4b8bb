"""How days and moments are turned into each other and written. Aware UTC throughout; imports nothing heavy."""

from __future__ import annotations

from datetime import UTC, date, datetime, time


def midnight(day: date) -> datetime:
    """The moment at which a UTC day begins."""
    return datetime.combine(day, time(), UTC)


def written(moment: datetime) -> str:
    """ISO 8601 in UTC with Z, to the microsecond: '2026-01-31T08:00:00Z'. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a time zone is no moment; give it a zone first")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def written_to_the_second(moment: datetime) -> str:
    """The same, cut to the second."""
    return written(moment.replace(microsecond=0))
