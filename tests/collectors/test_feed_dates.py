"""Dates as feeds write them. The expected values were worked out by hand from the text."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.feeds.dates import AHEAD, OLDEST, parse_date

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # RFC 822 and its relatives
        ("Fri, 20 Nov 2026 10:00:00 GMT", "2026-11-20T10:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 +0130", "2026-11-20T08:30:00"),
        ("Fri, 20 Nov 2026 10:00:00 -0500", "2026-11-20T15:00:00"),
        ("Mon, 20 Nov 2026 10:00:00 GMT", "2026-11-20T10:00:00"),  # wrong weekday
        ("20 Nov 2026 10:00 UT", "2026-11-20T10:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 EST", "2026-11-20T15:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 EDT", "2026-11-20T14:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 PST", "2026-11-20T18:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 CEST", "2026-11-20T08:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 JST", "2026-11-20T01:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 Z", "2026-11-20T10:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 M", "2026-11-20T10:00:00"),  # military zones are unknown: RFC 2822, 4.3
        ("Fri,  20  Nov 2026 10:00:00  GMT", "2026-11-20T10:00:00"),
        ("Fri , 20 Nov 2026 10:00:00 GMT", "2026-11-20T10:00:00"),
        ("friday, 20 november 2026 10:00:00 gmt", "2026-11-20T10:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 GMT+2", "2026-11-20T08:00:00"),
        ("Fri, 20 Nov 2026 10:00:00 +02:00", "2026-11-20T08:00:00"),
        ("Fri, 20 Nov 2026 24:00:00 GMT", "2026-11-21T00:00:00"),
        ("Fri, 20 Nov 2026 10:00:60 GMT", "2026-11-20T10:00:59"),
        ("Thu(so be it), 9(th) Feb 2006 23:59:45 +0000 (GMT)", "2006-02-09T23:59:45"),
        ("Fri, 20-Nov-2026 10:00:00 GMT", "2026-11-20T10:00:00"),
        ("Fri Nov 20 10:00:00 2026", "2026-11-20T10:00:00"),
        ("Fri Nov 20 10:00:00 PST 2026", "2026-11-20T18:00:00"),
        ("November 20, 2026 3:05 PM EST", "2026-11-20T20:05:00"),
        ("Nov 20, 2026", "2026-11-20T00:00:00"),
        ("20 Nov 2026 12:30 am GMT", "2026-11-20T00:30:00"),
        # in other languages
        ("Fr, 06 März 2026 10:00:00 +0100", "2026-03-06T09:00:00"),
        ("20. Oktober 2026, 10:00 Uhr", "2026-10-20T10:00:00"),
        ("ven., 6 févr. 2026 10:00:00 +0100", "2026-02-06T09:00:00"),
        ("15 août 2026", "2026-08-15T00:00:00"),
        ("lun, 12 ene 2026 10:00:00 GMT", "2026-01-12T10:00:00"),
        ("20 de noviembre de 2026", "2026-11-20T00:00:00"),
        ("Mar, 20 Ott 2026 10:00:00 +0200", "2026-10-20T08:00:00"),
        ("Seg, 12 Out 2026 10:00:00 -0300", "2026-10-12T13:00:00"),
        ("ma, 12 mei 2026 10:00:00 +0200", "2026-05-12T08:00:00"),
        # RFC 3339 and W3CDTF
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00"),
        ("2026-11-20t10:00:00z", "2026-11-20T10:00:00"),
        ("2026-11-20T10:00:00.123456789+02:00", "2026-11-20T08:00:00.123456"),
        ("2026-11-20T10:00:00+0200", "2026-11-20T08:00:00"),
        ("2026-11-20T10:00:00+02", "2026-11-20T08:00:00"),
        ("2026-11-20 10:00:00 +0200", "2026-11-20T08:00:00"),
        ("2026-11-20T10:00Z", "2026-11-20T10:00:00"),
        ("2026-11-20T24:00:00Z", "2026-11-21T00:00:00"),
        ("2026-11-20", "2026-11-20T00:00:00"),
        ("2026-11", "2026-11-01T00:00:00"),
        ("2026", "2026-01-01T00:00:00"),
        ("20261120T100000Z", "2026-11-20T10:00:00"),
        ("2026/11/20 10:00:00", "2026-11-20T10:00:00"),
        # seconds and milliseconds since 1970
        ("1795168800", "2026-11-20T10:00:00"),
        ("1795168800000", "2026-11-20T10:00:00"),
        ("1795168800.5", "2026-11-20T10:00:00.500000"),
    ],
)
def test_reads(raw: str, expected: str) -> None:
    found, _ = parse_date(raw, NOW)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        ("Fri, 20 Nov 2026 10:00:00", "date has no time zone: read as UTC"),
        ("2026-11-20T10:00:00", "date has no time zone: read as UTC"),
        ("Fri, 20 Nov 26 10:00:00 GMT", "date has a two-digit year"),
        ("Fri, 20 Nov 2026 10:00:00 XYZT", "time zone 'XYZT' is unknown: read as UTC"),
        ("1795168800", "date is a number of seconds: read as Unix time"),
    ],
)
def test_says_what_was_mended(raw: str, note: str) -> None:
    found, told = parse_date(raw, NOW)
    assert found == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert told == note


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        ("2199-01-01T00:00:00Z", "in the future"),
        ("Sun, 22 Nov 2026 12:00:01 GMT", "in the future"),
        ("1970-01-01T00:00:00Z", "before 1995"),
        ("Thu, 04 Jul 1776 18:30:02 GMT", "before 1995"),
        ("Mon, 01 Jan 0001 00:00:00 +0000", "before 1995"),
        ("Fri, 31 Feb 2026 10:00:00 GMT", "unreadable"),
        ("2026-13-01T00:00:00Z", "unreadable"),
        ("yesterday", "unreadable"),
        ("", "unreadable"),
        ("10:00", "before 1995"),
        ("x" * 101, "over 100 characters"),
    ],
)
def test_refuses_what_is_absurd_or_unreadable(raw: str, note: str) -> None:
    found, told = parse_date(raw, NOW)
    assert found is None
    assert told is not None
    assert note in told


def test_a_day_ahead_is_still_believed() -> None:
    assert parse_date("Sun, 22 Nov 2026 12:00:00 GMT", NOW)[0] == datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(
    st.text(max_size=150)
    | st.from_regex(r"[A-Za-z]{0,9},? ?\d{1,9}[ /:-]\w{1,9}[ /:.-]\d{0,9}[T ]?[\d:.+-]{0,20}\w{0,5}")
)
def test_never_fails_and_stays_in_range(raw: str) -> None:
    found, note = parse_date(raw, NOW)
    assert (found is None) <= (note is not None)
    if found is not None:
        assert found.tzinfo is UTC
        assert OLDEST <= found <= NOW + AHEAD


@given(st.datetimes(min_value=datetime(1995, 1, 2), max_value=datetime(2026, 11, 20)))  # noqa: DTZ001 - made aware below
def test_both_common_shapes_come_back(moment: datetime) -> None:
    whole = moment.replace(microsecond=0, tzinfo=UTC)
    assert parse_date(whole.isoformat(), NOW) == (whole, None)
    assert parse_date(whole.strftime("%a, %d %b %Y %H:%M:%S +0000"), NOW) == (whole, None)


def test_long_nonsense_costs_nothing() -> None:
    start = time.perf_counter()
    for raw in (" " * 99, "1" * 99, "a " * 49, "(" * 99, "20 " * 33, "+" * 99, "1" * 1_000_000):
        parse_date(raw, NOW)
    assert time.perf_counter() - start < 1
