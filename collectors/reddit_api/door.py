"""Reddit's door: the token, the User-Agent it demands, its limits, and what its refusals mean."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson

from collectors.base import CollectError, Key, NotFound, Refused, Source, Throttled
from collectors.quota import Quota, Rolling
from collectors.reading import mapping, text

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

KEY: Final = Key(
    what="The id and the secret of an app that Reddit approved, and the name of the account that runs it",
    where="https://www.reddit.com/prefs/apps",
    shape="CLIENT_ID:CLIENT_SECRET:USERNAME (the last part may be left out)",
    optional=True,
)
REQUESTS: Final = Quota("requests", 100, "requests a minute", Rolling(timedelta(minutes=1)))
FEEDS: Final = Quota("feeds", 1, "feed a minute", Rolling(timedelta(minutes=1) - timedelta(microseconds=1)))
"""Both ends of a window count, so this leaves a whole minute between two."""
NAMELESS = "the key names no Reddit account, so the User-Agent lacks the 'by /u/…' that Reddit asks for"
WITHOUT_KEY = "without a key only the newest posts are read from the public feed, without score and number of comments"
_TOKEN = "https://www.reddit.com/api/v1/access_token"  # noqa: S105
_EARLY = timedelta(minutes=1)
"""A token is given up this long before it expires, so that it does not expire on its way."""
_SAYS_ITSELF = (400, 401, 403, 404, 429)
_PAUSE = timedelta(minutes=10)
"""After a 429 that does not say how long: the span over which Reddit is reported to count."""
_WHY = {
    "private": "is private",
    "gold_only": "is open to paying members only",
    "quarantined": "is quarantined: readers must agree to a warning first, which a program does not do for them",
    "gated": "is behind a warning that readers must agree to, which a program does not do for them",
    "banned": "was banned by Reddit",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    client: str
    secret: str
    account: str
    """Who runs the app; empty if the key does not say."""

    @classmethod
    def of(cls, access: Access) -> Credentials:
        """From the variable. Raises NeedsKey."""
        client, rest = access.key_pair(KEY)
        secret, _, account = rest.partition(":")
        if not secret:
            raise access.refused(KEY, f"it is not written as {KEY.shape}")
        return cls(client, secret, account.strip().removeprefix("/").removeprefix("u/"))

    @property
    def agent(self) -> str:
        """The User-Agent in the form that Reddit demands of programs."""
        from collectors.fetch import user_agent

        product, _, release = user_agent("").partition("/")
        by = f" (by /u/{self.account})" if self.account else ""
        return f"python:{product}:v{release}{by}"


class Door:
    """Asks Reddit's API for one visit. Tokens and holds are kept in `access.memory` for all visits of the process."""

    def __init__(self, source: Source, access: Access) -> None:
        self._source = source
        self._access = access
        self.credentials = Credentials.of(access)

    async def ask(self, official: str, what: str) -> Fetched:
        """One page. `what` is asked for, for messages: 'r/nursing'. Raises CollectError."""
        self._refuse_if_held()
        await self._access.spend(REQUESTS)
        token = await self._token()
        fetched = await self._fetch(official, token)
        if fetched.status == 401:  # it may have been withdrawn before its time
            self._access.memory.pop("token", None)
            await self._access.spend(REQUESTS)
            fetched = await self._fetch(official, await self._token())
        self._note_limits(fetched)
        if fetched.status >= 400:
            raise self._refusal(fetched, what)
        if urlsplit(fetched.url).path.rstrip("/").endswith("/subreddits/search"):
            raise NotFound(f"{self._source.id}: Reddit knows no {what}. Check its spelling.", code="http_404")
        return fetched

    async def _fetch(self, official: str, token: str) -> Fetched:
        return await self._access.http.fetch(
            self._access.url(official),
            headers={"Authorization": f"Bearer {token}", "User-Agent": self.credentials.agent},
            accept="application/json",
            allow_status=_SAYS_ITSELF,
        )

    async def _token(self) -> str:
        held: tuple[str, datetime] | None = self._access.memory.get("token")
        if held is not None and self._access.now() < held[1]:
            return held[0]
        pair = base64.b64encode(f"{self.credentials.client}:{self.credentials.secret}".encode()).decode()
        fetched = await self._access.http.fetch(
            self._access.url(_TOKEN),
            method="POST",
            content=b"grant_type=client_credentials",
            headers={
                "Authorization": f"Basic {pair}",
                "Content-Type": "application/x-www-form-urlencoded",
                "User-Agent": self.credentials.agent,
            },
            accept="application/json",
            allow_status=_SAYS_ITSELF,
        )
        if fetched.status == 429:
            raise self._throttled(fetched)
        said = _object(fetched.body)
        token, seconds = said.get("access_token"), said.get("expires_in")
        if fetched.status >= 400 or not isinstance(token, str) or not token:
            why = text(said.get("error")) or f"it answered {fetched.status} when a token was asked for"
            raise self._access.refused(KEY, f"Reddit does not know this app, or has withdrawn it ({why})")
        lasts = timedelta(seconds=seconds) if isinstance(seconds, (int, float)) else timedelta(hours=1)
        self._access.memory["token"] = (token, self._access.now() + max(lasts - _EARLY, timedelta(0)))
        return token

    def _refuse_if_held(self) -> None:
        until: datetime | None = self._access.memory.get("held")
        if until is None or self._access.now() >= until:
            return
        raise Throttled(
            f"{self._source.id}: Reddit's limit for this app is used up; it is asked again after "
            f"{until:%Y-%m-%d %H:%M:%S} UTC.",
            code="quota_used",
            until=until,
        )

    def _note_limits(self, fetched: Fetched) -> None:
        """Remember that nothing is left, so that the next request waits. The remaining number is a decimal one."""
        left, reset = _decimal(fetched.headers, "x-ratelimit-remaining"), _decimal(fetched.headers, "x-ratelimit-reset")
        if left is not None and left < 1:
            self._access.memory["held"] = self._access.now() + (_PAUSE if reset is None else timedelta(seconds=reset))

    def _throttled(self, fetched: Fetched) -> Throttled:
        until = wait_until(fetched.headers, self._access.now())
        self._access.memory["held"] = until
        return Throttled(
            f"{self._source.id}: Reddit asks for fewer requests (429). It is asked again after "
            f"{until:%Y-%m-%d %H:%M:%S} UTC.",
            code="http_429",
            until=until,
        )

    def _refusal(self, fetched: Fetched, what: str) -> CollectError:
        status = fetched.status
        if status == 429:
            return self._throttled(fetched)
        if status == 401:
            return self._access.refused(KEY, "Reddit does not accept the token that it gave this app")
        said = _object(fetched.body)
        why = _WHY.get(text(said.get("reason")))
        if status == 404:
            return NotFound(
                f"{self._source.id}: {what} {why or 'was not found'} (404). Check its spelling, or remove the source.",
                code="http_404",
            )
        if why is not None:
            return Refused(
                f"{self._source.id}: {what} {why}, so its posts are not public. Remove the source.",
                code=f"http_{status}",
            )
        return Refused(
            f"{self._source.id}: Reddit refuses {what} ({status}) and does not say why. Look at it in a browser; if it "
            f"is public there, the app of {self._access.variable()} may not be approved for it.",
            code=f"http_{status}",
        )


def wait_until(headers: Mapping[str, str], now: datetime) -> datetime:
    """When a 429 lets us come again: Retry-After or X-Ratelimit-Reset (seconds), else in ten minutes."""
    waits = (_decimal(headers, "retry-after"), _decimal(headers, "x-ratelimit-reset"))
    told = [timedelta(seconds=wait) for wait in waits if wait is not None]
    return now + max(told, default=_PAUSE)


def _decimal(headers: Mapping[str, str], name: str) -> float | None:
    try:
        value = float(headers.get(name, ""))
    except ValueError:
        return None
    return value if 0 <= value < 1e6 else None  # not NaN either


def _object(body: bytes | None) -> Mapping[str, Any]:
    try:
        return mapping(orjson.loads(body or b""))
    except orjson.JSONDecodeError:
        return {}
