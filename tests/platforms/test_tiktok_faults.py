"""TikTok's Research API: tokens, limits, refusals, and videos that vanish."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.base import (
    NOTHING_PROVED,
    Drifted,
    NeedsKey,
    Page,
    Refused,
    RetryLater,
    Throttled,
)
from collectors.quota import MemoryMeter
from tests.platforms.serving import START, Asked, Told
from tests.platforms.tiktok_platform import WRONG_KEY, TikTokPlatform, source
from tests.platforms.tiktok_visits import COLLECTOR, bodies, items, last_cursor, moving, review, stored, visit

DAY = timedelta(days=1)


@pytest.fixture
def platform() -> Iterator[TikTokPlatform]:
    with TikTokPlatform(videos=260) as running:
        yield running


async def test_the_access_token_is_kept_between_visits_and_renewed_before_it_expires(platform: TikTokPlatform) -> None:
    memory: dict[str, Any] = {}
    await visit(platform, memory=memory)
    await visit(platform, memory=memory)
    assert len(platform.tokens) == 1
    moving(platform, timedelta(hours=1, minutes=56))
    await visit(platform, memory=memory)
    assert len(platform.tokens) == 2


async def test_a_token_that_became_invalid_is_renewed_once(platform: TikTokPlatform) -> None:
    memory: dict[str, Any] = {}
    await visit(platform, memory=memory)
    platform.tokens.clear()
    assert {item.id for item in items(await visit(platform, memory=memory))} == platform.ids()
    platform.token_lives = 0
    platform.tokens.clear()
    with pytest.raises(NeedsKey, match="TRENDMONITOR_KEY__TIKTOK") as caught:
        await visit(platform, memory=memory)
    assert caught.value.code == "key_refused"
    assert [asked.path for asked in platform.requests[-3:]] == [
        "/v2/research/video/query/", "/v2/oauth/token/", "/v2/research/video/query/"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "code"), [("", "needs_key"), ("hush-no-colon", "key_refused"), (WRONG_KEY, "key_refused")]
)
async def test_a_missing_or_wrong_key_is_named_but_not_shown(platform: TikTokPlatform, key: str, code: str) -> None:
    with pytest.raises(NeedsKey, match="TRENDMONITOR_KEY__TIKTOK") as caught:
        await visit(platform, key=key)
    assert caught.value.code == code
    assert "hush" not in str(caught.value)
    assert len(platform.requests) == (1 if key == WRONG_KEY else 0)


async def test_without_approval_it_says_who_qualifies(platform: TikTokPlatform) -> None:
    platform.approved = False
    with pytest.raises(NeedsKey, match="non-profit academic institutions") as caught:
        await visit(platform)
    assert caught.value.code == "needs_approval"
    assert "TRENDMONITOR_KEY__TIKTOK" in str(caught.value)


async def test_requests_and_the_records_that_came_are_booked(platform: TikTokPlatform) -> None:
    meter = MemoryMeter()
    await visit(platform, meter=meter)
    booked = {name: sum(one.amount for one in meter.entries if one.bucket == name) for name in ("requests", "records")}
    assert booked == {"requests": 3, "records": 260}
    assert platform.used[START.date()] == [3, 260]


async def test_our_own_account_ends_the_visit_before_tiktok_does(platform: TikTokPlatform) -> None:
    meter, pages = MemoryMeter(), list[Page]()
    requests = COLLECTOR.quotas[0]
    since, _ = requests.window(START)
    await meter.book("tiktok", requests, 998, since=since, at=START, what="")
    with pytest.raises(Throttled) as caught:
        await visit(platform, meter=meter, into=pages)
    assert (caught.value.code, caught.value.until) == ("quota_used", datetime(2026, 7, 7, tzinfo=UTC))
    assert len(pages) == 2
    assert sum(one.amount for one in meter.entries if one.bucket == "records") == 200
    moving(platform, DAY)
    rest = await visit(platform, cursor=last_cursor(pages), meter=meter)
    assert {item.id for item in items(pages + rest)} == platform.ids()


async def test_the_platforms_own_limit_waits_for_midnight_utc(platform: TikTokPlatform) -> None:
    platform.requests_a_day = 1
    pages: list[Page] = []
    with pytest.raises(Throttled) as caught:
        await visit(platform, into=pages)
    assert (caught.value.code, caught.value.until) == ("http_429", datetime(2026, 7, 7, tzinfo=UTC))
    assert len(bodies(platform)) == 2
    assert len(items(pages)) == 100


async def test_a_time_that_tiktok_gives_is_the_time_to_wait_for(platform: TikTokPlatform) -> None:
    told = platform.answer_throttled(Asked("POST", "/", {}, {}, b""))
    platform.answer_throttled = lambda asked: Told(told.status, told.body, {**told.headers, "retry-after": "90"})  # type: ignore[method-assign]
    platform.throttled = True
    with pytest.raises(Throttled) as caught:
        await visit(platform)
    assert caught.value.until == START + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (200, "invalid_params", Refused),
        (200, "internal_error", RetryLater),
        (500, "internal_error", RetryLater),
        (200, "something_new", Drifted),
        (200, "rate_limit_exceeded", Throttled),
    ],
)
async def test_an_error_counts_whatever_its_status(
    platform: TikTokPlatform, status: int, code: str, error: type[Exception]
) -> None:
    query = platform._query
    body = {"data": {}, "error": {"code": code, "message": "as it says", "log_id": "1"}}
    platform._query = lambda asked: Told.json(body, status)  # type: ignore[method-assign]
    with pytest.raises(error):
        await visit(platform)
    platform._query = query  # type: ignore[method-assign]


async def test_a_review_tells_what_is_gone_and_what_is_still_there(platform: TikTokPlatform) -> None:
    held = stored(platform)
    gone = {platform.remove_one(), platform.remove_one()}
    pages = await review(platform, held)
    assert [len(page.confirmed) for page in pages] == [100, 100, 60]
    assert {one for page in pages for one in page.confirmed} == {post.id for post in held}
    told = items(pages)
    assert {item.id for item in told if item.deleted} == gone
    assert {item.id for item in told if not item.deleted} == platform.ids()
    assert all((page.observed, page.resume) == (NOTHING_PROVED, None) for page in pages)


async def test_a_video_is_gone_only_when_it_was_missing_twice(platform: TikTokPlatform) -> None:
    query, shy = platform._page, platform.videos[-1]

    def first_without(body: dict[str, Any], fields: list[str], used: list[int]) -> Told:
        shy.private = len(body["query"]["and"][0]["field_values"]) > 1
        return query(body, fields, used)

    platform._page = first_without  # type: ignore[method-assign]
    pages = await review(platform, stored(platform)[-30:])
    assert [body["query"]["and"][0]["field_values"] for body in bodies(platform)][1:] == [[str(shy.number)]]
    assert not [item for item in items(pages) if item.deleted]


async def test_nothing_is_gone_because_of_an_error(platform: TikTokPlatform) -> None:
    platform.stop_after = 0
    with pytest.raises(RetryLater):
        await review(platform, stored(platform))
    broken = platform.break_one()
    platform.stop_after = None
    pages = await review(platform, stored(platform))
    assert broken not in {item.id for item in items(pages) if item.deleted}


async def test_posts_of_a_long_time_are_reviewed_in_searches_of_thirty_days() -> None:
    with TikTokPlatform() as platform:
        for days in (65, 36, 35, 1):
            platform.add(START - days * DAY)
        pages = await review(platform, stored(platform)[::-1])
    assert [len(page.confirmed) for page in pages] == [2, 1, 1]
    assert not [item for item in items(pages) if item.deleted]


def test_a_video_whose_id_cannot_be_read_leaves_all_of_them_alone() -> None:
    page = Page(
        b'{"data": {"videos": [{"id": null}]}}', "https://open.tiktokapis.com/", START, context={"asked": ["1"]}
    )
    parsed = COLLECTOR.parse(source(), page)
    assert (parsed.items, len(parsed.rejected)) == ((), 1)
