"""Which days a digest counts: over ends of months and years, changes of the clocks, and zones far from UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.digest_periods import Period, period_of
from monitor.core.digest_words import Words
from monitor.core.schedule import parse_schedule

WORDS = Words.of("en")


def reported(schedule: str, run: datetime) -> Period:
    """The days of the issue of a run, composed a minute after it was due."""
    made = parse_schedule(schedule)
    since, until = made.period(run)
    return period_of(since, until, made.zone, made.previous(run) + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("schedule", "run", "since", "until", "name"),
    [
        ("weekly on monday 08:00 Europe/Berlin", (2026, 7, 13), "2026-07-06", "2026-07-13", "Week of 6 July 2026"),
        # the clocks were set forward on 29 March and back on 25 October
        ("weekly on monday 08:00 Europe/Berlin", (2026, 3, 30), "2026-03-23", "2026-03-30", "Week of 23 March 2026"),
        ("weekly on monday 08:00 Europe/Berlin", (2026, 10, 26), "2026-10-19", "2026-10-26", "Week of 19 October 2026"),
        ("weekly on monday 08:00 America/New_York", (2026, 3, 9), "2026-03-02", "2026-03-09", "Week of 2 March 2026"),
        ("weekly on monday 08:00 UTC", (2027, 1, 4), "2026-12-28", "2027-01-04", "Week of 28 December 2026"),
        ("daily 07:30 Europe/Berlin", (2028, 3, 1), "2028-02-29", "2028-03-01", "29 February 2028"),
        ("daily 07:30 Europe/Berlin", (2027, 3, 1), "2027-02-28", "2027-03-01", "28 February 2027"),
        ("daily 07:30 UTC", (2027, 1, 1), "2026-12-31", "2027-01-01", "31 December 2026"),
        ("monthly on 1 09:00 Europe/Berlin", (2028, 3, 1), "2028-02-01", "2028-03-01", "February 2028"),
        ("monthly on 1 09:00 UTC", (2027, 1, 1), "2026-12-01", "2027-01-01", "December 2026"),
    ],
)
def test_the_days_are_those_of_the_readers_calendar(
    schedule: str, run: tuple[int, int, int], since: str, until: str, name: str
) -> None:
    period = reported(schedule, datetime(*run, 15, tzinfo=UTC))
    assert (period.since.isoformat(), period.until.isoformat()) == (since, until)
    assert period.name(WORDS, year=True) == name


def test_far_ahead_of_utc_no_unfinished_day_is_counted() -> None:
    """Monday 08:00 in Auckland is Sunday 20:00 in UTC: the UTC Sunday has four hours to go."""
    zone = ZoneInfo("Pacific/Auckland")
    now = datetime(2026, 7, 12, 20, 1, tzinfo=UTC)
    since, until = (datetime(2026, 7, day, tzinfo=zone) for day in (6, 13))
    period = period_of(since, until, zone, now)
    assert (period.since, period.until) == (date(2026, 7, 5), date(2026, 7, 12))
    assert period.unit == "period"
    assert period.within(WORDS) == "From 5 to 11 July 2026"
    later = period_of(since, until, zone, now + timedelta(hours=12))
    assert later == Period(date(2026, 7, 6), date(2026, 7, 13))


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "Pacific/Kiritimati"]),
    st.sampled_from(["daily 07:30", "weekly on monday 08:00", "monthly on 1 00:00", "weekdays 06:00", "0 8,16 * * *"]),
    st.integers(0, 15 * 365 * 24).map(lambda hours: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours)),
)
def test_every_period_is_over_and_as_long_as_in_the_zone(zone: str, schedule: str, now: datetime) -> None:
    made = parse_schedule(f"{schedule} {zone}")
    since, until = made.period(now)
    period = period_of(since, until, made.zone, now)
    assert period.days >= 1
    assert datetime(period.until.year, period.until.month, period.until.day, tzinfo=UTC) <= now
    local = until.astimezone(made.zone).date() - since.astimezone(made.zone).date()
    assert period.days == max(local.days, 1)
    assert abs((period.until - until.astimezone(made.zone).date()).days) <= 1
    for one, before in zip((period, *period.earlier()), period.earlier(), strict=False):
        assert before.until <= one.since
        assert before.days == period.days or period.unit == "month"


def test_like_is_compared_with_like() -> None:
    day = Period(date(2026, 7, 8), date(2026, 7, 9))
    assert [one.since.weekday() for one in day.earlier()] == [2] * 8
    assert day.usual(8) == "the same weekday of 8 earlier weeks"
    week = Period(date(2026, 7, 6), date(2026, 7, 13))
    assert week.earlier(2) == (
        Period(date(2026, 6, 29), date(2026, 7, 6)),
        Period(date(2026, 6, 22), date(2026, 6, 29)),
    )
    assert (week.usual(8), week.usual(1)) == ("the 8 weeks before", "the week before")
    month = Period(date(2026, 3, 1), date(2026, 4, 1))
    assert [one.since.isoformat() for one in month.earlier(3)] == ["2026-02-01", "2026-01-01", "2025-12-01"]
    weekend = Period(date(2026, 7, 10), date(2026, 7, 13))
    assert weekend.earlier(1) == (Period(date(2026, 7, 3), date(2026, 7, 6)),)


@pytest.mark.parametrize(
    ("period", "short", "sentence"),
    [
        (Period(date(2026, 7, 6), date(2026, 7, 13)), "Week of 6 July", "In the week of 6 July 2026"),
        (Period(date(2026, 7, 6), date(2026, 7, 7)), "6 July", "On Monday, 6 July 2026"),
        (Period(date(2026, 7, 1), date(2026, 8, 1)), "July 2026", "In July 2026"),
        (Period(date(2026, 12, 30), date(2027, 1, 3)), "30 December 2026 to 2 January 2027", "From 30 December 2026 to 2 January 2027"),
        (Period(date(2026, 6, 29), date(2026, 7, 2)), "29 June to 1 July 2026", "From 29 June to 1 July 2026"),
    ],
)  # fmt: skip
def test_the_period_is_named_by_its_days(period: Period, short: str, sentence: str) -> None:
    assert period.name(WORDS) == short
    assert period.within(WORDS) == sentence
