"""The views of one issue over HTTP: JSON, the HTML page with its pictures inside, plain text, Markdown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import orjson
from fastapi import Request, Response

from api.etags import matches
from api.problems import FieldError, Problem, field_problem
from monitor.core.digest import Message
from monitor.deliver.file import FORMATS

View = Literal["json", "html", "text", "markdown"]
VIEWS: Mapping[View, str] = {
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "text": "text/plain; charset=utf-8",
    "markdown": "text/markdown; charset=utf-8",
}
CONTENT: dict[str, Any] = {kind.partition(";")[0]: {} for view, kind in VIEWS.items() if view != "json"}
"""For OpenAPI, beside JSON."""
_PAGE_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""A mail has its styles inline and its pictures inside, and nothing else: no script, no form, no address to load."""
_ANY = ("*/*", "application/*")


def choose_view(asked: str | None, accept: str) -> View:
    """`?format=` decides; without it the first of the Accept header that there is. Raises Problem."""
    if asked is not None:
        for view in VIEWS:
            if asked == view:
                return view
        raise field_problem("format", f"format cannot be {asked[:60]!r}; it is one of {', '.join(VIEWS)}.")
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for name in named:
        for view, kind in VIEWS.items():
            if name == kind.partition(";")[0]:
                return view
    if not accept.strip() or any(name in _ANY for name in named):
        return "json"
    raise Problem(
        "unknown-format",
        f"None of what Accept names can be made. There are {', '.join(VIEWS.values())}.",
        (FieldError("Accept", "ask for application/json, text/html, text/plain or text/markdown"),),
    )


def show_message(message: Message, view: View) -> Response:
    """A rendered issue in one of its views; JSON is the caller's."""
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
    if view == "html":
        headers |= {"Content-Security-Policy": _PAGE_POLICY, "Referrer-Policy": "no-referrer"}
        return Response(FORMATS["html"][1](message), 200, headers, VIEWS["html"])
    return Response(message.text if view == "text" else message.markdown, 200, headers, VIEWS[view])


def show_document(request: Request, document: Mapping[str, Any]) -> Response:
    """JSON with a validator by its content: 304 where the caller has it already."""
    return show_body(request, orjson.dumps(document, option=orjson.OPT_UTC_Z), VIEWS["json"])


def show_body(request: Request, body: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    usual = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization", **(headers or {})}
    held = request.headers.get("if-none-match")
    if held is not None and matches(held.encode("latin-1"), etag.encode("latin-1")):
        return Response(status_code=304, headers=usual)
    return Response(body, 200, usual, media_type)
