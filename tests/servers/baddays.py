"""A loopback HTTP server for bad days, in plain asyncio: it says byte for byte what a test wants said.

    async with BadDays() as server:
        server.on("/feed", text("<rss/>", ETag='"1"'))
        server.on("/tired", status(503, Retry_After="120"))
        server.on("/first-then", text("one"), text("two"))       # the last one repeats
        ... server.url("/feed") ... server.requests[-1].headers["user-agent"]

A behaviour is `async def behave(request, reply)`; `reply` writes raw bytes. Keep-alive is kept, unless a behaviour
closes the connection. Headers are given as keyword arguments with '_' for '-'.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    """Path and query as sent."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    connection: int
    """Number of the connection it came in on, from 1."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Reply:
    """The server's end of a connection."""

    writer: asyncio.StreamWriter
    closed: bool = False

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, code: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {code} Whatever"] + [
            f"{name.replace('_', '-')}: {value}" for name, value in headers.items()
        ]
        await self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def close(self) -> None:
        self.closed = True
        self.writer.close()

    def abort(self) -> None:
        """Break the connection without a farewell (a reset for the client)."""
        self.closed = True
        self.writer.transport.abort()


Behaviour = Callable[[Request, Reply], Awaitable[None]]


@dataclass
class _Route:
    behaviours: tuple[Behaviour, ...]
    used: int = 0

    def next(self) -> Behaviour:
        behaviour = self.behaviours[min(self.used, len(self.behaviours) - 1)]
        self.used += 1
        return behaviour


@dataclass
class BadDays:
    """Listens on 127.0.0.1 at a free port while its `async with` block lasts. Unknown paths are 404."""

    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    _routes: dict[str, _Route] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None
    port: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def on(self, path: str, *behaviours: Behaviour) -> str:
        """Behave like this at `path`, one behaviour for each request in turn, the last one for ever. Returns the URL."""
        self._routes[path] = _Route(behaviours)
        return self.url(path)

    def url(self, path: str = "/") -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}{path}"

    def hits(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._serve(reader, Reply(writer), self.connections)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError, ssl.SSLError):
            pass  # the client left: its right
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, reply: Reply, connection: int) -> None:
        while not reply.closed:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            pairs = (line.partition(":") for line in head[1:] if line)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = Request(method, target, headers, body, connection)
            self.requests.append(request)
            route = self._routes.get(request.path)
            await (route.next() if route else status(404))(request, reply)


def answer(body: bytes, code: int = 200, /, **headers: str) -> Behaviour:
    """These bytes, with a true Content-Length."""

    async def behave(request: Request, reply: Reply) -> None:
        await reply.head(code, {"Content-Length": str(len(body)), **headers})
        if request.method != "HEAD":
            await reply.raw(body)

    return behave


def text(body: str, code: int = 200, /, **headers: str) -> Behaviour:
    return answer(body.encode(), code, **headers)


def status(code: int, /, **headers: str) -> Behaviour:
    """A status and a few words."""
    return answer(b"" if code == 304 else f"status {code}".encode(), code, **headers)


def redirect(location: str, code: int = 302) -> Behaviour:
    return answer(b"over there", code, Location=location)


def conditional(body: str, **headers: str) -> Behaviour:
    """An honest server: 304 if the validators that it gave come back, the body otherwise."""

    async def behave(request: Request, reply: Reply) -> None:
        asked = request.headers.get("if-none-match") or request.headers.get("if-modified-since")
        given = headers.get("ETag") if "if-none-match" in request.headers else headers.get("Last_Modified")
        await (status(304, **headers) if asked and asked == given else text(body, **headers))(request, reply)

    return behave


def stubborn(body: str, etag: str) -> Behaviour:
    """A liar: 304 for anything conditional, whatever changed."""

    async def behave(request: Request, reply: Reply) -> None:
        asked = "if-none-match" in request.headers or "if-modified-since" in request.headers
        await (status(304, ETag=etag) if asked else text(body, ETag=etag))(request, reply)

    return behave


def squeeze(body: bytes, coding: str) -> bytes:
    """`body` in one content coding: gzip, deflate, raw-deflate, br or zstd."""
    if coding == "gzip":
        return gzip.compress(body, mtime=0)
    if coding == "deflate":
        return zlib.compress(body)
    if coding == "raw-deflate":
        packer = zlib.compressobj(wbits=-15)
        return packer.compress(body) + packer.flush()
    if coding == "br":
        return bytes(brotli.compress(body, quality=5))
    return zstandard.ZstdCompressor(level=3).compress(body)


def bomb(coding: str, size: int = 50_000_000) -> Behaviour:
    """Many zeros in few bytes."""
    return answer(squeeze(bytes(size), coding), Content_Encoding=coding)


def truncated(body: bytes, promised: int) -> Behaviour:
    """Promises more bytes than it sends, then hangs up."""

    async def behave(request: Request, reply: Reply) -> None:
        await reply.head(200, {"Content-Length": str(promised)})
        await reply.raw(body)
        await reply.close()

    return behave


def slow_head(seconds: float) -> Behaviour:
    """Says nothing for a while, then answers."""

    async def behave(request: Request, reply: Reply) -> None:
        await asyncio.sleep(seconds)
        await text("at last")(request, reply)

    return behave


def dripping(pieces: int, pause: float) -> Behaviour:
    """A body of single bytes with a pause after each."""

    async def behave(request: Request, reply: Reply) -> None:
        await reply.head(200, {"Content-Length": str(pieces)})
        for _ in range(pieces):
            await reply.raw(b".")
            await asyncio.sleep(pause)

    return behave


def endless(piece: bytes = b"x" * 65536) -> Behaviour:
    """A body without end or length."""

    async def behave(request: Request, reply: Reply) -> None:
        await reply.head(200, {"Connection": "close"})
        while True:
            await reply.raw(piece)

    return behave


def hang_up() -> Behaviour:
    """Closes the connection without a word."""

    async def behave(request: Request, reply: Reply) -> None:
        reply.abort()

    return behave


def gibberish(data: bytes = b"\x00\x01 this is not HTTP\r\n\r\n") -> Behaviour:
    async def behave(request: Request, reply: Reply) -> None:
        await reply.raw(data)
        await reply.close()

    return behave
