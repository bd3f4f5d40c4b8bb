import numpy as np
import pytest

from monitor.core.signals import WatchSeries
from monitor.core.signals.ears import c1, c2, c3, ewma

WEEK = [10, 12, 9, 11, 13, 8, 14]
MEAN, SD = 11.0, 2.1602469


def series(counts: list[int], exposure: list[float] | None = None) -> WatchSeries:
    values = np.array(counts, np.int64)
    seen = np.ones(len(values)) if exposure is None else np.array(exposure, float)
    return WatchSeries("topic=x", "day", np.arange(20_000, 20_000 + len(values)), values, values, seen)


def test_c1_is_the_distance_from_the_mean_of_the_seven_days_before_in_their_sd() -> None:
    found = c1(series([*WEEK, 20]), floor=False)
    assert np.isnan(found[:7]).all()
    assert found[7] == pytest.approx((20 - MEAN) / SD)


def test_sd_is_at_least_that_of_chance() -> None:
    assert c1(series([*WEEK, 20]))[7] == pytest.approx((20 - MEAN) / np.sqrt(MEAN))
    assert c1(series([0] * 7 + [1]))[7] == pytest.approx(1 / 0.2)


def test_c2_leaves_two_days_out_so_that_a_slow_rise_does_not_hide_itself() -> None:
    found = c2(series([*WEEK, 25, 30, 40]))
    assert np.isnan(found[8])
    assert found[9] == pytest.approx((40 - MEAN) / np.sqrt(MEAN))
    assert c1(series([*WEEK, 25, 30, 40]))[9] < found[9]


def test_c3_adds_what_the_last_three_days_had_beyond_one_sd() -> None:
    given = series([*WEEK, *WEEK, 16, 18, 20])
    each = c2(given)
    assert c3(given)[-1] == pytest.approx(np.maximum(each[-3:] - 1, 0).sum())


def test_ewma_smooths_and_looks_past_its_guard_band() -> None:
    steady = [10, 14] * 14
    found = ewma(series([*steady, 12, 12, 30]))
    mean, sd = 12.0, np.sqrt(12)
    assert np.isnan(found[:30]).all()
    assert found[30] == pytest.approx((0.4 * 30 + 0.6 * mean - mean) / (sd * np.sqrt(0.4 / 1.6)))


@pytest.mark.parametrize("statistic", [c1, c2, c3, ewma])
def test_gaps_are_skipped_and_never_zeros(statistic) -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(12, 60).tolist()
    whole = statistic(series(counts))
    holes = [*counts[:40], 0, 999, 0, *counts[40:]]
    found = statistic(series(holes, [1.0] * 40 + [0.0, 0.2, 0.0] + [1.0] * 20))
    assert np.isnan(found[40:43]).all()
    assert found[:40] == pytest.approx(whole[:40], nan_ok=True)
    assert np.nanmax(np.abs(found)) < 2 * np.nanmax(np.abs(whole))


@pytest.mark.parametrize("statistic", [c1, c2, ewma])
def test_a_day_half_observed_counts_double(statistic) -> None:
    counts = [10, 14] * 20
    half = [*counts[:-1], counts[-1] // 2]
    found = statistic(series(half, [1.0] * 39 + [0.5]))
    assert found[-1] == pytest.approx(statistic(series(counts))[-1])


def test_after_a_long_gap_there_is_no_baseline() -> None:
    found = c1(series([*WEEK, *[0] * 30, 50], [1.0] * 7 + [0.0] * 30 + [1.0]))
    assert np.isnan(found[-1])
