"""Searches and profiles of Threads against the stand-in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors.base import (
    NOTHING_PROVED,
    Engagement,
    Media,
    NeedsKey,
    Stretch,
)
from collectors.meta import COLLECTOR
from tests.platforms.meta_bench import bench, last
from tests.platforms.meta_platform import source
from tests.platforms.meta_posts import KEY, OWNER, SENSITIVE
from tests.platforms.serving import START

__all__ = ["bench"]  # a fixture
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def test_before_approval_nothing_is_stored_and_the_reason_is_told(bench: Any) -> None:
    made = bench("search")
    made.platform.approved_search = False
    made.platform.posts[-3].author = OWNER
    with pytest.raises(NeedsKey, match="only the posts of the account") as caught:
        await made.visit()
    assert caught.value.code == "needs_approval"
    assert made.pages == []
    for post in made.platform.posts:
        post.author = "example_reader"
    with pytest.raises(NeedsKey):  # an empty answer is no better
        await made.visit()
    assert made.pages == []
    assert len(made.asked("/me")) == 1


async def test_ones_own_posts_are_not_mistaken_for_a_lack_of_approval(bench: Any) -> None:
    made = bench("search")
    for post in made.platform.posts:
        post.author = OWNER
    await made.visit()
    assert set(made.items()) == made.platform.ids()
    probes = [one for one in made.asked("keyword_search") if one["q"] == ["news"]]
    assert len(probes) == 1
    await made.visit()
    assert len([one for one in made.asked("keyword_search") if one["q"] == ["news"]]) == 1


async def test_an_approval_that_is_withdrawn_is_noticed_within_a_day(bench: Any) -> None:
    made = bench("search")
    pages = await made.visit()
    made.platform.approved_search = False
    made.now += DAY
    with pytest.raises(NeedsKey, match="only the posts of the account"):
        await made.visit(last(pages))
    assert made.pages == []


async def test_silence_is_not_zero(bench: Any) -> None:
    made = bench("search")
    made.source = replace(made.source, url=f"https://www.threads.com/search?q={SENSITIVE}")
    (page,) = await made.visit()
    assert page.observed == NOTHING_PROVED
    (note,) = COLLECTOR.parse(made.source, page).facts.repairs
    assert "sensitive" in note
    assert "until" not in last([page])
    assert [entry.amount for entry in made.meter.entries] == [0, 1]  # the probe brought something, the search did not
    (again,) = await made.visit(last([page]))
    assert again.observed == NOTHING_PROVED
    assert COLLECTOR.parse(made.source, again).facts.repairs == ()  # told once


async def test_silence_of_words_that_brought_posts_lately_is_a_zero(bench: Any) -> None:
    made = bench("search")
    pages = await made.visit()
    made.now += DAY
    (quiet,) = await made.visit(last(pages))
    assert quiet.observed == Stretch(START, made.now)
    made.now += 40 * DAY
    (doubtful,) = await made.visit(last([quiet]))
    assert doubtful.observed == NOTHING_PROVED
    assert last([doubtful])["until"] == (START + DAY).isoformat()
    made.platform.publish(1)
    (heard,) = await made.visit(last([doubtful]))
    assert heard.observed == Stretch(START + DAY, made.now)


async def test_a_search_goes_back_by_time(bench: Any) -> None:
    made = bench("search")
    pages = await made.visit()
    first, second, third = made.asked("keyword_search")
    assert "until" not in first
    assert second["until"] == [str(int((START - 1000 * MINUTE).timestamp()) + 1)]
    assert first["search_type"] == ["RECENT"]
    assert "search_mode" not in first
    assert third["since"] == first["since"]
    assert pages[-1].observed == Stretch(START - 7 * DAY, START)


async def test_a_page_full_of_posts_of_one_second_does_not_stop_a_search(bench: Any) -> None:
    made = bench("search")
    for post in made.platform.posts[60:190]:
        post.at = START - 5 * HOUR
    await made.visit()
    assert len(made.items()) >= len(made.platform.ids()) - 31  # what is beyond one page of that second is not shown


async def test_a_topic_tag_is_searched_as_a_tag(bench: Any) -> None:
    made = bench("search")
    made.source = replace(made.source, url="https://www.threads.com/search?q=waitingroom&serp_type=tags")
    await made.visit()
    assert set(made.items()) == made.platform.ids()
    assert {one["search_mode"][0] for one in made.asked("keyword_search")} == {"TAG"}


async def test_posts_of_threads_have_no_counts_and_replies_may_be_left_out(bench: Any) -> None:
    made = bench("search")
    await made.visit()
    items = made.items()
    tagged = items["17900000000000022"]
    assert tagged.engagement == Engagement()
    assert tagged.categories == ("NightShift",)
    assert tagged.url == "https://www.threads.com/@example_reader/post/AA22"  # its permalink is withheld
    assert items["17900000000000024"].media == (Media("https://scontent.example/24.mp4", medium="video"),)
    assert "17900000000000021" in items
    without = source("search", replies=False)
    assert "17900000000000021" not in {
        item.id for page in made.pages for item in COLLECTOR.parse(without, page).items
    }  # fmt: skip


async def test_threads_may_have_a_key_of_its_own(bench: Any) -> None:
    made = bench("search")
    made.keys = {"meta": "hush-other", "threads": KEY}
    assert await made.visit()
    made.keys = {"meta": KEY, "threads": "hush-old"}
    with pytest.raises(NeedsKey, match="TRENDMONITOR_KEY__THREADS"):
        await made.visit()
    made.keys = {}
    with pytest.raises(NeedsKey, match="TRENDMONITOR_KEY__THREADS is not set"):
        await made.visit()


async def test_a_profile_tells_its_followers_and_is_counted(bench: Any) -> None:
    made = bench("profile")
    await made.visit()
    items = made.items()
    one = items["17900000000000030"]
    assert (one.author, one.followers, one.verified, one.author_bio) == ("example_reader", 1500, True, "ICU nurse")
    assert items["17900000000000022"].verified is False
    assert len(made.meter.entries) == 4  # the profile itself and three pages
    made.platform.profile_discovery = False
    with pytest.raises(NeedsKey, match="threads_profile_discovery"):
        await made.visit()


async def test_posts_of_threads_are_looked_up_one_by_one(bench: Any) -> None:
    made = bench("search")
    ids = sorted(made.platform.ids())[:30]
    made.platform.posts = [post for post in made.platform.posts if post.native != ids[2]]
    pages = await made.review(ids)
    assert [len(page.confirmed) for page in pages] == [25, 5]
    items = [item for page in pages for item in COLLECTOR.parse(made.source, page).items]
    assert {item.id for item in items if item.deleted} == {ids[2]}
    assert len(items) == 30


async def test_a_single_post_is_gone_only_if_others_can_be_looked_up(bench: Any) -> None:
    made = bench("search")
    (page,) = await made.review(["404"])
    assert [item.deleted for item in COLLECTOR.parse(made.source, page).items] == [True]
    made.platform.basic_advanced = False
    with pytest.raises(NeedsKey, match="advanced access") as caught:
        await made.review(["404"])
    assert caught.value.code == "needs_approval"
    quiet = bench("profile")
    quiet.platform.posts = []
    assert await quiet.review(["404"]) == []  # nothing is listed that could prove it
