import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from benchmarks.calibration import levels
from monitor.core.claim import ALL_POSTS, LevelTest, Population, TagError
from monitor.core.level import (
    ICC,
    effective,
    judge_level,
    level_of_posts_jackknife,
    level_of_sources,
    source_weights,
    tolerance,
    wilson,
)
from monitor.core.tagged_share import corrected


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def alike(share: float, sources: int, posts: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Sources that differ a little around a share."""
    wobble = np.where(np.arange(sources) % 2 == 0, 0.01, -0.01)
    return np.rint((share + wobble) * posts).astype(np.int64), np.full(sources, posts, np.int64)


def claim(claimed: float, within: float | None = None, population: Population = "sources") -> LevelTest:
    return LevelTest(ALL_POSTS, claimed, tolerance=within, population=population)


@st.composite
def counts(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = np.array(draw(st.lists(st.sampled_from([0, 1, 2, 7, 60, 10**6]), min_size=1, max_size=30)), np.int64)
    part = np.array(draw(st.lists(st.sampled_from([0.0, 0.03, 0.5, 1.0]), min_size=len(n), max_size=len(n))))
    return np.floor(n * part).astype(np.int64), n


def test_two_posts_weigh_nearly_twice_as_much_as_one_and_a_giant_at_most_one_over_the_correlation() -> None:
    weights = source_weights(ints(1, 2, 10**9))
    assert weights.sum() == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(2 / (1 + ICC))
    assert weights[2] / weights[0] == pytest.approx(1 / ICC, rel=1e-6)
    assert effective(np.full(7, 1 / 7)) == pytest.approx(7)


def test_sources_of_equal_size_are_a_plain_mean_with_a_plain_standard_error() -> None:
    """With equal weights CR2 is the usual standard error of a mean; then the delta method and t(G − 1)."""
    k, n = ints(5, 9, 12, 20, 8, 14, 11, 10), np.full(8, 25, np.int64)
    fit = level_of_sources(k, n)
    assert fit is not None
    shares = k / n
    error = shares.std(ddof=1) / math.sqrt(8)
    assert fit.value == pytest.approx(shares.mean())
    assert fit.se == pytest.approx(error)
    assert fit.df == pytest.approx(7)
    middle, scale = math.log(fit.value / (1 - fit.value)), error / (fit.value * (1 - fit.value))
    for tail, low, high in ((0.975, fit.low, fit.high), (0.95, fit.low90, fit.high90)):
        reach = stats.t.ppf(tail, 7) * scale
        assert low == pytest.approx(1 / (1 + math.exp(reach - middle)))
        assert high == pytest.approx(1 / (1 + math.exp(-reach - middle)))


def test_sources_of_different_size_follow_the_formula() -> None:
    k, n = ints(5, 90, 1, 20, 300, 4), ints(25, 200, 1, 31, 1000, 9)
    fit = level_of_sources(k, n)
    assert fit is not None
    raw = [of / (1 + (of - 1) * 0.15) for of in n.tolist()]
    h = [one / sum(raw) for one in raw]
    mean = sum(one * a / of for one, a, of in zip(h, k, n, strict=True))
    variance = sum(one**2 * (a / of - mean) ** 2 / (1 - one) for one, a, of in zip(h, k, n, strict=True))
    assert fit.value == pytest.approx(mean)
    assert fit.se == pytest.approx(math.sqrt(variance))
    assert fit.g_eff == pytest.approx(1 / sum(one**2 for one in h))
    assert fit.df == pytest.approx(fit.g_eff - 1)


def test_jackknife_follows_the_formula() -> None:
    k, n = ints(50, 90, 10, 20, 130, 40, 60), ints(125, 200, 51, 31, 300, 99, 100)
    fit = level_of_posts_jackknife(k, n)
    assert fit is not None

    def logit(a: int, of: int) -> float:
        return math.log(a / (of - a))

    here = logit(k.sum(), n.sum())
    squares = sum((logit(k.sum() - a, n.sum() - of) - here) ** 2 for a, of in zip(k, n, strict=True))
    g_eff = n.sum() ** 2 / (n**2).sum()
    reach = stats.t.ppf(0.975, g_eff - 1) * math.sqrt(6 / 7 * squares)
    assert fit.value == pytest.approx(k.sum() / n.sum())
    assert fit.high == pytest.approx(1 / (1 + math.exp(-here - reach)))


def test_jackknife_where_one_source_has_all_posts_of_the_kind() -> None:
    fit = level_of_posts_jackknife(ints(40, 0, 0, 0, 0, 0, 0, 0, 0, 0), np.full(10, 100, np.int64))
    assert fit is not None
    assert fit.value == pytest.approx(0.04)
    assert fit.low < 0.02
    assert fit.high > 0.2


@pytest.mark.parametrize(("k", "n"), [(0, 20), (1, 29), (81, 263), (29, 29)])
def test_wilson_is_that_of_statsmodels(k: int, n: int) -> None:
    fit = wilson(ints(k, 0), ints(n, 0))
    assert fit is not None
    assert (fit.low, fit.high) == pytest.approx(proportion_confint(k, n, 0.05, "wilson"), abs=1e-12)
    assert (fit.low90, fit.high90) == pytest.approx(proportion_confint(k, n, 0.10, "wilson"), abs=1e-12)


def test_no_source_of_the_kind_is_not_certainty() -> None:
    """Twenty sources without one such post: the exact bound for 0 of 20 draws, 1 − 0.025^(1/20)."""
    fit = level_of_sources(np.zeros(20, np.int64), np.full(20, 500, np.int64))
    assert fit is not None
    assert (fit.value, fit.low) == (0, 0)
    assert fit.high == pytest.approx(1 - 0.025 ** (1 / 20))
    full = level_of_sources(np.full(20, 500, np.int64), np.full(20, 500, np.int64))
    assert full is not None
    assert (full.value, full.high) == (1, 1)
    assert full.low == pytest.approx(0.025 ** (1 / 20))


def test_where_few_sources_can_hold_a_kind_unseen_ones_are_allowed_for() -> None:
    """2 % in each of twenty sources may be noise around a kind that 5 % of all sources publish and nobody else."""
    few, many = (level_of_sources(*alike(0.02, sources)) for sources in (20, 400))
    assert few is not None
    assert many is not None
    assert few.high > 0.15
    assert many.high < 0.03


@given(counts())
def test_a_fit_is_finite_ordered_and_mirrored(data: tuple[np.ndarray, np.ndarray]) -> None:
    k, n = data
    for method in (level_of_sources, level_of_posts_jackknife, wilson):
        fit, mirror = method(k, n), method(n - k, n)
        if not n.any():
            assert fit is None
            continue
        assert fit is not None
        assert mirror is not None
        assert 0 <= fit.low <= fit.low90 <= fit.value + 1e-12
        assert fit.value - 1e-12 <= fit.high90 <= fit.high <= 1
        assert (mirror.value, mirror.low, mirror.high) == pytest.approx((1 - fit.value, 1 - fit.high, 1 - fit.low))
        assert not math.isnan(fit.se)
        assert fit.g == int((n > 0).sum())


@given(counts(), st.sampled_from([0.0, 0.05, 0.35, 0.5, 1.0]), st.sampled_from(["sources", "posts"]))
def test_a_verdict_never_fails_and_agrees_with_its_p_values(
    data: tuple[np.ndarray, np.ndarray], claimed: float, population: Population
) -> None:
    k, n = data
    finding = judge_level(k, n, claim(claimed, population=population))
    assert "nan" not in finding.says
    if not n.any():
        assert finding.verdict == "insufficient_data"
        assert finding.effect is None
        return
    assert finding.p_support is not None
    assert finding.p_contradict is not None
    assert 0 <= finding.p_support <= 1
    assert 0 <= finding.p_contradict <= 1
    if finding.verdict == "contradicted":
        assert finding.p_contradict <= 0.025 + 1e-9
    if finding.verdict in ("supported", "inconclusive"):
        assert finding.p_contradict >= 0.025 - 1e-9


def test_sources_without_posts_change_nothing() -> None:
    k, n = alike(0.3, 12)
    padded_k, padded_n = np.append(k, [0, 0]), np.append(n, [0, 0])
    assert level_of_sources(k, n) == level_of_sources(padded_k, padded_n)
    assert judge_level(k, n, claim(0.3)) == judge_level(padded_k, padded_n, claim(0.3))


def test_counts_of_different_sources_are_refused() -> None:
    with pytest.raises(ValueError, match="same sources"):
        level_of_sources(ints(1, 2), ints(3))


def test_tolerance_is_five_points_or_fifteen_per_cent_unless_the_claim_says_otherwise() -> None:
    assert tolerance(claim(0.12)) == 0.05
    assert tolerance(claim(0.60)) == pytest.approx(0.09)
    assert tolerance(claim(0.60, 0.02)) == 0.02


def test_supported_names_the_population_and_the_sample() -> None:
    finding = judge_level(*alike(0.34, 40), claim(0.35))
    assert finding.verdict == "supported"
    assert finding.says.startswith("Of the sector, with the 40 sources collected as its sample, the share is 34.0 %")
    assert finding.says.endswith("The sample is what was collected.")
    assert finding.p_support is not None
    assert finding.p_support < 0.05
    assert (finding.n_posts, finding.n_sources) == (8000, 40)


@pytest.mark.parametrize(("claimed", "side"), [(0.55, "below"), (0.12, "above")])
def test_contradicted_on_either_side(claimed: float, side: str) -> None:
    finding = judge_level(*alike(0.34, 40), claim(claimed))
    assert finding.verdict == "contradicted"
    assert f"lies {side}" in finding.says
    assert finding.p_contradict is not None
    assert finding.p_contradict < 0.001


def test_at_the_edge_of_the_tolerance_it_stays_open() -> None:
    finding = judge_level(*alike(0.34, 40), claim(0.29, 0.05))
    assert finding.verdict == "inconclusive"
    assert "inside and outside 24.0 to 34.0 %" in finding.says


def test_seven_sources_are_not_enough_however_many_posts_they_have() -> None:
    finding = judge_level(*alike(0.35, 7, posts=100_000), claim(0.35))
    assert finding.verdict == "insufficient_data"
    assert "at least 8 sources" in finding.says
    assert finding.effect is not None


def test_members_and_others_leave_an_interval_too_wide_for_a_verdict() -> None:
    k, n = np.array([100] * 4 + [0] * 8), np.full(12, 100)
    finding = judge_level(k, n, claim(0.35))
    assert finding.verdict == "insufficient_data"
    assert "points wide" in finding.says


def test_of_the_posts_collected_a_loud_source_is_named() -> None:
    k, n = alike(0.35, 30)
    k[0], n[0] = 90_000, 100_000
    finding = judge_level(k, n, claim(0.35, population="posts"))
    assert finding.verdict == "insufficient_data"
    assert finding.says.startswith("Of the 105,800 posts collected from 30 sources")
    assert "loud" in finding.says
    # among sources it is one of thirty
    average = judge_level(k, n, claim(0.35)).effect
    assert average is not None
    assert average.value < 0.40


def test_of_the_posts_collected_is_counted_not_extrapolated() -> None:
    k, n = np.array([150] * 4 + [0] * 8), np.full(12, 150)
    finding = judge_level(k, n, claim(1 / 3, population="posts"))
    assert finding.verdict == "supported"
    assert {check.name for check in finding.checks} == {"average-post", "average-source", "drop-largest"}
    assert all(check.verdict == "noted" for check in finding.checks)


def test_more_sources_make_a_smaller_distance_detectable() -> None:
    small, large = (judge_level(*alike(0.35, sources), claim(0.35)).detectable for sources in (10, 200))
    assert small is not None
    assert large is not None
    assert small > large > tolerance(claim(0.35))


def labelled(sensitivity: tuple[int, int], specificity: tuple[int, int]) -> TagError:
    return TagError("region", "europe", sensitivity, specificity, "a sample")


def test_a_corrected_share_is_that_of_rogan_and_gladen() -> None:
    """Tagged 35 %, sensitivity 0.80, specificity 0.95: (0.35 + 0.95 − 1) / (0.80 + 0.95 − 1) = 0.40."""
    error = labelled((800_000, 1_000_000), (950_000, 1_000_000))
    low, high = corrected(0.35, 0.35, 0.35, (error,), tail=0.975)
    assert low == pytest.approx(0.40, abs=2e-3)
    assert high == pytest.approx(0.40, abs=2e-3)
    small = corrected(0.35, 0.35, 0.35, (labelled((40, 50), (95, 100)),), tail=0.975)
    assert small[0] < 0.35
    assert small[1] > 0.46


def test_tags_known_to_be_right_change_nothing() -> None:
    k, n = alike(0.34, 40)
    finding = judge_level(k, n, claim(0.35), errors=(labelled((10**8, 10**8), (10**8, 10**8)),))
    plain = judge_level(k, n, claim(0.35))
    assert finding.effect is not None
    assert plain.effect is not None
    assert finding.effect.low == pytest.approx(plain.effect.low, abs=1e-5)
    assert finding.effect.high == pytest.approx(plain.effect.high, abs=1e-5)


def test_doubtful_tags_take_a_verdict_back_and_say_so() -> None:
    k, n = alike(0.34, 40)
    finding = judge_level(k, n, claim(0.35), errors=(labelled((40, 50), (45, 50)),))
    assert finding.verdict != "supported"
    assert "region europe" in finding.notes[-1]
    assert any(check.name == "without-tag-errors" for check in finding.checks)


@pytest.mark.parametrize("error", [labelled((10, 20), (10, 20)), labelled((0, 0), (9, 9)), labelled((9, 9), (0, 0))])
def test_tags_that_may_be_chance_leave_everything_open(error: TagError) -> None:
    finding = judge_level(*alike(0.34, 40), claim(0.35), errors=(error,))
    assert finding.verdict == "insufficient_data"
    assert finding.effect is not None
    assert (finding.effect.low, finding.effect.high) == (0, 1)


@given(counts(), st.integers(0, 20), st.integers(0, 20), st.integers(1, 3))
def test_tag_errors_only_widen(data: tuple[np.ndarray, np.ndarray], hits: int, spared: int, tags: int) -> None:
    k, n = data
    plain = judge_level(k, n, claim(0.35)).effect
    wide = judge_level(k, n, claim(0.35), errors=(labelled((hits, 20), (spared, 20)),) * tags).effect
    if plain is None:
        assert wide is None
        return
    assert wide is not None
    assert plain.low is not None
    assert plain.high is not None
    assert 0 <= (wide.low if wide.low is not None else -1) <= plain.low
    assert plain.high <= (wide.high if wide.high is not None else 2) <= 1


@pytest.mark.parametrize(
    ("cell", "least"),
    [
        ("level 35%, spread + giant, 40 sources", 0.91),
        ("level 12%, member, 10 sources", 0.94),
        ("level 35%, member + giant, 100 sources", 0.91),
    ],
)
def test_intervals_cover_in_simulated_sectors(cell: str, least: float) -> None:
    """400 worlds, Monte-Carlo standard error about 1.1 points around 95 %; `make calibrate` has the full table."""
    chosen = next(one for one in levels.cells() if one.name == cell)
    rows = {row.figure: row for row in levels.measure(chosen, 400, np.random.default_rng(7))}
    assert rows["95 % interval covers"].value >= least
    assert rows["Wilson on posts covers"].value < 0.4
