"""What a platform counts, and how we never ask for more than it allows.

Every request that counts is booked before it is sent, in the database, so that all sources, processes and restarts
share one account: a crash may waste what was booked, and never overdraws it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

Window = Callable[[datetime], tuple[datetime, datetime]]
"""now → when the window that holds it began, and when it ends (for a rolling one: `now` and its length ago)."""


def calendar_day(zone: str = "UTC") -> Window:
    """From midnight to midnight in a time zone, as aware UTC."""

    def window(now: datetime) -> tuple[datetime, datetime]:
        here = now.astimezone(ZoneInfo(zone))
        start = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        following = (start + timedelta(days=1, hours=12)).replace(hour=0)
        return start.astimezone(UTC), following.astimezone(UTC)

    return window


def calendar_month() -> Window:
    """A month in UTC."""

    def window(now: datetime) -> tuple[datetime, datetime]:
        start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return start, (start + timedelta(days=32)).replace(day=1)

    return window


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last so-and-so long."""

    length: timedelta

    def __call__(self, now: datetime) -> tuple[datetime, datetime]:
        return now - self.length, now


@dataclass(frozen=True, slots=True)
class Quota:
    """So much of something in any one window."""

    bucket: str
    """A stable slug, part of the account's key: 'search'."""
    limit: float
    unit: str
    """'searches', 'units', 'US dollars', 'different hashtags'."""
    window: Window
    distinct: bool = False
    """What is counted are different things (`what` of a booking), however often each is asked for."""


class Meter(Protocol):
    """The account book. One row a booking; sums are taken over [since, at]."""

    async def book(
        self, collector: str, quota: Quota, amount: float, *, since: datetime, at: datetime, what: str
    ) -> int | datetime:
        """Book `amount` if the sum since then stays within the limit, and return the booking's number; otherwise
        return when the oldest booking of the window was made. One transaction."""
        ...

    async def correct(self, booking: int, amount: float) -> None:
        """Set a booking to what was really used."""
        ...


@dataclass(slots=True)
class _Entry:
    collector: str
    bucket: str
    at: datetime
    amount: float
    what: str


class MemoryMeter:
    """An account book of one process, for trials and tests."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []

    async def book(
        self, collector: str, quota: Quota, amount: float, *, since: datetime, at: datetime, what: str
    ) -> int | datetime:
        held = [
            one for one in self.entries
            if (one.collector, one.bucket) == (collector, quota.bucket) and one.at >= since
        ]  # fmt: skip
        if quota.distinct:
            if what in {one.what for one in held}:
                amount = 0.0
            used = float(len({one.what for one in held}))
        else:
            used = sum(one.amount for one in held)
        if used + amount > quota.limit:
            return min((one.at for one in held), default=at)
        self.entries.append(_Entry(collector, quota.bucket, at, amount, what))
        return len(self.entries) - 1

    async def correct(self, booking: int, amount: float) -> None:
        self.entries[booking].amount = amount
