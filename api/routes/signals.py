"""/signals: sudden changes of what is watched, what people said about them, and the posts behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api import formats
from api.body import read_object
from api.context import services_of
from api.docs import json_body, problem_responses
from api.issue_views import show_document
from api.params import FORMAT, one_of, only, parameter, read_params, refuse_unknown, whole_number
from api.params import text as text_of
from api.present import show_post
from api.problems import Problem, field_problem
from api.routes.posts import platforms_of
from api.schemas_digests import (
    AcknowledgeIn,
    MuteIn,
    MuteOut,
    SignalEvidenceOut,
    SignalOut,
    SignalsOut,
)
from monitor.core.signals.series import State
from monitor.posts_query import LONGEST_CURSOR
from monitor.signal_watch import UnknownSignal

router = APIRouter()

DEFAULT_LIST, LONGEST_LIST = 100, 1000
DEFAULT_EVIDENCE, MOST_EVIDENCE = 20, 100
STATES: tuple[str, ...] = get_args(State)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = (
    "id", "key", "dimension", "value", "label", "says", "size", "direction", "state", "since", "until", "observed",
    "expected", "low", "high", "ratio", "peak", "p", "detectors", "n_sources", "top_source_share", "copies_only",
    "opened_at", "updated_at", "ended_at", "acknowledged_at", "acknowledged_why", "muted_until", "muted_why", "muted",
)  # fmt: skip
_FORMATS: dict[str, Any] = {"text/csv": {}, "application/vnd.apache.parquet": {}}


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UnknownSignal as error:
        raise Problem("not-found", str(error)) from None


@router.get(
    "/signals",
    summary="Sudden changes, newest news first",
    response_class=Response,
    responses={
        200: {"model": SignalsOut, "description": "Muted ones among them.", "content": _FORMATS},
        304: {"description": "Nothing changed since the answer with that ETag."},
        **problem_responses(406, 422, 503),
    },
    openapi_extra={
        "parameters": [
            parameter("state", {"type": "string", "enum": list(STATES)}, "Only signals in this state."),
            parameter(
                "since",
                {"type": "string", "maxLength": 40},
                "Only signals that were open at any time since (an ISO date or date-time, UTC).",
                example="2026-10-01",
            ),
            parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": LONGEST_LIST, "default": DEFAULT_LIST},
                "How many at most.",
            ),
            FORMAT,
        ]
    },
)
def signals(request: Request) -> Response:
    """CSV and Parquet hold one row a signal."""
    params = read_params(request.scope["query_string"])
    format_ = formats.choose(only(params, "format"), request.headers.get("accept", ""))
    refuse_unknown(params, ("state", "since", "limit", "format"))
    limit = whole_number(params, "limit", default=DEFAULT_LIST, most=LONGEST_LIST)
    state = one_of(params, "state", STATES, None)
    told = only(params, "since")
    since = None if told is None else _moment("since", told)
    watch = services_of(request).signal_watch
    found = [watch.document(one) for one in watch.signals(state=state, since=since, limit=limit)]
    if format_ == "json":
        return show_document(request, {"signals": found, "generated": services_of(request).generated})
    rows = [{**one, "detectors": ",".join(one["detectors"])} for one in found]
    headers = {"Vary": "Accept, Authorization", "Content-Disposition": f'attachment; filename="signals.{format_}"'}
    return Response(formats.encode(format_, rows, COLUMNS), 200, headers, formats.MEDIA_TYPES[format_])


@router.get(
    "/signals/{id}",
    summary="One signal",
    response_model=SignalOut,
    responses=problem_responses(404, 422, 503),
)
def signal(request: Request, id: str) -> SignalOut:  # noqa: A002 - the name in the address
    watch = services_of(request).signal_watch
    with _told():
        return SignalOut(**watch.document(watch.signal(id)))


@router.get(
    "/signals/{id}/evidence",
    summary="The posts behind a signal",
    response_model=SignalEvidenceOut,
    responses=problem_responses(404, 422, 503),
    openapi_extra={
        "parameters": [
            parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST_EVIDENCE, "default": DEFAULT_EVIDENCE},
                "Posts on one page.",
            ),
            parameter("cursor", {"type": "string", "maxLength": LONGEST_CURSOR}, "`next` of the page before."),
        ]
    },
)
def evidence(request: Request, id: str) -> SignalEvidenceOut:  # noqa: A002
    """Those with the most interactions first."""
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("limit", "cursor"))
    limit = whole_number(params, "limit", default=DEFAULT_EVIDENCE, most=MOST_EVIDENCE)
    cursor = text_of(params, "cursor", longest=LONGEST_CURSOR)
    services = services_of(request)
    with _told():
        services.signal_watch.signal(id)
        try:
            page = services.signal_watch.evidence(id, limit, cursor)
        except ValueError as error:
            message = "cursor is not one of ours for this signal: leave it out to start from the first page."
            raise field_problem("cursor", message, "bad-cursor") from error
    platforms = platforms_of(services.store, {post.source for post in page.posts})
    shown = [show_post(post, platforms.get(post.source)) for post in page.posts]
    return SignalEvidenceOut(posts=shown, next=page.next)


@router.post(
    "/signals/{id}/ack",
    summary="Say that somebody has seen it",
    response_model=SignalOut,
    responses=problem_responses(400, 404, 413, 415, 422, 503),
    openapi_extra=json_body(AcknowledgeIn, {"note": "The congress week; nothing to do."}),
)
async def acknowledge(request: Request, id: str) -> SignalOut:  # noqa: A002
    """It is followed on; a later note takes this one's place."""
    body = await read_object(request)
    _refuse_other(body, ("note",))
    note = _words(body, "note")
    watch = services_of(request).signal_watch

    def ack() -> SignalOut:
        with _told():
            watch.signal(id)
            try:
                return SignalOut(**watch.document(watch.acknowledge(id, note)))
            except ValueError as error:
                raise field_problem("note", str(error)) from None

    return await run_in_threadpool(ack)


