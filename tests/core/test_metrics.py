"""Queries over a small cube: values against the posts themselves, and the keys they come under."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.answer import document
from monitor.core.buckets import day_number, floor_day
from monitor.core.metrics import METRICS
from tests.support.trends import MONDAY, NOW, NUMBERS, SOURCES, P, ask, line, points, statuses

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
