"""The Mastodon collector: addresses, options, and what is asked of the server for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from collectors.base import (
    Gone,
    NotFound,
)
from collectors.mastodon import COLLECTOR
from collectors.mastodon_api.places import read_place
from tests.platforms.mastodon_platform import ACCOUNT, source
from tests.platforms.mastodon_visits import MINUTE, visitor
from tests.platforms.serving import START


async def test_an_account_is_looked_up_and_boosts_are_not_asked_for() -> None:
    async with visitor(posts=3) as one:
        one.platform.add(START - MINUTE, kept=False, reblog={"id": "1"})
        await one.visit(source("/@ward_b@ward.example", exclude_replies=True, only_media=False))
        assert set(one.items) == one.platform.ids()
        first, second = one.platform.requests[:2]
        assert (first.path, first.one("acct")) == ("/api/v1/accounts/lookup", "ward_b")
        assert second.path == f"/api/v1/accounts/{ACCOUNT}/statuses"
        assert (second.one("exclude_reblogs"), second.one("exclude_replies"), second.one("limit")) == (
            "true",
            "true",
            "40",
        )
        assert one.platform.unknown == set()


async def test_an_account_of_another_server_is_looked_up_at_the_one_named_first() -> None:
    async with visitor(posts=1) as one:
        await one.visit(source("/@clinic@other.example"))
        assert one.platform.requests[0].one("acct") == "clinic@other.example"


async def test_an_account_that_is_not_there_or_suspended() -> None:
    async with visitor() as one:
        with pytest.raises(NotFound, match="no such account"):
            await one.visit(source("/@nobody"))
        one.platform.suspended = True
        with pytest.raises(Gone, match="suspended"):
            await one.visit(source("/@ward_b"))


async def test_hashtags_can_be_combined() -> None:
    async with visitor(posts=2) as one:
        extra = {"name": "icu", "url": "https://ward.example/tags/icu"}
        tags = [{"name": "nursing", "url": "https://ward.example/tags/nursing"}, extra]
        with_icu = one.platform.add(START - MINUTE, tags=tags)
        await one.visit(source(all=["#icu"], any=["ward"], local=True))
        assert set(one.items) == {with_icu}
        query = one.platform.requests[0].query
        assert (query["all[]"], query["any[]"], query["local"]) == (["icu"], ["ward"], ["true"])
        assert one.items[with_icu].categories == ("nursing", "icu")


async def test_the_local_timeline_asks_for_local_posts() -> None:
    async with visitor(posts=2) as one:
        await one.visit(source("/public/local"))
        assert one.platform.requests[0].one("local") == "true"
        one.cursor = {}
        await one.visit(source("/public"))
        assert "local" not in one.platform.requests[-1].query


async def test_a_hashtag_that_the_server_does_not_know() -> None:
    async with visitor() as one:
        with pytest.raises(NotFound, match="no such hashtag") as caught:
            await one.visit(source("/tags/nobody"))
        assert caught.value.code == "http_404"


@pytest.mark.parametrize(
    ("url", "of"),
    [
        ("https://Ward.Example/tags/%23Nursing/", "ward.example/tag/nursing"),
        ("https://ward.example/tags/Pflege_übung", "ward.example/tag/pflege_übung"),
        ("https://ward.example:8443/@Ward_B", "ward.example:8443/account/ward_b"),
        ("https://ward.example/@a.b@Other.example", "ward.example/account/a.b@other.example"),
        ("https://ward.example/public", "ward.example/public/"),
        ("https://ward.example/public/local", "ward.example/public//local"),
    ],
)
def test_addresses_are_taken_as_they_are_pasted(url: str, of: str) -> None:
    place = read_place(url)
    assert not isinstance(place, str)
    assert place.of == of
    assert COLLECTOR.check(replace(source(), url=url)) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://ward.example/tags/nursing", "https://"),
        ("https://127.0.0.1/tags/nursing", "public server"),
        ("https://localhost/tags/nursing", "public server"),
        ("https://[::1]/tags/nursing", "public server"),
        ("https://user@ward.example/tags/nursing", "public server"),
        ("https://ward.example/tags/two words", "not a hashtag"),
        ("https://ward.example/tags/2026", "not a hashtag"),
        ("https://ward.example/@ward_b/123", "single post"),
        ("https://ward.example/explore", "neither"),
        ("https://ward.example/", "neither"),
        ("https://ward.example/tags/a?any=b", "options"),
        ("https://ward.example:port/@a", "not a web address"),
    ],
)
def test_other_addresses_are_refused_with_the_right_ones(url: str, why: str) -> None:
    (problem,) = COLLECTOR.check(replace(source(), url=url))
    assert problem.path == ("url",)
    assert why in problem.what
    assert "https://SERVER/tags/TAG" in problem.instead


@pytest.mark.parametrize(
    ("path", "options", "at"),
    [
        ("/@ward_b", {"stream": True}, "stream"),
        ("/tags/a", {"stream": True, "any": ["b"]}, "stream"),
        ("/tags/a", {"any": ["b", "c", "d", "e", "f"]}, "any"),
        ("/tags/a", {"none": ["two words"]}, "none"),
        ("/public", {"all": ["b"]}, "all"),
        ("/public", {"local": True}, "local"),
        ("/@ward_b", {"local": True}, "local"),
        ("/tags/a", {"follow_seconds": 1000}, "follow_seconds"),
        ("/tags/a", {"remote": True}, "remote"),
    ],
)
def test_options_that_do_not_go_with_the_address(path: str, options: Mapping[str, Any], at: str) -> None:
    assert [problem.path for problem in COLLECTOR.check(source(path, **options))] == [("options", at)]


def test_the_bundled_examples_are_right() -> None:
    for url in COLLECTOR.examples:
        assert COLLECTOR.check(replace(source(), url=url)) == []
