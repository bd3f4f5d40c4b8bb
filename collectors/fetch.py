"""The one guarded, polite HTTP client: the only way collectors touch the network.

What it promises: a truthful User-Agent; no private address is reached, whatever names and redirects say; one host is
not asked too often; bodies are capped while they are decompressed; every bad day is a CollectError that names the
address (without its secrets) and says what to do. What it does not do: parse, store, retry later, or follow a page's
`<meta>` refresh. The parts are in `collectors.net`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

import httpcore
import httpx

from collectors.base import Drifted, Refused, RetryLater, Throttled
from collectors.net.decode import BadBody
from collectors.net.failures import (
    BAD_DAYS,
    name_body,
    name_failure,
    name_status,
    read_poll_after,
    read_retry_after,
)
from collectors.net.guard import GuardedNetwork, Resolve, resolve_name
from collectors.net.pace import Pace
from collectors.net.robots import Robots
from collectors.net.settings import HttpSettings, parse_nets, user_agent
from collectors.net.transport import Answer, build_client, exchange
from collectors.net.trip import SAFE_METHODS, Trip, redirect
from collectors.net.urls import carries_secret, check_url, names_a_secret, redact, seal_logs
from collectors.net.validators import Validators, hash_body

if TYPE_CHECKING:
    from collectors.net.lines import Lines
    from collectors.net.websocket import Messages

__all__ = ["Fetched", "Http", "HttpSettings", "Validators", "hash_body", "parse_nets", "redact", "user_agent"]

_ROBOTS_LIMIT = 5_000_000
_DEFAULT_HOLD = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer that can be read, or the news that nothing changed."""

    status: int
    url: str
    """The final address, after redirects, without fragment."""
    headers: Mapping[str, str]
    """Names in lower case, repeated ones joined with ', '; Set-Cookie is left out."""
    body: bytes | None
    """Decoded. None: the same as at the last visit (a 304, or equal bytes); never b'' but for HEAD and allowed statuses."""
    content_type: str
    """The Content-Type header as sent."""
    body_hash: str | None
    """Of the decoded body; with a 304 that of the last visit."""
    validators: Validators
    """To be kept, with the posts, for the next visit."""
    fetched_at: datetime
    poll_after: timedelta | None = None
    """What the server asks to wait (Cache-Control, Expires, Retry-After), at most a day."""
    permanent_redirect: str | None = None
    """Where a permanent redirect led this time."""
    moved_to: str | None = None
    """The same, once it was seen at three visits in a row: the source's address should change."""
    raw_size: int = 0
    """Bytes of the body on the wire."""
    size: int = 0
    """Bytes of the decoded body, also where `body` is None because it is the same."""
    repairs: tuple[str, ...] = ()
    """What was wrong with the answer and mended, in plain words."""

    @property
    def links(self) -> dict[str, str]:
        """The Link header (RFC 8288) as relation → absolute address."""
        header = self.headers.get("link")
        found = httpx.Response(200, headers={"link": header}).links.values() if header else ()
        base = httpx.URL(self.url)
        return {rel: str(base.join(link["url"])) for link in found for rel in link.get("rel", "").split()}


