"""Bad days over real HTTP: each is one named error, in bounded time and memory, and the others go on."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from collectors.base import CollectError, Drifted, Refused, RetryLater
from collectors.fetch import Http, HttpSettings, parse_nets
from tests.servers.baddays import (
    BadDays,
    Behaviour,
    Reply,
    Request,
    answer,
    bomb,
    dripping,
    endless,
    gibberish,
    hang_up,
    redirect,
    slow_head,
    squeeze,
    text,
    truncated,
)

FEED = b"<rss version='2.0'>" + b"<item>health</item>" * 500 + b"</rss>"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[BadDays]:
    async with BadDays() as running:
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[Http]:
    quick = HttpSettings(
        allow_nets=parse_nets("127.0.0.1"),
        max_body=1_000_000,
        connect_timeout=0.5,
        silence_timeout=0.25,
        total_timeout=0.6,
    )
    async with Http(quick) as client:
        yield client


async def fail(http: Http, url: str) -> CollectError:
    with pytest.raises(CollectError) as caught:
        await http.fetch(url)
    return caught.value


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
async def test_a_bomb_is_never_expanded_past_the_cap(server: BadDays, http: Http, coding: str) -> None:
    url = server.on("/bomb", bomb(coding))
    tracemalloc.start()
    error = await fail(http, url)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (type(error), error.code) == (Drifted, "too_large")
    assert "1 MB" in str(error)
    assert peak < 20_000_000  # of 50 MB; the cap is 1 MB, the coarsest decoder's step 8 MB


async def test_a_bomb_in_a_bomb(server: BadDays, http: Http) -> None:
    body = squeeze(squeeze(bytes(50_000_000), "gzip"), "gzip")
    assert (await fail(http, server.on("/a", answer(body, Content_Encoding="gzip, gzip")))).code == "too_large"
    assert (await fail(http, server.on("/b", answer(body, Content_Encoding="gzip")))).code == "too_large"
    many = ", ".join(["gzip"] * 50)
    assert (await fail(http, server.on("/c", answer(body, Content_Encoding=many)))).code == "bad_encoding"


async def test_too_large_is_noticed_before_and_while_it_comes(server: BadDays, http: Http) -> None:
    async def promise(request: Request, reply: Reply) -> None:
        await reply.head(200, {"Content-Length": "99000000000"})
        await asyncio.sleep(5)

    assert (await fail(http, server.on("/long", promise))).code == "too_large"
    assert (await fail(http, server.on("/endless", endless()))).code == "too_large"


async def test_the_cap_can_be_set_for_one_request(server: BadDays, http: Http) -> None:
    url = server.on("/feed", text("x" * 1000))
    assert (await http.fetch(url, max_body=1000)).size == 1000
    with pytest.raises(Drifted):
        await http.fetch(url, max_body=999)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (slow_head(3), "timeout_silence"),
        (dripping(5, 1.0), "timeout_silence"),
        (dripping(100, 0.05), "timeout_total"),
        (truncated(b"half", 1000), "truncated"),
        (answer(gzip.compress(FEED)[:60], Content_Encoding="gzip"), "truncated"),
        (hang_up(), "reset"),
        (gibberish(), "protocol"),
        (gibberish(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000), "protocol"),
    ],
)
async def test_what_may_pass_is_tried_later(server: BadDays, http: Http, behaviour: Behaviour, code: str) -> None:
    url = server.on("/feed", behaviour)
    started = time.monotonic()
    error = await fail(http, url)
    assert (type(error), error.code) == (RetryLater, code)
    assert url in str(error)
    assert time.monotonic() - started < 1.5


async def test_a_chunked_body_that_breaks_off_is_truncated(server: BadDays, http: Http) -> None:
    async def behave(request: Request, reply: Reply) -> None:
        await reply.head(200, {"Transfer-Encoding": "chunked"})
        await reply.raw(b"5\r\nhello\r\n")
        await reply.close()

    assert (await fail(http, server.on("/feed", behave))).code == "truncated"


async def test_the_total_time_covers_all_redirects(server: BadDays, http: Http) -> None:
    async def slowly(request: Request, reply: Reply) -> None:
        await asyncio.sleep(0.2)
        await redirect(f"{request.target}x")(request, reply)

    for hop in range(6):
        server.on("/" + "x" * hop, slowly)
    assert (await fail(http, server.url("/"))).code == "timeout_total"


async def test_a_large_request_waits_for_a_slow_reader_but_not_for_ever(server: BadDays, http: Http) -> None:
    let_go = asyncio.Event()

    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        writer.transport.abort()

    body = bytes(20_000_000)
    assert (await http.fetch(server.on("/api", text("x")), method="POST", content=body)).body == b"x"
    assert len(server.requests[0].body) == len(body)
    deaf = await asyncio.start_server(never_read, "127.0.0.1", 0)
    with pytest.raises(RetryLater) as caught:
        await http.fetch(f"http://127.0.0.1:{deaf.sockets[0].getsockname()[1]}/", method="POST", content=body)
    let_go.set()
    deaf.close()
    await deaf.wait_closed()
    assert caught.value.code == "timeout_silence"


async def test_nobody_listens(http: Http) -> None:
    async with BadDays() as gone:
        url = gone.url("/feed")
    error = await fail(http, url)
    assert (type(error), error.code) == (RetryLater, "connect")


async def test_nothing_is_not_a_feed(server: BadDays, http: Http) -> None:
    for path, behaviour in {
        "/a": answer(b""),
        "/b": answer(b"", 204),
        "/c": answer(gzip.compress(b""), Content_Encoding="gzip"),
        "/d": answer(b"", Content_Encoding="gzip"),
    }.items():
        error = await fail(http, server.on(path, behaviour))
        assert (type(error), error.code) == (Drifted, "empty")
    assert (await http.fetch(server.url("/a"), method="HEAD")).body == b""


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw-deflate", "br", "zstd"])
async def test_every_coding_is_undone(server: BadDays, http: Http, coding: str) -> None:
    header = coding.removeprefix("raw-")
    fetched = await http.fetch(server.on("/feed", answer(squeeze(FEED, coding), Content_Encoding=header)))
    assert (fetched.body, fetched.repairs) == (FEED, ())
    assert fetched.raw_size < fetched.size == len(FEED)


async def test_codings_on_top_of_each_other_are_undone_from_the_outside(server: BadDays, http: Http) -> None:
    body = squeeze(squeeze(FEED, "gzip"), "br")
    fetched = await http.fetch(server.on("/feed", answer(body, Content_Encoding="gzip, br")))
    assert (fetched.body, fetched.repairs) == (FEED, ())


@pytest.mark.parametrize("lie", ["gzip", "br", "zstd", "deflate", "utf-8", "gzip, br"])
async def test_a_header_that_lies_about_plain_text_is_ignored(server: BadDays, http: Http, lie: str) -> None:
    fetched = await http.fetch(server.on("/feed", answer(FEED, Content_Encoding=lie)))
    assert fetched.body == FEED
    assert "read as it is" in fetched.repairs[0]


async def test_gzip_without_a_header_is_undone(server: BadDays, http: Http) -> None:
    fetched = await http.fetch(server.on("/feed.gz", answer(gzip.compress(FEED))))
    assert fetched.body == FEED
    assert len(fetched.repairs) == 1


async def test_damage_is_a_named_error(server: BadDays, http: Http) -> None:
    damaged = bytearray(gzip.compress(FEED))
    damaged[20:30] = b"\xff" * 10
    for path, behaviour in {
        "/a": answer(bytes(damaged), Content_Encoding="gzip"),
        "/b": answer(b"\x00\x01\x02\x03" * 50, Content_Encoding="br"),
        "/c": answer(b"\x00\x01\x02\x03" * 50, Content_Encoding="zstd"),
    }.items():
        error = await fail(http, server.on(path, behaviour))
        assert (type(error), error.code) == (Drifted, "bad_encoding")


async def test_a_circle_of_redirects_is_named(server: BadDays, http: Http) -> None:
    a, b = server.on("/a", redirect("/b")), server.on("/b", redirect("/a#again"))
    error = await fail(http, a)
    assert (type(error), error.code) == (Drifted, "redirect_loop")
    assert f"{a} → {b} → {a}" in str(error)


async def test_five_redirects_are_followed_and_no_more(server: BadDays, http: Http) -> None:
    for step in range(6):
        server.on(f"/{step}", redirect(f"/{step + 1}"))
    server.on("/6", text("here"))
    assert (await http.fetch(server.url("/1"))).body == b"here"
    assert (await fail(http, server.url("/0"))).code == "too_many_redirects"


@pytest.mark.parametrize(
    ("target", "kind", "code"),
    [
        ("file:///etc/passwd", Refused, "bad_redirect"),
        ("javascript:alert(1)", Refused, "bad_redirect"),
        ("ftp://example.org/", Refused, "bad_redirect"),
        ("http://a:99999/", Refused, "bad_redirect"),
        ("http://[::1", Drifted, "bad_redirect"),
        ("http://xn--/", Refused, "bad_redirect"),
        ("http://169.254.169.254/latest/meta-data/", Refused, "private_address"),
        ("http://10.0.0.1/", Refused, "private_address"),
        ("http://[::ffff:169.254.169.254]/", Refused, "private_address"),
        ("//2130706434/", Refused, "private_address"),
        ("http://0/", Refused, "private_address"),
    ],
)
async def test_redirects_to_where_nobody_should_go(
    server: BadDays, http: Http, target: str, kind: type[CollectError], code: str
) -> None:
    url = server.on("/feed", redirect(target))
    error = await fail(http, url)
    assert (type(error), error.code) == (kind, code)
    assert url in str(error)


async def test_a_redirect_without_a_target_is_named(server: BadDays, http: Http) -> None:
    assert (await fail(http, server.on("/feed", text("?", 302)))).code == "http_302"


async def test_a_bad_source_does_not_touch_the_others(server: BadDays, http: Http) -> None:
    good = server.on("/good", text("<rss/>"))
    bad = [
        server.on("/bomb", bomb("gzip", 5_000_000)),
        server.on("/slow", slow_head(3)),
        server.on("/reset", hang_up()),
        server.on("/429", text("", 429)),
        server.on("/loop", redirect("/loop")),
    ]
    results = await asyncio.gather(*(http.fetch(url) for url in [*bad, *[good] * 10]), return_exceptions=True)
    assert all(isinstance(result, CollectError) for result in results[:5])
    assert [getattr(result, "body", result) for result in results[5:]] == [b"<rss/>"] * 10


async def test_a_cancelled_fetch_leaves_the_client_usable(server: BadDays, http: Http) -> None:
    slow = asyncio.create_task(http.fetch(server.on("/slow", slow_head(3))))
    await asyncio.sleep(0.05)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert (await http.fetch(server.on("/feed", text("x")))).body == b"x"
