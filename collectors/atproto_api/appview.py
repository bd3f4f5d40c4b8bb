"""Reading the AppView: an account's posts, and stored posts once more. No key is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from collectors.atproto_api.posts import author_of, hidden, listed_at
from collectors.base import NOTHING_PROVED, Cursor, NotFound, Page, Refused, Source, Stored, Stretch, Throttled
from collectors.reading import epoch_moment, mapping, moment, text, unknown_shape

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

APPVIEW = "https://public.api.bsky.app/xrpc"
PER_PAGE = 100
PER_LOOKUP = 25
_LATE = timedelta(minutes=15)
"""How much of what is known is read again, as posts may be indexed late."""


async def author_feed(
    source: Source, actor: str, cursor: Cursor, access: Access, now: datetime, options: Mapping[str, Any]
) -> AsyncIterator[Page]:
    """Newest first, until what the last complete visit knew. What a visit leaves over is read first by the next one."""
    held = mapping(cursor.get("feed"))
    if held.get("of") != actor:  # the source's address has changed since
        held = {}
    profile = await _profile(source, text(held.get("did")) or actor, access)
    did = text(profile.get("did"))
    if not did:
        raise unknown_shape(source, "a profile without a DID")
    if hidden(profile.get("labels")):
        raise Refused(
            f"{source.id}: this account asks not to be shown to readers who are not logged in, so it is not collected.",
            code="blocked_by_publisher",
        )
    author = author_of(profile)
    context = {"kind": "feed", "bio": author.bio, "followers": author.followers, "verified": author.verified}
    settled = moment(held.get("until"))
    rest = mapping(held.get("rest"))
    walks: list[tuple[datetime, str]] = [(now, "")]
    begun, token = moment(rest.get("at")), text(rest.get("token"))
    if begun is not None and token:
        walks.insert(0, (begun, token))
    left = int(options["pages"])
    for at, place in walks:
        token, kept = place, bool(place)
        since = settled if settled is not None else at - timedelta(days=options["look_back_days"])
        reached, read = at, 0
        while True:
            if not left:
                return
            left -= 1
            may_refuse = bool(token) and (kept or read == 1)
            fetched = await _feed_page(access, did, token, replies=options["replies"], may_refuse=may_refuse)
            if kept and fetched.status in (400, 403):
                break  # the kept place is no longer known: the next walk goes all the way to `settled`
            if fetched.status == 403:
                # Anonymous readers see no second page: what lies between the first one and `since` is lost.
                yield _shortened(fetched, {"of": actor, "did": did, "until": _iso(at)}, reached, at)
                return
            answer = _object(source, fetched)
            entries = answer.get("feed")
            if not isinstance(entries, list):
                raise unknown_shape(source, "an author feed without a list of posts")
            kept, token, read = False, text(answer.get("cursor")), read + 1
            times = [found for found in map(listed_at, entries) if found is not None]
            oldest = min(times, default=None)
            reached = reached if oldest is None else min(oldest, reached)
            done = not token or not entries or (oldest is not None and oldest < since - _LATE)
            state: dict[str, Any] = {"of": actor, "did": did, "until": _iso(at if done else settled)}
            observed = (
                Stretch(since, at) if done else NOTHING_PROVED if oldest is None else Stretch(min(oldest, at), at)
            )
            if not done:
                state["rest"] = {"at": _iso(at), "token": token}
            yield Page(
                body=fetched.body,
                url=fetched.url,
                fetched_at=fetched.fetched_at,
                content_type=fetched.content_type,
                resume={"feed": state},
                observed=observed,
                last=not left or (done and at is now),
                context=context,
            )
            if done:
                settled = at
                break


async def look_up(source: Source, posts: Sequence[Stored], access: Access) -> AsyncIterator[Page]:
    """Stored posts in batches. Those that the answer does not hold are gone."""
    for start in range(0, len(posts), PER_LOOKUP):
        asked = [post.id for post in posts[start : start + PER_LOOKUP]]
        fetched = await _ask(access, "app.bsky.feed.getPosts", [("uris", uri) for uri in asked])
        _object(source, fetched)
        yield Page(
            body=fetched.body,
            url=fetched.url,
            fetched_at=fetched.fetched_at,
            content_type=fetched.content_type,
            resume=None,
            observed=NOTHING_PROVED,
            confirmed=tuple(asked),
            context={"kind": "posts", "asked": asked},
        )


async def _profile(source: Source, actor: str, access: Access) -> Mapping[str, Any]:
    fetched = await _ask(access, "app.bsky.actor.getProfile", [("actor", actor)])
    if fetched.status == 400:
        said = _said(fetched)
        raise NotFound(
            f"{source.id}: Bluesky shows no account {actor} ({said}). Check the address if it lasts.", code="http_404"
        )
    return _object(source, fetched)


async def _feed_page(access: Access, did: str, token: str, *, replies: bool, may_refuse: bool) -> Fetched:
    asked = [
        ("actor", did),
        ("limit", str(PER_PAGE)),
        ("filter", "posts_with_replies" if replies else "posts_no_replies"),
    ]
    asked += [("cursor", token)] if token else []
    return await _ask(access, "app.bsky.feed.getAuthorFeed", asked, allow=(403,) if may_refuse else ())


async def _ask(
    access: Access, method: str, parameters: list[tuple[str, str]], *, allow: tuple[int, ...] = ()
) -> Fetched:
    """A 400 is returned, as it explains itself, and so is what is in `allow`."""
    address = access.url(f"{APPVIEW}/{method}?{urlencode(parameters)}")
    fetched = await access.http.fetch(address, accept="application/json", allow_status=(400, 429, *allow))
    if fetched.status == 429:
        # The servers send RateLimit-Reset, seconds since 1970; newer ones Retry-After as well.
        now = access.now()
        until = now + fetched.poll_after if fetched.poll_after else epoch_moment(fetched.headers.get("ratelimit-reset"))
        when = f"not before {until:%Y-%m-%d %H:%M:%S} UTC" if until else "later"
        raise Throttled(
            f"Bluesky asks for fewer requests (429). It is asked again {when}.", code="http_429", until=until
        )
    return fetched


def _object(source: Source, fetched: Fetched) -> Mapping[str, Any]:
    """The JSON object of an answer. Raises Drifted, also for a refusal that nobody expected."""
    if fetched.status == 400:
        raise unknown_shape(source, f"it refuses what it used to allow: {_said(fetched)}")
    try:
        answer = orjson.loads(fetched.body or b"")
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise unknown_shape(source, "its answer is no JSON object")
    return answer


def _said(fetched: Fetched) -> str:
    """The error of an answer in the platform's words, cut short."""
    try:
        answer = mapping(orjson.loads(fetched.body or b""))
    except orjson.JSONDecodeError:
        answer = {}
    return text(answer.get("message"))[:120] or text(answer.get("error"))[:60] or "no reason given"


def _shortened(fetched: Fetched, state: Mapping[str, Any], reached: datetime, at: datetime) -> Page:
    return Page(
        body=None,
        url=fetched.url,
        fetched_at=fetched.fetched_at,
        resume={"feed": state},
        observed=Stretch(reached, at, gap="overflow"),
        last=True,
    )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
