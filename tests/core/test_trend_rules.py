"""Each rule of a verdict, made to decide by counts that call for it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.calibration.worlds import CHURN, SEASON, D, simulate
from monitor.core.buckets import day_date
from monitor.core.claim import ALL_POSTS, TrendTest
from monitor.core.finding import Check, Finding, SourceWeeks
from monitor.core.trend import WEEKS_PER_YEAR, fit_trend
from monitor.core.trend_checks import find_caps, percent
from monitor.core.trend_rules import DECIDES, judge_trend, plan

RISING = TrendTest(numerator=ALL_POSTS)
FALLING = replace(RISING, direction="falling")
NOT_FALLING = replace(RISING, direction="not_falling")
RATE = replace(RISING, quantity="rate")


def years(weeks: int) -> NDArray[np.float64]:
    return np.asarray((np.arange(weeks) - (weeks - 1) / 2) / WEEKS_PER_YEAR, np.float64)


def table(k: NDArray[np.int64], n: NDArray[np.int64]) -> SourceWeeks:
    return SourceWeeks(tuple(f"s{row}" for row in range(len(k))), 7 * np.arange(k.shape[1]), k, n)


def shares(
    change: float, *, sources: int = 40, weeks: int = 104, posts: int = 40, noise: float = 0.05, seed: int = 1
) -> SourceWeeks:
    """Sources whose share changes by `change` a year (relative), with shocks of size `noise` common to all."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(posts, (sources, weeks))
    level = 0.2 * np.exp(rng.normal(0, 0.3, (sources, 1)))
    share = level * np.exp(log(1 + change) * years(weeks) + rng.normal(0, noise, weeks))
    return table(rng.binomial(n, np.minimum(share, 0.95)), n)


def check(finding: Finding, name: str) -> Check:
    (found,) = (each for each in finding.checks if each.name == name)
    return found


def test_a_rise_is_supported_with_its_size() -> None:
    found = judge_trend(shares(0.25), RISING)
    assert found.verdict == "supported"
    assert found.effect is not None
    assert found.effect.low is not None
    assert found.effect.high is not None
    assert 0.15 < found.effect.low < found.effect.value < found.effect.high < 0.35
    assert found.p_support is not None
    assert found.p_support < 1e-6
    assert all(each.verdict != "failed" for each in found.checks)
    starts = shares(0.25).starts
    first, last = day_date(int(starts[0])), day_date(int(starts[-1]) + 6)
    assert found.says.startswith(f"In 40 sources from {first} to {last} (104 weeks), the share went from ")
    assert found.says.endswith("It rose, by more than chance explains.")
    assert found.n_sources == 40
    assert found.n_posts == int(shares(0.25).k.sum())


def test_a_fall_contradicts_a_rise_and_supports_a_fall() -> None:
    data = shares(-0.2)
    assert judge_trend(data, RISING).verdict == "contradicted"
    assert "It fell, by more than chance explains." in judge_trend(data, RISING).says
    assert judge_trend(data, FALLING).verdict == "supported"
    assert judge_trend(shares(0.25), FALLING).verdict == "contradicted"


def test_a_flat_share_contradicts_both_where_a_change_that_matters_is_excluded() -> None:
    data = shares(0.0)
    rising, falling = judge_trend(data, RISING), judge_trend(data, FALLING)
    assert rising.verdict == falling.verdict == "contradicted"
    assert "A rise of 10 % a year or more is excluded." in rising.says
    assert "A fall of 9.1 % a year or more is excluded." in falling.says


def test_not_significant_alone_never_contradicts() -> None:
    found = judge_trend(shares(0.0, sources=8, posts=10, noise=0.2), RISING)
    assert found.verdict == "inconclusive"
    assert "does not show that nothing changed" in found.says


def test_a_slight_but_sure_rise_is_supported_with_a_note() -> None:
    found = judge_trend(shares(0.05, sources=100, posts=200, noise=0.01), RISING)
    assert found.verdict == "supported"
    assert "More than chance, but less than 10 % a year." in found.notes


