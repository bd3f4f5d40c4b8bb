"""One query of videos: its token, its place in the daily limits, and its refusals named by what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson

from collectors.base import CollectError, Key, NeedsKey, NotFound, Page, Refused, RetryLater, Source, Throttled
from collectors.quota import Quota, calendar_day
from collectors.reading import array, load_object, mapping, text, unknown_shape

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

API = "https://open.tiktokapis.com/v2"
KEY = Key(
    what="The client key and secret of an approved research project",
    where="https://developers.tiktok.com/products/research-api/",
    shape="CLIENT_KEY:CLIENT_SECRET",
)
REQUESTS = Quota("requests", 1_000, "requests", calendar_day())
RECORDS = Quota("records", 100_000, "records", calendar_day())
FIELDS = (
    "id", "video_description", "create_time", "username", "region_code", "share_count", "view_count", "like_count",
    "comment_count", "hashtag_names", "voice_to_text", "video_duration", "video_tag",
)  # fmt: skip

_QUALIFIES = (
    "TikTok grants it to approved, non-commercial research projects only: of non-profit academic institutions in the "
    "US, the EEA, the UK or Switzerland, and of not-for-profit research bodies in the EU"
)
_EXPLAINED = (400, 401, 403, 404, 429)
_BEFORE_EXPIRY = timedelta(minutes=5)


class SearchLostError(Exception):
    """TikTok does not know the search any more that was to be gone on with."""


async def query_videos(source: Source, access: Access, body: Mapping[str, Any]) -> Page:
    """One page of videos. Its request is booked, and of its records what came.

    Raises SearchLostError where `body` goes on with a search that TikTok has forgotten, otherwise CollectError only.
    """
    fetched = await _post(source, access, body)
    error = _error(fetched)
    if error.get("code") in ("access_token_invalid", "access_token_expired"):
        access.memory.pop("token", None)
        fetched = await _post(source, access, body)
        error = _error(fetched)
    code = text(error.get("code"))
    if fetched.status == 200 and code in ("ok", ""):
        return Page(fetched.body or b"", fetched.url, fetched.fetched_at, fetched.content_type)
    if code == "invalid_params" and body.get("search_id"):
        raise SearchLostError(
            f"{source.id}: TikTok has forgotten the search it was to go on with. It is tried again later."
        )
    raise _refusal(source, access, fetched, code, text(error.get("message"))[:200])


async def _post(source: Source, access: Access, body: Mapping[str, Any]) -> Fetched:
    """One request, booked. What did not come is given back; a broken connection may have used it, so it is not."""
    token = await _token(source, access)
    booked = await access.spend(RECORDS, int(body["max_count"]))
    try:
        await access.spend(REQUESTS)
    except Throttled:
        await access.correct(booked, 0)
        raise
    fields = quote(",".join(FIELDS), safe=",")
    fetched = await access.http.fetch(
        access.url(f"{API}/research/video/query/?fields={fields}"),
        method="POST",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        content=orjson.dumps(body),
        accept="application/json",
        allow_status=_EXPLAINED,
    )
    try:
        told = orjson.loads(fetched.body or b"")
    except orjson.JSONDecodeError:
        told = None
    await access.correct(booked, len(array(mapping(mapping(told).get("data")).get("videos"))))
    return fetched


async def _token(source: Source, access: Access) -> str:
    """An access token, kept in the process until shortly before it expires (two hours). Raises CollectError."""
    client_key, client_secret = access.key_pair(KEY)
    held: tuple[str, datetime] | None = access.memory.get("token")
    if held is not None and held[1] > access.now():
        return held[0]
    form = {"client_key": client_key, "client_secret": client_secret, "grant_type": "client_credentials"}
    fetched = await access.http.fetch(
        access.url(f"{API}/oauth/token/"),
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Cache-Control": "no-cache"},
        content=urlencode(form).encode(),
        accept="application/json",
        allow_status=_EXPLAINED,
    )
    answer = load_object(source, Page(fetched.body or b"", fetched.url, fetched.fetched_at))
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if isinstance(token, str) and token:
        lives = timedelta(seconds=seconds) if isinstance(seconds, int) and seconds > 0 else timedelta(hours=1)
        access.memory["token"] = (token, access.now() + max(lives - _BEFORE_EXPIRY, lives / 2))
        return token
    # The token's errors are a word, those of queries an object.
    told = answer.get("error")
    code = told if isinstance(told, str) else text(mapping(told).get("code"))
    if fetched.status == 429 or code == "rate_limit_exceeded":
        raise _throttled(source, access, fetched)
    if code:
        raise access.refused(KEY, f"TikTok gives no access token for it ({code[:60]})")
    raise unknown_shape(source, "no `access_token`")


def _error(fetched: Fetched) -> Mapping[str, Any]:
    try:
        return mapping(mapping(orjson.loads(fetched.body or b"")).get("error"))
    except orjson.JSONDecodeError:
        return {}


def _refusal(source: Source, access: Access, fetched: Fetched, code: str, message: str) -> CollectError:
    """The error that an answer stands for."""
    if code in ("access_token_invalid", "access_token_expired") or (
        fetched.status == 401 and not code.startswith("scope")
    ):
        return access.refused(KEY, "TikTok does not accept the access token that it gave for it")
    if code in ("scope_not_authorized", "scope_permission_missed") or fetched.status == 403:
        why = f"{source.id}: the project behind {access.variable()} is not approved for the Research API"
        return NeedsKey(f"{why}. {_QUALIFIES}.", code="needs_approval")
    if code == "rate_limit_exceeded" or fetched.status == 429:
        return _throttled(source, access, fetched)
    if code in ("internal_error", "timeout"):
        return RetryLater(
            f"{source.id}: TikTok has a fault of its own ({code}). It is tried again later.", code="http_500"
        )
    if fetched.status == 404:
        return NotFound(f"{source.id}: TikTok's Research API was not found (404). Please report it.", code="http_404")
    if fetched.status == 400 or code.startswith("invalid"):
        why = f"{source.id}: TikTok does not accept this query ({code or 400}: {message})"
        return Refused(f"{why}. Check the address and option `region`.", code="bad_request")
    return unknown_shape(source, f"status {fetched.status}, error {code!r}")


def _throttled(source: Source, access: Access, fetched: Fetched) -> Throttled:
    """TikTok counts by the day in UTC; unless it says when, anything before midnight would be refused again."""
    after = fetched.headers.get("retry-after", "")
    now = access.now()
    until = now + timedelta(seconds=int(after)) if after.isdecimal() and len(after) < 7 else calendar_day()(now)[1]
    return Throttled(
        f"{source.id}: TikTok's limit is used up (429). It is asked again at {until:%Y-%m-%d %H:%M} UTC.",
        code="http_429",
        until=until,
    )
