"""TikTok's Research API: public videos by words, hashtag or account, for approved non-commercial researchers only.

A search covers whole days in UTC, thirty-one at most, and shows its videos from the newest id backwards. New videos
take up to 48 hours to be found, so the last two days are read again at each visit and vouched for only afterwards.
A search can be gone on with by its id; where TikTok has forgotten it (it sometimes does so at once), the search begins
anew on the day it had come to.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from collectors.base import (
    NOTHING_PROVED,
    Cursor,
    Duties,
    Engagement,
    Item,
    Key,
    Media,
    Page,
    Parsed,
    Refused,
    RetryLater,
    Source,
    Stored,
    Stretch,
)
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import (
    UnreadableItemError,
    array,
    count,
    epoch_moment,
    load_object,
    mapping,
    moment,
    needed,
    needed_moment,
    parsed,
    text,
    unknown_shape,
)
from collectors.tiktok_api.asking import KEY, RECORDS, REQUESTS, SearchLostError, query_videos

if TYPE_CHECKING:
    from collectors.access import Access

FINDABLE_AFTER = timedelta(hours=48)
"""So long TikTok takes to make a new video findable."""
WINDOW = timedelta(days=30)
"""From the first to the last day of one search, at most."""
ASK_AGAIN = timedelta(hours=6)
"""What there is to find changes slowly, and requests are few."""
PAGE_SIZE = 100
LOSSES = 3
"""Searches that may be lost in one visit before it gives up."""

_NAME = re.compile(r"[\w.]{1,50}")
_TAG = re.compile(r"\w{1,100}")
_RIGHT = "write https://www.tiktok.com/search?q=WORDS, https://www.tiktok.com/tag/NAME or https://www.tiktok.com/@NAME"
_PAID = frozenset((1, 7))
"""Of the tags of type 'Branded': paid partnership, and a commission for the creator."""


class TikTok:
    """One search after another, each from its newest video backwards."""

    platform: ClassVar[str] = "tiktok"
    key: ClassVar[Key | None] = KEY
    remembers: ClassVar[timedelta | None] = timedelta(days=365)
    duties: ClassVar[Duties] = Duties(
        keep=timedelta(days=15),
        review=timedelta(days=10),
        asks="TikTok's research terms are reported to ask that data be refreshed every 15 days and that videos which "
        "have vanished be deleted.",
    )
    quotas: ClassVar[tuple[Quota, ...]] = (REQUESTS, RECORDS)
    options: ClassVar[Mapping[str, Option]] = {
        "region": Option("text", "Two letters: only videos of accounts registered in that country; all by default."),
        "days": Option("whole", "How many days the first visit reaches back, 7 by default.", 7, low=3, high=30),
        "pages": Option(
            "whole", f"Pages of {PAGE_SIZE} videos in one visit at most, 100 by default.", 100, low=1, high=250
        ),
    }
    examples: ClassVar[tuple[str, ...]] = (
        "https://www.tiktok.com/@who",
        "https://www.tiktok.com/tag/flu",
        "https://www.tiktok.com/search?q=flu%20shot",
    )

    def check(self, source: Source) -> list[Problem]:
        """Addresses that are neither a search, a hashtag nor an account; a region that is not two letters."""
        problems = check_options(source, self.options)
        if _condition(source.url) is None:
            what = "this is not a search, a hashtag or an account of TikTok"
            problems.append(Problem(("url",), what, _RIGHT))
        region = source.options.get("region")
        if isinstance(region, str) and not re.fullmatch("[A-Za-z]{2}", region.strip()):
            problems.append(
                Problem(("options", "region"), f"{region!r} is not a country", "write two letters, as in US")
            )
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """Pages of the search that was left open, then of one up to today. Each page can be gone on from."""
        options = read_options(source, self.options)
        condition = _condition(source.url)
        if condition is None:
            raise Refused(
                f"{source.id}: this is not a search, a hashtag or an account of TikTok; {_RIGHT}.", code="bad_url"
            )
        conditions = [condition]
        if options["region"]:
            conditions.append(_where("IN", "region_code", [options["region"].upper()]))
        until = moment(cursor.get("until"))
        search = _Search.read(mapping(cursor.get("search")))
        lost = 0
        left = options["pages"]
        while left:
            if search is None:
                search = _Search.since((until or now - timedelta(days=options["days"])).date(), now)
            try:
                page = await query_videos(source, access, {"query": {"and": conditions}, **search.body()})
            except SearchLostError as error:
                lost += 1
                if lost > LOSSES:
                    raise RetryLater(str(error), code="search_lost") from None
                search = search.anew()
                continue
            left -= 1
            data = mapping(load_object(source, page).get("data"))
            search = search.after(data)
            since = until or _midnight(search.start)
            kept = {"until": until.isoformat()} if until else {}
            if data.get("has_more") is True:
                shown = Stretch(search.oldest, search.until) if search.oldest and search.oldest < search.until else None
                yield replace(page, observed=shown or NOTHING_PROVED, resume={**kept, "search": search.to_json()})
                continue
            done = Stretch(since, search.until) if since < search.until else None
            until = max(since, search.until)
            finished = search.last >= now.astimezone(UTC).date()
            yield replace(
                page,
                observed=done or NOTHING_PROVED,
                resume={"until": until.isoformat()},
                poll_after=ASK_AGAIN if finished else None,
            )
            if finished:
                return
            search = None

    async def review(
        self, source: Source, posts: Sequence[Stored], access: Access, now: datetime
    ) -> AsyncIterator[Page]:
        """Stored videos by their ids, up to 100 at a time. What is not found is asked for a second time, alone."""
        for batch in _batches(posts):
            asked = [post.id for post in batch]
            first, last = batch[0].published_at.astimezone(UTC).date(), batch[-1].published_at.astimezone(UTC).date()
            videos: list[Any] = []
            page = None
            for _ in range(2):
                missing = [one for one in asked if one not in _ids(videos)]
                if not missing:
                    break
                search = _Search(first, last, last, _midnight(last))
                more = True
                while more:
                    query = {"and": [_where("IN", "video_id", missing)]}
                    try:
                        page = await query_videos(source, access, {"query": query, **search.body()})
                    except SearchLostError as error:
                        raise RetryLater(str(error), code="search_lost") from None
                    data = mapping(load_object(source, page).get("data"))
                    videos += array(data.get("videos"))
                    search = search.after(data)
                    more = data.get("has_more") is True
            if page is not None:
                yield replace(
                    page,
                    body=orjson.dumps({"data": {"videos": videos}}),
                    confirmed=tuple(asked),
                    context={"asked": asked},
                    observed=NOTHING_PROVED,
                )

    def parse(self, source: Source, page: Page) -> Parsed:
        """The videos of a page; of a review, also those that are gone. Raises Drifted."""
        data = load_object(source, page).get("data")
        videos = data.get("videos") if isinstance(data, dict) else None
        if not isinstance(videos, list):
            raise unknown_shape(source, "no list `data.videos`")
        asked = page.context.get("asked")
        if asked is None:
            account = _account(source.url)
            return parsed(videos, lambda video: _item(video) if _is_of(video, account) else None)
        # TikTok matches loosely, so what was not asked for is left out.
        found = parsed(videos, lambda video: _item(video) if _id(video) in (None, *asked) else None)
        if any(_id(video) is None for video in videos):
            # A video whose id cannot be read may be any of them: none is gone then.
            return found
        present = _ids(videos)
        gone = tuple(Item(id=one, deleted=True) for one in asked if one not in present)
        return replace(found, items=(*found.items, *gone))


@dataclass(frozen=True, slots=True)
class _Search:
    """A search over whole days, and how far it has come."""

    start: date
    end: date
    """Last day that is still asked for."""
    last: date
    """Last day of the whole search."""
    until: datetime
    """What a complete search has shown everything before."""
    cursor: int = 0
    search_id: str = ""
    oldest: datetime | None = None
    """Of the videos that were shown."""

    @classmethod
    def since(cls, start: date, now: datetime) -> _Search:
        """From a day on until today, or as far as one search reaches."""
        end = min(start + WINDOW, now.astimezone(UTC).date())
        return cls(start, end, end, min(now - FINDABLE_AFTER, _midnight(end + timedelta(days=1))))

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> _Search | None:
        """One that was left open; None if there is none, or none that can be read."""
        days = [moment(kept.get(name)) for name in ("start", "end", "last", "until")]
        start, end, last, until = days
        if start is None or end is None or last is None or until is None:
            return None
        place, oldest = count(kept.get("cursor")) or 0, moment(kept.get("oldest"))
        return cls(start.date(), end.date(), last.date(), until, place, text(kept.get("search_id")), oldest)

    def to_json(self) -> dict[str, Any]:
        days = {"start": self.start.isoformat(), "end": self.end.isoformat(), "last": self.last.isoformat()}
        oldest = self.oldest.isoformat() if self.oldest else None
        place = {"cursor": self.cursor, "search_id": self.search_id, "oldest": oldest}
        return {**days, "until": self.until.isoformat(), **place}

    def body(self) -> dict[str, Any]:
        """As the API wants it, without the query."""
        days = {"start_date": f"{self.start:%Y%m%d}", "end_date": f"{self.end:%Y%m%d}"}
        place: dict[str, Any] = {"cursor": self.cursor, "search_id": self.search_id} if self.search_id else {}
        return {**days, "max_count": PAGE_SIZE, "is_random": False, **place}

    def after(self, data: Mapping[str, Any]) -> _Search:
        """Where it goes on after an answer."""
        made = [epoch_moment(mapping(video).get("create_time")) for video in array(data.get("videos"))]
        oldest = min((at for at in (*made, self.oldest) if at is not None), default=None)
        return replace(
            self,
            cursor=count(data.get("cursor")) or self.cursor + PAGE_SIZE,
            search_id=str(data.get("search_id") or self.search_id),
            oldest=oldest,
        )

    def anew(self) -> _Search:
        """From the day it had come to: ids fall with time, so everything later was shown."""
        end = max(self.start, min(self.end, self.oldest.date())) if self.oldest else self.end
        return replace(self, end=end, cursor=0, search_id="")


def _condition(url: str) -> dict[str, Any] | None:
    """What an address of TikTok's site stands for, as the API asks for it; None for any other address."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower()
    steps = [unquote(step) for step in parts.path.split("/") if step]
    if (
        parts.scheme not in ("http", "https")
        or host not in ("tiktok.com", "www.tiktok.com", "m.tiktok.com")
        or not steps
    ):
        return None
    if steps in (["search"], ["search", "video"]):
        words = parse_qs(parts.query).get("q", [""])[0].strip()
        return _where("EQ", "keyword", [words]) if words else None
    if len(steps) == 2 and steps[0] == "tag" and _TAG.fullmatch(steps[1]):
        return _where("EQ", "hashtag_name", [steps[1]])
    if len(steps) == 1 and steps[0].startswith("@") and _NAME.fullmatch(steps[0][1:]):
        return _where("EQ", "username", [steps[0][1:]])
    return None


