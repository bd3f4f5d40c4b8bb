"""Mastodon, any server: hashtags, accounts and public timelines, by request and by stream.

A post's native id is the one its server gave it, not its `uri`: the stream tells deletions by that id alone, and posts
are looked up again by it. The same post seen at two servers is two posts of two sources.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import orjson

from collectors.base import (
    NOTHING_PROVED,
    Cursor,
    Duties,
    Key,
    Page,
    Parsed,
    Source,
    Stored,
)
from collectors.mastodon_api.places import EXAMPLES, check_place, place_of
from collectors.mastodon_api.server import KEY, QUOTA, Server
from collectors.mastodon_api.statuses import StatusReader
from collectors.mastodon_api.streaming import follow
from collectors.mastodon_api.timeline import Position, Timeline
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import array, load, load_object, unknown_shape

if TYPE_CHECKING:
    from collectors.access import Access

_BATCH = 20
"""Posts that are looked up again with one request."""
_VISIT = 270.0
"""Seconds of one visit, catching up included."""


class MastodonCollector:
    """Forwards by `min_id` from where the last visit ended; backwards from the newest post on the first one."""

    platform: ClassVar[str] = "mastodon"
    key: ClassVar[Key | None] = KEY
    remembers: ClassVar[timedelta | None] = timedelta(days=30)
    duties: ClassVar[Duties] = Duties(
        review=timedelta(days=7),
        review_for=timedelta(days=30),
        asks="Posts that their authors delete, hide or no longer want to be found go from here too.",
    )
    quotas: ClassVar[tuple[Quota, ...]] = (QUOTA,)
    options: ClassVar[Mapping[str, Option]] = {
        "any": Option("texts", "Posts with any of these hashtags as well (at most 4)."),
        "all": Option("texts", "Only posts that have all of these hashtags too (at most 4)."),
        "none": Option("texts", "No posts that have one of these hashtags (at most 4)."),
        "local": Option("flag", "Of a hashtag, only posts that were written at this server; default false.", False),
        "only_media": Option("flag", "Only posts with pictures, sound or video; default false.", False),
        "exclude_replies": Option("flag", "No answers to other people; default false.", False),
        "bots": Option("flag", "Posts of automated accounts as well; default false, but true for an account.", False),
        "stream": Option("flag", "Stay connected after catching up; needs a token; default false.", False),
        "follow_seconds": Option("number", "How long to stay connected on a visit; default 180.", 180, low=1, high=240),
        "days": Option("number", "How many days the first visit reaches back; default 365.", 365, low=0.01, high=3650),
        "pages": Option(
            "whole", "How many pages of 40 posts one visit reads at most; default 100.", 100, low=1, high=250
        ),
        "overlap_minutes": Option(
            "number", "How many minutes are read again for posts that arrive late; default 30.", 30, low=0, high=1440
        ),
    }
    examples: ClassVar[tuple[str, ...]] = EXAMPLES

    def check(self, source: Source) -> list[Problem]:
        """Unknown options, addresses that cannot be followed, and options that do not go with the address."""
        return [*check_place(source), *check_options(source, self.options)]

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """One page for each answer, the last of which says that everything since the last visit was seen. Raises
        CollectError only."""
        began = asyncio.get_running_loop().time()
        place, options = place_of(source), read_options(source, self.options)
        server = Server(source, place, access)
        if options["stream"] and server.token is None:
            raise server.need_token("`stream: true` is for those who are logged in")
        position = Position.read(cursor, place.of)
        if place.kind == "account":
            account = await server.account()
            if position.account != account:  # a new source, or another account that has taken the name
                position = Position(place.of, account)
        path, parameters = _listing(server, position, options)
        timeline = Timeline(
            server, position, path, parameters,
            pages=options["pages"], days=options["days"], overlap=timedelta(minutes=options["overlap_minutes"]),
        )  # fmt: skip
        async for page in timeline.catch_up():
            yield page
        if options["stream"] and timeline.left > 0:
            async for page in follow(server, timeline, options, began + _VISIT):
                yield page

    async def review(
        self, source: Source, posts: Sequence[Stored], access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        """Look posts up again, twenty at a time. Raises CollectError only."""
        server = Server(source, place_of(source), access)
        for first in range(0, len(posts), _BATCH):
            asked = [post.id for post in posts[first : first + _BATCH]]
            found, gone = await server.look_up(asked)
            yield Page(
                body=orjson.dumps({"found": found, "gone": gone}),
                url=f"https://{server.place.host}/api/v1/statuses",
                fetched_at=access.now(),
                content_type="application/json",
                observed=NOTHING_PROVED,
                confirmed=tuple(asked),
                context={"asked": asked, "deprecated": server.deprecated},
            )

    def parse(self, source: Source, page: Page) -> Parsed:
        """The posts of a page. Raises Drifted: 'not_json', 'unknown_shape'."""
        place, options = place_of(source), read_options(source, self.options)
        reader = StatusReader(
            place.host,
            account=place.kind == "account",
            bots=options["bots"],
            replies=not options["exclude_replies"],
        )
        if "asked" in page.context:
            answer = load_object(source, page)
            parsed = reader.looked_up(array(answer.get("found")), array(answer.get("gone")))
        else:
            found = load(source, page)
            if not isinstance(found, list):
                raise unknown_shape(source, f"a list was expected, {type(found).__name__} came")
            parsed = reader.happened(found) if page.context.get("kind") == "events" else reader.listed(found)
        if page.context.get("deprecated"):
            note = "the server says that this way of asking will not be there for ever"
            parsed = replace(parsed, facts=replace(parsed.facts, repairs=(*parsed.facts.repairs, note)))
        return parsed


def _listing(server: Server, position: Position, options: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The path of a place's posts, and the parameters that narrow them."""
    place = server.place
    flags = {"only_media": options["only_media"]}
    if place.kind == "account":
        # a boost is not a post, so there is no use in asking for any
        flags |= {"exclude_reblogs": True, "exclude_replies": options["exclude_replies"]}
        path = f"/api/v1/accounts/{quote(position.account or '', safe='')}/statuses"
    else:
        flags["local"] = place.local or options["local"]
        path = "/api/v1/timelines/public"
        if place.kind == "tag":
            path = f"/api/v1/timelines/tag/{quote(place.name, safe='')}"
    tags = [(f"{mode}[]", tag.removeprefix("#")) for mode in ("any", "all", "none") for tag in options[mode]]
    return path, [*tags, *((name, "true") for name, wanted in flags.items() if wanted)]


COLLECTOR = MastodonCollector()
