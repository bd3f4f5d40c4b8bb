"""What `Http.fetch` promises on good days: real HTTP over loopback, a clock of our own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from collectors.base import Drifted, Gone, NeedsKey, NotFound, Refused, RetryLater, Throttled
from collectors.fetch import Http, HttpSettings, Validators, parse_nets, user_agent
from tests.servers.baddays import BadDays, Reply, Request, answer, conditional, redirect, status, stubborn, text

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def on(self, **step: float) -> None:
        self.now += timedelta(**step)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[BadDays]:
    async with BadDays() as running:
        yield running


@pytest_asyncio.fixture
async def http(clock: Clock) -> AsyncIterator[Http]:
    settings = HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), contact="mailto:me@example.org")
    async with Http(settings, clock=clock) as client:
        yield client


async def test_an_answer_comes_with_all_that_the_next_visit_needs(server: BadDays, http: Http) -> None:
    url = server.on("/feed", text("<rss/>", ETag='"a"', Last_Modified="yesterday-ish", Content_Type="text/xml"))
    fetched = await http.fetch(url + "#top", accept="application/rss+xml")
    assert (fetched.status, fetched.url, fetched.body, fetched.content_type) == (200, url, b"<rss/>", "text/xml")
    assert (fetched.size, fetched.raw_size, fetched.fetched_at, fetched.repairs) == (6, 6, NOW, ())
    assert (fetched.validators.etag, fetched.validators.last_modified) == ('"a"', "yesterday-ish")
    sent = server.requests[0].headers
    assert sent["accept"] == "application/rss+xml"
    assert sent["user-agent"] == user_agent("mailto:me@example.org")
    assert sent["user-agent"].startswith("trendmonitor/")
    assert sent["user-agent"].endswith(" (+mailto:me@example.org)")
    assert set(sent["accept-encoding"].replace(" ", "").split(",")) == {"gzip", "deflate", "br", "zstd"}
    assert "cookie" not in sent


def test_the_user_agent_cannot_be_broken_by_the_contact() -> None:
    assert "\n" not in user_agent("me@example.org\r\nX-Evil: 1")
    assert "(" not in user_agent("")


async def test_an_honest_304_keeps_the_hash_and_brings_no_body(server: BadDays, http: Http) -> None:
    url = server.on("/feed", conditional("<rss/>", ETag='W/"ü\xff"', Last_Modified="Mon, 02 Feb 2026 00:00:00 GMT"))
    first = await http.fetch(url)
    kept = Validators.from_json(json.loads(json.dumps(first.validators.to_json())))
    second = await http.fetch(url, validators=kept)
    assert (second.status, second.body, second.body_hash) == (304, None, first.body_hash)
    assert server.requests[1].headers["if-none-match"] == 'W/"ü\xff"'  # verbatim, byte for byte
    assert second.validators.not_modified == 1


async def test_last_modified_alone_is_enough(server: BadDays, http: Http) -> None:
    url = server.on("/feed", conditional("<rss/>", Last_Modified="Mon, 02 Feb 2026 00:00:00 GMT"))
    first = await http.fetch(url)
    assert (await http.fetch(url, validators=first.validators)).status == 304


async def test_an_etag_that_always_changes_does_not_make_the_same_body_new(server: BadDays, http: Http) -> None:
    url = server.on("/feed", text("<rss/>", ETag='"1"'), text("<rss/>", ETag='"2"'), text("<rss>2</rss>", ETag='"3"'))
    first = await http.fetch(url)
    second = await http.fetch(url, validators=first.validators)
    assert (second.status, second.body, second.size) == (200, None, 6)
    assert second.body_hash == first.body_hash
    third = await http.fetch(url, validators=second.validators)
    assert third.body == b"<rss>2</rss>"


async def test_the_same_etag_over_a_changed_body_is_seen_and_not_trusted_again(server: BadDays, http: Http) -> None:
    url = server.on("/feed", text("one", ETag='"1"'), text("two", ETag='"1"'), stubborn("three", '"1"'))
    first = await http.fetch(url)
    second = await http.fetch(url, validators=first.validators)
    assert second.body == b"two"
    third = await http.fetch(url, validators=second.validators)
    assert (third.status, third.body) == (200, b"three")
    assert "if-none-match" not in server.requests[2].headers


async def test_a_server_that_answers_304_for_ever_is_asked_in_full_after_a_day(
    server: BadDays, http: Http, clock: Clock
) -> None:
    url = server.on("/feed", stubborn("old", '"1"'))
    state = (await http.fetch(url)).validators
    server.on("/feed", stubborn("new", '"1"'))
    bodies = []
    for _ in range(30):
        clock.on(hours=1)
        fetched = await http.fetch(url, validators=state)
        state = fetched.validators
        bodies.append(fetched.body)
    assert bodies[:23] == [None] * 23
    assert bodies[23] == b"new"
    # It was caught lying, so later requests carry no conditions.
    assert all("if-none-match" not in request.headers for request in server.requests[-6:])


async def test_many_304s_in_a_row_are_checked_even_within_a_day(server: BadDays, http: Http) -> None:
    url = server.on("/feed", stubborn("same", '"1"'))
    state = (await http.fetch(url)).validators
    statuses = []
    for _ in range(51):
        fetched = await http.fetch(url, validators=state)
        state = fetched.validators
        statuses.append(fetched.status)
    assert statuses == [304] * 50 + [200]
    assert state.not_modified == 0


async def test_validators_never_follow_a_changed_redirect_target(server: BadDays, http: Http) -> None:
    url = server.on("/feed", redirect("/a"), redirect("/a"), redirect("/b"))
    server.on("/a", conditional("same", ETag='"1"'))
    server.on("/b", stubborn("same", '"1"'))
    first = await http.fetch(url)
    second = await http.fetch(url, validators=first.validators)
    assert (second.status, second.url) == (304, server.url("/a"))
    assert "if-none-match" not in server.requests[2].headers  # the redirecting address itself gave no tag
    third = await http.fetch(url, validators=second.validators)
    assert (third.status, third.body, third.url) == (200, b"same", server.url("/b"))


async def test_a_permanent_move_is_believed_after_three_visits_in_a_row(server: BadDays, http: Http) -> None:
    url = server.on("/old", redirect("/new", 301), redirect("/new", 308), redirect("/new", 301))
    server.on("/new", conditional("<rss/>", ETag='"1"'))
    state, moved = None, []
    for _ in range(3):
        fetched = await http.fetch(url, validators=state)
        state = Validators.from_json(fetched.validators.to_json())
        assert fetched.permanent_redirect == server.url("/new")
        moved.append(fetched.moved_to)
    assert moved == [None, None, server.url("/new")]


async def test_an_inconsistent_move_is_never_believed(server: BadDays, http: Http) -> None:
    url = server.on("/old", redirect("/new", 301), redirect("/new", 301), text("back"), redirect("/new", 301))
    server.on("/new", text("<rss/>"))
    state = None
    for _ in range(5):
        fetched = await http.fetch(url, validators=state)
        state = fetched.validators
        assert fetched.moved_to is None


async def test_only_the_permanent_beginning_of_a_chain_counts(server: BadDays, http: Http) -> None:
    server.on("/a", redirect("/b", 301))
    server.on("/b", redirect("/c", 302))
    server.on("/c", redirect("/d", 301))
    server.on("/d", text("x"))
    assert (await http.fetch(server.url("/a"))).permanent_redirect == server.url("/b")
    assert (await http.fetch(server.url("/b"))).permanent_redirect is None


@pytest.mark.parametrize(
    ("code", "kind", "slug"),
    [
        (401, Refused, "http_401"),
        (403, Refused, "http_403"),
        (451, Refused, "http_451"),
        (404, NotFound, "http_404"),
        (410, Gone, "http_410"),
        (418, Drifted, "http_418"),
        (206, Drifted, "http_206"),
        (304, Drifted, "http_304"),
        (429, Throttled, "http_429"),
        (500, RetryLater, "http_500"),
        (503, RetryLater, "http_503"),
    ],
)
async def test_each_status_is_an_error_named_by_what_to_do(
    server: BadDays, http: Http, code: int, kind: type[Exception], slug: str
) -> None:
    url = server.on("/feed", status(code))
    with pytest.raises(kind) as caught:
        await http.fetch(url)
    assert type(caught.value) is kind
    assert caught.value.code == slug  # type: ignore[attr-defined]  # every CollectError has one
    assert url in str(caught.value)


@pytest.mark.parametrize(
    "how", [{"headers": {"Authorization": "Bearer s3cret"}}, {"headers": {"X-Api-Key": "s3cret"}}, {}]
)
async def test_a_refusal_of_a_key_says_so(server: BadDays, http: Http, how: dict[str, dict[str, str]]) -> None:
    url = server.on("/api", status(403))
    with pytest.raises(NeedsKey) as caught:
        await http.fetch(url + "?key=s3cret", **how)  # type: ignore[arg-type]  # only headers are given
    assert "TRENDMONITOR_KEY__" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "value", "seconds"),
    [
        (429, "120", 120),
        (429, "Sun, 01 Mar 2026 12:05:00 GMT", 300),
        (503, "Sun, 01 Mar 2026 12:05:00 GMT", 300),
        (503, "7", 7),
        (429, "Sun, 01 Mar 2020 12:05:00 GMT", 0),
        (429, "99999999999999999999", 7 * 86400),
    ],
)
async def test_retry_after_is_honoured(server: BadDays, http: Http, code: int, value: str, seconds: int) -> None:
    url = server.on("/feed", status(code, Retry_After=value))
    with pytest.raises((Throttled, RetryLater)) as caught:
        await http.fetch(url)
    assert caught.value.until == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["", "soon", "-5", "٣"])
async def test_an_unreadable_retry_after_is_none(server: BadDays, http: Http, value: str) -> None:
    async def behave(request: Request, reply: Reply) -> None:
        await reply.raw(b"HTTP/1.1 429 No\r\nContent-Length: 0\r\nRetry-After: " + value.encode() + b"\r\n\r\n")

    with pytest.raises(Throttled) as caught:
        await http.fetch(server.on("/feed", behave))
    assert caught.value.until is None


async def test_retry_after_goes_by_the_servers_own_clock(server: BadDays, http: Http) -> None:
    wrong = {"Date": "Thu, 01 Jan 2015 00:00:00 GMT", "Retry_After": "Thu, 01 Jan 2015 00:01:00 GMT"}
    with pytest.raises(Throttled) as caught:
        await http.fetch(server.on("/feed", status(429, **wrong)))
    assert caught.value.until == NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache_Control": "public, max-age=900"}, 900),
        ({"Cache_Control": "max-age=900", "Age": "600"}, 300),
        ({"Cache_Control": "max-age=31536000"}, 86400),
        ({"Cache_Control": "no-cache, max-age=900"}, None),
        ({"Cache_Control": "max-age=0"}, None),
        ({"Cache_Control": "max-age=lots"}, None),
        ({"Expires": "Sun, 01 Mar 2026 13:00:00 GMT"}, 3600),
        ({"Expires": "Sun, 01 Mar 2026 13:00:00 GMT", "Date": "Sun, 01 Mar 2026 12:50:00 GMT"}, 600),
        ({"Expires": "0"}, None),
        ({"Cache_Control": "max-age=60", "Expires": "Sun, 01 Mar 2026 13:00:00 GMT"}, 60),
        ({"Cache_Control": "max-age=60", "Retry_After": "120"}, 120),
        ({}, None),
    ],
)
async def test_what_the_server_asks_to_wait(
    server: BadDays, http: Http, headers: dict[str, str], seconds: int | None
) -> None:
    fetched = await http.fetch(server.on("/feed", text("x", **headers)))
    assert fetched.poll_after == (None if seconds is None else timedelta(seconds=seconds))


async def test_html_with_200_passes_because_parsing_decides(server: BadDays, http: Http) -> None:
    url = server.on("/feed", text("<!doctype html><p>Hello", Content_Type="text/html"))
    assert (await http.fetch(url)).body == b"<!doctype html><p>Hello"


async def test_an_api_can_be_posted_to_and_explain_its_errors(server: BadDays, http: Http) -> None:
    url = server.on("/api", text('{"error": "quota"}', 403), text("[]"))
    sent = {"method": "POST", "content": b'{"q": 1}', "headers": {"Content-Type": "application/json"}}
    first = await http.fetch(url, allow_status={403}, **sent)  # type: ignore[arg-type]  # mixed keyword arguments
    assert (first.status, first.body) == (403, b'{"error": "quota"}')
    assert (await http.fetch(url, **sent)).body == b"[]"  # type: ignore[arg-type]  # as above
    assert [(request.method, request.body) for request in server.requests] == [("POST", b'{"q": 1}')] * 2


async def test_the_link_header_is_read(server: BadDays, http: Http) -> None:
    link = '</api?page=2>; rel="next", <https://hub.example/>; rel="hub other"; title="a, b"'
    fetched = await http.fetch(server.on("/api", text("[]", Link=link)))
    assert fetched.links == {
        "next": server.url("/api?page=2"),
        "hub": "https://hub.example/",
        "other": "https://hub.example/",
    }
    assert (await http.fetch(server.on("/none", text("x")))).links == {}


async def test_connections_are_used_again_even_after_refusals_and_redirects(server: BadDays, http: Http) -> None:
    server.on("/old", redirect("/feed"))
    server.on("/feed", conditional("x", ETag='"1"'))
    state = (await http.fetch(server.url("/feed"))).validators
    await http.fetch(server.url("/feed"), validators=state)
    with pytest.raises(NotFound):
        await http.fetch(server.url("/nothing"))
    await http.fetch(server.url("/old"))
    assert server.connections == 1


async def test_a_kept_connection_that_was_just_closed_is_replaced_at_once(server: BadDays, http: Http) -> None:
    async def hang_up(request: Request, reply: Reply) -> None:
        await reply.close()

    url = server.on("/feed", answer(b"one"), hang_up, answer(b"two"))
    assert (await http.fetch(url)).body == b"one"
    assert (await http.fetch(url)).body == b"two"
    assert server.hits("/feed") == 3


async def test_cookies_are_not_kept(server: BadDays, http: Http) -> None:
    url = server.on("/feed", text("x", Set_Cookie="id=1; Path=/"))
    fetched = await http.fetch(url)
    await http.fetch(url)
    assert "cookie" not in server.requests[1].headers
    assert "set-cookie" not in fetched.headers


async def test_using_it_outside_its_block_is_a_programming_error() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Http(HttpSettings(allow_nets=parse_nets("127.0.0.1"))).fetch("http://127.0.0.1/")


def test_networks_are_read_or_the_wrong_one_is_named() -> None:
    assert [str(net) for net in parse_nets(" 10.0.0.0/8, 127.0.0.1 ,fd00::/8,")] == [
        "10.0.0.0/8",
        "127.0.0.1/32",
        "fd00::/8",
    ]
    assert parse_nets("") == ()
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        parse_nets("127.0.0.1, 10.0.0.0/99")
