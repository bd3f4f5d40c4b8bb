"""Digests as pages: all of them at /digests, one with its channels and issues, an issue as it was composed, a preview.

Works without JavaScript. Forms send, test and pause; where they are not let in (see `writing`) the page says how the
command line does it. An issue is printed from its stored document, the same that mail, chat, file and Atom are made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.context import services_of
from api.dashboard.digests import views as digest_views
from api.dashboard.digests import words as digest_words
from api.dashboard.names import labels_of
from api.dashboard.pages import render
from api.dashboard.pictures import TYPES
from api.dashboard.writing import forms_work, read_form
from api.params import one_of, read_params, refuse_unknown
from api.problems import Problem, not_found, wants_page
from monitor.core.digest import DigestSpec
from monitor.core.mask import mask
from monitor.core.schedule import parse_schedule
from monitor.deliver.base import DeliveryError
from monitor.digests import InvalidDigest, UnknownDigest, UnknownIssue

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.store.digests import IssueRecord

router = APIRouter()

ISSUES_SHOWN = 20
NEAREST_SHOWN = 5
LARGEST_NUMBER = 2**31 - 1


@router.get("/digests")
async def listed(request: Request) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_listed, request)


@router.get("/digests/{digest_id}")
async def one(request: Request, digest_id: str) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_one, request, digest_id)


@router.get("/digests/{digest_id}/preview")
async def preview(request: Request, digest_id: str) -> Response:
    """What would be sent of the latest complete period. Nothing is stored or sent."""
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_preview, request, digest_id)


@router.get("/digests/{digest_id}/issues/{number}")
async def issue(request: Request, digest_id: str, number: str) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_issue, request, digest_id, number)


@router.get("/digests/{digest_id}/issues/{number}/{section}.{kind}")
async def issue_chart(request: Request, digest_id: str, number: str, section: str, kind: str) -> Response:
    """The chart of a section as it was composed."""
    services = services_of(request)

    def document() -> Mapping[str, Any]:
        try:
            return services.digests.document(digest_id, _number(number))
        except (UnknownDigest, UnknownIssue) as error:
            raise Problem("not-found", str(error)) from None

    return await _chart(request, await run_in_threadpool(document), section, kind)


@router.get("/digests/{digest_id}/preview/{section}.{kind}")
async def preview_chart(request: Request, digest_id: str, section: str, kind: str) -> Response:
    services = services_of(request)

    def document() -> Mapping[str, Any]:
        try:
            return services.digests.preview(digest_id).document
        except UnknownDigest as error:
            raise Problem("not-found", str(error)) from None

    return await _chart(request, await run_in_threadpool(document), section, kind)


@router.post("/digests/{digest_id}/send")
async def send(request: Request, digest_id: str) -> Response:
    """Send the latest issue now to everybody who has not got it; then its page, with what each channel answered."""
    await read_form(request, ())
    try:
        sent = await services_of(request).digests.send(digest_id)
    except UnknownDigest as error:
        raise Problem("not-found", str(error)) from None
    return RedirectResponse(f"{digest_views.address(digest_id, 'issues', sent.number)}#receipts", 303)


@router.post("/digests/{digest_id}/test")
async def test(request: Request, digest_id: str) -> Response:
    """Send a message that says it is a test to one channel, and show its answer."""
    form = await read_form(request, ("channel",))
    services = services_of(request)
    text = form.get("channel", "")
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise Problem("invalid-request", "The form names no channel; take the button beside one.")
    place = int(text)
    said, failed = "", ""
    try:
        receipt = await services.digests.test(digest_id, place)
        refused = [f"{digest_words.recipient_words(name)}: {mask(why)}" for name, why in receipt.partial.items()]
        said = " ".join([digest_words.said_words(receipt.said), *refused])
    except UnknownDigest as error:
        raise Problem("not-found", str(error)) from None
    except (InvalidDigest, DeliveryError) as error:
        failed = mask(str(error))
    told = {"place": place, "said": said, "failed": failed}
    return await run_in_threadpool(_one, request, digest_id, told)


@router.post("/digests/{digest_id}/pause")
async def pause(request: Request, digest_id: str) -> Response:
    """Pause, or with paused=false resume. Runs in between are left out."""
    form = await read_form(request, ("paused",))
    paused = one_of({name: [value] for name, value in form.items()}, "paused", ("true", "false"), "true")
    try:
        await run_in_threadpool(services_of(request).digests.pause, digest_id, paused == "true")
    except UnknownDigest as error:
        raise Problem("not-found", str(error)) from None
    return RedirectResponse(digest_views.address(digest_id), 303)


# --- pages -----------------------------------------------------------------------------------------------------------


def _listed(request: Request) -> Response:
    services = services_of(request)
    digests, now = services.digests, services.clock()
    rows, states, runs = [], [], []
    for spec in digests.specs():
        last = next(iter(digests.issues(spec.id, limit=1)), None)
        standing = digest_views.standing_of(digests, spec, last, now)
        rows.append(digest_views.row_of(spec, standing, last, now))
        states.append((spec, standing.tag))
        if standing.next_run is not None:
            runs.append((standing.next_run, spec.title, standing.schedule.zone))
    soonest = min(runs, key=lambda run: (run[0], run[1]), default=None)
    told = soonest and (soonest[1], digest_words.run_words(soonest[0], soonest[2], now))
    return render(
        request,
        "digests.html",
        here="digests",
        lead=digest_words.lead_of(states, told or None),
        rows=rows,
        writable=forms_work(request),
        config=services.settings.config / "digests.yaml",
    )


def _one(request: Request, digest_id: str, told: Mapping[str, Any] | None = None) -> Response:
    services = services_of(request)
    digests, now = services.digests, services.clock()
    try:
        spec = digests.spec(digest_id)
    except UnknownDigest as error:
        return _missing(request, digest_id, error)
    issues = digests.issues(digest_id, limit=ISSUES_SHOWN)
    last = issues[0] if issues else None
    standing = digest_views.standing_of(digests, spec, last, now)
    zone = standing.schedule.zone
    return render(
        request,
        "digest.html",
        here="digests",
        digest=spec,
        address=digest_views.address(digest_id),
        state=standing.tag,
        why=standing.why,
        rhythm=digest_views.rhythm_of(standing),
        next=digest_views.next_of(standing, now),
        channels=digest_views.channels_of(spec, last),
        left=len(digests.unsubscribed(digest_id)),
        about=digest_views.about_of(spec, labels_of(services)),
        issues=[digest_views.issue_row(one, zone, now) for one in issues],
        most=len(issues) == ISSUES_SHOWN,
        told=told,
        writable=forms_work(request),
    )


def _issue(request: Request, digest_id: str, number: str) -> Response:
    services = services_of(request)
    digests, now = services.digests, services.clock()
    try:
        spec = digests.spec(digest_id)
        record = digests.issue(digest_id, _number(number))
    except (UnknownDigest, UnknownIssue) as error:
        return _missing(request, digest_id, error)
    zone = parse_schedule(spec.schedule).zone
    document = None if record.status == "missed" else digests.document(digest_id, record.number)
    return _composed(
        request,
        spec,
        document,
        base=digest_views.address(digest_id, "issues", record.number),
        issue=digest_views.issue_row(record, zone, now),
        receipts=digest_views.receipts_of(record, now),
        near=_neighbours(services, record),
    )


def _preview(request: Request, digest_id: str) -> Response:
    services = services_of(request)
    try:
        spec = services.digests.spec(digest_id)
    except UnknownDigest as error:
        return _missing(request, digest_id, error)
    message = services.digests.preview(digest_id)
    base = digest_views.address(digest_id, "preview")
    return _composed(request, spec, message.document, base=base, issue=None, receipts=[], near={})


def _composed(request: Request, spec: DigestSpec, document: Mapping[str, Any] | None, **values: Any) -> Response:
    services = services_of(request)
    public = services.settings.public_url
    return render(
        request,
        "digest_issue.html",
        here="digests",
        digest=spec,
        address=digest_views.address(spec.id),
        view=document and digest_views.view_of(document, values["base"], public),
        writable=forms_work(request),
        **values,
    )


def _neighbours(services: Services, record: IssueRecord) -> dict[str, str]:
    """Pages of the issues before and after."""
    found = {}
    for name, number in (("before", record.number - 1), ("after", record.number + 1)):
        if number > 0:
            try:
                services.digests.issue(record.digest, number)
            except UnknownIssue:
                continue
            found[name] = digest_views.address(record.digest, "issues", number)
    return found


def _missing(request: Request, digest_id: str, error: Exception) -> Response:
    if not wants_page(request):
        raise Problem("not-found", str(error)) from None
    titles = {spec.id: spec.title for spec in services_of(request).digests.specs()}
    near = [digest_id] if digest_id in titles else get_close_matches(digest_id[:100], titles, NEAREST_SHOWN, 0.4)
    return render(
        request,
        "digest_missing.html",
        404,
        here="digests",
        asked=digest_id[:100],
        known=digest_id in titles,
        near=[{"href": digest_views.address(name), "id": name, "title": titles[name]} for name in near],
    )


def _number(text: str) -> int:
    """0, which no issue has, for what is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


async def _chart(request: Request, document: Mapping[str, Any], section: str, kind: str) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ())
    drawn = next((one["chart"] for one in document["sections"] if one["id"] == section), None)
    if drawn is None or kind not in ("svg", "png"):
        raise not_found(f"A chart {section[:40]}.{kind[:10]}", "The page of the issue")
    headers = {"Cache-Control": "private, no-cache"}
    return Response(await request.app.state.studio.draw(drawn["spec"], kind), 200, headers, TYPES[kind])
