"""GET /posts: the posts behind the numbers, each with its tags and why it has them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api import formats
from api.context import services_of
from api.docs import problem_responses
from api.params import FORMAT, WINDOW, filter_parameters, flag_parameter, only, parameter, read_params, refuse_unknown
from api.present import show_post
from api.problems import field_problem, not_found
from api.schemas import PostOut, PostsOut
from monitor.posts_query import (
    DEFAULT_PAGE,
    FLAG,
    LONGEST_CURSOR,
    LONGEST_SEARCH,
    ORDERS,
    PARAMETERS,
    parse_posts_query,
)
from monitor.store import PostPage, PostQuery, Store
from monitor.store.search import LARGEST_PAGE

router = APIRouter()

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
    parameter(
        "cursor", {"type": "string", "maxLength": LONGEST_CURSOR}, "`next` of the page before, with the same query."
    ),
    *WINDOW,
    *filter_parameters(),
    flag_parameter(FLAG, "Only posts that repeat an earlier one (true), or only first and single ones (false)."),
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
    refuse_unknown(params, (*PARAMETERS, "format"))
    params.pop("format", None)
    services = services_of(request)
    query = parse_posts_query(params, now=services.clock())
    page = await run_in_threadpool(_page, services.store, query)
    platforms = await run_in_threadpool(platforms_of, services.store, {post.source for post in page.posts})
    shown = [show_post(post, platforms.get(post.source)) for post in page.posts]
    headers = {"Vary": "Accept, Authorization"}
    if page.next is not None:
        following = request.url.include_query_params(cursor=page.next)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    if format_ == "json":
        document = PostsOut(posts=shown, next=page.next)
        return Response(document.model_dump_json(), 200, headers, formats.MEDIA_TYPES["json"])
    body = await run_in_threadpool(formats.encode, format_, [row_of(post) for post in shown], COLUMNS)
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
    return show_post(found, platforms_of(store, {source}).get(source))


def _page(store: Store, query: PostQuery) -> PostPage:
    try:
        return store.posts(query)
    except ValueError as error:
        message = str(error)
        if message.startswith("cursor"):
            raise field_problem("cursor", f"This {message}.", "bad-cursor") from None
        raise field_problem("q", f"{message}.") from None


def platforms_of(store: Store, sources: set[str]) -> dict[str, str]:
    found = {}
    for name in sources:
        tracked = store.source(name)
        if tracked is not None:
            found[name] = tracked.source.platform
    return found


def row_of(post: PostOut) -> dict[str, Any]:
    row = {column: getattr(post, column, None) for column in COLUMNS}
    row.update(post.engagement.model_dump())
    row.update(audience=",".join(post.audience), topics=",".join(post.topics))
    return row
