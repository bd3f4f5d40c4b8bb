"""Public pages of Facebook: their posts, newest first, and looking them up again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from collectors.base import (
    NOTHING_PROVED,
    CollectError,
    Cursor,
    Engagement,
    Item,
    Media,
    NeedsKey,
    NotFound,
    Page,
    Stored,
)
from collectors.graph.ask import BATCH, Graph
from collectors.graph.faults import Fault
from collectors.graph.lookup import found_or_gone
from collectors.graph.walk import Position, Sheet, Walk, make_page
from collectors.reading import (
    UnreadableItemError,
    array,
    count,
    flag,
    mapping,
    moment,
    needed,
    needed_moment,
    text,
    unknown_shape,
)

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.base import Source

NEEDS = "the Page Public Content Access feature"
LIMIT = 25
"""Posts an answer; with more, pages that post long texts are answered with 'reduce the amount of data'."""
FIELDS = (
    "id,message,created_time,permalink_url,from,full_picture,shares,is_expired,is_fb_live_videos,was_fb_live_videos,"
    "status_type,place,attachments{media_type,url,title},reactions.summary(total_count).limit(0),"
    "comments.summary(total_count).limit(0),sponsor_tags"
)
_PAGE_FIELDS = "id,about,followers_count,verification_status"
_EDGES = ("published_posts", "posts")
_FRESH = timedelta(days=1)
"""How long what a page says about itself is believed."""


async def collect(
    source: Source, name: str, cursor: Cursor, access: Access, now: datetime, *, days: int, pages: int
) -> AsyncIterator[Page]:
    """The posts of a page. Raises CollectError only."""
    graph = Graph(source, access, threads=False, needs=NEEDS)
    context = {"page": await _about(graph, name, now)}
    keep = {"edge": cursor["edge"]} if cursor.get("edge") in _EDGES else {}

    async def ask(at: Position | None, since: datetime) -> Sheet:
        # One second earlier: whether the platform counts the moment itself is not told.
        params: dict[str, str | int] = {
            "fields": FIELDS,
            "limit": LIMIT,
            "since": int(since.timestamp()) - 1,
            **(at or {}),
        }
        edge = keep.get("edge", _EDGES[0])
        try:
            answer = await graph.get(f"{quote(name)}/{edge}", params)
        except (NeedsKey, NotFound) as refused:
            if "edge" in keep or refused.code == "key_refused":
                raise
            # Some apps may read a page's posts only by the older edge.
            edge = _EDGES[1]
            answer = await graph.get(f"{quote(name)}/{edge}", params)
        keep["edge"] = edge
        posts = array(mapping(answer.data).get("data"))
        dates = [moment(mapping(post).get("created_time")) for post in posts]
        paging = mapping(mapping(answer.data).get("paging"))
        ids = frozenset(post["id"] for post in posts if isinstance(post, Mapping) and isinstance(post.get("id"), str))
        tail = next((one for one in reversed(dates) if one), None)
        following: Position | None = None
        if posts and "next" in paging:
            after = mapping(paging.get("cursors")).get("after")
            if isinstance(after, str):
                following = {"after": after}
            elif tail is not None:  # a page that is told by time, as all were before
                following = {"until": int(tail.timestamp()) + 1}
        return Sheet(answer, ids, tail, following)

    async for page in Walk(cursor, now, days, pages, keep=keep, context=context).go(ask):
        yield page


async def review(
    source: Source, name: str, posts: Sequence[Stored], access: Access, now: datetime
) -> AsyncIterator[Page]:
    """Look posts up again, many at once. Raises CollectError only.

    The platform answers alike for a post that is gone and for one that this key may not see. So each batch also asks
    for the page's newest post, by both edges: only where one shows it is a missing post taken for gone.
    """
    graph = Graph(source, access, threads=False, needs=NEEDS)
    context = {"page": await _about(graph, name, now)}
    controls = [f"{quote(name)}/{edge}?fields=id&limit=1" for edge in _EDGES]
    size = BATCH - len(controls)
    for start in range(0, len(posts), size):
        asked = [post.id for post in posts[start : start + size]]
        wanted = urlencode({"fields": FIELDS})
        answer = await graph.batch([*(f"{quote(one)}?{wanted}" for one in asked), *controls])
        found = found_or_gone(answer.data, [*asked, *controls])
        proofs = [found.pop(one) for one in controls if one in found]
        if not proofs:
            raise unknown_shape(source, "a batch is not answered in full")
        if all(one.fault for one in proofs):
            raise graph.failed(proofs[-1].fault or Fault(0))
        for one in found.values():
            if one.fault is not None and not one.gone and (one.fault.about_key or one.fault.about_limits):
                raise graph.failed(one.fault)
        sure = tuple(one for one in asked if one in found and (found[one].fault is None or found[one].gone))
        yield make_page(answer, NOTHING_PROVED, None, {**context, "asked": asked}, confirmed=sure)


async def _about(graph: Graph, name: str, now: datetime) -> Mapping[str, Any]:
    """What a page says about itself, asked for once a day; empty where the key may not read it."""
    memory = graph.access.memory
    known = memory.get(f"page:{name}")
    if known is not None and now - known[0] < _FRESH:
        return mapping(known[1])
    try:
        answer = await graph.get(quote(name), {"fields": _PAGE_FIELDS})
    except CollectError as refused:
        if refused.code != "needs_approval":
            raise
        about: dict[str, Any] = {}
    else:
        said = mapping(answer.data)
        about = {name: said.get(name) for name in ("about", "followers_count", "verification_status")}
    memory[f"page:{name}"] = (now, about)
    return about


def read_post(post: Mapping[str, Any], page: Mapping[str, Any]) -> Item | None:
    """One post; `page` is what the page says about itself. None for what is not a post of its own."""
    native = needed(post.get("id"), "id")
    published = needed_moment(moment(post.get("created_time")), "created_time")
    message = post.get("message")
    if message is not None and not isinstance(message, str):
        raise UnreadableItemError("message is not text")
    attachments = [mapping(one) for one in array(mapping(post.get("attachments")).get("data"))]
    if post.get("is_expired") is True:  # its time was limited, and nobody sees it any more
        return Item(id=native, deleted=True)
    if not message and _is_share(post, attachments):
        return None
    titles = (text(one.get("title")) for one in attachments)
    tags = array(mapping(post.get("sponsor_tags")).get("data"))
    status = text(page.get("verification_status"))
    return Item(
        id=native,
        url=_https(post.get("permalink_url")),
        text=message or next(filter(None, titles), ""),
        published_at=published,
        # `updated_time` also moves with every comment, so it does not tell edits.
        author=text(mapping(post.get("from")).get("id")) or native.partition("_")[0],
        author_bio=text(page.get("about")) or None,
        followers=count(page.get("followers_count")),
        verified=status != "not_verified" if status else None,
        location=_place(mapping(post.get("place"))),
        live="live"
        if flag(post.get("is_fb_live_videos"))
        else "ended"
        if flag(post.get("was_fb_live_videos"))
        else None,
        # An empty edge is left out, as is one that the key may not read; so it never says 'not sponsored'.
        sponsored=True if tags else None,
        media=_media(post, attachments),
        engagement=Engagement(
            likes=_total(post, "reactions"),
            comments=_total(post, "comments"),
            # Left out for posts without shares, and also where the key may not see them: unknown, not 0.
            shares=count(mapping(post.get("shares")).get("count")),
        ),
    )


def _is_share(post: Mapping[str, Any], attachments: Sequence[Mapping[str, Any]]) -> bool:
    """Somebody else's post passed on, rather than a link to another site."""
    linked = any(one.get("media_type") == "link" for one in attachments)
    return post.get("status_type") == "shared_story" and not linked


def _total(post: Mapping[str, Any], edge: str) -> int | None:
    return count(mapping(mapping(post.get(edge)).get("summary")).get("total_count"))


def _media(post: Mapping[str, Any], attachments: Sequence[Mapping[str, Any]]) -> tuple[Media, ...]:
    picture = _https(post.get("full_picture"))
    for one in attachments:
        if text(one.get("media_type")).startswith("video"):
            url = _https(one.get("url")) or _https(post.get("permalink_url"))
            return (Media(url, medium="video"),) if url else ()
    return (Media(picture, medium="image"),) if picture else ()


def _place(place: Mapping[str, Any]) -> str | None:
    """'Name, City, Country', or 'lat,lon' where the place has no words."""
    where = mapping(place.get("location"))
    words = [text(place.get("name")), text(where.get("city")), text(where.get("country"))]
    if any(words):
        return ", ".join(filter(None, words))
    spot = where.get("latitude"), where.get("longitude")
    return f"{spot[0]},{spot[1]}" if all(isinstance(one, (int, float)) for one in spot) else None


def _https(url: Any) -> str | None:
    return url if isinstance(url, str) and url.startswith("https://") else None
