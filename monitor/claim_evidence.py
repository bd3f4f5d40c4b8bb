"""The posts behind a claim: what its numerator counts, in the window it was tested on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from monitor.core.claim import Claim, Filters, LevelTest, Posts, RankTest, ReferenceTest, TrendTest
from monitor.posts_query import by_country
from monitor.store.search import PostQuery

if TYPE_CHECKING:
    from monitor.core.model import Post
    from monitor.store.store import Store


@dataclass(frozen=True, slots=True)
class EvidencePage:
    posts: tuple[Post, ...]
    next: str | None
    """Cursor of the next page; None: this was the last."""
    of: str
    """What these posts are, in one sentence."""


def counted_posts(claim: Claim) -> list[Filters]:
    """The filters that any counted post passes one of; empty for a claim that counts no posts."""
    test = claim.test
    if isinstance(test, RankTest):
        sides = [side for one in test.comparisons for side in (one.higher, one.lower)]
        found = [one for side in sides for one in _both(side.numerator, side.denominator)]
        return [one for at, one in enumerate(found) if one not in found[:at]]
    if isinstance(test, TrendTest | LevelTest):
        return _both(test.numerator, test.denominator)
    if isinstance(test, ReferenceTest) and test.context is not None:
        return _both(test.context.numerator, test.context.denominator)
    return []


def _both(numerator: Posts, denominator: Posts) -> list[Filters]:
    """Posts in both sets as a list of filters; combinations that contradict each other fall away."""
    pairs = [(a, b) for a in numerator.any_of or ({},) for b in denominator.any_of or ({},)]
    return [joined for a, b in pairs if (joined := _joined(a, b)) is not None]


def _joined(a: Filters, b: Filters) -> Filters | None:
    joined = dict(a)
    for name, wanted in b.items():
        # A post may have several audiences and topics, so both sides narrow only what has one value
        values = tuple(one for one in joined.get(name, wanted) if one in wanted)
        if name in ("audience", "topic") and name in a and not values:
            values = a[name]
        if not values:
            return None
        joined[name] = values
    return joined


def evidence_page(
    store: Store, claim: Claim, document: Mapping[str, Any], *, limit: int, cursor: str | None
) -> EvidencePage:
    """The counted posts in the window of a document, most interactions first within each kind of post.

    Raises ValueError for a cursor that is not one of ours.
    """
    filters = counted_posts(claim)
    if not filters or document["since"] is None:
        return EvidencePage((), None, "This claim does not rest on posts.")
    since, until = (datetime.fromisoformat(document[name]).replace(tzinfo=UTC) for name in ("since", "until"))
    of = (
        f"Posts that this claim counts, published from {document['since']} until before {document['until']}, "
        "those with the most likes, comments and shares first."
    )
    at, within = _position(cursor, len(filters))
    posts: list[Post] = []
    while at < len(filters) and len(posts) < limit:
        query = PostQuery(
            filters=by_country({name: tuple(values) for name, values in filters[at].items()}),
            since=since,
            until=until,
            order="engagement",
            cursor=within,
            limit=limit - len(posts),
        )
        page = store.posts(query)
        posts += (post for post in page.posts if not _told(store, post, filters[:at]))
        within = page.next
        if within is None:
            at += 1
    return EvidencePage(tuple(posts), f"{at}.{within or ''}" if at < len(filters) else None, of)


def _position(cursor: str | None, kinds: int) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    at, dot, within = cursor.partition(".")
    if not dot or not at.isascii() or not at.isdigit() or int(at[:9]) >= kinds:
        raise ValueError("cursor is not one of this claim: leave it out to start from the first page")
    return int(at), within or None


def _told(store: Store, post: Post, earlier: Sequence[Filters]) -> bool:
    """The post was in an earlier part of the list."""
    return any(_passes(store, post, filters) for filters in earlier)


def _passes(store: Store, post: Post, filters: Filters) -> bool:
    tags = post.annotation
    own: dict[str, tuple[str, ...]] = {
        "content_type": (tags.content_type,),
        "audience": tags.audience,
        "topic": tags.topics or ("none",),
        "country": (tags.country or "unknown",),
        "language": (tags.language or "unknown",),
        "live": (str(tags.live).lower(),),
        "sponsored": (str(tags.sponsored).lower(),),
        "source": (post.source,),
    }
    if "platform" in filters:
        tracked = store.source(post.source)
        own["platform"] = () if tracked is None else (tracked.source.platform,)
    return all(not set(own[name]).isdisjoint(wanted) for name, wanted in by_country(filters).items())
