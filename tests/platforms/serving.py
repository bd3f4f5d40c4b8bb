"""The frame of a platform's stand-in: HTTP on loopback, answered by a method, with everything recorded.

A stand-in subclasses `Platform` and writes `answer`. What the contract suite needs of every platform is here: how
many more pages are given before the connection breaks, whether it is out of patience, and who asked for what.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import orjson

START = datetime(2026, 7, 6, 12, tzinfo=UTC)
"""What the clock of tests says unless it is moved; a Monday."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    """Without the query."""
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True, slots=True)
class Told:
    """What to answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    page: bool = False
    """True for an answer that holds posts: those count towards `stop_after`."""

    @classmethod
    def json(cls, value: Any, status: int = 200, *, page: bool = False, **headers: str) -> Told:
        """`headers` with '_' for '-'."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, orjson.dumps(value), {"content-type": "application/json; charset=utf-8"} | named, page)


class Platform:
    """A context manager; `base` is its address while it is open. One lock: `answer` is never called twice at a time.

    Attributes to be set by tests:
        stop_after: that many pages of posts are given, then connections are closed without an answer; None: no end.
        throttled: True: it answers as the platform does when asked too often.
        clock: the platform's present moment.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: START) -> None:
        self.clock = clock
        self.stop_after: int | None = None
        self.throttled = False
        self.requests: list[Asked] = []
        self.pages = 0
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    # What a stand-in writes

    def answer(self, asked: Asked) -> Told:
        """What the platform says; 404 in its own words for what it does not know."""
        raise NotImplementedError

    def answer_throttled(self, asked: Asked) -> Told:
        """Its way to say 'too often', with the headers it sends then."""
        raise NotImplementedError

    def ids(self) -> set[str]:
        """Native ids, as our items name them, of every post that a visit should bring and can be read."""
        raise NotImplementedError

    def publish(self, count: int) -> None:
        """Publish more posts, all newer than those before and not after `clock()`."""
        raise NotImplementedError

    def break_one(self) -> str:
        """From now on one post comes in a shape that nobody knows (an id, but no date or text where they belong; and
        of wrong type). Returns its id; `ids` no longer holds it."""
        raise NotImplementedError

    def remove_one(self) -> str:
        """Delete one post as its author would. Returns its id."""
        raise NotImplementedError

    # The frame

    @property
    def base(self) -> str:
        assert self._server is not None, "only while it is open"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # head and body leave together and at once; otherwise each answer waits 40 ms for an acknowledgement
            wbufsize = -1
            disable_nagle_algorithm = True

            def _do(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("content-length") or 0)
                asked = Asked(
                    self.command,
                    parts.path,
                    parse_qs(parts.query, keep_blank_values=True),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(length) if length else b"",
                )
                told = platform._tell(asked)
                if told is None:
                    self.close_connection = True
                    return
                self.send_response(told.status)
                for name, value in told.headers.items():
                    self.send_header(name, value)
                if told.status != 304:
                    self.send_header("content-length", str(len(told.body)))
                self.end_headers()
                if self.command != "HEAD" and told.status != 304:
                    self.wfile.write(told.body)

            do_GET = do_POST = do_HEAD = do_DELETE = do_PUT = _do  # noqa: N815 - names that http.server calls

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def _tell(self, asked: Asked) -> Told | None:
        with self._lock:
            self.requests.append(asked)
            if self.throttled:
                return self.answer_throttled(asked)
            told = self.answer(asked)
            if told.page:
                if self.stop_after is not None and self.pages >= self.stop_after:
                    return None
                self.pages += 1
            return told
