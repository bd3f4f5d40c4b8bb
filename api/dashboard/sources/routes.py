"""Sources as pages: all of them at /sources, one with its visits and gaps, and what can be done with it.

Works without JavaScript; the address holds all that is chosen. Adding is `source_add`, lists of feeds `source_opml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.context import services_of
from api.dashboard.names import labels_of
from api.dashboard.pages import render
from api.dashboard.sources import views as source_views
from api.dashboard.sources import words as source_words
from api.dashboard.sources.figures import DAYS, bar_of, figures_of, nothing, week_of
from api.dashboard.writing import forms_work, read_form
from api.params import one_of, only, read_params, refuse_unknown, text, whole_number
from api.problems import Problem, field_problem, not_found, wants_page
from monitor.core.mask import mask
from monitor.core.model import CONTENT_TYPES, TrackedSource
from monitor.standing import STATUSES, standing, status_of
from monitor.store.search import PostQuery

if TYPE_CHECKING:
    from monitor.bootstrap import Services

router = APIRouter()

PAGE = 50
FILTERS = ("status", "platform", "collector", "type", "q")
NONE = "none"
"""Filter by content type: sources that state none."""
VISITS_SHOWN, EVENTS_SHOWN, NEAREST_SHOWN = 20, 20, 5
COUNTED = 10_000
Params = Mapping[str, Sequence[str]]


@router.get("/sources")
async def listed(request: Request) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, (*FILTERS, "page"))
    if any(value == "" for values in params.values() for value in values):  # what a form sends of empty fields
        kept = {name: one for name, values in params.items() if (one := values[-1])}
        return RedirectResponse(f"/sources?{urlencode(kept)}" if kept else "/sources", 303)
    return await run_in_threadpool(_listed, request, params)


@router.get("/sources/{source_id}")
async def one(request: Request, source_id: str) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("done",))
    return await run_in_threadpool(_one, request, source_id, params)


@router.post("/sources/{source_id}/pause")
async def pause(request: Request, source_id: str) -> Response:
    """Pause, or with paused=false resume; also for sources of config/."""
    form = await read_form(request, ("paused",))
    wanted = one_of({name: [value] for name, value in form.items()}, "paused", ("true", "false"), "true") == "true"
    services = services_of(request)
    await run_in_threadpool(lambda: services.store.set_paused(source_id, wanted, services.clock()))
    return RedirectResponse(f"{source_views.address(source_id)}?done={'paused' if wanted else 'resumed'}", 303)


@router.post("/sources/{source_id}/collect")
async def collect(request: Request, source_id: str) -> Response:
    """Visit it now, whether due or not; then its page, with what the visit brought."""
    await read_form(request, ())
    services = services_of(request)
    await run_in_threadpool(tracked, services, source_id)
    await run_in_threadpool(refuse_generated, services)
    report = await services.collection.collect([source_id])
    if not report.visits:
        raise Problem("busy", f"{source_id} is being visited right now; look at its page in a moment.")
    return RedirectResponse(f"{source_views.address(source_id)}?done=collected", 303)


@router.post("/sources/{source_id}/test")
async def test(request: Request, source_id: str) -> Response:
    """Look at the source as it is, storing nothing."""
    await read_form(request, ())
    services = services_of(request)
    found = await run_in_threadpool(tracked, services, source_id)
    await run_in_threadpool(refuse_generated, services)
    preview = await services.previews.preview(found.source, limit=source_views.LOOKED_AT)
    shown = source_views.preview_of(preview, labels_of(services), services.clock())
    return await run_in_threadpool(_one, request, source_id, {}, shown)


@router.get("/sources/{source_id}/remove")
async def ask_to_remove(request: Request, source_id: str) -> Response:
    refuse_unknown(read_params(request.scope["query_string"]), ())
    return await run_in_threadpool(_ask_to_remove, request, source_id)


@router.post("/sources/{source_id}/remove")
async def remove(request: Request, source_id: str) -> Response:
    """Stop tracking; what is stored stays unless it is told to go, too."""
    form = await read_form(request, ("posts",))
    purge = one_of({name: [value] for name, value in form.items()}, "posts", ("keep", "delete"), "keep") == "delete"
    services = services_of(request)
    found = await run_in_threadpool(tracked, services, source_id)
    await run_in_threadpool(lambda: services.store.remove_source(source_id, purge=purge, now=services.clock()))
    kept = "Its posts, counts and coverage were deleted." if purge else "What was collected of it stays."
    said = f"{source_views.name_of(found)} is not tracked any more. {kept}"
    return await run_in_threadpool(
        lambda: render(request, "source_report.html", here="sources", title=said, groups=[], back="/sources")
    )


# --- shared with the other modules of these pages ---------------------------------------------------------------------


def tracked(services: Services, source_id: str) -> TrackedSource:
    """Raises Problem for an unknown id."""
    found = services.store.source(source_id)
    if found is None:
        raise not_found(f"Source {source_id[:100]!r}", "/sources")
    return found


def refuse_generated(services: Services) -> None:
    if services.generated:
        raise Problem("generated-data", source_words.GENERATED)


def platform_names(services: Services) -> dict[str, str]:
    return {name: info.name for name, info in services.config.platforms.items()}


def chosen(services: Services, params: Params, known: Sequence[TrackedSource] | None = None) -> list[TrackedSource]:
    """Sources that pass the filters of an address, problems first, then by name. Raises Problem.

    `known` are all sources, where they have just been read.
    """
    asked = filters_of(params)
    needle = asked["q"].casefold()
    found = [
        one
        for one in (services.store.sources() if known is None else known)
        if (not asked["status"] or status_of(one) == asked["status"])
        and (not asked["platform"] or one.source.platform == asked["platform"])
        and (not asked["collector"] or one.source.collector == asked["collector"])
        and (not asked["type"] or (one.source.content_type or NONE) == asked["type"])
        and (not needle or needle in f"{one.source.id}\n{one.source.name}\n{one.source.url}".casefold())
    ]
    now = services.clock()
    ranked = [(source_words.rank_of(standing(one, now)), source_views.name_of(one).casefold(), one) for one in found]
    return [one for _, _, one in sorted(ranked, key=lambda row: (row[0], row[1], row[2].source.id))]


def filters_of(params: Params) -> dict[str, str]:
    """The filters of an address; '' where there is none. Raises Problem."""
    status = one_of(params, "status", STATUSES, None)
    kind = one_of(params, "type", (*CONTENT_TYPES, NONE), None)
    asked = {name: (text(params, name, longest=100) or "").strip() for name in ("platform", "collector", "q")}
    return {"status": status or "", "type": kind or "", **asked}


# --- the list --------------------------------------------------------------------------------------------------------


def _listed(request: Request, params: Params) -> Response:
    services = services_of(request)
    now = services.clock()
    asked = filters_of(params)
    everything = services.store.sources()
    found = chosen(services, params, everything)
    pages = max(-(-len(found) // PAGE), 1)
    page = whole_number(params, "page", default=1, most=99_999)
    if page > pages:
        raise field_problem("page", f"There are {pages} pages with these filters, not {page}.")
    figures, names = figures_of(services), platform_names(services)
    shown = found[(page - 1) * PAGE : page * PAGE]
    rows = [source_views.row_of(one, figures.get(one.source.id), names, now) for one in shown]
    return render(
        request,
        "sources.html",
        here="sources",
        lead=source_words.lead_of([standing(one, now) for one in everything]),
        total=len(everything),
        found=len(found),
        first=(page - 1) * PAGE + 1,
        last=(page - 1) * PAGE + len(rows),
        rows=rows,
        span=rows and (rows[0]["bar"].first, rows[0]["bar"].last),
        asked=asked,
        query=urlencode({name: value for name, value in asked.items() if value}),
        chips=_chips(everything, asked),
        choices=_choices(everything, names),
        removals=_removals(services, asked, everything) if not rows else [],
        before=_address(asked, page - 1) if page > 1 else None,
        after=_address(asked, page + 1) if page < pages else None,
        types=source_words.TYPE_NAMES,
        audiences=source_words.AUDIENCE_NAMES,
        writable=forms_work(request),
        told_generated=source_words.GENERATED,
    )


def _address(asked: Mapping[str, str], page: int = 1) -> str:
    query = {name: value for name, value in asked.items() if value} | ({"page": str(page)} if page > 1 else {})
    return f"/sources?{urlencode(query)}" if query else "/sources"


def _chips(everything: Sequence[TrackedSource], asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """Links to sources of one status; counts are of all sources."""
    counts = Counter(status_of(one) for one in everything)
    rows = [{"label": "All", "count": len(everything), "href": _address({**asked, "status": ""}), "current": not asked["status"]}]  # fmt: skip
    rows += [
        {
            "label": source_words.STATUS_NAMES[name],
            "count": counts[name],
            "value": name,
            "href": _address({**asked, "status": name}),
            "current": asked["status"] == name,
        }
        for name in STATUSES
        if counts[name] or asked["status"] == name
    ]
    return rows


def _choices(everything: Sequence[TrackedSource], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The selects over the list: values that occur."""
    platforms = sorted({one.source.platform for one in everything}, key=lambda one: names.get(one, one).casefold())
    collectors = sorted({one.source.collector for one in everything})
    kinds = [*source_words.TYPE_NAMES.items(), (NONE, source_words.NOT_STATED)]
    return [
        {"name": "platform", "label": "Platform", "rows": [(one, names.get(one, one)) for one in platforms]},
        {"name": "collector", "label": "Collected by", "rows": [(one, one) for one in collectors]},
        {"name": "type", "label": "Content type", "rows": kinds},
    ]


