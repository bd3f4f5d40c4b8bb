"""Politeness: pacing with a clock of our own, throttled hosts, robots.txt over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from collectors.base import CollectError, Refused, RetryLater, Throttled
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.net.pace import Pace
from collectors.net.robots import judge
from tests.servers.baddays import BadDays, Behaviour, hang_up, redirect, status, text
from tests.servers.internet import PUBLIC, Elsewhere, Names


class Time:
    """Sleeping takes no time, but moves the clock."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        until = self.seconds + seconds
        await asyncio.sleep(0)
        self.seconds = max(self.seconds, until)

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)


def pace(time: Time, *, per_host: int = 2, total: int = 20) -> Pace:
    return Pace(delay=1.0, per_host=per_host, total=total, monotonic=time.monotonic, sleep=time.sleep)


async def test_starts_at_one_host_are_spaced_and_hosts_do_not_wait_for_each_other() -> None:
    time = Time()
    turns = pace(time)
    starts: list[tuple[str, float]] = []

    async def ask(host: str) -> None:
        async with turns.turn(host, near=False):
            starts.append((host, time.seconds))

    for host in ("a", "a", "b", "a"):
        await ask(host)
    assert starts == [("a", 0.0), ("a", 1.0), ("b", 1.0), ("a", 2.0)]


async def test_near_hosts_are_not_paced_but_counted() -> None:
    time = Time()
    turns = pace(time, total=3)
    active = peak = 0

    async def ask() -> None:
        nonlocal active, peak
        async with turns.turn("127.0.0.1", near=True):
            active += 1
            peak = max(peak, active)
            await asyncio.sleep(0)
            active -= 1

    await asyncio.gather(*(ask() for _ in range(12)))
    assert (peak, time.slept) == (3, [])


async def test_one_host_at_a_time_has_few_requests_and_does_not_use_up_the_total() -> None:
    time = Time()
    turns = pace(time, per_host=1, total=2)
    release = asyncio.Event()

    async def hold() -> None:
        async with turns.turn("busy", near=False):
            await release.wait()

    waiting = [asyncio.create_task(hold()) for _ in range(5)]
    await asyncio.sleep(0)
    async with asyncio.timeout(1), turns.turn("other", near=False):
        pass
    release.set()
    await asyncio.gather(*waiting)


