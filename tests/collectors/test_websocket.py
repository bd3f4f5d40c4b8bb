"""`Http.websocket`: the rules of HTTP hold for WebSockets too. A real server on loopback, and one that misbehaves."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from collectors.base import CollectError, Drifted, NeedsKey, NotFound, Refused, RetryLater, Throttled
from collectors.fetch import Http, HttpSettings, parse_nets, user_agent
from collectors.net.websocket import HandshakeAnswerError
from tests.servers.internet import PUBLIC, Elsewhere, Names

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NETS = parse_nets("127.0.0.0/8")
CERTIFICATE = Path(__file__).parents[1] / "servers" / "feeds_example.pem"

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def served(handler: Handler, **options: Any) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


@asynccontextmanager
async def raw(behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """A server that reads the handshake and then does as it likes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await behave(reader, writer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def client(**settings: Any) -> Http:
    return Http(HttpSettings(**{"allow_nets": NETS} | settings), clock=lambda: NOW)


async def listen(url: str, **options: Any) -> list[str | bytes]:
    async with client() as http, http.websocket(url, **options) as messages:
        return [message async for message in messages]


@contextmanager
def fails(kind: type[CollectError], code: str) -> Iterator[pytest.ExceptionInfo[CollectError]]:
    with pytest.raises(kind) as caught:
        yield caught
    assert caught.value.code == code


async def test_messages_come_in_order_text_as_text_and_bytes_as_bytes() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("grüß dich")
        await connection.send(b"\x00\xff")
        await connection.send(["in ", "three ", "parts"])

    async with served(talk) as url:
        assert await listen(f"{url}/stream?topic=x") == ["grüß dich", b"\x00\xff", "in three parts"]


async def test_the_handshake_is_truthful_and_asks_for_what_is_wanted() -> None:
    seen: dict[str, str | None] = {}

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.update(connection.request.headers.raw_items(), path=connection.request.path)
        await connection.send(str(connection.subprotocol))

    async with served(talk, subprotocols=["xrpc.v1.json"]) as url:
        got = await listen(f"{url}/a%20a?b=c%20d#part", subprotocols=("xrpc.v1.json",), headers={"X-Own": "yes"})
    assert got == ["xrpc.v1.json"]
    assert seen["User-Agent"] == user_agent("")
    assert (seen["X-Own"], seen["path"]) == ("yes", "/a%20a?b=c%20d")
    assert "Sec-WebSocket-Extensions" not in seen, "compressed messages could be bombs"


async def test_a_burst_is_taken_at_once_and_nothing_is_lost_when_nothing_comes_for_a_while() -> None:
    more = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        for number in range(3):
            await connection.send(str(number))
        await more.wait()
        await connection.send("late")

    async with served(talk) as url, client() as http, http.websocket(url) as messages:
        got = await messages.take(1)
        while len(got) < 3:
            got += await messages.take(1)
        assert got == ["0", "1", "2"]
        assert await messages.take(0.01) == []
        assert not messages.ended
        more.set()
        assert await messages.take(1) == ["late"]
        assert await messages.take(1) == []
        assert messages.ended


async def test_pings_are_answered_and_do_not_count_as_messages() -> None:
    answered = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        await (await connection.ping())
        answered.set()
        await connection.wait_closed()

    async with served(talk) as url:
        with fails(RetryLater, "timeout_silence"):
            await listen(url, silence=0.05)
    assert answered.is_set()


async def test_a_private_address_is_not_connected_to() -> None:
    async def talk(connection: ServerConnection) -> None:
        raise AssertionError("it was reached")

    async with served(talk) as url, Http(HttpSettings(), clock=lambda: NOW) as http:
        with fails(Refused, "private_address"):
            async with http.websocket(url):
                pass


@pytest.mark.parametrize("url", ["ftp://x.example/", "wss://", "ws://a b/", "wss://x.example:99999/"])
async def test_addresses_that_cannot_be_are_refused(url: str) -> None:
    with fails(Refused, "bad_url"):
        await listen(url)


async def test_a_header_cannot_smuggle_another_one() -> None:
    with fails(Refused, "bad_request"):
        await listen("ws://127.0.0.1:9/", headers={"X-Own": "a\r\nX-Other: b"})


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, Drifted, "http_400"),
        (403, Refused, "http_403"),
        (404, NotFound, "http_404"),
        (429, Throttled, "http_429"),
        (503, RetryLater, "http_503"),
        (200, Drifted, "http_200"),
        (302, Drifted, "http_302"),
    ],
)
async def test_a_refused_handshake_is_named_like_any_answer_and_keeps_its_body(
    status: int, kind: type[CollectError], code: str
) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        answer = connection.respond(status, '{"error":"CursorTooOld"}')
        answer.headers["Retry-After"] = "60"
        return answer

    async with served(lambda _: asyncio.sleep(0), process_request=refuse) as url:
        with fails(kind, code) as caught:
            await listen(url)
    cause = caught.value.__cause__
    assert isinstance(cause, HandshakeAnswerError)
    assert (cause.status, cause.body) == (status, b'{"error":"CursorTooOld"}')
    assert caught.value.until == (NOW + timedelta(seconds=60) if status in (429, 503) else None)


