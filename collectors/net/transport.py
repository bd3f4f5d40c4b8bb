"""httpx on top of httpcore with our own network backend, and one exchange: a request and its decoded answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from collectors.net.decode import ACCEPT_ENCODING, TooLarge, decode_body

_IDLE_SECONDS = 10.0
_SMALL = 16_384
_DRAIN_SECONDS = 1.0
_OFF_LOOP = 262_144
"""Compressed bodies from this size on are decoded in a thread: they would hold up the others noticeably."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOCATION = "trendmonitor.location"


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


class PoolTransport(httpx.AsyncBaseTransport):
    """An httpcore pool as httpx transport. httpcore's exceptions pass through as they are, so that whatever httpx
    raises by itself can be told apart."""

    def __init__(self, pool: httpcore.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        answer = await self._pool.handle_async_request(asked)
        assert isinstance(answer.stream, AsyncIterable)  # always so for an async pool
        headers, extensions = answer.headers, answer.extensions
        if answer.status in REDIRECTS:
            # httpx prepares the next request whether asked to or not, and chokes on bad targets. Ours is checked first.
            found = next((value for name, value in headers if name.lower() == b"location"), None)
            headers = [(name, value) for name, value in headers if name.lower() != b"location"]
            extensions = {**extensions, _LOCATION: found}
        return httpx.Response(answer.status, headers=headers, stream=_Body(answer.stream), extensions=extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()


@lru_cache(maxsize=1)
def default_tls() -> ssl.SSLContext:
    """Certificates of certifi, hostname checks on; made once, since loading them takes some 20 ms."""
    return httpx.create_ssl_context(trust_env=False)


def build_client(
    network: httpcore.AsyncNetworkBackend,
    *,
    user_agent: str,
    connect: float,
    silence: float,
    concurrency: int,
    tls: ssl.SSLContext | None,
) -> httpx.AsyncClient:
    """A client without proxies, cookies or redirects of its own, on `network`."""
    pool = httpcore.AsyncConnectionPool(
        ssl_context=tls if tls is not None else default_tls(),
        max_connections=None,
        max_keepalive_connections=concurrency,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=network,
    )
    return httpx.AsyncClient(
        transport=PoolTransport(pool),
        headers={"User-Agent": user_agent, "Accept-Encoding": ACCEPT_ENCODING},
        timeout=httpx.Timeout(connect=connect, read=silence, write=silence, pool=None),
        # Sources must not see each other through cookies, and none is needed to read public pages.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it came, its body decoded. `body` is b'' where it was not wanted."""

    status: int
    headers: httpx.Headers
    body: bytes
    raw_size: int
    """Bytes of the body on the wire, before decompression."""
    repairs: tuple[str, ...] = ()
    location: str | None = None
    """Where a redirect leads, unresolved; None if this is not one."""


async def exchange(
    client: httpx.AsyncClient,
    method: str,
    url: httpx.URL,
    headers: Mapping[str, bytes | str],
    content: bytes | None,
    *,
    limit: int,
    wanted: frozenset[int],
) -> Answer:
    """Send one request and read its answer: the whole body for 2xx and the statuses in `wanted`, none otherwise.

    Raises what `collectors.net.failures.BAD_DAYS` lists, BadBody, and the guard's CollectErrors.
    """
    # Values that came as text must be ASCII (a UnicodeError otherwise); validators are sent as the bytes they came in.
    fields = [
        (name.encode("ascii"), value if isinstance(value, bytes) else value.encode("ascii"))
        for name, value in headers.items()
    ]
    request = client.build_request(method, url, headers=fields, content=content)
    response = await client.send(request, stream=True)
    try:
        if response.status_code not in wanted and not 200 <= response.status_code < 300:
            await _drain(response)
            return Answer(response.status_code, response.headers, b"", 0, location=_location(response))
        raw = await _read(response, limit)
    finally:
        await response.aclose()
    codings = response.headers.get("content-encoding", "")
    if codings and len(raw) > _OFF_LOOP:
        body, repairs = await asyncio.to_thread(decode_body, raw, codings, limit)
    else:
        body, repairs = decode_body(raw, codings, limit)
    return Answer(response.status_code, response.headers, body, len(raw), repairs)


def _location(response: httpx.Response) -> str | None:
    found = response.extensions.get(_LOCATION)
    # Header bytes beyond ASCII are UTF-8 in practice, Latin-1 by the letter.
    return None if found is None else str(httpx.Headers([(b"location", found)])["location"])


async def _read(response: httpx.Response, limit: int) -> bytes:
    length = response.headers.get("content-length", "")
    # A body that is larger than the limit even before decompression is not worth a byte of traffic.
    if length.isascii() and length.isdigit() and response.request.method != "HEAD" and int(length[:18]) > limit:
        raise TooLarge("it is larger")
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > limit:
            raise TooLarge("it is larger")
        parts.append(part)
    return b"".join(parts)


async def _drain(response: httpx.Response) -> None:
    """Read a small unwanted body, so that the connection can be used again; give up soon if it is long or slow."""
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for part in response.aiter_raw():
                size += len(part)
                if size > _SMALL:
                    return
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        # The status is what counts; the connection is simply not used again.
        return
