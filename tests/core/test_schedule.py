"""Schedules: what can be written, and that the clocks, the calendar and leap days never lose or repeat a run."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.core.schedule import FORMS, Schedule, ScheduleError, parse_schedule

ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo",
    "America/Santiago", "Africa/Casablanca", "Africa/Cairo", "Asia/Kolkata", "Asia/Gaza", "Asia/Tehran",
    "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Auckland", "Pacific/Kiritimati",
    "Pacific/Chatham", "Antarctica/Troll", "Europe/Dublin", "Asia/Beirut", "America/Asuncion",
)  # fmt: skip
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def runs(schedule: Schedule, since: datetime, number: int) -> list[datetime]:
    found = []
    for _ in range(number):
        since = schedule.next(since)
        found.append(since)
    return found


instants = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 1)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001  # made aware
times = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda one: f"{one[0]:02}:{one[1]:02}")
rhythms = st.one_of(
    st.just("daily"),
    st.just("weekdays"),
    st.sampled_from(["weekly on monday", "weekly on sunday", "weekly on tuesday and friday"]),
    st.integers(1, 31).map(lambda day: f"monthly on {day}"),
    st.sampled_from(["monthly on last day", "monthly on first monday", "monthly on last friday"]),
)
worded = st.builds(lambda rhythm, time, zone: f"{rhythm} {time} {zone}", rhythms, times, st.sampled_from(ZONES))
crons = st.builds(
    lambda line, zone: f"{line} {zone}",
    st.sampled_from(
        [
            "0 8 * * 1",
            "30 2 * * *",
            "*/15 * * * *",
            "0 */6 * * *",
            "0 0 29 2 *",
            "5 1 1 1,7 *",
            "0 3 13 * 5",
            "0 1 L * *",
        ]
    ),
    st.sampled_from(ZONES),
)


# --- the clocks ---------------------------------------------------------------------------------------------------


@given(text=st.one_of(worded, crons), start=instants)
def test_runs_follow_each_other_and_are_found_again_backwards(text: str, start: datetime) -> None:
    schedule = parse_schedule(text)
    first = schedule.next(start)
    assert first > start
    found = [first, *runs(schedule, first, 3)]
    assert all(one < two for one, two in pairwise(found))
    for before, run in pairwise(found):
        assert schedule.previous(run) == run
        assert schedule.previous(run - SECOND) == before
        assert schedule.next(before) == run
        assert schedule.next(run - SECOND) == run
    assert schedule.previous(start) <= start
    assert schedule.next(schedule.previous(start)) == first


@given(time=times, zone=st.sampled_from(ZONES), start=instants)
def test_exactly_one_run_a_local_day(time: str, zone: str, start: datetime) -> None:
    schedule = parse_schedule(f"daily {time} {zone}")
    days = [run.astimezone(schedule.zone).date() for run in runs(schedule, start, 12)]
    for one, two in pairwise(days):
        assert two > one
        # more than a day apart only where the day between does not exist
        assert two - one == timedelta(days=1) or (zone in ("Pacific/Apia", "Pacific/Kiritimati"))


@given(day=st.integers(1, 31), time=times, zone=st.sampled_from(ZONES), start=instants)
def test_exactly_one_run_a_month(day: int, time: str, zone: str, start: datetime) -> None:
    assume(zone not in ("Pacific/Apia", "Pacific/Kiritimati") or start.year > 2012)
    schedule = parse_schedule(f"monthly on {day} {time} {zone}")
    months = [
        (run.astimezone(schedule.zone).year * 12 + run.astimezone(schedule.zone).month)
        for run in runs(schedule, start, 14)
    ]
    assert [two - one for one, two in pairwise(months)] == [1] * 13


@pytest.mark.parametrize(
    ("text", "after", "run"),
    [
        # 2:30 is skipped on 29 March 2026 in Berlin: 3:00 summer time
        ("daily 02:30 Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T01:00Z"),
        ("30 2 * * * Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T01:00Z"),
        ("daily 02:30 Europe/Berlin", "2026-03-29T01:00Z", "2026-03-30T00:30Z"),
        # 2:30 comes twice on 25 October 2026: the first, and only that
        ("daily 02:30 Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T00:30Z"),
        ("daily 02:30 Europe/Berlin", "2026-10-25T00:30Z", "2026-10-26T01:30Z"),
        # midnight is skipped in Cairo and (then) in Sao Paulo
        ("daily 00:00 Africa/Cairo", "2026-04-23T12:00Z", "2026-04-23T22:00Z"),
        ("daily 00:00 America/Sao_Paulo", "2018-11-03T12:00Z", "2018-11-04T03:00Z"),
        # an hour before midnight is skipped in Nuuk: the run moves to the next day, which keeps its own
        ("daily 23:30 America/Nuuk", "2026-03-28T12:00Z", "2026-03-29T01:00Z"),
        ("daily 23:30 America/Nuuk", "2026-03-29T01:00Z", "2026-03-30T00:30Z"),
        # half an hour only
        ("daily 02:10 Australia/Lord_Howe", "2026-10-03T12:00Z", "2026-10-03T15:30Z"),
        # Samoa had no 30 December 2011
        ("daily 08:00 Pacific/Apia", "2011-12-29T18:00Z", "2011-12-30T18:00Z"),
        ("monthly on 30 08:00 Pacific/Apia", "2011-12-01T00:00Z", "2011-12-30T10:00Z"),
        # eight in the morning stays eight in the morning
        ("weekly on monday 08:00 Europe/Berlin", "2026-03-23T07:00Z", "2026-03-30T06:00Z"),
        ("weekly on monday 08:00 Europe/Berlin", "2026-10-19T06:00Z", "2026-10-26T07:00Z"),
        ("monthly on 29 09:00 UTC", "2027-02-01T00:00Z", "2027-02-28T09:00Z"),
        ("monthly on 29 09:00 UTC", "2028-02-01T00:00Z", "2028-02-29T09:00Z"),
        ("monthly on 31 09:00 UTC", "2026-04-01T00:00Z", "2026-04-30T09:00Z"),
        ("0 9 29 2 *", "2024-02-29T09:00Z", "2028-02-29T09:00Z"),
        ("0 9 29 2 *", "2096-02-29T09:00Z", "2104-02-29T09:00Z"),
        ("weekdays 08:00", "2026-07-10T08:00Z", "2026-07-13T08:00Z"),
        ("0 9 * * 7", "2026-07-10T08:00Z", "2026-07-12T09:00Z"),
        ("0 9 * * 0", "2026-07-10T08:00Z", "2026-07-12T09:00Z"),
        ("0 9 13 * 5", "2026-07-10T09:00Z", "2026-07-13T09:00Z"),  # the 13th or a Friday
        ("monthly on last friday 09:00", "2026-07-10T09:00Z", "2026-07-31T09:00Z"),
        ("daily 08:00", "2026-07-10T08:00:00.5+00:00", "2026-07-11T08:00Z"),
        ("daily 08:00", "2026-07-10T07:59:59.5+00:00", "2026-07-10T08:00Z"),
    ],
)  # fmt: skip
def test_known_runs(text: str, after: str, run: str) -> None:
    schedule = parse_schedule(text)
    assert schedule.next(at(after)) == at(run)
    assert schedule.previous(at(run)) == at(run)
    assert schedule.previous(at(run) - SECOND) <= at(after)


def test_where_the_clocks_go_back_two_hours() -> None:
    # 02:30 has been at 00:30 UTC; at 01:00 UTC the clock went from 03:00 to 01:00.
    schedule = parse_schedule("daily 02:30 Antarctica/Troll")
    for minutes in range(0, 180, 5):
        assert schedule.previous(at("2026-10-25T00:30Z") + timedelta(minutes=minutes)) == at("2026-10-25T00:30Z")
    assert schedule.next(at("2026-10-25T00:30Z")) == at("2026-10-26T02:30Z")


def test_instants_in_any_zone_are_the_same_instants() -> None:
    schedule = parse_schedule("daily 08:00 Asia/Tokyo")
    here = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("America/New_York"))
    assert schedule.next(here) == schedule.next(here.astimezone(UTC))
    assert schedule.next(here).tzinfo is UTC
    assert schedule.previous(here).tzinfo is UTC


# --- the period -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "run", "since", "until"),
    [
        ("daily 08:00 Europe/Berlin", "2026-03-30T06:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),  # 23 hours
        ("weekly on monday 08:00 Europe/Berlin", "2026-07-13T06:00Z", "2026-07-05T22:00Z", "2026-07-12T22:00Z"),
        ("weekly on monday 08:00 Europe/Berlin", "2027-01-04T07:00Z", "2026-12-27T23:00Z", "2027-01-03T23:00Z"),
        ("weekly on friday 17:00", "2026-07-17T17:00Z", "2026-07-06T00:00Z", "2026-07-13T00:00Z"),
        ("monthly on 1 09:00", "2027-01-01T09:00Z", "2026-12-01T00:00Z", "2027-01-01T00:00Z"),
        ("monthly on 1 09:00", "2028-03-01T09:00Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z"),
        ("monthly on last day 09:00", "2026-07-31T09:00Z", "2026-06-01T00:00Z", "2026-07-01T00:00Z"),
        ("weekdays 08:00", "2026-07-13T08:00Z", "2026-07-10T00:00Z", "2026-07-13T00:00Z"),
        ("weekdays 08:00", "2026-07-14T08:00Z", "2026-07-13T00:00Z", "2026-07-14T00:00Z"),
        ("weekly on monday and thursday 08:00", "2026-07-16T08:00Z", "2026-07-13T00:00Z", "2026-07-16T00:00Z"),
        ("0 8 1 1,4,7,10 *", "2026-07-01T08:00Z", "2026-04-01T00:00Z", "2026-07-01T00:00Z"),
        ("0 9 30 * *", "2026-03-30T09:00Z", "2026-01-30T00:00Z", "2026-03-30T00:00Z"),  # February has no 30th
        ("0 */6 * * *", "2026-07-13T06:00Z", "2026-07-13T00:00Z", "2026-07-13T06:00Z"),
        # by the day that was meant
        ("daily 23:30 America/Nuuk", "2026-03-29T01:00Z", "2026-03-27T02:00Z", "2026-03-28T02:00Z"),
        ("daily 23:30 America/Nuuk", "2026-03-30T00:30Z", "2026-03-28T02:00Z", "2026-03-29T01:00Z"),
        ("daily 08:00 Pacific/Apia", "2011-12-30T18:00Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"),
        ("daily 08:00 Africa/Cairo", "2026-04-25T05:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"),  # begins at 1:00
    ],
)  # fmt: skip
def test_known_periods(text: str, run: str, since: str, until: str) -> None:
    schedule = parse_schedule(text)
    assert schedule.previous(at(run)) == at(run), "the example is a run"
    assert schedule.period(at(run)) == (at(since), at(until))
    # between two runs it is still that of the one before
    assert schedule.period(at(run) + timedelta(minutes=3)) == (at(since), at(until))


@given(text=st.one_of(worded, crons), start=instants)
def test_periods_are_complete_and_leave_nothing_out(text: str, start: datetime) -> None:
    schedule = parse_schedule(text)
    found = runs(schedule, start, 4)
    periods = [schedule.period(run) for run in found]
    assert all(since < until <= run for (since, until), run in zip(periods, found, strict=True))
    assert all(one[1] == two[0] for one, two in pairwise(periods)), "each begins where the one before ended"


# --- what can be written --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", FORMS)
def test_every_form_that_messages_show_can_be_read(text: str) -> None:
    schedule = parse_schedule(text)
    assert schedule.text == text
    assert schedule.describe().endswith(f", {schedule.zone.key}")
    assert schedule.next(datetime(2026, 1, 1, tzinfo=UTC)).year == 2026


@pytest.mark.parametrize(
    ("text", "same", "words"),
    [
        ("  Weekly  on  Mon 8:00 europe/berlin ", FORMS[2], "every Monday at 08:00, Europe/Berlin"),
        ("weekly monday at 08:00 Europe/Berlin", FORMS[2], "every Monday at 08:00, Europe/Berlin"),
        ("daily at 7:30", FORMS[0], "every day at 07:30, UTC"),
        ("monthly on the 1st 09:00", FORMS[3], "on day 1 of every month at 09:00, UTC"),
        ("monthly on day 1 at 09:00 UTC", FORMS[3], "on day 1 of every month at 09:00, UTC"),
        ("monthly on the last day 09:00", FORMS[4], "on the last day of every month at 09:00, UTC"),
        ("weekdays 08:00 America/New York", "weekdays 08:00 America/New_York", "Monday to Friday at 08:00, America/New_York"),
        ("0 8 * * MON Europe/Berlin", FORMS[6], "at 08:00 on Monday, Europe/Berlin"),
    ],
)  # fmt: skip
def test_other_ways_to_write_the_same(text: str, same: str, words: str) -> None:
    start = datetime(2026, 2, 3, tzinfo=UTC)
    assert runs(parse_schedule(text), start, 60) == runs(parse_schedule(same), start, 60)
    assert parse_schedule(text).describe() == words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("monday", "no time of day"),
        ("weekly on mondey 08:00", "did you mean 'monday'?"),
        ("weekly 08:00", "needs a day"),
        ("dayly 08:00", "did you mean 'daily'?"),
        ("fortnightly 08:00", "not a rhythm"),
        ("daily on monday 08:00", "not a rhythm"),
        ("08:00", "names no rhythm"),
        ("daily 25:00", "00:00 to 23:59"),
        ("daily 8:5", "00:00 to 23:59"),
        ("daily 08:00 Berlin", "did you mean 'Europe/Berlin'?"),
        ("daily 08:00 Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("daily 08:00 Berln", "did you mean 'Europe/Berlin'?"),
        ("daily 08:00 UTC+2", "is an offset"),
        ("daily 08:00 ../../etc/passwd", "not a time zone"),
        ("daily 08:00 /etc/localtime", "not a time zone"),
        ("monthly on 32 09:00", "names no day"),
        ("monthly on 0 09:00", "names no day"),
        ("monthly 09:00", "names no day"),
        ("monthly on first mondey 09:00", "did you mean 'monday'?"),
        ("0 8 * *", "five fields"),
        ("0 8 * * 1 2 UTC", "not a time zone"),
        ("0 8 * * 9", "the day of week"),
        ("61 8 * * 1", "the minute"),
        ("0 8 * * foo", "the day of week"),
        ("0 0 30 2 *", "never comes in that month"),
        ("0 8 * * 1 Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("daily 08:00 " + "x" * 300, "too long"),
    ],
)
def test_what_can_not_be_read_is_told_with_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)
    assert said in str(caught.value)


@given(st.text(alphabet="0123456789*/,-#L monwedailyklt:URC/", max_size=40))
def test_any_text_is_a_schedule_or_an_explained_mistake(text: str) -> None:
    try:
        schedule = parse_schedule(text)
    except ScheduleError:  # any other exception fails the test
        return
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert schedule.next(start) > start


def test_a_day_that_does_not_exist_moves_a_rare_run_but_doubles_no_daily_one() -> None:
    schedule = parse_schedule("daily 08:00 Pacific/Apia")
    days = [run.astimezone(schedule.zone).date() for run in runs(schedule, at("2011-12-28T19:00Z"), 3)]
    assert days == [date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1)]
