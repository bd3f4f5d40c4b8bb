"""The Mastodon collector: streams, and looking posts up again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from collectors.base import (
    Drifted,
    Item,
    NeedsKey,
    Page,
    RetryLater,
    Stretch,
)
from collectors.mastodon import COLLECTOR
from collectors.mastodon_api.places import read_place
from collectors.mastodon_api.server import Server
from collectors.mastodon_api.streaming import listen
from collectors.mastodon_api.timeline import Position
from tests.platforms.mastodon_platform import HOST, TOKEN, MastodonPlatform, event, iso, source
from tests.platforms.mastodon_visits import MINUTE, status, visitor
from tests.platforms.serving import START


async def test_a_stream_brings_posts_edits_and_deletions() -> None:
    async with visitor(key=TOKEN, posts=3) as one:
        first, second, third = sorted(one.platform.ids())
        new = status(content="<p>Fresh</p>")
        edited = {**one.platform.statuses[second], "content": "<p>Edited</p>", "edited_at": iso(START)}
        one.platform.script = (
            ":thump\n" + event("update", new) + event("filters_changed", "undefined") + ":thump\n"
            + event("status.update", edited) + event("delete", first) + event("update", "{broken")
        )  # fmt: skip
        pages = await one.visit(source(stream=True))
        page, parsed = pages[-1]
        assert page.context["kind"] == "events"
        assert one.items[new["id"]].text == "Fresh"
        assert (one.items[second].text, one.items[second].updated_at) == ("Edited", START)
        assert one.items[first] == Item(id=first, deleted=True)
        assert third in one.items
        assert [rejected.reason for rejected in parsed.rejected] == ["unknown shape (JSONDecodeError)"]
        asked = one.platform.requests[-2]
        assert (asked.path, asked.one("tag")) == ("/api/v1/streaming/hashtag", "nursing")
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
        assert "min_id" in one.platform.requests[-1].query  # after the connection, what came before it


async def test_what_comes_between_catching_up_and_the_connection_is_not_missed() -> None:
    async with visitor(key=TOKEN, posts=3) as one:
        answer = one.platform._stream

        def late(given: str | None) -> Any:
            one.clock.move(MINUTE)
            one.platform.add(one.clock.now - timedelta(seconds=5))
            return answer(given)

        one.platform._stream = late  # type: ignore[method-assign]
        pages = await one.visit(source(stream=True))
        assert set(one.items) == one.platform.ids()
        assert pages[-1][0].observed == Stretch(START + timedelta(seconds=55), START + MINUTE)
        assert one.cursor["until"] == (START + MINUTE).isoformat()


async def heard_on(lines: AsyncIterator[str], seconds: float) -> AsyncIterator[Page]:
    """What `listen` makes of these lines, within so many seconds."""
    place = read_place(f"https://{HOST}/public")
    assert not isinstance(place, str)
    async with visitor() as one:
        server = Server(source(), place, one.access)
        end = asyncio.get_running_loop().time() + seconds
        async for page in listen(server, Position(place.of, until=START - MINUTE), lines, "https://ward.example", end):
            yield page


async def test_a_stream_that_does_not_end_is_left_in_time() -> None:
    async def lines() -> AsyncIterator[str]:
        for line in event("delete", "12").split("\n"):
            yield line
        await asyncio.sleep(5)

    (page,) = [page async for page in heard_on(lines(), 0.05)]
    assert COLLECTOR.parse(source(), page).items == (Item(id="12", deleted=True),)
    assert page.observed == Stretch(START - MINUTE, START)
    assert page.resume is not None
    assert page.resume["until"] == START.isoformat()


async def test_a_busy_stream_is_left_in_time_too_and_committed_in_parts() -> None:
    async def lines() -> AsyncIterator[str]:
        while True:
            for line in event("delete", "12").split("\n")[:3]:
                yield line

    pages = [page async for page in heard_on(lines(), 0.2)]
    assert len(pages) > 1
    assert len(json.loads(pages[0].body or b"")) == 100


async def test_what_came_before_a_stream_broke_is_kept() -> None:
    async def lines() -> AsyncIterator[str]:
        for line in event("delete", "12").split("\n"):
            yield line
        raise RetryLater("broken", code="reset")

    pages: list[Page] = []

    async def follow() -> None:
        async for page in heard_on(lines(), 1):
            pages.append(page)  # they must be there although an error follows

    with pytest.raises(RetryLater):
        await follow()
    assert len(pages) == 1


async def test_an_event_without_end_is_an_error() -> None:
    async def lines() -> AsyncIterator[str]:
        while True:
            yield "data: " + "x" * 1_000_000

    with pytest.raises(Drifted) as caught:
        _ = [page async for page in heard_on(lines(), 1)]
    assert caught.value.code == "too_large"


async def test_a_stream_on_which_only_heartbeats_came_was_observed() -> None:
    async def lines() -> AsyncIterator[str]:
        yield ":thump"

    (page,) = [page async for page in heard_on(lines(), 1)]
    assert (page.body, page.observed) == (b"[]", Stretch(START - MINUTE, START))


async def test_a_stream_needs_a_token_and_nothing_is_asked_without() -> None:
    async with visitor() as one:
        with pytest.raises(NeedsKey, match="stream: true") as caught:
            await one.visit(source(stream=True))
        assert (caught.value.code, one.platform.requests) == ("needs_key", [])


async def test_a_stream_that_is_refused_is_the_tokens_fault() -> None:
    async with visitor(key=TOKEN, posts=3) as one:
        one.platform._stream = lambda given: MastodonPlatform._stream(one.platform, None)  # type: ignore[method-assign]
        with pytest.raises(NeedsKey) as caught:
            await one.visit(source("/public", stream=True))
        assert caught.value.code == "key_refused"
        assert set(one.items) == one.platform.ids()  # what was caught up with is kept


async def test_public_streams_have_addresses_of_their_own() -> None:
    async with visitor(key=TOKEN, posts=1) as one:
        for path, options, wanted in (
            ("/public", {"only_media": True}, "/api/v1/streaming/public"),
            ("/public/local", {}, "/api/v1/streaming/public/local"),
            ("/tags/nursing", {"local": True}, "/api/v1/streaming/hashtag/local"),
        ):
            one.cursor = {}
            before = len(one.platform.requests)
            await one.visit(source(path, stream=True, **options))
            assert wanted in [request.path for request in one.platform.requests[before:]]


@pytest.mark.parametrize(
    ("told", "host"),
    [
        (f"wss://streaming.{HOST}", f"streaming.{HOST}"),
        (f"wss://{HOST}:4000", f"{HOST}:4000"),
        (f"ws://streaming.{HOST}", HOST),
        ("wss://thief.example", HOST),
        (f"wss://not{HOST}", HOST),
        ("wss://[", HOST),
        ("", HOST),
    ],
)
async def test_a_streaming_host_is_believed_only_within_the_servers_name(told: str, host: str) -> None:
    place = read_place(f"https://{HOST}/public")
    assert not isinstance(place, str)
    async with visitor(key=TOKEN) as one:
        one.platform.streaming = told
        assert await Server(source(), place, one.access).streaming_host() == host


async def test_a_visit_that_is_behind_does_not_stream() -> None:
    async with visitor(key=TOKEN) as one:
        await one.visit(source(stream=True, pages=2))
        assert not any("streaming" in path for path in one.asked())


async def test_deleted_posts_are_found_by_looking_them_up() -> None:
    async with visitor(posts=45) as one:
        ids = sorted(one.platform.ids())
        gone = one.platform.remove_one()
        parsed = await one.review(source(), ids)
        assert len(parsed) == 3
        assert {item.id for part in parsed for item in part.items if item.deleted} == {gone}
        assert {item.id for part in parsed for item in part.items if not item.deleted} == set(ids) - {gone}
        assert one.asked().count("/api/v1/statuses") == 3
        assert one.asked().count(f"/api/v1/statuses/{gone}") == 1


async def test_a_server_that_looks_up_single_posts_only() -> None:
    async with visitor(posts=5) as one:
        one.platform.batches = False
        ids = sorted(one.platform.ids())
        gone = one.platform.remove_one()
        for _ in range(2):
            (parsed,) = await one.review(source(), ids)
            assert [item.id for item in parsed.items if item.deleted] == [gone]
        assert one.asked().count("/api/v1/statuses") == 1  # remembered


async def test_what_is_no_longer_public_or_wanted_is_gone_here() -> None:
    async with visitor(posts=4) as one:
        hidden, unwilling, edited, same = sorted(one.platform.ids())
        one.platform.statuses[hidden]["visibility"] = "private"
        one.platform.statuses[unwilling]["account"] = one.platform.account(noindex=True)
        one.platform.statuses[edited] |= {"content": "<p>Now</p>", "edited_at": iso(START)}
        (parsed,) = await one.review(source("/@ward_b"), [hidden, unwilling, edited, same])
        found = {item.id: item for item in parsed.items}
        assert [found[one].deleted for one in (hidden, unwilling, edited, same)] == [True, True, False, False]
        assert (found[edited].text, found[edited].updated_at) == ("Now", START)
        assert parsed.facts.blocked is None


async def test_a_404_that_is_not_mastodons_deletes_nothing() -> None:
    async with visitor(posts=2) as one:
        ids = sorted(one.platform.ids())
        one.platform.batches = False
        one.platform.statuses.clear()
        answer = one.platform._api

        def broken_proxy(asked: Any) -> Any:
            told = answer(asked)
            return replace(told, body=b"<h1>404</h1>") if told.status == 404 else told

        one.platform._api = broken_proxy  # type: ignore[method-assign]
        with pytest.raises(Drifted):
            await one.review(source(), ids)
