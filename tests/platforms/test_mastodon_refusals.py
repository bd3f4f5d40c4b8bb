"""The Mastodon collector: tokens, closed timelines and limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from collectors.access import Access
from collectors.base import (
    NeedsKey,
    Refused,
    Throttled,
)
from collectors.fetch import Http, HttpSettings
from collectors.mastodon_api.places import read_place
from collectors.mastodon_api.server import QUOTA, Server
from tests.platforms.mastodon_platform import HOST, TOKEN, source
from tests.platforms.mastodon_visits import MINUTE, visitor
from tests.platforms.serving import START


async def test_a_closed_timeline_without_a_token_says_which_variable_to_set() -> None:
    for silent in (False, True):
        async with visitor() as one:
            one.platform.access, one.platform.silent = "authenticated", silent
            with pytest.raises(NeedsKey) as caught:
                await one.visit(source())
            assert caught.value.code == "needs_key"
            assert f"TRENDMONITOR_KEY__MASTODON to {HOST}=TOKEN" in str(caught.value)
            assert (one.cursor, one.items) == ({}, {})


async def test_a_closed_timeline_opens_with_a_token() -> None:
    async with visitor(key=f"other.example=hush-other, {HOST}={TOKEN}", posts=3) as one:
        one.platform.access = "authenticated"
        await one.visit(source())
        assert set(one.items) == one.platform.ids()
        assert {request.headers["authorization"] for request in one.platform.requests} == {f"Bearer {TOKEN}"}


async def test_a_timeline_that_is_switched_off_is_refused_in_words() -> None:
    async with visitor(key=TOKEN) as one:
        one.platform.access = "disabled"
        with pytest.raises(Refused, match="switched this timeline off") as caught:
            await one.visit(source("/public"))
        assert caught.value.code == "timeline_disabled"


async def test_a_timeline_that_closes_later_is_noticed() -> None:
    async with visitor(posts=0) as one:
        one.platform.access, one.platform.silent = "public", True
        await one.visit(source())
        one.platform.access = "authenticated"
        one.clock.move(timedelta(days=1))
        with pytest.raises(NeedsKey):
            await one.visit(source())


async def test_a_wrong_token_is_refused_without_showing_it() -> None:
    async with visitor(key=f"{HOST}=hush-wrong") as one:
        with pytest.raises(NeedsKey, match="TRENDMONITOR_KEY__MASTODON is refused") as caught:
            await one.visit(source())
        assert caught.value.code == "key_refused"
        assert "hush" not in str(caught.value)
        assert len(one.platform.requests) == 1


async def test_a_token_is_sent_to_its_own_server_only() -> None:
    async with visitor(key=f"other.example={TOKEN}", posts=1) as one:
        await one.visit(source())
        assert all("authorization" not in request.headers for request in one.platform.requests)


@pytest.mark.parametrize("key", ["hush-bare", f"{HOST}=", "=hush", f"{HOST}=hush,hush-bare", f"{HOST}=hush hush"])
async def test_a_variable_that_does_not_say_for_which_server_is_refused(key: str) -> None:
    place = read_place(f"https://{HOST}/public")
    assert not isinstance(place, str)
    async with Http(HttpSettings()) as http:
        with pytest.raises(NeedsKey) as caught:
            Server(source(), place, Access("mastodon", http, keys={"mastodon": key}))
    assert caught.value.code == "key_refused"
    assert "SERVER=TOKEN" in str(caught.value) or "characters" in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_too_many_requests_wait_for_the_servers_own_time() -> None:
    async with visitor() as one:
        one.platform.throttled = True
        with pytest.raises(Throttled) as caught:
            await one.visit(source())
        assert (caught.value.code, caught.value.until) == ("http_429", START + 5 * MINUTE)
        with pytest.raises(Throttled) as caught:  # not even asked again
            await one.visit(source())
        assert (caught.value.code, caught.value.until) == ("quota_used", START + 5 * MINUTE)
        assert len(one.platform.requests) == 1


async def test_when_the_server_says_nothing_is_left_it_is_not_asked() -> None:
    async with visitor() as one:
        one.platform._reset, one.platform.left = START + 2 * MINUTE, 2
        with pytest.raises(Throttled) as caught:
            await one.visit(source())
        assert (caught.value.code, caught.value.until) == ("quota_used", START + 2 * MINUTE)
        assert len(one.platform.requests) == 2
        one.clock.move(2 * MINUTE)
        one.platform.left = 300
        await one.visit(source())
        assert set(one.items) == one.platform.ids()


async def test_requests_are_booked_for_each_server() -> None:
    async with visitor(posts=1) as one:
        await one.visit(source())
        assert {(entry.bucket, entry.amount) for entry in one.meter.entries} == {(f"requests:{HOST}", 1)}
        assert len(one.meter.entries) == len(one.platform.requests)
        now = one.clock.now
        for _ in range(int(QUOTA.limit)):
            if isinstance(
                await one.meter.book(
                    "mastodon", replace(QUOTA, bucket=f"requests:{HOST}"), 1, since=now - 5 * MINUTE, at=now, what=""
                ),
                datetime,
            ):
                break
        with pytest.raises(Throttled, match="300 requests in 5 minutes") as caught:
            await one.visit(source())
        assert caught.value.until == START + 5 * MINUTE + timedelta(seconds=1)
        one.clock.move(6 * MINUTE)
        await one.visit(source())