def _removals(
    services: Services, asked: Mapping[str, str], everything: Sequence[TrackedSource]
) -> list[dict[str, Any]]:
    """For an empty result: what the other filters would leave without each one."""
    rows = []
    for name in FILTERS:
        if asked[name]:
            left = {**asked, name: ""}
            count = len(chosen(services, {key: [value] for key, value in left.items() if value}, everything))
            rows.append({"name": {"q": "words", "type": "content type"}.get(name, name), "count": count, "href": _address(left)})  # fmt: skip
    return rows


# --- one source ------------------------------------------------------------------------------------------------------


def _one(request: Request, source_id: str, params: Params, preview: Mapping[str, Any] | None = None) -> Response:
    services = services_of(request)
    found = services.store.source(source_id)
    if found is None:
        return _missing(request, source_id)
    done = one_of(params, "done", (*source_words.NOTICES, "collected"), None)
    now, names = services.clock(), platform_names(services)
    told = standing(found, now)
    figures = figures_of(services).get(source_id) or nothing(now)
    visits = services.store.visits(source_id, limit=VISITS_SHOWN)
    events = services.store.events(source=source_id, limit=1000)
    posts = services.store.count_posts(PostQuery(filters={"source": (source_id,)}), cap=COUNTED)
    observed = services.store.coverage([source_id]).get(source_id, [])
    still = observed[-1].until if observed and told.status in ("failing", "stopped") else None
    return render(
        request,
        "source.html",
        here="sources",
        source=found.source,
        name=source_views.name_of(found),
        address=source_views.address(source_id),
        state=source_words.tag_of(told),
        told=told,
        reason=told.reason and mask(told.reason),
        remedy=source_words.remedy_of(found, told),
        since=found.state.failing_since if told.status in ("failing", "stopped") else None,
        declared=found.state.declared,
        archive=found.source.collector == "archive",
        halted=told.status in ("paused", "stopped"),
        facts=source_views.facts_of(found, names, now),
        week=week_of(figures),
        bar=bar_of(figures, DAYS),
        gaps=source_views.gap_rows(services.store.gaps(source_id), now - timedelta(days=DAYS), still),
        visits=[source_views.visit_row(one) for one in visits],
        events=[source_views.event_row(one) for one in reversed(events[-EVENTS_SHOWN:])],
        posts=posts,
        capped=posts >= COUNTED,
        outcome=source_views.last_outcome(visits[0] if visits else None) if done == "collected" else None,
        notice=source_words.NOTICES.get(done or ""),
        preview=preview,
        writable=forms_work(request),
        told_generated=source_words.GENERATED,
    )


