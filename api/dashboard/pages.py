"""What all pages stand on: how templates are rendered, the static files, and problems as pages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import orjson
from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from starlette.responses import HTMLResponse

from api.context import services_of
from api.dashboard import words
from api.dashboard.pictures import FOREVER
from api.dashboard.writing import seal_of
from api.params import only, read_params
from api.problems import KINDS, Problem, not_found
from monitor.store.errors import StoreError

router = APIRouter()

HERE = Path(__file__).parent

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_environment.filters.update(
    decimal=words.decimal,
    whole=words.whole,
    day=words.day,
    moment=words.moment,
    value=words.value,
    interval=words.interval,
)
_STATIC_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_static = {path.name: path.read_bytes() for path in sorted((HERE / "static").iterdir())}
_static["htmx.min.js"] = (files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js").read_bytes()


def _asset(name: str) -> str:
    """Address of a static file that changes with its content."""
    return f"/static/{name}?v={hashlib.sha256(_static[name]).hexdigest()[:12]}"


_environment.globals.update(asset=_asset)


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    services = services_of(request)
    try:
        generated = services.generated
    except StoreError:
        generated = False  # the page that is rendered says what is wrong with the database
    page = _environment.get_template(template).render(
        generated=generated,
        now=services.clock(),
        version=request.app.version,
        seal=seal_of(request),
        logged_in="trendmonitor.session" in request.scope,
        **values,
    )
    return HTMLResponse(page, status, {"Cache-Control": "private, no-cache"})


def error_page(request: Request, document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    """A problem as a page."""
    response = render(request, "problem.html", document["status"], problem=document)
    response.headers.update(headers)
    return response


def script_json(value: Any) -> Markup:
    """JSON that can stand inside a script element."""
    text = orjson.dumps(value).decode()
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(safe)  # noqa: S704 - nothing in it can end the element


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    body = _static.get(name)
    if body is None:
        raise not_found(f"File {name[:100]!r}", "The page itself")
    headers = {"Cache-Control": FOREVER if only(read_params(request.scope["query_string"]), "v") else "no-cache"}
    return Response(body, 200, headers, _STATIC_TYPES[Path(name).suffix])


@router.get("/favicon.ico")
async def favicon() -> Response:
    return Response(_static["icon.svg"], 200, {"Cache-Control": "public, max-age=86400"}, "image/svg+xml")


@router.get("/problems/{slug}")
def problem_kind(request: Request, slug: str) -> Response:
    """What a kind of problem means; the page that `type` leads to."""
    kind = KINDS.get(slug)
    if kind is None:
        raise Problem("not-found", f"There is no kind of problem called {slug[:60]!r}.")
    return render(request, "kind.html", slug=slug, kind=kind)
