"""/digests/{id}/unsubscribe: how a reader leaves a digest, by the link in its mails.

No key is needed: the link carries a mark that only this installation could make (a keyed hash of digest and address),
and no address. Programs that look at links before people do fetch them with GET, so GET changes nothing and shows a
page with one button; POST, from the button or from a mail program (RFC 8058), leaves at once, without a redirect. A
mark that is not ours and a digest that is not there get the same answer, so that nobody can find out what there is.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.context import services_of
from api.docs import problem_responses
from api.params import parameter, read_params
from api.problems import Problem
from monitor.digests import UnknownDigest

router = APIRouter()

_READER = re.compile(r"[A-Za-z0-9_-]{16,64}={0,2}")
_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#14171a;"
    "background:#fbfbf9}button{font:inherit;padding:.6rem 1.2rem;border:2px solid #12436d;border-radius:.3rem;"
    "background:#12436d;color:#fff;cursor:pointer}button:focus-visible{outline:3px solid #f46a25;outline-offset:2px}"
    "@media(prefers-color-scheme:dark){body{color:#e6e8ea;background:#14171a}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Robots-Tag": "noindex",
}
_PARAMETERS = {
    "parameters": [
        parameter("reader", {"type": "string", "maxLength": 100}, "The mark in the link of a mail.", required=True)
    ]
}
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "A page for people."}
}


@router.get(
    "/digests/{id}/unsubscribe",
    summary="Ask a reader whether to leave",
    response_class=Response,
    responses={**_PAGE, **problem_responses(404, 422)},
    openapi_extra=_PARAMETERS,
)
def ask(request: Request, id: str) -> Response:  # noqa: A002 - the name in the address
    """Changes nothing and looks nothing up."""
    _reader(request)
    name = escape(id[:100])
    return _page(
        "Leave this digest?",
        f"<p>You will get no more issues of the digest “{name}” at the address that this link was sent to.</p>"
        '<form method="post"><button>Leave this digest</button></form>',
    )


@router.post(
    "/digests/{id}/unsubscribe",
    summary="Leave a digest",
    response_class=Response,
    responses={**_PAGE, **problem_responses(404, 422, 503)},
    openapi_extra=_PARAMETERS,
)
async def leave(request: Request, id: str) -> Response:  # noqa: A002
    """Also for mail programs' one-click unsubscribe. What the body says does not matter; a second time is no error."""
    reader = _reader(request)
    digests = services_of(request).digests
    try:
        known = await run_in_threadpool(digests.unsubscribe, id, reader)
    except UnknownDigest:
        known = False
    if not known:
        return _unknown(request)
    return _page(
        "You have left this digest",
        f"<p>No more issues of “{escape(id[:100])}” will be sent to you. If you change your mind, ask those who sent it "
        "to you.</p>",
    )


def _reader(request: Request) -> str:
    """Further parameters are let pass: mail programs and filters like to add their own."""
    given = read_params(request.scope["query_string"]).get("reader", [""])
    if len(given) != 1 or not _READER.fullmatch(given[0]):
        raise Problem(
            "not-found",
            "This is not a whole unsubscribe link. Copy it again from the mail, up to its last character.",
        )
    return given[0]


def _unknown(request: Request) -> Response:
    says = "This link leads to no reader of a digest. You may have been taken off already: then nothing more comes."
    if "text/html" in request.headers.get("accept", ""):
        return _page("Nothing to leave", f"<p>{says}</p>", 404)
    raise Problem("not-found", says)


def _page(title: str, body: str, status: int = 200) -> Response:
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>\n"
    )
    return Response(page, status, _HEADERS, "text/html; charset=utf-8")