def _ask_to_remove(request: Request, source_id: str) -> Response:
    services = services_of(request)
    found = services.store.source(source_id)
    if found is None:
        return _missing(request, source_id)
    posts = services.store.count_posts(PostQuery(filters={"source": (source_id,)}), cap=COUNTED)
    return render(
        request,
        "source_remove.html",
        here="sources",
        source=found.source,
        name=source_views.name_of(found),
        address=source_views.address(source_id),
        declared=found.state.declared,
        posts=posts,
        capped=posts >= COUNTED,
        config=services.settings.config,
        writable=forms_work(request),
    )


def _missing(request: Request, source_id: str) -> Response:
    if not wants_page(request):
        raise not_found(f"Source {source_id[:100]!r}", "/sources")
    named = {one.source.id: source_views.name_of(one) for one in services_of(request).store.sources()}
    near = get_close_matches(source_id[:100], named, NEAREST_SHOWN, 0.4)
    return render(
        request,
        "source_missing.html",
        404,
        here="sources",
        asked=source_id[:100],
        near=[{"href": source_views.address(one), "id": one, "name": named[one]} for one in near],
    )


def query_of(request: Request) -> Params:
    """The filters that the form of the list carries in its address. Raises Problem."""
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, FILTERS)
    return {name: [value] for name in params if (value := only(params, name))}
