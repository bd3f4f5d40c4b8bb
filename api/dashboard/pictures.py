"""Charts as pictures, and the browser's drawing library: made in processes that end, kept in files.

A picture is named by what it shows (specification, format and the version of the drawing library), so a file never
goes stale; the oldest are deleted once there are many. Nothing here keeps the library in the service's memory.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.context import services_of
from api.dashboard.render import BUNDLE_SNIPPET
from api.dashboard.words import describe, subtitle_of, title_of
from api.params import one_of, read_params
from api.problems import Problem
from monitor.core.charts import THEMES, time_chart
from monitor.core.metrics import parse_query

router = APIRouter()
log = structlog.get_logger(__name__)

DRAWING_TIME = 60.0
"""Seconds one drawing or the bundle may take."""
KEPT_PICTURES = 300
WIDTHS = ("380", "720", "960")
TYPES = {"svg": "image/svg+xml", "png": "image/png"}
FOREVER = "public, max-age=31536000, immutable"
_TOOL = f"vl-convert {version('vl-convert-python')}"
_BUNDLE = hashlib.sha256(f"{_TOOL}\0{BUNDLE_SNIPPET}".encode()).hexdigest()[:16]
BUNDLE_PATH = f"/static/vega-{_BUNDLE}.js"


class Studio:
    """Draws one thing at a time. `cache` is made when first needed."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._busy = asyncio.Lock()
        self._alive = False
        self._preparing: asyncio.Task[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def draw(self, spec: dict[str, Any], kind: str) -> bytes:
        """`spec` as 'svg' or 'png'. Raises Problem if that fails; the log then has the library's own words."""
        text = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
        name = hashlib.sha256(_TOOL.encode() + b"\0" + text).hexdigest()[:32]
        return await self._made(self._cache / "charts" / f"{name}.{kind}", kind, text)

    async def bundle(self) -> bytes:
        """The drawing library as a gzipped ES module."""
        return await self._made(self._cache / f"vega-{_BUNDLE}.js.gz", "bundle", b"")

    def open(self) -> None:
        """From now until `close`, `prepare` may work in the background."""
        self._alive = True

    def prepare(self) -> None:
        """Begin to make the bundle if it is not there, so that the browser waits less for it."""
        if self._alive and self._preparing is None:
            self._preparing = asyncio.create_task(self.bundle())
            self._preparing.add_done_callback(_note_failure)

    async def close(self) -> None:
        """Stop what is being drawn."""
        self._alive = False
        if self._process is not None:
            self._process.kill()
        if self._preparing is not None:
            await asyncio.gather(self._preparing, return_exceptions=True)

    async def _made(self, path: Path, kind: str, given: bytes) -> bytes:
        if (found := await run_in_threadpool(_read, path)) is not None:
            return found
        async with self._busy:
            return await run_in_threadpool(self._make, path, kind, given)

    def _make(self, path: Path, kind: str, given: bytes) -> bytes:
        if (found := _read(path)) is not None:
            return found  # made while this request waited for its turn
        made = self._run(kind, given)
        if kind == "bundle":
            made = gzip.compress(made, 9, mtime=0)
        _store(path, made)
        return made

    def _run(self, kind: str, given: bytes) -> bytes:
        command = [sys.executable, "-m", "api.dashboard.render", kind]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:  # noqa: S603 - our own module
            self._process = process
            try:
                made, said = process.communicate(given, timeout=DRAWING_TIME)
            except subprocess.TimeoutExpired:
                process.kill()
                made, said = b"", f"no result within {DRAWING_TIME:g} s".encode()
            finally:
                self._process = None
        if process.returncode != 0 or not made:
            log.error("drawing_failed", kind=kind, said=said.decode(errors="replace")[-1000:])
            raise Problem(
                "drawing-failed", "The chart could not be drawn; its table and data are not affected. See the log."
            )
        return made


def _note_failure(task: asyncio.Task[bytes]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("bundle_not_made", error=str(error))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _store(path: Path, made: bytes) -> None:
    """Whole or not at all, also when two processes make the same; then delete the oldest pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rough = path.with_name(f".{path.name}.{id(made):x}")
    rough.write_bytes(made)
    rough.replace(path)
    if path.suffix in (".svg", ".png"):
        by_age = sorted(path.parent.glob("[!.]*"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in by_age[KEPT_PICTURES:]:
            old.unlink(missing_ok=True)


@router.get("/chart.{kind}", name="chart")
async def chart(request: Request, kind: str) -> Response:
    """A trend as `/chart.svg`, `/chart.png`, or its Vega-Lite specification as `/chart.json`.

    Takes the parameters of /api/v1/trends, and `theme` (light, dark) and `width`.
    """
    if kind not in ("svg", "png", "json"):
        raise Problem("not-found", "Charts come as /chart.svg, /chart.png and /chart.json.")
    params = read_params(request.scope["query_string"])
    theme = one_of(params, "theme", ("light", "dark"), "light") or "light"
    width = one_of(params, "width", WIDTHS, "720") or "720"
    asked = {name: values for name, values in params.items() if name not in ("theme", "width")}
    services = services_of(request)

    def specify() -> tuple[dict[str, Any], str]:
        query = parse_query(asked, now=services.clock())
        _, tag = services.trends.answer_bytes(query)
        answer = services.trends.answer(query)
        words = {"title": title_of(answer), "subtitle": subtitle_of(answer), "description": describe(answer)}
        return time_chart(answer, **words, theme=THEMES[theme], width=int(width)), tag

    spec, tag = await run_in_threadpool(specify)
    etag = f'"{tag}-{theme}-{width}-{kind}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if kind == "json":
        return Response(orjson.dumps(spec), 200, headers, "application/json")
    return Response(await request.app.state.studio.draw(spec, kind), 200, headers, TYPES[kind])


@router.get(BUNDLE_PATH)
async def bundle(request: Request) -> Response:
    """The drawing library; the first request after an update waits some seconds until it is made."""
    body = await request.app.state.studio.bundle()
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding", "Content-Encoding": "gzip"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        body = await run_in_threadpool(gzip.decompress, body)
        del headers["Content-Encoding"]
    return Response(body, 200, headers, "text/javascript")
