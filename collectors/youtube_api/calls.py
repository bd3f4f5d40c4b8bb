"""The calls of the YouTube Data API v3 that are used, each booked before it is sent.

The key goes into the query, because that is where YouTube wants it; no address that leaves this module holds it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from collectors.base import NotFound, Page, Source, Throttled
from collectors.quota import Quota
from collectors.reading import array, count, load_object, mapping, text, unknown_shape
from collectors.youtube_api.addresses import Target
from collectors.youtube_api.refusals import DAY, EXPLAINED, KEY, name_refusal
from collectors.youtube_api.videos import live_state

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.net.validators import Validators

OFFICIAL = "https://youtube.googleapis.com/youtube/v3"
BATCH = 50
"""The most entries of a page, and ids of a look-up."""
SEARCHES = Quota("search", 100, "searches a day", DAY)
UNITS = Quota("units", 10_000, "units a day", DAY)
# paidProductPlacementDetails is for the owner of a video only: who asks for it without being one is refused as a whole.
_VIDEO_PARTS = "snippet,contentDetails,statistics,liveStreamingDetails,status,recordingDetails"
_KINDS = {"channels": "channel", "playlistItems": "playlistItem", "search": "search", "videos": "video"}
_AUTHORS_FRESH = timedelta(days=1)
_AUTHORS_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call brought."""

    page: Page
    """Its body and address; the body is None if nothing changed since `validators`."""
    value: Mapping[str, Any]
    """The body as JSON; empty if nothing changed."""
    validators: Validators


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look-up of videos brought."""

    page: Page
    live: tuple[str, ...]
    """Those that are announced or on air, so that they are worth another look soon."""


class Calls:
    """All calls of one visit. Raises NeedsKey at once if there is no key, and CollectError only.

    Args:
        searches_a_day: what this one source may use of all searches.
    """

    def __init__(self, source: Source, access: Access, *, searches_a_day: int = 20) -> None:
        self.source = source
        self.access = access
        self._key = access.key(KEY)
        self._own = Quota(f"search:{source.id}", searches_a_day, f"searches a day for {source.id}", DAY)

    def pause(self, searches: int) -> timedelta:
        """How long to wait between visits of so many searches, so that the source's share lasts for the day."""
        return timedelta(days=1) * searches / self._own.limit

    async def channel(self, target: Target) -> dict[str, str]:
        """`id` and `uploads` (the playlist of all its videos) of a channel. Raises NotFound."""
        names = {"channel": "id", "handle": "forHandle", "user": "forUsername"}
        value = f"@{target.value}" if target.kind == "handle" else target.value
        answer = await self._units(
            "channels", {"part": "snippet,contentDetails,statistics", names[target.kind]: value, "maxResults": "1"}
        )
        # Where there is none, YouTube leaves the list out altogether.
        found = mapping(next(iter(array(answer.value.get("items"))), None))
        playlists = mapping(mapping(found.get("contentDetails")).get("relatedPlaylists"))
        name, uploads = text(found.get("id")), text(playlists.get("uploads"))
        if not (name and uploads):
            raise NotFound(
                f"{self.source.id}: YouTube knows no channel {value!r}, or it has no videos. Check the address.",
                code="http_404",
            )
        self._remember([found])
        return {"id": name, "uploads": uploads}

    async def playlist(
        self, playlist: str, *, token: str | None = None, validators: Validators | None = None
    ) -> Answer:
        """A page of a playlist. Raises DeadTokenError."""
        params = {"part": "snippet,contentDetails,status", "playlistId": playlist, "maxResults": str(BATCH)}
        return await self._units("playlistItems", params | _paging(token), validators=validators)

    async def search(self, params: Mapping[str, str], *, token: str | None = None) -> Answer:
        """A page of a search. Raises DeadTokenError, and Throttled if the source's own share or all is used up."""
        booked = await self.access.spend(self._own)
        try:
            await self.access.spend(SEARCHES)
        except Throttled:
            await self.access.correct(booked, 0)
            raise
        fixed = {"part": "snippet", "type": "video", "order": "date", "safeSearch": "none", "maxResults": str(BATCH)}
        return await self._get("search", {**fixed, **params, **_paging(token)})

    async def look_up(self, ids: Sequence[str], *, review: bool = False, sponsored: bool = False) -> Looked:
        """Up to 50 videos with what is known of their channels.

        Args:
            review: these are stored, so that the absence of one tells that it is gone.
            sponsored: they came from a search for paid promotion only.
        """
        answer = await self._units("videos", {"part": _VIDEO_PARTS, "id": ",".join(ids)})
        videos = [one for one in array(answer.value.get("items")) if isinstance(one, Mapping)]
        context: dict[str, Any] = {"authors": await self._authors(videos)}
        if review:
            context["asked"] = list(ids)
        if sponsored:
            context["sponsored"] = True
        page = answer.page
        page = Page(
            body=page.body,
            url=page.url,
            fetched_at=page.fetched_at,
            content_type=page.content_type,
            confirmed=tuple(ids) if review else (),
            context=context,
        )
        live = [text(one.get("id")) for one in videos if live_state(one) in ("pending", "live")]
        return Looked(page, tuple(filter(None, live)))

    async def _authors(self, videos: Collection[Mapping[str, Any]]) -> dict[str, Any]:
        """Channel id → `followers` and `bio`. Kept in memory for a day, since neither may be written down."""
        wanted = dict.fromkeys(text(mapping(one.get("snippet")).get("channelId")) for one in videos)
        wanted.pop("", None)
        known, now = self._known(), self.access.now()
        missing = [one for one in wanted if one not in known or now - known[one]["at"] > _AUTHORS_FRESH]
        if missing:
            params = {"part": "snippet,statistics", "id": ",".join(missing), "maxResults": str(BATCH)}
            answer = await self._units("channels", params)
            self._remember(array(answer.value.get("items")))
        return {one: {"followers": known[one]["followers"], "bio": known[one]["bio"]} for one in wanted if one in known}

    def _known(self) -> dict[str, Any]:
        known: dict[str, Any] = self.access.memory.setdefault("channels", {})
        return known

    def _remember(self, channels: Sequence[Any]) -> None:
        known = self._known()
        if len(known) > _AUTHORS_KEPT:
            known.clear()
        for channel in map(mapping, channels):
            counts = mapping(channel.get("statistics"))
            hidden = counts.get("hiddenSubscriberCount") is True
            known[text(channel.get("id"))] = {
                "at": self.access.now(),
                "followers": None if hidden else count(counts.get("subscriberCount")),
                "bio": text(mapping(channel.get("snippet")).get("description")),
            }

    async def _units(self, resource: str, params: Mapping[str, str], *, validators: Validators | None = None) -> Answer:
        await self.access.spend(UNITS)
        return await self._get(resource, params, validators=validators)

    async def _get(self, resource: str, params: Mapping[str, str], *, validators: Validators | None = None) -> Answer:
        from collectors.net.failures import read_retry_after

        shown = self.access.url(f"{OFFICIAL}/{resource}?{urlencode(params)}")
        fetched = await self.access.http.fetch(
            f"{shown}&{urlencode({'key': self._key})}",
            validators=validators,
            accept="application/json",
            allow_status=EXPLAINED,
        )
        if fetched.status in EXPLAINED:
            now = self.access.now()
            until = read_retry_after(fetched.headers, now)
            raise name_refusal(self.source, self.access, fetched.status, fetched.body or b"", until, now)
        page = Page(fetched.body, shown, fetched.fetched_at, fetched.content_type)
        value = {} if fetched.body is None else self._checked(resource, load_object(self.source, page))
        return Answer(page, value, fetched.validators)

    def _checked(self, resource: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """An answer of the kind that was asked for: anything else must not pass for an empty list."""
        kind = f"youtube#{_KINDS[resource]}ListResponse"
        # Only channels.list leaves the list out where it is empty.
        if value.get("kind") != kind or not (resource == "channels" or isinstance(value.get("items"), list)):
            raise unknown_shape(self.source, f"{kind} was expected, {str(value.get('kind'))[:60]!r} came")
        return value


def _paging(token: str | None) -> dict[str, str]:
    return {"pageToken": token} if token else {}


def next_token(answer: Answer) -> str | None:
    """The token of the page after this one; None if it is the last."""
    return text(answer.value.get("nextPageToken")) or None


def moment_text(at: datetime) -> str:
    """RFC 3339 to the second, with Z: the only shape that search.list takes."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
