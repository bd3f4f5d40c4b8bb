"""YouTube: searches, their windows, their limits, and what they prove."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import orjson
import pytest

from collectors.base import (
    NOTHING_PROVED,
    Stretch,
    Throttled,
)
from collectors.quota import MemoryMeter
from collectors.youtube_api.calls import SEARCHES
from tests.platforms.serving import START
from tests.platforms.youtube_platform import (
    BY_PAID_SEARCH,
    BY_SEARCH,
    YouTube,
    source,
)
from tests.platforms.youtube_shapes import Video
from tests.platforms.youtube_visits import DAY, HOUR, Visitor, asked, stretches


async def test_a_paid_search_marks_what_youtube_labels_and_nothing_else() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_PAID_SEARCH)
        found = visitor.items(await visitor.visit())
        labelled = {name for name, item in found.items() if item.sponsored}
        assert labelled == {video.id for video in platform.videos.values() if video.paid}
        assert {item.sponsored for item in found.values()} == {True, None}
        kinds = [one.one("videoPaidProductPlacement") for one in asked(platform, "search")]
        assert kinds == ["true", "", "", ""]


async def test_a_search_asks_for_everything_in_its_window_and_claims_all_but_the_last_hour() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_SEARCH)
        pages = await visitor.visit()
        assert set(visitor.items(pages)) == platform.ids()
        assert [page.observed for page in pages[:-1]] == [NOTHING_PROVED] * 2
        assert pages[-1].observed == Stretch(START - 7 * DAY, START - HOUR)
        first = asked(platform, "search")[0]
    said = {name: first.one(name) for name in first.query if name not in ("key", "part", "maxResults")}
    assert said == {
        "q": "telehealth",
        "type": "video",
        "order": "date",
        "safeSearch": "none",
        "publishedAfter": "2026-06-29T12:00:00Z",
        "publishedBefore": "2026-07-06T12:00:00Z",
        "relevanceLanguage": "en",
        "regionCode": "US",
    }


async def test_the_next_search_reaches_back_so_that_late_videos_are_found() -> None:
    with YouTube() as platform:
        late = platform.add(Video("late0000001", START - 2 * HOUR, "Late in the index", indexed=False))
        visitor = Visitor(platform, BY_SEARCH)
        assert late.id not in visitor.items(await visitor.visit())
        late.indexed = True
        visitor.now += 2 * HOUR
        pages = await visitor.visit()
        assert late.id in visitor.items(pages)
        assert stretches(pages) == [Stretch(START - HOUR, START + HOUR)]
        assert asked(platform, "search")[-1].one("publishedAfter") == "2026-07-06T05:00:00Z"
        assert len(asked(platform, "search")) == 4


async def test_visits_within_the_hour_find_new_videos_and_claim_what_has_settled() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_SEARCH)
        await visitor.visit()
        visitor.now += HOUR / 6
        platform.publish(1)
        pages = await visitor.visit()
        assert any(name.startswith("new") for name in visitor.items(pages))
        assert stretches(pages) == [Stretch(START - HOUR, START - HOUR + HOUR / 6)]


async def test_results_from_before_the_window_are_left_out() -> None:
    with YouTube(count=10) as platform:
        platform.strays = True
        visitor = Visitor(platform, BY_SEARCH)
        found = visitor.items(await visitor.visit())
        assert set(found) == platform.ids() - {"stray000001"}


async def test_a_search_that_breaks_off_goes_on_inside_its_window() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_SEARCH)
        found = visitor.items(await visitor.visit(stop=2))
        visitor.now += 5 * HOUR
        platform.publish(1)
        pages = await visitor.visit()
        found |= visitor.items(pages)
        assert set(found) == platform.ids()
        assert stretches(pages) == [Stretch(START - 7 * DAY, START - HOUR), Stretch(START - HOUR, START + 4 * HOUR)]
        assert len(asked(platform, "search")) == 4  # three pages of the first window, one of the second


async def test_a_page_token_that_died_begins_the_window_anew() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_SEARCH)
        await visitor.visit(stop=1)
        visitor.cursor = {**visitor.cursor, "window": {**visitor.cursor["window"], "token": "dead"}}
        assert set(visitor.items(await visitor.visit())) == platform.ids()


async def test_a_window_that_youtube_cuts_off_is_split_until_it_fits() -> None:
    with YouTube(count=1) as platform:
        for number in range(560):
            platform.add(Video(f"many{number:07d}", START - timedelta(minutes=5 + 15 * number), "One of many"))
        visitor = Visitor(platform, source(BY_SEARCH.url, pages=50, searches_a_day=100))
        pages = await visitor.visit()
        assert set(visitor.items(pages)) == platform.ids()
        proved = stretches(pages)
        assert len(proved) > 1
        assert proved[0].since == START - 7 * DAY
        assert proved[-1].until == START - HOUR
        assert all(one.until == two.since for one, two in pairwise(proved))
        assert all(one.gap is None for one in proved)


async def test_more_results_in_an_hour_than_youtube_shows_are_a_gap() -> None:
    with YouTube(count=1) as platform:
        for number in range(700):
            platform.add(Video(f"many{number:07d}", START - HOUR - timedelta(seconds=5 * number + 1), "One of many"))
        visitor = Visitor(platform, source(BY_SEARCH.url, pages=50, searches_a_day=100, days=1))
        visitor.cursor = {"of": "v1 search:telehealth", "until": (START - 2 * HOUR).isoformat(), "span": 3600.0}
        pages = await visitor.visit()
        gaps = [one for one in stretches(pages) if one.gap]
        assert [one.gap for one in gaps] == ["overflow"]
        assert gaps[0].since > START - 2 * HOUR
        assert gaps[0].until == START - HOUR
        assert orjson.loads(orjson.dumps(visitor.cursor))["until"] == (START - HOUR).isoformat()


async def test_a_source_has_its_own_share_of_searches() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, source(BY_SEARCH.url, searches_a_day=2))
        with pytest.raises(Throttled, match="2 searches a day for it") as caught:
            await visitor.visit()
        assert caught.value.until == datetime(2026, 7, 7, 7, tzinfo=UTC)
        assert len(asked(platform, "search")) == 2
        assert visitor.cursor["window"]["read"] == 2  # tomorrow it goes on here
        neighbour = Visitor(platform, replace(BY_SEARCH, id="other"))
        neighbour.meter = visitor.meter
        assert set(neighbour.items(await neighbour.visit())) == platform.ids()
        visitor.now = caught.value.until
        await visitor.visit()


async def test_all_sources_together_stay_within_a_hundred_searches_a_day() -> None:
    with YouTube(count=10) as platform:
        platform.searches_left = 1
        meter = MemoryMeter()
        since, _ = SEARCHES.window(START)
        await meter.book("youtube", SEARCHES, 99, since=since, at=START, what="")  # by other sources
        visitor = Visitor(platform, BY_SEARCH)
        visitor.meter = meter
        await visitor.visit()
        visitor = Visitor(platform, replace(BY_SEARCH, id="one-too-many"))
        visitor.meter = meter
        with pytest.raises(Throttled, match="100 searches a day"):
            await visitor.visit()
        assert platform.searches_left == 0
        own = [one for one in meter.entries if one.bucket == "search:one-too-many"]
        assert sum(one.amount for one in own) == 0  # what was refused is not counted against the source


async def test_the_last_page_spreads_the_share_over_the_day() -> None:
    with YouTube() as platform:
        plain = await Visitor(platform, BY_SEARCH).visit()
        paid = await Visitor(platform, BY_PAID_SEARCH).visit()
    assert [page.poll_after for page in plain] == [None, None, timedelta(minutes=72)]
    assert paid[-1].poll_after == timedelta(minutes=144)


async def test_a_search_without_results_proves_its_window_too() -> None:
    with YouTube(count=1) as platform:
        platform.videos.clear()
        (page,) = await Visitor(platform, BY_SEARCH).visit()
        assert (page.body, page.observed) == (None, Stretch(START - 7 * DAY, START - HOUR))


async def test_other_words_or_filters_begin_anew() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_SEARCH)
        await visitor.visit()
        visitor.source = source(BY_SEARCH.url, region="GB")
        assert set(visitor.items(await visitor.visit())) == platform.ids()
