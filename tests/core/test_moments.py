"""Days and moments, written the same everywhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from monitor.core.moments import midnight, written, written_to_the_second


def test_a_day_begins_at_midnight_utc() -> None:
    assert midnight(date(2024, 2, 29)) == datetime(2024, 2, 29, tzinfo=UTC)


def test_a_moment_is_written_in_utc_whatever_its_zone() -> None:
    moment = datetime(2026, 1, 31, 9, 30, 0, 250, tzinfo=timezone(timedelta(hours=1)))
    assert written(moment) == "2026-01-31T08:30:00.000250Z"
    assert written_to_the_second(moment) == "2026-01-31T08:30:00Z"
    assert datetime.fromisoformat(written(moment)) == moment


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        written(datetime(2026, 1, 31))  # noqa: DTZ001 - that is what is refused
