"""Threads: searches by words or topic tag, and the posts of a public profile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from collectors.base import NOTHING_PROVED, CollectError, Cursor, Item, Media, NeedsKey, Page, Stored
from collectors.graph.ask import Answer, Graph
from collectors.graph.lookup import found_or_gone
from collectors.graph.walk import Position, Sheet, Walk, make_page
from collectors.quota import Quota, Rolling
from collectors.reading import UnreadableItemError, array, count, flag, mapping, moment, needed, needed_moment, text

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.base import Source

NEEDS_SEARCH = "the permission threads_keyword_search"
NEEDS_PROFILE = "the permission threads_profile_discovery"
NEEDS_LOOKUP = "advanced access to the permission threads_basic"
SEARCHES = Quota("searches", 2200, "searches", Rolling(timedelta(hours=24)))
"""For each user of Threads, over all apps. Searches that bring nothing are not counted."""
PROFILES = Quota("profiles", 1000, "requests for profiles", Rolling(timedelta(hours=24)))
LIMIT = 100
OVERLAP = timedelta(minutes=15)
"""Asked for again at every visit: a search may find a post only some time after it was published (a guess)."""
BELIEVED = timedelta(days=30)
"""An empty answer shows that nothing was posted only if the same search has brought posts within this time: for words
that it holds to be sensitive, Threads answers with nothing at all."""
PROBE = "news"
"""A search that always brings posts of strangers, for those who may search them."""
BATCH = 25
"""Posts that are looked up, one by one, before they are written down together."""

_FIELDS = "id,text,username,permalink,timestamp,shortcode,media_type,media_url,is_quote_post,reposted_post,topic_tag"
_SEARCH_FIELDS = f"{_FIELDS},is_reply"
_PROFILE_FIELDS = f"{_FIELDS},is_verified"
_ABOUT_FIELDS = "username,biography,follower_count,is_verified"
_EARLIEST = 1_688_540_400
"""Seconds since 1970: no earlier `since` is accepted. The day Threads began."""
_FRESH = timedelta(days=1)
_SILENT = (
    "the search brought nothing, and never has lately: the words may be too rare, or Threads holds them to be sensitive "
    "and answers with nothing; this time counts as not observed"
)


async def collect_search(
    source: Source, words: str, cursor: Cursor, access: Access, now: datetime, *, tag: bool, days: int, pages: int
) -> AsyncIterator[Page]:
    """What a search finds, newest first. Raises CollectError only."""
    graph = Graph(source, access, threads=True, needs=NEEDS_SEARCH)
    seen = moment(cursor.get("seen"))
    keep = {name: cursor[name] for name in ("seen", "told") if cursor.get(name)}
    trust = seen is not None and now - seen <= BELIEVED
    walk = Walk(cursor, now, days, pages, keep=keep, overlap=OVERLAP, trust=trust)

    async def ask(at: Position | None, since: datetime) -> Sheet:
        answer = await _search(graph, words, tag=tag, since=since, at=at)
        posts = _posts(answer)
        await _check_approval(graph, posts)
        if not posts and at is None and not trust and "told" not in keep:
            keep["told"] = True  # once is enough
            walk.context["note"] = _SILENT
        return _sheet(answer, at)

    async for page in walk.go(ask):
        yield page


async def collect_profile(
    source: Source, name: str, cursor: Cursor, access: Access, now: datetime, *, days: int, pages: int
) -> AsyncIterator[Page]:
    """The posts of a public profile, newest first, without its replies. Raises CollectError only."""
    graph = Graph(source, access, threads=True, needs=NEEDS_PROFILE)
    context = {"profile": await _about(graph, name, now)}

    async def ask(at: Position | None, since: datetime) -> Sheet:
        await access.spend(PROFILES)
        params = {"username": name, "fields": _PROFILE_FIELDS, "limit": LIMIT, **_window(since, at)}
        return _sheet(await graph.get("profile_posts", params), at)

    async for page in Walk(cursor, now, days, pages, context=context).go(ask):
        yield page


async def review(
    source: Source, profile: str | None, posts: Sequence[Stored], access: Access, now: datetime
) -> AsyncIterator[Page]:
    """Look posts up again, one by one: this API answers no batches. Raises CollectError only.

    A post that is gone and one that this key may not read are answered alike. So posts are taken for gone only once a
    post of a stranger was shown in this round; where none can be shown, nothing is changed.
    """
    graph = Graph(source, access, threads=True, needs=NEEDS_LOOKUP)
    context = {"profile": await _about(graph, profile, now)} if profile else {}
    proven = False
    for start in range(0, len(posts), BATCH):
        asked = [post.id for post in posts[start : start + BATCH]]
        answers = [await graph.look_up(quote(one), {"fields": _SEARCH_FIELDS}) for one in asked]
        entries = [{"code": one.status, "body": one.body.decode("utf-8", "replace")} for one in answers]
        found = found_or_gone(entries, asked)
        if any(one.gone for one in found.values()) and not proven:
            shown = [one.post for one in found.values() if one.fault is None]
            proven = _of_strangers(shown, await _own_name(graph)) or await _may_look_up(graph, profile)
            if not proven:
                continue
        together = replace(answers[-1], body=orjson.dumps(entries), data=entries, content_type="application/json")
        yield make_page(together, NOTHING_PROVED, None, {**context, "asked": asked}, confirmed=tuple(found))


async def _may_look_up(graph: Graph, profile: str | None) -> bool:
    """True if a stranger's post that was listed a moment ago can be looked up; False if none is listed. Raises NeedsKey
    if it cannot."""
    if profile is None:
        listed = _posts(await _search(graph, PROBE, limit=25))
    else:
        await graph.access.spend(PROFILES)
        listed = _posts(await graph.get("profile_posts", {"username": profile, "fields": "id,username", "limit": 1}))
    own = await _own_name(graph)
    control = next((text(post.get("id")) for post in listed if _of_strangers([post], own)), "")
    if not control:
        return False
    if (await graph.look_up(quote(control), {"fields": "id"})).fault is None:
        return True
    raise NeedsKey(
        f"{graph.source.id}: stored posts of Threads cannot be looked up again, because the app of the key in "
        f"{graph.variable} has no {NEEDS_LOOKUP}. So deletions do not reach this service; nothing was deleted.",
        code="needs_approval",
    )


async def _search(
    graph: Graph, words: str, *, tag: bool = False, since: datetime | None = None, at: Position | None = None,
    limit: int = LIMIT,
) -> Answer:  # fmt: skip
    booking = await graph.access.spend(SEARCHES)
    params: dict[str, str | int] = {"q": words, "search_type": "RECENT", "fields": _SEARCH_FIELDS, "limit": limit}
    if tag:
        params["search_mode"] = "TAG"
    if since is not None:
        params |= _window(since, at)
    answer = await graph.get("keyword_search", params)
    if not _posts(answer):
        await graph.access.correct(booking, 0)
    return answer


async def _check_approval(graph: Graph, posts: Sequence[Mapping[str, Any]]) -> None:
    """Before its app is approved, a search quietly covers the posts of the key's own user only. Raises NeedsKey.

    Posts of strangers show that it is approved; without any, a search for a common word decides. Believed for a day.
    """
    memory, now = graph.access.memory, graph.access.now()
    if "threads_approved" in memory and now - memory["threads_approved"] < _FRESH:
        return
    own = await _own_name(graph)
    if not _of_strangers(posts, own) and not _of_strangers(_posts(await _search(graph, PROBE, limit=25)), own):
        raise NeedsKey(
            f"{graph.source.id}: Threads shows only the posts of the account that the key in "
            f"{graph.variable} belongs to, because its app is not approved for {NEEDS_SEARCH}. Nothing was stored. Ask "
            "for the approval in the app's dashboard under App Review.",
            code="needs_approval",
        )
    memory["threads_approved"] = now


def _of_strangers(posts: Sequence[Mapping[str, Any]], own: str) -> bool:
    return any(text(post.get("username")) not in ("", own) for post in posts)


async def _own_name(graph: Graph) -> str:
    """The user name of the key's own user, asked for once."""
    memory = graph.access.memory
    if "threads_me" not in memory:
        answer = await graph.get("me", {"fields": "id,username"})
        memory["threads_me"] = needed(mapping(answer.data).get("username"), "username of the key's user")
    return text(memory["threads_me"])


