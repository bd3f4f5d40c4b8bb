"""A stand-in for the YouTube Data API v3: channels, playlistItems, search and videos, with its quotas and traps.

The traps: statistics are texts and missing where hidden; a channel that does not exist is an answer without `items`;
private and deleted videos stay in playlists without a date; search results come nearly newest first, with a stray old
one, and never more than 500; parts that are for owners only refuse the whole request; totals are rough.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson

from collectors.base import Source
from tests.platforms.case import Case, Clock
from tests.platforms.serving import START, Asked, Platform, Told
from tests.platforms.youtube_shapes import CHANNEL, OTHER, OWNER_ONLY, PARAMETERS, PARTS, TIME, Video, text

KEY = "hush-youtube-key"
ROOT = "/youtube/v3/"
UPLOADS = "UU" + CHANNEL[2:]
PLAYLIST = "PLexampleplaylist0001"


class Refusal(Exception):
    """An error answer. `more` goes into the error object beside its code, message and errors."""

    def __init__(self, code: int, reason: str, message: str, **more: Any) -> None:
        super().__init__(reason)
        domain = more.pop("domain", "youtube.parameter")
        errors = [{"message": message, "domain": domain, "reason": reason}]
        self.told = Told.json({"error": {"code": code, "message": message, "errors": errors, **more}}, code)


class YouTube(Platform):
    """`videos`: newest first is made by the lists. What it holds: 130 videos of one channel, one an hour."""

    def __init__(self, clock: Callable[[], datetime] = lambda: START, *, count: int = 130) -> None:
        super().__init__(clock)
        self.searches_left = 100
        self.units_left = 10_000
        self.etags = True
        self.playlist_private = False
        self.strays = False
        """True: searches also give a video from before `publishedAfter`."""
        self.refuse: Told | None = None
        """What every request is answered with, if set."""
        self.subscribers: dict[str, Any] = {"subscriberCount": "12300", "hiddenSubscriberCount": False}
        self.videos: dict[str, Video] = {}
        now = clock()
        for number in range(count, 0, -1):
            self.add(Video(f"vid{number:08d}", now - timedelta(hours=number), f"Example talk {number}"))
        if count >= 20:
            self._dress([*self.videos.values()])
        self._next = count

    def _dress(self, videos: list[Video]) -> None:
        """Some of them are special."""
        videos[-1].statistics = {"viewCount": "0", "likeCount": "0", "commentCount": "0"}
        videos[-2].statistics = {"viewCount": "1200"}
        videos[-3].statistics = {}
        live, pending, ended = videos[-4], videos[-5], videos[-6]
        live.live, live.duration = "live", "P0D"
        live.times = {"scheduledStartTime": text(live.at), "actualStartTime": text(live.at), "concurrentViewers": "57"}
        pending.live, pending.duration = "upcoming", "P0D"
        pending.times = {"scheduledStartTime": text(self.clock() + timedelta(days=2))}
        ended.times = {
            "scheduledStartTime": text(ended.at), "actualStartTime": text(ended.at), "actualEndTime": text(ended.at + timedelta(hours=1)),
        }  # fmt: skip
        videos[-7].paid = videos[-20].paid = True
        videos[-8].place = {"location": {"latitude": 48.2, "longitude": 16.37}}
        videos[-9].languages = {"defaultLanguage": "es", "defaultAudioLanguage": "zxx"}
        videos[-10].title = "Q&A: <sleep> & rest"

    def add(self, video: Video) -> Video:
        self.videos[video.id] = video
        return video

    # What the suite needs

    def ids(self) -> set[str]:
        return {video.id for video in self.videos.values() if video.privacy == "public" and not video.broken}

    def publish(self, count: int) -> None:
        newest = max(video.at for video in self.videos.values())
        step = (self.clock() - newest) / (count + 1)
        for number in range(1, count + 1):
            self._next += 1
            at = (newest + step * number).replace(microsecond=0)
            self.add(Video(f"new{self._next:08d}", at, f"New talk {self._next}"))

    def break_one(self) -> str:
        video = self._newest()[14]
        video.broken = True
        return video.id

    def remove_one(self) -> str:
        video = self._newest()[12]
        del self.videos[video.id]
        return video.id

    def answer_throttled(self, asked: Asked) -> Told:
        return Refusal(403, "rateLimitExceeded", "Too many requests.", domain="usageLimits").told

    # The API

    def answer(self, asked: Asked) -> Told:
        resource = asked.path.removeprefix(ROOT)
        if not asked.path.startswith(ROOT) or resource not in PARAMETERS or asked.method != "GET":
            return Told(404, b"<html>Error 404 (Not Found)!!1</html>", {"content-type": "text/html"})
        if self.refuse is not None:
            return self.refuse
        try:
            self._door(asked, resource)
            return {
                "channels": self._channels, "playlistItems": self._items, "videos": self._lookup, "search": self._search
            }[resource](asked)  # fmt: skip
        except Refusal as refusal:
            return refusal.told

    def _door(self, asked: Asked, resource: str) -> None:
        if not asked.one("key"):
            raise Refusal(
                403, "forbidden", "Unregistered callers are refused.", domain="global", status="PERMISSION_DENIED"
            )
        if asked.one("key") != KEY:
            details = [
                {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            ]  # fmt: skip
            raise Refusal(
                400, "badRequest", "API key not valid.", domain="global", status="INVALID_ARGUMENT", details=details
            )
        left = self.searches_left if resource == "search" else self.units_left
        if left < 1:
            raise Refusal(403, "quotaExceeded", "The quota is exceeded.", domain="youtube.quota")
        # Wrong requests cost as well.
        if resource == "search":
            self.searches_left -= 1
        else:
            self.units_left -= 1
        unknown = sorted(set(asked.query) - PARAMETERS[resource])
        if unknown:
            raise Refusal(
                400, "badRequest", f"Unknown name {unknown[0]!r}.", domain="global", status="INVALID_ARGUMENT"
            )
        parts = set(filter(None, asked.one("part").split(",")))
        if not parts:
            raise Refusal(400, "missingRequiredParameter", "No part.")
        if parts & OWNER_ONLY:
            raise Refusal(403, "forbidden", "Parts for the owner were asked for.", domain="youtube.common")
        if parts - PARTS[resource]:
            raise Refusal(400, "unknownPart", "A part is unknown.")
        size = asked.one("maxResults", "5")
        if not size.isdigit() or int(size) > 50:
            raise Refusal(400, "invalidValue", "maxResults is out of bounds.", status="INVALID_ARGUMENT")

    def _channels(self, asked: Asked) -> Told:
        known = {CHANNEL: ("@examplehospital", "examplehospital"), OTHER: ("@exampleclinic", "exampleclinic")}
        ids = asked.one("id").split(",") if asked.one("id") else []
        if len(ids) + bool(asked.one("forHandle")) + bool(asked.one("forUsername")) > max(1, len(ids)):
            raise Refusal(400, "incompatibleParameters", "One filter only.")
        if not (ids or asked.one("forHandle") or asked.one("forUsername")):
            raise Refusal(400, "missingRequiredParameter", "No filter.")
        found = [
            self._channel(name)
            for name, (handle, user) in known.items()
            if name in ids or "@" + asked.one("forHandle").lstrip("@") == handle or asked.one("forUsername") == user
        ]
        answer = {"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": len(found), "resultsPerPage": 5}}
        return self._tagged(asked, answer | ({"items": found} if found else {}))

    def _channel(self, name: str) -> dict[str, Any]:
        return {
            "kind": "youtube#channel",
            "etag": "c1",
            "id": name,
            "snippet": {
                "title": "Example Hospital",
                "description": "Talks by the nurses of a hospital that does not exist.",
                "customUrl": "@examplehospital",
                "publishedAt": "2012-01-01T00:00:00Z",
                "country": "US",
            },
            "contentDetails": {"relatedPlaylists": {"likes": "", "uploads": "UU" + name[2:]}},
            "statistics": {"viewCount": "99", "videoCount": str(len(self.videos)), **self.subscribers},
        }

    def _items(self, asked: Asked) -> Told:
        playlist = asked.one("playlistId")
        if playlist not in (UPLOADS, PLAYLIST):
            raise Refusal(404, "playlistNotFound", "No such playlist.", domain="youtube.playlistItem")
        if self.playlist_private:
            raise Refusal(403, "playlistItemsNotAccessible", "Not public.", domain="youtube.playlistItem")
        videos = self._newest()
        if playlist == PLAYLIST:
            videos = sorted(self.videos.values(), key=lambda video: video.added or video.at)
        return self._listed(
            asked, "youtube#playlistItemListResponse", videos, lambda video: self._item(playlist, video)
        )

    def _item(self, playlist: str, video: Video) -> dict[str, Any]:
        name = base64.b64encode(f"{playlist}.{video.id}".encode()).decode()
        where = {"kind": "youtube#video", "videoId": video.id}
        item: dict[str, Any] = {"kind": "youtube#playlistItem", "etag": f"i{video.id}", "id": name}
        snippet = {
            "publishedAt": text(video.added or video.at),
            "playlistId": playlist,
            "position": 0,
            "resourceId": where,
        }
        if video.privacy == "private":
            snippet |= {"title": "Private video", "description": "This video is private.", "channelId": CHANNEL}
            return item | {
                "snippet": snippet,
                "contentDetails": {"videoId": video.id},
                "status": {"privacyStatus": "private"},
            }
        snippet |= {"title": video.title, "description": video.description, "channelId": CHANNEL}
        snippet |= {"videoOwnerChannelId": video.channel, "videoOwnerChannelTitle": "Example Hospital"}
        details = {"videoId": video.id, "videoPublishedAt": text(video.at)}
        return item | {"snippet": snippet, "contentDetails": details, "status": {"privacyStatus": video.privacy}}

    def _search(self, asked: Asked) -> Told:
        for name in ("publishedAfter", "publishedBefore"):
            if asked.one(name) and not TIME.fullmatch(asked.one(name)):
                raise Refusal(
                    400, "badRequest", f"Invalid value at {name!r}.", domain="global", status="INVALID_ARGUMENT"
                )
        if asked.one("videoPaidProductPlacement", "any") not in ("any", "true") or (
            asked.one("videoPaidProductPlacement") and asked.one("type") != "video"
        ):
            raise Refusal(400, "invalidSearchFilter", "A filter of videos needs type=video.", domain="youtube.search")
        after = asked.one("publishedAfter", "1970-01-01T00:00:00Z")
        before = asked.one("publishedBefore", "9999-01-01T00:00:00Z")
        found = [
            video
            for video in self._newest()
            if video.indexed
            and video.privacy == "public"
            and after <= text(video.at) < before
            and (video.paid or asked.one("videoPaidProductPlacement") != "true")
        ]
        # Nearly newest first.
        for index in range(0, len(found) - 2, 7):
            found[index], found[index + 2] = found[index + 2], found[index]
        if self.strays:
            found.append(self.add(Video("stray000001", self.clock() - timedelta(days=400), "An old stray")))
        return self._listed(asked, "youtube#searchListResponse", found[:500], self._result, regionCode="US")

    def _result(self, video: Video) -> dict[str, Any]:
        return {
            "kind": "youtube#searchResult",
            "etag": f"s{video.id}",
            "id": {"kind": "youtube#video", "videoId": video.id},
            "snippet": {
                "publishedAt": text(video.at),
                "channelId": video.channel,
                "title": video.title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
                "description": video.description[:100],
                "channelTitle": "Example Hospital",
                "liveBroadcastContent": video.live,
                "thumbnails": {"default": {"url": "https://i.ytimg.com/vi/x/default.jpg", "width": 120, "height": 90}},
            },
        }

    def _lookup(self, asked: Asked) -> Told:
        ids = [name for name in asked.one("id").split(",") if name]
        if not ids:
            raise Refusal(400, "missingRequiredParameter", "No filter.")
        if len(ids) > 50:
            raise Refusal(400, "invalidFilters", "Too many ids.")
        found = [self.videos[name] for name in ids if name in self.videos and self.videos[name].privacy != "private"]
        answer = {"kind": "youtube#videoListResponse", "items": [self._video(video) for video in found]}
        size = len(found)
        return self._tagged(asked, answer | {"pageInfo": {"totalResults": size, "resultsPerPage": size}}, page=True)

    def _video(self, video: Video) -> dict[str, Any]:
        if video.broken:
            return {"kind": "youtube#video", "id": video.id, "snippet": {"publishedAt": 20260706, "title": ["?"]}}
        snippet = {
            "publishedAt": text(video.at),
            "channelId": video.channel,
            "title": video.title,
            "description": video.description,
            "channelTitle": "Example Hospital",
            "tags": video.tags,
            "categoryId": "27",
            "liveBroadcastContent": video.live,
            **video.languages,
        }
        found = {
            "kind": "youtube#video",
            "etag": f"v{video.id}",
            "id": video.id,
            "snippet": snippet,
            "contentDetails": {"duration": video.duration, "dimension": "2d", "definition": "hd", "caption": "false"},
            "status": {
                "uploadStatus": "processed",
                "privacyStatus": video.privacy,
                "license": "youtube",
                "embeddable": True,
            },
            "statistics": video.statistics,
            "recordingDetails": video.place,
        }
        return found | ({"liveStreamingDetails": video.times} if video.times else {})

    def _listed(
        self, asked: Asked, kind: str, videos: list[Video], show: Callable[[Video], dict[str, Any]], **more: Any
    ) -> Told:
        start, size = _offset(asked), int(asked.one("maxResults", "5"))
        answer: dict[str, Any] = {"kind": kind, **more}
        if start + size < len(videos):
            answer["nextPageToken"] = _token(start + size)
        answer["pageInfo"] = {"totalResults": len(videos), "resultsPerPage": size}
        return self._tagged(asked, answer | {"items": [show(video) for video in videos[start : start + size]]})

    def _tagged(self, asked: Asked, answer: dict[str, Any], *, page: bool = False) -> Told:
        etag = hashlib.sha256(orjson.dumps(answer)).hexdigest()[:20]
        if not self.etags:
            return Told.json(answer, page=page)
        if asked.headers.get("if-none-match") == f'"{etag}"':
            return Told(304, page=page)
        return Told.json({"etag": etag, **answer}, page=page, ETag=f'"{etag}"')

    def _newest(self) -> list[Video]:
        return sorted(self.videos.values(), key=lambda video: video.at, reverse=True)


def _token(offset: int) -> str:
    return base64.b64encode(f"at:{offset}".encode()).decode()


def _offset(asked: Asked) -> int:
    token = asked.one("pageToken")
    if not token:
        return 0
    try:
        return int(base64.b64decode(token, validate=True).decode().removeprefix("at:"))
    except ValueError:
        raise Refusal(400, "invalidPageToken", "The page token is not valid.", domain="youtube.core") from None


def source(url: str, **options: Any) -> Source:
    return Source(id="it", collector="youtube", platform="youtube", url=url, options=options)


BY_CHANNEL = source("https://www.youtube.com/@examplehospital")
BY_PLAYLIST = source(f"https://www.youtube.com/playlist?list={PLAYLIST}")
BY_SEARCH = source("https://www.youtube.com/results?search_query=telehealth", region="US", language="en")
BY_PAID_SEARCH = source("https://www.youtube.com/results?search_query=telehealth", paid=True)


def _case(name: str, of: Source, pages: int = 3) -> Case:
    def platform(clock: Clock) -> Platform:
        return YouTube(clock)

    return Case(name, of, platform, key=KEY, wrong_key="hush-but-wrong-key", pages=pages, deletes=True, engagement=True)


CASES: list[Case] = [
    _case("youtube channel", BY_CHANNEL),
    _case("youtube playlist", BY_PLAYLIST),
    _case("youtube search", BY_SEARCH),
    _case("youtube search with paid promotion", BY_PAID_SEARCH, pages=4),
]
