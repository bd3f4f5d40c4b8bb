"""What reaches out to the network: test a source, collect it now, find feeds; and OPML in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.body import read_bytes, read_object
from api.context import services_of
from api.docs import json_body, problem_responses
from api.params import only, parameter, read_params, refuse_unknown, whole_number
from api.present import show_preview, show_visit
from api.problems import Problem, field_problem
from api.routes.sources import named_source, source_from_body
from api.schemas import CandidateOut, CandidatesOut, OpmlReportOut, PreviewOut, SkippedOut, SourceIn, VisitOut
from collectors.base import CollectError
from monitor.core.source_id import slug_for
from monitor.opml import add_outlines, list_feeds

router = APIRouter()

OPML_TYPES = ("text/x-opml", "text/x-opml+xml", "application/xml", "text/xml", "application/octet-stream")
_PREVIEWED = parameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "Posts shown.")


@router.get(
    "/sources/opml",
    summary="All feeds as OPML",
    response_class=Response,
    responses={200: {"content": {"text/x-opml": {"schema": {"type": "string"}}}}, **problem_responses(503)},
)
def export_opml(request: Request) -> Response:
    """Sources of other collectors are left out: their addresses are not feeds. `GET /api/v1/sources` has them all."""
    made = list_feeds(services_of(request).store.sources())
    headers = {"Content-Disposition": 'attachment; filename="trendmonitor.opml"'}
    return Response(made.document, 200, headers, "text/x-opml; charset=utf-8")


@router.post(
    "/sources/opml",
    summary="Track every feed of an OPML document",
    response_model=OpmlReportOut,
    responses=problem_responses(400, 413, 415, 422, 503),
    openapi_extra={
        "requestBody": {"required": True, "content": {"text/x-opml": {"schema": {"type": "string", "minLength": 1}}}}
    },
)
async def import_opml(request: Request) -> OpmlReportOut:
    """Malformed parts are skipped and reported; addresses that are tracked already stay as they are."""
    services = services_of(request)
    data = await read_bytes(request, OPML_TYPES, OPML_TYPES[0])
    try:
        report = await run_in_threadpool(add_outlines, services, data)
    except (CollectError, ValueError) as error:
        raise Problem("malformed-body", f"This cannot be read as OPML: {error}") from error
    return OpmlReportOut(
        added=list(report.added),
        known=list(report.known),
        skipped=[SkippedOut(what=what, why=why) for what, why in report.skipped],
    )


@router.get(
    "/sources/discover",
    summary="Feeds at or behind an address",
    response_model=CandidatesOut,
    responses=problem_responses(403, 422, 503),
    openapi_extra={
        "parameters": [
            parameter(
                "url",
                {"type": "string", "maxLength": 2000},
                "A page, feed or site.",
                example="example.org",
                required=True,
            )
        ]
    },
)
async def discover(request: Request) -> CandidatesOut:
    """Best first, only feeds that could be read just now. Asks the address itself, so it takes seconds."""
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Problem("cross-site", "A page of another site asked to look at an address; nothing was fetched.")
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("url",))
    address = (only(params, "url") or "").strip()
    if not address or len(address) > 2000 or not address.isprintable() or " " in address:
        raise field_problem("url", "url is a web address such as https://example.org, of at most 2,000 characters.")
    if "://" not in address:
        address = f"https://{address}"
    services = services_of(request)
    found = await services.previews.discover(address)
    tracked = await run_in_threadpool(services.store.sources)
    known = {one.source.url: one.source.id for one in tracked}
    return CandidatesOut(
        candidates=[
            CandidateOut(
                url=one.url,
                title=one.title,
                format=one.format,
                items=one.items,
                newest=one.newest,
                language=one.language,
                found=one.found,
                source=known.get(one.url),
            )
            for one in found
        ]
    )


@router.post(
    "/sources/test",
    summary="Try a source without tracking it",
    response_model=PreviewOut,
    responses=problem_responses(400, 413, 415, 422, 503),
    openapi_extra={
        "parameters": [_PREVIEWED],
        **json_body(SourceIn, {"collector": "feed", "url": "https://example.org/feed.xml"}),
    },
)
async def test_new(request: Request) -> PreviewOut:
    """Fetches the first page and tags it. An address that fails is an answer too: `ok` is false, `error` says why."""
    services = services_of(request)
    limit = _limit(request)
    body = await read_object(request)
    if body.get("id") is None and isinstance(body.get("url"), str):
        body["id"] = slug_for(body["url"], taken=())
    source = source_from_body(services, body)
    return show_preview(await services.previews.preview(source, limit=limit))


@router.post(
    "/sources/{id}/test",
    summary="Try a tracked source without storing anything",
    response_model=PreviewOut,
    responses=problem_responses(404, 422, 503),
    openapi_extra={"parameters": [_PREVIEWED]},
)
async def test_tracked(request: Request, id: str) -> PreviewOut:  # noqa: A002 - the contract's word
    services = services_of(request)
    limit = _limit(request)
    one = await run_in_threadpool(named_source, services, id)
    return show_preview(await services.previews.preview(one.source, limit=limit))


@router.post(
    "/sources/{id}/collect",
    summary="Visit a source now",
    response_model=VisitOut,
    responses=problem_responses(404, 409, 422, 503),
)
async def collect(request: Request, id: str) -> VisitOut:  # noqa: A002
    """Whether due or not. What fails at the source is in the answer, not an error of the API."""
    services = services_of(request)
    await run_in_threadpool(named_source, services, id)
    if services.generated:
        raise Problem("generated-data", "This database holds generated posts; nothing is collected into it.")
    report = await services.collection.collect([id])
    if not report.visits:
        raise Problem("busy", f"{id} is being collected by another process right now; look at its runs in a moment.")
    return show_visit(report.visits[0])


def _limit(request: Request) -> int:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("limit",))
    return whole_number(params, "limit", default=20, most=100)
