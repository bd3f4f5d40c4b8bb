"""Windows and panels: decided by coverage alone, and never across a change of what was collected or how it is tagged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.model import Interval
from monitor.core.observed import Coverage
from monitor.core.panel import Absence, Regimes, Window, choose_window, watch_weeks

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
NOW = MONDAY + timedelta(weeks=130)
NO_CHANGE = Regimes()


def weeks(first: float, last: float) -> Interval:
    """From `first` to `last`, in weeks after the first Monday."""
    return Interval(MONDAY + timedelta(weeks=first), MONDAY + timedelta(weeks=last))


def chosen(
    *sources: list[Interval], longest: int = 104, regimes: Regimes = NO_CHANGE, now: datetime = NOW
) -> Window | None:
    names = [f"s{at}" for at in range(len(sources))]
    coverage = Coverage(sources, [False] * len(sources), now)
    watched = watch_weeks(coverage, names, now, regimes)
    if watched is None:
        return None
    assert (watched.weeks.starts[0] + 3) % 7 == 0
    return choose_window(watched, np.ones(len(sources), np.bool_), longest)


def found(*sources: list[Interval], **options: object) -> Window:
    window = chosen(*sources, **options)  # type: ignore[arg-type]  # passed on as they are
    assert window is not None
    return window


def test_the_window_ends_with_the_last_complete_week_and_is_as_long_as_asked() -> None:
    window = found(*[[weeks(0, 130)]] * 8)
    assert len(window) == 104
    assert window.last == 130
    assert window.members.all()


def test_an_unfinished_week_does_not_count() -> None:
    assert found(*[[weeks(0, 130)]] * 8, now=MONDAY + timedelta(weeks=99.9)).last == 99


def test_an_archive_of_the_past_is_tested_where_it_ends() -> None:
    window = found(*[[weeks(2, 80)]] * 8)
    assert (window.last, len(window)) == (78, 78)  # counted from the first observed week


def test_a_small_new_group_does_not_outvote_a_large_past_but_a_quarter_of_it_does() -> None:
    past = [[weeks(0, 60)]] * 40
    assert found(*past, *[[weeks(70, 130)]] * 9).last == 60
    assert found(*past, *[[weeks(70, 130)]] * 10).last == 130


def test_the_window_grows_while_half_of_the_sources_stay() -> None:
    assert len(found(*[[weeks(0, 130)]] * 6, *[[weeks(76, 130)]] * 6)) == 104
    short = found(*[[weeks(0, 130)]] * 5, *[[weeks(76, 130)]] * 6)
    assert 54 <= len(short) < 104
    assert short.members.sum() >= 6


def test_a_source_may_miss_a_fifth_of_the_weeks() -> None:
    steady = [[weeks(0, 104)]] * 8
    now = MONDAY + timedelta(weeks=104)
    assert found(*steady, [weeks(0, 50), weeks(70, 104)], now=now).members[-1]
    window = found(*steady, [weeks(0, 50), weeks(71.6, 104)], now=now)
    assert not window.members[-1]
    assert window.absences[-1] == Absence.GAPS


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ([], Absence.NEVER_OBSERVED),
        ([weeks(0, 20)], Absence.NOT_IN_WINDOW),
        ([weeks(80, 130)], Absence.STARTED_LATER),
        ([weeks(0, 80)], Absence.ENDED_EARLIER),
        ([weeks(0, 60), weeks(100, 130)], Absence.GAPS),
    ],
)
def test_an_absence_has_a_reason(own: list[Interval], why: Absence) -> None:
    window = found(*[[weeks(0, 130)]] * 8, own)
    assert window.absences.tolist() == [Absence.NONE] * 8 + [why]


def test_weeks_before_a_source_changed_are_cut() -> None:
    changed = int((MONDAY + timedelta(weeks=100)).timestamp() // 86_400)
    window = found(*[[weeks(0, 130)]] * 8, regimes=Regimes(sources={"s3": changed}))
    assert window.absences[3] == Absence.CHANGED
    assert window.members.sum() == 7


def test_nothing_is_compared_across_a_change_of_tagging() -> None:
    changed = int((MONDAY + timedelta(weeks=69.5)).timestamp() // 86_400)
    window = found(*[[weeks(0, 130)]] * 8, regimes=Regimes(tagging=changed))
    assert (window.first, window.last) == (70, 130)
    assert window.members.all()
    late = int((MONDAY + timedelta(weeks=100)).timestamp() // 86_400)
    assert len(found(*[[weeks(0, 130)]] * 8, regimes=Regimes(tagging=late))) == 30


def test_too_short_a_past_is_returned_as_it_is() -> None:
    assert len(found(*[[weeks(0, 20)]] * 8)) == 20
    assert len(found(*[[weeks(0, 130)]] * 3)) == 104
    assert chosen([]) is None
    assert chosen([weeks(0.2, 0.4)], now=MONDAY + timedelta(days=3)) is None


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 60)), max_size=3), min_size=1, max_size=12),
    longest=st.sampled_from([52, 78, 104]),
)
def test_members_were_observed_and_windows_lie_within_what_was(
    spans: list[list[tuple[int, int]]], longest: int
) -> None:
    sources = []
    for pairs in spans:
        edges: list[Interval] = []
        until = 0
        for start, length in sorted(pairs):
            if start > until:
                edges.append(weeks(start, start + length))
                until = start + length
        sources.append(edges)
    window = chosen(*sources, longest=longest)
    if window is None:
        assert not any(sources)
        return
    coverage = Coverage(sources, [False] * len(sources), NOW)
    watched = watch_weeks(coverage, [f"s{at}" for at in range(len(sources))], NOW, NO_CHANGE)
    assert watched is not None
    inside = watched.observed[:, window.first : window.last]
    assert 0 <= window.first < window.last <= watched.observed.shape[1]
    assert len(window) <= longest
    assert (inside.sum(axis=1)[window.members] >= 0.8 * len(window)).all()
    assert ((window.absences == Absence.NONE) == window.members).all()
