"""What is said to rise and fall: known changes are found with an honest interval, noise and gaps are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from monitor.core.digest_input import Sample, Series
from monitor.core.digest_movers import adjust, find_movers
from monitor.core.digest_shift import Spread, level, moderated, share_shift, volume_shift

PERIODS = 9
Ints = NDArray[np.int64]


def part(posts: Ints, key: str = "k", mood: Ints | None = None) -> Series:
    scores = np.zeros_like(posts) if mood is None else mood
    return Series("topic" if key else "", key, key, posts, posts, scores)


def world(
    seed: int,
    *,
    sources: int = 60,
    keys: int = 12,
    factor: float = 1.0,
    shock: float = 0.1,
    lost: float = 0.05,
) -> Sample:
    """Sources of very different size and taste; weeks that differ for all of them; key k0 moves by `factor` now."""
    rng = np.random.default_rng(seed)
    rate = 12 * np.exp(rng.normal(0, 0.8, sources))
    comparable = rng.random((sources, PERIODS)) >= lost
    total = rng.poisson(rate[:, None] * np.exp(rng.normal(0, 0.2, (sources, PERIODS))))
    parts = []
    for at in range(keys):
        taste = 0.1 * np.exp(rng.normal(0, 0.6, sources))
        week = np.exp(rng.normal(0, shock, PERIODS))
        chance = np.clip(taste[:, None] * week[None, :] * np.exp(rng.normal(0, 0.2, (sources, PERIODS))), 0, 0.9)
        if at == 0:
            chance[:, 0] = np.clip(chance[:, 0] * factor, 0, 0.95)
        posts = rng.binomial(total, chance)
        mood = np.rint(rng.normal(0.1, 0.4, posts.shape) * np.sqrt(posts) * 10_000).astype(np.int64)
        parts.append(part(posts, f"k{at}", mood))
    return Sample(tuple(f"s{at}" for at in range(sources)), comparable, part(total, ""), tuple(parts))


def test_noise_seldom_stands_out() -> None:
    """Expected at most one digest in twenty, allowing for chance in 80; sources and weeks differ all the time."""
    for shock in (0.0, 0.3):
        wrong = sum(bool(find_movers(world(seed, shock=shock)).found) for seed in range(80))
        assert wrong <= stats.binom.ppf(0.995, 80, 0.05), shock


def test_a_clear_rise_is_found_with_its_interval() -> None:
    found = [find_movers(world(seed, factor=2.2, shock=0.05)).found for seed in range(10)]
    hits = [next((one for one in each if one.series.key == "k0" and one.kind == "share"), None) for each in found]
    assert sum(hit is not None for hit in hits) >= 9
    for hit in hits:
        if hit is not None:
            assert 0 < hit.shift.low < hit.shift.difference < hit.shift.high
            assert hit.shift.now == pytest.approx(hit.shift.before + hit.shift.difference)
            assert hit.q <= 0.05


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Without any change the interval of each share holds 0 in at least 93 of 100 (the wider of two is cautious)."""
    inside = total = 0
    for seed in range(40):
        sample = world(seed, keys=6)
        for one in sample.parts:
            shift = share_shift(one.posts, sample.everything.posts, sample.comparable)
            assert shift is not None
            inside += shift.low <= 0 <= shift.high
            total += 1
    assert inside / total >= 0.93


def test_a_week_like_any_other_bad_week_does_not_stand_out() -> None:
    """All sources agree that this week is high, but weeks before were as high now and then."""
    sources = 50
    rng = np.random.default_rng(3)
    weeks = np.array([0.30, 0.10, 0.31, 0.12, 0.28, 0.11, 0.29, 0.10, 0.12])
    total = np.full((sources, PERIODS), 60)
    posts = rng.binomial(total, weeks[None, :])
    sample = Sample(
        tuple(map(str, range(sources))), np.ones((sources, PERIODS), np.bool_), part(total, ""), (part(posts),)
    )
    assert find_movers(sample).found == ()
    calm = posts.copy()
    calm[:, 1:] = rng.binomial(60, 0.11, (sources, PERIODS - 1))
    changed = Sample(sample.sources, sample.comparable, sample.everything, (part(calm),))
    assert [one.kind for one in find_movers(changed).found] == ["share"]


def test_one_giant_source_cannot_make_a_mover() -> None:
    rng = np.random.default_rng(5)
    total = np.full((30, PERIODS), 10)
    total[0] = 3000
    posts = rng.binomial(total, 0.1)
    posts[0, 0] = 1500
    sample = Sample(tuple(map(str, range(30))), np.ones((30, PERIODS), np.bool_), part(total, ""), (part(posts),))
    assert find_movers(sample).found == ()