def test_the_smallest_effect_that_matters_is_the_claims_own() -> None:
    data = shares(0.05, noise=0.15)
    assert judge_trend(data, RISING).verdict == "inconclusive"
    assert judge_trend(data, replace(RISING, smallest=0.30)).verdict == "contradicted"


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [(0.25, "supported"), (0.60, "contradicted"), (0.0, "contradicted"), (-0.5, "contradicted")],
)
def test_a_claim_that_names_a_number_stands_or_falls_with_it(expected: float, verdict: str) -> None:
    found = judge_trend(shares(0.25), replace(RISING, expected=expected))
    assert found.verdict == verdict
    assert (found.p_contradict or 1) < 0.025 or verdict == "supported"


def test_a_named_number_inside_a_wide_interval_is_not_support() -> None:
    found = judge_trend(shares(0.0, sources=8, posts=10, noise=0.2), replace(RISING, expected=0.05))
    assert found.verdict == "inconclusive"


def test_not_falling_is_shown_by_excluding_a_fall_not_by_missing_one() -> None:
    assert judge_trend(shares(0.0), NOT_FALLING).verdict == "supported"
    assert judge_trend(shares(0.1), NOT_FALLING).verdict == "supported"
    assert judge_trend(shares(-0.3), NOT_FALLING).verdict == "contradicted"
    assert judge_trend(shares(0.0, sources=8, posts=10, noise=0.2), NOT_FALLING).verdict == "inconclusive"
    slight = judge_trend(shares(-0.03, sources=100, posts=200, noise=0.01), NOT_FALLING)
    assert slight.verdict == "supported"
    assert slight.notes == ("It falls by more than chance explains, but by too little to matter.",)


def test_a_rate_of_posting_is_judged_by_observed_days() -> None:
    rng = np.random.default_rng(3)
    rate = np.exp(rng.normal(0, 0.5, (30, 1))) * np.exp(log(1.4) * years(104))
    n = np.full((30, 104), 7)
    n[:10, 50:60] = 0
    n[10:20, 30:40] = 3
    found = judge_trend(table(rng.poisson(rate * n), n), RATE)
    assert found.verdict == "supported"
    assert found.effect is not None
    assert found.effect.value == pytest.approx(0.4, abs=0.1)
    assert "posts a day went from" in found.says


@pytest.mark.parametrize(
    ("data", "lacks"),
    [
        (shares(0.5, weeks=51), "51 weeks where 52 are needed"),
        (shares(0.5, sources=4), "4 sources with counted posts where 5 are needed"),
        (shares(0.5, sources=6, weeks=60, posts=1), "counted posts where 100 are needed"),
        (table(np.zeros((9, 104), np.int64), np.ones((9, 104), np.int64)), "no change can be estimated"),
        (table(np.zeros((0, 104), np.int64), np.zeros((0, 104), np.int64)), "no change can be estimated"),
    ],
    ids=["weeks", "sources", "posts", "nothing counted", "no sources"],
)
def test_too_little_data_is_insufficient_and_says_what_is_missing(data: SourceWeeks, lacks: str) -> None:
    found = judge_trend(data, RISING)
    assert found.verdict == "insufficient_data"
    assert lacks in found.says
    assert found.p_support is None
    assert found.p_contradict is None


def test_sources_far_too_unequal_are_few_sources() -> None:
    data = shares(0.3, sources=5, posts=1000)
    n = data.n.copy()
    n[3:] = 0
    n[3:, [20, 80]] = 1
    found = judge_trend(table(np.minimum(data.k, n), n), RISING)
    assert found.verdict == "insufficient_data"
    assert "so unequal that they weigh like 3." in found.says


def test_weeks_in_which_most_of_the_panel_is_silent_do_not_count() -> None:
    data = shares(0.3)
    n = data.n.copy()
    n[:, 30:60] = 0
    found = judge_trend(table(data.k, n), RISING)
    assert found.verdict == "insufficient_data"
    assert "in only 71 % of the weeks" in found.says


