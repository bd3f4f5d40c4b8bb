"""Queries over a small cube: what each bucket's status says of how it was observed, and the fixed panel."""

from __future__ import annotations

from monitor.core.answer import document
from monitor.core.metrics import METRICS
from tests.support.trends import ALWAYS, NOW, WEEKLY, P, ask, line, points, statuses

# -- statuses --------------------------------------------------------------------------------------------------------


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