class Http:
    """An async context manager; one for all collectors of a process, so that they are polite together.

    It may be entered again while it is open, and after it was closed, on another event loop too. Pacing, holds after
    429 and robots.txt are remembered from the first entry to the end of the process; connections only until the last
    that entered has left. Used from one event loop at a time.

    Args:
        clock: now, aware UTC. monotonic: seconds; with sleep it makes the pacing testable.
        resolve: name → addresses. network: what connects to a checked address; both for tests.
    """

    def __init__(
        self,
        settings: HttpSettings | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        resolve: Resolve = resolve_name,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self.settings = settings = settings if settings is not None else HttpSettings()
        self.clock = clock
        self._guard = GuardedNetwork(settings.allow_nets, resolve=resolve, inner=network)
        self._pace = Pace(
            delay=settings.pace,
            per_host=settings.host_concurrency,
            total=settings.concurrency,
            monotonic=monotonic,
            sleep=sleep,
        )
        self._robots = Robots(self._read_robots)
        self._client: httpx.AsyncClient | None = None
        self._entered = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if self._entered and loop is not self._loop:
            raise RuntimeError("Http is in use on another event loop; make another Http for this one")
        if not self._entered:
            seal_logs()
            self._pace.begin()
            self._robots.begin()
            self._client = build_client(
                self._guard,
                user_agent=user_agent(self.settings.contact),
                connect=self.settings.connect_timeout,
                silence=self.settings.silence_timeout,
                concurrency=self.settings.concurrency,
                tls=self.settings.tls,
            )
            self._loop = loop
        self._entered += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered -= 1
        if self._entered:
            return
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def fetch(
        self,
        url: str,
        *,
        validators: Validators | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        content: bytes | None = None,
        accept: str = "*/*",
        max_body: int | None = None,
        robots: bool = False,
        allow_status: Collection[int] = (),
    ) -> Fetched:
        """Ask for `url` and return a readable answer.

        Args:
            validators: of the last visit; makes the request conditional and lets `body` be None if nothing changed.
            headers: more headers; those that look like secrets go to the first host only.
            robots: obey robots.txt, at every hop. For pages; feeds and APIs are there to be asked.
            allow_status: error statuses to return with their body instead of raising (APIs that explain themselves).

        Raises CollectError only: see `collectors.net.failures`.
        """
        parsed = check_url(url)
        trip = Trip(
            method=method.upper(),
            url=parsed,
            headers={"Accept": accept, **(headers or {})},
            content=content,
            seconds=self.settings.total_timeout,
            wanted=frozenset(allow_status),
            limit=self.settings.max_body if max_body is None else max_body,
        )
        answer = await self._travel(trip, validators, robots=robots)
        return self._conclude(trip, answer, validators if validators is not None else Validators())

    def websocket(
        self,
        url: str,
        *,
        subprotocols: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        silence: float | None = None,
        max_message: int | None = None,
    ) -> AbstractAsyncContextManager[Messages]:
        """A WebSocket under the same rules: `async with http.websocket(url) as messages: async for message in messages`.

        Args:
            url: ws:// or wss://.
            silence: seconds without a message that end it; None: as between two pieces of an answer.
            max_message: bytes; None: as of a body.

        Raises CollectError only, whose cause is the answer (`HandshakeAnswerError`) where the other side refused.
        """
        from collectors.net.websocket import connect  # here: few processes ever need it

        if self._client is None:
            raise RuntimeError("Http is used outside of its 'async with' block")
        return connect(
            url,
            network=self._guard,
            pace=self._pace,
            settings=self.settings,
            clock=self.clock,
            headers={"User-Agent": user_agent(self.settings.contact), **(headers or {})},
            subprotocols=subprotocols,
            silence=silence,
            max_message=max_message,
        )

    def lines(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        silence: float = 60.0,
        quiet: bool = False,
        max_line: int = 1_000_000,
    ) -> AbstractAsyncContextManager[Lines]:
        """An answer that does not end: `async with http.lines(url) as lines: async for line in lines`. See `open_lines`."""
        from collectors.net.lines import open_lines  # here: few processes ever need it

        if self._client is None:
            raise RuntimeError("Http is used outside of its 'async with' block")
        return open_lines(
            self._client, self._pace, self._guard, self.clock, url, headers or {},
            silence=silence, quiet=quiet, max_line=max_line,
        )  # fmt: skip

    async def _travel(self, trip: Trip, validators: Validators | None, *, robots: bool) -> Answer:
        """Ask, follow redirects, and return the last answer. Each hop has its own turn, guard and robots.txt."""
        while True:
            url, host = trip.url, trip.url.raw_host.decode("ascii")
            if robots:
                rules = await self._robots.check(url, self.clock())
                if not self._guard.is_near(host):
                    self._pace.slow_down(host, rules.crawl_delay or 0.0)
            conditions = validators.conditions(url, self.clock()) if validators and trip.method in SAFE_METHODS else {}
            trip.conditional = bool(conditions)
            near = self._guard.is_near(host)
            self._refuse_if_held(trip, near=near)
            async with self._pace.turn(host, near=near):
                # A 429 may have come for another request to this host while this one waited.
                self._refuse_if_held(trip, near=near)
                answer = await self._ask(trip, {**trip.headers, **conditions})
            if answer.status == 429 and not near:
                now = self.clock()
                self._pace.hold(host, read_retry_after(dict(answer.headers), now) or now + _DEFAULT_HOLD)
            if answer.location is None:
                return answer
            redirect(trip, answer.status, answer.location)

    def _refuse_if_held(self, trip: Trip, *, near: bool) -> None:
        host = trip.url.raw_host.decode("ascii")
        until = None if near else self._pace.held(host, self.clock())
        if until is not None:
            when = f"{until:%Y-%m-%d %H:%M:%S} UTC"
            message = f"{host} asked for fewer requests; {redact(str(trip.url))} waits until {when}."
            raise Throttled(message, code="http_429", until=until)

    async def _ask(self, trip: Trip, headers: Mapping[str, str | bytes]) -> Answer:
        """One exchange within the time left. Tried a second time at once if a kept connection had just been closed."""
        if self._client is None:
            raise RuntimeError("Http is used outside of its 'async with' block")
        loop = asyncio.get_running_loop()
        shown = str(trip.url)
        again = trip.method in SAFE_METHODS
        started = loop.time()
        try:
            async with asyncio.timeout(trip.seconds) as total:
                while True:
                    try:
                        return await exchange(
                            self._client,
                            trip.method,
                            trip.url,
                            headers,
                            trip.content,
                            limit=trip.limit,
                            wanted=trip.wanted,
                        )
                    except BAD_DAYS as error:
                        failure = name_failure(error, shown)
                    if failure.code != "reset" or not again:
                        raise failure
                    again = False
        except Refused as refused:
            if not trip.trail:
                raise
            message = f"{redact(trip.trail[0][1])} redirects to where we do not follow. {refused}"
            raise Refused(message, code=refused.code) from None
        except BadBody as error:
            raise name_body(error, shown, trip.limit) from None
        except TimeoutError:
            if not total.expired():
                raise
            most = f"{self.settings.total_timeout:g}"
            message = f"{redact(shown)}: not finished after {most} seconds. It is tried again later."
            raise RetryLater(message, code="timeout_total") from None
        finally:
            trip.seconds = max(0.01, trip.seconds - (loop.time() - started))

    async def _read_robots(self, where: httpx.URL) -> tuple[int, bytes]:
        trip = Trip(
            method="GET",
            url=where,
            headers={"Accept": "text/plain, */*;q=0.5"},
            content=None,
            seconds=self.settings.total_timeout,
            wanted=frozenset(),
            limit=_ROBOTS_LIMIT,
        )
        answer = await self._travel(trip, None, robots=False)
        return answer.status, answer.body

    def _conclude(self, trip: Trip, answer: Answer, before: Validators) -> Fetched:
        """From the last answer to a Fetched, or to the error that its status or emptiness stands for."""
        now = self.clock()
        headers = _flatten(answer.headers)
        state, body, body_hash = before, None, before.body_hash
        if answer.status == 304 and trip.conditional:
            state = before.after_304().after_route(trip.permanent)
        elif answer.status in trip.wanted and not 200 <= answer.status < 300:
            body, body_hash = answer.body, None
        else:
            self._refuse_status(trip, answer, headers, now)
            body_hash = hash_body(answer.body)
            body = None if before.same_body(trip.url, body_hash) else answer.body
            etag, modified = _raw(answer.headers, b"etag"), _raw(answer.headers, b"last-modified")
            state = before.after_body(trip.url, etag, modified, body_hash, now).after_route(trip.permanent)
        return Fetched(
            status=answer.status,
            url=str(trip.url),
            headers=headers,
            body=body,
            content_type=headers.get("content-type", ""),
            body_hash=body_hash,
            validators=state,
            fetched_at=now,
            poll_after=read_poll_after(headers, now),
            permanent_redirect=trip.permanent,
            moved_to=state.moved_to,
            raw_size=answer.raw_size,
            size=len(answer.body),
            repairs=answer.repairs,
        )

    def _refuse_status(self, trip: Trip, answer: Answer, headers: Mapping[str, str], now: datetime) -> None:
        url = str(trip.url)
        key_sent = carries_secret(trip.url) or any(names_a_secret(name) for name in trip.headers)
        failure = name_status(answer.status, url, headers, now, key_sent=key_sent)
        if failure is not None:
            raise failure
        if not answer.body and trip.method != "HEAD":
            message = f"{redact(url)} answered {answer.status} without any content. Check the address if it lasts."
            raise Drifted(message, code="empty")


def _flatten(headers: httpx.Headers) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in headers.multi_items():
        if name != "set-cookie":
            flat[name] = f"{flat[name]}, {value}" if name in flat else value
    return flat


def _raw(headers: httpx.Headers, wanted: bytes) -> bytes | None:
    return next((value for name, value in headers.raw if name.lower() == wanted), None)
