"""200 generated feeds in the shape of real ones, and a bare loopback server for them in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import multiprocessing
import random
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape

COUNT = 200
SECONDS_AT_MOST = 1200

# Common words first: the word at place n is drawn about 1/n as often as the first, as in running text. One word in
# eighteen is in VADER's lexicon, as in the real feeds that were looked at.
_WORDS = """
the of and to in a for is on that by with are as at from was were this have has an be it or their which who will not
health patients said care new study more people can been they after also hospital its than data year other about
research during two one use years medical clinical system public services treatment report between first among
time found state disease community program national when over university including through these department
work based needs centre staff week children women nurses doctors access age risk quality information results
government local heart digital team drug trial cancer vaccine group level country county part number rate home
population analysis measures provider family plan model diabetes education survey office region city month
telehealth screening infection symptoms practice policy cost support emergency insurance privacy school good
problem help pain hope loss better poor safe concern benefit death strong severe improve critical success
""".split()
_WEIGHTS = [1 / (place + 8) for place in range(len(_WORDS))]


def make_feeds(now: datetime, seed: int = 7) -> dict[str, bytes]:
    """Path → feed. 25–250 KB and 10–300 items each; RSS with content:encoded, Atom, and podcasts with enclosures."""
    rng = random.Random(seed)
    return {f"/{number}.xml": _feed(number, rng, now) for number in range(COUNT)}


def _feed(number: int, rng: random.Random, now: datetime) -> bytes:
    count = rng.choice((10, 15, 20, 25, 30, 50, 60, 100, 150, 200, 300))
    size = rng.randrange(25_000, 250_000)
    words = max(20, min(900, (size // count - 450) // 7))
    kind = ("rss", "rss", "rss", "atom", "podcast")[number % 5]
    step = timedelta(minutes=rng.randrange(20, 1500))
    entries = "".join(_entry(kind, number, index, rng, now - step * (index + 1), words) for index in range(count))
    site = f"https://site{number}.example"
    if kind == "atom":
        return (
            f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><id>{site}/</id>'
            f'<title>Site {number}</title><link href="{site}/"/><updated>{now:%Y-%m-%dT%H:%M:%SZ}</updated>{entries}</feed>'
        ).encode()
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
        'xmlns:slash="http://purl.org/rss/1.0/modules/slash/"><channel>'
        f"<title>Site {number}</title><link>{site}</link><description>News</description><language>en-US</language>{entries}</channel></rss>"
    ).encode()


def _entry(kind: str, number: int, index: int, rng: random.Random, at: datetime, words: int) -> str:
    title = " ".join(rng.choices(_WORDS, _WEIGHTS, k=9)).capitalize()
    url = f"https://site{number}.example/posts/{index}-{rng.randrange(10**9)}"
    html = _html(rng, words)
    if kind == "atom":
        return (
            f"<entry><id>{url}</id><title>{title}</title><link rel='alternate' href='{url}'/><published>{at:%Y-%m-%dT%H:%M:%SZ}</published>"
            f"<updated>{at:%Y-%m-%dT%H:%M:%SZ}</updated><author><name>Desk</name></author><category term='health'/>"
            f"<content type='html'>{escape(html)}</content></entry>"
        )
    extra = f"<slash:comments>{rng.randrange(40)}</slash:comments>"
    if kind == "podcast":
        extra = (
            f'<enclosure url="{url}.mp3" type="audio/mpeg" length="{rng.randrange(10**8)}"/>'
            f"<itunes:duration>{rng.randrange(600, 4000)}</itunes:duration><itunes:author>Host</itunes:author>"
        )
    return (
        f'<item><title>{title}</title><link>{url}</link><guid isPermaLink="false">{number}-{index}</guid>'
        f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} +0000</pubDate><dc:creator><![CDATA[Desk]]></dc:creator><category><![CDATA[Health]]></category>"
        f"<description><![CDATA[{html[:300].rsplit('<', 1)[0]}]]></description><content:encoded><![CDATA[{html}]]></content:encoded>{extra}</item>"
    )


def _html(rng: random.Random, words: int) -> str:
    parts = []
    while words > 0:
        length = min(words, rng.randrange(25, 70))
        text = rng.choices(_WORDS, _WEIGHTS, k=length)
        if length > 10:
            text[3] = f'<a href="https://example.org/{rng.randrange(10**6)}">{text[3]}</a>'
            text[7] = f"<strong>{text[7]}</strong>"
            text[9] = text[9] + " &amp; " + text[2]
        parts.append(f'<p class="wp-block-paragraph">{" ".join(text).capitalize()}.</p>')
        words -= length
    return "\n".join(parts)


@contextlib.contextmanager
def served(feeds: dict[str, bytes]) -> Iterator[str]:
    """Base address of a loopback server with ETags, in its own process; it ends with the context, or after 20 minutes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(feeds, port), daemon=True)
    server.start()
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.join(5)


def _serve(feeds: dict[str, bytes], port: int) -> None:
    answers = {}
    for path, body in feeds.items():
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        head = f'HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml; charset=utf-8\r\nETag: "{etag}"\r\nContent-Length: {len(body)}\r\n\r\n'
        answers[path] = (f'"{etag}"'.encode(), head.encode() + body)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                etag, answer = answers.get(head.split(b" ", 2)[1].decode("latin-1"), (b"", b""))
                if not answer:
                    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                elif etag in head:
                    writer.write(b"HTTP/1.1 304 Not Modified\r\nETag: " + etag + b"\r\n\r\n")
                else:
                    writer.write(answer)
                await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", port)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_AT_MOST), server:
                await server.serve_forever()

    asyncio.run(main())


NOW = datetime(2026, 11, 1, tzinfo=UTC)
