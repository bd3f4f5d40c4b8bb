"""The frame of a stand-in that speaks WebSocket and plain HTTP on the same port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, urlsplit

import orjson
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from tests.platforms.serving import Asked, Platform, Told


class SocketPlatform(Platform):
    """`answer` says 101 to a request that asks for a WebSocket; `serve_stream` then talks."""

    subprotocols: ClassVar[Sequence[Subprotocol]] = (Subprotocol("xrpc.v1.json"),)
    _listener: socket.socket | None = None

    def serve_stream(self, connection: socket.socket, out: Callable[[Any], None], asked: Asked) -> None:
        """Talk until it returns; the connection then ends without a farewell. `out` sends one JSON message, and with
        None all that has not left yet. Raises OSError when the other side has left."""
        raise NotImplementedError

    @property
    def is_open(self) -> bool:
        return self._listener is not None

    @property
    def base(self) -> str:
        assert self._listener is not None, "only while it is open"
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._listener is not None
        listener, self._listener = self._listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._answer_one(connection)
            except OSError:
                return  # the other side has left

    def _answer_one(self, connection: socket.socket) -> None:
        protocol = ServerProtocol(
            subprotocols=self.subprotocols,
            select_subprotocol=lambda _, offered: next((one for one in offered if one in self.subprotocols), None),
        )
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not (events := protocol.events_received()):
            data = connection.recv(65536)
            if not data:
                return
            protocol.receive_data(data)
        request = events[0]
        assert isinstance(request, Request)
        parts = urlsplit(request.path)
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        asked = Asked("GET", parts.path, parse_qs(parts.query, keep_blank_values=True), headers, b"")
        told = self._tell(asked)
        if told is not None and told.status == 101:
            protocol.send_response(protocol.accept(request))
            out = _sender(connection, protocol)
            out(None)
            self.serve_stream(connection, out, asked)
            return
        if told is not None:
            connection.sendall(_plain(told))


def _sender(connection: socket.socket, protocol: ServerProtocol) -> Callable[[Any], None]:
    """Sends values as JSON text messages, many at a time; None: all that is left."""

    def send(value: Any) -> None:
        if value is not None:
            protocol.send_text(orjson.dumps(value))
        if value is None or len(protocol.writes) > 200 or value.get("$type") == "error":
            connection.sendall(b"".join(protocol.data_to_send()))

    return send


def _plain(told: Told) -> bytes:
    lines = [f"HTTP/1.1 {told.status} Answer", "connection: close", f"content-length: {len(told.body)}"]
    lines += [f"{name}: {value}" for name, value in told.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + told.body