def test_what_was_not_observed_is_never_a_zero() -> None:
    """Half of the sources were blind in the last four weeks; their missing posts must not look like a change."""
    sample = world(7, keys=4, lost=0.0, shock=0.0)
    comparable = sample.comparable.copy()
    comparable[::2, 1:5] = False
    hidden = tuple(
        Series(one.dimension, one.key, one.label, *(np.where(comparable, sums, 0) for sums in (one.posts, one.sentiment_n, one.sentiment_sum)))
        for one in (sample.everything, *sample.parts)
    )  # fmt: skip
    seen = volume_shift(hidden[0].posts, [7] * PERIODS, comparable)
    full = volume_shift(sample.everything.posts, [7] * PERIODS, sample.comparable)
    assert seen is not None
    assert full is not None
    assert seen.difference == pytest.approx(full.difference, abs=0.1)
    for one, other in zip(hidden[1:], sample.parts, strict=True):
        a = share_shift(one.posts, hidden[0].posts, comparable)
        b = share_shift(other.posts, sample.everything.posts, sample.comparable)
        assert a is not None
        assert b is not None
        assert a.difference == pytest.approx(b.difference, abs=0.02)


def test_a_source_that_was_seldom_seen_weighs_alike_before_and_now() -> None:
    """Ten sources without the key and ten with it only; the latter were seen in two of eight weeks. Nothing changed."""
    total = np.full((20, PERIODS), 10)
    posts = np.zeros_like(total)
    posts[10:] = 10
    comparable = np.ones((20, PERIODS), np.bool_)
    comparable[10:, 3:] = False
    shift = share_shift(posts, total, comparable)
    assert shift is not None
    assert shift.difference == pytest.approx(0)
    assert (shift.now, shift.before) == (0.5, 0.5)


def test_counts_are_compared_by_the_day() -> None:
    """February has fewer days than January, not fewer posts a day."""
    days = [28, *[31] * 8]
    posts = np.array([[10 * length for length in days] for _ in range(8)])
    shift = volume_shift(posts, days, np.ones((8, PERIODS), np.bool_))
    assert shift is not None
    assert shift.difference == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("sources", [0, 1, 4])
def test_few_sources_are_not_compared(sources: int) -> None:
    total = np.full((sources, PERIODS), 50)
    sample = Sample(
        tuple(map(str, range(sources))), np.ones((sources, PERIODS), np.bool_), part(total, ""), (part(total // 2),)
    )
    movers = find_movers(sample)
    assert (movers.looked_at, movers.found) == (0, ())
    assert share_shift(total // 2, total, sample.comparable) is None
    assert volume_shift(total, [7] * PERIODS, sample.comparable) is None


def test_nothing_is_compared_without_earlier_weeks_or_without_this_one() -> None:
    total = np.full((20, PERIODS), 50)
    for column in (slice(0, 1), slice(1, None)):
        comparable = np.ones((20, PERIODS), np.bool_)
        comparable[:, column] = False
        assert share_shift(total // 2, total, comparable) is None


def test_adjusted_p_values_are_those_of_benjamini_and_hochberg() -> None:
    assert adjust([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 4 * 0.04 / 3, 4 * 0.04 / 3, 0.5])
    assert adjust([]) == []


def test_variances_that_agree_are_taken_together_and_others_left_alone() -> None:
    rng = np.random.default_rng(4)
    alike = [Spread(float(rng.chisquare(7) / 7), 7.0) for _ in range(40)]
    drawn = [one for one in moderated(alike) if one is not None]
    assert np.std([one.variance for one in drawn]) < 0.4 * np.std([one.variance for one in alike])
    assert np.mean([one.variance for one in drawn]) == pytest.approx(1, abs=0.15)
    assert all(one.df > 20 for one in drawn)
    apart = [Spread(float(rng.chisquare(7) / 7 * np.exp(rng.normal(0, 3))), 7.0) for _ in range(40)]
    left = [one for one in moderated(apart) if one is not None]
    assert all(one.df < 9 for one in left)
    assert np.median([abs(one.variance / other.variance - 1) for one, other in zip(left, apart, strict=True)]) < 0.2
    few = [Spread(1.0, 7.0), None]
    assert moderated(few) == few


def test_a_level_has_the_interval_between_sources() -> None:
    num, den = np.array([1, 2, 3, 2, 1, 4]), np.array([10, 10, 10, 10, 10, 10])
    found = level(num, den, (0.0, 1.0))
    assert found is not None
    assert found.value == pytest.approx(13 / 60)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low < found.value < found.high <= 1
    few = level(num[:3], den[:3], (0.0, 1.0))
    assert few is not None
    assert (few.low, few.high) == (None, None)
    assert level(num, den * 0, (0.0, 1.0)) is None


def test_all_alike_is_no_certainty() -> None:
    total = np.full((20, PERIODS), 50)
    posts = np.full((20, PERIODS), 10)
    posts[:, 0] = 20
    shift = share_shift(posts, total, np.ones((20, PERIODS), np.bool_))
    assert shift is not None
    assert shift.p == 1.0
    assert math.isfinite(shift.low)
