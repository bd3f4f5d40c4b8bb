"""The first page: what is tracked, what is broken, and how content types share the posts over time.

Works without JavaScript; the address holds all that is chosen. Every number has its interval, its count and its time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jinja2
import orjson
from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from api.context import services_of
from api.dashboard import words
from api.dashboard.claim_glance import glance
from api.dashboard.pictures import BUNDLE_PATH, FOREVER
from api.dashboard.signal_glance import signal_glance
from api.dashboard.writing import seal_of
from api.params import only, read_params
from api.problems import KINDS, Problem, not_found
from monitor.core.charts import PAGE, buckets_of, time_chart
from monitor.core.metrics import parse_query
from monitor.core.model import CONTENT_TYPES, TrackedSource
from monitor.core.query import QueryError
from monitor.standing import Standing, standing, status_of
from monitor.store.errors import StoreError

if TYPE_CHECKING:
    from monitor.bootstrap import Services

router = APIRouter()

HERE = Path(__file__).parent
BROKEN_SHOWN = 20
CHOICES = ("since", "until", "interval")
PRESETS = ((4, "week", "4 weeks"), (12, "week", "12 weeks"), (26, "week", "26 weeks"), (12, "month", "12 months"))

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_environment.filters.update(
    whole=words.whole, day=words.day, moment=words.moment, value=words.value, interval=words.interval
)
_STATIC_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_static = {path.name: path.read_bytes() for path in sorted((HERE / "static").iterdir())}


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


@router.get("/")
async def overview(request: Request) -> Response:
    request.app.state.studio.prepare()
    params = read_params(request.scope["query_string"])
    return await run_in_threadpool(_overview, request, params)


def _overview(request: Request, params: Mapping[str, list[str]]) -> Response:
    services = services_of(request)
    now = services.clock()
    tracked = services.store.sources()
    chosen = {name: (params.get(name) or [""])[-1].strip() for name in CHOICES}
    errors: list[QueryError] = []
    asked: dict[str, list[str]] = {name: [text] for name, text in chosen.items() if text}
    try:
        _known_only(params)
        query = parse_query({"metric": ["share"], "by": ["content_type"], **asked}, now=now)
    except QueryError as error:
        errors.append(error)
        asked = {}
        query = parse_query({"metric": ["share"], "by": ["content_type"]}, now=now)
    answer = services.trends.answer(query)
    link = urlencode({"metric": "share", "by": "content_type", **{name: values[0] for name, values in asked.items()}})
    chart = {
        "title": words.title_of(answer),
        "subtitle": words.subtitle_of(answer),
        "finding": words.finding_of(answer),
        "description": words.describe(answer),
        "spec": script_json(
            time_chart(
                answer,
                title="",
                subtitle="",
                description=words.describe(answer),
                theme=PAGE,
                width="container",
            )
        ),
        "link": link,
        "answer": answer,
        "as_of": words.moment(datetime.fromisoformat(answer["as_of"])),
        "buckets": sorted(buckets_of(answer), key=lambda one: one.start, reverse=True),
        "status_words": words.STATUS_WORDS,
    }
    return render(
        request,
        "overview.html",
        422 if errors else 200,
        lead=lead(tracked, now, services.last_tick),
        tiles=_tiles(services, tracked, now),
        kinds=_kinds(services, tracked, now),
        broken=_broken(tracked, now),
        any_sources=bool(tracked),
        claims=glance(services, now),
        signals=signal_glance(services, now),
        chart=chart,
        chosen=chosen,
        presets=_presets(now),
        errors=errors,
        bundle=BUNDLE_PATH,
    )


def _known_only(params: Mapping[str, list[str]]) -> None:
    for name in params:
        if name not in CHOICES:
            raise QueryError(name[:60], f"This page has no setting {name[:60]!r}; it knows {words.joined(CHOICES)}.")


def lead(tracked: list[TrackedSource], now: datetime, last_tick: datetime | None) -> str:
    """The first sentence of the page: how many sources work, and what does not."""
    if not tracked:
        return "No sources yet."
    states = Counter(status_of(one) for one in tracked)
    if states["archive"] == len(tracked):
        many = "The only source is an archive" if len(tracked) == 1 else f"All {len(tracked)} sources are archives"
        return f"{many}: imported, not visited."
    active = states["ok"] + states["failing"] + states["waiting"] + states["stopped"]
    parts = []
    if states["failing"] or states["stopped"]:
        count = states["failing"] + states["stopped"]
        parts.append(f"{count} of {active} sources {'needs' if count == 1 else 'need'} attention")
    if states["waiting"]:
        parts.append(f"{states['waiting']} {'has' if states['waiting'] == 1 else 'have'} not been checked yet")
    if not parts and active:
        parts.append(
            "The only source answered" if active == 1 else f"All {active} sources answered at their last visit"
        )
    if states["archive"]:
        parts.append(f"{states['archive']} {'is an archive' if states['archive'] == 1 else 'are archives'}")
    if states["paused"]:
        parts.append(f"{states['paused']} paused")
    if last_tick is None and active:
        parts.append("the service has not looked for due sources since it started")
    return f"{words.joined(parts)}."


def _tiles(services: Services, tracked: list[TrackedSource], now: datetime) -> list[dict[str, str]]:
    totals = services.store.totals()
    visits = [one.state.last_success for one in tracked if one.state.last_success is not None]
    states = Counter(status_of(one) for one in tracked)
    last = max(visits, default=None)
    span = (
        f"{words.day(totals.oldest)} to {words.day(totals.newest)}" if totals.oldest and totals.newest else "none yet"
    )
    platforms = len({one.source.platform for one in tracked})
    stored = [
        {"name": "Posts", "value": words.whole(totals.posts), "note": span},
        {
            "name": "Sources tracked",
            "value": words.whole(len(tracked)),
            "note": f"on {words.whole(platforms)} platform{'' if platforms == 1 else 's'}",
        },
    ]
    if tracked and states["archive"] == len(tracked):
        return stored  # nothing is visited, so there is nothing to say of visits
    return [
        *stored,
        {
            "name": "Answered at last visit",
            "value": words.whole(states["ok"]),
            "note": f"{words.whole(states['waiting'])} not checked yet",
        },
        {
            "name": "Need attention",
            "value": words.whole(states["failing"] + states["stopped"]),
            "note": f"{words.whole(states['paused'])} paused",
        },
        {"name": "Last success", "value": words.ago(last, now), "note": words.moment(last)},
    ]


def _kinds(services: Services, tracked: list[TrackedSource], now: datetime) -> list[dict[str, Any]]:
    """Per content type: sources that are declared so, and posts of the last 7 whole days that are tagged so."""
    query = parse_query(
        {
            "metric": ["volume"],
            "by": ["content_type"],
            "interval": ["day"],
            "since": [(now - timedelta(days=7)).date().isoformat()],
            "until": [now.date().isoformat()],
        },
        now=now,
    )
    answer = services.trends.answer(query)
    posts = {series["key"]: sum(point["n"] for point in series["points"]) for series in answer["series"]}
    labels = {series["key"]: series["label"] for series in answer["series"]}
    rows = []
    for kind in (*CONTENT_TYPES, None):
        own = Counter(status_of(one) for one in tracked if one.source.content_type == kind)
        if kind is None and not own:
            continue
        rows.append(
            {
                "label": labels.get(kind, kind) if kind else "Not stated",
                "sources": own.total(),
                "working": own["ok"],
                "attention": own["failing"] + own["stopped"],
                "posts": posts.get(kind) if kind else None,
            }
        )
    return rows


def _broken(tracked: list[TrackedSource], now: datetime) -> dict[str, Any]:
    """Failing and stopped sources, those that fail longest first."""
    found: list[tuple[TrackedSource, Standing]] = [(one, standing(one, now)) for one in tracked]
    bad = [(one, told) for one, told in found if told.tone == "bad"]
    bad.sort(key=lambda pair: (pair[0].state.failing_since or now, pair[0].source.id))
    rows = [
        {
            "id": one.source.id,
            "name": one.source.name or one.source.id,
            "label": told.label,
            "reason": told.reason or "No reason was recorded.",
            "since": words.day(one.state.failing_since) if one.state.failing_since else "not known",
            "success": words.ago(one.state.last_success, now),
            "next": words.ago(told.next_try, now) if told.next_try else "not by itself",
        }
        for one, told in bad[:BROKEN_SHOWN]
    ]
    return {"rows": rows, "more": len(bad) - len(rows)}


def _presets(now: datetime) -> list[dict[str, str]]:
    """Whole buckets up to the present one."""
    rows = []
    monday = now.date() - timedelta(days=now.weekday())
    for count, size, label in PRESETS:
        if size == "week":
            since = monday - timedelta(weeks=count)
        else:
            months = now.year * 12 + now.month - 1 - count
            since = now.date().replace(year=months // 12, month=months % 12 + 1, day=1)
        rows.append({"label": label, "href": "/?" + urlencode({"since": since.isoformat(), "interval": size})})
    return rows


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