def _account(url: str) -> str:
    """The account that an address stands for; empty for the others."""
    condition = _condition(url)
    return condition["field_values"][0].casefold() if condition and condition["field_name"] == "username" else ""


def _is_of(video: Mapping[str, Any], account: str) -> bool:
    """False for the videos of similar names: TikTok matches loosely."""
    return not account or text(video.get("username")).casefold() in ("", account)


def _where(operation: str, field: str, values: list[str]) -> dict[str, Any]:
    return {"operation": operation, "field_name": field, "field_values": values}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _batches(posts: Sequence[Stored]) -> Iterator[list[Stored]]:
    """By time, each small enough for one answer and short enough for one search."""
    batch: list[Stored] = []
    for post in sorted(posts, key=lambda one: one.published_at):
        if batch and (len(batch) == PAGE_SIZE or post.published_at - batch[0].published_at >= WINDOW):
            yield batch
            batch = []
        batch.append(post)
    if batch:
        yield batch


def _id(video: Any) -> str | None:
    """As text: the ids are 64-bit numbers. The documents write both `id` and `video_id`."""
    told = mapping(video).get("id", mapping(video).get("video_id"))
    return str(told) if isinstance(told, (int, str)) and not isinstance(told, bool) and str(told) else None


def _ids(videos: Sequence[Any]) -> set[str]:
    return {found for found in map(_id, videos) if found is not None}


