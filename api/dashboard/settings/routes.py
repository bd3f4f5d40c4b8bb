"""Settings and keys: who may change things, what is kept and for how long, and which settings are in force.

A new key is shown on the answer to the form that made it and nowhere else; the answer is not cached. Settings with a
secret say only that they are set. What tells of this machine is shown to those who may change things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from api.auth import could_write, is_loopback
from api.context import services_of
from api.dashboard.pages import render
from api.dashboard.settings import views, words
from api.dashboard.writing import forms_work, read_form
from api.params import read_params, refuse_unknown
from api.problems import FieldError, not_found
from api.sessions import COOKIE
from monitor.doctor import examine
from monitor.retag import outdated

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.store.keys import ApiKey

router = APIRouter()

NOT_KEPT = "no-store"
LONGEST_NUMBER = 9


@router.get("/settings")
async def shown(request: Request) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_shown, request)


@router.get("/settings/findings")
async def findings(request: Request) -> Response:
    """What the doctor finds; apart, because it looks at every source."""
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_findings, request)


@router.post("/settings/keys")
async def create(request: Request) -> Response:
    form = await read_form(request, ("name", "scope"))
    return await run_in_threadpool(_create, request, form)


@router.get("/settings/keys/{number}/revoke")
async def ask(request: Request, number: str) -> Response:
    """What revoking would mean; changes nothing."""
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_ask, request, number)


@router.post("/settings/keys/{number}/revoke")
async def revoke(request: Request, number: str) -> Response:
    await read_form(request, ())
    return await run_in_threadpool(_revoke, request, number)


# --- pages -----------------------------------------------------------------------------------------------------------


def _shown(request: Request, form: Mapping[str, str] | None = None, errors: Sequence[FieldError] = ()) -> HTMLResponse:
    services = services_of(request)
    settings, store = services.settings, services.store
    keys, tracked, totals = store.keys(), store.sources(), store.totals()
    reveal = could_write(request)
    usable = [key for key in keys if not key.revoked]
    return render(
        request,
        "settings.html",
        422 if errors else 200,
        here="settings",
        lead=words.lead_of(keys, is_loopback(settings.host)),
        writable=forms_work(request),
        reveal=reveal,
        keys=views.api_key_rows(keys, _own(request)) if reveal else [],
        first=not usable,
        first_key=words.FIRST_KEY,
        scopes=words.SCOPES,
        form=form or {"name": "", "scope": "read" if usable else "write"},
        errors=errors,
        kept=words.kept_rows(settings.retention_text_days, settings.retention_cron),
        duties=views.duty_rows(tracked),
        data=_data(services),
        tracked=len(tracked),
        totals=totals,
        variables=views.setting_rows(settings, store.url) if reveal else [],
        platform_keys=views.key_rows(settings),
    )


def _data(services: Services) -> dict[str, Any]:
    """What is in the database, and by which rules it was tagged."""
    from monitor.core.annotate import VERSION  # late: brings the taggers, which a service has loaded when it collects

    store, config = services.store, services.config
    return {
        "kind": "SQLite" if store.dialect == "sqlite" else "PostgreSQL",
        "size": words.size_words(store.size()),
        "set_aside": sum(store.set_aside.counts().values()),
        "tagging": VERSION,
        "outdated": outdated(store, config.taxonomy, config.lexicon),
    }


def _findings(request: Request) -> Response:
    reveal = could_write(request)
    found = examine(services_of(request)) if reveal else []
    return render(
        request,
        "setting_findings.html",
        here="settings",
        lead=views.findings_lead(found),
        findings=views.finding_rows(found),
        reveal=reveal,
    )


def _create(request: Request, form: Mapping[str, str]) -> Response:
    services = services_of(request)
    keys = services.store.keys()
    errors = views.key_errors(form, keys)
    if errors:
        return _shown(request, {"name": form.get("name", ""), "scope": form.get("scope", "")}, errors)
    first = all(key.revoked for key in keys)
    token = services.store.create_key(form["name"], form["scope"], services.clock())
    answer = render(
        request,
        "setting_key.html",
        here="settings",
        token=token,
        name=form["name"],
        scope=words.SCOPES[form["scope"]],
        first=first,
    )
    answer.headers["Cache-Control"] = NOT_KEPT
    return answer


def _ask(request: Request, number: str) -> Response:
    services = services_of(request)
    key, keys = _key(services, number)
    own = key.id == _own(request)
    reveal = could_write(request)
    return render(
        request,
        "setting_revoke.html",
        here="settings",
        key=views.api_key_rows([key], None)[0] if reveal else None,
        number=key.id,
        warnings=words.revoke_warnings(key, keys, own=own, loopback=is_loopback(services.settings.host)),
        writable=forms_work(request),
    )


def _revoke(request: Request, number: str) -> Response:
    services = services_of(request)
    key, _ = _key(services, number)
    services.store.revoke_key(key.id)
    response = RedirectResponse("/settings#keys", 303)
    if key.id == _own(request):
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _key(services: Services, number: str) -> tuple[ApiKey, list[ApiKey]]:
    keys = services.store.keys()
    known = number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER
    key = next((one for one in keys if known and one.id == int(number)), None)
    if key is None:
        raise not_found(f"Key {number[:20]!r}", "The page of settings")
    return key, keys


def _own(request: Request) -> int | None:
    """The key that somebody is logged in with."""
    session = request.scope.get("trendmonitor.session")
    return None if session is None else int(session.key_id)
