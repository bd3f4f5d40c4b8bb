from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.buckets import (
    SIZES,
    count_buckets,
    day_date,
    day_number,
    day_start,
    floor_day,
    make_buckets,
    next_start,
    step_back,
)

days = st.integers(0, 47_000)
sizes = st.sampled_from(SIZES)


def test_day_zero_is_the_unix_epoch() -> None:
    assert day_number(date(1970, 1, 1)) == 0
    assert day_start(1) == datetime(1970, 1, 2, tzinfo=UTC)


def test_a_moment_lies_in_its_utc_day() -> None:
    late_in_new_york = datetime(2026, 1, 31, 22, tzinfo=timezone(timedelta(hours=-5)))
    assert day_date(day_number(late_in_new_york)) == date(2026, 2, 1)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        day_number(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize(
    ("size", "day", "start"),
    [
        ("day", date(2026, 7, 15), date(2026, 7, 15)),
        ("week", date(2026, 7, 15), date(2026, 7, 13)),
        ("week", date(2026, 7, 13), date(2026, 7, 13)),
        ("week", date(2026, 1, 1), date(2025, 12, 29)),
        ("week", date(1970, 1, 1), date(1969, 12, 29)),
        ("month", date(2024, 2, 29), date(2024, 2, 1)),
    ],
)
def test_starts(size: str, day: date, start: date) -> None:
    assert day_date(floor_day(day_number(day), size)) == start


def test_weeks_start_on_monday() -> None:
    assert all(day_date(floor_day(day, "week")).weekday() == 0 for day in range(20_000, 20_400))


@given(days, sizes)
def test_a_bucket_holds_its_day(day: int, size: str) -> None:
    start = floor_day(day, size)
    assert start <= day < next_start(start, size)
    assert floor_day(next_start(start, size) - 1, size) == start


@given(days, sizes, st.integers(0, 30))
def test_stepping_back_undoes_stepping_on(day: int, size: str, count: int) -> None:
    start = at = floor_day(day, size)
    for _ in range(count):
        at = next_start(at, size)
    assert step_back(at, size, count) == start


@given(days, st.integers(0, 400), sizes)
def test_buckets_cut_the_window_without_hole_or_overlap(since: int, length: int, size: str) -> None:
    buckets = make_buckets(since, since + length, size)
    assert len(buckets) == count_buckets(since, since + length, size)
    if not length:
        return
    assert buckets.lows[0] == since
    assert buckets.highs[-1] == since + length
    assert (buckets.lows[1:] == buckets.highs[:-1]).all()
    assert (buckets.starts[1:] == buckets.lows[1:]).all()
    index = buckets.index_of_days()
    assert len(index) == length
    expected = [np.searchsorted(buckets.starts, since + at, side="right") - 1 for at in range(length)]
    assert index.tolist() == expected


def test_cut_edges_are_told() -> None:
    buckets = make_buckets(day_number(date(2026, 1, 15)), day_number(date(2026, 3, 20)), "month")
    assert buckets.dates() == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert buckets.clipped.tolist() == [True, False, True]
