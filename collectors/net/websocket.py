"""One WebSocket connection under the rules of the HTTP client: guarded, paced, capped, every bad day a CollectError.

The protocol itself is that of the `websockets` library in its form without input and output; bytes go through the same
guarded network as those of HTTP. So the address that was checked is the address that is connected to, nothing runs in
the background, and the other side is read from only when somebody wants a message: who reads slowly makes it wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

import httpcore
import httpx
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidMessage, InvalidStatus, PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from collectors.base import CollectError, Drifted, Refused, RetryLater, Throttled
from collectors.net.failures import BAD_DAYS, name_failure, name_status, read_retry_after
from collectors.net.transport import default_tls
from collectors.net.urls import carries_secret, check_url, names_a_secret, redact

if TYPE_CHECKING:
    from collectors.net.guard import GuardedNetwork
    from collectors.net.pace import Pace
    from collectors.net.settings import HttpSettings

_DEFAULT_HOLD = timedelta(minutes=15)
_CHUNK = 1_048_576
_FAREWELL = 1.0
_GOOD_ENDS = frozenset({1000, 1001, 1005})

# The library would log whole header blocks, keys among them. Not a logger of the tree: whoever configures logging
# anew would enable that one again.
_quiet = logging.Logger("wire")
_quiet.disabled = True


class HandshakeAnswerError(Exception):
    """What the other side said instead of opening the connection: the cause of the CollectError that names it."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body


