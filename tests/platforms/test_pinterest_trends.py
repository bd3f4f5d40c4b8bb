"""Pinterest's search trends, which are no posts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from collectors.access import Access
from collectors.base import Drifted, NeedsKey
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.pinterest_api.trends import TrendKeyword, growing_keywords, read_trends, region_of
from tests.platforms.pinterest_platform import TOKEN, PinterestPlatform


@pytest.fixture
def platform() -> Iterator[PinterestPlatform]:
    with PinterestPlatform() as running:
        yield running


def connect(platform: PinterestPlatform) -> Http:
    return Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock)


def access_to(platform: PinterestPlatform, http: Http) -> Access:
    return Access("pinterest", http, keys={"pinterest": TOKEN}, base=platform.base)


async def test_growing_keywords_are_read_in_their_order(platform: PinterestPlatform) -> None:
    async with connect(platform) as http:
        access = access_to(platform, http)
        first, second = await growing_keywords(
            access, "GB+IE", "growing", interests=["health"], ages=["18-24", "25-34"]
        )
        (only,) = await growing_keywords(access, "US", include=["salt"], limit=99)
    weeks = ((date(2026, 6, 21), 31), (date(2026, 6, 28), 54), (date(2026, 7, 5), 100))
    assert first == TrendKeyword(1, "sleep tea", 400, 10_001, -5, weeks)
    assert (second.rank, second.keyword, second.growth_month) == (2, "low salt dinner", 0)
    assert only.keyword == "low salt dinner"
    assert platform.requests[0].path == "/v5/trends/keywords/GB%2BIE/top/growing"
    assert platform.requests[0].query["ages"] == ["18-24", "25-34"]
    assert platform.requests[1].one("limit") == "50"


async def test_trends_of_a_region_or_kind_that_does_not_exist_are_not_asked_for(platform: PinterestPlatform) -> None:
    async with connect(platform) as http:
        access = access_to(platform, http)
        with pytest.raises(ValueError, match="no trends of 'GB'"):
            await growing_keywords(access, "GB")
        with pytest.raises(ValueError, match="no 'daily' trends"):
            await growing_keywords(access, "US", "daily")  # type: ignore[arg-type]
    assert platform.requests == []


async def test_trends_that_are_not_granted_need_approval(platform: PinterestPlatform) -> None:
    platform.trends = False
    async with connect(platform) as http:
        with pytest.raises(NeedsKey, match="user_accounts:read") as caught:
            await growing_keywords(access_to(platform, http), "US")
    assert caught.value.code == "needs_approval"


def test_trends_without_figures_are_unknown_and_never_zero() -> None:
    body = b'{"trends": [{"keyword": "rest", "time_series": {"soon": 3, "2026-07-05": null}}, {"keyword": " "}, 7]}'
    assert read_trends(body) == (TrendKeyword(1, "rest", None, None, None, ()),)
    for odd, code in ((b"<html>", "not_json"), (b'{"items": []}', "unknown_shape"), (b"[]", "unknown_shape")):
        with pytest.raises(Drifted) as caught:
            read_trends(odd)
        assert caught.value.code == code


def test_the_region_of_a_country_is_the_smallest_that_holds_it() -> None:
    assert [region_of(country) for country in ("us", "GB", "DE", "AT", "MX", "JP")] == [
        "US", "GB+IE", "DE", "DE+AT+CH", "MX", None
    ]  # fmt: skip
