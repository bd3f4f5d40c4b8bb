"""Errors as RFC 9457 problem details: every refusal has a stable `type`, names the field and says what to do.

`Problem` is raised by routes; the handlers at the end turn everything else (validation, store, collector and
routing errors) into the same shape. Browsers that ask for a page get the same words as HTML. No answer ever holds a
stack trace, a database message or a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from collectors.base import CollectError
from monitor.core.query import QueryError
from monitor.store import errors as store_errors

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """One documented kind of problem; its slug is the stable part of `type`."""

    status: int
    title: str
    meaning: str
    """What a person who meets it should know; shown at /problems/<slug>."""


KINDS: Mapping[str, Kind] = {
    "invalid-request": Kind(422, "The request has values that do not fit", "Each entry of `errors` names one field."),
    "unknown-dimension": Kind(422, "There is no such dimension", "The detail lists the dimensions that exist."),
    "unknown-parameter": Kind(422, "There is no such parameter", "A misspelt filter would silently widen the answer."),
    "invalid-source": Kind(422, "The source cannot be tracked as described", "The same checks as for config/ files."),
    "invalid-digest": Kind(
        422, "The digest cannot be sent as described", "The same checks as for config/digests.yaml."
    ),
    "delivery-failed": Kind(
        422,
        "The channel did not take it",
        "The detail says what the other side said; docs/channels.md how to set it up.",
    ),
    "bad-cursor": Kind(422, "The page marker does not fit", "Take `next` from an answer to the same query, unchanged."),
    "unknown-format": Kind(406, "The answer does not exist in this format", "Ask for json, csv or parquet."),
    "malformed-body": Kind(400, "The body cannot be read", "Send one JSON document (or OPML where that is asked for)."),
    "wrong-content-type": Kind(415, "The body has the wrong type", "Send the Content-Type that the endpoint names."),
    "body-too-large": Kind(413, "The body is too large", "At most 10 MB are read."),
    "query-too-long": Kind(422, "The query is too long", "At most 8 KB of query are read; ask in parts."),
    "not-found": Kind(404, "There is nothing here", "Check the id; lists name all that exist."),
    "method-not-allowed": Kind(405, "This cannot be done here", "The Allow header names what can be."),
    "already-exists": Kind(409, "It exists already", "Change the one that exists, or choose another id."),
    "owned-by-config": Kind(
        409,
        "A file in config/ owns it",
        "What is declared in config/ is changed there, sources then applied with `trendmonitor apply`; pausing, resuming "
        "and testing work here too.",
    ),
    "generated-data": Kind(409, "This is generated data", "A demo database collects nothing; start with another home."),
    "busy": Kind(409, "Somebody else is at it", "The source is being collected right now; look again in a moment."),
    "needs-key": Kind(401, "A key is needed", "Make one with `trendmonitor keys create --scope read` and send it."),
    "insufficient-scope": Kind(403, "This key may only read", "Make one with `--scope write`."),
    "cross-site": Kind(403, "The request came from somewhere else", "Without a key only this machine is answered."),
    "source-unreachable": Kind(422, "The address did not answer usefully", "The detail says what the other side said."),
    "unavailable": Kind(503, "The database cannot be reached right now", "`trendmonitor doctor` says what is wrong."),
    "drawing-failed": Kind(503, "The chart could not be drawn", "Its data and table are not affected."),
    "internal": Kind(500, "trendmonitor itself failed", "The log has the details; nothing was changed halfway."),
    "http": Kind(400, "The request was refused", "The detail says why."),
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that does not fit, at one place of the request."""

    field: str
    message: str


