"""Hashtags and professional accounts of Instagram against the stand-in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors.base import (
    NOTHING_PROVED,
    NeedsKey,
    NotFound,
    Refused,
    Stretch,
    Throttled,
)
from collectors.graph.instagram import HASHTAGS
from collectors.meta import COLLECTOR
from tests.platforms.meta_bench import bench, last
from tests.platforms.meta_posts import SENSITIVE
from tests.platforms.serving import START

__all__ = ["bench"]  # a fixture
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def test_a_hashtag_shows_its_last_day_in_no_order(bench: Any) -> None:
    made = bench("hashtag")
    pages = await made.visit()
    assert [page.observed for page in pages[:-1]] == [NOTHING_PROVED] * 2
    assert pages[-1].observed == Stretch(START - DAY, START, gap="overflow")
    assert last(pages) == {"hashtag": "17841562000000001", "until": START.isoformat()}
    items = made.items()
    assert set(items) == made.platform.ids()
    assert all(item.author is None for item in items.values())
    await made.visit(last(pages))
    assert len(made.asked("ig_hashtag_search")) == 1  # its id never changes


async def test_a_mark_that_leads_in_a_circle_ends_the_visit(bench: Any) -> None:
    made = bench("hashtag")
    made.platform.circles = True
    pages = await made.visit()
    assert len(pages) == 4
    assert pages[-1].observed == Stretch(START - DAY, START, gap="overflow")
    assert set(made.items()) == made.platform.ids()


async def test_a_hashtag_with_more_than_the_pages_of_a_visit_proves_nothing_and_says_so(bench: Any) -> None:
    made = bench("hashtag", pages=2)
    pages = await made.visit()
    assert [page.observed for page in pages] == [NOTHING_PROVED] * 2
    assert "until" not in last(pages)
    (note,) = COLLECTOR.parse(made.source, pages[-1]).facts.repairs
    assert "not observed" in note


async def test_thirty_different_hashtags_a_week_and_no_more(bench: Any) -> None:
    made = bench("hashtag")
    for number in range(29):
        await made.meter.book("meta", HASHTAGS, 1, since=START - DAY, at=START, what=f"x:{number}")
    await made.visit()
    await made.visit()  # the same one again costs nothing
    made.source = replace(made.source, url="https://www.instagram.com/explore/tags/another/")
    asked = len(made.platform.requests)
    with pytest.raises(Throttled) as caught:
        await made.visit()
    assert caught.value.code == "quota_used"
    assert len(made.platform.requests) == asked


async def test_hashtags_used_up_elsewhere_are_told_by_instagram(bench: Any) -> None:
    made = bench("hashtag")
    made.platform.hashtags = 0
    with pytest.raises(Throttled, match="30 different hashtags") as caught:
        await made.visit()
    assert (caught.value.code, caught.value.until) == ("quota_used", START + DAY)


async def test_a_hashtag_that_instagram_does_not_answer_for_is_refused_clearly(bench: Any) -> None:
    made = bench("hashtag")
    made.source = replace(made.source, url=f"https://www.instagram.com/explore/tags/{SENSITIVE}/")
    with pytest.raises(Refused, match="sensitive") as caught:
        await made.visit()
    assert caught.value.code == "topic_refused"
    made.source = replace(made.source, url="https://www.instagram.com/explore/tags/nosuchtag/")
    with pytest.raises(NotFound, match="#nosuchtag"):
        await made.visit()
    made.platform.public_content = False
    with pytest.raises(NeedsKey, match="Instagram Public Content Access"):
        await made.visit()


async def test_an_account_tells_its_followers_and_hides_likes(bench: Any) -> None:
    made = bench("account")
    pages = await made.visit()
    assert pages[-1].observed == Stretch(START - 365 * DAY, START)
    items = list(made.items().values())
    assert {item.followers for item in items} == {640}
    assert {item.author for item in items} == {"17841400000000077"}
    assert {item.author_bio for item in items} == {"Registered nurses"}
    assert {item.engagement.likes for item in items} >= {None, 0, 1}
    assert {media.medium for item in items for media in item.media} == {"image", "video"}
    made.now += HOUR
    made.platform.publish(1)
    (page,) = await made.visit(last(pages))
    assert page.observed == Stretch(START, made.now)


async def test_an_account_that_is_not_professional_is_not_found(bench: Any) -> None:
    made = bench("account")
    made.source = replace(made.source, url="https://www.instagram.com/somebody/")
    with pytest.raises(NotFound, match="professional"):
        await made.visit()


async def test_marks_that_the_platform_has_forgotten_cost_nothing_but_a_new_beginning(bench: Any) -> None:
    made = bench("account")
    going = {"top": START.isoformat(), "at": {"after": "lost"}, "floor": (START - 3 * HOUR).isoformat()}
    made.now += HOUR
    (page,) = await made.visit({"going": going})
    assert page.observed == Stretch(START - 3 * HOUR, made.now)


async def test_posts_of_instagram_cannot_be_looked_up(bench: Any) -> None:
    made = bench("account")
    assert await made.review(["1", "2"]) == []
    assert made.platform.requests == []
