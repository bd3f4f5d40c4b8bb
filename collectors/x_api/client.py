"""Requests to X: the key, the two vocabularies, and what X says when it does not answer with posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from collectors.base import Drifted, Key, NeedsKey, NotFound, Page, Source, Throttled
from collectors.quota import calendar_day
from collectors.reading import array, epoch_moment, load_object, mapping, text

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

API = "https://api.x.com/2"
KEY = Key(
    what="A bearer token of an app with pay-per-use credits",
    where="https://console.x.com",
    shape="BEARER_TOKEN",
)
USER_FIELDS = "id,name,username,description,location,protected,public_metrics,verified,verified_type,withheld"
MEDIA_FIELDS = "media_key,type,url,preview_image_url,duration_ms,variants"
PLACE_FIELDS = "id,full_name,country_code,place_type"
_COMMON = (
    "id,text,author_id,created_at,lang,conversation_id,in_reply_to_user_id,attachments,entities,geo,public_metrics,"
    "paid_partnership,withheld"
)
_EXPLAINED = (400, 401, 402, 403, 404, 429)
"""Statuses whose body says more than the status."""
_WINDOW = timedelta(minutes=15)
"""Of X's rate limits; how long to wait where it does not say until when."""
_NO_CREDITS = timedelta(hours=6)
"""Requests that X refuses cost nothing, so it is asked again until somebody has bought credits."""
_LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """X's documents use two sets of names; which one it answers with is found out by asking."""

    name: str
    parameter: str
    fields: str


CLASSIC = Vocabulary("classic", "tweet.fields", f"{_COMMON},edit_history_tweet_ids,referenced_tweets,note_tweet")
RENAMED = Vocabulary("renamed", "post.fields", f"{_COMMON},edit_history_post_ids,referenced_posts,note_post")
_VOCABULARIES = {one.name: one for one in (CLASSIC, RENAMED)}


class UnacceptedError(Drifted):
    """400: X does not accept a parameter. Those that can be put otherwise are asked for again."""

    parameters: frozenset[str] = frozenset()
    """The parameters that X complains about."""
    words: str = ""

    def names(self, parameter: str) -> bool:
        """True if X complains about this parameter."""
        return parameter in self.parameters or f"'{parameter}'" in self.words or f"[{parameter}]" in self.words