async def test_a_refused_key_is_told_apart_and_stays_out_of_messages_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(401, "no")

    caplog.set_level(logging.DEBUG)
    async with served(lambda _: asyncio.sleep(0), process_request=refuse, logger=logging.Logger("quiet")) as url:
        with fails(NeedsKey, "http_401") as caught:
            await listen(f"{url}/?access_token=hush-1", headers={"Authorization": "Bearer hush-2"})
    assert "hush" not in str(caught.value)
    assert "hush" not in caplog.text


async def test_after_a_429_a_stranger_is_left_alone_until_the_time_it_named() -> None:
    asked = 0

    def refuse(connection: ServerConnection, request: Request) -> Response:
        nonlocal asked
        asked += 1
        answer = connection.respond(429, "slower")
        answer.headers["Retry-After"] = "120"
        return answer

    async with served(lambda _: asyncio.sleep(0), process_request=refuse) as url:
        resolve, network = Names([PUBLIC]), Elsewhere(int(url.rpartition(":")[2]))
        async with Http(HttpSettings(pace=0), clock=lambda: NOW, resolve=resolve, network=network) as http:
            for _ in range(2):
                with fails(Throttled, "http_429") as caught:
                    async with http.websocket("ws://stranger.example/"):
                        pass
                assert caught.value.until == NOW + timedelta(seconds=120)
    assert asked == 1


async def test_a_connection_that_breaks_gives_what_came_before() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("one")
        await connection.send("two")
        await asyncio.sleep(0.02)
        connection.transport.close()

    async with served(talk) as url, client() as http:
        got = []
        with fails(RetryLater, "reset"):
            async with http.websocket(url) as messages:
                async for message in messages:
                    got.append(message)
    assert got == ["one", "two"]


@pytest.mark.parametrize(("code", "ends"), [(1000, True), (1001, True), (1008, False), (1011, False)])
async def test_a_farewell_ends_in_order_or_with_its_number(code: int, ends: bool) -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("one")
        await connection.close(code, "hush, foreign words")

    async with served(talk) as url:
        if ends:
            assert await listen(url) == ["one"]
            return
        with fails(RetryLater, "reset") as caught:
            await listen(url)
    assert str(code) in str(caught.value)
    assert "foreign" not in str(caught.value)


async def test_a_message_beyond_the_limit_is_not_read() -> None:
    async def talk(connection: ServerConnection) -> None:
        await connection.send("x" * 2000)

    async with served(talk) as url:
        with fails(Drifted, "too_large"):
            await listen(url, max_message=1000)


ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", "reset"),
        (b"HTTP/1.1 101 Swi", "reset"),
        (b"220 mail.example ESMTP\r\n\r\n", "protocol"),
        (ACCEPTED + b"Sec-WebSocket-Accept: wrong\r\n\r\n", "protocol"),
    ],
)
async def test_what_is_no_websocket_is_named(said: bytes, code: str) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    async with raw(behave) as url:
        with fails(RetryLater, code):
            await listen(url)


async def test_a_server_that_never_answers_the_handshake_is_left_after_the_silence_allowed() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw(behave) as url, client(silence_timeout=0.05) as http:
        with fails(RetryLater, "timeout_silence"):
            async with http.websocket(url):
                pass


async def test_a_closed_port_is_a_refused_connection() -> None:
    async with raw(lambda *_: asyncio.sleep(0)) as url:
        pass
    with fails(RetryLater, "connect"):
        await listen(url)


async def test_text_that_is_not_utf_8_ends_the_connection() -> None:
    async def talk(connection: ServerConnection) -> None:
        connection.protocol.send_text(b"\xff\xfe")
        connection.transport.write(b"".join(connection.protocol.data_to_send()))
        await connection.wait_closed()

    async with served(talk) as url:
        with fails(RetryLater, "protocol"):
            await listen(url)


async def test_tls_goes_by_the_name() -> None:
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_tls.load_cert_chain(CERTIFICATE)
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))

    async def talk(connection: ServerConnection) -> None:
        await connection.send("secret")

    async with served(talk, ssl=server_tls) as url:
        port = url.rpartition(":")[2]
        settings = HttpSettings(allow_nets=NETS, tls=trusting)
        async with Http(settings, clock=lambda: NOW, resolve=Names(["127.0.0.1"])) as http:
            async with http.websocket(f"wss://feeds.example:{port}/") as messages:
                assert [message async for message in messages] == ["secret"]
            with fails(RetryLater, "tls"):
                async with http.websocket(f"wss://other.example:{port}/"):
                    pass
        with fails(RetryLater, "tls"):
            await listen(url.replace("ws://", "wss://"))


async def test_who_reads_slowly_makes_the_other_side_wait() -> None:
    sent = 0

    async def talk(connection: ServerConnection) -> None:
        nonlocal sent
        for _ in range(5000):
            await connection.send("x" * 10_000)
            sent += 1

    async with served(talk) as url, client() as http, http.websocket(url) as messages:
        await messages.take(1)
        await asyncio.sleep(0.1)
        assert sent < 4000, "50 MB would have been taken in unread"


async def test_it_is_not_used_outside_of_its_block() -> None:
    with pytest.raises(RuntimeError):
        client().websocket("ws://127.0.0.1:9/")
