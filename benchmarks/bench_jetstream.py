"""Following a Jetstream: ten minutes' worth of 2,000 events a second over loopback, with 200 keywords.

Another process sends as fast as this one reads; a third is what is measured: the collector's visit (WebSocket, reading,
looking for keywords) and the parsing of its pages, in one process. It may not fall behind, and its memory may not grow.
Nothing is stored.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

RATE = 2_000
"""Events a second that have to be kept up with."""
SECONDS = 600
EVENTS = RATE * SECONDS
KEYWORDS = 200
_START = datetime(2026, 7, 6, 12, tzinfo=UTC)
_MARKS = (0.1, 0.5, 1.0)


def run() -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.bench_jetstream"]
    with subprocess.Popen([*command, "serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            told = subprocess.run(
                [*command, "follow", port], capture_output=True, text=True, timeout=300, check=True
            ).stdout
        finally:
            server.kill()
    result: dict[str, Any] = json.loads(told)
    peak = result["peak MB at 10 %, 50 %, 100 %"]
    result["ratios"] = {
        "times the speed of the stream (target 1)": round(result["events a second"] / RATE, 2),
        "the same, by processor time": round(EVENTS / result["processor seconds"] / RATE, 2),
        "peak memory at the end against at 10 % (target 1.1 at most)": round(peak[2] / peak[0], 3),
    }
    return result


# What is measured


def follow(port: str) -> None:
    """One visit that reads everything; prints the figures as JSON."""
    from collectors.access import Access
    from collectors.base import Source
    from collectors.bluesky import COLLECTOR
    from collectors.fetch import Http, HttpSettings, parse_nets

    words = _words()
    keywords = [*words[-KEYWORDS // 2 :], *(f"{one} {two}" for one, two in zip(words, words[7:], strict=False))]
    options = {"keywords": keywords[:KEYWORDS], "follow_seconds": 0, "look_back_hours": 1}
    source = Source("bench", "bluesky", "bluesky", "https://bsky.app/", options=options)
    assert COLLECTOR.check(source) == []
    marks = [_START + timedelta(seconds=SECONDS * (mark - 1)) for mark in _MARKS]
    peaks: list[float] = []
    found = {"pages": 0, "posts": 0, "deletions": 0}

    async def visit() -> AsyncIterator[Any]:
        settings = HttpSettings(allow_nets=parse_nets("127.0.0.0/8"))
        async with Http(settings, clock=lambda: _START) as http:
            access = Access("bluesky", http, base=f"http://127.0.0.1:{port}")
            async for page in COLLECTOR.retrieve(source, {}, access, _START):
                yield page

    async def read() -> None:
        async for page in visit():
            found["pages"] += 1
            if page.body is not None:
                items = COLLECTOR.parse(source, page).items
                found["deletions"] += sum(item.deleted for item in items)
                found["posts"] += sum(not item.deleted for item in items)
            while len(peaks) < len(marks) and page.observed.until >= marks[len(peaks)]:
                peaks.append(_peak())

    began, used = time.perf_counter(), time.process_time()
    asyncio.run(read())
    passed, spent = time.perf_counter() - began, time.process_time() - used
    assert len(peaks) == len(marks), "the stream was not read to its end"
    print(
        json.dumps(
            {
                "events": EVENTS,
                "keywords": KEYWORDS,
                "seconds": round(passed, 1),
                "processor seconds": round(spent, 1),
                "events a second": round(EVENTS / passed),
                "peak MB at 10 %, 50 %, 100 %": [round(peak, 1) for peak in peaks],
                **found,
            }
        )
    )


def _peak() -> float:
    """The most memory this process has held so far, MB."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


# The stream


def serve() -> None:
    """Give one client all events, as fast as it takes them."""
    import socket

    from websockets.http11 import Request
    from websockets.server import ServerProtocol

    templates = _templates()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        connection, _ = listener.accept()
    protocol = ServerProtocol()
    while not (events := protocol.events_received()):
        protocol.receive_data(connection.recv(65536))
    request = events[0]
    assert isinstance(request, Request)
    protocol.send_response(protocol.accept(request))
    connection.sendall(b"".join(protocol.data_to_send()))
    last = int(_START.timestamp()) * 1_000_000
    step = 1_000_000 // RATE
    out: list[bytes] = []
    for number in range(EVENTS):
        before, after = templates[number % len(templates)]
        out.append(b"%b%d%b" % (before, last - (EVENTS - 1 - number) * step, after))
        if len(out) == 100:
            connection.sendall(b"".join(out))
            out.clear()
    connection.sendall(b"".join(out))
    connection.recv(65536)  # until the client leaves


def _words() -> list[str]:
    """Invented words, the common ones first."""
    rng = random.Random(7)
    made = dict.fromkeys("".join(rng.choice("bdfgklmnprstv") + rng.choice("aeiou") for _ in range(rng.randint(1, 4))) for _ in range(6000))  # fmt: skip
    return [word for word in made if len(word) > 2][:3000]


def _templates() -> list[tuple[bytes, bytes]]:
    """WebSocket frames of events, cut in two where the time of the event goes."""
    rng = random.Random(8)
    words = _words()
    weights = [1 / (rank + 5) for rank in range(len(words))]
    out = []
    for number in range(5_000):
        did = "did:plc:" + "".join(rng.choices("234567abcdefghijklmnopqrstuvwxyz", k=24))
        rkey = "3m" + "".join(rng.choices("234567abcdefghijklmnopqrstuvwxyz", k=11))
        event: dict[str, Any] = {"did": did, "time_us": 0, "kind": "commit"}
        commit = {"rev": rkey, "operation": "delete", "collection": "app.bsky.feed.post", "rkey": rkey}
        if number % 33 == 0:
            event |= {"kind": "identity", "identity": {"did": did, "handle": "a.example", "seq": number}}
        elif number % 8 == 0:
            event |= {"commit": commit}
        else:
            text = " ".join(rng.choices(words, weights, k=rng.randint(3, 45)))
            reply = {"cid": "bafyrei" + "a" * 52, "uri": f"at://{did}/app.bsky.feed.post/{rkey}"}
            record = {
                "$type": "app.bsky.feed.post",
                "createdAt": "2026-07-06T11:59:00.000Z",
                "langs": ["en"],
                "text": text.capitalize() + rng.choice(["", "!", " 😷", " é"]),
                **({"reply": {"root": reply, "parent": reply}} if number % 2 else {}),
            }
            event |= {"commit": commit | {"operation": "create", "record": record, "cid": "bafyrei" + "b" * 52}}
        raw = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        before, after = raw.split(b'"time_us":0', 1)
        before += b'"time_us":'
        length = len(before) + 16 + len(after)
        head = bytes([0x81, length]) if length < 126 else bytes([0x81, 126]) + length.to_bytes(2, "big")
        out.append((head + before, after))
    return out


if __name__ == "__main__":
    {"serve": serve, "follow": lambda: follow(sys.argv[2])}[sys.argv[1]]()