def test_an_interval_that_could_hide_half_is_insufficient_not_inconclusive() -> None:
    found = judge_trend(shares(0.0, sources=6, posts=2), RISING)
    assert found.verdict == "insufficient_data"
    assert "could hide" in found.says
    assert found.p_support is not None


def test_one_cycle_of_season_is_a_caveat() -> None:
    def caveats(weeks: int) -> list[str]:
        return [note for note in judge_trend(shares(0.3, weeks=weeks), RISING).notes if "assumed shape" in note]

    assert len(caveats(60)) == 1
    assert not caveats(65)


def test_a_step_in_all_sources_is_not_a_trend() -> None:
    rng = np.random.default_rng(5)
    n = np.full((40, 104), 30)
    share = np.where(np.arange(104) < 60, 0.2, 0.3) * np.exp(rng.normal(0, 0.05, 104))
    found = judge_trend(table(rng.binomial(n, share), n), RISING)
    assert check(found, "line-or-step").verdict == "failed"
    assert "a step in week 61 of 104" in check(found, "line-or-step").says
    assert found.verdict == "inconclusive"
    assert "one single step describes it better" in found.says


def test_a_rise_that_is_all_in_one_half_is_not_steady() -> None:
    rng = np.random.default_rng(3)
    n = np.full((40, 104), 60)
    t = years(104)
    share = 0.2 * np.exp(np.where(t < 0, -0.03 * t, 0.25 * t)) * np.exp(rng.normal(0, 0.05, 104))
    found = judge_trend(table(rng.binomial(n, share), n), RISING)
    assert found.p_support is not None
    assert found.p_support < 0.025
    assert check(found, "halves-of-time").verdict == "failed"
    assert found.verdict == "inconclusive"


def test_a_step_upward_does_not_hide_a_fall() -> None:
    rng = np.random.default_rng(6)
    n = np.full((40, 104), 60)
    share = 0.2 * np.exp(-0.5 * years(104) + np.where(np.arange(104) < 52, 0, 0.55))
    found = judge_trend(table(rng.binomial(n, share), n), NOT_FALLING)
    assert check(found, "halves-of-time").verdict == "failed"
    assert found.verdict == "inconclusive"


def test_an_answer_that_hangs_on_one_source_is_inconclusive() -> None:
    """Six sources of which one rises so steeply and surely that without it the sign turns."""
    rng = np.random.default_rng(7)
    n = np.full((6, 104), 400)
    share = np.full((6, 104), 0.2) * np.exp(-0.002 * years(104))
    data = table(rng.binomial(n, share), n)
    k = data.k.copy()
    k[5] = rng.binomial(n[5], 0.2 * np.exp(0.9 * years(104)))
    found = judge_trend(table(k, data.n), RISING)
    assert found.verdict != "supported"


def test_all_sources_pointing_elsewhere_stop_support() -> None:
    panel, others = shares(0.25), shares(-0.4, sources=60, seed=9)
    everything = table(np.concatenate([panel.k, others.k]), np.concatenate([panel.n, others.n]))
    found = judge_trend(panel, RISING, everything=everything)
    assert check(found, "all-sources").verdict == "failed"
    assert found.verdict == "inconclusive"
    assert "with all sources it points the other way" in found.says


def test_the_pooled_slope_is_noted_and_decides_only_where_volume_is_claimed() -> None:
    panel = shares(0.25)
    n, k = panel.n.copy(), panel.k.copy()
    n[0] = 100_000
    k[0] = np.random.default_rng(1).binomial(100_000, 0.2 * np.exp(-0.3 * years(104)))
    data = table(k, n)
    plain, volume = judge_trend(data, RISING), judge_trend(data, replace(RISING, volume=True))
    assert plain.verdict == "supported"
    assert check(plain, "pooled").verdict == "noted"
    assert check(volume, "pooled").verdict == "failed"
    assert volume.verdict == "inconclusive"
    assert judge_trend(panel, replace(RISING, volume=True)).verdict == "supported"


