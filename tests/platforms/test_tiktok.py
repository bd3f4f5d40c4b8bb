"""TikTok's Research API: searches, what they bring and what they prove."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from collectors.base import (
    NOTHING_PROVED,
    Drifted,
    Engagement,
    Media,
    Page,
    RetryLater,
    Stretch,
)
from collectors.tiktok_api.asking import FIELDS as ASKED_FIELDS
from tests.platforms.serving import START, Told
from tests.platforms.tiktok_platform import FIELDS, TikTokPlatform, source
from tests.platforms.tiktok_visits import COLLECTOR, bodies, items, last_cursor, moving, visit

DAY = timedelta(days=1)
VOUCHED = START - 2 * DAY
"""What a visit at START can have shown completely."""


@pytest.fixture
def platform() -> Iterator[TikTokPlatform]:
    with TikTokPlatform(videos=260) as running:
        yield running


async def test_a_first_visit_brings_every_video_of_its_days(platform: TikTokPlatform) -> None:
    pages = await visit(platform)
    found = items(pages)
    assert len(pages) == 3
    assert len(found) == len({item.id for item in found})
    assert {item.id for item in found} == platform.ids()
    first = bodies(platform)[0]
    assert (first["start_date"], first["end_date"], first["max_count"]) == ("20260629", "20260706", 100)
    assert first["query"] == {"and": [{"operation": "EQ", "field_name": "hashtag_name", "field_values": ["glp1"]}]}
    assert pages[-1].observed == Stretch(datetime(2026, 6, 29, tzinfo=UTC), VOUCHED)
    assert pages[-1].poll_after == timedelta(hours=6)


async def test_the_last_two_days_are_not_vouched_for_before_they_can_be_complete(platform: TikTokPlatform) -> None:
    pages = await visit(platform)
    assert pages[0].observed == NOTHING_PROVED  # its hundred videos are all younger than two days
    assert pages[1].observed == Stretch(platform.videos[60].created, VOUCHED)


async def test_a_video_that_became_findable_late_is_still_found(platform: TikTokPlatform) -> None:
    cursor = last_cursor(await visit(platform))
    moving(platform, DAY)
    late = platform.add(START - timedelta(hours=47))
    again = await visit(platform, cursor=cursor)
    assert str(late.number) in {item.id for item in items(again)}
    assert bodies(platform)[-1]["start_date"] == "20260704"
    assert again[-1].observed == Stretch(VOUCHED, VOUCHED + DAY)


async def test_what_a_video_tells(platform: TikTokPlatform) -> None:
    video = platform.add(START - timedelta(minutes=1), voice_to_text="Spoken words", view_count=0)
    item = next(item for item in items(await visit(platform)) if item.id == str(video.number))
    assert video.number > 2**53  # exact only as a whole number
    url = f"https://www.tiktok.com/@{video.facts['username']}/video/{video.number}"
    assert item.url == url
    assert item.text == f"{video.facts['video_description']}\n\nSpoken words"
    assert item.published_at == video.created
    assert item.published_at.tzinfo is UTC
    assert (item.title, item.author, item.country) == ("", video.facts["username"], None)
    assert (item.content_type, item.categories) == ("video", ("glp1",))
    assert item.media == (Media(url, medium="video", duration=34.0),)
    assert item.engagement == Engagement(views=0, likes=0, comments=22, shares=0)


async def test_counts_that_are_not_told_are_unknown(platform: TikTokPlatform) -> None:
    by_id = {item.id: item for item in items(await visit(platform))}
    assert by_id[str(platform.videos[4].number)].engagement == Engagement(views=5204, likes=0)


@pytest.mark.parametrize(
    ("tag", "sponsored"),
    [
        ({"type": "Branded Type", "number": 1}, True),
        ([{"type": "AIGC Type", "number": 1}, {"type": "Branded Type", "number": 7}], True),
        ({"type": "AIGC Type", "number": 1}, None),
        ({"type": "Branded Type", "number": 9}, None),
        (None, None),
        ("Branded", None),
    ],
)
def test_only_the_paid_labels_make_a_video_sponsored(tag: Any, sponsored: bool | None) -> None:
    video = {"id": 1, "create_time": 1795000000, "video_description": "x", "video_tag": tag}
    body = orjson.dumps({"data": {"videos": [video]}})
    (item,) = COLLECTOR.parse(source(), Page(body, "https://open.tiktokapis.com/", START)).items
    assert item.sponsored is sponsored


async def test_a_page_of_hidden_videos_is_not_the_end(platform: TikTokPlatform) -> None:
    for video in platform.videos[60:160]:
        video.private = True
    pages = await visit(platform)
    assert [len(items([page])) for page in pages] == [100, 0, 60]
    assert {item.id for item in items(pages)} == platform.ids()


async def test_a_cut_off_visit_goes_on_inside_its_search(platform: TikTokPlatform) -> None:
    platform.stop_after = 1
    pages: list[Page] = []
    with pytest.raises(RetryLater):
        await visit(platform, into=pages)
    platform.stop_after = None
    rest = await visit(platform, cursor=last_cursor(pages))
    assert {item.id for item in items(pages + rest)} == platform.ids()
    assert len(items(pages + rest)) == 260
    assert bodies(platform)[-2]["cursor"] == 100
    assert rest[-1].observed == Stretch(datetime(2026, 6, 29, tzinfo=UTC), VOUCHED)


async def test_a_limit_of_pages_is_made_good_by_the_next_visit(platform: TikTokPlatform) -> None:
    first = await visit(platform, source(pages=2))
    moving(platform, DAY)
    platform.publish(4)
    second = await visit(platform, source(pages=2), last_cursor(first))
    assert {item.id for item in items(first + second)} == platform.ids()
    # The search of yesterday is brought to its end, and then one is made up to today.
    assert second[0].observed == Stretch(datetime(2026, 6, 29, tzinfo=UTC), VOUCHED)
    assert second[1].observed == Stretch(platform.videos[164].created, VOUCHED + DAY)
    assert second[0].resume == {"until": VOUCHED.isoformat()}


async def test_a_long_absence_is_made_good_in_searches_of_thirty_days() -> None:
    with TikTokPlatform() as platform:
        for days in (69, 40, 20, 3):
            platform.add(START - days * DAY)
        pages = await visit(platform, cursor={"until": (START - 70 * DAY).isoformat()})
    windows = [(body["start_date"], body["end_date"]) for body in bodies(platform)]
    assert windows == [("20260427", "20260527"), ("20260528", "20260627"), ("20260628", "20260706")]
    assert len(items(pages)) == 4
    assert [page.observed for page in pages] == [
        Stretch(START - 70 * DAY, datetime(2026, 5, 28, tzinfo=UTC)),
        Stretch(datetime(2026, 5, 28, tzinfo=UTC), datetime(2026, 6, 28, tzinfo=UTC)),
        Stretch(datetime(2026, 6, 28, tzinfo=UTC), VOUCHED),
    ]


async def test_a_search_that_tiktok_forgot_begins_anew_on_the_day_it_had_come_to(platform: TikTokPlatform) -> None:
    platform.stop_after = 2
    pages: list[Page] = []
    with pytest.raises(RetryLater):
        await visit(platform, into=pages)
    platform.stop_after = None
    platform._searches.clear()
    rest = await visit(platform, cursor=last_cursor(pages))
    assert {item.id for item in items(pages + rest)} == platform.ids()
    assert (bodies(platform)[-1]["start_date"], bodies(platform)[-1]["end_date"]) == ("20260629", "20260703")
    assert rest[-1].observed == Stretch(datetime(2026, 6, 29, tzinfo=UTC), VOUCHED)


async def test_searches_that_are_forgotten_at_once_still_come_to_their_end(platform: TikTokPlatform) -> None:
    platform.forgets = True
    seen: set[str] = set()
    cursor: Mapping[str, Any] = {}
    for _ in range(4):
        pages: list[Page] = []
        with contextlib.suppress(RetryLater):
            await visit(platform, cursor=cursor, into=pages)
        seen |= {item.id for item in items(pages)}
        cursor = last_cursor(pages)
    assert seen == platform.ids()


async def test_a_day_with_more_videos_than_a_page_of_forgotten_searches_is_tried_later() -> None:
    with TikTokPlatform() as platform:
        for number in range(150):
            platform.add(START - timedelta(minutes=number))
        platform.forgets = True
        with pytest.raises(RetryLater) as caught:
            await visit(platform)
    assert caught.value.code == "search_lost"
    assert len(bodies(platform)) == 8  # four first pages, and four that were refused


@pytest.mark.parametrize(
    ("url", "field", "value"),
    [
        ("https://www.tiktok.com/search?q=flu%20shot&t=1795", "keyword", "flu shot"),
        ("https://www.tiktok.com/search/video?q=flu", "keyword", "flu"),
        ("https://www.tiktok.com/tag/glp1?lang=en", "hashtag_name", "glp1"),
        ("https://m.tiktok.com/@example_creator1", "username", "example_creator1"),
    ],
)
async def test_each_kind_of_address_is_asked_for_in_its_way(
    platform: TikTokPlatform, url: str, field: str, value: str
) -> None:
    of = source(url, region="de", days=3)
    assert COLLECTOR.check(of) == []
    await visit(platform, of)
    body = bodies(platform)[0]
    first, second = body["query"]["and"]
    assert (first["field_name"], first["field_values"]) == (field, [value])
    assert second == {"operation": "IN", "field_name": "region_code", "field_values": ["DE"]}
    assert body["start_date"] == "20260703"


async def test_the_region_narrows_what_comes(platform: TikTokPlatform) -> None:
    found = {item.id for item in items(await visit(platform, source(region="DE")))}
    assert found == {str(video.number) for video in platform.videos if video.facts["region_code"] == "DE"}


async def test_videos_of_similar_names_are_not_those_of_the_account(platform: TikTokPlatform) -> None:
    of = source("https://www.tiktok.com/@Example_Creator1")
    videos = [video.to_json() for video in platform.videos[:6]]
    told = Told.json({"data": {"videos": videos, "has_more": False}, "error": {"code": "ok"}})
    platform._query = lambda asked: told  # type: ignore[method-assign]
    (page,) = await visit(platform, of)
    assert {item.author for item in COLLECTOR.parse(of, page).items} == {"example_creator1"}
    similar = replace(page, context={"asked": [str(platform.videos[0].number)]})
    assert [item.id for item in COLLECTOR.parse(of, similar).items] == [str(platform.videos[0].number)]


@pytest.mark.parametrize(
    "url",
    [
        "https://www.tiktok.com/",
        "https://www.tiktok.com/search",
        "https://www.tiktok.com/search?q=",
        "https://www.tiktok.com/tag/",
        "https://www.tiktok.com/@somebody/video/7560000000000000001",
        "https://vm.tiktok.com/ZM123/",
        "https://example.org/tag/flu",
        "http://127.0.0.1/tag/flu",
    ],
)
def test_what_is_wrong_with_an_address_is_said(url: str) -> None:
    (problem,) = COLLECTOR.check(source(url))
    assert problem.path == ("url",)
    assert "https://www.tiktok.com/tag/NAME" in problem.instead


@pytest.mark.parametrize("options", [{"region": "USA"}, {"days": 31}, {"days": 1}, {"pages": 0}, {"regions": ["US"]}])
def test_what_is_wrong_with_options_is_said(options: dict[str, Any]) -> None:
    (problem,) = COLLECTOR.check(source(**options))
    assert problem.path == ("options", next(iter(options)))


async def test_a_video_of_unknown_shape_is_set_aside_and_the_search_goes_on(platform: TikTokPlatform) -> None:
    broken = platform.break_one()
    pages = await visit(platform)
    (rejected,) = [one for page in pages for one in COLLECTOR.parse(source(), page).rejected]
    assert rejected.reason == "video_description is not text"
    assert rejected.raw is not None
    assert broken.encode() in rejected.raw
    assert {item.id for item in items(pages)} == platform.ids()


def test_an_answer_without_a_list_of_videos_is_not_an_empty_search() -> None:
    for body in (b'{"data": {}}', b'{"data": {"videos": null}}', b"{}"):
        with pytest.raises(Drifted, match="no list"):
            COLLECTOR.parse(source(), Page(body, "https://open.tiktokapis.com/", START))


def test_an_id_that_is_written_the_old_way_is_read() -> None:
    body = b'{"data": {"videos": [{"video_id": 7560000000000000001, "create_time": 1795000000}]}}'
    (item,) = COLLECTOR.parse(source(), Page(body, "https://open.tiktokapis.com/", START)).items
    assert (item.id, item.url, item.media) == ("7560000000000000001", None, ())


def test_only_fields_that_exist_are_asked_for() -> None:
    assert set(ASKED_FIELDS) <= FIELDS
