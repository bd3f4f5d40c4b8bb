"""Lists of feeds in, and many sources changed at once: /sources/opml and /sources/bulk. Both end in a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.context import services_of
from api.dashboard.pages import render
from api.dashboard.sources import views as source_views
from api.dashboard.sources import words as source_words
from api.dashboard.sources.form import Wrong
from api.dashboard.sources.routes import chosen, query_of, refuse_generated
from api.dashboard.words import whole
from api.dashboard.writing import SEAL, forms_work, read_form
from api.params import read_params, refuse_unknown
from api.problems import FieldError, Problem
from collectors.base import CollectError
from monitor.core.mask import mask
from monitor.core.model import AUDIENCES, CONTENT_TYPES, TrackedSource
from monitor.opml import OpmlAdded, add_outlines
from monitor.store.errors import NotFound, OwnedByConfig

if TYPE_CHECKING:
    from monitor.bootstrap import Services

router = APIRouter()

FORM = "multipart/form-data"
SHOWN = 200
"""Lines of each part of a report."""
LONGEST_PASTE_BACK = 20_000
_PICK = "pick."


@router.get("/sources/opml")
async def ask(request: Request) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_ask, request, "", ())


@router.post("/sources/opml")
async def bring(request: Request) -> Response:
    """Track every feed of the list that is not tracked yet."""
    form = await read_upload(request, ("file", "opml"))
    services = services_of(request)
    await run_in_threadpool(refuse_generated, services)
    data = next((one for name in ("file", "opml") if (one := form.get(name, b"").strip())), b"")
    pasted = form.get("opml", b"").decode("utf-8", "replace")[:LONGEST_PASTE_BACK]
    if not data:
        return await run_in_threadpool(_ask, request, "", [Wrong("file", "Choose a file, or paste the list.")])
    try:
        report = await run_in_threadpool(add_outlines, services, data)
    except (CollectError, ValueError) as error:
        field = "file" if form.get("file", b"").strip() else "opml"
        return await run_in_threadpool(_ask, request, pasted, [Wrong(field, mask(str(error)))])
    return await run_in_threadpool(_report, request, report)


@router.post("/sources/bulk")
async def bulk(request: Request) -> Response:
    """Pause, resume or tag the marked sources, or all of the list that the address describes."""
    services = services_of(request)
    query = query_of(request)
    listed = await run_in_threadpool(chosen, services, query)
    named = {f"{_PICK}{one.source.id}": one for one in await run_in_threadpool(services.store.sources)}
    form = await read_form(request, ("action", "all", *named))
    picked = listed if form.get("all") else [one for name, one in named.items() if form.get(name)]
    action, _, value = form.get("action", "").partition(":")
    if action not in _ACTIONS or (action in _VALUES and value and value not in _VALUES[action]):
        raise Problem(
            "invalid-request", "Choose what to do with the marked sources.", (FieldError("action", "choose"),)
        )
    if not picked:
        raise Problem("invalid-request", "No source is marked. Mark some, or take all of the list.")
    return await run_in_threadpool(_bulk, request, picked, action, value)


# --- reports ---------------------------------------------------------------------------------------------------------

_VALUES = {"type": CONTENT_TYPES, "audience": AUDIENCES}
_ACTIONS = {"pause": "paused", "resume": "resumed", "type": "tagged", "audience": "tagged"}


def _bulk(request: Request, picked: list[TrackedSource], action: str, value: str) -> Response:
    services = services_of(request)
    done: list[dict[str, Any]] = []
    same: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for one in picked:
        row: dict[str, Any] = {"href": source_views.address(one.source.id), "what": source_views.name_of(one)}
        try:
            (done if _act(services, one, action, value) else same).append(row)
        except OwnedByConfig:
            left.append({**row, "why": "declared in config/, so it is tagged there"})
        except NotFound:
            left.append({**row, "href": None, "why": "not tracked any more"})
    count = "1 source was" if len(done) == 1 else f"{whole(len(done))} sources were"
    return _told(
        request,
        f"{count} {_ACTIONS[action]}.",
        [("Changed", done), ("As it was already", same), ("Not changed", left)],
    )


def _act(services: Services, one: TrackedSource, action: str, value: str) -> bool:
    """False if there was nothing to change. Raises StoreError."""
    now = services.clock()
    if action in ("pause", "resume"):
        if one.state.paused == (action == "pause") and not (action == "resume" and one.state.stopped):
            return False
        services.store.set_paused(one.source.id, action == "pause", now)
        return True
    changed = (
        replace(one.source, content_type=value or None)
        if action == "type"
        else replace(one.source, audience=(value,) if value else ())
    )
    if changed == one.source:
        return False
    services.store.update_source(changed, now)
    return True


def _report(request: Request, report: OpmlAdded) -> Response:
    added = [{"href": source_views.address(one), "what": one} for one in report.added]
    known = [{"what": mask(one)} for one in report.known]
    skipped = [{"what": mask(what), "why": mask(why)} for what, why in report.skipped]
    count = "1 feed is" if len(added) == 1 else f"{whole(len(added))} feeds are"
    title = f"{count} tracked from now on; {whole(len(known))} known already, {whole(len(skipped))} left out."
    return _told(request, title, [("Added", added), ("Tracked already", known), ("Left out", skipped)])


def _told(request: Request, title: str, parts: list[tuple[str, list[dict[str, Any]]]]) -> Response:
    groups = [
        {"name": f"{name} ({whole(len(rows))})", "rows": rows[:SHOWN], "more": max(len(rows) - SHOWN, 0)}
        for name, rows in parts
    ]
    query = request.url.query
    back = f"/sources?{query}" if query else "/sources"
    return render(request, "source_report.html", here="sources", title=title, groups=groups, back=back)


def _ask(request: Request, pasted: str, errors: list[Wrong] | tuple[()]) -> Response:
    return render(
        request,
        "source_opml.html",
        422 if errors else 200,
        here="sources",
        pasted=pasted,
        errors=errors,
        writable=forms_work(request),
        told_generated=source_words.GENERATED,
    )


# --- a form with a file ----------------------------------------------------------------------------------------------


async def read_upload(request: Request, known: tuple[str, ...]) -> Mapping[str, bytes]:
    """The fields of a form that carries a file; its size is bounded by the guard.

    Raises Problem for another type, a broken form, an unknown field and where the seal of a session is missing.
    """
    kind, boundary = _boundary(request.headers.get("content-type", ""))
    if kind != FORM or not boundary:
        raise Problem(
            "wrong-content-type",
            f"This address takes the form of its page (`{FORM}`); programs use /api/v1/sources/opml.",
            (FieldError("Content-Type", FORM),),
        )
    fields = _parts(await request.body(), boundary)
    refuse_unknown({name: [""] for name in fields}, (*known, SEAL))
    session = request.scope.get("trendmonitor.session")
    seal = fields.pop(SEAL, b"").decode("ascii", "replace")
    if session is not None and not request.app.state.sessions.fits(session, seal):
        raise Problem(
            "cross-site", "This form was not made for your session. Open its page again and send it from there."
        )
    return fields


def _boundary(header: str) -> tuple[str, bytes]:
    kind, _, rest = header.partition(";")
    for part in rest.split(";"):
        name, _, value = part.strip().partition("=")
        if name.lower() == "boundary":
            return kind.strip().lower(), value.strip('"').encode("latin-1", "replace")
    return kind.strip().lower(), b""


def _parts(body: bytes, boundary: bytes) -> dict[str, bytes]:
    """Each field once; what stands between the boundaries is taken as it is (RFC 7578)."""
    fields: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            return fields
        head, blank, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _name(head)
        if not blank or name is None or name in fields:
            break
        fields[name] = value
    raise Problem("malformed-body", "The form came through incomplete; send it again from its page.")


def _name(head: bytes) -> str | None:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        field, _, rest = line.partition(":")
        if field.strip().lower() == "content-disposition":
            for part in rest.split(";")[1:]:
                key, _, value = part.strip().partition("=")
                if key.lower() == "name":
                    return value.strip('"')
    return None