def test_copies_are_noted_and_decide_nothing() -> None:
    found = judge_trend(shares(0.25), RISING, folded=shares(-0.2))
    assert found.verdict == "supported"
    assert check(found, "without-copies").verdict == "noted"
    assert check(found, "without-copies").effect is not None


def test_slopes_tied_to_size_are_flagged() -> None:
    rng = np.random.default_rng(8)
    size = np.exp(rng.normal(2.0, 1.5, 300))
    slope = 0.3 * np.log(size / size.mean())
    n = rng.poisson(size[:, None], (300, 104))
    data = table(rng.binomial(n, np.minimum(0.1 * np.exp(slope[:, None] * years(104)), 1)), n)
    assert any("weighed more equally" in note for note in judge_trend(data, RISING).notes)


def capped(data: SourceWeeks, limit: int, rows: slice) -> SourceWeeks:
    k = data.k.copy()
    k[rows] = np.minimum(k[rows], limit)
    return table(k, data.n)


def rates(change: float) -> SourceWeeks:
    rng = np.random.default_rng(11)
    n = np.full((40, 104), 7)
    return table(rng.poisson(3 * n * np.exp(log(1 + change) * years(104))), n)


def test_a_limit_that_flattens_most_counts_contradicts_nothing() -> None:
    """Posting grows by 40 % a year, and a collector that fetches at most 18 posts a week does not see it."""
    assert judge_trend(rates(0.4), RATE).verdict == "supported"
    found = judge_trend(capped(rates(0.4), 15, slice(0, 30)), RATE)
    assert check(found, "capped-sources").verdict == "failed"
    assert found.verdict == "inconclusive"
    assert "limit" in found.says


def test_a_few_cut_sources_do_not_stop_a_verdict_that_holds_without_them() -> None:
    found = judge_trend(capped(rates(0.4), 15, slice(0, 4)), RATE)
    assert check(found, "capped-sources").verdict == "passed"
    assert found.verdict == "supported"


def test_a_limit_on_all_posts_leaves_a_share_fair_and_one_on_the_kind_does_not() -> None:
    data = shares(0.4, posts=100)
    limited = table(data.k, np.maximum(np.minimum(data.n, 90), data.k))
    found = judge_trend(limited, RISING)
    assert found.verdict == "supported"
    assert not [each for each in found.checks if each.name == "capped-sources"]
    assert any("the share stays fair" in note for note in found.notes)
    cut = judge_trend(capped(data, 16, slice(None)), RISING)
    assert check(cut, "capped-sources").verdict == "failed"
    assert cut.verdict in ("inconclusive", "insufficient_data")


def test_a_large_share_of_few_posts_does_not_look_capped() -> None:
    n = np.full((30, 104), 10)
    k = np.random.default_rng(1).binomial(n, 0.9)
    caps = find_caps(table(k, n), "share")
    assert caps.fair.all()
    assert not caps.biased.any()


@pytest.mark.parametrize("mean", [5, 12, 50, 1000, 100_000])
def test_chance_alone_does_not_look_capped_and_a_limit_at_the_mean_does(mean: int) -> None:
    k = np.random.default_rng(mean).poisson(mean, (500, 104))
    n = np.full_like(k, 7)
    assert not find_caps(table(k, n), "rate").biased.any()
    if mean >= 12:
        assert find_caps(table(np.minimum(k, mean), n), "rate").biased.all()


def test_ordinary_sources_do_not_look_capped() -> None:
    for run in range(20):
        sample = simulate(SEASON if run % 2 else D, 40, 104, 0.2, np.random.default_rng([21, run]))
        found = judge_trend(sample.panel, RISING)
        assert not [each for each in found.checks if each.name == "capped-sources"]
        assert not [note for note in found.notes if "limit" in note]


