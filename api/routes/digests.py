"""/digests: what is sent when and where, what it would say now, and every issue that was composed.

Digests that config/ declares can be read, previewed, sent, tested and paused here; they are changed there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.atom import MEDIA_TYPE as ATOM
from api.atom import feed_of
from api.auth import could_write
from api.body import read_object
from api.context import services_of
from api.docs import json_body, problem_responses
from api.issue_views import CONTENT, VIEWS, choose_view, show_body, show_document, show_message
from api.params import flag, only, parameter, read_params, refuse_unknown, whole_number
from api.problems import FieldError, Problem, field_problem
from api.schemas_digests import (
    DigestChange,
    DigestIn,
    DigestOut,
    DigestsOut,
    IssueDetailOut,
    IssueOut,
    IssuesOut,
    PreviewedOut,
    ReceiptOut,
)
from monitor.config_digests import digest_from_mapping
from monitor.config_posts import Names
from monitor.config_yaml import nearest
from monitor.core.digest import DigestSpec
from monitor.deliver.base import DeliveryError
from monitor.digest_document import digest_document, issue_document, message_document, receipt_document
from monitor.digests import InvalidDigest, UnknownDigest, UnknownIssue
from monitor.store.errors import OwnedByConfig

if TYPE_CHECKING:
    from monitor.bootstrap import Services

router = APIRouter()

DEFAULT_ISSUES, MOST_ISSUES = 20, 500
IN_FEED = 20
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_EXAMPLE = {
    "title": "Weekly telehealth",
    "schedule": "weekly on monday 08:00 Europe/Berlin",
    "channels": [{"kind": "file", "to": [], "options": {"formats": ["html", "json"]}}],
    "filters": {"topic": ["telehealth"]},
    "quiet": "if_changed",
}
_VIEW = parameter(
    "format", {"type": "string", "enum": list(VIEWS)}, "json, or what readers get; precedes the Accept header."
)
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing changed since the answer with that ETag."}
}


@contextmanager
def _told() -> Iterator[None]:
    """What the service refuses, as problems."""
    try:
        yield
    except (UnknownDigest, UnknownIssue) as error:
        raise Problem("not-found", str(error)) from None
    except InvalidDigest as error:
        fields = [(problem.partition(":")[0], problem) for problem in error.problems]
        errors = tuple(FieldError(name if name == "schedule" else "channels", told) for name, told in fields)
        raise Problem("invalid-digest", str(error)[:2000], errors) from None
    except OwnedByConfig as error:
        raise Problem(
            "owned-by-config", f"{error}. Here it can be previewed, sent, tested, paused and resumed."
        ) from None


def spec_from_body(services: Services, body: dict[str, Any]) -> DigestSpec:
    """The same checks as for config/digests.yaml, and those of this machine. Raises Problem with one entry a field."""
    config = services.config
    made = digest_from_mapping(body, names=Names(config.taxonomy, config.platforms), declared=False)
    if isinstance(made, DigestSpec):
        errors = [
            FieldError(f"channels.{place}", problem)
            for place, channel in enumerate(made.channels)
            for problem in services.digests.problems(replace(made, channels=(channel,)))
        ]
        errors += _unknown_sources(services, made)
        if not errors:
            return made
    else:
        errors = [FieldError(error.field or "body", f"{error.what}; {error.instead}") for error in made]
    raise Problem("invalid-digest", "; ".join(f"{one.field}: {one.message}" for one in errors)[:2000], errors)


def _unknown_sources(services: Services, spec: DigestSpec) -> list[FieldError]:
    """A source may come later than a digest of config/ that names it; who asks now has a slip of the pen."""
    wanted = spec.filters.get("source", ())
    known = {one.source.id for one in services.store.sources()} if wanted else set()
    return [
        FieldError("filters.source", f"there is no source {name[:100]!r}; {nearest(name[:100], sorted(known))}")
        for name in wanted
        if name not in known
    ]


@router.get(
    "/digests",
    summary="Every digest: when, where, and how it went last",
    response_model=DigestsOut,
    responses=problem_responses(422, 503),
)
def list_digests(request: Request) -> DigestsOut:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    digests, reveal = services_of(request).digests, could_write(request)
    return DigestsOut(digests=[DigestOut(**digest_document(digests, spec, reveal=reveal)) for spec in digests.specs()])


@router.post(
    "/digests",
    status_code=201,
    summary="Make a digest",
    response_model=DigestOut,
    responses=problem_responses(400, 409, 413, 415, 422, 503),
    openapi_extra=json_body(DigestIn, {"id": "weekly-telehealth", **_EXAMPLE}),
)
async def add_digest(request: Request, response: Response) -> DigestOut:
    """Runs count from now on. Look at it with GET /digests/{id}/preview, and prove each channel with
    POST /digests/{id}/test."""
    services = services_of(request)
    body = await read_object(request)

    def add() -> DigestOut:
        if body.get("id") is None:
            raise field_problem("id", "id is missing: give the digest a short name such as weekly.", "invalid-digest")
        with _told():
            made = services.digests.create(spec_from_body(services, body))
        return _shown(request, made)

    made = await run_in_threadpool(add)
    response.headers["Location"] = f"/api/v1/digests/{made.id}"
    return made


@router.get("/digests/{id}", summary="One digest", response_model=DigestOut, responses=problem_responses(404, 422, 503))
def get_digest(request: Request, id: str) -> DigestOut:  # noqa: A002 - the contract's word
    with _told():
        return _shown(request, services_of(request).digests.spec(id))


@router.put(
    "/digests/{id}",
    summary="Replace a digest",
    response_model=DigestOut,
    responses=problem_responses(400, 404, 409, 413, 415, 422, 503),
    openapi_extra=json_body(DigestChange, _EXAMPLE),
)
async def change_digest(request: Request, id: str) -> DigestOut:  # noqa: A002
    """What is left out goes back to its default. Issues stay; with another schedule, runs count from now on."""
    services = services_of(request)
    body = await read_object(request)

    def change() -> DigestOut:
        with _told():
            services.digests.spec(id)  # a digest that is not there is the first thing to say
            if body.get("id", id) != id:
                raise field_problem("id", "An id cannot change; make a new digest and delete this one.")
            return _shown(request, services.digests.update(spec_from_body(services, {**body, "id": id})))

    return await run_in_threadpool(change)


@router.delete(
    "/digests/{id}",
    status_code=204,
    summary="Delete a digest with its issues",
    response_class=Response,
    responses=problem_responses(404, 409, 422, 503),
)
def remove_digest(request: Request, id: str) -> Response:  # noqa: A002
    with _told():
        services_of(request).digests.remove(id)
    return Response(status_code=204)


@router.post(
    "/digests/{id}/pause", summary="Pause", response_model=DigestOut, responses=problem_responses(404, 422, 503)
)
def pause_digest(request: Request, id: str) -> DigestOut:  # noqa: A002
    """Runs in between are left out, not missed; also for digests of config/. Sending by hand still works."""
    with _told():
        return _shown(request, services_of(request).digests.pause(id))


@router.post(
    "/digests/{id}/resume", summary="Resume", response_model=DigestOut, responses=problem_responses(404, 422, 503)
)
def resume_digest(request: Request, id: str) -> DigestOut:  # noqa: A002
    with _told():
        return _shown(request, services_of(request).digests.pause(id, False))


@router.get(
    "/digests/{id}/preview",
    summary="What would be sent now",
    response_class=Response,
    responses={
        200: {"model": PreviewedOut, "description": "Of the latest complete period.", "content": CONTENT},
        **problem_responses(404, 406, 422, 503),
    },
    openapi_extra={
        "parameters": [
            parameter(
                "at",
                {"type": "string", "maxLength": 40},
                "Of the latest complete period before this moment (ISO 8601, UTC unless it carries an offset).",
                example="2026-10-05T08:00:00Z",
            ),
            _VIEW,
        ]
    },
)
def preview(request: Request, id: str) -> Response:  # noqa: A002
    """Nothing is stored and nothing is sent. An earlier period is told with what is stored of it now."""
    params = read_params(request.scope["query_string"])
    view = choose_view(only(params, "format"), request.headers.get("accept", ""))
    refuse_unknown(params, ("at", "format"))
    services = services_of(request)
    at = _moment(only(params, "at"), services.clock())
    with _told():
        message = services.digests.preview(id, at=at)
    if view == "json":
        return show_document(request, message_document(message))
    return show_message(message, view)


@router.post(
    "/digests/{id}/send",
    summary="Send the latest issue now",
    response_model=IssueOut,
    responses=problem_responses(404, 422, 503),
    openapi_extra={
        "parameters": [
            parameter("again", {"type": "boolean", "default": False}, "Also to those who have confirmed it already.")
        ]
    },
)
async def send(request: Request, id: str) -> IssueOut:  # noqa: A002
    """The issue of the latest complete period, composed if there is none yet, to everybody who has not got it. Waits
    until every channel was tried; what they answered is in `deliveries`."""
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("again",))
    again = flag(params, "again")
    with _told():
        issue = await services_of(request).digests.send(id, again=again)
    return IssueOut(**issue_document(issue, reveal=await run_in_threadpool(could_write, request)))


@router.post(
    "/digests/{id}/test",
    summary="Prove a channel",
    response_model=ReceiptOut,
    responses=problem_responses(404, 422, 503),
    openapi_extra={
        "parameters": [
            parameter(
                "channel",
                {"type": "integer", "minimum": 0, "maximum": 99, "default": 0},
                "Place of the channel in the digest, from 0.",
            )
        ]
    },
)
async def test(request: Request, id: str) -> ReceiptOut:  # noqa: A002
    """Sends a message that says it is a test to everybody of this channel, and tells the answer. Leaves no trace."""
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("channel",))
    place = whole_number(params, "channel", default=0, least=0, most=99)
    digests = services_of(request).digests
    with _told():
        spec = await run_in_threadpool(digests.spec, id)
        if place >= len(spec.channels):
            message = f"{id} has {len(spec.channels)} channels, counted from 0; there is no channel {place}."
            raise field_problem("channel", message)
        try:
            receipt = await digests.test(id, place)
        except DeliveryError as error:
            again = " It may work later." if error.temporary else ""
            raise Problem("delivery-failed", f"{error.message}{again}", (FieldError("channel", str(place)),)) from None
    reveal = await run_in_threadpool(could_write, request)
    return ReceiptOut(**receipt_document(receipt, spec.channels[place], place, reveal=reveal))


@router.get(
    "/digests/{id}/issues",
    summary="The issues of a digest, newest first",
    response_model=IssuesOut,
    responses=problem_responses(404, 422, 503),
    openapi_extra={
        "parameters": [
            parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST_ISSUES, "default": DEFAULT_ISSUES},
                "How many at most.",
            )
        ]
    },
)
def issues(request: Request, id: str) -> IssuesOut:  # noqa: A002
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("limit",))
    limit = whole_number(params, "limit", default=DEFAULT_ISSUES, most=MOST_ISSUES)
    reveal = could_write(request)
    with _told():
        found = services_of(request).digests.issues(id, limit=limit)
    return IssuesOut(issues=[IssueOut(**issue_document(one, reveal=reveal)) for one in found])


@router.get(
    "/digests/{id}/issues/{number}",
    summary="One issue, as it was composed",
    response_class=Response,
    responses={
        200: {"model": IssueDetailOut, "description": "Its document and its deliveries.", "content": CONTENT},
        **_NOT_MODIFIED,
        **problem_responses(404, 406, 422, 503),
    },
    openapi_extra={"parameters": [_VIEW]},
)
def issue(request: Request, id: str, number: int) -> Response:  # noqa: A002
    """The document never changes. Runs that were missed have none, and no other view than JSON."""
    params = read_params(request.scope["query_string"])
    view = choose_view(only(params, "format"), request.headers.get("accept", ""))
    refuse_unknown(params, ("format",))
    digests = services_of(request).digests
    with _told():
        if not 1 <= number < 2**31:
            raise UnknownIssue(f"Issues are counted from 1; GET /api/v1/digests/{id[:80]}/issues lists them.")
        if view != "json":
            return show_message(digests.message(id, number), view)
        found = digests.issue(id, number)
        document = None if found.status == "missed" else digests.document(id, number)
    shown = issue_document(found, reveal=could_write(request))
    return show_document(request, {**shown, "document": document})


@router.get(
    "/digests/{id}/atom",
    summary="The issues as an Atom feed",
    response_class=Response,
    responses={
        200: {"content": {ATOM: {"schema": {"type": "string"}}}, "description": "RFC 4287."},
        **_NOT_MODIFIED,
        **problem_responses(404, 422, 503),
    },
)
def atom(request: Request, id: str) -> Response:  # noqa: A002
    """The latest issues whatever their channels; quiet ones are left out. Where reading needs a key, give it as the
    password of HTTP Basic."""
    refuse_unknown(read_params(request.scope["query_string"]), ())
    services = services_of(request)
    base = services.settings.public_url or str(request.base_url).rstrip("/")
    with _told():
        body = feed_of(services.digests, services.store, id, base=base, now=services.clock(), limit=IN_FEED)
    return show_body(request, body, f"{ATOM}; charset=utf-8")


def _shown(request: Request, spec: DigestSpec) -> DigestOut:
    return DigestOut(**digest_document(services_of(request).digests, spec, reveal=could_write(request)))


def _moment(text: str | None, now: datetime) -> datetime | None:
    """Raises Problem for what is no moment, or one without a complete period before it."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise field_problem("at", f"at is a moment such as 2026-10-05T08:00:00Z, not {text[:60]!r}.") from None
    if not EARLIEST <= at <= now + timedelta(minutes=1):
        raise field_problem("at", f"at lies between {EARLIEST:%Y-%m-%d} and now.")
    return at
