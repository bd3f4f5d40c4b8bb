"""X: how visits go on from each other, how a listing that was broken off goes on, vocabularies and refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors.base import (
    CollectError,
    Drifted,
    Engagement,
    NeedsKey,
    NotFound,
    Refused,
    Stretch,
    Throttled,
)
from collectors.x_api.paging import moment_of
from tests.platforms.serving import START, Told
from tests.platforms.x_platform import AUTHOR, SEARCH, TIMELINE, X
from tests.platforms.x_visits import DAY, MIDNIGHT, MINUTE, Visits, one
from tests.platforms.x_words import NO_CREDITS, NOT_ENROLLED, WRONG_TOKEN, id_at

# Incremental collecting


async def test_since_id_stays_the_same_on_all_pages_and_only_the_first_page_moves_it() -> None:
    with X(posts=5) as platform:
        visits = Visits(platform)
        await visits.go()
        newest = platform.posts[-1]["id"]
        visits.now += timedelta(hours=12)
        platform.publish(130)
        platform.requests.clear()
        assert len(await visits.go()) == 130
        assert [asked.one("since_id") for asked in platform.requests] == [newest, newest]
        assert all("start_time" not in asked.query for asked in platform.requests)
        assert visits.cursor["since_id"] == platform.posts[-1]["id"]
        assert visits.proved() == Stretch(START - timedelta(seconds=30), visits.now - timedelta(seconds=30))


async def test_the_first_visit_goes_back_as_many_days_as_the_option_says() -> None:
    with X(posts=230) as platform:
        visits = Visits(platform, days=2)
        found = await visits.go()
        assert {item.id for item in found} == {
            post["id"]
            for post in platform.posts
            if moment_of(post["id"]) >= START - 2 * DAY  # type: ignore[operator]
        }
        assert platform.requests[0].one("start_time") == "2026-07-04T12:00:00Z"
        assert visits.proved() == Stretch(START - 2 * DAY, START - timedelta(seconds=30))


async def test_seven_days_are_asked_for_with_a_minute_to_spare() -> None:
    with X(posts=3) as platform:
        visits = Visits(platform)
        assert len(await visits.go()) == 3
        assert platform.requests[0].one("start_time") == "2026-06-29T12:01:00Z"


async def test_every_page_says_how_far_back_it_has_come() -> None:
    with X(posts=230) as platform:
        visits = Visits(platform)
        await visits.go()
        shown = [page.observed for page in visits.pages]
        assert [one.since for one in shown[:2]] == [  # type: ignore[union-attr]
            moment_of(platform.posts[130]["id"]),
            moment_of(platform.posts[30]["id"]),
        ]
        assert all(one.until == START - timedelta(seconds=30) for one in shown)  # type: ignore[union-attr]


async def test_an_empty_answer_without_data_is_an_observed_time_without_posts() -> None:
    with X(posts=0) as platform:
        visits = Visits(platform)
        assert await visits.go() == []
        assert b'"data"' not in (visits.pages[0].body or b"")
        assert visits.proved().until == START - timedelta(seconds=30)
        visits.now += 10 * DAY  # and later there is still no newest post to ask from
        assert await visits.go() == []
        assert visits.error is None
        assert platform.requests[-1].one("start_time") == "2026-07-09T12:01:00Z"
        assert visits.proved().gap == "overflow"


async def test_since_id_older_than_search_remembers_falls_back_to_a_time_and_the_gap_is_told() -> None:
    with X(posts=3) as platform:
        visits = Visits(platform)
        await visits.go()
        visits.now += 9 * DAY
        platform.add(visits.now - DAY, 77)
        (item,) = await visits.go()
        assert item.id == id_at(visits.now - DAY, 77)
        assert [bool(asked.one("since_id")) for asked in platform.requests[1:]] == [True, False]
        assert visits.proved().gap == "overflow"
        assert visits.proved().since == visits.now - timedelta(days=7) + MINUTE
        assert visits.cursor["since_id"] == item.id


async def test_since_id_that_is_old_because_nobody_posted_leaves_no_gap() -> None:
    with X(posts=1) as platform:
        visits = Visits(platform)
        for _ in range(9):
            await visits.go()
            assert visits.error is None
            assert visits.proved().gap is None
            visits.now += DAY
        assert visits.cursor["since_id"] is None  # the post is older than seven days, and no other has come


async def test_a_search_that_was_changed_begins_anew() -> None:
    with X(posts=3) as platform:
        visits = Visits(platform)
        await visits.go()
        visits.source = replace(SEARCH, url="https://x.com/search?q=invented")
        assert len(await visits.go()) == 3


# Going on where a listing was broken off


async def test_a_broken_listing_goes_on_by_its_token_and_no_page_is_paid_for_twice() -> None:
    with X(posts=230) as platform:
        visits = Visits(platform, days=6)
        platform.stop_after = 1
        await visits.go()
        assert visits.error is not None
        platform.stop_after = None
        visits.now += timedelta(hours=1)
        platform.publish(4)
        await visits.go()
        assert len(visits.items) == 230  # what is newer waits for the next visit
        assert visits.proved() == Stretch(START - timedelta(days=6), START - timedelta(seconds=30))
        await visits.go()
        assert set(visits.items) == platform.ids()
        assert visits.booked("post_reads") == 234


async def test_a_token_that_x_forgot_is_replaced_by_the_oldest_post() -> None:
    with X(posts=230) as platform:
        visits = Visits(platform, pages=1)
        await visits.go()
        platform.forget_tokens()
        found = await visits.go()
        assert platform.requests[-2].one("next_token")
        assert platform.requests[-1].one("end_time")
        assert len(found) == 100
        assert len(visits.items) == 199  # the last post of the former page comes again: times are whole seconds
        await visits.go()
        assert set(visits.items) == platform.ids()


async def test_a_forgotten_token_after_since_id_goes_on_before_the_oldest_post() -> None:
    with X(posts=3) as platform:
        visits = Visits(platform, pages=1)
        await visits.go()
        visits.now += DAY
        platform.publish(150)
        await visits.go()
        platform.forget_tokens()
        assert len(await visits.go()) == 50
        assert platform.requests[-1].one("until_id") == id_of_oldest(visits)
        assert platform.requests[-1].one("since_id")
        assert visits.proved().gap is None


def id_of_oldest(visits: Visits) -> str:
    """The oldest post of the page before the last."""
    ids = sorted(map(int, visits.items))
    return str(ids[53])


async def test_what_x_forgot_while_a_listing_waited_is_a_gap() -> None:
    with X(posts=230) as platform:
        visits = Visits(platform, pages=1)
        await visits.go()
        visits.now += 8 * DAY
        platform.forget_tokens()
        asked = len(platform.requests)
        assert await visits.go() == []
        assert len(platform.requests) == asked, "there is nothing left to ask for"
        assert visits.proved().gap == "overflow"
        assert visits.cursor["listing"] is None
        assert visits.cursor["until"] == (START - timedelta(seconds=30)).isoformat()


async def test_the_limit_of_pages_ends_a_visit_and_the_next_one_goes_on() -> None:
    with X(posts=230) as platform:
        visits = Visits(platform, pages=2)
        assert len(await visits.go()) == 200
        assert visits.error is None
        assert visits.proved().gap == "overflow"
        assert len(await visits.go()) == 30
        assert visits.proved().gap is None


# Limits and refusals


async def test_the_last_request_of_a_window_is_the_last_one_asked() -> None:
    with X(posts=230) as platform:
        visits = Visits(platform)
        platform.remaining = 2
        await visits.go()
        assert len(visits.pages) == len(platform.requests) == 2
        assert isinstance(visits.error, Throttled)
        assert (visits.error.code, visits.error.until) == ("http_429", START + timedelta(minutes=15))
        platform.remaining = 450
        await visits.go()
        assert set(visits.items) == platform.ids()


async def test_429_waits_until_x_says() -> None:
    with X() as platform:
        visits = Visits(platform)
        platform.throttled = True
        await visits.go()
        assert isinstance(visits.error, Throttled)
        assert (visits.error.code, visits.error.until) == ("http_429", START + timedelta(minutes=15))
        assert len(platform.requests) == 1
        assert visits.booked("") == 0


async def test_a_used_up_month_is_told_from_too_many_requests() -> None:
    with X() as platform:
        visits = Visits(platform)
        platform.throttled = platform.usage_capped = True
        await visits.go()
        assert isinstance(visits.error, Throttled)
        assert (visits.error.code, visits.error.until) == ("quota_used", MIDNIGHT)


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [(NOT_ENROLLED, "needs_approval", "not enrolled"), (WRONG_TOKEN, "needs_approval", "not the token of a user")],
)
async def test_a_good_key_without_the_permission_says_what_to_do(told: Any, code: str, words: str) -> None:
    with X() as platform:
        platform.refuse = told
        visits = Visits(platform)
        await visits.go()
        assert isinstance(visits.error, NeedsKey)
        assert visits.error.code == code
        assert words in str(visits.error)


async def test_used_up_credits_are_told_as_such() -> None:
    with X() as platform:
        platform.refuse = NO_CREDITS
        visits = Visits(platform)
        await visits.go()
        assert isinstance(visits.error, Throttled)
        assert visits.error.code == "no_credits"
        assert "credits" in str(visits.error)


async def test_a_search_that_x_does_not_take_is_told_in_its_words() -> None:
    with X() as platform:
        visits = Visits(platform, replace(SEARCH, url="https://x.com/search?q=flu%20(new)"))
        await visits.go()
        assert isinstance(visits.error, Drifted)
        assert visits.error.code == "bad_query"
        assert "invalid operator" in str(visits.error)


# Vocabularies


async def test_the_renamed_vocabulary_is_found_out_once_and_remembered() -> None:
    with X(posts=130, vocabulary="renamed") as platform:
        platform.add(START - MINUTE, 5, note_tweet={"text": "The long text"}, text="The long …")
        visits = Visits(platform)
        found = await visits.go()
        assert visits.memory["vocabulary"] == "renamed"
        assert ["tweet.fields" in asked.query for asked in platform.requests] == [True, False, False]
        assert len(found) == 130
        told = [item.engagement for item in found if item.engagement.shares is not None]
        assert told
        assert set(visits.items) == platform.ids() - {id_at(START - MINUTE, 5)}


async def test_x_may_change_its_vocabulary_at_any_time() -> None:
    with X(vocabulary="renamed") as platform:
        visits = Visits(platform)
        visits.memory["vocabulary"] = "renamed"
        await visits.go()
        assert visits.error is None
        assert not any("tweet.fields" in asked.query for asked in platform.requests), "it is remembered"
        platform.vocabulary = "classic"
        visits.cursor = {}
        await visits.go()
        assert visits.error is None
        assert visits.memory["vocabulary"] == "classic"


async def test_a_vocabulary_that_nobody_knows_is_a_change_of_the_platform() -> None:
    with X() as platform:
        error = {"parameters": {"tweet.fields": ["id"], "post.fields": ["id"]}, "message": "neither is known"}
        platform.refuse = Told.json({"errors": [error], "title": "Invalid Request"}, 400)
        visits = Visits(platform)
        await visits.go()
        assert isinstance(visits.error, Drifted)
        assert visits.error.code == "unknown_shape"
        assert len(platform.requests) == 2


@pytest.mark.parametrize("vocabulary", ["classic", "renamed"])
async def test_both_vocabularies_say_the_same(vocabulary: str) -> None:
    with X(posts=0, vocabulary=vocabulary) as platform:
        first, newer = id_at(START - timedelta(hours=2), 9), id_at(START - timedelta(hours=1), 1)
        item = await one(
            platform,
            text="flu …",
            note_tweet={"text": "flu in full", "entities": {"hashtags": [{"tag": "Ward"}]}},
            referenced_tweets=[{"type": "quoted", "id": "17"}],
            edit_history_tweet_ids=[first, newer],
            public_metrics={"retweet_count": 3, "quote_count": 2, "like_count": 0},
        )
    assert (item.id, item.text) == (first, "flu in full")
    assert item.url == f"https://x.com/i/status/{first}"
    assert item.published_at == START - timedelta(hours=2)
    assert item.updated_at == START - timedelta(hours=1)
    assert item.categories == ("Ward", "flu")
    assert item.engagement == Engagement(views=None, likes=0, comments=None, shares=5)


# Accounts


async def test_an_account_is_looked_up_once() -> None:
    with X(posts=8) as platform:
        visits = Visits(platform, TIMELINE, days=60)
        platform.add(START - 50 * DAY, 3)
        assert len(await visits.go()) == 9  # timelines reach further back than search
        visits.now += 30 * DAY
        visits.memory.clear()
        assert await visits.go() == []
        assert visits.error is None
        paths = [asked.path for asked in platform.requests]
        assert paths == ["/2/users/by/username/example_clinic", *[f"/2/users/{AUTHOR}/tweets"] * 2]
        assert {asked.one("exclude") for asked in platform.requests[1:]} == {"retweets"}
        assert visits.booked("usd") == pytest.approx(platform.charged)


@pytest.mark.parametrize(
    ("name", "kind", "code"), [("nobody_here", NotFound, "http_404"), ("example_private", Refused, "not_public")]
)
async def test_accounts_that_are_not_there_or_not_public(name: str, kind: type[CollectError], code: str) -> None:
    with X() as platform:
        visits = Visits(platform, replace(TIMELINE, url=f"https://x.com/{name}"))
        await visits.go()
        assert isinstance(visits.error, kind)
        assert visits.error.code == code
        assert "it" in str(visits.error)


async def test_an_account_that_went_away_is_not_an_empty_timeline() -> None:
    with X(posts=3) as platform:
        visits = Visits(platform, TIMELINE)
        await visits.go()
        del platform.users[AUTHOR]
        await visits.go()
        assert isinstance(visits.error, NotFound)
        assert visits.pages == []