async def _about(graph: Graph, name: str, now: datetime) -> Mapping[str, Any]:
    """What a profile says about itself, asked for once a day; empty where the key may not read it."""
    memory = graph.access.memory
    known = memory.get(f"profile:{name}")
    if known is not None and now - known[0] < _FRESH:
        return mapping(known[1])
    about: Mapping[str, Any] = {}
    try:
        await graph.access.spend(PROFILES)
        said = mapping((await graph.get("profile_lookup", {"username": name, "fields": _ABOUT_FIELDS})).data)
        about = {name: said.get(name) for name in ("biography", "follower_count", "is_verified")}
    except CollectError as refused:
        if refused.code != "needs_approval":
            raise
    memory[f"profile:{name}"] = (now, about)
    return about


def _window(since: datetime, at: Position | None) -> dict[str, str | int]:
    """From `since` (a second earlier: whether the moment itself counts is not told) to where the last page ended."""
    return {"since": max(int(since.timestamp()) - 1, _EARLIEST), **(at or {})}


def _posts(answer: Answer) -> list[Mapping[str, Any]]:
    return [post for post in array(mapping(answer.data).get("data")) if isinstance(post, Mapping)]


def _sheet(answer: Answer, at: Position | None) -> Sheet:
    """The next page is asked for by time: `until` is documented for both listings, marks for neither."""
    posts = _posts(answer)
    dates = [one for one in (moment(post.get("timestamp")) for post in posts) if one is not None]
    following: Position | None = None
    more = len(posts) >= LIMIT or "next" in mapping(mapping(answer.data).get("paging"))
    if dates and more:
        until = int(dates[-1].timestamp()) + 1
        # A page full of posts of one second: go on before that second. What else that second held cannot be asked for.
        following = {"until": until - 1 if at is not None and at.get("until") == until else until}
    ids = frozenset(text(post.get("id")) for post in posts)
    return Sheet(answer, ids, dates[-1] if dates else None, following)


