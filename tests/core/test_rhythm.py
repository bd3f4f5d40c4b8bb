"""Polling times: bounds, wishes of servers, back-off, and that nothing is ever forgotten."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import CollectError, NotFound, Refused, RetryLater, Throttled
from monitor.core import rhythm

NOW = datetime(2026, 7, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Middle(random.Random):
    """No jitter: the middle of every range."""

    def random(self) -> float:
        return 0.5


def wait(**changes: object) -> timedelta:
    given = {"every": None, "spacing": 6 * 3600.0, "page_length": 30, "asked": None, "rng": Middle()} | changes
    return rhythm.after_success(NOW, **given) - NOW  # type: ignore[arg-type] # the defaults above fit


def test_half_the_spacing_between_bounds() -> None:
    assert wait() == 3 * HOUR
    assert wait(spacing=10.0, page_length=1000) == rhythm.SHORTEST
    assert wait(spacing=90 * 86_400.0) == rhythm.LONGEST
    assert wait(spacing=None) == rhythm.FIRST_GUESS


def test_a_short_page_is_asked_before_it_rolls_over() -> None:
    assert wait(spacing=600.0, page_length=2) < timedelta(seconds=600 * 2)


def test_a_fixed_interval_stands_and_a_wish_only_lengthens() -> None:
    assert wait(every=timedelta(minutes=5)) == timedelta(minutes=5)
    assert wait(every=timedelta(minutes=5), asked=HOUR) == HOUR
    assert wait(asked=timedelta(minutes=1)) == 3 * HOUR
    assert wait(asked=timedelta(days=400)) == rhythm.ASKED_AT_MOST


def test_spacing_is_smoothed_and_silence_lengthens_it() -> None:
    hourly = [NOW - n * HOUR for n in range(1, 11)]
    assert rhythm.spacing_of(None, hourly, NOW) == pytest.approx(3600)
    assert rhythm.spacing_of(7200.0, hourly, NOW) == pytest.approx(7200 - 0.3 * 3600)
    assert rhythm.spacing_of(None, hourly, NOW + timedelta(days=30)) > 14 * 86_400
    assert rhythm.spacing_of(99.0, hourly[:1], NOW) == 99.0


def fail(error: CollectError, failures: float, rng: random.Random | None = None) -> tuple[timedelta, float]:
    due, count = rhythm.after_failure(NOW, error, failures, every=None, spacing=7200.0, rng=rng or Middle())
    return due - NOW, count


def test_hard_failures_weigh_more_than_passing_ones() -> None:
    waits = [fail(kind("no", code="x"), 1.0)[0] for kind in (RetryLater, NotFound, Refused)]
    assert waits == sorted(waits)
    assert len(set(waits)) == 3


def test_a_server_that_names_a_time_is_obeyed() -> None:
    until = NOW + timedelta(days=3)
    due, _ = fail(Throttled("later", code="http_429", until=until), 0.0)
    assert NOW + due >= until


@given(failures=st.floats(0, 1e6), seed=st.integers())
def test_no_source_is_ever_forgotten(failures: float, seed: int) -> None:
    wait, _ = fail(Refused("no", code="http_403"), failures, random.Random(seed))
    assert timedelta(0) < wait <= rhythm.SLOWEST_WHEN_FAILING * 1.5


def test_sources_that_failed_together_come_back_spread_out() -> None:
    rng = random.Random(1)
    due = sorted(fail(RetryLater("down", code="dns"), 0.0, rng)[0] for _ in range(200))
    assert due[-1] - due[0] > due[0] * 0.8
