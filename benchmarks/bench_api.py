"""How fast a repeated trends query is answered, against a bare FastAPI route that returns the same bytes.

    python -m benchmarks api

Both are served by uvicorn in processes of their own, over loopback, and asked by this process over 16 connections
that stay open. Rounds alternate between the two, so that a noisy machine hurts both; the figure is the median of the
rounds. A second figure leaves the network out: one request at a time through the ASGI application in this process.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response

from api.app import create_app
from collectors.base import Engagement, Source
from monitor.bootstrap import Services
from monitor.core.model import Annotation, Observed, Post, Write
from monitor.settings import Settings

QUERY = "metric=share&by=content_type&interval=week&since=2025-11-24&until=2026-11-23"
PATH = "/api/v1/trends"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CONNECTIONS = 16
TARGET = 0.6


def services_with_posts(home: Path) -> Services:
    """A year of 20 sources, 4,000 posts."""
    config = home / "config"
    config.mkdir()
    (config / "sources.yaml").write_text("sources: []\n")
    (config / "platforms.yaml").write_text("platforms: []\n")
    services = Services(Settings(home=home, config=config), clock=lambda: NOW)
    rng = random.Random(11)
    start = NOW - timedelta(days=365)
    for number in range(20):
        kind = ("news", "news", "podcast", "video", "other")[number % 5]
        source = Source(f"source-{number}", "feed", "web", f"https://example.org/{number}", content_type=kind)
        services.store.add_source(source, start)
        times = sorted(start + timedelta(seconds=rng.uniform(0, 365 * 86_400)) for _ in range(200))
        posts = tuple(_post(source, at, moment, kind) for at, moment in enumerate(times))
        services.store.commit(Write(source.id, NOW, posts, observed=Observed(start, NOW)))
    return services


def _post(source: Source, number: int, moment: datetime, kind: str) -> Post:
    annotation = Annotation(1, kind, None, False, False, ("other",), "en", "US", ("vaccination",), 0.1, (), {})
    return Post(
        source.id, str(number), None, f"Post {number}", "", None, moment, False, moment, None, None, 2, None,
        Engagement(), annotation, {}, number,
    )  # fmt: skip


def bare(body: bytes) -> FastAPI:
    app = FastAPI()

    @app.get(PATH)
    async def answer() -> Response:
        return Response(body, media_type="application/json")

    return app


def serve(which: str, home: str, body: bytes, port: int) -> None:
    import uvicorn

    if which == "bare":
        app = bare(body)
    else:
        settings = Settings(home=Path(home), config=Path(home) / "config")
        app = create_app(Services(settings, clock=lambda: NOW))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


async def load(port: int, seconds: float) -> float:
    """Requests per second over connections that stay open, each asking again as soon as it has its answer."""
    request = f"GET {PATH}?{QUERY} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n".encode()
    end = time.perf_counter() + seconds
    done = 0

    async def ask() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode(errors="replace"))
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            done += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return done / (time.perf_counter() - began)


async def call(app: Callable[..., Any]) -> tuple[bytes, int]:
    """One request through an ASGI application; (body, status)."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": PATH, "raw_path": PATH.encode(), "query_string": QUERY.encode(), "root_path": "", "state": {},
        "headers": [(b"host", b"127.0.0.1:8000"), (b"accept", b"application/json")],
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[1]["body"], sent[0]["status"]


async def in_process(app: Callable[..., Any], seconds: float) -> float:
    """Microseconds of one request."""
    await call(app)
    count, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        for _ in range(50):
            await call(app)
        count += 50
    return spent / count * 1e6


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not start")


def run(rounds: int = 5, seconds: float = 2.0) -> dict[str, Any]:
    """Figures, and under `ratios` how /trends compares with the bare route (target: at least 0.6 over loopback)."""
    with tempfile.TemporaryDirectory() as home:
        services = services_with_posts(Path(home))
        body, status = asyncio.run(call(create_app(services)))
        if status != 200:
            raise RuntimeError(body.decode())

        async def compare() -> list[tuple[float, float]]:
            plain, ours = bare(body), create_app(services)
            return [(await in_process(plain, 0.5), await in_process(ours, 0.5)) for _ in range(rounds)]

        bare_us, ours_us = (statistics.median(times) for times in zip(*asyncio.run(compare()), strict=True))
        services.close()
        rates = over_loopback(home, body, rounds, seconds)
    bare_rate, rate = statistics.median(rates["bare"]), statistics.median(rates["trends"])
    return {
        "ratios": {
            "repeated /trends to bare route, requests per second": round(rate / bare_rate, 3),
            "the same without the network": round(bare_us / ours_us, 3),
        },
        "answer_bytes": len(body),
        "bare_requests_per_second": round(bare_rate),
        "trends_requests_per_second": round(rate),
        "bare_us_in_process": round(bare_us, 1),
        "trends_us_in_process": round(ours_us, 1),
        "target": TARGET,
        "met": rate / bare_rate >= TARGET,
    }


def over_loopback(home: str, body: bytes, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Requests per second of both, round by round."""
    context = multiprocessing.get_context("spawn")
    rates: dict[str, list[float]] = {"bare": [], "trends": []}
    servers, ports = [], {}
    for which in rates:
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports[which] = free.getsockname()[1]
        server = context.Process(target=serve, args=(which, home, body, ports[which]), daemon=True)
        server.start()
        servers.append(server)
    try:
        for port in ports.values():
            wait_for(port)
            asyncio.run(load(port, 0.5))
        for _ in range(rounds):
            for which, port in ports.items():
                rates[which].append(asyncio.run(load(port, seconds)))
    finally:
        for server in servers:
            server.terminate()
            server.join(5)
    return rates


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
