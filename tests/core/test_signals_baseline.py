import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.signals.baseline import GUARD, Forecast, forecast, window_sums

START = 19_723
"""A Monday."""
DAYS = 700
STARTS = np.arange(START, START + DAYS)
WEEKDAYS = np.array([1.2, 1.2, 1.15, 1.15, 1.1, 0.65, 0.55])[(STARTS + 3) % 7]
ONES = np.ones(DAYS)
SEEN = np.ones(DAYS, np.bool_)


def made(counts: np.ndarray, base: np.ndarray = ONES, seen: np.ndarray = SEEN, first: int = 0) -> np.ndarray:
    return forecast(STARTS[: len(counts)], counts, base[: len(counts)], seen[: len(counts)], "day", first).expected


def draw(mean: np.ndarray, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean)


def test_weekdays_and_level_are_found() -> None:
    expected = made(draw(100 * WEEKDAYS))
    assert np.isnan(expected[:28]).all()
    assert expected[200:] == pytest.approx(100 * WEEKDAYS[200:], rel=0.12)
    assert np.mean(expected[200:] / (100 * WEEKDAYS[200:])) == pytest.approx(1, abs=0.01)


def test_long_view_agrees_with_a_poisson_regression_of_statsmodels() -> None:
    """Without noise in the level, the forecast is the regression's; the ridge and the level leave some per cent."""
    counts = draw(400 * WEEKDAYS * np.exp(0.2 * np.sin(2 * np.pi * STARTS / 365.25)))
    at = 658
    assert (STARTS[at] + 3) % 28 == 0  # a Monday on which four weeks begin
    past = slice(at - GUARD["day"] - 546, at - GUARD["day"])
    angle = 2 * np.pi * STARTS / 365.25
    dummies = [day == (STARTS + 3) % 7 for day in range(6)]
    design = np.column_stack([ONES, STARTS - START, np.sin(angle), np.cos(angle), *dummies]).astype(float)
    fit = sm.GLM(counts[past], design[past], family=sm.families.Poisson()).fit()
    assert made(counts)[at : at + 28] == pytest.approx(fit.predict(design[at : at + 28]), rel=0.05)


def test_a_yearly_wave_is_followed_after_a_year() -> None:
    wave = 200 * np.exp(0.4 * np.sin(2 * np.pi * STARTS / 365.25))
    expected = made(draw(wave))
    assert np.abs(np.log(expected[450:] / wave[450:])).mean() < 0.05


def test_level_follows_a_lasting_step_but_not_at_once() -> None:
    mean = np.where(np.arange(DAYS) < 500, 60.0, 120.0)
    expected = made(draw(mean))
    assert expected[500 : 500 + GUARD["day"]] == pytest.approx(np.full(7, 60.0), rel=0.2)
    assert expected[560:] == pytest.approx(np.full(DAYS - 560, 120.0), rel=0.2)


def test_a_past_outburst_hardly_moves_the_baseline() -> None:
    counts = draw(50 * WEEKDAYS)
    loud = counts.copy()
    loud[600:605] *= 8
    calm, after = made(counts)[612:640], made(loud)[612:640]
    assert after == pytest.approx(calm, rel=0.08)
    plain_mean = loud[590:612].mean() / counts[590:612].mean()
    assert plain_mean > 2  # what a baseline without weights would have made of it


def test_gaps_are_never_read() -> None:
    counts = draw(50 * WEEKDAYS)
    seen = SEEN.copy()
    seen[300:320] = seen[500:503] = False
    other = np.where(seen, counts, 10_000)
    assert made(counts, seen=seen) == pytest.approx(made(other, seen=seen), nan_ok=True)
    assert np.isnan(made(counts, seen=seen)[300:320]).all()
    assert made(counts, seen=seen)[510:] == pytest.approx(50 * WEEKDAYS[510:], rel=0.15)


def test_half_the_exposure_is_half_the_posts_to_expect() -> None:
    exposure = np.where(np.arange(DAYS) >= 600, 0.5, 1.0)
    expected = made(draw(200 * WEEKDAYS * exposure), exposure)
    assert expected[600:660] == pytest.approx(100 * WEEKDAYS[600:660], rel=0.12)


@settings(max_examples=15, deadline=None)
@given(st.integers(80, DAYS - 1), st.integers(0, 10))
def test_a_forecast_knows_nothing_of_the_future_nor_of_its_own_week(cut: int, seed: int) -> None:
    counts = draw(20 * WEEKDAYS, seed)
    other = counts.copy()
    other[cut - GUARD["day"] :] = 500
    whole = made(counts)
    assert made(other)[cut] == pytest.approx(whole[cut], rel=1e-9)
    assert made(counts[: cut + 1])[cut] == pytest.approx(whole[cut], rel=1e-9)
    assert made(counts, first=cut)[cut] == pytest.approx(whole[cut], rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([0, 0, 0, 1, 2, 7, 400, 10**6]), min_size=1, max_size=150),
    st.sampled_from(["day", "week"]),
    st.data(),
)
def test_any_counts_and_any_gaps_give_a_finite_forecast_or_none(counts: list[int], size, data: st.DataObject) -> None:
    length = len(counts)
    exposure = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=length, max_size=length)))
    starts = START + np.arange(length) * (1 if size == "day" else 7)
    found = forecast(starts, np.array(counts), exposure, exposure > 0, size)
    assert np.isnan(found.expected[exposure == 0]).all()
    known = ~np.isnan(found.expected)
    assert (found.expected[known] >= 0).all()
    assert np.isfinite(found.expected[known]).all()
    assert (found.fit_dispersion[known] >= 1).all()


def overdispersed(phi: float, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).negative_binomial(50 / (phi - 1), 1 / phi, DAYS)


def test_dispersion_comes_from_past_forecasts() -> None:
    for counts, phi in ((draw(np.full(DAYS, 50.0)), 1.0), (overdispersed(4.0), 4.0)):
        known = forecast(STARTS, counts, ONES, SEEN, "day")
        sums = window_sums(counts, known.expected, known, "day", 1)
        ratio = sums.variance[400:] / sums.expected[400:]
        assert ratio.mean() == pytest.approx(phi, rel=0.2)
        assert ratio.min() >= 1


def test_windows_add_up_and_leave_gaps_out() -> None:
    counts = np.arange(20)
    expected = np.full(20, 2.0)
    expected[12] = np.nan
    sums = window_sums(counts, expected, Forecast(expected, np.ones(20)), "day", 7)
    assert np.isnan(sums.observed[:4]).all()  # fewer than five of seven
    assert sums.observed[15] == 9 + 10 + 11 + 13 + 14 + 15
    assert sums.expected[15] == pytest.approx(12.0)
    assert np.isnan(sums.observed[12])  # nothing was seen on the day itself
