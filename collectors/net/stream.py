"""Connections for httpcore straight on asyncio.

httpcore's own backend goes through anyio, which made up half of the cost of a request here (measured on 115 KB bodies
over loopback, most of it in asking each idle connection of the pool whether it is still good). The contract is that of
`httpcore.AsyncNetworkBackend`; errors are httpcore's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Iterable
from typing import Any

import httpcore

_HIGH_WATER = 262_144
"""Bytes received but not read, above which the other side is made to wait."""


class _Wire(asyncio.Protocol):
    """Collects what arrives until it is read."""

    def __init__(self) -> None:
        self.chunks: deque[bytes] = deque()
        self.held = 0
        self.ended = False
        self.error: Exception | None = None
        self.paused = False
        self.reader: asyncio.Future[None] | None = None
        self.writer: asyncio.Future[None] | None = None
        self.full = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.chunks.append(data)
        self.held += len(data)
        if self.held > _HIGH_WATER and not self.paused and self.transport is not None:
            self.paused = True
            self.transport.pause_reading()
        _wake(self.reader)

    def eof_received(self) -> bool:
        self.ended = True
        _wake(self.reader)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.error = True, exc
        _wake(self.reader)
        _wake(self.writer)

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        _wake(self.writer)

    def take(self, most: int) -> bytes:
        """The next bytes, b'' at the end."""
        if not self.chunks:
            return b""
        chunk = self.chunks.popleft()
        if len(chunk) > most:
            self.chunks.appendleft(chunk[most:])
            chunk = chunk[:most]
        self.held -= len(chunk)
        if self.paused and self.held <= _HIGH_WATER // 2 and self.transport is not None:
            self.paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()
        return chunk


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


class AsyncioStream(httpcore.AsyncNetworkStream):
    """One connection."""

    def __init__(self, wire: _Wire, transport: asyncio.Transport) -> None:
        self._wire = wire
        self._transport = transport

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        wire = self._wire
        if not wire.chunks and not wire.ended:
            wire.reader = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout):
                    await wire.reader
            except TimeoutError:
                raise httpcore.ReadTimeout from None
            finally:
                wire.reader = None
        if not wire.chunks and wire.error is not None:
            raise httpcore.ReadError from wire.error
        return wire.take(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        wire = self._wire
        if not buffer:
            return
        if wire.ended or self._transport.is_closing():
            raise httpcore.WriteError from wire.error
        self._transport.write(buffer)
        while wire.full and not wire.ended:
            wire.writer = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout):
                    await wire.writer
            except TimeoutError:
                raise httpcore.WriteTimeout from None
            finally:
                wire.writer = None

    async def aclose(self) -> None:
        # A farewell over TLS would have to be waited for, up to half a minute, and unsent bytes for ever if the other
        # side does not read. Nobody needs either here.
        if self._transport.get_extra_info("ssl_object") is not None or self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()
        # Lets the loop run the transport's own clean-up.
        await asyncio.sleep(0)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                transport = await loop.start_tls(
                    self._transport, self._wire, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError:
            self._transport.abort()
            raise httpcore.ConnectTimeout from None
        except OSError as error:  # ssl.SSLError among them
            self._transport.abort()
            raise httpcore.ConnectError from error
        if transport is None:  # the connection was lost during the handshake
            raise httpcore.ConnectError
        self._wire.transport = transport
        return AsyncioStream(self._wire, transport)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            # For an idle connection: it has ended, or something came unasked, and it must not be used again.
            return bool(self._wire.chunks) or self._wire.ended or self._transport.is_closing()
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections; checks nothing."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        local = (local_address, 0) if local_address else None
        try:
            async with asyncio.timeout(timeout):
                transport, wire = await loop.create_connection(_Wire, host, port, local_addr=local)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except OSError as error:
            raise httpcore.ConnectError from error
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return AsyncioStream(wire, transport)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
