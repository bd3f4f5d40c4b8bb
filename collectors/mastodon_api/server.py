"""One Mastodon server: its token, its limits, its errors, and the requests that more than one part makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from collectors.base import CollectError, Drifted, Gone, Key, NeedsKey, NotFound, Page, Refused, Source, Throttled
from collectors.feeds.text import line
from collectors.mastodon_api.places import Place
from collectors.quota import Quota, Rolling
from collectors.reading import load, mapping, moment, text, unknown_shape

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

KEY = Key(
    what="A token of an account at the server, with the scope read:statuses",
    where="https://SERVER/settings/applications",
    shape="SERVER=TOKEN, several separated by commas",
    optional=True,
)
QUOTA = Quota("requests", 300, "requests in 5 minutes to one server", Rolling(timedelta(minutes=5)))

_WINDOW = timedelta(minutes=5)
_LONGEST_HOLD = timedelta(days=1)
_DAY = timedelta(days=1)
_EXPLAINED = frozenset({400, 401, 403, 404, 405, 410, 422, 429})
_MISSING = frozenset({404, 410})

Parameters = Sequence[tuple[str, str]]


class Server:
    """The API of one server on one visit of one source."""

    def __init__(self, source: Source, place: Place, access: Access) -> None:
        """Raises NeedsKey('key_refused') if the variable with the tokens cannot be read."""
        self.source = source
        self.place = place
        self.access = access
        self.deprecated = False
        """The server said with some answer that this request will not be there for ever."""
        self.key = replace(KEY, where=f"https://{place.host}/settings/applications")
        self.token = self._find_token()

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def need_token(self, what: str) -> NeedsKey:
        """The error to raise where only those who are logged in are answered."""
        return NeedsKey(
            f"{self.source.id}: {what}. Set {self.access.variable()} to {self.place.host}=TOKEN, with a token of an account "
            f"there that may read statuses; one is made at {self.key.where}.",
            code="needs_key",
        )

    async def ask(self, path: str, parameters: Parameters = (), *, also: Collection[int] = ()) -> Fetched:
        """GET `path`. Statuses in `also` are returned instead of raised. Raises CollectError only."""
        host = self.place.host
        until = self.access.memory.get(f"used up: {host}")
        if until is not None and until > self.access.now():
            raise Throttled(
                f"{self.source.id}: {host} allows no more requests before {until:%Y-%m-%d %H:%M:%S} UTC.",
                code="quota_used",
                until=until,
            )
        await self.access.spend(replace(QUOTA, bucket=f"{QUOTA.bucket}:{host}"))
        query = f"?{urlencode(parameters)}" if parameters else ""
        fetched = await self.access.http.fetch(
            self.access.url(f"https://{host}{path}{query}"),
            headers=self.headers,
            accept="application/json",
            allow_status=_EXPLAINED,
        )
        if fetched.status == 429 or fetched.headers.get("x-ratelimit-remaining", "").strip() == "0":
            self.access.memory[f"used up: {host}"] = self._reset(fetched.headers)
        self.deprecated = self.deprecated or "deprecation" in fetched.headers
        if fetched.status in _EXPLAINED and fetched.status not in also:
            raise self._error(fetched)
        return fetched

    async def ask_list(self, path: str, parameters: Parameters) -> tuple[Fetched, list[Any]]:
        """GET a list. Raises CollectError only; Drifted('unknown_shape') for anything but a list."""
        fetched = await self.ask(path, parameters)
        found = load(self.source, Page(fetched.body, fetched.url, fetched.fetched_at))
        if not isinstance(found, list):
            raise unknown_shape(self.source, f"a list was expected, {type(found).__name__} came")
        return fetched, found

    async def account(self) -> str:
        """The server's id of the account that the source points at."""
        fetched = await self.ask("/api/v1/accounts/lookup", [("acct", self.place.name)])
        found = mapping(decode(fetched))
        if found.get("suspended") is True:
            raise Gone(f"{self.source.id}: the account is suspended. Remove the source.", code="http_410")
        native = found.get("id")
        if not isinstance(native, str) or not native:
            raise unknown_shape(self.source, "an account without id came")
        return native

    async def look_up(self, ids: Sequence[str]) -> tuple[list[Any], list[str]]:
        """Posts by their ids: those that there are, and the ids that the server says are gone.

        One request for all of them (servers since 4.3), then one for each that was not in the answer, because a server
        that leaves something out does not say why. `ids`: 20 at most.
        """
        found: dict[str, Any] = {}
        support = f"single look-ups only: {self.place.host}"
        if support not in self.access.memory:
            fetched = await self.ask("/api/v1/statuses", [("id[]", one) for one in ids], also=(400, 404, 405, 410, 422))
            posts = decode(fetched) if fetched.status == 200 else None
            if isinstance(posts, list):
                found = {text(mapping(post).get("id")): post for post in posts}
            else:
                self.access.memory[support] = True
        gone = []
        for one in ids:
            if one in found:
                continue
            fetched = await self.ask(f"/api/v1/statuses/{quote(one, safe='')}", also=_MISSING)
            answer = mapping(decode(fetched))
            if fetched.status == 200:
                found[one] = answer
            elif fetched.status == 410 or text(answer.get("error")):
                gone.append(one)
            else:  # a 404 that is not Mastodon's own says nothing about the post
                raise unknown_shape(self.source, "a 404 without Mastodon's explanation came")
        return [found[one] for one in ids if one in found], gone

    async def explain_empty(self) -> None:
        """Raise an error if nothing came because the server shows this timeline to nobody, or to members only."""
        feeds = {"tag": "hashtag_feeds", "public": "live_feeds"}.get(self.place.kind)
        if feeds is None:
            return
        access = mapping(
            mapping(mapping((await self._instance()).get("configuration")).get("timelines_access")).get(feeds)
        )
        local_only = self.place.local or self.source.options.get("local") is True
        states = {access.get("local")} if local_only else {access.get("local"), access.get("remote")}
        if states == {"disabled"}:
            raise Refused(
                f"{self.source.id}: {self.place.host} has switched this timeline off for everybody. Follow the same at "
                "another server, or accounts instead.",
                code="timeline_disabled",
            )
        if self.token is None and "authenticated" in states:
            raise self.need_token(f"{self.place.host} shows this timeline only to those who are logged in")

    async def streaming_host(self) -> str:
        """Where the server says that its streams are. Believed only if it is the server itself or a part of its name,
        since the token goes there."""
        told = text(mapping(mapping((await self._instance()).get("configuration")).get("urls")).get("streaming"))
        try:
            parts = urlsplit(told)
            port = parts.port
        except ValueError:
            return self.place.host
        host = (parts.hostname or "").rstrip(".")
        secure = parts.scheme in ("wss", "https")
        if not secure or not (host == self.place.host or host.endswith(f".{self.place.host}")):
            return self.place.host
        return host if port in (None, 443) else f"{host}:{port}"

    async def _instance(self) -> Mapping[str, Any]:
        """What the server says about itself; asked once a day. Empty for servers before 4.0."""
        name, now = f"instance: {self.place.host}", self.access.now()
        held = self.access.memory.get(name)
        if held is None or now - held[0] >= _DAY:
            fetched = await self.ask("/api/v2/instance", also=_MISSING)
            held = now, mapping(decode(fetched)) if fetched.status == 200 else {}
            self.access.memory[name] = held
        found: Mapping[str, Any] = held[1]
        return found

    def _find_token(self) -> str | None:
        """The token for this server, and for no other. One without a server's name would have to be sent to all of
        them, so it is taken only where the API's address was replaced and all requests go to one place."""
        if not self.access.has_key():
            return None
        tokens: dict[str, str] = {}
        for part in self.access.key(self.key).split(","):
            host, equals, token = (piece.strip() for piece in part.strip().partition("="))
            if not equals and self.access.redirected:
                host, token = "", host
            elif not host or not token:
                raise self.access.refused(
                    self.key, "a part of it does not say for which server it is, as SERVER=TOKEN does"
                )
            if not (token.isascii() and token.isprintable() and " " not in token):
                raise self.access.refused(self.key, "it has characters that no token has")
            tokens[host.lower()] = token
        return tokens.get(self.place.host, tokens.get(""))

    def _reset(self, headers: Mapping[str, str]) -> datetime:
        """When the server's limit begins anew: at most a day from now, five minutes if it does not tell."""
        now = self.access.now()
        told = moment(headers.get("x-ratelimit-reset"))
        return min(max(told, now), now + _LONGEST_HOLD) if told is not None else now + _WINDOW

    def refusal(self, why: str) -> NeedsKey:
        """The error to raise when the server does not take the token."""
        return self.access.refused(self.key, f"{self.place.host} says {why!r}")

    def _error(self, fetched: Fetched) -> CollectError:
        host, name, status = self.place.host, self.source.id, fetched.status
        try:
            why = line(text(mapping(orjson.loads(fetched.body or b"")).get("error")))[:200]
        except orjson.JSONDecodeError:
            why = ""
        if self.token:
            why = why.replace(self.token, "***")
        said = f" It says: {why}" if why else ""
        if status == 401 or (status == 422 and "authenticated" in why):
            return (
                self.refusal(why or f"status {status}")
                if self.token
                else self.need_token(f"{host} shows this only to those who are logged in")
            )
        match status:
            case 403 if self.token:
                return NeedsKey(
                    f"{name}: {host} does not allow this with the token in {self.access.variable()}; it needs the scope "
                    f"read:statuses.{said}",
                    code="needs_approval",
                )
            case 403:
                return Refused(
                    f"{name}: {host} refuses this to us (403).{said} Look at it in a browser.", code="http_403"
                )
            case 404:
                what = {"tag": "hashtag", "account": "account", "public": "timeline"}[self.place.kind]
                return NotFound(
                    f"{name}: {host} knows no such {what} (404). Check the address if it lasts.", code="http_404"
                )
            case 410:
                return Gone(
                    f"{name}: {host} says that this is gone for good, such as a suspended account (410).",
                    code="http_410",
                )
            case 429:
                until = self._reset(fetched.headers)
                return Throttled(
                    f"{name}: {host} asks for fewer requests (429). It is asked again after {until:%Y-%m-%d %H:%M:%S} UTC.",
                    code="http_429",
                    until=until,
                )
        return Drifted(f"{name}: {host} does not take the request ({status}).{said}", code=f"http_{status}")


def decode(fetched: Fetched) -> Any:
    """The JSON of an answer; None if it is none."""
    try:
        return orjson.loads(fetched.body or b"")
    except orjson.JSONDecodeError:
        return None


def entries(found: list[Any]) -> list[tuple[str, datetime | None]]:
    """Id and date of the posts of a list, in its order, as far as they can be read."""
    posts = [mapping(one) for one in found]
    return [
        (post["id"], moment(post.get("created_at"))) for post in posts if isinstance(post.get("id"), str) and post["id"]
    ]