class Messages:
    """What comes over an open connection; `async for` gives one message at a time, text as str and the rest as bytes.

    It ends when the other side closes in good order, and raises RetryLater otherwise; also when it has said nothing for
    `silence` seconds ('timeout_silence'; pings do not count). A message larger than allowed is Drifted('too_large').
    """

    def __init__(
        self, stream: httpcore.AsyncNetworkStream, protocol: ClientProtocol, shown: str, silence: float, patience: float
    ) -> None:
        self.silence = silence
        self.ended = False
        """The other side has closed in good order, and all it said was taken."""
        self._shown = shown
        self._stream = stream
        self._protocol = protocol
        self._patience = patience
        self._ready: list[str | bytes] = []
        self._next = 0
        self._parts: list[bytes | bytearray | memoryview] = []
        self._text = True
        self._failure: CollectError | None = None
        self._closed = False

    @property
    def subprotocol(self) -> str | None:
        """The one that the other side chose."""
        return self._protocol.subprotocol

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        if self._next == len(self._ready):
            self._ready, self._next = await self.take(self.silence), 0
            if not self._ready:
                if self.ended:
                    raise StopAsyncIteration
                message = f"{self._shown}: it fell silent for longer than allowed. It is tried again later."
                raise RetryLater(message, code="timeout_silence")
        self._next += 1
        return self._ready[self._next - 1]

    async def take(self, within: float) -> list[str | bytes]:
        """All messages that have come by now; if there are none, those that come first within so many seconds.

        Empty if none came in time, or if the connection has ended. Raises CollectError if it broke, after everything
        that came before was taken.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while self._next == len(self._ready) and not self._closed:
            left = deadline - loop.time()
            self._ready, self._next = [], 0
            await self._receive(max(left, 0.0))
            if left <= 0:
                break
        taken = self._ready[self._next :] if self._next else self._ready
        self._ready, self._next = [], 0
        if not taken and self._failure is not None:
            raise self._failure
        self.ended = self._closed and not taken
        return taken

    async def open(self, headers: Mapping[str, str]) -> Response:
        """Shake hands. Returns the answer, whatever its status; raises what `BAD_DAYS` lists."""
        protocol = self._protocol
        request = protocol.connect()
        for name, value in headers.items():
            if name in request.headers:
                del request.headers[name]
            request.headers[name] = value
        protocol.send_request(request)
        await self._flush()
        while True:
            data = await self._stream.read(_CHUNK, self._patience)
            if data:
                protocol.receive_data(data)
            else:
                protocol.receive_eof()
            events = protocol.events_received()
            if events:
                answer = events[0]
                assert isinstance(answer, Response)
                await self._settle(events[1:])
                return answer
            if not data or isinstance(protocol.handshake_exc, InvalidMessage):
                early = isinstance(getattr(protocol.handshake_exc, "__cause__", None), EOFError)
                raise httpcore.RemoteProtocolError(
                    "Server disconnected without sending a response." if early else "not HTTP"
                )

    async def close(self) -> None:
        """Say goodbye without waiting for an answer."""
        if self._protocol.state is State.OPEN and self._failure is None:
            self._protocol.send_close(1000)
            with suppress(*BAD_DAYS):
                await self._flush(_FAREWELL)
        await self._stream.aclose()

    async def _receive(self, within: float) -> None:
        """Read once, at most `within` seconds; nothing happens if nothing comes."""
        protocol = self._protocol
        try:
            data = await self._stream.read(_CHUNK, within)
        except httpcore.ReadTimeout:
            return
        except BAD_DAYS as error:
            self._end(name_failure(error, self._shown))
            return
        if data:
            protocol.receive_data(data)
        else:
            protocol.receive_eof()
        await self._settle(protocol.events_received())

    async def _settle(self, events: Sequence[object]) -> None:
        """Take in what was read, answer what must be answered, and see whether it was the end."""
        protocol = self._protocol
        with suppress(*BAD_DAYS):  # a pong or a farewell that cannot be delivered; the next reading tells why
            await self._flush()
        try:
            self._sort(events)
        except UnicodeDecodeError:
            self._end(RetryLater(f"{self._shown}: a message is not UTF-8. It is tried again later.", code="protocol"))
            return
        if protocol.parser_exc is not None:
            self._end(self._name(protocol.parser_exc))
        elif protocol.close_rcvd is not None:
            code = protocol.close_rcvd.code
            broken = f"{self._shown}: the other side ended the connection ({code}). It is tried again later."
            self._end(None if code in _GOOD_ENDS else RetryLater(broken, code="reset"))

    def _sort(self, events: Sequence[object]) -> None:
        """Whole messages out of frames."""
        for frame in events:
            assert isinstance(frame, Frame)
            if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
                if frame.fin:
                    data = frame.data
                    self._ready.append(str(data, "utf-8") if frame.opcode is Opcode.TEXT else bytes(data))
                    continue
                self._text, self._parts = frame.opcode is Opcode.TEXT, [frame.data]
            elif frame.opcode is Opcode.CONT:
                self._parts.append(frame.data)
                if frame.fin:
                    whole, self._parts = b"".join(self._parts), []
                    self._ready.append(whole.decode() if self._text else whole)

    async def _flush(self, patience: float | None = None) -> None:
        for data in self._protocol.data_to_send():
            if data:  # b'' would end our half of the connection; closing it does that
                await self._stream.write(data, self._patience if patience is None else patience)

    def _end(self, failure: CollectError | None) -> None:
        self._closed, self._failure = True, failure

    def _name(self, error: Exception) -> CollectError:
        if isinstance(error, PayloadTooBig):
            return Drifted(f"{self._shown}: a message is larger than what is read.", code="too_large")
        if isinstance(error, EOFError):
            return RetryLater(f"{self._shown}: the connection broke. It is tried again later.", code="reset")
        return RetryLater(f"{self._shown}: it does not speak WebSocket. It is tried again later.", code="protocol")


@asynccontextmanager
async def connect(
    url: str,
    *,
    network: GuardedNetwork,
    pace: Pace,
    settings: HttpSettings,
    clock: Callable[[], datetime],
    headers: Mapping[str, str],
    subprotocols: Sequence[str],
    silence: float | None,
    max_message: int | None,
) -> AsyncIterator[Messages]:
    """An open connection; see `collectors.fetch.Http.websocket`."""
    scheme, separator, rest = url.strip().partition("://")
    asked = check_url(f"http{'s' * (scheme.lower() == 'wss')}://{rest}" if scheme.lower() in ("ws", "wss") else url)
    secure, host = asked.scheme == "https", asked.raw_host.decode("ascii")
    shown = redact(f"{scheme}{separator}{rest}")
    if any(not f"{name}{value}".isascii() or "\n" in value or "\r" in value for name, value in headers.items()):
        message = f"The request to {shown} could not be written: a header has characters that HTTP does not allow."
        raise Refused(message, code="bad_request")
    port = asked.port or (443 if secure else 80)
    path, _, query = asked.raw_path.decode("ascii").partition("?")
    protocol = ClientProtocol(
        WebSocketURI(secure, host, port, path, query),
        subprotocols=[Subprotocol(one) for one in subprotocols] or None,
        max_size=settings.max_body if max_message is None else max_message,
        logger=_quiet,
    )
    messages: Messages | None = None
    near = network.is_near(host)
    _refuse_if_held(pace, host, shown, clock(), near=near)
    try:
        async with pace.turn(host, near=near):
            _refuse_if_held(pace, host, shown, clock(), near=near)
            try:
                async with asyncio.timeout(settings.total_timeout):
                    stream = await network.connect_tcp(host, port, settings.connect_timeout)
                    wait = settings.silence_timeout
                    messages = Messages(stream, protocol, shown, wait if silence is None else silence, wait)
                    if secure:
                        tls = settings.tls if settings.tls is not None else default_tls()
                        messages._stream = await stream.start_tls(tls, host.rstrip("."), settings.connect_timeout)
                    answer = await messages.open(headers)
            except TimeoutError:
                most = f"{settings.total_timeout:g}"
                message = f"{shown}: not connected after {most} seconds. It is tried again later."
                raise RetryLater(message, code="timeout_total") from None
            except BAD_DAYS as error:
                raise name_failure(error, shown) from None
        if protocol.handshake_exc is not None:
            failure = _name_refusal(protocol.handshake_exc, answer, asked, shown, headers, clock())
            if isinstance(failure, Throttled) and not near:
                pace.hold(host, failure.until or clock() + _DEFAULT_HOLD)
            raise failure from HandshakeAnswerError(answer.status_code, bytes(answer.body))
        yield messages
    finally:
        if messages is not None:
            await messages.close()


def _refuse_if_held(pace: Pace, host: str, shown: str, now: datetime, *, near: bool) -> None:
    until = None if near else pace.held(host, now)
    if until is not None:
        when = f"{until:%Y-%m-%d %H:%M:%S} UTC"
        message = f"{host} asked for fewer requests; {shown} waits until {when}."
        raise Throttled(message, code="http_429", until=until)


def _name_refusal(
    error: Exception, answer: Response, asked: httpx.URL, shown: str, headers: Mapping[str, str], now: datetime
) -> CollectError:
    if not isinstance(error, InvalidStatus):
        return RetryLater(f"{shown}: it does not speak WebSocket. It is tried again later.", code="protocol")
    found = {name.lower(): value for name, value in answer.headers.raw_items()}
    key_sent = carries_secret(asked) or any(names_a_secret(name) for name in headers)
    failure = name_status(answer.status_code, shown, found, now, key_sent=key_sent)
    if failure is None:
        message = f"{shown} answered like a web page ({answer.status_code}) where a WebSocket is expected."
        return Drifted(message, code=f"http_{answer.status_code}")
    if failure.until is None and answer.status_code == 429:
        failure.until = read_retry_after(found, now)
    return failure
