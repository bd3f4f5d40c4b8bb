"""/sources: what is tracked. Rows that config/ declares can be read, paused, tested and collected, not changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.body import read_object
from api.context import services_of
from api.docs import json_body, problem_responses
from api.params import flag, one_of, parameter, read_params, refuse_unknown, text, whole_number
from api.present import show_source, show_visit
from api.problems import FieldError, Problem, field_problem, not_found
from api.schemas import CoverageOut, GapOut, IntervalOut, RunsOut, SourceChange, SourceIn, SourceOut, SourcesOut
from collectors.base import Source
from monitor.bootstrap import Services
from monitor.config import source_from_mapping, source_to_mapping
from monitor.core.model import TrackedSource
from monitor.core.source_id import slug_for
from monitor.standing import STATUSES, status_of, why_lost

router = APIRouter()

RESERVED = frozenset({"opml", "discover", "test"})
"""Words that stand in the place of an id in an address."""
DEFAULT_LIST, LONGEST_LIST = 500, 5000
_LIST = ("status", "platform", "collector", "content_type", "owner", "q", "limit", "after")
_EXAMPLE = {
    "id": "who-news",
    "collector": "feed",
    "url": "https://www.who.int/rss-feeds/news-english.xml",
    "name": "WHO news",
    "content_type": "news",
}


def source_from_body(services: Services, body: Mapping[str, Any]) -> Source:
    """The same checks as for config/ files. Raises Problem with one entry a field."""
    made = source_from_mapping(body, platforms=services.config.platforms)
    if isinstance(made, Source):
        return made
    errors = tuple(FieldError(error.field or "body", f"{error.what}; {error.instead}") for error in made)
    raise Problem("invalid-source", "; ".join(f"{one.field}: {one.message}" for one in errors)[:2000], errors)


def named_source(services: Services, name: str) -> TrackedSource:
    """Raises Problem for an unknown id."""
    found = services.store.source(name)
    if found is None:
        raise not_found(f"Source {name[:100]!r}", "GET /api/v1/sources")
    return found


@router.get(
    "/sources",
    summary="What is tracked, and how it fares",
    response_model=SourcesOut,
    responses=problem_responses(422, 503),
    openapi_extra={
        "parameters": [
            parameter("status", {"type": "string", "enum": list(STATUSES)}, "Only sources that fare so."),
            parameter("platform", {"type": "string", "maxLength": 100}, "Only this platform."),
            parameter("collector", {"type": "string", "maxLength": 100}, "Only this collector."),
            parameter("content_type", {"type": "string", "maxLength": 100}, "Only this prior content type."),
            parameter("owner", {"type": "string", "enum": ["config", "api"]}, "Only rows of this owner."),
            parameter("q", {"type": "string", "maxLength": 100}, "Part of id, name or address."),
            parameter("limit", {"type": "integer", "minimum": 1, "maximum": LONGEST_LIST}, "Sources on one page."),
            parameter("after", {"type": "string", "maxLength": 100}, "`next` of the page before."),
        ]
    },
)
def list_sources(request: Request) -> SourcesOut:
    """Ordered by id."""
    services = services_of(request)
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, _LIST)
    limit = whole_number(params, "limit", default=DEFAULT_LIST, most=LONGEST_LIST)
    status = one_of(params, "status", STATUSES, None)
    owner = one_of(params, "owner", ("config", "api"), None)
    asked = {name: text(params, name, longest=100) for name in ("platform", "collector", "content_type", "q", "after")}
    needle = (asked["q"] or "").casefold()
    tracked = services.store.sources()
    found = [
        one
        for one in tracked
        if (status is None or status_of(one) == status)
        and (owner is None or one.state.declared == (owner == "config"))
        and all(not asked[name] or getattr(one.source, name) == asked[name] for name in _LIST[1:4])
        and (not needle or needle in f"{one.source.id}\n{one.source.name}\n{one.source.url}".casefold())
    ]
    rest = [one for one in found if not asked["after"] or one.source.id > asked["after"]]
    now = services.clock()
    return SourcesOut(
        sources=[show_source(one, now) for one in rest[:limit]],
        total=len(found),
        counts=dict(Counter(status_of(one) for one in tracked)),
        next=rest[limit - 1].source.id if len(rest) > limit else None,
    )


@router.post(
    "/sources",
    status_code=201,
    summary="Track a source",
    response_model=SourceOut,
    responses=problem_responses(400, 409, 413, 415, 422, 503),
    openapi_extra=json_body(SourceIn, _EXAMPLE),
)
async def add_source(request: Request, response: Response) -> SourceOut:
    """It is visited at the next tick. Try it first with POST /sources/test."""
    services = services_of(request)
    body = await read_object(request)

    def add() -> SourceOut:
        if body.get("id") is None and isinstance(body.get("url"), str):
            taken = {one.source.id for one in services.store.sources()} | RESERVED
            body["id"] = slug_for(body["url"], taken=taken)
        source = source_from_body(services, body)
        if source.id in RESERVED:
            raise field_problem("id", f"{source.id!r} is a word of the API; choose another id.", "invalid-source")
        return show_source(services.store.add_source(source, services.clock()), services.clock())

    made = await run_in_threadpool(add)
    response.headers["Location"] = f"/api/v1/sources/{made.id}"
    return made


@router.get("/sources/{id}", summary="One source", response_model=SourceOut, responses=problem_responses(404, 422, 503))
def get_source(request: Request, id: str) -> SourceOut:  # noqa: A002 - the contract's word
    services = services_of(request)
    return show_source(named_source(services, id), services.clock())


@router.patch(
    "/sources/{id}",
    summary="Change a source",
    response_model=SourceOut,
    responses=problem_responses(400, 404, 409, 413, 415, 422, 503),
    openapi_extra=json_body(SourceChange, {"every": "2h", "name": None}),
)
async def change_source(request: Request, id: str) -> SourceOut:  # noqa: A002
    """RFC 7396 merge patch: what is given changes, null takes a value away, the id stays. `paused` works on all rows."""
    services = services_of(request)
    body = await read_object(request)

    def change() -> SourceOut:
        one = named_source(services, id)
        paused = body.pop("paused", None)
        if paused is not None and not isinstance(paused, bool):
            raise field_problem("paused", "paused is true or false.")
        if body.get("id", id) != id:
            raise field_problem("id", "An id cannot change; add a new source and remove this one.")
        if body:
            source = source_from_body(services, {**source_to_mapping(one.source), **body})
            if source != one.source:
                one = services.store.update_source(source, services.clock())
        if paused is not None and paused != one.state.paused:
            one = services.store.set_paused(id, paused, services.clock())
        return show_source(one, services.clock())

    return await run_in_threadpool(change)


@router.delete(
    "/sources/{id}",
    status_code=204,
    summary="Stop tracking a source",
    response_class=Response,
    responses=problem_responses(404, 409, 422, 503),
    openapi_extra={
        "parameters": [parameter("purge", {"type": "boolean", "default": False}, "Also delete its posts and counts.")]
    },
)
def remove_source(request: Request, id: str) -> Response:  # noqa: A002
    """Posts and counts stay, so that past answers do, unless `purge=true`."""
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("purge",))
    services = services_of(request)
    services.store.remove_source(id, purge=flag(params, "purge"), now=services.clock())
    return Response(status_code=204)


@router.post(
    "/sources/{id}/pause", summary="Pause", response_model=SourceOut, responses=problem_responses(404, 422, 503)
)
def pause_source(request: Request, id: str) -> SourceOut:  # noqa: A002
    """It is not visited until it is resumed; also for rows of config/."""
    services = services_of(request)
    return show_source(services.store.set_paused(id, True, services.clock()), services.clock())


@router.post(
    "/sources/{id}/resume", summary="Resume", response_model=SourceOut, responses=problem_responses(404, 422, 503)
)
def resume_source(request: Request, id: str) -> SourceOut:  # noqa: A002
    """Clears a stop and past failures; it is due at once."""
    services = services_of(request)
    return show_source(services.store.set_paused(id, False, services.clock()), services.clock())


@router.get(
    "/sources/{id}/runs",
    summary="Visits, newest first",
    response_model=RunsOut,
    responses=problem_responses(404, 422, 503),
    openapi_extra={
        "parameters": [
            parameter("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}, "How many at most.")
        ]
    },
)
def runs(request: Request, id: str) -> RunsOut:  # noqa: A002
    services = services_of(request)
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("limit",))
    limit = whole_number(params, "limit", default=50, most=500)
    named_source(services, id)
    return RunsOut(runs=[show_visit(visit) for visit in services.store.visits(id, limit=limit)])


@router.get(
    "/sources/{id}/coverage",
    summary="What was observed of it, and what was not",
    response_model=CoverageOut,
    responses=problem_responses(404, 422, 503),
)
def coverage(request: Request, id: str) -> CoverageOut:  # noqa: A002
    services = services_of(request)
    named_source(services, id)
    observed = services.store.coverage([id]).get(id, [])
    gaps = services.store.gaps(id)
    return CoverageOut(
        source=id,
        observed=[IntervalOut(since=one.since, until=one.until) for one in observed if one.until > one.since],
        gaps=[
            GapOut(since=one.since, until=one.until, reason=one.reason, says=why_lost(one.reason))
            for one in gaps
            if one.until - one.since > timedelta(0)
        ],
    )
