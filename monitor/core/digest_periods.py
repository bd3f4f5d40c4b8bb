"""Which days a digest reports on, and which earlier ones it compares them with. Pure.

Cells are counted by UTC day, readers live in their own time zone. A digest therefore counts the calendar days that its
period has in the reader's zone, as UTC days of the same dates. Where such a day is not over yet in UTC (zones far
ahead of it), all days move back by as many as are missing, so that an unfinished day is never compared with full ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from monitor.core.buckets import Size, day_number
from monitor.core.digest_words import Words

EARLIER = 8
"""Earlier periods that a digest compares with, at most."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole UTC days [since, until), at least one."""

    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days

    @property
    def unit(self) -> str:
        """day, week (from Monday), month, or period for any other number of days."""
        if self.days == 1:
            return "day"
        if self.days == 7 and self.since.weekday() == 0:
            return "week"
        if self.since.day == 1 and self.until == _next_month(self.since):
            return "month"
        return "period"

    @property
    def interval(self) -> Size:
        """The size of bucket that fits it."""
        return "week" if self.unit == "week" else "month" if self.unit == "month" else "day"

    def name(self, words: Words, *, year: bool = False) -> str:
        """Starts a subject line: 'Week of 6 July', 'July 2026', '6 July', '6 to 9 July 2026'."""
        if self.unit == "week":
            return f"Week of {words.day(self.since, year=year)}"
        if self.unit == "month":
            name = words.month(self.since)
            return name[:1].upper() + name[1:]
        if self.unit == "day":
            return words.day(self.since, year=year)
        return words.days(self.since, self.until)

    def within(self, words: Words) -> str:
        """Starts a sentence: 'In the week of 6 July 2026', 'On Monday, 6 July 2026'."""
        if self.unit == "week":
            return f"In the week of {words.day(self.since)}"
        if self.unit == "month":
            return f"In {words.month(self.since)}"
        if self.unit == "day":
            return f"On {words.weekday(self.since)}, {words.day(self.since)}"
        return f"From {words.days(self.since, self.until)}"

    def earlier(self, count: int = EARLIER) -> tuple[Period, ...]:
        """The periods of the same kind before it, the latest first: months for a month, the same weekday for a day,
        stretches that start on the same weekday for anything up to four weeks, else those that touch."""
        if self.unit == "month":
            found = []
            first = self.since
            for _ in range(count):
                until, first = first, (first - timedelta(days=1)).replace(day=1)
                found.append(Period(first, until))
            return tuple(found)
        step = -(-self.days // 7) * 7 if self.days <= 28 else self.days
        return tuple(
            Period(self.since - timedelta(days=step * back), self.until - timedelta(days=step * back))
            for back in range(1, count + 1)
        )

    def usual(self, count: int) -> str:
        """What a comparison is with, if `count` earlier periods could be used."""
        if self.unit == "day":
            return f"the same weekday of {count} earlier {'week' if count == 1 else 'weeks'}"
        many = self.unit if count == 1 else f"{self.unit}s"
        return f"the {count} {many} before" if count > 1 else f"the {many} before"


def period_of(since: datetime, until: datetime, zone: tzinfo, now: datetime) -> Period:
    """The days that the instants [since, until) stand for in a zone, none of which is unfinished at `now`."""
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    days = max((last - first).days, 1)
    end = min(max(last, first + timedelta(days=1)), now.astimezone(UTC).date())
    return Period(end - timedelta(days=days), end)


def day_span(period: Period) -> tuple[int, int]:
    """Its UTC day numbers, the last excluded."""
    return day_number(period.since), day_number(period.until)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
