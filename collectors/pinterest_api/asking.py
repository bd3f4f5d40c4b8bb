"""One request to Pinterest's API, booked, and its refusals named by what to do."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import orjson

from collectors.base import Key, NeedsKey, Throttled
from collectors.quota import Quota, Rolling
from collectors.reading import epoch_moment, mapping

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

API = "https://api.pinterest.com/v5"
KEY = Key(
    what="An access token of a Pinterest app (scopes boards:read, pins:read and user_accounts:read)",
    where="https://developers.pinterest.com/apps/",
    shape="ACCESS_TOKEN",
)
REQUESTS = Quota("requests", 1000, "requests", Rolling(timedelta(days=1)))
"""What an app with trial access may ask a day; one with standard access may ask much more. When Pinterest's day begins
is not told, so the last 24 hours are counted."""

_DIGITS = re.compile(r"\d{1,12}")


async def ask(
    access: Access,
    who: str,
    path: str,
    query: Mapping[str, str | int | Sequence[str]],
    *,
    needs: str,
    allow_status: Collection[int] = (),
) -> Fetched:
    """One answer of the API, or one whose status is in `allow_status`.

    Args:
        who: what the messages begin with: the source's id, or what is being read.
        query: a list is written as the same parameter several times.
        needs: what Pinterest must have granted for this, as the middle of a sentence; said with a 403.

    Raises CollectError: NeedsKey for 401 and 403, Throttled for 429 and the day's limit, and those of `Http.fetch`.
    """
    key = access.key(KEY)
    await access.spend(REQUESTS)
    address = access.url(f"{API}/{path}")
    fetched = await access.http.fetch(
        f"{address}?{urlencode(query, doseq=True)}" if query else address,
        headers={"Authorization": f"Bearer {key}"},
        accept="application/json",
        allow_status={401, 403, 429, *allow_status},
    )
    if fetched.status in allow_status:
        return fetched
    if fetched.status == 401:
        raise access.refused(KEY, "Pinterest says that it is not valid, or no longer")
    if fetched.status == 403:
        raise NeedsKey(f"{who}: the app behind {access.variable()} is not granted {needs}.", code="needs_approval")
    if fetched.status == 429:
        until = _until(fetched.headers, fetched.fetched_at)
        when = f"at {until:%Y-%m-%d %H:%M} UTC" if until else "later"
        raise Throttled(
            f"{who}: Pinterest asks for fewer requests (429). It is asked again {when}.", code="http_429", until=until
        )
    return fetched


def message(fetched: Fetched) -> str:
    """What an error of Pinterest says, or empty."""
    try:
        told = mapping(orjson.loads(fetched.body or b"")).get("message")
    except orjson.JSONDecodeError:
        return ""
    return told[:200] if isinstance(told, str) else ""


def _until(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When to ask again: Retry-After, or X-RateLimit-Reset, which may be seconds from now or since 1970."""
    for name in ("retry-after", "x-ratelimit-reset"):
        told = headers.get(name, "").strip()
        if _DIGITS.fullmatch(told):
            seconds = int(told)
            return epoch_moment(seconds) if seconds > 1_000_000_000 else now + timedelta(seconds=seconds)
    return None
