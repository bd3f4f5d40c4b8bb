import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.core.signals.tails import at_least, at_most, interval, widened

COUNTS = np.array([0.0, 1.0, 2.0, 5.0, 11.0, 40.0])
means = st.floats(0.05, 500)
ratios = st.floats(0.05, 20)


def full(value: float) -> np.ndarray:
    return np.full(len(COUNTS), value)


def test_tails_are_those_of_a_poisson_count_where_variance_is_the_mean() -> None:
    assert at_least(COUNTS, full(4.0), full(4.0)) == pytest.approx(stats.poisson.sf(COUNTS - 1, 4.0))
    assert at_most(COUNTS, full(4.0), full(4.0)) == pytest.approx(stats.poisson.cdf(COUNTS, 4.0))


def test_tails_are_negative_binomial_where_variance_is_larger() -> None:
    law = stats.nbinom(4.0 / 1.5, 1 / 2.5)  # mean 4, variance 10
    assert (law.mean(), law.var()) == pytest.approx((4.0, 10.0))
    assert at_least(COUNTS, full(4.0), full(10.0)) == pytest.approx(law.sf(COUNTS - 1))
    assert at_most(COUNTS, full(4.0), full(10.0)) == pytest.approx(law.cdf(COUNTS))


def test_tails_are_binomial_where_variance_is_smaller() -> None:
    law = stats.binom(20, 0.3)
    assert at_least(COUNTS, full(6.0), full(4.2)) == pytest.approx(law.sf(COUNTS - 1), abs=1e-12)
    assert at_most(COUNTS, full(6.0), full(4.2)) == pytest.approx(law.cdf(COUNTS))


@given(means, ratios, st.integers(0, 800))
def test_the_two_tails_meet_and_more_is_more_surprising(mean: float, ratio: float, count: int) -> None:
    y, m, v = (np.array([float(value)]) for value in (count, mean, mean * ratio))
    up, next_up, down = at_least(y, m, v)[0], at_least(y + 1, m, v)[0], at_most(y, m, v)[0]
    assert 0 <= next_up <= up <= 1
    if ratio > 0.999 or y[0] <= m[0] / (1 - ratio) - 1:  # beyond its number of trials a binomial has no more mass
        assert down + next_up == pytest.approx(1, abs=1e-6)


@given(means, st.integers(1, 60))
def test_nothing_jumps_where_one_law_takes_over_from_another(mean: float, count: int) -> None:
    y = np.array([float(count)])
    around = [at_least(y, np.array([mean]), np.array([mean * ratio]))[0] for ratio in (0.998, 0.9995, 1.0005, 1.002)]
    assert around == pytest.approx([around[0]] * 4, rel=0.05 + 0.02 * abs(count - mean) ** 2 / mean, abs=1e-12)


def test_unknown_stays_unknown() -> None:
    nan, one = np.array([np.nan]), np.array([1.0])
    assert np.isnan(at_least(one, nan, nan))
    assert np.isnan(at_most(one, nan, nan))


def test_few_degrees_of_freedom_make_a_tail_less_surprising() -> None:
    p = np.array([0.5, 0.01, 1e-5])
    assert widened(p, np.full(3, 1e7)) == pytest.approx(p, rel=1e-3)
    assert widened(p, np.full(3, 14.0)) == pytest.approx(stats.t.sf(stats.norm.isf(p), 14))


def test_an_interval_holds_what_it_says_and_nothing_below_zero() -> None:
    low, high = interval(12.0, 30.0)
    law = stats.gamma(12.0**2 / 30, scale=30 / 12)
    assert law.cdf(high) - law.cdf(low) == pytest.approx(0.95)
    assert interval(0.0, 0.0)[0] >= 0