@dataclass
class Problem(Exception):
    """A refusal with its kind (a key of KINDS), what to do next, and the fields it is about."""

    kind: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    """Another status than the kind's own; for routing errors that HTTP numbers itself."""

    def document(self, instance: str) -> dict[str, Any]:
        kind = KINDS[self.kind]
        document: dict[str, Any] = {
            "type": f"/problems/{self.kind}",
            "title": kind.title,
            "status": self.status or kind.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            document["errors"] = [{"field": error.field, "message": error.message} for error in self.errors]
        return document


def field_problem(field_name: str, message: str, kind: str = "invalid-request") -> Problem:
    """The common case: one field does not fit."""
    return Problem(kind, message, (FieldError(field_name, message),))


def not_found(what: str, where: str) -> Problem:
    return Problem("not-found", f"{what} does not exist; {where} lists all that do.")


def respond(request: Request, problem: Problem) -> Response:
    """The problem as JSON, or as a page for a browser outside /api."""
    document = problem.document(request.url.path)
    headers = dict(problem.headers)
    headers["Cache-Control"] = "no-store"
    if wants_page(request):
        from api.dashboard.pages import error_page

        return error_page(request, document, headers)
    return Response(orjson.dumps(document), document["status"], headers, MEDIA_TYPE)


def wants_page(request: Request) -> bool:
    """True for a browser that asks for a page; programs (`*/*`, JSON) and everything under /api get JSON."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def query_problem(error: QueryError) -> Problem:
    return field_problem(error.field, error.message, _BY_FIELD.get(error.field, "invalid-request"))


_BY_FIELD = {"by": "unknown-dimension", "cursor": "bad-cursor"}


def _from_store(error: store_errors.StoreError) -> Problem:
    if isinstance(error, store_errors.NotFound):
        return Problem("not-found", str(error))
    if isinstance(error, store_errors.AlreadyExists):
        return Problem("already-exists", str(error))
    if isinstance(error, store_errors.OwnedByConfig):
        return Problem(
            "owned-by-config",
            f"{error}. Change its entry in the config folder and run `trendmonitor apply`. "
            "Here it can be paused, resumed, tested and collected.",
        )
    return Problem("unavailable", str(error), headers={"Retry-After": "5"})


_BY_STATUS = {
    400: "malformed-body",
    404: "not-found",
    405: "method-not-allowed",
    406: "unknown-format",
    413: "body-too-large",
    415: "wrong-content-type",
}


def _allowed(request: Request, told: str) -> str:
    """All methods of an address. The router names only those of the first route that fits."""
    paths = request.app.openapi()["paths"]
    path = request.url.path
    fitting = [path] if path in paths else [one for one in paths if re.fullmatch(_PLACE.sub("[^/]+", one), path)]
    methods = {method.strip() for method in told.split(",")} | {name.upper() for one in fitting for name in paths[one]}
    return ", ".join(sorted(methods - {""}))


_PLACE = re.compile(r"\{[^}]*\}")


def _from_http(request: Request, error: HTTPException) -> Problem:
    headers = error.headers or {}
    match error.status_code:
        case 404:
            detail = f"Nothing is at {request.url.path}. The API is described at /openapi.json."
        case 405:
            allowed = _allowed(request, headers.get("allow") or headers.get("Allow") or "")
            headers = {"Allow": allowed}
            detail = f"{request.method} does not work at {request.url.path}; it answers to {allowed}."
        case 413:
            detail = KINDS["body-too-large"].meaning
        case _:
            detail = str(error.detail)
    return Problem(_BY_STATUS.get(error.status_code, "http"), detail, headers=headers, status=error.status_code)


def _from_validation(error: RequestValidationError) -> Problem:
    """FastAPI's list of what does not fit, as fields named the way the caller wrote them."""
    found = error.errors()
    if any(entry["type"] == "json_invalid" for entry in found):
        return Problem("malformed-body", "The body is not valid JSON; check quotes, commas and encoding (UTF-8).")
    errors = tuple(
        FieldError(".".join(str(part) for part in entry["loc"][1:]) or str(entry["loc"][0]), entry["msg"])
        for entry in found
    )
    named = ", ".join(dict.fromkeys(error.field for error in errors))
    return Problem("invalid-request", f"Does not fit: {named}. See `errors` for what each should be.", errors)


def problem_of(error: Exception, path: str) -> Problem:
    """The problem that an exception is; logged where it is ours to mend."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, store_errors.StoreError):
        problem = _from_store(error)
        if problem.kind == "unavailable":
            log.error("store_unavailable", path=path, error=str(error))
        return problem
    log.error("request_failed", path=path, exc_info=error)
    return Problem("internal", "This is a fault in trendmonitor, not in the request. The log has the details.")


def install(app: FastAPI) -> None:
    """Make every error of a route a problem. Faults go on to the guard, which asks `problem_of`."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, error: Problem) -> Response:
        return respond(request, error)

    @app.exception_handler(QueryError)
    async def on_query(request: Request, error: QueryError) -> Response:
        return respond(request, query_problem(error))

    @app.exception_handler(store_errors.StoreError)
    async def on_store(request: Request, error: store_errors.StoreError) -> Response:
        return respond(request, problem_of(error, request.url.path))

    @app.exception_handler(CollectError)
    async def on_collect(request: Request, error: CollectError) -> Response:
        return respond(request, Problem("source-unreachable", str(error), (FieldError("url", error.code),)))

    @app.exception_handler(RequestValidationError)
    async def on_validation(request: Request, error: RequestValidationError) -> Response:
        return respond(request, _from_validation(error))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return respond(request, _from_http(request, error))