async def test_a_cancelled_wait_gives_its_place_back() -> None:
    turns = pace(Time(), per_host=1)
    async with turns.turn("a", near=False):
        waiting = asyncio.create_task(turns.turn("a", near=False).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
    async with asyncio.timeout(1), turns.turn("a", near=False):
        pass


@pytest_asyncio.fixture
async def server() -> AsyncIterator[BadDays]:
    async with BadDays() as running:
        yield running


@pytest_asyncio.fixture
async def time() -> Time:
    return Time()


@pytest_asyncio.fixture
async def public(server: BadDays, time: Time) -> AsyncIterator[Http]:
    """A client for which the loopback server is the public internet."""
    async with Http(
        HttpSettings(),
        clock=time.now,
        monotonic=time.monotonic,
        sleep=time.sleep,
        resolve=Names([PUBLIC]),
        network=Elsewhere(server.port),
    ) as http:
        yield http


async def test_public_hosts_are_paced_by_the_client(server: BadDays, public: Http, time: Time) -> None:
    server.on("/feed", text("x"))
    for host in ("a", "a", "b"):
        await public.fetch(f"http://{host}.example/feed")
    assert time.slept == [1.0]


async def test_allowed_networks_are_not(server: BadDays, time: Time) -> None:
    server.on("/feed", text("x"))
    nets = HttpSettings(allow_nets=parse_nets("127.0.0.1"))
    async with Http(nets, monotonic=time.monotonic, sleep=time.sleep) as http:
        for _ in range(3):
            await http.fetch(server.url("/feed"))
            await http.fetch(server.url("/feed").replace("127.0.0.1", "localhost"))
    assert time.slept == []


async def test_a_throttling_host_is_left_alone_until_its_time(server: BadDays, public: Http, time: Time) -> None:
    server.on("/a", status(429, Retry_After="60"))
    server.on("/b", text("x"))
    for path in ("/a", "/b"):
        with pytest.raises(Throttled) as caught:
            await public.fetch(f"http://feeds.example{path}")
        assert caught.value.until == datetime(2026, 3, 1, 0, 1, tzinfo=UTC)
    assert server.hits("/b") == 0
    assert (await public.fetch("http://other.example/b")).body == b"x"
    time.seconds = 61
    assert (await public.fetch("http://feeds.example/b")).body == b"x"


async def test_a_throttling_near_host_only_affects_the_feed_that_was_throttled(server: BadDays) -> None:
    server.on("/a", status(429, Retry_After="60"))
    server.on("/b", text("x"))
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.1"))) as http:
        with pytest.raises(Throttled):
            await http.fetch(server.url("/a"))
        assert (await http.fetch(server.url("/b"))).body == b"x"


async def test_what_is_known_of_a_host_outlives_the_visit(server: BadDays, public: Http, time: Time) -> None:
    server.on("/a", status(429, Retry_After="60"))
    server.on("/b", text("x"))
    with pytest.raises(Throttled):
        await public.fetch("http://feeds.example/a")
    await public.fetch("http://other.example/b")
    await public.__aexit__(None, None, None)
    async with public as again, again as inner:
        assert again is inner is public
        with pytest.raises(Throttled):
            await inner.fetch("http://feeds.example/b")
        await inner.fetch("http://other.example/b")
    assert server.hits("/b") == 2
    assert time.slept == [1.0]
    with pytest.raises(RuntimeError, match="outside"):
        await public.fetch("http://other.example/b")
    await public.__aenter__()  # for the fixture to leave


def test_one_client_serves_one_event_loop_after_the_other() -> None:
    """Commands run a loop each; turns that were waited for on the first must not bind the second to it."""
    time, internet = Time(), Elsewhere(0)
    http = Http(
        HttpSettings(host_concurrency=1),
        monotonic=time.monotonic,
        sleep=time.sleep,
        resolve=Names([PUBLIC]),
        network=internet,
    )

    async def crowd() -> int:
        async with BadDays() as server, http:
            internet.port = server.port
            server.on("/robots.txt", status(404))
            server.on("/x", text("x"))
            await asyncio.gather(*(http.fetch("http://a.example/x", robots=True) for _ in range(4)))
            return server.hits("/x")

    assert [asyncio.run(crowd()), asyncio.run(crowd())] == [4, 4]


async def test_two_event_loops_at_a_time_are_refused() -> None:
    async with Http(HttpSettings()) as http:

        async def enter() -> None:
            async with http:
                pass

        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, enter())


ROBOTS = """\ufeff
User-agent: *
Disallow: /

User-agent: TrendMonitor
Disallow: /private/
Allow: /private/news
Crawl-delay: 5
"""


async def test_robots_txt_is_obeyed_for_pages_and_read_once(server: BadDays, public: Http, time: Time) -> None:
    server.on("/robots.txt", text(ROBOTS))
    for path in ("/private/", "/private/news", "/page"):
        server.on(path, text("x"))
    assert (await public.fetch("http://a.example/page", robots=True)).body == b"x"
    assert (await public.fetch("http://a.example/private/news", robots=True)).body == b"x"
    with pytest.raises(Refused) as caught:
        await public.fetch("http://a.example/private/", robots=True)
    assert caught.value.code == "robots"
    assert "http://a.example/robots.txt" in str(caught.value)
    assert server.hits("/private/") == 0
    assert (await public.fetch("http://a.example/private/")).body == b"x"  # a feed: not asked
    assert server.hits("/robots.txt") == 1
    assert 5.0 in time.slept
    time.seconds += 24 * 3600
    await public.fetch("http://a.example/page", robots=True)
    assert server.hits("/robots.txt") == 2


