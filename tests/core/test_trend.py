"""The fit against an independent library, against a slow transcription of the formulae, and against symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.discrete.conditional_models import ConditionalPoisson
from statsmodels.stats.meta_analysis import combine_effects

from benchmarks.calibration.worlds import MODERATE, D, simulate
from monitor.core.finding import SourceWeeks
from monitor.core.trend import SEASON_FROM, WEEKS_PER_YEAR, TrendFit, fit_trend


def table(k: NDArray[np.int64], n: NDArray[np.int64]) -> SourceWeeks:
    return SourceWeeks(tuple(f"s{row}" for row in range(len(k))), 7 * np.arange(k.shape[1]), k, n)


def world(seed: int = 1, sources: int = 12, weeks: int = 78, trend: float = 0.2) -> SourceWeeks:
    return simulate(D, sources, weeks, trend, np.random.default_rng(seed)).panel


def fitted(data: SourceWeeks, tau0: float = 0.5) -> TrendFit:
    fit = fit_trend(data, tau0=tau0)
    assert fit is not None
    return fit


def columns(weeks: int) -> NDArray[np.float64]:
    week = np.arange(weeks)
    angle = 2 * np.pi * week / WEEKS_PER_YEAR
    return np.stack([(week - (weeks - 1) / 2) / WEEKS_PER_YEAR, np.sin(angle), np.cos(angle)], axis=1)


@pytest.mark.parametrize(("sources", "weeks", "trend"), [(12, 78, 0.2), (40, 104, -0.1), (6, 60, 0.0)])
def test_without_caps_it_is_the_conditional_poisson_fit_of_statsmodels(sources: int, weeks: int, trend: float) -> None:
    data = world(3, sources, weeks, trend)
    some = data.n > 0
    row, week = np.nonzero(some)
    model = ConditionalPoisson(data.k[some], columns(weeks)[week], groups=row, offset=np.log(data.n[some]))
    # The default method stops at about six digits.
    theirs = model.fit(method="newton", disp=0, tol=1e-12).params
    ours = fitted(data, tau0=0.0)
    assert ours.slope == pytest.approx(theirs[0], abs=1e-7)
    assert ours.season == pytest.approx(theirs[1:], abs=1e-7)


def slow_fit(data: SourceWeeks, tau0: float = 0.5, shock: float = 0.3) -> dict[str, float]:
    """The same method written source by source and week by week, as docs/statistics.md states it."""
    x = columns(data.n.shape[1])
    weeks, parameters = x.shape
    keep = [s for s in range(len(data.n)) if data.k[s].sum() > 0]
    k, n = data.k[keep].astype(float), data.n[keep].astype(float)

    def expected(k: NDArray[np.float64], n: NDArray[np.float64], beta: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = []
        for counts, base in zip(k, n, strict=True):
            grown = base * np.exp(x @ beta)
            rows.append(counts.sum() * grown / grown.sum())
        return np.array(rows)

    def information(mu: NDArray[np.float64]) -> NDArray[np.float64]:
        blocks = []
        for row in mu:
            first = x.T @ row
            blocks.append(x.T @ np.diag(row) @ x - np.outer(first, first) / row.sum())
        return np.array(blocks)

    def solved(k: NDArray[np.float64], n: NDArray[np.float64], caps: NDArray[np.float64]) -> NDArray[np.float64]:
        beta = np.zeros(parameters)
        for _ in range(40):
            mu = expected(k, n, beta)
            score = sum(c * (x.T @ (row - m)) for c, row, m in zip(caps, k, mu, strict=True))
            beta = beta + np.linalg.solve(np.einsum("s,sij->ij", caps, information(mu)), score)
        return beta

    def clear_of_season(blocks: NDArray[np.float64], caps: NDArray[np.float64]) -> NDArray[np.float64]:
        pooled = np.einsum("s,sij->ij", caps, blocks)
        return np.concatenate([[1.0], -np.linalg.solve(pooled[1:, 1:], pooled[1:, 0])])

    ones = np.ones(len(k))
    beta = solved(k, n, ones)
    blocks = information(expected(k, n, beta))
    towards = clear_of_season(blocks, ones)
    caps = 1 / (1 + tau0**2 * np.array([towards @ block @ towards for block in blocks]))
    weekly = caps @ expected(k, n, beta)
    weight = 1 / (1 + shock**2 * weekly)
    weight = weight * weekly.sum() / (weight @ weekly)
    k, n = k * weight, n * weight
    beta = solved(k, n, caps)
    mu = expected(k, n, beta)
    blocks = information(mu)
    towards = clear_of_season(blocks, caps)
    z = x @ towards

    info = np.array([towards @ block @ towards for block in blocks])
    total = float(caps @ info)
    h = caps * info / total
    d = np.array([z @ (row - m) for row, m in zip(k, mu, strict=True)]) / info
    g = len(k)
    hk = float(h @ d**2) / (g - 1)
    cr2 = float(sum(hs**2 * ds**2 / (1 - min(hs, 0.98)) for hs, ds in zip(h, d, strict=True)))
    a, v = h**2 / (1 - h), 1 / (caps * info) - 1 / total
    df_bm = (a @ v) ** 2 / ((a * v) @ (a * v) + (a.sum() ** 2 - a @ a) / total**2)
    v_source, df_source = max(hk, cr2), min(g - 1, max(2, df_bm))

    m = caps @ mu
    r = (caps @ (k - mu)) / m
    exposure = z * m - sum(c * (z @ row) / row.sum() * row for c, row in zip(caps, mu, strict=True))
    q = parameters - 1
    found = sum(np.sqrt(m[w] * m[w + 1]) * r[w] * r[w + 1] for w in range(weeks - 1)) / float(m @ r**2)
    rho = min(max((weeks * found + 2 + q) / (weeks - 4 - q), 0), 0.9)
    effective = max(weeks * (1 - rho) / (1 + rho), q + 4)
    df_week = max(2, effective - q - 2)
    size = float(r**2 @ m) / m.mean() / weeks * effective / (effective - q - 2)
    v_week = (
        size * sum(exposure[i] * exposure[j] * rho ** abs(i - j) for i in range(weeks) for j in range(weeks)) / total**2
    )
    variance = v_source + v_week
    df = variance**2 / (v_source**2 / df_source + v_week**2 / df_week)
    half = stats.t.ppf(0.975, df) * np.sqrt(variance)
    return {
        "slope": beta[0],
        "se": np.sqrt(variance),
        "df": df,
        "low": beta[0] - half,
        "high": beta[0] + half,
        "v_source": v_source,
        "v_week": v_week,
        "rho": rho,
        "g_eff": 1 / (h @ h),
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_figure_equals_the_slow_transcription(seed: int) -> None:
    data = world(seed)
    fit, slow = fitted(data), slow_fit(data)
    for name, value in slow.items():
        assert getattr(fit, name) == pytest.approx(value, rel=1e-6), name


def test_paule_mandel_equals_statsmodels() -> None:
    data = world(5, 20, 104)
    fit = fitted(data, tau0=0.0)
    x, told = columns(104), fit.weights > 0
    mu = data.n[told] * np.exp(x @ np.concatenate([[fit.slope], fit.season]))
    mu *= (data.k[told].sum(axis=1) / mu.sum(axis=1))[:, None]
    pooled = sum((x.T * row) @ x - np.outer(x.T @ row, x.T @ row) / row.sum() for row in mu)
    towards = np.concatenate([[1.0], -np.linalg.solve(pooled[1:, 1:], pooled[1:, 0])])
    # Without caps a source weighs what it knows, so that its information follows from that of all.
    variances = 1 / (fit.weights[told] * float(towards @ pooled @ towards))
    theirs = combine_effects(fit.slopes[told], variances, method_re="iterated")
    assert fit.tau_hat == pytest.approx(np.sqrt(theirs.tau2), rel=1e-4)


def test_a_source_without_counts_a_constant_factor_and_the_order_change_nothing() -> None:
    data = world(4)
    fit = fitted(data)
    order = np.random.default_rng(0).permutation(len(data.k))
    k = np.concatenate([data.k[order], np.zeros((2, data.k.shape[1]), np.int64)])
    n = np.concatenate([data.n[order], np.full((2, data.k.shape[1]), 9)])
    n = n * np.arange(1, len(n) + 1)[:, None]
    other = fitted(table(k, n))
    for name in ("slope", "se", "df", "v_source", "v_week", "g_eff", "rho"):
        assert getattr(other, name) == pytest.approx(getattr(fit, name), rel=1e-6), name
    assert other.weights[:-2] == pytest.approx(fit.weights[order])
    assert not other.weights[-2:].any()
    assert np.isnan(other.slopes[-2:]).all()
    assert other.informative == fit.informative


def test_time_run_backwards_turns_the_sign() -> None:
    data = world(6)
    back = fitted(table(data.k[:, ::-1], data.n[:, ::-1]))
    fit = fitted(data)
    assert back.slope == pytest.approx(-fit.slope, rel=1e-6)
    assert (back.low, back.high) == pytest.approx((-fit.high, -fit.low), rel=1e-6)
    assert back.p_rising == pytest.approx(fit.p_falling, rel=1e-5)


def test_weeks_without_data_are_missing_not_zero() -> None:
    data = world(7, weeks=104)
    n, k = data.n.copy(), data.k.copy()
    n[:, 20:30] = k[:, 20:30] = 0
    fit, whole = fitted(table(k, n)), fitted(data)
    assert np.isnan(fit.index[20:30]).all()
    assert not np.isnan(np.delete(fit.index, range(20, 30))).any()
    assert abs(fit.slope - whole.slope) < whole.se
    assert fit.weeks_spanned == 104


def test_no_giant_decides() -> None:
    """Forty flat sources and one that posts a hundred times as much and doubles every year."""
    rng = np.random.default_rng(8)
    n = np.full((41, 104), 20)
    n[-1] = 2000
    share = np.full((41, 104), 0.2)
    share[-1] = 0.2 * 2 ** columns(104)[:, 0]
    data = table(rng.binomial(n, share), n)
    fit, pooled = fitted(data), fitted(data, tau0=0.0)
    assert fit.weights[-1] < 3 / 41
    assert abs(fit.slope) < 0.06
    assert pooled.slope > 0.4


def test_no_loud_week_decides() -> None:
    """One week near the end with thirty times the posts, and by chance twice the share."""
    rng = np.random.default_rng(9)
    n = np.full((40, 104), 20)
    share = np.full((40, 104), 0.2)
    n[:, 95], share[:, 95] = 600, 0.4
    data = table(rng.binomial(n, share), n)
    fit, pooled = fitted(data), fitted(data, tau0=0.0)
    assert abs(fit.slope) < 0.06
    assert pooled.slope > 0.2


def test_the_interval_and_the_p_values_say_the_same() -> None:
    fit = fitted(world(10))
    assert fit.p_above(fit.low) == pytest.approx(0.025)
    assert fit.p_below(fit.high) == pytest.approx(0.025)
    assert fit.p_rising + fit.p_falling == pytest.approx(1.0)
    assert fit.half_width == pytest.approx(fit.high - fit.slope)


def test_the_line_for_a_chart_goes_through_the_shares() -> None:
    rng = np.random.default_rng(11)
    n = np.full((20, 104), 50)
    share = 0.2 * np.exp(0.3 * columns(104)[:, 0])
    fit = fitted(table(rng.binomial(n, share), n))
    assert fit.base == pytest.approx(0.2, rel=0.03)
    assert fit.base * np.exp(fit.slope * fit.years) == pytest.approx(share, rel=0.06)
    assert fit.base * np.exp(fit.index).mean() == pytest.approx(share.mean(), rel=0.05)


def test_a_season_is_not_a_trend() -> None:
    rng = np.random.default_rng(12)
    n = np.full((40, 65), 30)
    share = 0.2 * np.exp(0.3 * np.sin(2 * np.pi * np.arange(65) / WEEKS_PER_YEAR))
    fit = fitted(table(rng.binomial(n, share), n))
    assert abs(fit.slope) < 2 * fit.se
    assert fit.season == pytest.approx([0.3, 0.0], abs=0.06)


def test_counts_without_any_noise_give_an_interval_of_no_width_and_no_error() -> None:
    n = np.full((6, 104), 100)
    fit = fitted(table(np.full((6, 104), 20), n))
    assert fit.slope == pytest.approx(0, abs=1e-9)
    assert fit.low <= fit.high
    assert fit.p_rising == pytest.approx(0.5, abs=0.5)


def test_one_source_speaks_for_itself_alone() -> None:
    fit = fitted(table(*(part[:1] for part in (world(13).k, world(13).n))))
    assert fit.informative == 1
    assert fit.v_source == 0
    assert fit.tau_hat == 0
    assert fit.weights.tolist() == [1.0]


@pytest.mark.parametrize(
    ("k", "n"),
    [
        (np.zeros((3, 60), np.int64), np.ones((3, 60), np.int64)),
        (np.zeros((0, 60), np.int64), np.zeros((0, 60), np.int64)),
        (np.ones((3, 7), np.int64), np.ones((3, 7), np.int64)),
        (np.zeros((3, 0), np.int64), np.zeros((3, 0), np.int64)),
        (np.eye(1, 60, 59, dtype=np.int64) * 5, np.ones((1, 60), np.int64)),
        (np.ones((3, 60), np.int64), np.zeros((3, 60), np.int64)),
    ],
    ids=["nothing counted", "no sources", "seven weeks", "no weeks", "all in the last week", "never observed"],
)
def test_nothing_to_say_is_none(k: NDArray[np.int64], n: NDArray[np.int64]) -> None:
    assert fit_trend(table(k, n)) is None


def test_short_windows_have_no_season() -> None:
    assert len(fitted(world(14, 20, SEASON_FROM - 1)).season) == 0
    assert len(fitted(world(14, 20, SEASON_FROM)).season) == 2


counts = st.integers(1, 4).flatmap(
    lambda sources: st.integers(1, 70).flatmap(
        lambda weeks: st.tuples(
            *(
                st.lists(
                    st.lists(st.sampled_from([0, 0, 1, 2, 7, 10**6]), min_size=weeks, max_size=weeks),
                    min_size=sources,
                    max_size=sources,
                )
                for _ in range(2)
            )
        )
    )
)


@settings(max_examples=150, deadline=None)
@given(counts, st.sampled_from([0.0, 0.5, 1.0]))
def test_it_never_raises_and_never_answers_nan(drawn: tuple[list[list[int]], list[list[int]]], tau0: float) -> None:
    data = table(np.array(drawn[0], np.int64), np.array(drawn[1], np.int64))
    with np.errstate(all="raise", under="ignore"):
        fit = fit_trend(data, tau0=tau0)
    if fit is None:
        return
    for name in ("slope", "se", "df", "low", "high", "g_eff", "tau_hat", "v_source", "v_week", "rho", "base"):
        assert np.isfinite(getattr(fit, name)), name
    assert fit.weights.sum() == pytest.approx(1)
    assert fit.low <= fit.slope <= fit.high
    assert fit.df >= 1
    assert 0 <= fit.p_rising <= 1


def test_the_moderate_world_is_estimated_without_bias() -> None:
    slopes = [
        fitted(simulate(MODERATE, 40, 104, 0.0, np.random.default_rng([17, run])).panel).slope for run in range(60)
    ]
    assert abs(np.mean(slopes)) < 3 * np.std(slopes) / np.sqrt(60)
