"""YouTube: channels and playlists, page by page, and what its errors and other addresses mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.base import (
    NOTHING_PROVED,
    CollectError,
    Drifted,
    Item,
    NeedsKey,
    NotFound,
    Refused,
    Stretch,
    Throttled,
)
from collectors.youtube import COLLECTOR
from collectors.youtube_api.addresses import Target, read_address
from tests.platforms.serving import START, Asked, Told
from tests.platforms.youtube_platform import (
    BY_CHANNEL,
    BY_PLAYLIST,
    BY_SEARCH,
    KEY,
    PLAYLIST,
    Refusal,
    YouTube,
    source,
)
from tests.platforms.youtube_shapes import CHANNEL, Video
from tests.platforms.youtube_visits import DAY, HOUR, Visitor, asked, stretches


async def test_a_first_visit_reads_back_as_far_as_its_option_says() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, source(BY_CHANNEL.url, days=3))
        pages = await visitor.visit()
        assert set(visitor.items(pages)) == {
            video.id for video in platform.videos.values() if video.at >= START - 3 * DAY
        }
        assert [page.observed for page in pages] == [NOTHING_PROVED, Stretch(START - 3 * DAY, START)]
        assert len(asked(platform, "playlistItems")) == 2


async def test_an_unchanged_channel_costs_one_conditional_request() -> None:
    with YouTube(count=10) as platform:
        visitor = Visitor(platform, BY_CHANNEL)
        await visitor.visit()
        before = len(platform.requests)
        visitor.now += HOUR
        (page,) = await visitor.visit()
        assert page.body is None
        assert page.observed == Stretch(START, START + HOUR)
        (request,) = platform.requests[before:]
        assert request.headers["if-none-match"].startswith('"')


async def test_the_etag_in_the_body_serves_where_no_header_comes() -> None:
    with YouTube(count=10) as platform:
        platform.etags = False
        answer = platform.answer

        def only_inside(request: Asked) -> Told:
            if request.headers.get("if-none-match") == '"inside"':
                return Told(304)
            told = answer(request)
            return replace(told, body=b'{"etag":"inside",' + told.body[1:])

        platform.answer = only_inside  # type: ignore[method-assign, assignment]
        visitor = Visitor(platform, BY_CHANNEL)
        await visitor.visit()
        visitor.now += HOUR
        (page,) = await visitor.visit()
        assert page.body is None
        assert platform.requests[-1].headers["if-none-match"] == '"inside"'


async def test_a_later_visit_brings_what_is_new_and_the_day_before_again() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, source(BY_CHANNEL.url, days=30))
        await visitor.visit()
        visitor.now += 6 * HOUR
        platform.publish(3)
        pages = await visitor.visit()
        found = visitor.items(pages)
        assert len([name for name in found if name.startswith("new")]) == 3
        assert stretches(pages) == [Stretch(START, START + 6 * HOUR)]
        assert len(asked(platform, "playlistItems")) == 4  # three pages, then one


async def test_a_video_out_of_place_is_found_on_the_page_it_is_on() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_CHANNEL)
        await visitor.visit()
        visitor.now += HOUR
        late = platform.add(Video("late0000001", START - 3 * HOUR, "Published late"))  # scheduled, then made public
        assert late.id in visitor.items(await visitor.visit())


async def test_a_visit_that_breaks_off_goes_on_inside_the_list_and_then_at_its_top() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_CHANNEL)
        found = visitor.items(await visitor.visit(stop=1))
        visitor.now += HOUR
        platform.publish(2)
        pages = await visitor.visit()
        found |= visitor.items(pages)
        assert set(found) == platform.ids()
        assert stretches(pages) == [Stretch(START - 365 * DAY, START), Stretch(START, START + HOUR)]


async def test_a_limit_of_pages_spreads_a_list_over_visits_and_loses_nothing() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, source(BY_PLAYLIST.url, pages=1))
        found: dict[str, Item] = {}
        proved = []
        for _ in range(3):
            pages = await visitor.visit()
            found |= visitor.items(pages)
            proved += stretches(pages)
        assert set(found) == platform.ids()
        assert proved == [Stretch(START - 365 * DAY, START)]


async def test_a_page_token_that_died_begins_the_list_anew() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_CHANNEL)
        await visitor.visit(stop=1)
        visitor.cursor = {**visitor.cursor, "going": {**visitor.cursor["going"], "token": "dead"}}
        pages = await visitor.visit()
        assert set(visitor.items(pages)) == platform.ids()
        assert stretches(pages) == [Stretch(START - 365 * DAY, START)]


async def test_a_playlist_in_its_owners_order_is_read_to_its_end() -> None:
    with YouTube() as platform:
        visitor = Visitor(platform, BY_PLAYLIST)
        await visitor.visit()
        visitor.now += HOUR
        old = Video("old00000001", START - 400 * DAY, "An old talk", added=START + timedelta(minutes=30))
        platform.add(old)  # at the end of three pages
        pages = await visitor.visit()
        assert visitor.items(pages)["old00000001"].published_at == old.at
        assert stretches(pages) == [Stretch(START, START + HOUR)]


async def test_private_deleted_and_unlisted_entries_of_a_playlist_are_no_posts() -> None:
    with YouTube(count=25) as platform:
        platform.add(Video("private0001", START - HOUR, "Secret", privacy="private"))
        platform.add(Video("unlisted001", START - HOUR, "By link only", privacy="unlisted"))
        visitor = Visitor(platform, BY_PLAYLIST)
        assert set(visitor.items(await visitor.visit())) == platform.ids()
        assert not any("private0001" in one.one("id") for one in asked(platform, "videos"))


async def test_an_unlisted_video_in_an_answer_is_skipped_unless_it_was_stored() -> None:
    with YouTube(count=25) as platform:
        name = "vid00000003"
        platform.videos[name].privacy = "unlisted"
        visitor = Visitor(platform, BY_PLAYLIST)
        (page,) = await visitor.review([name])
        assert COLLECTOR.parse(visitor.source, page).items == (Item(id=name, deleted=True),)
        assert COLLECTOR.parse(visitor.source, replace(page, context={})).items == ()


async def test_the_channel_is_looked_up_once_a_week() -> None:
    with YouTube(count=10) as platform:
        visitor = Visitor(platform, BY_CHANNEL)
        await visitor.visit()
        visitor.now += 6 * DAY
        await visitor.visit()
        assert [one.one("forHandle") for one in asked(platform, "channels")] == ["@examplehospital"]
        visitor.now += 2 * DAY
        await visitor.visit()
        assert len(asked(platform, "channels")) == 2


@pytest.mark.parametrize(
    ("url", "name", "value"),
    [
        (f"https://www.youtube.com/channel/{CHANNEL}/videos", "id", CHANNEL),
        ("https://m.youtube.com/@examplehospital", "forHandle", "@examplehospital"),
        ("https://youtube.com/user/examplehospital", "forUsername", "examplehospital"),
    ],
)
async def test_channels_are_found_by_id_handle_and_user_name(url: str, name: str, value: str) -> None:
    with YouTube(count=10) as platform:
        visitor = Visitor(platform, source(url))
        assert set(visitor.items(await visitor.visit())) == platform.ids()
        assert platform.requests[0].one(name) == value


async def test_a_channel_that_does_not_exist_is_not_found() -> None:
    with YouTube(count=10) as platform:
        with pytest.raises(NotFound, match="knows no channel '@nobody'") as caught:
            await Visitor(platform, source("https://www.youtube.com/@nobody")).visit()
        assert caught.value.code == "http_404"
        with pytest.raises(NotFound):
            await Visitor(platform, source("https://www.youtube.com/playlist?list=PLexamplenothing01")).visit()
        platform.playlist_private = True
        with pytest.raises(Refused, match="not public"):
            await Visitor(platform, BY_PLAYLIST).visit()


async def test_an_address_that_changed_begins_anew() -> None:
    with YouTube(count=10) as platform:
        visitor = Visitor(platform, BY_CHANNEL)
        await visitor.visit()
        visitor.source = BY_PLAYLIST
        assert set(visitor.items(await visitor.visit())) == platform.ids()


# Errors


@pytest.mark.parametrize(
    ("told", "kind", "code", "words"),
    [
        (Refusal(400, "keyInvalid", "Bad Request", domain="usageLimits"), NeedsKey, "key_refused", "does not know it"),
        (Refusal(400, "keyExpired", "Expired"), NeedsKey, "key_refused", "expired"),
        (Refusal(401, "authError", "Invalid Credentials"), NeedsKey, "key_refused", "does not accept"),
        (
            Refusal(403, "forbidden", "Blocked.", details=[{"reason": "API_KEY_SERVICE_BLOCKED"}]),
            NeedsKey, "key_refused", "restricted to other APIs",
        ),
        (Refusal(403, "accessNotConfigured", "Not used before."), NeedsKey, "needs_approval", "is not enabled"),
        (Refusal(403, "forbidden", "Denied."), NeedsKey, "needs_approval", "forbids this request"),
        (Refusal(429, "rateLimitExceeded", "Slow down."), Throttled, "http_429", "fewer requests"),
        (Refusal(403, "dailyLimitExceeded", "Daily limit."), Throttled, "quota_used", "used up"),
        (
            Refusal(429, "rateLimitExceeded", "Quota exceeded for limit 'Search Queries per day'.", status="RESOURCE_EXHAUSTED"),
            Throttled, "quota_used", "used up",
        ),
        (Refusal(400, "invalidRegionCode", "No."), Drifted, "http_400", "invalidregioncode"),
        (Refusal(404, "playlistNotFound", "No."), NotFound, "http_404", "does not know"),
    ],
)  # fmt: skip
async def test_refusals_say_what_to_do(told: Refusal, kind: type[CollectError], code: str, words: str) -> None:
    with YouTube(count=10) as platform:
        platform.refuse = told.told
        with pytest.raises(kind, match=words) as caught:
            await Visitor(platform, BY_SEARCH).visit()
        assert len(platform.requests) == 1
    assert caught.value.code == code
    assert "hush" not in str(caught.value)
    if kind is NeedsKey:
        assert "TRENDMONITOR_KEY__YOUTUBE" in str(caught.value)


async def test_a_used_up_quota_waits_for_midnight_in_california() -> None:
    with YouTube(count=10) as platform:
        platform.units_left = 1
        with pytest.raises(Throttled) as caught:
            await Visitor(platform, BY_CHANNEL).visit()
    assert caught.value.until == datetime(2026, 7, 7, 7, tzinfo=UTC)  # midnight, in summer time


async def test_the_key_is_in_no_page() -> None:
    with YouTube(count=25) as platform:
        for of in (BY_CHANNEL, BY_SEARCH):
            for page in await Visitor(platform, of).visit():
                assert "key=" not in page.url
                assert "hush" not in f"{page.url} {page.context} {page.resume}"
        assert all(one.one("key") == KEY for one in platform.requests)


# Addresses and options


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (f"https://www.youtube.com/channel/{CHANNEL}", Target("channel", CHANNEL)),
        ("https://www.youtube.com/@WHO/streams", Target("handle", "WHO")),
        ("https://www.youtube.com/%40WHO", Target("handle", "WHO")),
        (BY_PLAYLIST.url, Target("playlist", PLAYLIST)),
        ("https://www.youtube.com/results?search_query=long+covid%7Cpasc", Target("search", "long covid|pasc")),
    ],
)
def test_addresses_that_can_be_collected(url: str, target: Target) -> None:
    assert read_address(url) == target
    assert COLLECTOR.check(source(url)) == []


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("https://www.youtube.com/watch?v=vid00000001", "single video"),
        ("https://youtu.be/vid00000001", "single video"),
        ("https://www.youtube.com/shorts/vid00000001", "single video"),
        (f"https://www.youtube.com/watch?v=vid00000001&list={PLAYLIST}", "out of a playlist"),
        ("https://www.youtube.com/c/ExampleHospital", "/c/"),
        ("https://www.youtube.com/playlist?list=WL", "one visitor"),
        ("https://www.youtube.com/playlist", "names no playlist"),
        ("https://www.youtube.com/results", "no words"),
        ("https://www.youtube.com/channel/UCshort", "not a channel's id"),
        ("https://www.youtube.com/feeds/videos.xml?channel_id=x", "a feed"),
        ("https://www.youtube.com/feed/trending", "cannot be collected"),
        ("https://www.youtube.com/", "cannot be collected"),
        ("http://127.0.0.1:9000/@who", "not an address of YouTube"),
        ("https://youtube.com.example/@who", "not an address of YouTube"),
    ],
)
async def test_other_addresses_are_explained_and_never_asked_for(url: str, what: str) -> None:
    (problem,) = COLLECTOR.check(source(url))
    assert problem.path == ("url",)
    assert what in problem.what
    assert problem.instead
    with YouTube(count=10) as platform:
        with pytest.raises(Refused) as caught:
            await Visitor(platform, source(url)).visit()
        assert caught.value.code == "bad_url"
        assert platform.requests == []


@pytest.mark.parametrize(
    ("url", "options", "path"),
    [
        (BY_SEARCH.url, {"region": "USA"}, ("options", "region")),
        (BY_SEARCH.url, {"language": "english"}, ("options", "language")),
        (BY_SEARCH.url, {"searches_a_day": 101}, ("options", "searches_a_day")),
        (BY_SEARCH.url, {"paid": "yes"}, ("options", "paid")),
        (BY_CHANNEL.url, {"paid": True}, ("options", "paid")),
        (BY_PLAYLIST.url, {"region": "US"}, ("options", "region")),
        (BY_CHANNEL.url, {"day": 3}, ("options", "day")),
    ],
)
def test_wrong_options_are_named(url: str, options: dict[str, Any], path: tuple[str, ...]) -> None:
    assert [problem.path for problem in COLLECTOR.check(source(url, **options))] == [path]
