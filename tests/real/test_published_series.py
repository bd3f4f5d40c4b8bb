"""Published series with a known outcome, beside what pymannkendall says of them.

Each series becomes the weekly counts of a rate: a monthly figure is spread evenly over its days, a yearly one takes the
place of a week (its "change per year" is then one per 52 values, and the season a wave of that length). One series is
one source, so that `judge_trend` must refuse a verdict; what can be compared is the direction and interval of the fit.
Where the two disagree, the reason is in the docstring of the test.

The first three series come with pymannkendall and are read from `trends/` of the shared data folder; the others come
with statsmodels.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from datetime import date, timedelta
from math import exp, log
from pathlib import Path

import numpy as np
import pymannkendall
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from monitor.core.claim import ALL_POSTS, TrendTest
from monitor.core.finding import SourceWeeks
from monitor.core.trend import TrendFit, fit_trend
from monitor.core.trend_checks import step_ratio
from monitor.core.trend_rules import judge_trend

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or ROOT.parent / "shared" / "data") / "trends"
EXAMPLES = SHARED / "pymannkendall" / "Examples"
needs_examples = pytest.mark.skipif(
    not EXAMPLES.is_dir(),
    reason=f"no series under {SHARED}; set TRENDMONITOR_SHARED to the folder that holds trends/",
)
RISING = TrendTest(numerator=ALL_POSTS, quantity="rate")
FALLING = TrendTest(numerator=ALL_POSTS, quantity="rate", direction="falling")


def example(name: str) -> list[float]:
    with (EXAMPLES / name).open(encoding="utf-8", newline="") as lines:
        return [float(row[1]) for row in list(csv.reader(lines))[1:]]


def weekly(first: date, monthly: Sequence[float]) -> NDArray[np.float64]:
    """Monthly totals spread over the days of their months and summed by sevens; the last part of a week is left out."""
    days: list[float] = []
    start = first
    for total in monthly:
        following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        length = (following - start).days
        days += [total / length] * length
        start = following
    whole = len(days) // 7 * 7
    return np.asarray(np.array(days[:whole]).reshape(-1, 7).sum(axis=1), np.float64)


def panel(values: NDArray[np.float64]) -> SourceWeeks:
    """One row a source; NaN is a week without data."""
    rows = np.atleast_2d(values)
    k = np.nan_to_num(rows).round().astype(np.int64)
    n = np.where(np.isnan(rows), 0, 7)
    return SourceWeeks(tuple(f"s{row}" for row in range(len(rows))), 7 * np.arange(rows.shape[1]), k, n)


def fitted(values: NDArray[np.float64]) -> TrendFit:
    fit = fit_trend(panel(values))
    assert fit is not None
    return fit


def assert_no_verdict(values: NDArray[np.float64]) -> None:
    found = judge_trend(panel(values), RISING)
    assert found.verdict == "insufficient_data"
    assert "1 source with counted posts where 5 are needed" in found.says


@needs_examples
def test_air_passengers_rise_about_an_eighth_a_year() -> None:
    """Monthly airline passengers, 1949 to 1960. Both say rising, so does the seasonal Mann-Kendall test.

    The total grew from 1 520 to 5 714 thousand in eleven years, which is 12.8 % a year; the fit says +12.4 %. Months
    spread over weeks give neighbouring weeks nearly the same value, which shows as the largest autocorrelation the
    method knows, and widens the interval accordingly.
    """
    months = example("AirPassengers.csv")
    values = weekly(date(1949, 1, 1), months) * 100
    fit = fitted(values)
    assert pymannkendall.original_test(months).trend == "increasing"
    assert pymannkendall.seasonal_test(months, period=12).trend == "increasing"
    assert fit.low > 0
    overall = log(sum(months[-12:]) / sum(months[:12])) / 11
    assert fit.low < overall < fit.high
    assert fit.rho == 0.9
    assert_no_verdict(values)


@needs_examples
def test_shampoo_sales_rise() -> None:
    """Monthly sales over three years, which more than double. Both say rising."""
    months = example("shampoo.csv")
    values = weekly(date(2001, 1, 1), months) * 10
    fit = fitted(values)
    assert pymannkendall.original_test(months).trend == "increasing"
    assert fit.low > 0
    assert exp(fit.slope) - 1 == pytest.approx(0.6, abs=0.15)
    assert_no_verdict(values)


@needs_examples
def test_births_of_one_year_show_a_season_not_a_trend() -> None:
    """Daily births in California, 1959: pymannkendall says increasing (p < 0.0001), the fit finds nothing.

    Births peak in September every year, so a year that begins in January rises from its first days to its last months.
    With 52 weeks a season and a trend look nearly alike. The fit leaves the wave to the season: +4 % a year,
    95 % interval -8 to +18. Without a season the fit says +18 % (+7 to +30) and agrees with Mann-Kendall; both would be
    wrong to promise that the next year rises as well.
    """
    days = np.array(example("daily-total-female-births.csv"))
    weeks = days[:364].reshape(52, 7).sum(axis=1)
    fit = fitted(weeks)
    assert pymannkendall.original_test(days).trend == "increasing"
    assert pymannkendall.hamed_rao_modification_test(days).trend == "increasing"
    assert fit.low < 0 < fit.high
    assert np.argmax(fit.season_of_week) in range(34, 44)
    assert_no_verdict(weeks)


def test_carbon_dioxide_rises_surely_and_slowly() -> None:
    """Weekly CO2 at Mauna Loa, 1958 to 2001, 59 weeks missing. Both say rising.

    The index grows by 0.4 % a year. A claim of "rising" would be supported and marked as smaller than 10 % a year:
    being sure of a change and the change being large are two questions, and Mann-Kendall answers only the first.
    """
    weeks = sm.datasets.co2.load_pandas().data["co2"].to_numpy()
    fit = fitted(weeks * 10)
    assert int(np.isnan(weeks).sum()) == 59
    assert pymannkendall.original_test(weeks[~np.isnan(weeks)][::4]).trend == "increasing"
    assert fit.low > 0
    assert fit.slope == pytest.approx(log(371 / 316) / 43.75, abs=0.0006)
    assert fit.high < log(1.1)
    assert np.isnan(fit.index).sum() == 59


def test_the_nile_fell_in_one_step() -> None:
    """Yearly flow at Aswan, 1871 to 1970. Both say falling; the level is known to have dropped at once after 1898.

    Mann-Kendall has no way to tell a step from a slope. The step check finds the break at 1899 and would turn
    "supported" into "inconclusive". (The year of the break: Cobb 1978, Biometrika 65.)
    """
    flow = sm.datasets.nile.load_pandas().data["volume"].to_numpy()
    fit = fitted(flow)
    assert pymannkendall.original_test(flow).trend == "decreasing"
    assert fit.high < 0
    ratio, at = step_ratio(fit)
    assert 1871 + at == 1899
    # Nine rivers that carry the same flow, each with noise of its own: enough sources for a verdict.
    rng = np.random.default_rng(1)
    found = judge_trend(panel(rng.poisson(flow, (9, len(flow))).astype(np.float64)), FALLING)
    assert ratio > 1.3
    assert found.verdict == "inconclusive"
    assert "one single step describes it better" in found.says
    assert_no_verdict(flow)


def test_sunspots_come_in_cycles_not_in_a_trend() -> None:
    """Yearly sunspots, 1700 to 2008: pymannkendall says increasing (p = 0.0015), the fit finds nothing.

    Neighbouring years resemble each other, since the cycle lasts eleven years. Mann-Kendall counts each of 309 years
    as new information. The variant of Hamed and Rao should correct for that, but adds negative autocorrelations at
    half a cycle and ends with an even smaller p-value. The fit finds an autocorrelation of 0.84, which leaves about
    27 years' worth of information.
    """
    spots = sm.datasets.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy()
    fit = fitted(spots * 10)
    plain = pymannkendall.original_test(spots)
    corrected = pymannkendall.hamed_rao_modification_test(spots)
    assert plain.trend == corrected.trend == "increasing"
    assert corrected.p < plain.p
    assert fit.low < 0 < fit.high
    assert fit.rho > 0.8
    assert_no_verdict(spots * 10)


def test_sea_temperature_a_panel_with_shocks_in_common() -> None:
    """Sea temperature off Peru, twelve calendar months as sources, 60 years: a panel with real common shocks.

    El Niño years lift all months together, so that twelve months are not twelve opinions: nearly all of the variance
    is between weeks, and a standard error that only looks at sources would be seven times smaller. pymannkendall, given
    the mean over months, says increasing (p = 0.02); the fit says +2.5 % per 52 years, 95 % interval -1.2 to +6.3. The
    reason is the season: sixty values hold little more than one wave of 52, and a wave and a slope share what they
    explain. Without the season the fit says +3.4 % (+0.4 to +6.6) and agrees with Mann-Kendall. A rise of 10 % is
    excluded either way, which contradicts a claim of rising that names 10 % as the least that matters.
    """
    months = sm.datasets.elnino.load_pandas().data.iloc[:60, 1:].to_numpy().T
    fit = fitted(months * 100)
    assert pymannkendall.original_test(months.mean(axis=0)).trend == "increasing"
    assert fit.low < 0 < fit.slope
    assert fit.v_week > 10 * fit.v_source
    found = judge_trend(panel(months * 100), RISING)
    assert found.verdict == "contradicted"
    assert "A rise of 10 % a year or more is excluded" in found.says


def test_fertility_fell_in_the_average_country() -> None:
    """Births per woman in 192 countries, 1960 to 2011: falling, by any account.

    The fit says -52 % over 52 years in the average country, as the plain mean of the countries' logarithms does. The
    countries differ widely (a spread of about 0.4), which the interval takes into account. Yearly values that move
    this smoothly reach the largest autocorrelation the method knows.
    """
    data = sm.datasets.fertility.load_pandas().data
    rates = data[[str(year) for year in range(1960, 2012)]].to_numpy(float)
    rates = rates[~np.isnan(rates).any(axis=1)]
    found = judge_trend(panel(rates * 100), FALLING)
    assert pymannkendall.original_test(rates.mean(axis=0)).trend == "decreasing"
    assert found.verdict == "supported"
    assert found.n_sources == len(rates) == 192
    fit = fitted(rates * 100)
    halves = np.log(rates[:, 26:].mean(axis=1) / rates[:, :26].mean(axis=1)).mean() * 52.18 / 26
    assert fit.low < halves < fit.high
    assert 0.3 < fit.tau_hat < 0.5
    assert judge_trend(panel(rates * 100), RISING).verdict == "contradicted"


def test_investment_of_eleven_firms_is_too_short() -> None:
    """Grunfeld's firms, 1935 to 1954: rising by any account, but twenty points carry no verdict under our rules."""
    data = sm.datasets.grunfeld.load_pandas().data
    invest = data.pivot_table(index="firm", columns="year", values="invest").to_numpy(float)
    assert pymannkendall.original_test(invest.mean(axis=0)).trend == "increasing"
    found = judge_trend(panel(invest * 10), RISING)
    assert found.verdict == "insufficient_data"
    assert "20 weeks where 52 are needed" in found.says
    assert found.effect is None