def _item(video: Mapping[str, Any]) -> Item:
    number = needed(_id(video), "id")
    description = video.get("video_description")
    if description is not None and not isinstance(description, str):
        raise UnreadableItemError("video_description is not text")
    name = text(video.get("username"))
    url = f"https://www.tiktok.com/@{name}/video/{number}" if name else None
    seconds = count(video.get("video_duration"))
    said = text(video.get("voice_to_text")).strip()
    return Item(
        id=number,
        url=url,
        text="\n\n".join(part for part in ((description or "").strip(), said) if part),
        published_at=needed_moment(epoch_moment(video.get("create_time")), "create_time"),
        author=name or None,
        content_type="video",
        sponsored=_sponsored(video.get("video_tag")),
        media=(Media(url, medium="video", duration=float(seconds)),) if url and seconds else (),
        categories=tuple(tag for tag in array(video.get("hashtag_names")) if isinstance(tag, str) and tag),
        engagement=Engagement(
            views=count(video.get("view_count")),
            likes=count(video.get("like_count")),
            comments=count(video.get("comment_count")),
            shares=count(video.get("share_count")),
        ),
    )


def _sponsored(told: Any) -> bool | None:
    """True for the labels of paid partnership and commission. How an unlabelled video is told is not known: None."""
    tags = [mapping(tag) for tag in (told if isinstance(told, list) else [told])]
    branded = (tag for tag in tags if text(tag.get("type")).casefold().startswith("branded"))
    return True if any(tag.get("number") in _PAID for tag in branded) else None


COLLECTOR = TikTok()