@router.post(
    "/signals/{id}/mute",
    summary="Tell nobody of it for a while",
    response_model=MuteOut,
    responses=problem_responses(400, 404, 413, 415, 422, 503),
    openapi_extra=json_body(MuteIn, {"until": "2026-12-31", "reason": "A known campaign runs until then."}),
)
async def mute(request: Request, id: str) -> MuteOut:  # noqa: A002
    """`id` is that of a signal, or a key such as `topic=telehealth` for all its signals. It is followed all the same;
    a moment in the past lifts it."""
    body = await read_object(request)
    _refuse_other(body, ("until", "reason"))
    until, reason = _moment("until", _words(body, "until")), _words(body, "reason")
    watch = services_of(request).signal_watch

    def quieten() -> MuteOut:
        with _told():
            try:
                made = watch.mute(id, until, reason)
            except ValueError as error:
                raise field_problem("until" if "years" in str(error) else "reason", str(error)) from None
        return MuteOut(subject=made.subject, until=made.until, reason=made.why, at=made.at)

    return await run_in_threadpool(quieten)


def _refuse_other(body: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in body:
        if name not in known:
            raise field_problem(name[:100], f"There is no {name[:60]!r} here; known: {', '.join(known)}.")


def _words(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise field_problem(name, f"{name} is missing: write a few words." if name != "until" else "until is missing.")
    return value


def _moment(name: str, text: str) -> datetime:
    """An ISO date or date-time as aware UTC. Raises Problem."""
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise field_problem(name, f"{name} is a day or moment such as 2026-10-05, not {text[:60]!r}.") from None
    if not EARLIEST <= at <= EARLIEST + timedelta(days=150 * 365):
        raise field_problem(name, f"{name} lies out of reach: {text[:60]!r}.")
    return at
