"""The Reddit collector against its stand-in: paging, pinned and deleted posts, limits, refusals, and the public feed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from collectors.base import (
    NO_ENGAGEMENT,
    NOTHING_PROVED,
    CollectError,
    NeedsKey,
    NotFound,
    Refused,
    Stored,
    Stretch,
    Throttled,
)
from collectors.reddit import COLLECTOR
from collectors.reddit_api.door import REQUESTS
from tests.platforms.reddit_platform import CLIENT, COMMUNITY, Entry, Reddit, source
from tests.platforms.reddit_visits import Visitor
from tests.platforms.serving import START

YEAR_AGO = START - timedelta(days=365)


@pytest.fixture
def platform() -> Iterator[Reddit]:
    with Reddit() as reddit:
        yield reddit


@pytest.fixture
async def visitor(platform: Reddit) -> Visitor:
    return Visitor(platform)


async def test_the_first_visit_goes_back_as_far_as_the_window(visitor: Visitor) -> None:
    pages = await visitor.visit()
    assert len(pages) == 3
    assert visitor.stored.keys() == visitor.platform.ids()
    assert [page.resume is None for page in pages] == [True, True, False]
    oldest = visitor.platform.posts[-100].at
    assert pages[0].observed == Stretch(oldest, START)
    assert pages[-1].observed == Stretch(YEAR_AGO, START)
    agents = {one.headers["user-agent"] for one in visitor.platform.requests}
    assert len(agents) == 1
    assert agents.pop().endswith(" (by /u/example_operator)")


async def test_the_first_visit_ends_at_the_window(visitor: Visitor) -> None:
    visitor.source = source(days=1)
    pages = await visitor.visit()
    assert len(pages) == 1
    assert pages[0].observed == Stretch(START - timedelta(days=1), START)


async def test_the_next_visit_brings_what_is_new_and_stops_at_the_known(visitor: Visitor) -> None:
    await visitor.visit()
    visitor.later(hours=1)
    visitor.platform.publish(3)
    pages = await visitor.visit()
    assert len(pages) == 1
    assert pages[0].observed == Stretch(START, visitor.now)
    assert visitor.stored.keys() == visitor.platform.ids()
    assert len(visitor.asked("access_token")) == 1  # the token is kept


async def test_anchors_that_were_deleted_do_not_matter(visitor: Visitor) -> None:
    await visitor.visit()
    for post in visitor.platform.posts[-10:]:
        post.gone = True
    visitor.later(hours=1)
    visitor.platform.publish(2)
    (page,) = await visitor.visit()
    assert page.observed == Stretch(START, visitor.now)


async def test_a_pinned_post_neither_ends_a_visit_nor_stretches_it(visitor: Visitor) -> None:
    visitor.platform.posts[0].more = {"stickied": True}
    visitor.platform.posts[0].at = START - timedelta(days=700)
    pages = await visitor.visit()
    assert len(pages) == 3
    assert pages[0].observed == Stretch(visitor.platform.posts[-100].at, START)
    visitor.later(hours=1)
    visitor.platform.publish(150)
    assert len(await visitor.visit()) == 2
    assert visitor.stored.keys() == visitor.platform.ids()


async def test_more_than_reddit_shows_is_an_overflow(visitor: Visitor) -> None:
    await visitor.visit()
    visitor.later(hours=1)
    visitor.platform.publish(1100)
    pages = await visitor.visit()
    assert len(pages) == 10
    assert pages[-1].observed == Stretch(visitor.now, visitor.now, "overflow")
    assert pages[-1].resume is not None
    visitor.later(hours=1)
    (page,) = await visitor.visit()
    assert page.observed == Stretch(START + timedelta(hours=1), visitor.now)


async def test_an_empty_listing_where_posts_were_known_proves_nothing(visitor: Visitor) -> None:
    await visitor.visit()
    before = visitor.cursor
    for post in visitor.platform.posts:
        post.gone = True
    visitor.later(hours=1)
    (page,) = await visitor.visit()
    assert page.observed == NOTHING_PROVED
    assert (page.resume, visitor.cursor) == (None, before)


async def test_a_visit_whose_next_page_hung_on_a_post_that_was_removed_proves_no_more_than_it_saw(
    visitor: Visitor,
) -> None:
    visitor.platform.remove_between_pages = True
    pages = await visitor.visit()
    assert len(pages) == 2
    assert (pages[1].observed, pages[1].resume) == (NOTHING_PROVED, None)
    visitor.platform.remove_between_pages = False
    pages = await visitor.visit()
    assert pages[-1].observed == Stretch(YEAR_AGO, START)
    assert visitor.stored.keys() >= visitor.platform.ids()


async def test_an_empty_community_is_observed_as_empty() -> None:
    with Reddit(posts=0) as platform:
        visitor = Visitor(platform)
        (page,) = await visitor.visit()
        assert page.observed == Stretch(YEAR_AGO, START)
        visitor.later(hours=1)
        visitor.platform.publish(1)
        (page,) = await visitor.visit()
        assert page.observed == Stretch(START, visitor.now)


async def test_a_broken_visit_begins_anew_and_loses_nothing(visitor: Visitor) -> None:
    visitor.platform.stop_after = 2
    with pytest.raises(CollectError):
        await visitor.visit()
    assert visitor.cursor == {}
    visitor.platform.stop_after = None
    await visitor.visit()
    assert visitor.stored.keys() == visitor.platform.ids()


async def test_comments_are_followed_and_only_both_listings_together_prove_something() -> None:
    with Reddit(posts=130, comments=150) as platform:
        visitor = Visitor(platform, at=source(comments=True))
        pages = await visitor.visit()
        assert [page.observed for page in pages[:-1]] == [NOTHING_PROVED] * 3
        assert pages[-1].observed == Stretch(YEAR_AGO, START)
        assert visitor.stored.keys() == platform.ids()
        assert visitor.cursor.keys() == {"posts", "comments", "until"}
        visitor.later(hours=1)
        platform.comments += [Entry("t1", 1000 + number, visitor.now) for number in range(1300)]
        pages = await visitor.visit()
        assert pages[-1].observed == Stretch(visitor.now, visitor.now, "overflow")


async def test_deletions_in_a_listing_are_carried_out(visitor: Visitor) -> None:
    await visitor.visit()
    name = visitor.platform.remove_one()
    assert name in visitor.stored
    visitor.later(hours=1)
    await visitor.visit()
    assert name not in visitor.stored


async def test_a_review_looks_up_a_hundred_at_a_time_and_finds_what_is_gone(visitor: Visitor) -> None:
    await visitor.visit()
    held = [Stored(name, item.url, item.published_at or START) for name, item in visitor.stored.items()]
    blanked, vanished = visitor.platform.remove_one(), visitor.platform.posts[5]
    vanished.gone = True
    visitor.platform.posts[7].more = {"score": 900}
    pages = await visitor.review(held)
    assert [len(page.confirmed) for page in pages] == [100, 100, 30]
    assert {(page.observed, page.resume) for page in pages} == {(NOTHING_PROVED, None)}
    assert visitor.stored.keys() == {post.id for post in held} - {blanked, vanished.name}
    assert visitor.stored[visitor.platform.posts[7].name].engagement.likes == 900


async def test_a_post_that_cannot_be_read_in_a_review_is_not_gone(visitor: Visitor) -> None:
    await visitor.visit()
    broken = visitor.platform.break_one()
    (page,) = await visitor.review([Stored(broken, None, START)])
    parsed = COLLECTOR.parse(visitor.source, page)
    assert (parsed.items, len(parsed.rejected)) == ((), 1)


async def test_without_a_key_there_is_no_review(platform: Reddit) -> None:
    visitor = Visitor(platform, key=None)
    assert await visitor.review([Stored("t3_1", None, START)]) == []
    assert platform.requests == []


async def test_no_request_is_sent_once_reddit_says_that_less_than_one_is_left(visitor: Visitor) -> None:
    visitor.platform.remaining = 2.4
    with pytest.raises(Throttled) as caught:
        await visitor.visit()
    assert (caught.value.code, caught.value.until) == ("quota_used", START + timedelta(seconds=240))
    assert len(visitor.pages) == 2
    count = len(visitor.platform.requests)
    with pytest.raises(Throttled):
        await visitor.visit()
    assert len(visitor.platform.requests) == count
    visitor.later(seconds=240)
    visitor.platform.remaining = 99.0
    await visitor.visit()
    assert visitor.stored.keys() == visitor.platform.ids()


async def test_our_own_account_of_requests_is_kept(visitor: Visitor) -> None:
    await visitor.meter.book("reddit", REQUESTS, 98, since=START, at=START, what="")
    with pytest.raises(Throttled) as caught:
        await visitor.visit()
    assert (caught.value.code, len(visitor.pages)) == ("quota_used", 2)
    assert caught.value.until is not None
    assert caught.value.until > START
    assert len(visitor.platform.requests) == 3  # the token and two pages


async def test_too_often_waits_as_long_as_it_is_told(visitor: Visitor) -> None:
    visitor.platform.throttled = True
    with pytest.raises(Throttled) as caught:
        await visitor.visit()
    assert (caught.value.code, caught.value.until) == ("http_429", START + timedelta(seconds=240))
    assert len(visitor.platform.requests) == 1


async def test_a_token_that_was_withdrawn_is_asked_for_again_once(visitor: Visitor) -> None:
    await visitor.visit()
    visitor.platform.tokens.append("hush-another")
    visitor.later(hours=1)
    await visitor.visit()
    assert len(visitor.asked("access_token")) == 2


async def test_a_token_is_renewed_shortly_before_it_expires(visitor: Visitor) -> None:
    visitor.platform.expires_in = 3600
    await visitor.visit()
    visitor.later(minutes=58)
    await visitor.visit()
    assert len(visitor.asked("access_token")) == 1
    visitor.later(minutes=1)
    await visitor.visit()
    assert len(visitor.asked("access_token")) == 2


@pytest.mark.parametrize("key", ["hush-client:hush-wrong", "hush-only", "hush-client:", "hush-client::example"])
async def test_a_wrong_key_is_named_by_its_variable_and_not_shown(platform: Reddit, key: str) -> None:
    visitor = Visitor(platform, key=key)
    with pytest.raises(NeedsKey) as caught:
        await visitor.visit()
    assert "TRENDMONITOR_KEY__REDDIT" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert caught.value.code == "key_refused"


async def test_a_key_without_an_account_works_with_a_note(platform: Reddit) -> None:
    visitor = Visitor(platform, key=":".join(CLIENT))
    pages = await visitor.visit()
    assert visitor.stored.keys() == platform.ids()
    assert "names no Reddit account" in COLLECTOR.parse(visitor.source, pages[0]).facts.repairs[0]
    assert all("by /u/" not in one.headers["user-agent"] for one in platform.requests)


@pytest.mark.parametrize(
    ("status", "reason", "kind", "says"),
    [
        (403, "private", Refused, "is private"),
        (403, "quarantined", Refused, "is quarantined"),
        (404, "banned", NotFound, "was banned by Reddit"),
        (404, "", NotFound, "was not found"),
        (403, "", Refused, "does not say why"),
    ],
)
async def test_a_closed_community_says_why(
    platform: Reddit, status: int, reason: str, kind: type[CollectError], says: str
) -> None:
    platform.reasons["closedexample"] = (status, reason)
    visitor = Visitor(platform, at=source("https://www.reddit.com/r/closedexample"))
    with pytest.raises(kind) as caught:
        await visitor.visit()
    assert caught.value.code == f"http_{status}"
    assert f"r/closedexample {says}" in str(caught.value) or says in str(caught.value)


async def test_a_community_that_does_not_exist_is_not_taken_for_an_empty_one(platform: Reddit) -> None:
    visitor = Visitor(platform, at=source("https://www.reddit.com/r/nosuchexample"))
    with pytest.raises(NotFound, match="r/nosuchexample"):
        await visitor.visit()


async def test_without_a_key_the_public_feed_of_the_same_listing_is_read() -> None:
    with Reddit(posts=60) as platform:
        visitor = Visitor(platform, key=None, at=source(comments=True))
        (page,) = await visitor.visit()
        assert visitor.stored.keys() == platform.ids()
        assert (page.observed, page.context["route"]) == (None, "feed")
        item = visitor.stored[platform.posts[-1].name]
        assert item.text == "Night shift number 60 was long."
        assert (item.author, item.categories) == ("example_user_6", ())
        assert item.url == f"https://www.reddit.com/r/{COMMUNITY}/comments/{item.id[3:]}/question_60/"
        assert (item.published_at, item.engagement) == (START, NO_ENGAGEMENT)
        (note,) = COLLECTOR.parse(visitor.source, page).facts.repairs
        assert note.startswith("without a key")
        assert note.endswith("and no comments")


async def test_feeds_are_asked_for_once_a_minute_at_most(platform: Reddit) -> None:
    visitor = Visitor(platform, key=None)
    await visitor.visit()
    with pytest.raises(Throttled) as caught:
        await visitor.visit()
    assert caught.value.code == "quota_used"
    visitor.later(seconds=61)
    (page,) = await visitor.visit()
    assert page.body is None  # nothing new
    assert COLLECTOR.parse(visitor.source, page).items == ()


async def test_a_feed_that_turns_readers_away_says_what_would_help(platform: Reddit) -> None:
    platform.logged_out_feeds = False
    visitor = Visitor(platform, key=None)
    with pytest.raises(Throttled) as caught:
        await visitor.visit()
    assert (caught.value.code, caught.value.until) == ("http_429", START + timedelta(minutes=10))
    assert "TRENDMONITOR_KEY__REDDIT would help" in str(caught.value)


async def test_feed_and_listing_name_a_post_in_the_same_way(platform: Reddit) -> None:
    by_feed, by_key = Visitor(platform, key=None), Visitor(platform)
    await by_feed.visit()
    await by_key.visit()
    one = platform.posts[-1].name
    fed, listed = by_feed.stored[one], by_key.stored[one]
    for field in ("id", "url", "title", "text", "author", "published_at"):
        assert getattr(fed, field) == getattr(listed, field)
