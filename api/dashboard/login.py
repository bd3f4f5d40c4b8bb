"""Logging in with a key, and out again."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.context import services_of
from api.dashboard.pages import render
from api.dashboard.writing import read_form
from api.params import only, read_params, refuse_unknown
from api.sessions import COOKIE, LASTS

router = APIRouter()

LONGEST_WAY = 1000


@router.get("/login")
async def ask(request: Request) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("next",))
    return render(request, "login.html", next=_own(only(params, "next")), wrong=None)


@router.post("/login")
async def log_in(request: Request) -> Response:
    form = await read_form(request, ("key", "next"), sealed=False)
    services = services_of(request)
    key_id = await run_in_threadpool(lambda: services.store.key_id(form.get("key", ""), services.clock()))
    onward = _own(form.get("next"))
    if key_id is None:
        wrong = "This key is unknown or revoked." if form.get("key") else "Paste a key."
        return render(request, "login.html", 422, next=onward, wrong=wrong)
    response = RedirectResponse(onward, 303)
    response.set_cookie(
        COOKIE,
        await run_in_threadpool(request.app.state.sessions.issue, key_id),
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout")
async def log_out(request: Request) -> Response:
    await read_form(request, ())
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _own(address: str | None) -> str:
    """A path of this service; anything else becomes the first page, so that a link to /login leads nowhere foreign."""
    address = address or "/"
    own = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return quote(address, safe="/?&=%#:,+-._~!*'()@;") if own and len(address) <= LONGEST_WAY else "/"
