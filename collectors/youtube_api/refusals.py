"""What YouTube's error answers mean, as errors that say what to do. Pure but for the clock it is given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from collectors.base import CollectError, Drifted, Key, NeedsKey, NotFound, Refused, Source, Throttled
from collectors.quota import calendar_day
from collectors.reading import array, mapping, text

if TYPE_CHECKING:
    from collectors.access import Access

DAY = calendar_day("America/Los_Angeles")
"""Quotas begin anew at midnight in California."""
KEY = Key(
    what="An API key of a Google Cloud project in which the YouTube Data API v3 is enabled",
    where="https://console.cloud.google.com/apis/credentials",
)
EXPLAINED = (400, 401, 403, 404, 429)
"""Statuses whose body says why."""
PAUSE = timedelta(minutes=5)
"""After 'too fast', where no time is told."""

_USED_UP = {"quotaexceeded", "dailylimitexceeded"}
_TOO_FAST = {"ratelimitexceeded", "userratelimitexceeded", "rate_limit_exceeded", "resource_exhausted"}
_NOT_ENABLED = {"accessnotconfigured", "service_disabled"}
_RESTRICTED = {
    "api_key_service_blocked": "it is restricted to other APIs than the YouTube Data API v3",
    "api_key_ip_address_blocked": "it is restricted to other IP addresses than that of this machine",
    "iprefererblocked": "it is restricted to other addresses than that of this machine",
    "api_key_http_referrer_blocked": "it is restricted to web sites; this service needs a key without that restriction",
}
_BAD_KEY = {
    "keyinvalid": "YouTube does not know it",
    "api_key_invalid": "YouTube does not know it",
    "keyexpired": "it has expired",
    "api_key_expired": "it has expired",
    "dailylimitexceededunreg": "YouTube saw no valid key",
} | _RESTRICTED
_CLOSED = {"channelclosed", "channelsuspended", "channelnotfound", "playlistnotfound", "videonotfound", "notfound"}
_PRIVATE = {"playlistitemsnotaccessible", "channelforbidden", "playlistforbidden", "watchhistorynotaccessible"}


class DeadTokenError(Exception):
    """A page token is not accepted any more: the list must be begun anew."""


def name_refusal(
    source: Source, access: Access, status: int, body: bytes, until: datetime | None, now: datetime
) -> CollectError:
    """The CollectError for an error answer. `until`: what Retry-After says.

    Raises DeadTokenError for a page token that has died. Messages hold none of the answer's own words: those may
    repeat what was sent.
    """
    said, message = _reasons(body)
    if said & {"invalidpagetoken"}:
        raise DeadTokenError
    if said & _USED_UP or (said & _TOO_FAST and "per day" in message):
        _, midnight = DAY(now)
        return Throttled(
            f"{source.id}: YouTube says that the quota of this key is used up; it begins anew at "
            f"{midnight:%Y-%m-%d %H:%M} UTC (midnight in California). Other programs may use the same key.",
            code="quota_used",
            until=midnight,
        )
    if said & _TOO_FAST or status == 429:
        until = until or now + PAUSE
        return Throttled(
            f"{source.id}: YouTube asks for fewer requests; it is asked again at {until:%Y-%m-%d %H:%M} UTC.",
            code="http_429",
            until=until,
        )
    why = next((_BAD_KEY[one] for one in sorted(said) if one in _BAD_KEY), None)
    if why is not None or status == 401:
        return access.refused(KEY, why or "YouTube does not accept it")
    if said & _CLOSED or status == 404:
        return NotFound(
            f"{source.id}: YouTube does not know this channel or playlist (any more). Check the address {source.url}.",
            code="http_404",
        )
    if said & _PRIVATE:
        return Refused(
            f"{source.id}: {source.url} is not public on YouTube, so it cannot be collected. Remove this source.",
            code="http_403",
        )
    if status == 403:
        return _not_granted(access, enabled=not said & _NOT_ENABLED)
    return Drifted(
        f"{source.id}: YouTube does not accept the request ({_named(said) or status}). Check the address and the "
        "options of this source, and report it if they are right.",
        code=f"http_{status}",
    )


def _not_granted(access: Access, *, enabled: bool) -> NeedsKey:
    what = (
        "YouTube forbids this request to the project of the key"
        if enabled
        else "the YouTube Data API v3 is not enabled in the project of the key, or has been for a few minutes only"
    )
    return NeedsKey(
        f"{access.variable()}: {what}. Enable it at "
        "https://console.cloud.google.com/apis/library/youtube.googleapis.com and check the key's restrictions at "
        f"{KEY.where}.",
        code="needs_approval",
    )


def _reasons(body: bytes) -> tuple[set[str], str]:
    """Every reason an error answer names, in lower case, and its message."""
    try:
        error = mapping(mapping(orjson.loads(body)).get("error"))
    except orjson.JSONDecodeError:
        return set(), ""
    entries = [one for one in (*array(error.get("errors")), *array(error.get("details"))) if isinstance(one, Mapping)]
    said = {text(one.get("reason")).lower() for one in entries} | {text(error.get("status")).lower()}
    return said - {""}, text(error.get("message")).lower()


def _named(said: set[str]) -> str:
    return ", ".join(sorted(one for one in said if one.isascii() and one.isidentifier() and len(one) <= 40))
