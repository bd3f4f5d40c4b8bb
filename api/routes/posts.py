"""GET /posts: the posts behind the numbers, each with its tags and why it has them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api import formats
from api.context import services_of
from api.docs import problem_responses
from api.params import (
    FORMAT,
    WINDOW,
    filter_parameters,
    one_of,
    only,
    parameter,
    read_params,
    refuse_unknown,
    text,
    whole_number,
)
from api.present import show_post
from api.problems import field_problem, not_found
from api.schemas import PostOut, PostsOut
from monitor.core.metrics import parse_query
from monitor.core.model import UNKNOWN
from monitor.core.query import FILTERS
from monitor.core.region import COUNTRIES, region_of
from monitor.store import PostPage, PostQuery, Store

router = APIRouter()

ORDERS = ("newest", "relevance", "engagement")
DEFAULT_PAGE, LARGEST_PAGE = 50, 500
LONGEST_SEARCH = 500
PARAMETERS = ("q", "cursor", "limit", "order", "format", "since", "until", *FILTERS)
COLUMNS = (
    "source", "id", "url", "title", "excerpt", "published_at", "date_guessed", "seen_at", "platform", "content_type",
    "subtype", "live", "sponsored", "audience", "language", "country", "region", "topics", "sentiment", "views",
    "likes", "comments", "shares", "duration", "words", "guests",
)  # fmt: skip

_DESCRIBED = [
    parameter("q", {"type": "string", "maxLength": LONGEST_SEARCH}, "Words to find in title and text.", example="flu"),
    parameter("order", {"type": "string", "enum": list(ORDERS)}, "Default: relevance with q, otherwise newest."),
    parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": DEFAULT_PAGE},
        "Posts on one page.",
    ),
    parameter("cursor", {"type": "string", "maxLength": 500}, "`next` of the page before, with the same query."),
    *WINDOW,
    *filter_parameters(),
    FORMAT,
]


@router.get(
    "/posts",
    summary="Search posts",
    response_model=PostsOut,
    responses={
        200: {"content": {"text/csv": {}, "application/vnd.apache.parquet": {}}},
        **problem_responses(406, 422, 503),
    },
    openapi_extra={"parameters": _DESCRIBED},
)
async def posts(request: Request) -> Any:
    """One page; `next` (and a `Link` header) lead to the following one. CSV and Parquet hold the same page."""
    params = read_params(request.scope["query_string"])
    format_ = formats.choose(only(params, "format"), request.headers.get("accept", ""))
    services = services_of(request)
    query = _read(params, services.clock())
    page = await run_in_threadpool(_page, services.store, query)
    platforms = await run_in_threadpool(_platforms, services.store, {post.source for post in page.posts})
    shown = [show_post(post, platforms.get(post.source)) for post in page.posts]
    headers = {"Vary": "Accept, Authorization"}
    if page.next is not None:
        following = request.url.include_query_params(cursor=page.next)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    if format_ == "json":
        document = PostsOut(posts=shown, next=page.next)
        return Response(document.model_dump_json(), 200, headers, formats.MEDIA_TYPES["json"])
    body = await run_in_threadpool(formats.encode, format_, [_row(post) for post in shown], COLUMNS)
    headers["Content-Disposition"] = f'attachment; filename="posts.{format_}"'
    return Response(body, 200, headers, formats.MEDIA_TYPES[format_])


@router.get(
    "/posts/{source}/{post:path}",
    summary="One post",
    response_model=PostOut,
    responses=problem_responses(404, 422, 503),
)
def post(request: Request, source: str, post: str) -> PostOut:
    """`post` is the id within its source, percent-encoded."""
    store = services_of(request).store
    found = store.post(source, post)
    if found is None:
        raise not_found(f"Post {post[:100]!r} of source {source[:100]!r}", "GET /api/v1/posts")
    return show_post(found, _platforms(store, {source}).get(source))


def _read(params: dict[str, list[str]], now: datetime) -> PostQuery:
    refuse_unknown(params, PARAMETERS)
    search = (text(params, "q", longest=LONGEST_SEARCH) or "").strip()
    # the trends query knows how filters and dates are written; a month is the coarsest bucket, so any window fits
    shared = {name: params[name] for name in ("since", "until", *FILTERS) if name in params}
    asked = parse_query({**shared, "interval": ["month"]}, now=now)
    order = one_of(params, "order", ORDERS, "relevance" if search else "newest")
    if order == "relevance" and not search:
        order = "newest"
    return PostQuery(
        q=search or None,
        filters=_by_country(asked.filters),
        since=_midnight(asked.since) if only(params, "since") else None,
        until=_midnight(asked.until) if only(params, "until") else None,
        order=order,  # type: ignore[arg-type]  # one_of let only these through
        cursor=text(params, "cursor", longest=500),
        limit=whole_number(params, "limit", default=DEFAULT_PAGE, most=LARGEST_PAGE),
    )


def _by_country(filters: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The store knows countries, not regions: a region is its countries, and those whose region is unknown have none."""
    found = {name: wanted for name, wanted in filters.items() if name != "region"}
    if "region" in filters:
        regions = filters["region"]
        members = {code for code in (*COUNTRIES, UNKNOWN) if _region(code) in regions}
        asked = set(found.get("country", members))
        found["country"] = tuple(sorted(asked & members))
    return found


def _region(country: str) -> str:
    return region_of(None if country == UNKNOWN else country)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _page(store: Store, query: PostQuery) -> PostPage:
    try:
        return store.posts(query)
    except ValueError as error:
        message = str(error)
        if message.startswith("cursor"):
            raise field_problem("cursor", f"This {message}.", "bad-cursor") from None
        raise field_problem("q", f"{message}.") from None


def _platforms(store: Store, sources: set[str]) -> dict[str, str]:
    found = {}
    for name in sources:
        tracked = store.source(name)
        if tracked is not None:
            found[name] = tracked.source.platform
    return found


def _row(post: PostOut) -> dict[str, Any]:
    row = {column: getattr(post, column, None) for column in COLUMNS}
    row.update(post.engagement.model_dump())
    row.update(audience=",".join(post.audience), topics=",".join(post.topics))
    return row
