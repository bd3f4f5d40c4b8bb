"""Visits and reviews of the stand-in for TikTok, as tests make them."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from typing import Any

import orjson

from collectors import registry
from collectors.access import Access
from collectors.base import Item, Page, Reviewer, Source, Stored
from collectors.fetch import Http, HttpSettings, parse_nets
from collectors.quota import MemoryMeter
from tests.platforms.tiktok_platform import KEY, TikTokPlatform, source

COLLECTOR = registry.get("tiktok")


async def visit(
    platform: TikTokPlatform,
    of: Source | None = None,
    cursor: Mapping[str, Any] | None = None,
    *,
    key: str = KEY,
    memory: MutableMapping[str, Any] | None = None,
    meter: MemoryMeter | None = None,
    into: list[Page] | None = None,
) -> list[Page]:
    """The pages of one visit; `into` also holds those that came before an error."""
    pages: list[Page] = [] if into is None else into
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock) as http:
        keys = {"tiktok": key} if key else {}
        access = Access("tiktok", http, keys=keys, base=platform.base, memory=memory, meter=meter)
        async for page in COLLECTOR.retrieve(of or source(), cursor or {}, access, platform.clock()):
            pages.append(page)
    return pages


async def review(platform: TikTokPlatform, posts: list[Stored]) -> list[Page]:
    assert isinstance(COLLECTOR, Reviewer)
    async with Http(HttpSettings(allow_nets=parse_nets("127.0.0.0/8"), pace=0.0), clock=platform.clock) as http:
        access = Access("tiktok", http, keys={"tiktok": KEY}, base=platform.base)
        return [page async for page in COLLECTOR.review(source(), posts, access, platform.clock())]


def items(pages: list[Page]) -> list[Item]:
    return [item for page in pages for item in COLLECTOR.parse(source(), page).items]


def last_cursor(pages: list[Page]) -> Mapping[str, Any]:
    return next(page.resume for page in reversed(pages) if page.resume is not None)


def bodies(platform: TikTokPlatform) -> list[dict[str, Any]]:
    return [orjson.loads(asked.body) for asked in platform.requests if "research" in asked.path]


def moving(platform: TikTokPlatform, step: timedelta) -> None:
    later = platform.clock() + step
    platform.clock = lambda: later


def stored(platform: TikTokPlatform) -> list[Stored]:
    return [Stored(str(video.number), None, video.created) for video in platform.videos]
