"""The explorer of trends at /trends: any metric, split and narrowed in any way, over any time, beside another time.

The address holds the whole question, in the words of the trends API. Works without JavaScript; the charts are then
pictures of the same specifications.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.context import services_of
from api.dashboard import words
from api.dashboard.explorer import charts as explorer_charts
from api.dashboard.explorer import table as explorer_table
from api.dashboard.explorer import words as explorer_words
from api.dashboard.explorer.charts import INLINE, Look
from api.dashboard.explorer.claims import claims_about
from api.dashboard.explorer.marks import drawn_of, numbered
from api.dashboard.explorer.offer import Offer, Offers, fieldsets
from api.dashboard.explorer.question import (
    COMPARISONS,
    KNOWN,
    is_tidy,
    presets,
    read_question,
    without,
)
from api.dashboard.explorer.views import Answered, answered, as_of, finding_of, shared_causes
from api.dashboard.pages import render, script_json
from api.dashboard.pictures import BUNDLE_PATH, TYPES, WIDTHS
from api.params import one_of, read_params, refuse_unknown, whole_number
from api.problems import Problem
from monitor.core.charts import PAGE, THEMES, Theme
from monitor.core.metrics import METRICS
from monitor.core.query import FILTERS, QueryError

if TYPE_CHECKING:
    from monitor.bootstrap import Services

router = APIRouter()

MOST_PAGES = 100_000
_REPLACED = {"HX-Retarget": "#main", "HX-Reselect": "#main", "HX-Reswap": "outerHTML"}
"""A refusal replaces the form too, because the words stand beside its fields."""


@router.get("/trends")
async def page(request: Request) -> Response:
    request.app.state.studio.prepare()
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, KNOWN)
    at = whole_number(params, "page", default=1, most=MOST_PAGES)
    return await run_in_threadpool(_page, request, params, at)


@router.get("/trends/rows.json")
async def rows(request: Request) -> Response:
    """The data of the charts, where they are too many for the page to carry."""
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, KNOWN)

    def read() -> bytes:
        services = services_of(request)
        question = read_question(params, services.clock())
        found = answered(services, question, _offer(request).labels)
        return orjson.dumps(explorer_charts.rows_of(found.shown, question.query.metric, question.query.interval))

    return Response(await run_in_threadpool(read), 200, {"Cache-Control": "private, no-cache"}, "application/json")


@router.get("/trends/chart.{kind}")
async def picture(request: Request, kind: str) -> Response:
    """The charts of a question as one picture, or as its Vega-Lite specification (json); `at` is one of many panels."""
    if kind not in ("svg", "png", "json"):
        raise Problem("not-found", "Charts come as /trends/chart.svg, /trends/chart.png and /trends/chart.json.")
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, (*KNOWN, "theme", "width", "at"))
    theme = THEMES[one_of(params, "theme", ("light", "dark"), "light") or "light"]
    width = int(one_of(params, "width", WIDTHS, "720") or "720")
    at = whole_number(params, "at", default=0, most=explorer_charts.MOST_PANELS)
    asked = {name: values for name, values in params.items() if name not in ("theme", "width", "at")}

    def specify() -> dict[str, Any]:
        services = services_of(request)
        labels = _offer(request).labels
        found = answered(services, read_question(asked, services.clock()), labels)
        said = _said(found, explorer_words.title_of(found.answer, labels), labels)
        if at and found.many:
            lines, look = found.shown, _look(found, theme)
            if at > len(lines):
                raise Problem("not-found", f"There are {len(lines)} panels.")
            line = lines[at - 1]
            told = {**said, "title": line.label}
            return explorer_charts.small_panel(
                line, look, told, explorer_charts.shared_domain(lines, look.metric), width
            )
        return _whole(found, _look(found, theme), said, width)

    spec = explorer_charts.wrapped(await run_in_threadpool(specify), width)
    headers = {"Cache-Control": "private, no-cache"}
    if kind == "json":
        return Response(orjson.dumps(spec), 200, headers, "application/json")
    return Response(await request.app.state.studio.draw(spec, kind), 200, headers, TYPES[kind])


def _page(request: Request, params: Mapping[str, list[str]], at: int) -> Response:
    services, offer = services_of(request), _offer(request)
    try:
        question = read_question(params, services.clock())
        if not is_tidy(question, params):
            return RedirectResponse(question.address(page=str(at) if "page" in params else None), 303)
        found = answered(services, question, offer.labels)
    except QueryError as error:
        return _refused(request, params, error, offer)
    return render(request, "trends.html", here="trends", **_values(services, found, offer, at, opened="page" in params))


def _refused(request: Request, params: Mapping[str, list[str]], error: QueryError, offer: Offer) -> Response:
    """The form as it was filled in, with what does not fit; nothing is drawn that was not asked."""
    typed = {name: [text for value in values for text in value.split(",")] for name, values in params.items()}
    chosen = {name: values[-1] for name, values in params.items()}
    response = render(
        request,
        "trends.html",
        422,
        here="trends",
        errors=[{"field": error.field, "message": error.message}],
        form=_form(chosen, {name: typed.get(name, []) for name in FILTERS}, offer),
        found=None,
        chips=[],
        presets=[],
    )
    response.headers.update(_REPLACED)
    return response


def _values(services: Services, found: Answered, offer: Offer, at: int, *, opened: bool) -> dict[str, Any]:
    question, answer, labels = found.question, found.answer, offer.labels
    title = explorer_words.title_of(answer, labels)
    said = _said(found, title, labels)
    drawn = numbered(drawn_of(found.marks))
    series, points = len(found.lines), len(found.lines) * len(found.buckets)
    return {
        "errors": [],
        "form": _form(question.asked, question.query.filters, offer),
        "presets": presets(question, services.clock()),
        "chips": [
            {
                "name": words.SPLITS[name],
                "value": explorer_words.name_of(name, value, labels),
                "href": without(question, name, value),
            }
            for name, values in question.query.filters.items()
            for value in values
        ],
        "found": found,
        "title": title,
        "subtitle": said["subtitle"],
        "description": said["description"],
        "finding": said["finding"],
        "told": explorer_words.status_line(series, points, answer),
        "figures": _figures(found, said),
        "excess": explorer_words.excess(len(found.shown), series) if len(found.shown) < series else "",
        "marks": drawn,
        "more_marks": len(found.marks) - len(drawn),
        "table": explorer_table.table_of(found, at),
        "gaps": explorer_table.gap_rows(found),
        "changes": explorer_table.changes_of(found),
        "claims": claims_about(services, question.query, [line.key for line in found.shown]),
        "as_of": as_of(found),
        "points": points,
        "opened": opened,
        "bundle": BUNDLE_PATH,
    }


def _form(chosen: Mapping[str, str], filters: Mapping[str, Sequence[str]], offer: Offer) -> dict[str, Any]:
    """What the fields show."""
    names = ("metric", "by", "interval", "since", "until", "panel", "copies", "limit", "compare")
    sets = fieldsets(offer, filters)
    return {
        "chosen": {name: chosen.get(name, "").strip() for name in names},
        "metrics": {metric.name: metric.label for metric in METRICS.values()},
        "splits": explorer_words.SPLITS,
        "intervals": explorer_words.INTERVALS,
        "compare": {name: explorer_words.COMPARE[name] for name in ("", *COMPARISONS)},
        "panels": explorer_words.PANELS,
        "copies": explorer_words.COPIES,
        "filters": sets,
        "filtered": sum(one["chosen"] for one in sets),
        "set": sum(bool(chosen.get(name)) for name in ("panel", "copies", "limit")),
    }


def _figures(found: Answered, said: Mapping[str, str]) -> list[dict[str, Any]]:
    """The charts of the page: one, or a small one for each line."""
    lines = found.shown
    link = found.question.parameters()
    carried = sum(len(line.buckets) for line in lines) <= INLINE
    look = _look(found, PAGE, None if carried else f"/trends/rows.json?{link}")
    if not found.many:
        spec = explorer_charts.one_panel(lines, look, said, "container")
        return [{"label": "", "description": said["description"], "spec": script_json(spec), "at": 0}]
    domain = explorer_charts.shared_domain(lines, look.metric)
    figures = []
    for number, line in enumerate(lines, 1):
        last = next((one for one in reversed(line.buckets) if one.value is not None and not one.so_far), None)
        latest = (
            f"{explorer_charts.told(last, look.metric)}, {explorer_charts.when(last.start, look.interval)}"
            if last
            else ""
        )
        told = {**said, "description": f"{line.label}: {latest or 'no value yet'}. The table below has every value."}
        figures.append(
            {
                "label": line.label,
                "latest": latest,
                "description": told["description"],
                "spec": script_json(explorer_charts.small_panel(line, look, told, domain, "container")),
                "at": number,
            }
        )
    return figures


def _said(found: Answered, title: str, labels: Any) -> dict[str, str]:
    subtitle = explorer_words.subtitle_of(found.answer, found.before, labels)
    finding = finding_of(found)
    description = f"{title}. {subtitle}. {finding} The table below has every value."
    return {"title": title, "subtitle": subtitle, "description": description, "finding": finding}


def _look(found: Answered, theme: Theme, data: str | None = None) -> Look:
    query = found.question.query
    return Look(query.metric, query.interval, theme, drawn_of(found.marks), data, shared_causes(found))


def _whole(found: Answered, look: Look, said: Mapping[str, str], width: int) -> dict[str, Any]:
    if found.many:
        return explorer_charts.many_panels(found.shown, look, said, width)
    return explorer_charts.one_panel(found.lines, look, said, width)


def _offer(request: Request) -> Offer:
    state = request.app.state
    if not hasattr(state, "explorer_offers"):
        state.explorer_offers = Offers(services_of(request))
    offers: Offers = state.explorer_offers
    return offers.current()
