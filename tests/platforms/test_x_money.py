"""X: what it costs, and looking stored posts up again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collectors.base import (
    NOTHING_PROVED,
    Page,
    Stored,
    Throttled,
)
from collectors.x import COLLECTOR
from collectors.x_api.budget import price, share_for_new
from tests.platforms.serving import START
from tests.platforms.x_platform import AUTHOR, SEARCH, X
from tests.platforms.x_visits import DAY, MIDNIGHT, MINUTE, Visits, stored
from tests.platforms.x_words import NOT_ENROLLED, id_at

# Money


async def test_a_source_never_costs_more_than_its_dollars_a_day() -> None:
    with X(posts=230) as platform:
        for post in platform.posts:  # every post by somebody else: the dearest case
            post["author_id"] = f"9{post['id']}"
            platform.users[post["author_id"]] = platform.users[AUTHOR] | {"id": post["author_id"]}
        visits = Visits(platform, usd_a_day=1.0)
        for _ in range(5):
            await visits.go()
            visits.now += timedelta(hours=1)
        assert isinstance(visits.error, Throttled)
        assert (visits.error.code, visits.error.until) == ("quota_used", MIDNIGHT)
        assert "usd_a_day" in str(visits.error)
        assert platform.charged <= 1.0 * share_for_new(author_each=True) + 1e-9
        assert platform.charged == pytest.approx(0.3)
        stored = [Stored(one, None, START) for one in visits.items] * 20
        await visits.go(stored)
        assert isinstance(visits.error, Throttled)
        assert platform.charged <= 1.0


async def test_money_that_ends_in_the_middle_is_a_gap_until_it_goes_on_next_day() -> None:
    with X(posts=0) as platform:
        for number in range(60):
            platform.add(START - timedelta(hours=10) + number * 9 * MINUTE, number)
        visits = Visits(platform, usd_a_day=1.0, authors=False, days=5)
        await visits.go()
        assert len(visits.pages) == 1
        assert isinstance(visits.error, Throttled)
        assert len(visits.items) == 20  # 0.125 dollars
        assert visits.proved().gap == "budget"
        visits.now = MIDNIGHT
        await visits.go()
        assert len(visits.items) == 40
        visits.now += DAY
        await visits.go()
        assert set(visits.items) == platform.ids()
        assert visits.error is None
        assert visits.proved().gap is None


async def test_a_booking_becomes_what_came() -> None:
    with X(posts=7) as platform:
        visits = Visits(platform)
        await visits.go()
        assert visits.booked("usd:new_posts:it") == pytest.approx(price(7, 1))
        assert visits.booked("usd:new_posts:it") == pytest.approx(platform.charged)
        assert visits.booked("post_reads") == 7


async def test_what_x_refuses_or_does_not_answer_costs_nothing() -> None:
    with X(posts=7) as platform:
        visits = Visits(platform)
        platform.refuse = NOT_ENROLLED
        await visits.go()
        platform.refuse = None
        platform.stop_after = 0
        await visits.go()
        assert visits.booked("") == 0


async def test_without_authors_a_post_costs_half_a_cent() -> None:
    with X(posts=7) as platform:
        visits = Visits(platform, authors=False)
        found = await visits.go()
        assert "author_id" not in platform.requests[0].one("expansions").split(",")
        assert visits.booked("usd") == pytest.approx(7 * 0.005)
        assert {item.author for item in found} == {AUTHOR}
        assert all(item.followers is None and item.verified is None for item in found)


def test_what_is_kept_for_looking_up_pays_for_a_week_of_it() -> None:
    for each, once in ((True, 0.015), (False, 0.005)):
        share = share_for_new(author_each=each)
        posts = share / once
        assert posts * 7 * 0.005 == pytest.approx(1 - share)


# Looking stored posts up again


async def test_posts_that_are_gone_withheld_or_private_now_are_deleted_and_the_others_confirmed() -> None:
    with X(posts=6) as platform:
        posts = stored(platform)
        gone = platform.remove_one()
        platform.posts[0]["withheld"] = {"copyright": True, "country_codes": ["XX"]}
        platform.posts[1]["author_id"] = "2000000003"
        visits = Visits(platform)
        found = await visits.go(posts)
        assert {item.id for item in found if item.deleted} == {gone, posts[0].id, posts[1].id}
        assert {item.id for item in found if not item.deleted} == {posts[number].id for number in (2, 3, 4)}
        (page,) = visits.pages
        assert set(page.confirmed) == {post.id for post in posts}
        assert (page.observed, page.resume) == (NOTHING_PROVED, None)
        assert visits.booked("usd:looking") == pytest.approx(
            4 * 0.005
        )  # a withheld post is returned, and a gone one is not


async def test_posts_are_looked_up_a_hundred_at_a_time() -> None:
    with X(posts=230) as platform:
        visits = Visits(platform)
        assert len(await visits.go(stored(platform))) == 230
        assert [len(asked.one("ids").split(",")) for asked in platform.requests] == [100, 100, 30]


async def test_an_edited_post_comes_in_its_newest_version() -> None:
    with X(posts=0) as platform:
        first, newer = id_at(START - 2 * MINUTE, 1), id_at(START - MINUTE, 1)
        platform.add(START - MINUTE, 1, edit_history_tweet_ids=[first, newer])
        visits = Visits(platform)
        (item,) = await visits.go([Stored(first, None, START)])
        assert (item.id, item.text) == (first, "Invented flu post number 1 #flu")
        assert item.updated_at == START - MINUTE
        assert visits.pages[0].confirmed == (first,)


async def test_an_error_while_looking_up_deletes_nothing() -> None:
    with X(posts=3) as platform:
        visits = Visits(platform)
        platform.throttled = True
        assert await visits.go(stored(platform)) == []
        assert isinstance(visits.error, Throttled)


async def test_a_post_that_x_does_not_mention_is_neither_gone_nor_confirmed() -> None:
    page = Page(
        body=b'{"errors":[{"resource_id":"12","resource_type":"user","type":"https://x/resource-not-found"}]}',
        url="https://api.x.com/2/tweets", fetched_at=START, context={"asked": ["12"]},
    )  # fmt: skip
    assert COLLECTOR.parse(SEARCH, page).items == ()
