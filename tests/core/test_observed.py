"""Coverage stories: what each makes of buckets, and who belongs to a fixed panel."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.buckets import SECONDS_PER_DAY, day_number, make_buckets
from monitor.core.model import Interval
from monitor.core.observed import Coverage, Exclusion, panel, scope, unfinished

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
NOW = datetime(2026, 2, 4, 12, tzinfo=UTC)  # a Wednesday
WEEKS = make_buckets(day_number(MONDAY), day_number(NOW) + 1, "week")  # five; the last is not over


def day(number: float) -> datetime:
    """Days after the first Monday."""
    return MONDAY + timedelta(days=number)


def watched(*coverage: list[tuple[float, float]], collected: bool | list[bool] = True) -> Coverage:
    flags = [collected] * len(coverage) if isinstance(collected, bool) else collected
    return Coverage([[Interval(day(a), day(b)) for a, b in intervals] for intervals in coverage], flags, NOW)


def told(coverage: Coverage) -> list[str]:
    """One letter a week: '.' observed and complete, 'p' partial, 'x' not observed."""
    found = scope(coverage.watch(WEEKS), np.ones(len(coverage), np.bool_), unfinished(WEEKS, NOW))
    return [
        "x" if not seen else "p" if partial else "."
        for seen, partial in zip(found.observed, found.partial, strict=True)
    ]


@pytest.mark.parametrize(
    ("story", "coverage", "weeks"),
    [
        ("observed throughout; the current week is not over", watched([(-10, 30.5)]), "....p"),
        ("an outage that the feed remembers leaves no hole", watched([(-10, 20), (20, 30.5)]), "....p"),
        ("an outage of two days that it does not", watched([(-10, 8), (10, 30.5)]), ".p..p"),
        ("an outage of a whole week", watched([(-10, 7), (14, 30.5)]), ".x..p"),
        ("overflow between polls: eight hours are 4.8 % of a week", watched([(-10, 8), (8 + 8 / 24, 30.5)]), "....p"),
        ("nine hours are 5.4 %", watched([(-10, 8), (8 + 9 / 24, 30.5)]), ".p..p"),
        ("first fetch inside the second week", watched([(9, 30.5)]), "xp..p"),
        ("first fetch at the very start of a week", watched([(7, 30.5)]), "x...p"),
        ("a second source joins inside the third week", watched([(-10, 30.5)], [(16, 30.5)]), "..p.p"),
        ("one of two has a gap", watched([(-10, 30.5)], [(-10, 7), (14, 30.5)]), ".p..p"),
        ("an archive with declared coverage ends and stays out", watched([(0, 21)], [(-9, 30.5)], collected=[False, True]), "....p"),
        ("a retired source that ends inside the third week", watched([(-9, 16)], [(-9, 30.5)], collected=[False, True]), "..p.p"),
        ("a failing source is still expected", watched([(-9, 16)], [(-9, 30.5)]), "..ppp"),
        ("a failing source alone", watched([(-9, 16)]), "..pxx"),
        ("never observed", watched([]), "xxxxx"),
        ("coverage declared into the future stops now", watched([(0, 400)]), "....p"),
    ],
)  # fmt: skip
def test_stories(story: str, coverage: Coverage, weeks: str) -> None:
    assert "".join(told(coverage)) == weeks, story


def test_who_is_expected() -> None:
    coverage = watched([(-9, 30.5)], [(9, 30.5)], [(-9, 16)], [(-9, 16)], [], collected=[True, True, False, True, True])
    watch = coverage.watch(WEEKS)
    assert watch.expected.astype(int).tolist() == [[1] * 5, [0, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1] * 5, [0] * 5]


def test_a_bucket_that_the_window_cuts_is_partial() -> None:
    buckets = make_buckets(day_number(MONDAY) + 2, day_number(MONDAY) + 14, "week")
    assert unfinished(buckets, NOW).tolist() == [True, False]


@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 200)), max_size=12),
    st.integers(0, 40), st.integers(1, 30),
)  # fmt: skip
def test_observed_seconds_equal_a_count_of_hours(holes: list[tuple[int, int]], since: int, length: int) -> None:
    """Disjoint intervals in hours, against a timeline with one cell an hour."""
    timeline, intervals, at = np.zeros(24 * 80, np.int64), [], 0
    for skip, hours in holes:
        start = at + skip % 50
        at = start + hours
        intervals.append(Interval(day(start / 24), day(at / 24)))
        timeline[start:at] = 1
    now = day(79)
    coverage = Coverage([list(reversed(intervals))], [True], now)
    first = day_number(MONDAY)
    buckets = make_buckets(first + since, first + since + length, "day")
    timeline[79 * 24 :] = 0
    expected = [timeline[d * 24 : (d + 1) * 24].sum() * 3600 for d in range(since, since + length)]
    assert np.abs(coverage.watch(buckets).seconds[0] - expected).max() <= 1


def test_observed_share_counts_only_expected_time() -> None:
    coverage = watched([(0, 10)], [(5, 10)], [(0, 5)], [], collected=[True, True, False, True])
    since, until = (day_number(MONDAY) + at for at in (0, 10))
    everyone = np.ones(4, np.bool_)
    assert coverage.observed_share(everyone, since * SECONDS_PER_DAY, until * SECONDS_PER_DAY) == 1.0
    assert coverage.observed_share(everyone, since * SECONDS_PER_DAY, (until + 10) * SECONDS_PER_DAY) == pytest.approx(
        20 / 40
    )
    assert coverage.observed_share(everyone, 0, since * SECONDS_PER_DAY) is None


def test_the_cut_off_is_the_latest_coverage() -> None:
    coverage = watched([(0, 10)], [(0, 12)], [])
    assert coverage.until(np.array([True, False, True])) == day(10).timestamp()
    assert coverage.until(np.array([False, False, True])) is None


def test_the_fixed_panel_and_why_others_are_out() -> None:
    coverage = watched(
        [(-10, 30.5)], [(-10, 8), (8.3, 30.5)], [(9, 30.5)], [(-9, 16)], [(-9, 16)], [], [(-10, 7), (14, 30.5)], [(-10, 28)],
        collected=[True, True, True, False, True, True, True, True],
    )  # fmt: skip
    found = panel(coverage, coverage.watch(WEEKS), WEEKS, np.ones(8, np.bool_), NOW)
    assert [Exclusion(code).name for code in found] == [
        "NONE",
        "NONE",
        "STARTED_LATER",
        "ENDED_EARLIER",
        "GAPS",
        "NEVER_OBSERVED",
        "GAPS",
        "NONE",  # it lacks only the week that is not over
    ]


def test_a_window_without_a_complete_bucket_takes_who_was_observed_at_all() -> None:
    buckets = make_buckets(day_number(NOW), day_number(NOW) + 1, "week")
    coverage = watched([(-10, 30.5)], [(-10, 20)], [(30.2, 30.4)])
    found = panel(coverage, coverage.watch(buckets), buckets, np.ones(3, np.bool_), NOW)
    assert found.tolist() == [Exclusion.NONE, Exclusion.GAPS, Exclusion.NONE]
