"""Signals of sudden change as pages: those that are open at /signals, one with all behind it at /signals/{id}.

Works without JavaScript. Forms acknowledge and mute; where they are not let in (see `writing`) the page says how the
command line does it. What is shown of a post is what the API shows of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, get_args

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.context import services_of
from api.dashboard.claims import views as claim_views
from api.dashboard.names import Labels, labels_of
from api.dashboard.pages import render, script_json
from api.dashboard.pictures import BUNDLE_PATH, TYPES, WIDTHS
from api.dashboard.signals import views as signal_views
from api.dashboard.signals import words as signal_words
from api.dashboard.signals.charts import rows_of, signal_chart
from api.dashboard.words import STATUS_WORDS, moment
from api.dashboard.writing import forms_work, read_form
from api.params import one_of, read_params, refuse_unknown
from api.present import show_post
from api.problems import FieldError, Problem, not_found, wants_page
from monitor.core.charts import PAGE, THEMES
from monitor.core.signals.series import State
from monitor.signal_watch import UnknownSignal

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.core.signals.series import Signal

router = APIRouter()

STATES: tuple[str, ...] = get_args(State)
SHOWN = 200
POSTS_SHOWN = 5
SOURCES_SHOWN = 5
SOURCES_COUNTED = 100_000
MUTED_FOR = timedelta(weeks=4)
"""Proposed by the form."""


@router.get("/signals")
async def listed(request: Request) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("state",))
    state = one_of(params, "state", STATES, None)
    return await run_in_threadpool(_listed, request, state)


@router.get("/signals/{signal_id}")
async def one(request: Request, signal_id: str) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    request.app.state.studio.prepare()
    return await run_in_threadpool(_one, request, signal_id)


@router.get("/signals/{signal_id}/chart.{kind}")
async def chart(request: Request, signal_id: str, kind: str) -> Response:
    """The counts of a signal as a picture (svg, png) or as their Vega-Lite specification (json)."""
    if kind not in ("svg", "png", "json"):
        raise Problem("not-found", "Charts of signals come as chart.svg, chart.png and chart.json.")
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("theme", "width"))
    theme = one_of(params, "theme", ("light", "dark"), "light") or "light"
    width = one_of(params, "width", WIDTHS, "720") or "720"
    services = services_of(request)

    def specify() -> dict[str, Any]:
        signal = _signal(services, signal_id)
        buckets, change, answer, _ = signal_views.counted(services, signal)
        told = signal_views.chart_words(signal, labels_of(services), change, answer)
        words = {name: told[name] for name in ("title", "subtitle", "description")}
        return signal_chart(buckets, change, **words, theme=THEMES[theme], width=int(width))

    spec = await run_in_threadpool(specify)
    headers = {"Cache-Control": "private, no-cache"}
    if kind == "json":
        return Response(orjson.dumps(spec), 200, headers, "application/json")
    return Response(await request.app.state.studio.draw(spec, kind), 200, headers, TYPES[kind])


@router.post("/signals/{signal_id}/ack")
async def acknowledge(request: Request, signal_id: str) -> Response:
    """Somebody has seen it, and says why it needs nothing more."""
    form = await read_form(request, ("note",))
    services = services_of(request)

    def write() -> Response:
        signal = _signal(services, signal_id)
        try:
            services.signal_watch.acknowledge(signal.id, form.get("note", ""))
        except ValueError as error:
            return _one(request, signal_id, form, FieldError("note", _sentence(error)))
        return RedirectResponse(f"{signal_views.address(signal.id)}#people", 303)

    return await run_in_threadpool(write)


@router.post("/signals/{signal_id}/mute")
async def mute(request: Request, signal_id: str) -> Response:
    """Tell nobody of this signal, or of any of its key, until a day begins (UTC); a day that has begun lifts it."""
    form = await read_form(request, ("what", "until", "reason"))
    services = services_of(request)

    def write() -> Response:
        signal = _signal(services, signal_id)
        what = one_of({name: [value] for name, value in form.items()}, "what", ("signal", "key"), "signal")
        try:
            until = datetime.combine(date.fromisoformat(form.get("until", "")), time(), UTC)
        except ValueError:
            wrong = FieldError("until", "Write the day on which it may be told again, such as 2026-01-31.")
            return _one(request, signal_id, form, wrong)
        try:
            services.signal_watch.mute(signal.key if what == "key" else signal.id, until, form.get("reason", ""))
        except ValueError as error:
            about = "until" if form.get("reason") else "reason"
            return _one(request, signal_id, form, FieldError(about, _sentence(error)))
        return RedirectResponse(f"{signal_views.address(signal.id)}#people", 303)

    return await run_in_threadpool(write)


# --- pages -----------------------------------------------------------------------------------------------------------


def _listed(request: Request, state: str | None) -> Response:
    services = services_of(request)
    now, labels = services.clock(), labels_of(services)
    found = services.signal_watch.signals(limit=SHOWN)
    opened = [one for one in found if one.state == "open"]
    # open ones first, and among them those that nobody has spoken about yet
    shown = sorted(
        (one for one in found if state in (None, one.state)),
        key=lambda one: (one.state != "open", signal_words.is_muted(one, now), one.acknowledged_at is not None),
    )
    counts = signal_words.state_counts(found)
    chips = [{"label": "All", "count": len(found), "href": "/signals", "current": state is None}]
    chips += [
        {"label": words, "count": counts.get(name, 0), "href": f"/signals?state={name}", "current": state == name}
        for name, words in signal_words.STATES.items()
    ]
    return render(
        request,
        "signals.html",
        here="signals",
        lead=signal_words.lead_of(opened, now),
        latest=moment(max((one.updated_at for one in found), default=None)) if found else "",
        chips=chips,
        rows=[signal_views.row_of(one, labels, now) for one in shown],
        capped=len(found) == SHOWN,
        muted=[
            {"what": signal_words.name_of(one.subject, labels), "until": moment(one.until), "why": one.why}
            for one in services.signal_watch.mutes()
            if "=" in one.subject or one.subject == "all"
        ],
    )


def _one(
    request: Request, signal_id: str, form: Mapping[str, str] | None = None, error: FieldError | None = None
) -> Response:
    services = services_of(request)
    try:
        signal = services.signal_watch.signal(signal_id)
    except UnknownSignal as unknown:
        if not wants_page(request):
            raise Problem("not-found", str(unknown)) from None
        return render(request, "signal_missing.html", 404, here="signals", asked=signal_id[:64])
    now, labels = services.clock(), labels_of(services)
    buckets, change, answer, query = signal_views.counted(services, signal)
    told = signal_views.chart_words(signal, labels, change, answer)
    words = {name: told[name] for name in ("title", "subtitle", "description")}
    address = signal_views.address(signal.id)
    return render(
        request,
        "signal.html",
        422 if error else 200,
        here="signals",
        signal=signal,
        address=address,
        title=signal_words.title_of(signal, labels),
        says=services.signal_watch.says(signal),
        tags=signal_words.tags_of(signal, now),
        unusual=signal_words.unusual_words(signal),
        tiles=signal_views.tiles_of(signal),
        causes=signal_words.causes_of(signal),
        detectors=signal_words.detectors_of(signal),
        settings=signal_words.settings_of(signal),
        history=signal_views.history_of(signal, now),
        chart={
            **told,
            "spec": script_json(signal_chart(buckets, change, **words, theme=PAGE, width="container")),
            "link": f"{address}/chart",
            "query": "",
            "rows": rows_of(buckets, change, STATUS_WORDS),
            "data": f"/api/v1/trends?{query}",
            "reproduce": answer["reproduce"],
        },
        bundle=BUNDLE_PATH,
        key=signal_words.name_of(signal.key, labels),
        **_behind(services, signal, labels),
        writable=forms_work(request),
        form={
            "note": "",
            "what": "signal",
            "until": (now + MUTED_FOR).date().isoformat(),
            "reason": "",
            **(form or {}),
        },
        error=error,
    )


def _behind(services: Services, signal: Signal, labels: Labels) -> dict[str, Any]:
    """The posts of a signal with the most interactions, and which sources brought how many."""
    page = services.signal_watch.evidence(signal.id, POSTS_SHOWN)
    counts = services.signal_watch.sources(signal.id, SOURCES_COUNTED)
    tracked = {one.source.id: one.source for one in services.store.sources()}
    rows = []
    for post in page.posts:
        source = tracked.get(post.source)
        platform = source.platform if source else None
        name = labels["platform"].get(platform, platform) if platform else "platform not known"
        shown = show_post(post, platform)
        rows.append(claim_views.evidence_row(shown, (source and source.name) or post.source, name))
    names = {one: source.name or one for one, source in tracked.items()}
    return {
        "posts": rows,
        "more": page.next is not None,
        "sources": [{"name": names.get(one, one), "count": count} for one, count in counts[:SOURCES_SHOWN]],
        "other_sources": len(counts) - len(counts[:SOURCES_SHOWN]),
        "total": sum(count for _, count in counts),
    }


def _signal(services: Services, signal_id: str) -> Signal:
    try:
        return services.signal_watch.signal(signal_id)
    except UnknownSignal:
        raise not_found(f"Signal {signal_id[:64]!r}", "The page of signals") from None


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")