async def test_a_crawl_delay_that_was_lifted_is_forgotten(server: BadDays, public: Http, time: Time) -> None:
    server.on("/robots.txt", text("User-agent: *\nCrawl-delay: 20"))
    server.on("/page", text("x"))
    await public.fetch("http://a.example/page", robots=True)
    server.on("/robots.txt", text(""))
    time.seconds += 24 * 3600
    await public.fetch("http://a.example/page", robots=True)
    time.slept.clear()
    await public.fetch("http://a.example/page", robots=True)
    assert time.slept == [1.0]


async def test_many_at_once_read_robots_txt_once(server: BadDays) -> None:
    server.on("/robots.txt", text(ROBOTS))
    server.on("/page", text("x"))
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.1"))) as http:
        await asyncio.gather(*(http.fetch(server.url("/page"), robots=True) for _ in range(8)))
    assert server.hits("/robots.txt") == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451])
async def test_no_robots_txt_means_yes(server: BadDays, public: Http, code: int) -> None:
    server.on("/robots.txt", status(code))
    server.on("/page", text("x"))
    assert (await public.fetch("http://a.example/page", robots=True)).body == b"x"


@pytest.mark.parametrize("behaviour", [status(429), status(500), status(503), hang_up()])
async def test_an_unreachable_robots_txt_means_not_now(
    server: BadDays, public: Http, time: Time, behaviour: Behaviour
) -> None:
    server.on("/robots.txt", behaviour)
    server.on("/page", text("x"))
    with pytest.raises(RetryLater) as caught:
        await public.fetch("http://a.example/page", robots=True)
    assert caught.value.code == "robots_unreachable"
    assert caught.value.until is not None
    assert caught.value.until > time.now()
    assert "a.example/robots.txt" in str(caught.value)
    assert server.hits("/page") == 0
    server.on("/robots.txt", text(ROBOTS))
    time.seconds += 3700
    assert (await public.fetch("http://a.example/page", robots=True)).body == b"x"


async def test_the_reason_that_robots_txt_cannot_be_read_is_told(time: Time) -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise OSError("unknown name")

    async with Http(HttpSettings(), clock=time.now, resolve=nobody) as http:
        with pytest.raises(
            RetryLater, match=r"robots\.txt cannot be read .* a\.example could not be looked up"
        ) as caught:
            await http.fetch("http://a.example/page", robots=True)
    assert caught.value.code == "robots_unreachable"


async def test_robots_txt_of_the_target_counts_after_a_redirect(server: BadDays) -> None:
    async with BadDays() as other:
        server.on("/robots.txt", redirect("/robots2.txt", 301))
        server.on("/robots2.txt", text("User-agent: *\nAllow: /"))
        server.on("/page", redirect(f"http://localhost:{other.port}/page"))
        other.on("/robots.txt", text("User-agent: *\nDisallow: /page"))
        other.on("/page", text("x"))
        async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.1"))) as http:
            with pytest.raises(Refused) as caught:
                await http.fetch(server.url("/page"), robots=True)
        assert caught.value.code == "robots"
        assert other.hits("/page") == 0


async def test_a_robots_txt_that_sends_us_inside_is_refused(server: BadDays, public: Http) -> None:
    server.on("/robots.txt", redirect("http://127.0.0.1/robots.txt"))
    with pytest.raises(CollectError) as caught:
        await public.fetch("http://a.example/page", robots=True)
    assert caught.value.code == "private_address"


def test_endless_redirects_and_odd_files() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert judge((404, b""), now).reachable
    assert judge((200, b"\xff\xfe\x00<html>" * 100), now).reachable
    assert judge((200, b""), now).crawl_delay is None
    assert judge((200, b"User-agent: *\nCrawl-delay: 86400"), now).crawl_delay == 30
    assert judge((200, b"User-agent: *\nCrawl-delay: soon"), now).crawl_delay is None
    assert not judge((503, b""), now).reachable
