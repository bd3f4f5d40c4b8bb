"""Pinterest's own boards and the search for partners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors import registry
from collectors.access import Access
from collectors.base import (
    NO_ENGAGEMENT,
    NOTHING_PROVED,
    Drifted,
    Engagement,
    Item,
    Media,
    NeedsKey,
    NotFound,
    Page,
    Refused,
    Source,
    Stretch,
    Throttled,
)
from collectors.fetch import Http, HttpSettings, parse_nets
from tests.platforms.pinterest_platform import (
    BOARD,
    FOREIGN,
    TOKEN,
    USER,
    WRONG_TOKEN,
    PinterestPlatform,
    board_source,
    search_source,
)
from tests.platforms.serving import START

COLLECTOR = registry.get("pinterest")


@pytest.fixture
def platform() -> Iterator[PinterestPlatform]:
    with PinterestPlatform(pins=30) as running:
        yield running


@pytest.fixture
def searched() -> Iterator[PinterestPlatform]:
    with PinterestPlatform(found=130) as running:
        yield running


def connect(platform: PinterestPlatform) -> Http:
    return Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock)


def access_to(platform: PinterestPlatform, http: Http, key: str = TOKEN) -> Access:
    return Access("pinterest", http, keys={"pinterest": key} if key else {}, base=platform.base)


async def visit(
    platform: PinterestPlatform, of: Source, cursor: Mapping[str, Any] | None = None, *, key: str = TOKEN
) -> list[Page]:
    async with connect(platform) as http:
        access = access_to(platform, http, key)
        return [page async for page in COLLECTOR.retrieve(of, cursor or {}, access, platform.clock())]


def items(pages: list[Page]) -> dict[str, Item]:
    return {item.id: item for page in pages for item in COLLECTOR.parse(board_source(), page).items}


def last_cursor(pages: list[Page]) -> Mapping[str, Any]:
    return next(page.resume for page in reversed(pages) if page.resume is not None)


def paths(platform: PinterestPlatform) -> list[str]:
    return [asked.path for asked in platform.requests]


async def test_an_own_board_is_found_by_its_address_and_read_to_its_end(platform: PinterestPlatform) -> None:
    pages = await visit(platform, board_source())
    found = items(pages)
    assert set(found) == platform.ids()
    assert paths(platform) == ["/v5/boards", f"/v5/boards/{BOARD}/pins"]
    assert pages[-1].observed == Stretch(START - timedelta(days=365), START)
    pin = found[platform.pins[0].number]
    assert (pin.title, pin.text) == ("Example pin 000", "Less salt, more herbs (invented)")
    assert pin.url == f"https://www.pinterest.com/pin/{pin.id}/"
    assert pin.published_at == START - timedelta(hours=1)
    assert (pin.author, pin.sponsored, pin.content_type) == (USER, False, None)
    assert pin.media == (Media("https://i.pinimg.com/1200x/00/00/00/example0.jpg", medium="image"),)


async def test_the_number_of_a_board_is_looked_up_once(platform: PinterestPlatform) -> None:
    cursor = last_cursor(await visit(platform, board_source()))
    platform.requests.clear()
    pages = await visit(platform, board_source(), cursor)
    assert paths(platform) == [f"/v5/boards/{BOARD}/pins"]
    assert pages[-1].observed == Stretch(START, START)


async def test_a_board_that_was_made_anew_is_looked_up_again(platform: PinterestPlatform) -> None:
    pages = await visit(platform, board_source(), {"board": "1", "name": f"{USER}/low-salt-tasty"})
    assert set(items(pages)) == platform.ids()


async def test_the_number_of_another_address_is_not_used(platform: PinterestPlatform) -> None:
    pages = await visit(platform, board_source("recipes"), {"board": BOARD, "name": f"{USER}/low-salt-tasty"})
    assert items(pages) == {}


async def test_boards_are_looked_through_to_the_last_page(platform: PinterestPlatform) -> None:
    platform.boards = [platform.board(f"Other {number}", str(number + 1)) for number in range(300)] + platform.boards
    assert set(items(await visit(platform, board_source()))) == platform.ids()
    assert paths(platform).count("/v5/boards") == 2


async def test_the_option_board_needs_no_looking_up(platform: PinterestPlatform) -> None:
    assert set(items(await visit(platform, board_source("what-ever", board=BOARD)))) == platform.ids()
    assert "/v5/boards" not in paths(platform)


@pytest.mark.parametrize("options", [{}, {"board": FOREIGN}])
async def test_a_board_of_others_names_the_feed_instead(platform: PinterestPlatform, options: dict[str, Any]) -> None:
    with pytest.raises(
        Refused, match=r"collector `feed` with https://www\.pinterest\.com/someone/herbs\.rss"
    ) as caught:
        await visit(platform, board_source("herbs", "someone", **options))
    assert caught.value.code == "foreign_board"


@pytest.mark.parametrize("board", ["plans", "no-such-board"])
async def test_a_secret_or_unknown_board_is_not_found(platform: PinterestPlatform, board: str) -> None:
    with pytest.raises(NotFound, match="no public board"):
        await visit(platform, board_source(board))


async def test_a_page_in_the_middle_of_a_board_proves_nothing() -> None:
    with PinterestPlatform(pins=620) as platform:
        pages = await visit(platform, board_source())
        assert set(items(pages)) == platform.ids()
    assert [page.observed for page in pages[:-1]] == [NOTHING_PROVED, NOTHING_PROVED]
    assert [page.resume is None for page in pages] == [True, True, False]
    assert pages[-1].observed == Stretch(START - timedelta(days=365), START)


async def test_a_long_board_is_read_over_several_visits_and_then_vouched_for() -> None:
    seen: set[str] = set()
    cursor: Mapping[str, Any] = {}
    with PinterestPlatform(pins=620) as platform:
        for number in range(3):
            platform.clock = lambda number=number: START + timedelta(hours=number)  # type: ignore[misc]
            pages = await visit(platform, board_source(pages=1), cursor)
            seen |= set(items(pages))
            cursor = last_cursor(pages)
        assert seen == platform.ids()
    assert pages[-1].observed == Stretch(START - timedelta(days=365), START)  # as of when the reading began
    assert cursor["until"] == START.isoformat()


async def test_a_bookmark_that_was_kept_too_long_begins_the_board_anew() -> None:
    with PinterestPlatform(pins=300) as platform:
        cursor = last_cursor(await visit(platform, board_source(pages=1)))
        platform.forgets = True
        (page,) = await visit(platform, board_source(pages=1), cursor)
        assert page.observed == NOTHING_PROVED
        with pytest.raises(Refused, match="Invalid bookmark"):
            await visit(platform, board_source())


async def test_counts_are_those_of_its_lifetime_and_missing_ones_are_none(platform: PinterestPlatform) -> None:
    found = items(await visit(platform, board_source()))
    assert found[platform.pins[0].number].engagement == Engagement(views=100, likes=0, comments=0, shares=1)
    assert found[platform.pins[4].number].engagement == NO_ENGAGEMENT
    platform.requests.clear()
    without = items(await visit(platform, board_source(counts=False)))
    assert {item.engagement for item in without.values()} == {NO_ENGAGEMENT}
    assert all("pin_metrics" not in asked.query for asked in platform.requests)


async def test_a_pin_without_lifetime_counts_does_not_lend_those_of_ninety_days(platform: PinterestPlatform) -> None:
    platform.pins[0].changes["pin_metrics"] = {"90d": {"impression": 2, "pin_click": 7}}
    assert items(await visit(platform, board_source()))[platform.pins[0].number].engagement == NO_ENGAGEMENT


async def test_the_length_of_a_video_is_told_in_milliseconds(platform: PinterestPlatform) -> None:
    pending = platform.pins[5].changes["media"]
    pending["duration"] = None
    found = items(await visit(platform, board_source()))
    video, unknown = found[platform.pins[1].number], found[platform.pins[5].number]
    assert video.content_type == "video"
    assert video.media == (Media("https://i.pinimg.com/1200x/00/00/01/example1.jpg", medium="video", duration=34.5),)
    assert unknown.media[0].duration is None


async def test_several_media_of_one_pin_are_all_kept(platform: PinterestPlatform) -> None:
    image = {"item_type": "image", "images": {"600x": {"width": 600, "height": 1, "url": "https://i.pinimg.com/a.jpg"}}}
    video = {"item_type": "video", "cover_image_url": "https://i.pinimg.com/b.jpg", "duration": 2000}
    platform.pins[0].changes["media"] = {"media_type": "multiple_mixed", "items": [image, video]}
    media = items(await visit(platform, board_source()))[platform.pins[0].number].media
    assert [(one.medium, one.duration) for one in media] == [("image", None), ("video", 2.0)]


async def test_a_promoted_pin_is_sponsored_and_one_that_does_not_say_is_not_known(platform: PinterestPlatform) -> None:
    platform.pins[0].changes["has_been_promoted"] = True
    platform.pins[2].changes["has_been_promoted"] = None
    found = items(await visit(platform, board_source()))
    told = [found[platform.pins[number].number].sponsored for number in range(3)]
    assert told == [True, False, None]


async def test_pins_of_others_on_a_group_board_have_no_author(platform: PinterestPlatform) -> None:
    platform.pins[0].changes["is_owner"] = False
    assert items(await visit(platform, board_source()))[platform.pins[0].number].author is None


async def test_a_pin_that_was_only_saved_is_no_post(platform: PinterestPlatform) -> None:
    platform.pins[0].changes |= {"parent_pin_id": "5", "title": None, "description": ""}
    platform.pins[1].changes |= {"parent_pin_id": "5", "title": None, "description": "We tried this one"}
    found = items(await visit(platform, board_source()))
    assert platform.pins[0].number not in found
    assert found[platform.pins[1].number].text == "We tried this one"


async def test_found_pins_have_no_date_and_prove_nothing(searched: PinterestPlatform) -> None:
    pages = await visit(searched, search_source(locale="en-US"))
    found = items(pages)
    assert set(found) == searched.ids()
    assert [page.observed for page in pages] == [NOTHING_PROVED] * 3
    assert {(item.published_at, item.author, item.sponsored, item.engagement) for item in found.values()} == {
        (None, None, None, NO_ENGAGEMENT)
    }
    first = searched.requests[0]
    assert (first.one("term"), first.one("country_code"), first.one("locale")) == ("flu shot", "US", "en-US")


async def test_the_country_of_the_source_is_searched_where_no_option_says_otherwise(
    searched: PinterestPlatform,
) -> None:
    of = replace(search_source(), country="DE", options={})
    assert COLLECTOR.check(of) == []
    await visit(searched, of)
    assert searched.requests[0].one("country_code") == "DE"


async def test_without_the_beta_a_search_needs_approval(searched: PinterestPlatform) -> None:
    searched.partner = False
    with pytest.raises(NeedsKey, match=r"TRENDMONITOR_KEY__PINTEREST .* beta") as caught:
        await visit(searched, search_source())
    assert caught.value.code == "needs_approval"


async def test_a_search_that_is_not_accepted_says_what_pinterest_says(searched: PinterestPlatform) -> None:
    with pytest.raises(Refused, match="Invalid pin filter value"):
        await visit(searched, replace(search_source(), options={"country": "USA"}))


@pytest.mark.parametrize(("key", "code"), [("", "needs_key"), (WRONG_TOKEN, "key_refused")])
async def test_a_missing_or_wrong_key_is_named_but_not_shown(platform: PinterestPlatform, key: str, code: str) -> None:
    with pytest.raises(NeedsKey, match="TRENDMONITOR_KEY__PINTEREST") as caught:
        await visit(platform, board_source(), key=key)
    assert caught.value.code == code
    assert "hush" not in str(caught.value)


async def test_the_platform_says_how_long_to_wait(platform: PinterestPlatform) -> None:
    platform.throttled = True
    with pytest.raises(Throttled) as caught:
        await visit(platform, board_source())
    assert (caught.value.code, caught.value.until) == ("http_429", START + timedelta(minutes=15))
    platform.quiet = True
    with pytest.raises(Throttled) as caught:
        await visit(platform, board_source())
    assert caught.value.until is None
    assert len(platform.requests) == 2


async def test_the_limit_of_a_day_is_kept_before_it_is_reached(platform: PinterestPlatform) -> None:
    async with connect(platform) as http:
        access = access_to(platform, http)
        await access.spend(COLLECTOR.quotas[0], 999)
        with pytest.raises(Throttled, match="limit of 1,000 requests") as caught:
            _ = [page async for page in COLLECTOR.retrieve(board_source(), {}, access, START)]
    assert len(platform.requests) == 1
    assert caught.value.until == START + timedelta(days=1, seconds=1)


async def test_pins_of_unknown_shape_are_set_aside(platform: PinterestPlatform, searched: PinterestPlatform) -> None:
    for running, of in ((platform, board_source()), (searched, search_source())):
        broken = running.break_one()
        pages = await visit(running, of)
        (rejected,) = [one for page in pages for one in COLLECTOR.parse(of, page).rejected]
        assert rejected.reason in ("description is not text", "title is not text")
        assert rejected.raw is not None
        assert broken.encode() in rejected.raw
        assert set(items(pages)) == running.ids()


def test_an_answer_without_items_is_not_an_empty_board() -> None:
    with pytest.raises(Drifted, match="no list `items`"):
        COLLECTOR.parse(board_source(), Page(b'{"code": 1}', "https://api.pinterest.com/v5/boards/1/pins", START))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://www.pinterest.com/example_clinic/", "example_clinic/feed.rss"),
        ("https://www.pinterest.com/example_clinic/herbs.rss", "collector `feed`"),
        ("https://www.pinterest.com/pin/1000000000000000001/", "USER/BOARD"),
        ("https://www.pinterest.com/search/pins/", "q=WORDS"),
        ("https://www.pinterest.com/search/boards/?q=flu", "q=WORDS"),
        ("https://trends.pinterest.com/?country=US", "trends are shown on their own"),
        ("https://pinterest.example.org/a/b", "USER/BOARD"),
        ("http://127.0.0.1/a/b", "USER/BOARD"),
    ],
)
def test_what_is_wrong_with_an_address_is_said(url: str, says: str) -> None:
    (problem,) = COLLECTOR.check(replace(board_source(), url=url))
    assert problem.path == ("url",)
    assert says in problem.instead


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (board_source(board="herbs!"), "board"),
        (replace(search_source(), options={}), "country"),
        (search_source(country="USA"), "country"),
        (board_source(days=0), "days"),
        (board_source(metrics=True), "metrics"),
    ],
)
def test_what_is_wrong_with_options_is_said(of: Source, name: str) -> None:
    (problem,) = COLLECTOR.check(of)
    assert problem.path == ("options", name)


@pytest.mark.parametrize("host", ["www.pinterest.com", "de.pinterest.com", "www.pinterest.co.uk", "pinterest.fr"])
def test_the_sites_of_all_countries_are_pinterest(host: str) -> None:
    assert COLLECTOR.check(replace(board_source(), url=f"https://{host}/{USER}/low-salt-tasty/")) == []


def test_times_of_pins_are_utc() -> None:
    pin = b'{"items": [{"id": "1", "title": "t", "created_at": "2026-07-06T10:00:00"}], "bookmark": null}'
    (item,) = COLLECTOR.parse(board_source(), Page(pin, "https://api.pinterest.com/", START)).items
    assert item.published_at == datetime(2026, 7, 6, 10, tzinfo=UTC)
