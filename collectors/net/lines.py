"""Answers that do not end: their lines as they come in, and the Server-Sent Events among them.

The rules are those of `Http.fetch`: the guard, the host's pace and its holds after 429, errors with names. A redirect
is refused, because such a request carries a token as a rule. Turns are given back once the answer has begun, or a few
streams would use them all up. Nothing is decompressed, because a compressor holds back what has just happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpcore
import httpx

from collectors.base import CollectError, Drifted, Refused, Throttled
from collectors.net.failures import BAD_DAYS, name_failure, name_status, read_retry_after
from collectors.net.guard import GuardedNetwork
from collectors.net.pace import Pace
from collectors.net.transport import REDIRECTS
from collectors.net.urls import carries_secret, check_url, names_a_secret, redact

_DEFAULT_HOLD = timedelta(minutes=15)
_AHEAD = 200
"""Lines that are read before they are asked for; then the other side has to wait."""


class Lines:
    """An async iterator over the lines of one answer, without their ends, blank ones included.

    Waiting for the next line may be given up (a time-out, a cancellation) and taken up again: none is lost by it.
    """

    def __init__(self, response: httpx.Response, shown: str, *, silence: float, quiet: bool, max_line: int) -> None:
        self._queue: asyncio.Queue[str | CollectError | None] = asyncio.Queue(_AHEAD)
        self._shown, self._silence, self._quiet = shown, silence, quiet
        self._splitter = LineSplitter(max_line)
        self._ended = False
        self._reader = asyncio.create_task(self._read(response))

    def __aiter__(self) -> Lines:
        return self

    async def __anext__(self) -> str:
        """Raises CollectError where the stream broke, after all lines that came before."""
        if self._ended:
            raise StopAsyncIteration
        found = await self._queue.get()
        if isinstance(found, str):
            return found
        self._ended = True
        raise StopAsyncIteration if found is None else found

    async def aclose(self) -> None:
        """Stop reading."""
        self._ended = True
        self._reader.cancel()
        await asyncio.wait([self._reader])

    async def _read(self, response: httpx.Response) -> None:
        end: CollectError | None = None
        try:
            async for part in response.aiter_raw():
                for line in self._splitter.feed(part):
                    await self._queue.put(line.decode("utf-8", "replace"))
            if rest := self._splitter.rest():
                await self._queue.put(rest.decode("utf-8", "replace"))
        except LineTooLongError as error:
            end = Drifted(f"{self._shown}: {error}. It is tried again later.", code="too_large")
        except BAD_DAYS as error:
            silent = isinstance(error, httpcore.ReadTimeout)
            end = None if silent and self._quiet else name_failure(error, self._shown)
        await self._queue.put(end)


@asynccontextmanager
async def open_lines(
    client: httpx.AsyncClient,
    pace: Pace,
    guard: GuardedNetwork,
    clock: Callable[[], datetime],
    url: str,
    headers: Mapping[str, str],
    *,
    silence: float,
    quiet: bool,
    max_line: int,
) -> AsyncIterator[Lines]:
    """Ask for `url` and hand out the lines of the answer while the block lasts.

    Args:
        silence: seconds without a byte after which it ends: with RetryLater('timeout_silence'), or without an error
            if `quiet`.
        max_line: bytes; a longer line is Drifted('too_large').

    Raises CollectError only, on entry and from the iteration.
    """
    parsed = check_url(url)
    host, shown = parsed.raw_host.decode("ascii"), redact(url)
    near = guard.is_near(host)
    async with pace.turn(host, near=near):
        until = None if near else pace.held(host, clock())
        if until is not None:
            when = f"{until:%Y-%m-%d %H:%M:%S} UTC"
            raise Throttled(
                f"{host} asked for fewer requests; {shown} waits until {when}.", code="http_429", until=until
            )
        response = await _send(client, parsed, headers, silence)
    lines: Lines | None = None
    try:
        _refuse(response, parsed, headers, clock(), pace if not near else None)
        lines = Lines(response, shown, silence=silence, quiet=quiet, max_line=max_line)
        yield lines
    finally:
        if lines is not None:
            await lines.aclose()
        with suppress(*BAD_DAYS):
            await response.aclose()


async def _send(
    client: httpx.AsyncClient, url: httpx.URL, headers: Mapping[str, str], silence: float
) -> httpx.Response:
    waits = client.timeout
    try:
        request = client.build_request(
            "GET",
            url,
            headers={
                "Accept": "text/event-stream",
                "Cache-Control": "no-store",
                **headers,
                "Accept-Encoding": "identity",
            },
            timeout=httpx.Timeout(connect=waits.connect, read=silence, write=waits.write, pool=None),
        )
        return await client.send(request, stream=True)
    except BAD_DAYS as error:
        raise name_failure(error, str(url)) from None


def _refuse(
    response: httpx.Response, url: httpx.URL, sent: Mapping[str, str], now: datetime, pace: Pace | None
) -> None:
    """Raise what the beginning of the answer stands for, if it is not one that can be read."""
    headers, shown, status = dict(response.headers), redact(str(url)), response.status_code
    if status in REDIRECTS:
        raise Refused(
            f"{shown} redirects elsewhere: a stream is not followed there. Use its final address.", code="bad_redirect"
        )
    if status == 429 and pace is not None:
        pace.hold(url.raw_host.decode("ascii"), read_retry_after(headers, now) or now + _DEFAULT_HOLD)
    key_sent = carries_secret(url) or any(names_a_secret(name) for name in sent)
    failure = name_status(status, str(url), headers, now, key_sent=key_sent)
    if failure is not None:
        raise failure
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Drifted(f"{shown}: the stream is compressed although that was declined.", code="bad_encoding")


class LineTooLongError(Exception):
    """A line is longer than allowed. The message says how long is allowed."""


class LineSplitter:
    """Bytes in pieces → lines, ended by LF, CR or CR LF. Linear in what is fed, however small the pieces. Pure."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0
        self._after_cr = False

    def feed(self, part: bytes) -> list[bytes]:
        """The lines that are complete now, without their ends. Raises LineTooLongError."""
        if self._after_cr and part.startswith(b"\n"):
            part = part[1:]
            self._after_cr = False
        if not part:
            return []
        self._after_cr = part.endswith(b"\r")
        first, *others = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._held.append(first)
        self._size += len(first)
        lines: list[bytes] = []
        if others:
            lines = [b"".join(self._held), *others[:-1]]
            self._held, self._size = [others[-1]], len(others[-1])
        if self._size > self._limit or any(len(line) > self._limit for line in lines):
            raise LineTooLongError(f"a line is longer than the {self._limit / 1e6:g} MB that are read")
        return lines

    def rest(self) -> bytes:
        """What came after the last end of a line."""
        return b"".join(self._held)


@dataclass(frozen=True, slots=True)
class Event:
    """One Server-Sent Event."""

    name: str
    """'message' where none was given."""
    data: str
    """Its data lines, joined by line breaks."""


class EventReader:
    """Lines → Server-Sent Events (WHATWG HTML, 9.2). Pure.

    Comments, which servers send as heartbeats, `id` and `retry` are passed over: nobody here reconnects by itself.
    An event without data, and one that the end of the stream cuts off, does not exist.
    """

    def __init__(self, limit: int = 4_000_000) -> None:
        """`limit`: characters of data in one event, over all its lines."""
        self._limit = limit
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self._first = True

    def feed(self, line: str) -> Event | None:
        """The event that this line, a blank one, completes. Raises LineTooLongError."""
        if self._first:
            line, self._first = line.removeprefix("\ufeff"), False
        if not line:
            event = Event(self._name or "message", "\n".join(self._data)) if self._data else None
            self._name, self._data, self._size = "", [], 0
            return event
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._size += len(value)
            if self._size > self._limit:
                raise LineTooLongError(f"an event is longer than {self._limit:,} characters")
            self._data.append(value)
        return None
