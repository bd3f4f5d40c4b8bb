"""Answers that do not end: lines, Server-Sent Events, and how a stream breaks. Real HTTP over loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from collectors.base import Drifted, Gone, NeedsKey, NotFound, Refused, RetryLater, Throttled
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.net.lines import Event, EventReader, LineSplitter, LineTooLongError
from tests.servers.baddays import BadDays, Behaviour, Reply, Request, redirect, status
from tests.servers.internet import PUBLIC, Elsewhere, Names

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[BadDays]:
    async with BadDays() as running:
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8")), clock=lambda: NOW) as client:
        yield client


def stream(*parts: bytes, end: bool = True, cut: bool = False, **headers: str) -> Behaviour:
    """A chunked answer in these pieces; then a good end, a cut, or silence."""

    async def behave(request: Request, reply: Reply) -> None:
        await reply.head(200, {"Content_Type": "text/event-stream", "Transfer_Encoding": "chunked", **headers})
        for part in parts:
            await reply.raw(b"%x\r\n%s\r\n" % (len(part), part))
            await asyncio.sleep(0)
        if cut:
            await reply.close()
        elif end:
            await reply.raw(b"0\r\n\r\n")
        else:
            await asyncio.sleep(5)

    return behave


async def test_lines_come_one_by_one_whatever_ends_them(server: BadDays, http: Http) -> None:
    url = server.on("/live", stream(b"one\ntw", b"o\r", b"\nthree\r\r\nzwei \xc3", b"\xa4\n\nrest"))
    async with http.lines(url) as lines:
        assert [line async for line in lines] == ["one", "two", "three", "", "zwei ä", "", "rest"]
    sent = server.requests[0].headers
    assert (sent["accept"], sent["accept-encoding"]) == ("text/event-stream", "identity")


async def test_headers_of_the_caller_are_sent(server: BadDays, http: Http) -> None:
    url = server.on("/live", stream(b"x\n"))
    async with http.lines(url, headers={"Authorization": "Bearer hush", "Accept": "application/json"}) as lines:
        assert await anext(lines) == "x"
    sent = server.requests[0].headers
    assert (sent["authorization"], sent["accept"]) == ("Bearer hush", "application/json")


async def test_waiting_may_be_given_up_without_losing_a_line(server: BadDays, http: Http) -> None:
    gate = asyncio.Event()

    async def behave(request: Request, reply: Reply) -> None:
        await reply.head(200, {"Content_Type": "text/event-stream", "Transfer_Encoding": "chunked"})
        await gate.wait()
        await reply.raw(b"4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n")

    async with http.lines(server.on("/live", behave)) as lines:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(lines)
        gate.set()
        assert [line async for line in lines] == ["one", "two"]
        assert [line async for line in lines] == []  # it stays at its end


async def test_silence_is_an_error_or_a_quiet_end(server: BadDays, http: Http) -> None:
    url = server.on("/live", stream(b"one\n", end=False))
    async with http.lines(url, silence=0.05) as lines:
        assert await anext(lines) == "one"
        with pytest.raises(RetryLater) as caught:
            await anext(lines)
    assert caught.value.code == "timeout_silence"
    async with http.lines(url, silence=0.05, quiet=True) as lines:
        assert [line async for line in lines] == ["one"]


async def test_a_cut_is_told_after_all_that_came_before_it(server: BadDays, http: Http) -> None:
    url = server.on("/live", stream(b"one\ntwo\nhal", cut=True))
    async with http.lines(url) as lines:
        assert (await anext(lines), await anext(lines)) == ("one", "two")
        with pytest.raises(RetryLater) as caught:
            await anext(lines)
    assert caught.value.code == "truncated"


async def test_a_line_without_end_is_refused(server: BadDays, http: Http) -> None:
    url = server.on("/live", stream(b"ok\n", *[b"x" * 400] * 3))
    async with http.lines(url, max_line=1000) as lines:
        assert await anext(lines) == "ok"
        with pytest.raises(Drifted) as caught:
            await anext(lines)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    ("code", "kind"),
    [(401, NeedsKey), (403, NeedsKey), (404, NotFound), (410, Gone), (429, Throttled), (503, RetryLater)],
)
async def test_statuses_are_named_as_those_of_a_fetch(
    server: BadDays, http: Http, code: int, kind: type[Exception]
) -> None:
    url = server.on("/live", status(code, Retry_After="60"))
    with pytest.raises(kind) as caught:
        async with http.lines(f"{url}?access_token=hush", headers={"Authorization": "Bearer hush"}):
            pass
    assert caught.value.code == f"http_{code}"  # type: ignore[attr-defined]  # all are CollectErrors
    assert "hush" not in str(caught.value)


async def test_a_redirect_is_refused_and_nobody_else_is_asked(server: BadDays, http: Http) -> None:
    url = server.on("/live", redirect(server.url("/other"), 302))
    with pytest.raises(Refused) as caught:
        async with http.lines(url):
            pass
    assert (caught.value.code, server.hits("/other")) == ("bad_redirect", 0)


async def test_a_compressed_stream_is_refused(server: BadDays, http: Http) -> None:
    url = server.on("/live", stream(b"\x1f\x8b", Content_Encoding="gzip"))
    with pytest.raises(Drifted) as caught:
        async with http.lines(url):
            pass
    assert caught.value.code == "bad_encoding"


async def test_a_private_address_is_refused(server: BadDays) -> None:
    async with Http(HttpSettings(), clock=lambda: NOW) as http:
        with pytest.raises(Refused) as caught:
            async with http.lines(server.on("/live", stream(b"x\n"))):
                pass
    assert caught.value.code == "private_address"
    assert server.requests == []


async def test_nothing_is_asked_of_a_host_that_is_held(server: BadDays) -> None:
    server.on("/live", status(429, Retry_After="60"))
    async with Http(
        HttpSettings(pace=0.0), clock=lambda: NOW, resolve=Names([PUBLIC]), network=Elsewhere(server.port)
    ) as http:
        for _ in range(2):
            with pytest.raises(Throttled) as caught:
                async with http.lines("http://stream.example/live"):
                    pass
            assert caught.value.until is not None
    assert server.hits("/live") == 1


async def test_a_stream_keeps_no_turn_of_its_host(server: BadDays) -> None:
    server.on("/live", stream(b"x\n", end=False))
    settings = HttpSettings(pace=0.0, host_concurrency=1, concurrency=1)
    async with (
        Http(settings, clock=lambda: NOW, resolve=Names([PUBLIC]), network=Elsewhere(server.port)) as http,
        http.lines("http://stream.example/live") as one,
        http.lines("http://stream.example/live") as two,
    ):
        assert (await anext(one), await anext(two)) == ("x", "x")


async def test_it_is_used_inside_the_block_of_http(server: BadDays) -> None:
    with pytest.raises(RuntimeError):
        Http().lines(server.url("/live"))


# Events


def events(text: str, limit: int = 1000) -> list[Event]:
    reader = EventReader(limit)
    return [event for line in text.split("\n") if (event := reader.feed(line)) is not None]


def test_events_have_a_name_and_data_and_comments_are_passed_over() -> None:
    heard = events(":)\nevent: update\ndata: {}\n\n:thump\n\n:thump\ndata:bare\n\nevent: delete\ndata: 12\n\n")
    assert heard == [Event("update", "{}"), Event("message", "bare"), Event("delete", "12")]


def test_data_of_several_lines_are_joined_and_one_space_is_dropped() -> None:
    assert events("\ufeffdata:  two\ndata\ndata: three\nid: 7\nretry: 10\n\n") == [Event("message", " two\n\nthree")]


def test_an_event_that_is_cut_off_or_has_no_data_does_not_exist() -> None:
    assert events("event: update\n\ndata: late\nevent: x") == []


def test_an_event_that_grows_without_end_is_an_error() -> None:
    with pytest.raises(LineTooLongError):
        events("data: 123456\ndata: 789012\n\n", limit=10)


def test_any_pieces_give_the_same_lines() -> None:
    data = b"a\r\nb\rc\n\r\n\n\rd"
    for size in range(1, len(data) + 1):
        splitter = LineSplitter(100)
        lines = [line for at in range(0, len(data), size) for line in splitter.feed(data[at : at + size])]
        assert [*lines, splitter.rest()] == [b"a", b"b", b"c", b"", b"", b"", b"d"], size
