"""Instagram: the last day of a hashtag, and the posts of a named professional account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from collectors.base import (
    NOTHING_PROVED,
    Cursor,
    Drifted,
    Engagement,
    Item,
    Media,
    NotFound,
    Page,
    Stretch,
)
from collectors.graph.ask import Graph
from collectors.graph.faults import refused_topic
from collectors.graph.walk import Position, Sheet, Walk, make_page
from collectors.quota import Quota, Rolling
from collectors.reading import (
    UnreadableItemError,
    array,
    count,
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

NEEDS_HASHTAG = "the Instagram Public Content Access feature with instagram_basic"
NEEDS_ACCOUNT = "instagram_basic, instagram_manage_insights and pages_read_engagement with the Instagram Public Content Access feature"
HASHTAGS = Quota("hashtags", 30, "different hashtags", Rolling(timedelta(days=7)), distinct=True)
"""Asking for the posts of a hashtag counts, also where its id is known already."""
SHOWN = timedelta(hours=24)
"""How far back a hashtag is shown."""
HASHTAG_LIMIT = 50
ACCOUNT_LIMIT = 25

_HASHTAG_FIELDS = "id,caption,media_type,media_url,permalink,timestamp,comments_count,like_count"
_MEDIA_FIELDS = "id,caption,media_type,media_product_type,media_url,permalink,timestamp,like_count,comments_count"
_ACCOUNT_FIELDS = "id,username,biography,followers_count,media_count"
_TOO_MANY = "more posts in a day than `pages` allows: this day counts as not observed"


async def collect_hashtag(
    source: Source, tag: str, cursor: Cursor, access: Access, now: datetime, *, account: str, pages: int
) -> AsyncIterator[Page]:
    """All that the last 24 hours show, in no order. Raises CollectError only.

    Nothing tells where a visit left off: the mark for the next page has the same value on every page, so a visit ends
    where no mark is given or a page holds nothing that this visit has not seen.
    """
    graph = Graph(source, access, threads=False, needs=NEEDS_HASHTAG)
    await access.spend(HASHTAGS, what=f"{account}:{tag}")
    hashtag = text(cursor.get("hashtag")) or await _find_hashtag(graph, tag, account)
    resume = {"hashtag": hashtag}
    params: dict[str, str | int] = {"user_id": account, "fields": _HASHTAG_FIELDS, "limit": HASHTAG_LIMIT}
    seen: set[str] = set()
    while True:
        answer = await graph.get(f"{hashtag}/recent_media", params)
        pages -= 1
        ids = {text(mapping(post).get("id")) for post in array(mapping(answer.data).get("data"))} - seen
        seen |= ids
        after = mapping(mapping(mapping(answer.data).get("paging")).get("cursors")).get("after")
        if not ids or not isinstance(after, str):
            # What lies before was shown by nobody: only there is it a gap.
            whole = Stretch(now - SHOWN, now, gap="overflow")
            yield make_page(answer, whole, {**resume, "until": now.isoformat()}, {})
            return
        ends = pages <= 0 or answer.tired
        yield make_page(answer, NOTHING_PROVED, resume, {"note": _TOO_MANY} if ends else {})
        if ends:
            return
        params["after"] = after


async def _find_hashtag(graph: Graph, tag: str, account: str) -> str:
    """The id of a hashtag, which never changes."""
    try:
        answer = await graph.get("ig_hashtag_search", {"user_id": account, "q": tag})
    except Drifted as odd:
        if odd.code != "unknown_shape":
            raise
        # 'A generic error' is what Instagram answers for hashtags that it holds to be sensitive.
        raise refused_topic(graph.source, tag) from None
    except NotFound:
        raise NotFound(
            f"{graph.source.id}: Instagram knows no hashtag #{tag}, or does not show it. Check its spelling, and that the "
            "option `account` holds your own Instagram account's id.",
            code="http_404",
        ) from None
    data = array(mapping(answer.data).get("data"))
    found = mapping(data[0] if data else answer.data).get("id")
    if not isinstance(found, str):
        raise unknown_shape(graph.source, "the search for a hashtag brings no id")
    return found


async def collect_account(
    source: Source, name: str, cursor: Cursor, access: Access, now: datetime, *, account: str, days: int, pages: int
) -> AsyncIterator[Page]:
    """The posts of a professional account, newest first. Raises CollectError only."""
    graph = Graph(source, access, threads=False, needs=NEEDS_ACCOUNT)

    async def ask(at: Position | None, since: datetime) -> Sheet:
        mark = f".after({at['after']})" if at else ""
        media = f"media.limit({ACCOUNT_LIMIT}){mark}{{{_MEDIA_FIELDS}}}"
        fields = f"business_discovery.username({name}){{{_ACCOUNT_FIELDS},{media}}}"
        try:
            answer = await graph.get(account, {"fields": fields})
        except NotFound:
            raise NotFound(
                f"{source.id}: Instagram shows no professional account named {name!r}. Private, personal and age-gated "
                "accounts are not shown; check the name, and that the option `account` holds your own account's id.",
                code="http_404",
            ) from None
        listed = mapping(mapping(mapping(answer.data).get("business_discovery")).get("media"))
        posts = array(listed.get("data"))
        dates = [moment(mapping(post).get("timestamp")) for post in posts]
        after = mapping(mapping(listed.get("paging")).get("cursors")).get("after")
        ids = frozenset(post["id"] for post in posts if isinstance(post, Mapping) and isinstance(post.get("id"), str))
        following = {"after": after} if isinstance(after, str) and posts else None
        return Sheet(answer, ids, next((one for one in reversed(dates) if one), None), following)

    async for page in Walk(cursor, now, days, pages).go(ask):
        yield page


def entries_of(data: Mapping[str, Any]) -> tuple[list[Any] | None, Mapping[str, Any]]:
    """The posts of an answer, and the account they are of (empty for a hashtag). None: it holds no list of posts."""
    account = mapping(data.get("business_discovery"))
    if "business_discovery" in data:
        if "media" not in account and account.get("media_count") == 0:
            return [], account
        data = mapping(account.get("media"))
    posts = data.get("data")
    return (posts if isinstance(posts, list) else None), account


def read_media(media: Mapping[str, Any], account: Mapping[str, Any]) -> Item:
    """One post. A hashtag does not tell whose it is; hidden counts are left out by the platform, and are unknown."""
    native = needed(media.get("id"), "id")
    when = media.get("timestamp")
    # Left out where it was not asked for; anything else that is not a date is a fault.
    published = None if when is None else needed_moment(moment(when), "timestamp")
    caption = media.get("caption")
    if caption is not None and not isinstance(caption, str):
        raise UnreadableItemError("caption is not text")
    permalink = text(media.get("permalink"))
    return Item(
        id=native,
        url=permalink if permalink.startswith("https://") else None,
        text=caption or "",
        published_at=published,
        author=text(account.get("id")) or None,
        author_bio=text(account.get("biography")) or None,
        followers=count(account.get("followers_count")),
        media=_media(media, permalink),
        engagement=Engagement(likes=count(media.get("like_count")), comments=count(media.get("comments_count"))),
    )


def _media(media: Mapping[str, Any], permalink: str) -> tuple[Media, ...]:
    video = media.get("media_type") in ("VIDEO", "REELS") or media.get("media_product_type") == "REELS"
    medium = "video" if video else "image" if media.get("media_type") == "IMAGE" else ""
    # The file is withheld where it holds licensed music; that it is a video is worth knowing all the same.
    url = text(media.get("media_url")) or (permalink if video else "")
    return (Media(url, medium=medium),) if url.startswith("https://") else ()
