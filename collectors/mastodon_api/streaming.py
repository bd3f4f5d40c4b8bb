"""A server's streams: what happens to a hashtag or a public timeline while we are connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from collectors.base import NOTHING_PROVED, CollectError, Drifted, NeedsKey, NotFound, Page, Stretch
from collectors.mastodon_api.server import Server
from collectors.mastodon_api.timeline import Position, Timeline

_SILENCE = 60.0
"""Seconds; servers send a heartbeat every 15."""
_FLUSH = 5.0
"""Seconds that an event of a stream waits for others before it is committed with them …"""
_FULL = 100
"""… and how many wait at most."""


async def follow(server: Server, timeline: Timeline, options: Mapping[str, Any], latest: float) -> AsyncIterator[Page]:
    """What happens while we are connected. The connection is opened first and what came until then is fetched after
    that, so that nothing falls between. `latest`: when to end, by the loop's clock."""
    url = await _stream_url(server, options)
    end = min(asyncio.get_running_loop().time() + options["follow_seconds"], latest)
    async with AsyncExitStack() as stack:
        lines = await _connect(server, url, stack)
        async for page in timeline.go_on():
            yield page
        if timeline.left > 0:
            async for page in listen(server, timeline.position, lines, url, end):
                yield page


async def listen(
    server: Server, position: Position, lines: AsyncIterator[str], url: str, end: float
) -> AsyncIterator[Page]:
    """The events of a stream, some at a time. What came before the connection broke is given before the error."""
    from collectors.net.lines import EventReader, LineTooLongError

    loop, reader = asyncio.get_running_loop(), EventReader()
    events: list[dict[str, str]] = []
    heard, flush = server.access.now(), end
    broken: CollectError | None = None
    while True:
        ended = False
        try:
            async with asyncio.timeout_at(flush if events else end):
                event = reader.feed(await anext(lines))
            heard = server.access.now()
            if event is not None:
                flush = flush if events else min(end, loop.time() + _FLUSH)
                events.append({"event": event.name, "payload": event.data})
        except TimeoutError:
            pass  # time to commit what has come, or to end
        except StopAsyncIteration:
            ended = True
        except LineTooLongError as error:
            broken = Drifted(f"{server.source.id}: {error}. It is tried again later.", code="too_large")
        except CollectError as error:
            broken = error
        ended = ended or broken is not None or loop.time() >= end
        if ended or len(events) >= _FULL or (events and loop.time() >= flush):
            page = _events_page(server, position, events, heard, url)
            if page is not None:
                yield page
            events = []
        if broken is not None:
            raise broken
        if ended:
            return


async def _stream_url(server: Server, options: Mapping[str, Any]) -> str:
    place = server.place
    path = "/api/v1/streaming/hashtag" if place.kind == "tag" else "/api/v1/streaming/public"
    if place.local or options["local"]:
        path += "/local"
    query = {"tag": place.name} if place.kind == "tag" else {"only_media": "true"} if options["only_media"] else {}
    url = f"https://{await server.streaming_host()}{path}"
    return server.access.url(f"{url}?{urlencode(query)}" if query else url)


async def _connect(server: Server, url: str, stack: AsyncExitStack) -> AsyncIterator[str]:
    try:
        opened = server.access.http.lines(url, headers=server.headers, silence=_SILENCE, quiet=True)
        return await stack.enter_async_context(opened)
    except NeedsKey:
        raise server.refusal("the stream is not for this token") from None
    except NotFound:
        message = f"{server.source.id}: {server.place.host} has no stream of this. Leave `stream` out."
        raise NotFound(message, code="http_404") from None


def _events_page(
    server: Server, position: Position, events: list[dict[str, str]], heard: datetime, url: str
) -> Page | None:
    """None if nothing happened and no time has passed."""
    since = position.until or heard
    if not events and heard <= since:
        return None
    position.until = max(heard, since)
    return Page(
        body=orjson.dumps(events),
        url=url,
        fetched_at=server.access.now(),
        content_type="application/json",
        resume=position.write(),
        observed=Stretch(since, heard) if since < heard else NOTHING_PROVED,
        context={"kind": "events", "deprecated": server.deprecated},
    )
