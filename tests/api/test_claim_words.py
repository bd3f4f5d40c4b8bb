"""Effects, samples and sets of posts in words, and where effects and slopes are drawn."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard.claims import words as claim_words
from api.dashboard.claims.charts import STRIP_WIDTH, Goal, claim_chart, scale_about, scale_of, slope_band, strip_of
from api.dashboard.claims.words import figure_words, lead_of, posts_words
from monitor.core.charts import LIGHT
from monitor.core.finding import DIFFERENCE, RELATIVE_PER_YEAR, SHARE
from tests.api.claim_documents import DOCUMENTS, effect

finite = st.floats(-0.99, 5, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "shown", "interval"),
    [
        (0.14, 0.09, 0.20, RELATIVE_PER_YEAR, "+14 % a year", "+9 to +20 %"),
        (1.80, 1.22, 2.55, RELATIVE_PER_YEAR, "+180 % a year", "+122 to +255 %"),
        (0.02, -0.03, 0.07, RELATIVE_PER_YEAR, "+2.0 % a year", "−3.0 to +7.0 %"),
        (0.0005, -0.0001, 0.0008, RELATIVE_PER_YEAR, "+0.05 % a year", "−0.01 to +0.08 %"),
        (0.0, -0.1, 0.1, RELATIVE_PER_YEAR, "0 % a year", "−10 to +10 %"),
        (0.381, 0.299, 0.47, SHARE, "38.1 %", "29.9 to 47.0 %"),
        (0.012, -0.008, 0.032, DIFFERENCE, "+1.2 points", "−0.8 to +3.2 points"),
        (2310, 1800, 2820, "difference in seconds", "+38.5 minutes", "+30.0 to +47.0 minutes"),
        (-12.4, -20.0, -4.0, "difference in words", "−12 words", "−20 to −4 words"),
        (0.6, 0.4, 0.8, "difference in named guests", "+0.60 named guests", "+0.40 to +0.80 named guests"),
        (0.0315, -0.017, 0.08, "difference of ln(1 + interactions)", "+3 % interactions", "−2 to +8 %"),
        (419_100_000.0, None, None, "USD", "419.1 million USD", "[x]"),
        (13.8, None, None, "% a year", "13.8 % a year", "[x]"),
        (1_234_567.0, None, None, "users", "1,234,567 users", "[x]"),
    ],
)
def test_effects_in_words(value: float, low: Any, high: Any, unit: str, shown: str, interval: str) -> None:
    found = effect(value, low, high, unit)
    assert claim_words.effect_words(found).replace("\u00a0", " ") == shown
    assert claim_words.interval_words(found).replace("\u00a0", " ") == interval


def test_what_is_missing_is_said() -> None:
    assert claim_words.effect_words(None) == claim_words.interval_words(None) == "[x]"
    assert claim_words.effect_words({"value": None, "low": None, "high": None, "unit": SHARE}) == "[x]"
    assert claim_words.ratio_words(None, rate=True) == "[x]"
    assert claim_words.probability(None) == "[x]"


@given(st.floats(-1e9, 1e9), st.sampled_from([RELATIVE_PER_YEAR, SHARE, DIFFERENCE, "difference in words", "USD"]))
def test_no_number_has_a_hyphen_for_a_minus_or_a_signed_zero(value: float, unit: str) -> None:
    shown = claim_words.effect_words(effect(value, value, value, unit))
    assert "-" not in shown
    assert not (shown[0] in "+−" and not any(digit in shown for digit in "123456789"))


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({}, "No claims yet."),
        ({"supported": 1}, "Of 1 claim, 1 is supported, none is contradicted and none is undecided."),
        (
            {"supported": 2, "contradicted": 1, "inconclusive": 3, "insufficient_data": 4, "not_measurable": 5},
            "Of 15 claims, 2 are supported, 1 is contradicted and 7 are undecided, 4 of them for lack of data; "
            "5 cannot be measured here.",
        ),
        (
            {"insufficient_data": 3},
            "Of 3 claims, none is supported, none is contradicted and 3 are undecided, all for lack of data.",
        ),
    ],
)
def test_the_lead_counts_every_claim_once(counts: dict[str, int], says: str) -> None:
    assert lead_of(counts) == says


def test_sets_of_posts_in_words() -> None:
    labels = {"topic": {"ai": "AI and data"}, "content_type": {"video": "Video"}}
    assert posts_words([], labels) == "all posts"
    assert posts_words([{}], labels) == "all posts"
    assert posts_words([{"content_type": ["video"], "region": ["north_america", "europe"]}], labels) == (
        "content type Video and region north america or europe"
    )
    assert posts_words([{"sponsored": ["true"]}, {"topic": ["ai"]}], labels) == (
        "posts that are sponsored, or topic AI and data"
    )
    assert posts_words([{"live": ["false"]}], labels) == "posts that are not live"


def test_a_published_figure_loses_nothing() -> None:
    assert figure_words(343.5, "million USD") == "343.5 million USD"
    assert figure_words(2.91e9, "people a month").replace("\u00a0", " ") == "2.91 billion people a month"
    assert figure_words(1_234_567, "users") == "1,234,567 users"


@given(finite, st.floats(0, 1), st.floats(0, 1))
def test_a_strip_holds_the_effect_between_its_ends(value: float, below: float, above: float) -> None:
    found = effect(value, max(value - below, -0.99), value + above)
    for scale in (scale_of(RELATIVE_PER_YEAR, [found]), scale_about(found)):
        strip = strip_of(found, scale)
        assert strip is not None
        assert 0 < strip.low <= strip.at <= strip.high < STRIP_WIDTH
        if found["low"] > 0:
            assert strip.mark <= strip.low
        if found["high"] < 0:
            assert strip.high <= strip.mark


def test_a_strip_needs_an_interval_and_something_to_compare_with() -> None:
    level = effect(0.4, 0.3, 0.5, SHARE)
    scale = scale_about(level)
    assert strip_of(effect(0.4, None, None, SHARE), scale, Goal(0.3, 0.2, 0.4)) is None
    assert strip_of(level, scale) is None
    assert strip_of(effect(5, 4, 6, "USD"), scale_about(effect(5, 4, 6, "USD"))) is None
    drawn = strip_of(level, scale, Goal(0.3, 0.25, 0.35))
    assert drawn is not None
    assert drawn.goal is not None
    assert drawn.goal[0] < drawn.mark < drawn.goal[1] < drawn.at


def test_what_goes_on_beyond_a_strip_is_marked() -> None:
    strip = strip_of(effect(0.9, 0.2, 3.0), scale_of(RELATIVE_PER_YEAR, []))
    assert strip is not None
    assert (strip.more_left, strip.more_right) == (False, True)


@given(st.floats(-0.8, 3), st.floats(0, 0.15), st.floats(0, 1), st.lists(st.booleans(), min_size=1, max_size=30))
def test_the_band_holds_the_line_and_is_narrowest_in_its_middle(
    value: float, below: float, above: float, seen: list[bool]
) -> None:
    slope = math.log1p(value) / 52.18
    fitted = [0.2 * math.exp(slope * week) if known else None for week, known in enumerate(seen)]
    band = slope_band(fitted, effect(value, value - below, value + above))
    for line, (low, high) in zip(fitted, band, strict=True):
        assert (line is None) == (low is None) == (high is None)
        if line is not None and low is not None and high is not None:
            assert low <= line * (1 + 1e-9)
            assert line <= high * (1 + 1e-9)
    known = [place for place, line in enumerate(fitted) if line is not None]
    widths = [high / low for low, high in band if low and high]
    if len(known) > 2:
        assert min(widths) <= min(widths[0], widths[-1])


def test_there_is_no_band_without_an_interval_of_a_change() -> None:
    line = [0.1, 0.1]
    nothing = [(None, None), (None, None)]
    assert slope_band(line, None) == nothing
    assert slope_band(line, effect(0.1, None, None)) == nothing
    assert slope_band(line, effect(0.1, 0.0, 0.2, SHARE)) == nothing
    assert slope_band(line, effect(-0.9, -1.0, 0.2)) == nothing


def test_where_nothing_was_fitted_plain_shares_are_drawn() -> None:
    document = next(one for one in DOCUMENTS if one["id"] == "live-rising")
    spec = claim_chart(document, title="t", subtitle="s", description="d", theme=LIGHT)
    rows = spec["data"]["values"]
    assert [row["value"] for row in rows] == [
        week["n"] / week["of"] if week["of"] else None for week in document["series"]
    ]
    assert {row["fitted"] for row in rows} == {None}


def test_a_claim_nobody_observed_keeps_its_frame_and_says_why() -> None:
    weeks = [
        {"start": "2026-11-02", "value": None, "fitted": None, "n": 0, "of": 0, "sources": 0, "status": "not_observed"}
    ]
    spec = claim_chart(
        {**DOCUMENTS[0], "series": weeks}, title="t", subtitle="s", description="d", theme=LIGHT, width=380
    )
    assert "Nothing was collected in this period" in str(spec["layer"])
