"""YouTube: channels, playlists and searches through the Data API v3, with a key.

Lists only say which videos there are; every post comes from videos.list, which alone has counts, length, language and
the state of broadcasts. A page is therefore always an answer of videos.list, whatever led to it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from collectors.base import NOTHING_PROVED, Cursor, Duties, Key, Page, Parsed, Refused, Source, Stored
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import mapping, moment, text
from collectors.youtube_api.addresses import Target, WrongAddressError, read_address
from collectors.youtube_api.calls import BATCH, SEARCHES, UNITS, Calls
from collectors.youtube_api.listing import read_listing
from collectors.youtube_api.refusals import KEY
from collectors.youtube_api.searching import read_search
from collectors.youtube_api.videos import read_videos

if TYPE_CHECKING:
    from collectors.access import Access

_CHANNEL_FRESH = timedelta(days=7)
_SEARCH_ONLY = ("language", "region", "paid", "searches_a_day")
_LANGUAGE = re.compile(r"[a-z]{2}|zh-Han[st]")
_REGION = re.compile(r"[A-Z]{2}")


class YouTubeCollector:
    """New videos of a channel, a playlist or a search; broadcasts are looked at again until they have ended."""

    platform: ClassVar[str] = "youtube"
    key: ClassVar[Key | None] = KEY
    remembers: ClassVar[timedelta | None] = timedelta(days=365)
    duties: ClassVar[Duties] = Duties(
        keep=timedelta(days=30),
        review=timedelta(days=20),
        asks="Data of YouTube's API must be renewed or deleted within 30 days.",
    )
    quotas: ClassVar[tuple[Quota, ...]] = (SEARCHES, UNITS)
    options: ClassVar[Mapping[str, Option]] = {
        "days": Option(
            "whole", "How many days the first visit reaches back; 365 if left out, of a search 7.", None, low=1, high=3650
        ),
        "pages": Option(
            "whole", "Most pages of 50 videos in one visit; the next goes on from there; 100 if left out.", 100, low=1, high=250
        ),
        "language": Option("text", "Searches: prefer videos in this language (ISO 639-1, such as en); any if left out."),
        "region": Option("text", "Searches: videos that can be watched in this country (such as US); any if left out."),
        "paid": Option(
            "flag", "Searches: search a second time for paid promotion only, and mark those videos; false if left out.", False
        ),
        "searches_a_day": Option(
            "whole", "Searches: most calls of search a day for this source, out of 100 for all; 20 if left out.", 20, low=1, high=100
        ),
    }  # fmt: skip
    examples: ClassVar[tuple[str, ...]] = (
        "https://www.youtube.com/@who",
        "https://www.youtube.com/results?search_query=telehealth",
    )

    def check(self, source: Source) -> list[Problem]:
        """What is wrong with address and options. Pure."""
        problems = check_options(source, self.options)
        try:
            target = read_address(source.url)
        except WrongAddressError as wrong:
            return [Problem(("url",), wrong.what, wrong.instead), *problems]
        if problems:
            return problems
        if target.kind != "search":
            return [
                Problem(("options", name), f"{name!r} is for searches only", "leave it out")
                for name in _SEARCH_ONLY
                if source.options.get(name) is not None
            ]
        for name, shape, instead in (
            ("language", _LANGUAGE, "write two small letters such as en, or zh-Hans or zh-Hant"),
            ("region", _REGION, "write two capital letters such as US"),
        ):
            value = source.options.get(name)
            if value is not None and not shape.fullmatch(value.strip()):
                problems.append(Problem(("options", name), f"{value!r} is not a {name}", instead))
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """First the broadcasts that had not ended, then what is new. Raises CollectError only."""
        try:
            target = read_address(source.url)
        except WrongAddressError as wrong:
            raise Refused(f"{source.id}: {source.url}: {wrong.what}; {wrong.instead}.", code="bad_url") from None
        chosen = read_options(source, self.options)
        calls = Calls(source, access, searches_a_day=chosen["searches_a_day"])
        params = _filters(target, chosen)
        mark = " ".join(("v1", target.mark, *(f"{name}={value}" for name, value in params.items() if name != "q")))
        # An address or filter that has changed makes another source of it, as far as positions are concerned.
        state: dict[str, Any] = dict(cursor) if cursor.get("of") == mark else {"of": mark}
        if state.get("live"):
            looked = await calls.look_up(state["live"][:BATCH], review=True)
            state["live"] = list(looked.live)
            yield replace(looked.page, observed=NOTHING_PROVED, resume=dict(state))
        if target.kind == "search":
            paid = bool(chosen["paid"])
            found = read_search(calls, state, params, paid=paid, pages=chosen["pages"], days=chosen["days"] or 7)
        else:
            playlist = target.value if target.kind == "playlist" else await _uploads(calls, state, target, now)
            found = read_listing(calls, state, playlist, pages=chosen["pages"], days=chosen["days"] or 365)
        async for page in found:
            yield page

    async def review(
        self, source: Source, posts: Sequence[Stored], access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        """Fifty at a time. A video that is missing from the answer is gone or private. Raises CollectError only."""
        calls = Calls(source, access)
        ids = list(dict.fromkeys(post.id for post in posts))
        for start in range(0, len(ids), BATCH):
            looked = await calls.look_up(ids[start : start + BATCH], review=True)
            yield replace(looked.page, observed=NOTHING_PROVED)

    def parse(self, source: Source, page: Page) -> Parsed:
        """The videos of a page. Raises Drifted: 'not_json', 'unknown_shape'."""
        return read_videos(source, page)


async def _uploads(calls: Calls, state: dict[str, Any], target: Target, now: datetime) -> str:
    """The playlist of all videos of a channel; remembered for some days."""
    known = mapping(state.get("channel"))
    at = moment(known.get("at"))
    if at is None or now - at > _CHANNEL_FRESH or not text(known.get("uploads")):
        known = {**await calls.channel(target), "at": now.isoformat()}
        state["channel"] = known
    return text(known.get("uploads"))


def _filters(target: Target, chosen: Mapping[str, Any]) -> dict[str, str]:
    """Parameters of a search; empty for what is not one."""
    if target.kind != "search":
        return {}
    asked = {"q": target.value, "relevanceLanguage": chosen["language"], "regionCode": chosen["region"]}
    return {name: value for name, value in asked.items() if value}


COLLECTOR = YouTubeCollector()
