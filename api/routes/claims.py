"""GET /claims: the verdicts on the report's claims, one claim with its weeks and history, and the posts behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from api import formats
from api.context import services_of
from api.docs import problem_responses
from api.etags import matches
from api.params import FORMAT, only, parameter, read_params, refuse_unknown, whole_number
from api.params import text as text_of
from api.present import show_post
from api.problems import Problem, field_problem
from api.routes.posts import COLUMNS as POST_COLUMNS
from api.routes.posts import platforms_of, row_of
from api.schemas_claims import ClaimDetailOut, ClaimsOut, EvidenceOut
from monitor.claim_evidence import evidence_page
from monitor.claims_query import PARAMETERS, parse_claims_query, read_as_of
from monitor.core.claim import KINDS
from monitor.core.finding import VERDICTS
from monitor.core.query import MAX_LENGTH, MAX_VALUES
from monitor.ledger import UnknownClaim
from monitor.posts_query import LONGEST_CURSOR
from monitor.store.errors import NotFound

router = APIRouter()

DEFAULT_EVIDENCE, MOST_EVIDENCE = 20, 100

COLUMNS = (
    "id", "segment", "kind", "says", "verdict", "finding", "value", "lower", "upper", "level", "unit", "p", "q",
    "n_posts", "n_sources", "coverage", "since", "until", "as_of", "failed_checks", "caveats", "generated",
    "fingerprint", "reproduce",
)  # fmt: skip
WEEK_COLUMNS = ("claim", "start", "value", "fitted", "n", "of", "sources", "status", "as_of")
_LEVEL = 0.95

_TABLES: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing changed since the answer with that ETag."},
}
_AS_OF = parameter(
    "as_of",
    {"type": "string", "format": "date"},
    "Computed again with the posts published before this day (UTC); at most tomorrow.",
    example="2026-10-01",
)
_FORMATS: dict[str, Any] = {"text/csv": {}, "application/vnd.apache.parquet": {}}


def _values(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", **schema}, "minItems": 1, "maxItems": MAX_VALUES}


@router.get(
    "/claims",
    summary="The ledger: every claim with its verdict",
    response_class=Response,
    responses={
        200: {"model": ClaimsOut, "description": "In the order of the report.", "content": _FORMATS},
        **_TABLES,
        **problem_responses(406, 422, 503),
    },
    openapi_extra={
        "parameters": [
            parameter("kind", _values({"enum": list(KINDS)}), "Only claims of these kinds; repeat it for several."),
            parameter("verdict", _values({"enum": list(VERDICTS)}), "Only claims with these verdicts."),
            parameter(
                "segment",
                _values({"maxLength": MAX_LENGTH}),
                "Only claims of these parts of the report.",
                example=["content type"],
            ),
            FORMAT,
        ]
    },
)
def claims(request: Request) -> Response:
    """CSV and Parquet hold one row a claim. The window and the checks of a claim are in its own document too."""
    params, format_ = _asked(request)
    refuse_unknown(params, (*PARAMETERS, "format"))
    for name in PARAMETERS:  # a form may leave a field empty, a program has no reason to
        if any(not part.strip() for given in params.get(name, ()) for part in given.split(",")):
            raise field_problem(name, f"{name} was given without a value; leave it out for all.")
    query = parse_claims_query(params)
    ledger = services_of(request).ledger
    etag = _etag(ledger.version(), format_)
    if _has(request, etag):
        return _unchanged(etag)
    document = ledger.ledger()
    found = query.select(document["claims"])
    if format_ == "json":
        body = orjson.dumps({**document, "claims": found})
        return Response(body, 200, _headers(etag), formats.MEDIA_TYPES["json"])
    return _table(format_, [_row(claim) for claim in found], COLUMNS, "claims", etag)


@router.get(
    "/claims/{id}",
    summary="One claim, with its weeks and its history",
    response_class=Response,
    responses={
        200: {"model": ClaimDetailOut, "description": "As now, or as of an earlier day.", "content": _FORMATS},
        **_TABLES,
        **problem_responses(404, 406, 422, 503),
    },
    openapi_extra={
        "parameters": [
            _AS_OF,
            FORMAT,
        ]
    },
)
def claim(request: Request, id: str) -> Response:  # noqa: A002 - the name in the address
    """CSV and Parquet hold its series, one row a week."""
    params, format_ = _asked(request)
    refuse_unknown(params, ("as_of", "format"))
    services = services_of(request)
    day = _day(params, services.clock())
    try:
        document = services.ledger.claim(id, as_of=day)
    except UnknownClaim as error:
        raise Problem("not-found", str(error)) from None
    # By its content, because an earlier day is computed from what is stored now, whatever the ledger's version
    body = orjson.dumps(document)
    etag = _etag(hashlib.blake2b(body, digest_size=12).hexdigest(), format_)
    if _has(request, etag):
        return _unchanged(etag)
    if format_ == "json":
        return Response(body, 200, _headers(etag), formats.MEDIA_TYPES["json"])
    rows = [{**week, "claim": document["id"], "as_of": document["as_of"]} for week in document["series"]]
    return _table(format_, rows, WEEK_COLUMNS, f"claim-{document['id']}", etag)


@router.get(
    "/claims/{id}/evidence",
    summary="The posts behind a claim",
    response_model=EvidenceOut,
    responses={200: {"content": _FORMATS}, **problem_responses(404, 406, 422, 503)},
    openapi_extra={
        "parameters": [
            parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST_EVIDENCE, "default": DEFAULT_EVIDENCE},
                "Posts on one page.",
            ),
            parameter(
                "cursor", {"type": "string", "maxLength": LONGEST_CURSOR}, "`next` of the page before, same claim."
            ),
            _AS_OF,
            FORMAT,
        ]
    },
)
def evidence(request: Request, id: str) -> Response:  # noqa: A002 - the name in the address
    """The strongest first; `of` says what they show. Empty where posts cannot show it: figures and arithmetic."""
    params, format_ = _asked(request)
    refuse_unknown(params, ("limit", "cursor", "as_of", "format"))
    limit = whole_number(params, "limit", default=DEFAULT_EVIDENCE, most=MOST_EVIDENCE)
    cursor = text_of(params, "cursor", longest=LONGEST_CURSOR)
    services = services_of(request)
    ledger, day = services.ledger, _day(params, services.clock())
    try:
        if day is None:
            page = ledger.evidence(id, limit=limit, cursor=cursor)
        else:
            then = ledger.claim(id, as_of=day)
            page = evidence_page(services.store, ledger.known(id), then, limit=limit, cursor=cursor)
    except UnknownClaim as error:
        raise Problem("not-found", str(error)) from None
    except (NotFound, ValueError) as error:
        if cursor is None:
            raise
        message = "cursor is not one of ours for this claim: leave it out to start from the first page."
        raise field_problem("cursor", message, "bad-cursor") from error
    platforms = platforms_of(services.store, {post.source for post in page.posts})
    shown = [show_post(post, platforms.get(post.source)) for post in page.posts]
    headers = {"Vary": "Accept, Authorization"}
    if page.next is not None:
        following = request.url.include_query_params(cursor=page.next)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    if format_ == "json":
        document = EvidenceOut(posts=shown, next=page.next, of=page.of)
        return Response(document.model_dump_json(), 200, headers, formats.MEDIA_TYPES["json"])
    headers["Content-Disposition"] = f'attachment; filename="evidence.{format_}"'
    body = formats.encode(format_, [row_of(post) for post in shown], POST_COLUMNS)
    return Response(body, 200, headers, formats.MEDIA_TYPES[format_])


def _asked(request: Request) -> tuple[dict[str, list[str]], formats.Format]:
    """The parameters without the format, and the format."""
    params = read_params(request.scope["query_string"])
    format_ = formats.choose(only(params, "format"), request.headers.get("accept", ""))
    params.pop("format", None)
    return params, format_


def _day(params: Mapping[str, Sequence[str]], now: datetime) -> date | None:
    told = only(params, "as_of")
    return None if told is None else read_as_of(told, now)


def _etag(version: str, format_: formats.Format) -> str:
    return f'"{version}-{format_}"'


def _has(request: Request, etag: str) -> bool:
    held = request.headers.get("if-none-match")
    return held is not None and matches(held.encode("latin-1"), etag.encode("latin-1"))


def _headers(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}


def _unchanged(etag: str) -> Response:
    return Response(status_code=304, headers=_headers(etag))


def _table(
    format_: formats.Format, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], name: str, etag: str
) -> Response:
    headers = _headers(etag) | {"Content-Disposition": f'attachment; filename="{name}.{format_}"'}
    return Response(formats.encode(format_, rows, columns), 200, headers, formats.MEDIA_TYPES[format_])


def _row(claim: Mapping[str, Any]) -> dict[str, Any]:
    effect = claim["effect"] or {"value": None, "low": None, "high": None, "unit": None}
    return {
        **{column: claim.get(column) for column in COLUMNS},
        "value": _real(effect["value"]),
        "lower": _real(effect["low"]),
        "upper": _real(effect["high"]),
        "level": None if effect["low"] is None else _LEVEL,
        "unit": effect["unit"],
        "failed_checks": ",".join(one["name"] for one in claim["checks"] if one["verdict"] == "failed"),
        "caveats": " ".join(claim["caveats"]),
    }


def _real(value: float | None) -> float | None:
    """One type for a column, also where a figure is a whole number."""
    return None if value is None else float(value)
