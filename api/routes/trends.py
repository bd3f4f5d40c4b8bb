"""GET /trends: the same question is answered from memory until the data or the minute changes.

A dashboard asks the same few questions again and again. The answer's bytes are kept under the raw query, so that a
repeat costs two look-ups; the data version is read from the store at most every 50 ms and after every write through
this process. An answer is thus at most that much behind, and never older than a minute of the clock (its window may
end with the present day).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from api import formats
from api.docs import problem_responses
from api.etags import matches
from api.params import only, read_params, trend_parameters
from api.problems import field_problem
from api.schemas import TrendOut
from monitor.core.answer import ROW_COLUMNS
from monitor.core.metrics import parse_query

if TYPE_CHECKING:
    from monitor.bootstrap import Services

router = APIRouter()

VERSION_MEMORY = 0.05
"""Seconds for which the version of the data is believed."""
MOST_ANSWERS = 512
MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ready:
    """A finished answer. `state` is the data version and minute it was made for."""

    state: tuple[int, int]
    body: bytes
    etag: bytes
    headers: list[tuple[bytes, bytes]]


class ReadyResponse(Response):
    """Sends a finished answer, or 304 for one that the client has; nothing is encoded again."""

    def __init__(self, ready: Ready, unchanged: bool) -> None:
        self.status_code = 304 if unchanged else 200
        self.body = b"" if unchanged else ready.body
        # a 304 has no body, so neither length (second last) nor type (last) of one
        self.raw_headers = ready.headers[:-2] if unchanged else ready.headers
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


class Answers:
    """Finished answers of one process. Not shared between event loops."""

    def __init__(self, services: Services, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._monotonic = monotonic
        self._version = -1
        self._checked = float("-inf")  # when the version was last known
        self._began = float("-inf")  # when somebody last began to read it
        self._writes = 0
        self._kept: OrderedDict[tuple[bytes, bytes], Ready] = OrderedDict()
        self._bytes = 0

    def expire(self) -> None:
        """Something was written: nobody gets an answer before the data version was looked at again."""
        self._checked = self._began = float("-inf")
        self._writes += 1

    async def _look(self) -> None:
        """Read the data version; one request does, those that come meanwhile go on with what was known before."""
        now = self._monotonic()
        if now - self._checked <= VERSION_MEMORY or now - self._began <= VERSION_MEMORY:
            return
        if self._checked > float("-inf"):
            self._began = now
        writes = self._writes
        version = await run_in_threadpool(self._services.trends.version)
        if writes == self._writes:  # else it may have been read before the write
            self._version, self._checked = version, now
        else:
            await self._look()

    async def get(self, query: bytes, accept: bytes) -> Ready:
        await self._look()
        state = self._version, int(self._services.clock().timestamp() // 60)
        kept = self._kept.get((query, accept))
        if kept is not None and kept.state == state:
            return kept
        made = await run_in_threadpool(self._make, query, accept, state)
        self._keep((query, accept), made)
        return made

    def _make(self, query: bytes, accept: bytes, state: tuple[int, int]) -> Ready:
        params = read_params(query)
        format_ = formats.choose(only(params, "format"), accept.decode("latin-1"))
        params.pop("format", None)
        wanted = parse_query(params, now=self._services.clock())
        body, tag = self._services.trends.answer_bytes(wanted)
        if format_ != "json":
            body = formats.encode(format_, self._services.trends.rows(wanted), ROW_COLUMNS)
        etag = f'"{tag}-{format_}"'.encode()
        headers = [
            (b"etag", etag),
            (b"cache-control", b"private, no-cache"),
            (b"vary", b"accept, authorization"),
            (b"content-length", str(len(body)).encode()),
            (b"content-type", formats.MEDIA_TYPES[format_].encode()),
        ]
        if format_ != "json":
            name = f'attachment; filename="trends-{wanted.metric}-{wanted.since}-{wanted.until}.{format_}"'
            headers.insert(0, (b"content-disposition", name.encode()))
        return Ready(state, body, etag, headers)

    def _keep(self, key: tuple[bytes, bytes], made: Ready) -> None:
        old = self._kept.pop(key, None)
        self._bytes += len(made.body) - (len(old.body) if old else 0)
        self._kept[key] = made
        while self._kept and (len(self._kept) > MOST_ANSWERS or self._bytes > MOST_BYTES):
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.body)


@router.get(
    "/trends",
    summary="A metric over time, with intervals and coverage",
    response_class=Response,
    responses={
        200: {
            "model": TrendOut,
            "description": "One series a key, one point a bucket; every bucket of the window is there.",
            "content": {"text/csv": {}, "application/vnd.apache.parquet": {}},
        },
        304: {"description": "Nothing changed since the answer with that ETag."},
        **problem_responses(406, 422),
    },
    openapi_extra={"parameters": trend_parameters()},
)
async def trends(request: Request) -> Response:
    """`value` is null where nothing was observed (never 0), and the status of each point says how far to trust it."""
    scope = request.scope
    accept = match = b""
    for name, value in scope["headers"]:
        if name == b"accept":
            accept = value if not accept else accept + b"," + value
        elif name == b"if-none-match":
            match = value
    if len(accept) > 1024:
        raise field_problem("Accept", "The Accept header has more than 1,024 bytes.")
    answers: Answers = scope["app"].state.answers
    ready = await answers.get(scope["query_string"], accept)
    return ReadyResponse(ready, bool(match) and (match == ready.etag or matches(match, ready.etag)))
