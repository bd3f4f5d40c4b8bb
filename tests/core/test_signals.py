"""Which changes raise an alarm and, as important, which don't."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.signals import Alarm, WatchSeries, detect
from monitor.core.signals.combine import SPEND, fire, judge, thresholds

START = 19_723
"""A Monday."""
DAYS = 400
STARTS = np.arange(START, START + DAYS)
WEEKDAYS = np.array([1.15, 1.2, 1.2, 1.15, 1.1, 0.65, 0.55])[(STARTS + 3) % 7]
LAST = int(STARTS[-1])


def listed(factor: np.ndarray, *, seed: int = 1, share: float = 0.08, posts: float = 300) -> WatchSeries:
    """A topic whose posts are multiplied by `factor` on each day, among all posts."""
    rng = np.random.default_rng(seed)
    others = rng.poisson(posts * (1 - share) * WEEKDAYS)
    counts = rng.poisson(posts * share * WEEKDAYS * factor)
    return WatchSeries("topic=x", "day", STARTS, counts, counts + others, np.ones(DAYS))


def calm(days: int = DAYS) -> np.ndarray:
    return np.ones(days)


def last(days: int, factor: float) -> np.ndarray:
    values = calm()
    values[-days:] = factor
    return values


def only(alarms: list[Alarm]) -> Alarm:
    assert len(alarms) == 1
    return alarms[0]


def test_nothing_sudden_raises_nothing() -> None:
    assert detect([listed(calm(), seed=seed) for seed in range(8)]) == []


def test_a_jump_is_told_with_day_size_baseline_and_detectors() -> None:
    series = listed(last(2, 3.0))
    alarm = only(detect([series], budget=0.1))
    assert (alarm.start, alarm.end, alarm.direction) == (LAST - 1, LAST, "up")
    assert alarm.observed == series.counts[-2:].sum()
    assert alarm.expected == pytest.approx(24 * WEEKDAYS[-2:].sum(), rel=0.2)
    assert alarm.low < alarm.expected < alarm.high < alarm.observed
    assert alarm.ratio == pytest.approx(3, rel=0.35)
    assert alarm.p <= alarm.settings["alpha"]
    assert alarm.detectors[:2] == ("share", "farrington")
    assert "ewma" in alarm.detectors
    assert alarm.settings["share_observed"] == pytest.approx(series.counts[-2:].sum() / series.of[-2:].sum())
    assert alarm.settings["share_expected"] == pytest.approx(0.08, rel=0.15)
    assert alarm.name == "day:up:topic=x"


def test_a_small_rise_is_told_once_it_lasts() -> None:
    assert detect([listed(last(1, 1.5))], budget=0.1) == []
    alarm = only(detect([listed(last(7, 1.5))], budget=0.1))
    assert alarm.settings["window"] > 1
    assert LAST - 10 <= alarm.start <= LAST - 4  # chance before it may look like a part of it


def test_a_fall_is_told_as_such() -> None:
    alarm = only(detect([listed(last(5, 0.2))], budget=0.1))
    assert alarm.direction == "down"
    assert alarm.observed < alarm.low
    assert not {"c1", "c2", "c3", "ewma"} & set(alarm.detectors)  # those look for rises alone


def test_what_happens_to_all_posts_alike_is_not_news_of_one_key() -> None:
    """Holidays, a broken network, a feed that delivers old posts of every kind."""
    rng = np.random.default_rng(5)
    for factor in (0.3, 2.5):
        volume = last(4, factor)
        of = rng.poisson(300 * WEEKDAYS * volume)
        series = [
            WatchSeries(f"topic={at}", "day", STARTS, rng.binomial(of, 0.08), of, np.ones(DAYS)) for at in range(10)
        ]
        assert detect(series, budget=1.0) == []
        # not because nothing could be seen: each series alone, as a count, is far off
        counted = replace(series[0], of=series[0].counts)
        assert only(detect([counted])).direction == ("up" if factor > 1 else "down")


def test_a_key_that_stands_still_while_all_else_falls_has_not_risen() -> None:
    rng = np.random.default_rng(6)
    counts = rng.poisson(24 * WEEKDAYS)
    others = rng.poisson(276 * WEEKDAYS * last(4, 0.4))
    series = WatchSeries("topic=x", "day", STARTS, counts, counts + others, np.ones(DAYS))
    assert detect([series], budget=0.1) == []
    assert judge(series).share[3].up[-1] < thresholds([series], 0.1)["day"][3] / 50  # the share alone would have


def test_an_outage_is_silence_of_ours_and_raises_nothing() -> None:
    series = listed(calm())
    exposure = np.ones(DAYS)
    exposure[-4:] = 0
    dark = replace(series, counts=np.where(exposure > 0, series.counts, 0), exposure=exposure)
    assert detect([dark], budget=1.0) == []
    blind = replace(dark, exposure=np.ones(DAYS), of=np.where(exposure > 0, series.of, 300))
    assert only(detect([blind], budget=1.0)).direction == "down"  # the same zeros, had they been observed


def test_a_jump_right_after_an_outage_is_found() -> None:
    series = listed(last(2, 4.0))
    exposure = np.ones(DAYS)
    exposure[-9:-2] = 0
    dark = replace(series, counts=np.where(exposure > 0, series.counts, 0), exposure=exposure)
    assert only(detect([dark], budget=0.1)).start == LAST - 1


def test_a_day_observed_by_half_is_compared_with_half() -> None:
    rng = np.random.default_rng(7)
    exposure = np.ones(DAYS)
    exposure[-1] = 0.5
    counts = rng.poisson(60 * exposure)
    assert detect([WatchSeries("all", "day", STARTS, counts, counts, exposure)]) == []
    assert only(detect([WatchSeries("all", "day", STARTS, counts, counts, np.ones(DAYS))])).direction == "down"


def test_weeks_are_watched_as_well() -> None:
    rng = np.random.default_rng(8)
    starts = START + 7 * np.arange(80)
    counts, others = rng.poisson(40, 80), rng.poisson(500, 80)
    counts[-1] = 100
    series = WatchSeries("topic=x", "week", starts, counts, counts + others, np.ones(80))
    alarm = only(detect([series], budget=0.1))
    assert (alarm.start, alarm.end, alarm.size) == (starts[-1], starts[-1], "week")
    assert detect([series], budget=0.1, today=int(starts[-1]) + 5) == []  # the week is not over
    assert detect([series], budget=0.1, today=int(starts[-1]) + 6) == [alarm]


def test_later_days_are_not_looked_at() -> None:
    jumped = last(10, 3.0)
    jumped[-5:] = 1
    series = listed(jumped)
    cut = only(detect([series], budget=0.1, today=LAST - 6))
    whole = replace(series, counts=np.append(series.counts[:-6], np.full(6, 9)), of=np.full(DAYS, 10_000))
    whole = replace(whole, of=np.append(series.of[:-6], whole.of[-6:]))
    assert only(detect([whole], budget=0.1, today=LAST - 6)) == cut


def test_an_alarm_is_old_news_after_three_days() -> None:
    jumped = calm()
    jumped[-30:-27] = 4.0
    series = listed(jumped)
    assert detect([series], budget=0.1, today=LAST - 27)
    assert detect([series], budget=0.1) == []


def test_a_short_past_gives_no_alarm_and_no_error() -> None:
    series = listed(last(1, 20.0))
    for days in (0, 1, 27, 34):
        cut = replace(
            series,
            starts=STARTS[DAYS - days :],
            counts=series.counts[DAYS - days :],
            of=series.of[DAYS - days :],
            exposure=np.ones(days),
        )
        assert detect([cut]) == []


def test_one_post_where_there_never_was_any_is_not_a_signal() -> None:
    counts = np.zeros(DAYS, np.int64)
    counts[-1] = 4
    series = WatchSeries("topic=rare", "day", STARTS, counts, np.full(DAYS, 300), np.ones(DAYS))
    assert detect([series]) == []
    counts = counts.copy()
    counts[-1] = 12
    assert only(detect([replace(series, counts=counts)])).ratio is None  # twelve against next to nothing


def test_the_list_shares_its_budget() -> None:
    one = [listed(calm())]
    sixty = thresholds(one * 60, 1.0)
    assert sixty["day"][1] == pytest.approx(thresholds(one, 1.0)["day"][1] / 60)
    assert sixty["day"][1] == pytest.approx(SPEND["day"][1] / (60 * 30) / 2)
    assert thresholds(one * 60, 3.0)["day"][7] == pytest.approx(3 * sixty["day"][7])
    weekly = replace(one[0], size="week", starts=START + 7 * np.arange(DAYS))
    assert thresholds([weekly], 1.0)["week"][1] == pytest.approx(SPEND["week"][1] * 7 / 30 / 2)


@pytest.mark.parametrize("budget", [0, -1, float("nan")])
def test_a_budget_of_nothing_is_refused(budget: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        detect([], budget=budget)


def test_an_empty_list_has_no_alarms() -> None:
    assert detect([]) == []


def test_the_order_of_the_list_does_not_matter_and_the_clearest_comes_first() -> None:
    series = [replace(listed(last(2, factor), seed=at), key=f"topic={at}") for at, factor in enumerate((2.5, 5.0, 1.0))]
    found = detect(series)
    assert [alarm.key for alarm in found] == ["topic=1", "topic=0"]
    assert detect(series[::-1]) == found


def test_most_of_all_posts_is_judged_by_the_rest() -> None:
    """A key with nine posts in ten can't treble; its rise shows in what is left."""
    rng = np.random.default_rng(9)
    of = rng.poisson(300 * WEEKDAYS)
    rest = rng.binomial(of, 0.1 * last(3, 0.2))
    big = rng.poisson(270 * WEEKDAYS * last(3, 1.4))
    alarm = only(detect([WatchSeries("type=other", "day", STARTS, big, big + rest, np.ones(DAYS))], budget=1.0))
    assert alarm.direction == "up"
    assert alarm.settings["share_observed"] > alarm.settings["share_expected"] > 0.85