def test_tag_errors_widen_outward_and_never_decide_the_direction() -> None:
    flat, rising = shares(0.04, noise=0.1), shares(0.25)
    plain, stretched = judge_trend(flat, RISING), judge_trend(flat, RISING, stretch=(1.0, 2.5))
    assert plain.verdict == "contradicted"
    assert stretched.verdict == "inconclusive"
    assert plain.effect is not None
    assert stretched.effect is not None
    assert (stretched.effect.high or 0) > (plain.effect.high or 0)
    assert stretched.effect.value == plain.effect.value
    assert stretched.p_contradict is not None
    assert stretched.p_contradict > 0.025
    sure = judge_trend(rising, RISING, stretch=(1.0, 2.5))
    assert sure.verdict == "supported"
    assert sure.p_support == judge_trend(rising, RISING).p_support
    assert any("tagged by mistake" in note for note in sure.notes)


def test_the_plan_says_what_could_be_found_even_where_there_is_no_verdict() -> None:
    small, large = plan(shares(0.0, sources=4), RISING), plan(shares(0.0, sources=60), RISING)
    assert small.missing
    assert not large.missing
    assert small.detectable is not None
    assert large.detectable is not None
    assert 0 < large.detectable < small.detectable
    nothing = plan(table(np.zeros((9, 104), np.int64), np.ones((9, 104), np.int64)), RISING)
    assert nothing.detectable is None
    assert plan(shares(0.0, weeks=20), RISING).detectable is None


def test_what_is_detectable_is_found_four_times_in_five() -> None:
    """The power promised by 1.43 half-widths, in the world it was planned in."""
    found = []
    for run in range(60):
        panel = simulate(D, 40, 104, 0.0, np.random.default_rng([31, run])).panel
        detectable = plan(panel, RISING).detectable
        assert detectable is not None
        fit = fit_trend(simulate(D, 40, 104, log(1 + detectable), np.random.default_rng([31, run])).panel)
        found.append(fit is not None and fit.low > 0)
    assert 0.6 < np.mean(found) < 0.95


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((0.14, 0.09, 0.2), ("+14", "+9", "+20")),
        ((0.031, -0.012, 0.0749), ("+3.1", "−1.2", "+7.5")),
        ((12.345, -0.5, 0.001), ("+1 234", "−50", "0")),
        ((0.0001, -0.0001, 0.01), ("0.0", "0.0", "+1.0")),
    ],
)
def test_changes_are_written_with_sign_and_equal_decimals(values: tuple[float, ...], shown: tuple[str, ...]) -> None:
    assert percent(values) == shown


def mirrored(data: SourceWeeks) -> SourceWeeks:
    return table(data.k[:, ::-1], data.n[:, ::-1])


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([5, 12, 30]),
    st.sampled_from([50, 60, 104]),
    st.sampled_from([-0.3, 0.0, 0.1, 0.5]),
    st.sampled_from([RISING, FALLING, NOT_FALLING, replace(RISING, expected=0.2), replace(RISING, volume=True)]),
)
def test_every_finding_is_whole_and_agrees_with_itself(
    seed: int, sources: int, weeks: int, trend: float, test: TrendTest
) -> None:
    sample = simulate(CHURN, sources, weeks, trend, np.random.default_rng(seed))
    found = judge_trend(sample.panel, test, everything=sample.everything, folded=sample.panel)
    json.dumps(asdict(found), allow_nan=False)
    deciding = {each.name for each in found.checks if each.verdict == "failed"} & set(DECIDES.get(found.verdict, ()))
    assert not deciding
    if found.verdict == "supported":
        assert (found.p_support or 0) < 0.025
    if found.verdict == "contradicted":
        assert (found.p_contradict or 0) < 0.025
    if test in (RISING, FALLING):
        turned = judge_trend(mirrored(sample.panel), FALLING if test is RISING else RISING)
        assert turned.verdict == judge_trend(sample.panel, test).verdict