def _unaccepted(source: Source, problem: Mapping[str, Any]) -> UnacceptedError:
    errors = [mapping(one) for one in array(problem.get("errors"))]
    words = " ".join([text(one.get("message")) for one in errors if one.get("message")]) or _detail(problem)
    parameters = frozenset(name for one in errors for name in mapping(one.get("parameters")))
    if "query" in parameters:
        message = f"X does not accept this search: {_short(words)} Correct the source's address."
    else:
        message = f"X does not accept our request, it has changed: {_short(words)} Please report it."
    error = UnacceptedError(f"{source.id}: {message}", code="bad_query" if "query" in parameters else "unknown_shape")
    error.parameters, error.words = parameters, words
    return error


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer, as it came and as it reads."""

    page: Page
    """Without a word yet about what it proves."""
    document: Mapping[str, Any]
    exhausted: datetime | None
    """It was the last one that X gives before this time; None: there are more."""

    @property
    def posts(self) -> list[Any]:
        return array(self.document.get("data"))

    @property
    def users(self) -> int:
        """How many accounts came with the posts."""
        return len(array(mapping(self.document.get("includes")).get("users")))


class Api:
    """One for each visit."""

    def __init__(self, source: Source, access: Access) -> None:
        self._source = source
        self._access = access

    async def posts(self, path: str, params: Mapping[str, str], *, authors: bool) -> Answer:
        """Ask for posts with all that is read of them. Raises CollectError, UnacceptedError among them."""
        expansions = ["attachments.media_keys", "geo.place_id", *(["author_id"] if authors else [])]
        asked = {
            **params,
            "expansions": ",".join(expansions),
            "media.fields": MEDIA_FIELDS,
            "place.fields": PLACE_FIELDS,
            **({"user.fields": USER_FIELDS} if authors else {}),
        }
        memory = self._access.memory
        first = _VOCABULARIES.get(memory.get("vocabulary", ""), CLASSIC)
        try:
            return await self.get(path, {**asked, first.parameter: first.fields})
        except UnacceptedError as complaint:
            if not complaint.names(first.parameter):
                raise
            other = RENAMED if first is CLASSIC else CLASSIC
        answer = await self.get(path, {**asked, other.parameter: other.fields})
        memory["vocabulary"] = other.name
        return answer

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        """One request. Raises CollectError, UnacceptedError among them."""
        url = self._access.url(f"{API}/{path}") + ("?" + urlencode(params) if params else "")
        token = self._access.key(KEY)
        fetched = await self._access.http.fetch(
            url,
            headers={"Authorization": f"Bearer {token}"},
            accept="application/json",
            allow_status=_EXPLAINED,
        )
        if fetched.status >= 400:
            self._explain(fetched)
        page = Page(
            body=fetched.body, url=fetched.url, fetched_at=fetched.fetched_at, content_type=fetched.content_type
        )
        return Answer(page, load_object(self._source, page), _exhausted(fetched))

    def _explain(self, fetched: Fetched) -> None:
        """Raise what an error status stands for."""
        try:
            page = Page(body=fetched.body, url=fetched.url, fetched_at=fetched.fetched_at)
            problem = load_object(self._source, page)
        except Drifted:
            problem = {}
        name, now = self._source.id, fetched.fetched_at
        if fetched.status == 400:
            raise _unaccepted(self._source, problem)
        if fetched.status == 401:
            raise self._access.refused(KEY, "X answers 401, the token is unknown to it or was revoked")
        if fetched.status == 402:
            raise Throttled(
                f"{name}: the credits of the X app in {self._access.variable()} are used up. Buy some at {KEY.where}; "
                "it goes on by itself within hours.",
                code="no_credits",
                until=now + _NO_CREDITS,
            )
        if fetched.status == 403:
            raise NeedsKey(f"{name}: {_forbidden(problem)}", code="needs_approval")
        if fetched.status == 404:
            raise NotFound(f"{name}: X does not know this ({_detail(problem)}). Check the address.", code="http_404")
        if _type(problem) == "usage-capped" or "UsageCap" in text(problem.get("title")):
            raise Throttled(
                f"{name}: the app has used up what it may read of X in this period. Raise its spending limit at "
                f"{KEY.where}, or wait; it is asked again tomorrow.",
                code="quota_used",
                until=calendar_day()(now)[1],
            )
        until = _reset(fetched) or now + _WINDOW
        raise Throttled(
            f"{name}: X asks for fewer requests; it is asked again at {until:%Y-%m-%d %H:%M:%S} UTC.",
            code="http_429",
            until=until,
        )


def _forbidden(problem: Mapping[str, Any]) -> str:
    if _type(problem) == "unsupported-authentication":
        return (
            "X does not take this kind of token here. It wants the app's own bearer token (App-only), not the token of "
            f"a user; it is shown at {KEY.where}."
        )
    if _type(problem) == "client-forbidden" or text(problem.get("reason")) == "client-not-enrolled":
        return (
            f"the X app behind the token is not enrolled for reading posts. Put it into a paid project at {KEY.where}."
        )
    return f"X does not grant this to the app behind the token ({_detail(problem)}). See {KEY.where}."


def _exhausted(fetched: Fetched) -> datetime | None:
    return _reset(fetched) if fetched.headers.get("x-rate-limit-remaining", "").strip() == "0" else None


def _reset(fetched: Fetched) -> datetime | None:
    """When X's window ends, as its headers say; at least a second and at most a day from now."""
    now = fetched.fetched_at
    until = epoch_moment(fetched.headers.get("x-rate-limit-reset", "").strip())
    if until is None:
        return now + fetched.poll_after if fetched.poll_after else None
    return min(max(until.astimezone(UTC), now + timedelta(seconds=1)), now + _LONGEST_WAIT)


def _type(problem: Mapping[str, Any]) -> str:
    """The last part of the problem's type: 'usage-capped'."""
    return text(problem.get("type")).rpartition("/")[2]


def _detail(problem: Mapping[str, Any]) -> str:
    return _short(text(problem.get("detail")) or text(problem.get("title")) or "it does not say why")


def _short(words: str) -> str:
    return " ".join(words.split())[:200]
