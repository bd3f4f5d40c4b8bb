"""Headline figures: what the other period is, when a change is told, and that chance alone is seldom taken for one."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from monitor.core.digest_input import Sample, Series
from monitor.core.digest_periods import Period
from monitor.core.digest_shift import Spread
from monitor.core.overview import base_of, figures, of_two, ratio

WEEK = Period(date(2026, 11, 9), date(2026, 11, 16))


def made(posts: np.ndarray, part: np.ndarray | None = None) -> tuple[Sample, Sample]:
    """The pair and the nine periods of arrays (sources, periods); all observed, all posts of middling sentiment."""
    whole = np.ones(posts.shape, np.bool_)

    def sample(columns: slice) -> Sample:
        def series(dimension: str, key: str, counts: np.ndarray) -> Series:
            return Series(dimension, key, key, counts[:, columns], counts[:, columns], counts[:, columns] * 1_000)

        parts = () if part is None else (series("content_type", "video", part),)
        return Sample(tuple(map(str, range(len(posts)))), whole[:, columns], series("", "", posts), parts)

    return sample(slice(0, 2)), sample(slice(0, None))


def test_the_other_period_is_as_long_and_starts_on_a_monday_too() -> None:
    assert base_of(WEEK, "previous") == Period(date(2026, 11, 2), date(2026, 11, 9))
    assert base_of(WEEK, "year") == Period(date(2025, 11, 10), date(2025, 11, 17))
    assert base_of(WEEK, "none") is None
    quarter = Period(date(2026, 8, 24), date(2026, 11, 16))
    assert base_of(quarter, "previous") == Period(date(2026, 6, 1), date(2026, 8, 24))


def test_two_single_periods_differ_more_than_one_from_an_average() -> None:
    assert of_two(Spread(9 / 8, 7)) == Spread(2.0, 7)


def test_changes_need_sources_and_something_to_start_from() -> None:
    posts = np.full((8, 9), 50)
    part = np.zeros((8, 9), np.int64)
    part[:, 0] = 10
    told = figures(*made(posts, part), 7, "previous", observed=True)
    volume, mood, share = told.headlines
    assert (volume.gap, mood.gap, share.gap) == ("", "", "new")
    assert (share.value, share.n, share.of) == (0.2, 80, 400)
    few = figures(*made(posts[:4], part[:4]), 7, "previous", observed=True)
    assert {one.gap for one in few.headlines} == {"few_sources"}
    unasked = figures(*made(posts, part), 7, "none", observed=True)
    assert {one.gap for one in unasked.headlines} == {"not_asked"}
    assert unasked.compared == 0
    blind = figures(*made(posts, part), 7, "previous", observed=False)
    assert {one.value for one in blind.headlines} == {None}
    assert {one.shift for one in blind.headlines} == {None}


def test_a_short_past_says_that_it_does_not_know_how_weeks_differ() -> None:
    posts = np.random.default_rng(3).poisson(40, (8, 9))
    assert figures(*made(posts), 7, "previous", observed=True).headlines[0].settled
    pair, earlier = made(posts[:, :4])
    assert not figures(pair, earlier, 7, "previous", observed=True).headlines[0].settled


@pytest.mark.parametrize("kind", ["count", "share"])
def test_weeks_that_differ_by_themselves_are_seldom_taken_for_a_change(kind: str) -> None:
    """All sources share each week's luck, which the spread between sources cannot see."""
    rng = np.random.default_rng(11)
    wrong = 0
    for _ in range(400):
        luck = np.exp(rng.normal(0, 0.15, 9))
        size = rng.gamma(4, 10, 20)[:, None]
        everything = rng.poisson(size * (luck if kind == "count" else np.ones(9)))
        chance = np.clip(0.2 * (luck if kind == "share" else np.ones(9)), 0, 1)
        part = rng.binomial(everything, np.broadcast_to(chance, everything.shape))
        told = figures(*made(everything, part), 7, "previous", observed=True).headlines
        shift = (told[0] if kind == "count" else told[2]).shift
        assert shift is not None
        wrong += not shift.low <= 0 <= shift.high
    assert wrong / 400 <= 0.075


def test_ratios_can_be_printed() -> None:
    assert ratio(0.0) == 1.0
    assert ratio(1e9) < 1e9
    assert ratio(float("-inf")) > 0
