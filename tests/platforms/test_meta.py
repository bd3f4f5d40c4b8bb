"""Addresses, Facebook pages, faults and limits of Meta's platforms against the stand-in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from collectors.base import (
    NOTHING_PROVED,
    CollectError,
    Drifted,
    Engagement,
    Media,
    NeedsKey,
    NotFound,
    Page,
    RetryLater,
    Stretch,
    Throttled,
)
from collectors.graph.address import WrongAddressError, read_address
from collectors.graph.faults import read_usage
from collectors.meta import COLLECTOR
from tests.platforms.meta_bench import bench, last
from tests.platforms.meta_platform import source
from tests.platforms.meta_posts import KEY, OPERATOR, Fault, Kind, Post
from tests.platforms.serving import START, Told

__all__ = ["bench"]  # a fixture
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


# Addresses and options


@pytest.mark.parametrize(
    ("url", "kind", "name"),
    [
        ("https://www.facebook.com/exampleclinic", "page", "exampleclinic"),
        ("https://m.facebook.com/exampleclinic/posts", "page", "exampleclinic"),
        ("https://fb.com/100200300", "page", "100200300"),
        ("https://www.facebook.com/pages/Example-Clinic/100200300", "page", "100200300"),
        ("https://www.facebook.com/p/Example-Clinic-100200300/", "page", "100200300"),
        ("https://www.instagram.com/Example.Clinic/", "account", "example.clinic"),
        ("https://www.instagram.com/explore/tags/Grippe%C3%A9/", "hashtag", "grippeé"),
        ("https://www.threads.net/search?q=waiting+room", "search", "waiting room"),
        ("https://www.threads.com/search?q=%23flu&serp_type=tags", "tag", "flu"),
        ("https://www.threads.com/@Example.Nurse", "profile", "example.nurse"),
    ],
)
def test_an_address_tells_what_is_asked_for(url: str, kind: str, name: str) -> None:
    found = read_address(url)
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://www.facebook.com/groups/123/", "groups"),
        ("https://www.facebook.com/people/Ann-Example/100200300/", "personal profiles"),
        ("https://www.facebook.com/profile.php?id=100200300", "personal profiles"),
        ("https://www.facebook.com/exampleclinic/posts/pfbid0abc", "single post"),
        ("https://www.facebook.com/exampleclinic/videos/123", "single post"),
        ("https://www.facebook.com/reel/123", "single post"),
        ("https://www.facebook.com/stories/123", "a day"),
        ("https://www.facebook.com/hashtag/flu", "hashtags"),
        ("https://www.facebook.com/", "no page"),
        ("https://www.instagram.com/p/AAA/", "single post"),
        ("https://www.instagram.com/reel/AAA/", "single post"),
        ("https://www.instagram.com/stories/example/123/", "a day"),
        ("https://www.instagram.com/explore/locations/12/x/", "only hashtags"),
        ("https://www.instagram.com/explore/tags/%F0%9F%92%89/", "not a hashtag"),
        ("https://www.threads.com/@example.nurse/post/AA1", "single post"),
        ("https://www.threads.com/search", "no words"),
        ("https://www.threads.com/search?q=flu&serp_type=profiles", "does not bring posts"),
        ("https://www.threads.com/example", "neither a search"),
        ("https://facebook.com.example.org/clinic", "neither Facebook"),
        ("http://127.0.0.1:9/clinic", "neither Facebook"),
        ("ftp://facebook.com/clinic", "not a web address"),
    ],
)
def test_any_other_address_is_explained(url: str, why: str) -> None:
    with pytest.raises(WrongAddressError) as caught:
        read_address(url)
    assert why in caught.value.what
    (problem,) = COLLECTOR.check(replace(source("page"), url=url))
    assert problem.path == ("url",)
    assert "write" in problem.instead


def test_instagram_needs_an_account_of_ones_own() -> None:
    without = replace(source("hashtag"), options={})
    (problem,) = COLLECTOR.check(without)
    assert problem.path == ("options", "account")
    assert "Meta Business Suite" in problem.instead
    (problem,) = COLLECTOR.check(replace(without, options={"account": "@clinic"}))
    assert "digits" in problem.what
    (problem,) = COLLECTOR.check(source("page", account=OPERATOR))
    assert "leave" in problem.instead


# Facebook


async def test_a_page_tells_live_sponsors_places_and_counts(bench: Any) -> None:
    made = bench("page")
    await made.visit()
    items = made.items()
    live, ended, paid, placed = (items[f"100200300_90{number}"] for number in (11, 12, 13, 14))
    assert (live.live, ended.live, paid.live) == ("live", "ended", None)
    assert (paid.sponsored, placed.sponsored) == (True, None)
    assert placed.location == "Example Hall, Sampleton, United Kingdom"
    assert placed.media == (Media("https://scontent.example/14.jpg", medium="image"),)
    assert live.media == (Media("https://www.facebook.com/100200300/videos/11/", medium="video"),)
    assert live.engagement == Engagement(likes=1, comments=2, shares=11)
    assert placed.engagement.shares is None  # not told is not zero
    assert (live.author, live.followers, live.verified) == ("100200300", 5210, True)
    assert live.author_bio == "Nurses and doctors of an invented town"
    assert live.url == "https://www.facebook.com/100200300/posts/9011"
    assert live.published_at == START - 49 * 10 * MINUTE
    assert "100200300_9005" not in items  # passed on without a word


async def test_a_page_is_walked_down_to_the_last_visit_and_says_what_it_has_shown(bench: Any) -> None:
    made = bench("page")
    first, second, third = await made.visit()
    assert first.observed == Stretch(START - 250 * MINUTE, START)
    assert second.observed == Stretch(START - 500 * MINUTE, START)
    assert third.observed == Stretch(START - 365 * DAY, START)
    assert last([third])["until"] == START.isoformat()
    made.now += HOUR
    made.platform.publish(2)
    (again,) = await made.visit(last([third]))
    assert again.observed == Stretch(START, made.now)
    assert set(made.items()) == {"100200300_9060", "100200300_9061"}
    assert made.asked("published_posts")[-1]["since"] == [str(int(START.timestamp()) - 1)]
    assert len(made.asked("/exampleclinic")) == 1  # what it says about itself is asked once a day


async def test_what_one_visit_leaves_the_next_one_goes_on_with(bench: Any) -> None:
    made = bench("page", pages=1)
    (first,) = await made.visit()
    assert first.observed == Stretch(START - 250 * MINUTE, START, gap="overflow")
    made.now += HOUR
    made.platform.publish(1)
    brought = set(made.items())
    (second,) = await made.visit(last([first]))
    brought |= set(made.items())
    assert second.observed == Stretch(START - 500 * MINUTE, START, gap="overflow")
    (third,) = await made.visit(last([second]))
    brought |= set(made.items())
    assert third.observed == Stretch(START - 365 * DAY, START)
    (fourth,) = await made.visit(last([third]))
    assert fourth.observed == Stretch(START, made.now)
    assert brought | set(made.items()) == made.platform.ids()


async def test_an_older_edge_is_used_where_the_newer_is_refused(bench: Any) -> None:
    made = bench("page")
    made.platform.published_posts = False
    pages = await made.visit()
    assert set(made.items()) == made.platform.ids()
    assert len(made.asked("published_posts")) == 1
    await made.visit(last(pages))
    assert len(made.asked("published_posts")) == 1  # remembered


async def test_without_the_feature_it_says_which_one_is_needed(bench: Any) -> None:
    made = bench("page")
    made.platform.page_access = False
    with pytest.raises(NeedsKey, match="Page Public Content Access") as caught:
        await made.visit()
    assert caught.value.code == "needs_approval"
    assert "TRENDMONITOR_KEY__META" in str(caught.value)


async def test_a_page_that_does_not_exist_is_not_found(bench: Any) -> None:
    made = bench("page")
    made.source = replace(made.source, url="https://www.facebook.com/nobody")
    with pytest.raises(NotFound) as caught:
        await made.visit()
    assert caught.value.code == "http_404"


@pytest.mark.parametrize(
    ("code", "subcode", "status", "kind", "slug", "says"),
    [
        (190, 463, 400, NeedsKey, "key_refused", "expired"),
        (190, 460, 400, NeedsKey, "key_refused", "password"),
        (200, None, 403, NeedsKey, "needs_approval", "Page Public Content Access"),
        (3, None, 400, NeedsKey, "needs_approval", "App Review"),
        (4, None, 400, Throttled, "http_429", "13:00"),
        (17, None, 400, Throttled, "http_429", "fewer"),
        (32, None, 400, Throttled, "http_429", "fewer"),
        (613, None, 400, Throttled, "http_429", "fewer"),
        (80001, None, 400, Throttled, "http_429", "fewer"),
        (1, None, 400, RetryLater, "http_500", "reduce the amount"),
        (2, None, 503, RetryLater, "http_503", "of its own"),
        (803, None, 404, NotFound, "http_404", "does not know"),
        (2635, None, 400, Drifted, "unknown_shape", "version"),
        (100, None, 400, Drifted, "unknown_shape", "refuses the request"),
    ],
)
async def test_a_fault_is_told_by_its_number(
    bench: Any, code: int, subcode: int | None, status: int, kind: type[CollectError], slug: str, says: str
) -> None:
    made = bench("page")
    fault = Fault(code, f"Please reduce the amount of data, {KEY}", subcode)
    made.platform.answer = lambda asked: Told.json(fault.body, status)
    with pytest.raises(kind, match=says) as caught:
        await made.visit()
    assert caught.value.code == slug
    assert "hush" not in str(caught.value)


async def test_a_limit_is_kept_until_the_platform_says_and_other_sources_keep_it_too(bench: Any) -> None:
    made = bench("page")
    made.platform.throttled = True
    with pytest.raises(Throttled) as caught:
        await made.visit()
    assert caught.value.until == START + 19 * MINUTE
    made.platform.throttled = False
    asked = len(made.platform.requests)
    with pytest.raises(Throttled) as again:
        await made.visit()
    assert (again.value.code, again.value.until) == ("quota_used", START + 19 * MINUTE)
    assert len(made.platform.requests) == asked
    made.now += 20 * MINUTE
    assert await made.visit()


async def test_nearly_used_up_a_visit_ends_after_its_page_and_asks_for_time(bench: Any) -> None:
    made = bench("page")
    made.platform.used, made.platform.step = 80.0, 5.0
    (page,) = await made.visit()  # the page's own words took it to 85, the first posts to 90
    assert page.poll_after == HOUR
    assert page.observed == Stretch(START - 250 * MINUTE, START, gap="budget")
    made.now += HOUR
    made.platform.used, made.platform.step = 1.0, 0.0
    pages = await made.visit(last([page]))
    assert [one.poll_after for one in pages] == [None, None, None]
    assert pages[-1].observed == Stretch(START, made.now)


async def test_used_up_nothing_more_is_asked(bench: Any) -> None:
    made = bench("page")
    made.platform.used = 100.0
    with pytest.raises(Throttled) as caught:
        await made.visit()
    assert caught.value.code == "quota_used"
    assert len(made.platform.requests) == 1


def test_usage_is_the_highest_figure_of_all_headers() -> None:
    business = {"9": [{"type": "instagram", "total_time": 93, "estimated_time_to_regain_access": 7}], "8": None}
    usage = read_usage(
        {"x-app-usage": '{"call_count":12}', "x-business-use-case-usage": orjson.dumps(business).decode()}
    )
    assert (usage.percent, usage.wait) == (93.0, 7 * MINUTE)
    assert read_usage({"x-app-usage": "not json"}).percent == 0.0


async def test_stored_posts_are_looked_up_in_batches_and_only_what_is_gone_is_gone(bench: Any) -> None:
    made = bench("page")
    ids = sorted(made.platform.ids())
    gone = made.platform.remove_one()
    pages = await made.review(ids)
    assert [len(page.confirmed) for page in pages] == [48, 11]
    assert all(page.observed == NOTHING_PROVED and page.resume is None for page in pages)
    items = [item for page in pages for item in COLLECTOR.parse(made.source, page).items]
    assert {item.id for item in items if item.deleted} == {gone}
    assert {item.id for item in items if not item.deleted} == made.platform.ids()
    assert all("hush" not in page.url and b"hush" not in (page.body or b"") for page in pages)
    assert all("ids" not in one.query for one in made.platform.requests)


async def test_a_key_that_may_no_longer_look_deletes_nothing(bench: Any) -> None:
    made = bench("page")
    ids = sorted(made.platform.ids())
    made.memory["page:exampleclinic"] = (START, {})
    made.platform.page_access = False
    with pytest.raises(NeedsKey):
        await made.review(ids)


async def test_posts_that_a_batch_leaves_open_are_not_confirmed(bench: Any) -> None:
    made = bench("page")
    ids = sorted(made.platform.ids())[:3]
    told = made.platform._batch

    def halting(form: Any) -> list[Any]:
        answers = told(form)
        answers[0] = None
        answers[1] = {"code": 500, "body": '{"error":{"code":2,"message":"unknown"}}'}
        return list(answers)

    made.platform._batch = halting
    (page,) = await made.review(ids)
    assert page.confirmed == (ids[2],)
    assert [item.id for item in COLLECTOR.parse(made.source, page).items] == [ids[2]]


# Reading


def page_of(body: Any, **context: Any) -> Page:
    return Page(body=orjson.dumps(body), url="https://x.example", fetched_at=START, context=context)


@pytest.mark.parametrize("kind", ["page", "hashtag", "account", "search", "profile"])
def test_an_answer_without_a_list_has_changed(kind: Kind) -> None:
    with pytest.raises(Drifted):
        COLLECTOR.parse(source(kind), page_of({"data": {"1": 2}, "business_discovery": {"media": 3}}))
    with pytest.raises(Drifted):
        COLLECTOR.parse(source(kind), page_of([1]))


def test_an_account_without_posts_has_none() -> None:
    parsed = COLLECTOR.parse(source("account"), page_of({"business_discovery": {"id": "1", "media_count": 0}}))
    assert (parsed.items, parsed.rejected) == ((), ())


def test_odd_posts_are_set_aside_and_the_others_come() -> None:
    good = Post("page", 3, datetime(2026, 7, 1, tzinfo=UTC))
    body = {"data": [None, {"id": 7}, {"created_time": good.stamp}, {"id": "1_2", "created_time": good.stamp}]}
    parsed = COLLECTOR.parse(source("page"), page_of(body))
    assert [item.id for item in parsed.items] == ["1_2"]
    assert len(parsed.rejected) == 3
    assert parsed.items[0].engagement == Engagement()
    assert parsed.items[0].author == "1"


def test_a_post_that_has_expired_is_gone() -> None:
    body = {"id": "1_2", "created_time": "2026-07-01T10:00:00+0000", "message": "Today only", "is_expired": True}
    (item,) = COLLECTOR.parse(source("page"), page_of({"data": [body]})).items
    assert (item.id, item.deleted, item.text) == ("1_2", True, "")
