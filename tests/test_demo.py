"""The generated data: true by construction means that the imported cells say so too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.core.metrics import parse_query
from monitor.demo import (
    DAYS,
    TOPICS,
    TRUTH,
    VIDEO_GROWTH,
    NotEmptyError,
    chances,
    fill,
    plans,
    write_archive,
)
from monitor.store import PostQuery, Store
from monitor.store.keys import GENERATED
from monitor.trends import Trends
from tests.support.archives import NOW, RECIPE, record, run_import, stored_posts, write_lines

START = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC) - timedelta(days=DAYS)
PLANS = {plan.source.id: plan for plan in plans()}
MIXED = [name for name, plan in PLANS.items() if plan.kind == "mixed" and plan.rate <= 10]
(GIANT,) = (name for name, plan in PLANS.items() if plan.rate > 10)
NEWCOMERS = [name for name, plan in PLANS.items() if plan.starts]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo.db").write_bytes(sqlite_template.read_bytes())
    store = Store.open(f"sqlite:///{folder / 'demo.db'}")
    report = fill(store, RECIPE, folder, clock=lambda: NOW, workers=2)
    assert report is not None
    assert report.rejected == 0
    assert 25_000 < report.imported < 45_000
    assert report.imported == store.totals().posts
    yield store
    store.close()


@pytest.fixture
def another_store(tmp_path: Path, sqlite_template: Path) -> Iterator[Store]:
    path = tmp_path / "another.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store.open(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def trends(demo: Store) -> Trends:
    return Trends(demo, clock=lambda: NOW)


def points(trends: Trends, **query: Any) -> dict[str, list[dict[str, Any]]]:
    window = {"since": START.date().isoformat(), "until": NOW.date().isoformat()} | query
    params = {name: value if isinstance(value, list) else [str(value)] for name, value in window.items()}
    return {series["key"]: series["points"] for series in trends.answer(parse_query(params, now=NOW))["series"]}


def assert_within_chance(found: list[dict[str, Any]], expected: list[float]) -> None:
    """Each bucket within 4.5 standard errors, and all of them together within 3.5: no bucket is off, and no drift."""
    together = variance = 0.0
    for point, share in zip(found, expected, strict=True):
        if not point["of"]:
            continue
        spread = point["of"] * share * (1 - share)
        assert abs(point["n"] - point["of"] * share) <= 4.5 * math.sqrt(spread) + 1
        together += point["n"] - point["of"] * share
        variance += spread
    assert abs(together) <= 3.5 * math.sqrt(variance)


def years(day: date) -> float:
    return ((day - START.date()).days - DAYS / 2) / 365.25


def days_of(found: list[dict[str, Any]]) -> list[date]:
    """The middle of each month."""
    return [date.fromisoformat(point["start"]) + timedelta(days=14) for point in found]


def test_shares_of_topics_are_what_they_are_said_to_be(trends: Trends) -> None:
    others = [name for name in PLANS if name != GIANT]
    found = points(trends, metric="share", by="topic", interval="month", source=others)
    for topic, (level, growth) in TOPICS.items():
        assert_within_chance(found[topic][1:-1], [level * growth ** years(day) for day in days_of(found[topic])[1:-1]])
    season = [
        chances(datetime(day.year, day.month, day.day, tzinfo=UTC), 0)["vaccination"]
        for day in days_of(found["vaccination"])[1:-1]
    ]
    assert_within_chance(found["vaccination"][1:-1], season)
    assert max(season) / min(season) > 2.5


def test_video_grows_in_sources_that_mix_and_podcasts_do_not(trends: Trends) -> None:
    for name in MIXED:
        plan = PLANS[name]
        found = points(trends, metric="share", by="content_type", interval="month", source=name)
        kept = [
            (point, day) for point, day in zip(found["video"], days_of(found["video"]), strict=True) if point["of"]
        ][1:-1]
        assert_within_chance([point for point, _ in kept], [plan.level * VIDEO_GROWTH ** years(day) for _, day in kept])
    mixed = points(trends, metric="share", by="content_type", interval="month", source=MIXED)
    podcasts = [point for point in mixed["podcast"][1:-1] if point["of"]]
    videos = [point for point in mixed["video"][1:-1] if point["of"]]
    expected = [0.1 * (1 - video["n"] / video["of"]) for video in videos]
    assert_within_chance(podcasts, expected)


def test_the_giant_is_a_fifth_and_has_no_trend(trends: Trends, demo: Store) -> None:
    found = points(trends, metric="share", by="content_type", interval="month", source=GIANT)
    assert_within_chance(found["video"][1:-1], [PLANS[GIANT].level] * (len(found["video"]) - 2))
    volume = points(trends, metric="volume", by="source", interval="month", limit=100)
    giant = sum(point["n"] for point in volume[GIANT])
    assert 0.17 < giant / demo.totals().posts < 0.23


def test_newcomers_start_late_with_twice_the_video(trends: Trends) -> None:
    assert f"{['no', 'one', 'two', 'three', 'four', 'five', 'six'][len(NEWCOMERS)]} sources start" in TRUTH["newcomers"]
    old = points(
        trends,
        metric="share",
        by="content_type",
        interval="month",
        source=[name for name in MIXED if name not in NEWCOMERS],
    )
    new = points(trends, metric="share", by="content_type", interval="month", source=NEWCOMERS)
    ratio = (
        sum(p["n"] for p in new["video"])
        / sum(p["of"] for p in new["video"])
        / (sum(p["n"] for p in old["video"]) / sum(p["of"] for p in old["video"]))
    )
    assert 1.6 < ratio < 2.6
    for name in NEWCOMERS:
        assert PLANS[name].kind == "mixed"
        first = points(trends, metric="volume", interval="week", source=name)["all"][:50]
        assert {point["status"] for point in first} == {"not_observed"}


def test_planted_gaps_are_gaps_and_not_zeros(trends: Trends) -> None:
    outage = START + timedelta(days=DAYS - 300)
    window = {
        "since": (outage - timedelta(days=3)).date().isoformat(),
        "until": (outage + timedelta(days=12)).date().isoformat(),
    }
    days = points(trends, metric="volume", interval="day", **window)["all"]
    assert [point["status"] == "not_observed" for point in days] == [False] * 3 + [True] * 9 + [False] * 3
    assert all(point["value"] is None for point in days[3:12])
    assert all(point["value"] for point in (*days[:3], *days[12:]))
    weeks = points(trends, metric="volume", interval="week")["all"]
    assert sum(point["status"] == "partial" for point in weeks) >= 3
    leaver = next(name for name, plan in PLANS.items() if plan.ends < DAYS)
    last = points(trends, metric="volume", interval="month", source=leaver)["all"]
    assert [point["status"] for point in last[-2:]] == ["not_observed"] * 2


def test_hardly_any_post_counts_as_a_copy_and_english_ones_have_sentiment(demo: Store) -> None:
    copies = demo.count_posts(PostQuery(filters={"copy": ("true",)}), cap=10**6)
    assert copies < 0.005 * demo.totals().posts
    sample = stored_posts(demo, filters={"country": ("GB",)})
    scores = {post.annotation.sentiment for post in sample.values()}
    assert None not in scores
    assert min(scores) < -0.05 < 0.05 < max(scores)


def test_the_same_moment_gives_the_same_bytes(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.jsonl", NOW)
    write_archive(tmp_path / "b.jsonl", NOW)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_filling_twice_does_nothing_and_a_store_in_use_is_refused(
    demo: Store, sqlite_store: Store, tmp_path: Path
) -> None:
    assert fill(demo, RECIPE, tmp_path, clock=lambda: NOW + timedelta(days=9)) is None
    run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", [record(1)]))
    with pytest.raises(NotEmptyError, match="not empty"):
        fill(sqlite_store, RECIPE, tmp_path, clock=lambda: NOW)
    assert sqlite_store.meta(GENERATED) is None


def test_cut_off_and_called_again_it_ends_with_the_same_posts(
    another_store: Store, sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.demo.plans", lambda: list(PLANS.values())[:5])

    class CutOffError(Exception):
        pass

    def cut_off(read: int, _share: float) -> None:
        if read >= 1_000:
            raise CutOffError

    with pytest.raises(CutOffError):
        fill(sqlite_store, RECIPE, tmp_path, clock=lambda: NOW, workers=0, progress=cut_off)
    assert sqlite_store.meta(GENERATED) == "true", "marked before the first post is there"
    assert fill(sqlite_store, RECIPE, tmp_path, clock=lambda: NOW + timedelta(hours=5), workers=0) is not None
    fill(another_store, RECIPE, tmp_path, clock=lambda: NOW, workers=0)
    assert sqlite_store.totals().posts > 1_500
    assert set(stored_posts(sqlite_store)) == set(stored_posts(another_store))