def read_post(post: Mapping[str, Any], profile: Mapping[str, Any], *, replies: bool) -> Item | None:
    """One post; `profile` is what its author's profile says, where it was asked. None for a repost, and for a reply
    where those are not wanted. Threads tells counts of one's own posts only, so there are none."""
    native = needed(post.get("id"), "id")
    if post.get("media_type") == "REPOST_FACADE" or (post.get("is_reply") is True and not replies):
        return None
    published = needed_moment(moment(post.get("timestamp")), "timestamp")
    words = post.get("text")
    if words is not None and not isinstance(words, str):
        raise UnreadableItemError("text is not text")
    name, tag = text(post.get("username")), text(post.get("topic_tag"))
    verified = flag(post.get("is_verified"))
    return Item(
        id=native,
        url=_address(post, name),
        text=words or "",
        published_at=published,
        author=name or None,
        author_bio=text(profile.get("biography")) or None,
        followers=count(profile.get("follower_count")),
        verified=flag(profile.get("is_verified")) if verified is None else verified,
        media=_media(post),
        categories=(tag.removeprefix("#"),) if tag else (),
    )


def _address(post: Mapping[str, Any], name: str) -> str | None:
    """The permalink is withheld for some posts; the short code then says the same."""
    permalink, code = text(post.get("permalink")), text(post.get("shortcode"))
    if permalink.startswith("https://"):
        return permalink
    return f"https://www.threads.com/@{quote(name)}/post/{quote(code)}" if name and code else None


def _media(post: Mapping[str, Any]) -> tuple[Media, ...]:
    medium = {"IMAGE": "image", "VIDEO": "video", "AUDIO": "audio"}.get(text(post.get("media_type")), "")
    url = text(post.get("media_url"))
    return (Media(url, medium=medium),) if url.startswith("https://") else ()
