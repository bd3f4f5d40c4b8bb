"""Queries over a small cube: values against the posts themselves, keys, statuses, panel, and how it is told."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.answer import ROW_COLUMNS, document, rows
from monitor.core.buckets import day_number, floor_day
from monitor.core.cells import MEASURES, CellBatch, Combo
from monitor.core.cube import Cube
from monitor.core.metrics import METRICS, parse_query
from monitor.core.model import Interval
from monitor.core.observed import Coverage
from monitor.core.points import STATUSES, Trend, compute

NOW = datetime(2026, 2, 4, 12, tzinfo=UTC)  # a Wednesday
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
SOURCES = {1: ("blog", "web"), 2: ("journal", "web"), 3: ("channel", "youtube")}
NUMBERS = {source: number for number, (source, _) in SOURCES.items()}
ALWAYS = (-40.0, 30.4)
WINDOW = {"since": ["2026-01-05"], "until": ["2026-02-02"]}


@dataclass(frozen=True)
class P:
    """A post in a line."""

    day: int  # after MONDAY
    source: str = "blog"
    content_type: str = "news"
    audience: tuple[str, ...] = ("other",)
    country: str | None = None
    topics: tuple[str, ...] = ()
    copy: bool = False
    sentiment: float | None = None
    interactions: int | None = None
    views: int | None = None
    words: int = 10
    duration: int | None = None

    def measures(self) -> dict[str, int]:
        score = round((self.sentiment or 0) * 10_000)
        log = round(math.log1p(self.interactions or 0) * 10_000)
        both = self.interactions is not None and self.views is not None
        return {
            "posts": 1,
            "sentiment_n": self.sentiment is not None,
            "sentiment_sum": score,
            "sentiment_sq": score * score,
            "positive": self.sentiment is not None and score >= 500,
            "negative": self.sentiment is not None and score <= -500,
            "engagement_n": self.interactions is not None,
            "engagement_log_sum": log,
            "engagement_log_sq": log * log,
            "viewed_n": both,
            "viewed_interactions_sum": (self.interactions or 0) * both,
            "viewed_views_sum": (self.views or 0) * both,
            "words_sum": self.words,
            "words_sq": self.words**2,
            "duration_n": self.duration is not None,
            "duration_sum": self.duration or 0,
        }


def ask(
    posts: list[P],
    coverage: dict[str, list[tuple[float, float]]] | None = None,
    *,
    over: tuple[str, ...] = (),
    **params: Any,
) -> Trend:
    """Answer a query about these posts. `coverage` in days after MONDAY; without it all was observed until now."""
    combos: dict[tuple[Any, ...], int] = {}
    cells: dict[tuple[int, int, int], dict[str, int]] = {}
    for post in posts:
        facts = (post.content_type, post.audience, post.country, None, post.topics, False, False, post.copy)
        combo = combos.setdefault(facts, len(combos) + 1)
        cell = cells.setdefault(
            (NUMBERS[post.source], day_number(MONDAY) + post.day, combo), dict.fromkeys(MEASURES, 0)
        )
        for name, number in post.measures().items():
            cell[name] += number
    cube = Cube(lambda country: "unknown" if country is None else "europe")
    cube.set_sources(SOURCES)
    cube.add_combos(Combo(number, *facts) for facts, number in combos.items())
    identity = np.array(list(cells), np.int64).reshape(len(cells), 3)
    columns = {name: np.array([cell[name] for cell in cells.values()], np.int64) for name in MEASURES}
    cube.apply(CellBatch(np.arange(1, len(cells) + 1), *identity.T, columns))
    spans = coverage if coverage is not None else {source: [ALWAYS] for source in NUMBERS}
    observed = Coverage(
        [
            [Interval(*(MONDAY + timedelta(days=at) for at in span)) for span in spans.get(source, [])]
            for source in NUMBERS
        ],
        [source not in over for source in NUMBERS],
        NOW,
    )
    texts = {name: value if isinstance(value, list) else [value] for name, value in (WINDOW | params).items()}
    return compute(parse_query(texts, now=NOW), cube, observed, NOW)


def line(trend: Trend, key: str = "all") -> list[float | None]:
    values = trend.value[trend.keys.index(key)].tolist()
    return [None if math.isnan(value) else value for value in values]


def statuses(trend: Trend, key: str = "all") -> list[str]:
    return [STATUSES[code] for code in trend.status[trend.keys.index(key)]]


def points(trend: Trend, key: str = "all") -> list[dict[str, Any]]:
    told = document(trend, label=lambda *_: None, generated=False, now=NOW)
    return next(series["points"] for series in told["series"] if series["key"] == key)


# -- values ----------------------------------------------------------------------------------------------------------

posts_in_weeks = st.lists(
    st.builds(
        P,
        day=st.integers(-5, 33),
        source=st.sampled_from(sorted(NUMBERS)),
        content_type=st.sampled_from(["video", "podcast", "news", "other"]),
        audience=st.sampled_from([("other",), ("nurses",), ("nurses", "physicians")]),
        country=st.sampled_from([None, "DE", "FR"]),
        topics=st.sampled_from([(), ("ai",), ("ai", "telehealth")]),
        copy=st.booleans(),
        sentiment=st.one_of(st.none(), st.floats(-1, 1).map(lambda x: round(x, 4))),
        interactions=st.one_of(st.none(), st.integers(0, 10**6)),
        views=st.one_of(st.none(), st.integers(0, 10**7)),
        words=st.integers(0, 3000),
        duration=st.one_of(st.none(), st.integers(0, 9000)),
    ),
    max_size=40,
)


def keys_of(post: P, by: str | None) -> tuple[str, ...]:
    return {
        None: ("all",),
        "content_type": (post.content_type,),
        "audience": post.audience,
        "platform": (SOURCES[NUMBERS[post.source]][1],),
        "region": ("unknown" if post.country is None else "europe",),
        "country": (post.country or "unknown",),
        "language": ("unknown",),
        "topic": post.topics or ("none",),
        "source": (post.source,),
    }[by]


def by_hand(metric: str, mine: list[P], everyone: list[P]) -> float | None:
    """The metric from the posts themselves; None where there is nothing to divide by."""
    scored = [post.sentiment for post in mine if post.sentiment is not None]
    told = [post.interactions for post in mine if post.interactions is not None]
    viewed = [post for post in mine if post.interactions is not None and post.views is not None]
    views = sum(post.views or 0 for post in viewed)
    timed = [post.duration for post in mine if post.duration is not None]
    return {
        "volume": lambda: float(len(mine)),
        "share": lambda: len(mine) / len(everyone),
        "sentiment": lambda: sum(scored) / len(scored),
        "engagement": lambda: math.expm1(sum(math.log1p(x) for x in told) / len(told)),
        "engagement_rate": lambda: 1000 * sum(post.interactions or 0 for post in viewed) / views,
        "positive_share": lambda: sum(x >= 0.05 for x in scored) / len(scored),
        "negative_share": lambda: sum(x <= -0.05 for x in scored) / len(scored),
        "duration": lambda: sum(timed) / len(timed),
        "words": lambda: sum(post.words for post in mine) / len(mine),
    }[metric]()


@settings(max_examples=150, deadline=None)
@given(
    posts_in_weeks,
    st.sampled_from(sorted(METRICS)),
    st.sampled_from([None, "content_type", "audience", "platform", "region", "country", "language", "topic", "source"]),
    st.sampled_from(["day", "week", "month"]),
    st.booleans(),
    st.sampled_from(
        [{}, {"country": "DE"}, {"audience": "physicians"}, {"topic": "ai,none"}, {"source": "blog,channel"}]
    ),
)
def test_every_metric_equals_a_recount(posts, metric, by, interval, fold, wanted) -> None:
    copies = "fold" if fold else "count"
    trend = ask(posts, metric=metric, interval=interval, copies=copies, **wanted, **({"by": by} if by else {}))
    inside = [post for post in posts if 0 <= post.day < 28 and not (fold and post.copy)]
    passing = [
        post
        for post in inside
        if all(set(keys_of(post, name)) & set(value.split(",")) for name, value in wanted.items())
    ]
    same_sources = [post for post in inside if "source" not in wanted or post.source in ("blog", "channel")]
    for key in trend.keys:
        for at, start in enumerate(trend.buckets.starts):
            here = [post for post in passing if floor_day(day_number(MONDAY) + post.day, interval) == start]
            mine = [post for post in here if key in keys_of(post, by)]
            if by is None and metric == "share":
                here = [post for post in same_sources if floor_day(day_number(MONDAY) + post.day, interval) == start]
            value, low, high = (
                float(array[trend.keys.index(key), at]) for array in (trend.value, trend.low, trend.high)
            )
            try:
                expected = by_hand(metric, mine, here)
            except ZeroDivisionError:
                assert math.isnan(value)
                assert math.isnan(low)
                continue
            assert value == pytest.approx(expected, rel=2e-4, abs=2e-4)
            if not math.isnan(low):
                assert low <= value + 1e-9
                assert value <= high + 1e-9
    if by:
        assert {key for post in passing for key in keys_of(post, by)} <= set(trend.keys)


@settings(max_examples=60, deadline=None)
@given(posts_in_weeks, st.sampled_from(["content_type", "platform", "region", "country", "language", "source"]))
def test_shares_of_exclusive_dimensions_sum_to_one(posts, by) -> None:
    trend = ask(posts, metric="share", by=by)
    some = trend.of.max(axis=0, initial=0) > 0
    assert np.nansum(trend.value, axis=0)[some] == pytest.approx(1)
    assert np.isnan(trend.value[:, ~some]).all()


def test_a_post_with_two_topics_counts_under_each() -> None:
    trend = ask(
        [P(0, topics=("ai", "telehealth")), P(1, topics=("ai",)), P(2)], metric="share", by="topic", interval="month"
    )
    assert trend.keys == ("ai", "none", "telehealth")
    assert trend.n[:, 0].tolist() == [2, 1, 1]
    assert trend.of[:, 0].tolist() == [3, 3, 3]


def test_copies_count_once_if_asked() -> None:
    posts = [P(0), P(1, copy=True), P(2, copy=True)]
    assert line(ask(posts, interval="month"))[0] == 3
    assert line(ask(posts, interval="month", copies="fold"))[0] == 1


def test_unscored_posts_are_left_out_of_sentiment_not_counted_as_zero() -> None:
    trend = ask([P(0, sentiment=0.8)] * 6 + [P(1)] * 4, metric="sentiment")
    point = points(trend)[0]
    assert point["value"] == pytest.approx(0.8)
    assert (point["n"], point["of"], point["status"]) == (6, 10, "ok")
    assert point["low"] == pytest.approx(0.8)


def test_sentiment_bounds_stay_on_the_scale() -> None:
    point = points(ask([P(0, sentiment=x) for x in (1, 1, 1, 1, -1)], metric="sentiment"))[0]
    assert point["high"] == 1.0
    assert point["low"] > -1.0


# -- keys ------------------------------------------------------------------------------------------------------------


def test_closed_dimensions_are_shown_in_full_and_zero_is_an_observation() -> None:
    trend = ask([P(0)] * 6, by="content_type")
    assert trend.keys == ("video", "podcast", "news", "other")
    assert line(trend, "podcast") == [0, 0, 0, 0]
    assert statuses(trend, "podcast") == ["ok"] * 4


def test_a_filter_on_the_split_shows_only_what_was_asked_for() -> None:
    posts = [P(0), P(0, content_type="video")]
    assert ask(posts, by="content_type", content_type="video").keys == ("video",)
    both = [P(0, audience=("nurses", "physicians"))]
    assert line(ask(both, by="audience", audience="nurses"), "physicians")[0] == 1


def test_open_dimensions_show_what_occurs_and_what_was_asked_for_largest_first() -> None:
    posts = [P(0, country="DE"), P(0, country="FR"), P(1, country="FR"), P(0), P(99, country="US")]
    assert ask(posts, by="country").keys == ("FR", "DE", "unknown")
    assert ask(posts, by="country", country=["DE", "JP"]).keys == ("DE", "JP")
    assert ask(posts, by="source").keys == ("blog", "channel", "journal")
    assert ask(posts, by="source", platform="web").keys == ("blog", "journal")


def test_series_are_limited_to_the_largest() -> None:
    trend = ask([P(0, country="DE"), P(0, country="FR"), P(1, country="FR"), P(0)], by="country", limit="2")
    assert (trend.keys, trend.keys_in_all) == (("FR", "DE"), 3)
    told = document(trend, label=lambda *_: None, generated=False, now=NOW)
    assert told["truncated"]
    assert "The 2 largest of 3 series are shown." in told["notes"]


# -- statuses --------------------------------------------------------------------------------------------------------

WEEKLY = [P(day, source, sentiment=0.1, interactions=2) for day in range(31) for source in ("blog", "channel")]


def test_all_observed() -> None:
    assert statuses(ask(WEEKLY)) == ["ok"] * 4


def test_the_current_bucket_is_partial_and_none_lies_in_the_future() -> None:
    trend = ask(WEEKLY, until="2026-03-01")
    assert statuses(trend) == ["ok"] * 4 + ["partial"]


def test_a_gap_is_never_a_zero() -> None:
    quiet = [post for post in WEEKLY if post.source == "blog" and not 7 <= post.day < 14]
    gap = {"blog": [(-40.0, 7.0), (14.0, 30.4)]}
    for metric in METRICS:
        trend = ask(quiet, gap, metric=metric, source="blog")
        assert line(trend)[1] is None, metric
        assert statuses(trend)[1] == "not_observed"
    assert points(ask(quiet, gap, source="blog"))[1] | {"start": ""} == {
        "start": "", "value": None, "low": None, "high": None, "n": 0, "of": 0, "status": "not_observed",
        "sources_observed": 0, "sources_expected": 1,
    }  # fmt: skip


def test_an_observed_week_without_posts_is_zero() -> None:
    quiet = [post for post in WEEKLY if not 7 <= post.day < 14]
    volume = ask(quiet)
    assert (line(volume)[1], statuses(volume)[1]) == (0, "ok")
    share = ask(quiet, metric="share", by="content_type")
    assert (line(share, "news")[1], statuses(share, "news")[1]) == (None, "too_few")


def test_an_outage_of_one_source_makes_the_sum_partial_and_its_own_series_unobserved() -> None:
    coverage = {"blog": [(-40.0, 7.0), (14.0, 30.4)], "journal": [ALWAYS], "channel": [ALWAYS]}
    quiet = [post for post in WEEKLY if not (post.source == "blog" and 7 <= post.day < 14)]
    assert statuses(ask(quiet, coverage)) == ["ok", "partial", "ok", "ok"]
    by_source = ask(quiet, coverage, by="source")
    assert statuses(by_source, "blog") == ["ok", "not_observed", "ok", "ok"]
    assert statuses(by_source, "channel") == ["ok"] * 4
    by_platform = ask(quiet, coverage, by="platform")
    assert statuses(by_platform, "web") == ["ok", "partial", "ok", "ok"]
    assert statuses(by_platform, "youtube") == ["ok"] * 4
    assert statuses(ask(quiet, coverage, platform="youtube")) == ["ok"] * 4


def test_a_share_of_platforms_is_bent_by_a_hole_in_any_of_them() -> None:
    coverage = {"blog": [(-40.0, 7.0), (14.0, 30.4)], "channel": [ALWAYS]}
    trend = ask(WEEKLY, coverage, metric="share", by="platform")
    assert statuses(trend, "youtube") == ["ok", "partial", "ok", "ok"]


def test_a_new_source_makes_its_first_week_partial() -> None:
    coverage = {"blog": [ALWAYS], "channel": [(9.5, 30.4)]}
    posts = [post for post in WEEKLY if post.source == "blog" or post.day >= 10]
    trend = ask(posts, coverage, by="source")
    assert statuses(trend, "channel") == ["not_observed", "partial", "ok", "ok"]
    assert trend.sources_expected[trend.keys.index("channel")].tolist() == [0, 1, 1, 1]
    assert statuses(ask(posts, coverage)) == ["ok", "partial", "ok", "ok"]


def test_a_retired_source_is_not_missed_after_its_end() -> None:
    coverage = {"blog": [ALWAYS], "channel": [(-40.0, 14.0)]}
    posts = [post for post in WEEKLY if post.source == "blog" or post.day < 14]
    assert statuses(ask(posts, coverage, over=("channel",))) == ["ok"] * 4
    assert statuses(ask(posts, coverage)) == ["ok", "ok", "partial", "partial"]
    assert statuses(ask(posts, coverage, over=("channel",), source="channel")) == [
        "ok",
        "ok",
        "not_observed",
        "not_observed",
    ]


def test_posts_outside_the_coverage_show_as_partial_with_their_value() -> None:
    trend = ask(WEEKLY, {"blog": [(7.0, 30.4)]}, source="blog")
    assert (line(trend)[0], statuses(trend)[0]) == (7, "partial")
    other_type = ask(WEEKLY, {"blog": [(7.0, 30.4)]}, source="blog", by="content_type")
    assert (line(other_type, "video")[0], statuses(other_type, "video")[0]) == (None, "not_observed")


def test_ratios_need_five() -> None:
    posts = [P(0, sentiment=0.1)] * 4 + [P(7, sentiment=0.1)] * 5
    for metric in ("sentiment", "words", "positive_share"):
        assert statuses(ask(posts, metric=metric))[:2] == ["too_few", "ok"], metric
    assert statuses(ask(posts, metric="share", by="content_type"), "news")[:2] == ["too_few", "ok"]
    assert statuses(ask(posts))[:2] == ["ok", "ok"]


def test_a_bucket_that_the_window_cuts_is_partial() -> None:
    trend = ask(WEEKLY, since="2026-01-07")
    assert trend.buckets.dates()[0] == "2026-01-05"
    assert (line(trend)[0], statuses(trend)[0]) == (10, "partial")


# -- panel -----------------------------------------------------------------------------------------------------------


def test_the_fixed_panel_leaves_out_who_was_not_there_throughout() -> None:
    coverage = {"blog": [ALWAYS], "channel": [(9.5, 30.4)]}
    posts = [post for post in WEEKLY if post.source == "blog" or post.day >= 10]
    trend = ask(posts, coverage, panel="fixed")
    assert line(trend) == [7, 7, 7, 7]
    assert statuses(trend) == ["ok"] * 4
    told = document(trend, label=lambda *_: None, generated=False, now=NOW)
    assert told["panel"] == {
        "rule": "fixed",
        "sources": 1,
        "of": 3,
        "excluded": {"never_observed": 1, "started_later": 1},
    }
    assert ask(posts, coverage, panel="fixed", by="source").keys == ("blog",)


def test_an_empty_panel_has_no_values() -> None:
    trend = ask(WEEKLY, {}, panel="fixed")
    assert line(trend) == [None] * 4


# -- how it is told --------------------------------------------------------------------------------------------------


def test_the_document() -> None:
    trend = ask(WEEKLY, metric="share", by="content_type", country="unknown", copies="fold")
    told = document(trend, label=lambda *_: None, generated=True, now=NOW)
    assert orjson.loads(orjson.dumps(told)) == told
    assert {name: told[name] for name in ("metric", "unit", "by", "interval", "since", "until", "filters", "generated")} == {
        "metric": "share", "unit": "share", "by": "content_type", "interval": "week", "since": "2026-01-05",
        "until": "2026-02-02", "filters": {"country": ["unknown"]}, "generated": True,
    }  # fmt: skip
    assert told["as_of"] == "2026-02-04T09:36:00Z"
    assert told["coverage"] == {"sources": 3, "observed": 1.0}
    assert told["notes"][0].startswith("Generated data")
    assert told["reproduce"] == (
        "trendmonitor trends --metric share --by content_type --interval week --since 2026-01-05 --until 2026-02-02 "
        "--copies fold --filter country=unknown"
    )
    video, news = told["series"][0], told["series"][2]
    assert (video["key"], video["label"]) == ("video", "Video")
    assert news["points"][0] == {
        "start": "2026-01-05", "value": 1.0, "low": pytest.approx(0.7847, abs=1e-4), "high": 1.0, "n": 14, "of": 14,
        "status": "ok", "sources_observed": 3, "sources_expected": 3,
    }  # fmt: skip


def test_counts_are_told_as_whole_numbers() -> None:
    assert isinstance(points(ask(WEEKLY))[0]["value"], int)


def test_nothing_ever_observed_says_so() -> None:
    told = document(ask([], {}), label=lambda *_: None, generated=False, now=NOW)
    assert told["as_of"] == "2026-02-04T12:00:00Z"
    assert told["coverage"]["observed"] is None
    assert "None of these sources has been observed yet." in told["notes"]
    assert all(point["value"] is None for point in told["series"][0]["points"])


def test_labels_come_from_the_caller_where_the_core_has_none() -> None:
    trend = ask([P(0, country="DE"), P(0)], by="country")
    told = document(trend, label=lambda dimension, key: {"DE": "Germany"}.get(key), generated=False, now=NOW)
    assert [series["label"] for series in told["series"]] == ["Germany", "Country unknown"]


def test_rows_are_tidy() -> None:
    trend = ask(WEEKLY, metric="sentiment", by="platform")
    flat = rows(trend, label=lambda *_: None, now=NOW)
    assert len(flat) == 2 * 4
    assert all(tuple(row) == ROW_COLUMNS for row in flat)
    assert (flat[0]["start"], flat[0]["end"], flat[0]["level"], flat[0]["as_of"]) == (
        "2026-01-05",
        "2026-01-12",
        0.95,
        "2026-02-04T09:36:00Z",
    )


def test_every_metric_is_fully_described() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.label
        assert metric.unit
        assert "n" in metric.about
        assert "nterval" in metric.about