@settings(max_examples=12, deadline=None)
@given(st.integers(150, DAYS), st.integers(0, 50), st.integers(1, 5))
def test_what_is_said_of_a_day_does_not_depend_on_later_days_nor_on_where_judging_began(
    days: int, seed: int, back: int
) -> None:
    series = listed(calm(), seed=seed)
    cut = replace(
        series, starts=STARTS[:days], counts=series.counts[:days], of=series.of[:days], exposure=np.ones(days)
    )
    alphas = thresholds([series], 30.0)["day"]
    whole, part = judge(series), judge(cut, days - back)
    for width in alphas:
        for name in ("count", "share"):
            ours, theirs = getattr(whole, name)[width].up[days - back : days], getattr(part, name)[width].up[-back:]
            assert theirs == pytest.approx(ours, rel=1e-6)
    assert fire(whole, alphas)["up"].fired[days - 1] == fire(part, alphas)["up"].fired[-1]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["day", "week"]), st.integers(1, 220))
def test_any_series_gives_alarms_with_finite_figures(seed: int, size, length: int) -> None:
    rng = np.random.default_rng(seed)
    of = rng.choice([0, 0, 1, 3, 40, 10**5], length)
    counts = rng.binomial(of, rng.choice([0.0, 0.02, 0.5, 1.0]))
    exposure = rng.choice([0.0, 0.3, 0.6, 1.0], length)
    starts = START + np.arange(length) * (7 if size == "week" else 1)
    for alarm in detect([WatchSeries("x", size, starts, counts, of, exposure)], budget=20.0):
        assert alarm.start <= alarm.end <= starts[-1]
        assert 0 <= alarm.low <= alarm.high < float("inf")
        assert 0 <= alarm.p <= alarm.settings["alpha"]
        assert np.isfinite(alarm.expected)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"counts": np.ones(3, np.int64)}, "equally long"),
        ({"size": "month"}, "must be 'day' or 'week'"),
        ({"starts": STARTS * 2}, "fill gaps with exposure 0"),
        ({"exposure": np.full(DAYS, 1.2)}, "between 0 and 1"),
        ({"exposure": np.full(DAYS, np.nan)}, "between 0 and 1"),
        ({"counts": np.full(DAYS, 10**6)}, "between 0 and `of`"),
    ],
)
def test_a_series_that_makes_no_sense_is_refused_by_name(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        replace(listed(calm()), **change)
    assert str(caught.value).startswith("topic=x: ")


def test_gaps_inside_a_change_leave_its_figures_finite() -> None:
    series = listed(last(3, 5.0))
    exposure = np.ones(DAYS)
    exposure[-7:-1] = 0
    dark = replace(series, counts=np.where(exposure > 0, series.counts, 0), exposure=exposure)
    alarm = only(detect([dark], budget=0.1))
    assert (alarm.start, alarm.end) == (LAST, LAST)
    assert 0 < alarm.low < alarm.expected < alarm.high < alarm.observed
