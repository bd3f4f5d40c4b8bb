import itertools
import math

import numpy as np
import pytest

from monitor.core.breaks import MIN_WEEKS, PENALTY, long_run_variance, volume_breaks


def calm(weeks: int, seed: int, *, level: float = 800.0, memory: float = 0.5, spread: float = 0.15) -> np.ndarray:
    rng = np.random.default_rng(seed)
    swing = np.zeros(weeks + 30)
    for week in range(1, weeks + 30):
        swing[week] = memory * swing[week - 1] + rng.normal(0, spread * math.sqrt(1 - memory**2))
    return rng.poisson(level * np.exp(swing[30:]))


def test_a_halved_volume_is_found_where_it_happens() -> None:
    totals = calm(104, 1)
    totals[60:] //= 2
    (week,) = volume_breaks(totals)
    assert abs(week - 60) <= 2


def test_two_changes_are_found() -> None:
    totals = calm(104, 2, spread=0.05)
    totals[30:70] //= 3
    assert [abs(week - true) <= 1 for week, true in zip(volume_breaks(totals), (30, 70), strict=True)] == [True, True]


def test_calm_volumes_rarely_alarm() -> None:
    alarms = sum(bool(volume_breaks(calm(78, seed))) for seed in range(200))
    assert alarms <= 24


@pytest.mark.parametrize("totals", [[], [5] * 15, [0] * 60, [120] * 60, [10, 5000] * 7])
def test_short_and_constant_volumes_have_no_breaks(totals: list[int]) -> None:
    assert volume_breaks(np.array(totals, np.int64)) == ()


def test_the_segmentation_is_the_best_one() -> None:
    """Against every possible set of at most two changes, with the same cost and penalty."""
    totals = calm(40, 3, spread=0.2)
    totals[18:] *= 2
    signal = np.log(totals + 1.0)
    penalty = PENALTY * long_run_variance(signal) * math.log(40)

    def cost(ends: tuple[int, ...]) -> float:
        pieces = itertools.pairwise((0, *ends, 40))
        return sum(float(((signal[a:b] - signal[a:b].mean()) ** 2).sum()) for a, b in pieces) + penalty * len(ends)

    possible = [
        ends
        for changes in range(3)
        for ends in itertools.combinations(range(MIN_WEEKS, 40 - MIN_WEEKS + 1), changes)
        if all(b - a >= MIN_WEEKS for a, b in itertools.pairwise((0, *ends, 40)))
    ]
    assert volume_breaks(totals) == min(possible, key=cost) == (18,)


def test_long_run_variance_of_an_autoregression() -> None:
    """AR(1) with memory 0.5: long-run variance = variance · (1 + 0.5) / (1 − 0.5), here 0.04 · 3."""
    rng = np.random.default_rng(4)
    series = np.zeros(20_000)
    for at in range(1, len(series)):
        series[at] = 0.5 * series[at - 1] + rng.normal(0, 0.2 * math.sqrt(0.75))
    assert long_run_variance(series) == pytest.approx(0.12, rel=0.1)
    stepped = series.copy()
    stepped[10_000:] += 5
    assert long_run_variance(stepped) == pytest.approx(0.12, rel=0.15)
    assert long_run_variance(np.ones(50)) == 0
