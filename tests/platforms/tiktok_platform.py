"""A stand-in for TikTok's Research API: the access token and the query of videos."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import orjson

from collectors.base import Source
from tests.platforms.case import Case
from tests.platforms.serving import START, Asked, Platform, Told

CLIENT_KEY, CLIENT_SECRET = "hushclientkey", "hush-client-secret"
KEY = f"{CLIENT_KEY}:{CLIENT_SECRET}"
WRONG_KEY = f"{CLIENT_KEY}:hush-other-secret"
FIELDS = frozenset(
    "id,video_description,create_time,region_code,share_count,view_count,like_count,comment_count,music_id,"
    "hashtag_names,username,effect_ids,playlist_id,voice_to_text,is_stem_verified,favorites_count,video_duration,"
    "hashtag_info_list,sticker_info_list,effect_info_list,video_mention_list,video_label,video_tag".split(",")
)
_NAMES = frozenset(
    "create_date,username,region_code,video_id,hashtag_name,keyword,music_id,effect_id,video_length,view_count,"
    "comment_count".split(",")
)
_OPERATIONS = frozenset(("EQ", "IN", "GT", "GTE", "LT", "LTE"))
_BODY = frozenset(("query", "start_date", "end_date", "max_count", "cursor", "search_id", "is_random"))


@dataclass
class Video:
    number: int
    created: datetime
    facts: dict[str, Any]
    private: bool = False
    """Still counted by the search, and no longer shown."""

    def to_json(self) -> dict[str, Any]:
        return {"id": self.number, "create_time": int(self.created.timestamp())} | self.facts


@dataclass
class _Search:
    query: Any
    start: str
    end: str
    videos: list[Video] = field(default_factory=list)


class TikTokPlatform(Platform):
    """Videos by falling id, with a daily limit.

    Attributes:
        approved: the project may use the Research API.
        requests_a_day, records_a_day: its limits.
        token_lives: seconds.
        forgets: every search is forgotten as soon as it has answered, as happens at TikTok.
        used: requests and records of each day.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: START, videos: int = 0) -> None:
        super().__init__(clock)
        self.videos: list[Video] = []
        self.approved = True
        self.requests_a_day, self.records_a_day = 1_000, 100_000
        self.token_lives = 7_200
        self.forgets = False
        self.used: dict[date, list[int]] = {}
        self.tokens: dict[str, datetime] = {}
        self._searches: dict[str, _Search] = {}
        self._broken: set[int] = set()
        for number in range(videos, 0, -1):
            self.add(clock() - timedelta(minutes=20 * number))

    def add(self, at: datetime, **facts: Any) -> Video:
        index = len(self.videos)
        told = {
            "video_description": f"GLP-1 week {index} #glp1 (invented)",
            "username": f"example_creator{index % 3}",
            "region_code": "US" if index % 2 == 0 else "DE",
            "view_count": 5200 + index,
            "like_count": index % 4,
            "comment_count": 22,
            "share_count": 0,
            "hashtag_names": ["glp1"],
            "video_duration": 34,
            "voice_to_text": "" if index % 2 else "Hello, this is week after week.",
        } | facts
        if index % 5 == 4:
            del told["share_count"], told["comment_count"]
        # Ids grow with time, the seconds in their upper half.
        video = Video((int(at.timestamp()) << 32) + index, at.replace(microsecond=0), told)
        self.videos.append(video)
        return video

    def answer(self, asked: Asked) -> Told:
        if asked.method != "POST":
            return _error(405, "invalid_params", "Method not allowed")
        if asked.path == "/v2/oauth/token/":
            return self._token(asked)
        if asked.path == "/v2/research/video/query/":
            return self._query(asked)
        return _error(404, "invalid_params", "Unsupported path(Janus)")

    def _token(self, asked: Asked) -> Told:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if asked.headers.get("content-type") != "application/x-www-form-urlencoded":
            return _token_error("invalid_request", "Only `application/x-www-form-urlencoded` is accepted.")
        if form.get("grant_type") != "client_credentials":
            return _token_error("unsupported_grant_type", "The grant type is not supported.")
        if (form.get("client_key"), form.get("client_secret")) != (CLIENT_KEY, CLIENT_SECRET):
            return _token_error("invalid_client", f"Client key or secret is incorrect: {form.get('client_key')}")
        token = f"clt.hush{len(self.tokens)}"
        self.tokens[token] = self.clock() + timedelta(seconds=self.token_lives)
        return Told.json({"access_token": token, "expires_in": self.token_lives, "token_type": "Bearer"})

    def _query(self, asked: Asked) -> Told:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, datetime.min.replace(tzinfo=UTC)) <= self.clock():
            return _error(401, "access_token_invalid", "The access token is invalid or not found in the request.")
        if not self.approved:
            return _error(401, "scope_not_authorized", "The user did not authorize the scope required.")
        used = self.used.setdefault(self.clock().astimezone(UTC).date(), [0, 0])
        if used[0] >= self.requests_a_day or used[1] >= self.records_a_day:
            return self.answer_throttled(asked)
        used[0] += 1
        if asked.headers.get("content-type") != "application/json":
            return _error(400, "invalid_params", "Content-Type must be application/json")
        fields = asked.one("fields").split(",")
        if not set(fields) <= FIELDS or set(asked.query) != {"fields"}:
            return _error(400, "invalid_params", "Fields are invalid")
        try:
            body = orjson.loads(asked.body)
        except orjson.JSONDecodeError:
            return _error(400, "invalid_params", "The request body is not JSON")
        wrong = _wrong_body(body)
        if wrong:
            return _error(400, "invalid_params", wrong)
        return self._page(body, fields, used)

    def _page(self, body: dict[str, Any], fields: list[str], used: list[int]) -> Told:
        cursor, size, name = body.get("cursor", 0), body.get("max_count", 20), body.get("search_id", "")
        if name:
            search = self._searches.get(name)
            if search is None or self.forgets or search.query != body["query"]:
                return _error(400, "invalid_params", f"Search Id {name} is invalid or expired")
        else:
            if cursor:
                return _error(400, "invalid_params", "Invalid count or cursor")
            search = _Search(body["query"], body["start_date"], body["end_date"])
            search.videos = [video for video in self._newest_first() if _matches(video, search)]
            name = str(7_200_000_000_000_000_000 + len(self._searches))
            self._searches[name] = search
        taken = search.videos[cursor : cursor + size]
        shown = [video for video in taken if video in self.videos and not video.private]
        used[1] += len(shown)
        more = cursor + size < len(search.videos)
        told = [{name: value for name, value in self._shown(video).items() if name in fields} for video in shown]
        data = {"videos": told, "cursor": cursor + size, "has_more": more, "search_id": name}
        return Told.json({"data": data, "error": {"code": "ok", "message": "", "log_id": "20260706"}}, page=True)

    def _newest_first(self) -> list[Video]:
        return sorted(self.videos, key=lambda video: video.number, reverse=True)

    def _shown(self, video: Video) -> dict[str, Any]:
        broken = {"create_time": "soon", "video_description": {"text": "in pieces"}}
        return video.to_json() | (broken if video.number in self._broken else {})

    def answer_throttled(self, asked: Asked) -> Told:
        return _error(429, "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later.")

    def ids(self) -> set[str]:
        return {str(video.number) for video in self.videos if video.number not in self._broken and not video.private}

    def publish(self, count: int) -> None:
        newest = max((video.created for video in self.videos), default=self.clock() - timedelta(hours=1))
        step = (self.clock() - newest) / (count + 1)
        for number in range(count):
            self.add(newest + step * (number + 1))

    def break_one(self) -> str:
        video = self.videos[len(self.videos) // 2]
        self._broken.add(video.number)
        return str(video.number)

    def remove_one(self) -> str:
        return str(self.videos.pop().number)


def _wrong_body(body: Any) -> str:
    """What TikTok would complain about, or empty."""
    if not isinstance(body, dict) or set(body) - _BODY:
        return "Request body has unknown fields"
    groups = body.get("query")
    if not isinstance(groups, dict) or not groups or set(groups) - {"and", "or", "not"} or not all(groups.values()):
        return "The query needs a non-empty and, or or not list"
    for condition in (one for group in groups.values() for one in group):
        values = condition.get("field_values")
        right = condition.get("operation") in _OPERATIONS and condition.get("field_name") in _NAMES
        if not right or not values or not all(isinstance(value, str) for value in values):
            return "Invalid condition"
        if condition["operation"] == "EQ" and len(values) != 1:
            return "EQ takes one value"
    try:
        start, end = (
            datetime.strptime(body[name], "%Y%m%d").replace(tzinfo=UTC) for name in ("start_date", "end_date")
        )
    except (KeyError, TypeError, ValueError):
        return "start_date and end_date are needed as YYYYMMDD"
    if not timedelta() <= end - start <= timedelta(days=30):
        return "The end date must be no more than 30 days after the start date"
    count, cursor = body.get("max_count", 20), body.get("cursor", 0)
    if not (isinstance(count, int) and 1 <= count <= 100 and isinstance(cursor, int) and cursor >= 0):
        return "Invalid count or cursor"
    return "" if isinstance(body.get("search_id", ""), str) else "Invalid search id"


def _matches(video: Video, search: _Search) -> bool:
    if not search.start <= f"{video.created.astimezone(UTC):%Y%m%d}" <= search.end:
        return False
    (name, conditions) = next(iter(search.query.items()))
    met = [_meets(video, one) for one in conditions]
    return all(met) if name == "and" else any(met) if name == "or" else not any(met)


def _meets(video: Video, condition: dict[str, Any]) -> bool:
    values, facts = condition["field_values"], video.facts
    told = {
        "username": [facts["username"]],
        "region_code": [facts["region_code"]],
        "video_id": [str(video.number)],
        "hashtag_name": facts["hashtag_names"],
    }
    if condition["field_name"] == "keyword":
        return any(value.casefold() in str(facts["video_description"]).casefold() for value in values)
    return bool(set(told[condition["field_name"]]) & set(values))


def _error(status: int, code: str, message: str) -> Told:
    return Told.json({"data": {}, "error": {"code": code, "message": message, "log_id": "20260706"}}, status)


def _token_error(code: str, message: str) -> Told:
    return Told.json({"error": code, "error_description": message, "log_id": "20260706"}, 401)


def source(url: str = "https://www.tiktok.com/tag/glp1", **options: Any) -> Source:
    return Source(id="it", collector="tiktok", platform="tiktok", url=url, options=options)


CASES: list[Case] = [
    Case("tiktok tag", source(), lambda clock: TikTokPlatform(clock, 260), KEY, WRONG_KEY, deletes=True),
    Case(
        "tiktok search",
        source("https://www.tiktok.com/search?q=glp-1"),
        lambda clock: TikTokPlatform(clock, 260),
        KEY,
        WRONG_KEY,
        deletes=True,
    ),
]
