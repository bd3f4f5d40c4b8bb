"""The claim ledger as pages: every claim with its verdict at /claims, and one claim with all behind it at /claims/{id}.

Works without JavaScript; the address holds all that is chosen. What is shown of a post is what the API shows of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.context import services_of
from api.dashboard.claims import views as claim_views
from api.dashboard.claims import words as claim_words
from api.dashboard.claims.glance import changes_of
from api.dashboard.claims.words import KIND_WORDS, VERDICT_WORDS, Document
from api.dashboard.names import labels_of
from api.dashboard.pages import render, script_json
from api.dashboard.pictures import BUNDLE_PATH, TYPES, WIDTHS
from api.params import one_of, only, read_params, refuse_unknown, text
from api.present import show_post
from api.problems import Problem, field_problem, not_found, wants_page
from monitor.claims_query import ClaimsQuery, parse_claims_query, read_as_of
from monitor.core.charts import THEMES
from monitor.core.query import QueryError
from monitor.ledger import UnknownClaim
from monitor.posts_query import LONGEST_CURSOR
from monitor.store.errors import NotFound

if TYPE_CHECKING:
    from monitor.bootstrap import Services

router = APIRouter()

FILTERS = ("verdict", "kind", "segment")
POSTS_SHOWN = 10
NEAREST_SHOWN = 5
Params = Mapping[str, Sequence[str]]


@router.get("/claims")
async def ledger(request: Request) -> Response:
    params = read_params(request.scope["query_string"])
    return await run_in_threadpool(_ledger, request, params)


@router.get("/claims/{claim_id}")
async def claim(request: Request, claim_id: str) -> Response:
    request.app.state.studio.prepare()
    params = read_params(request.scope["query_string"])
    return await run_in_threadpool(_claim, request, claim_id, params)


@router.get("/claims/{claim_id}/chart.{kind}")
async def chart(request: Request, claim_id: str, kind: str) -> Response:
    """The weeks of a claim as a picture (svg, png) or as their Vega-Lite specification (json)."""
    if kind not in ("svg", "png", "json"):
        raise Problem("not-found", "Charts of claims come as chart.svg, chart.png and chart.json.")
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("theme", "width", "as_of"))
    theme = one_of(params, "theme", ("light", "dark"), "light") or "light"
    width = one_of(params, "width", WIDTHS, "720") or "720"
    services = services_of(request)

    def specify() -> dict[str, Any]:
        try:
            document = services.ledger.claim(claim_id, as_of=_day(only(params, "as_of"), services))
        except UnknownClaim as error:
            raise Problem("not-found", str(error)) from None
        if not document.get("series"):
            raise not_found(f"A chart of {claim_id}", "The page of a claim that is measured week by week")
        return claim_views.chart_spec(document, THEMES[theme], int(width))

    spec = await run_in_threadpool(specify)
    headers = {"Cache-Control": "private, no-cache"}
    if kind == "json":
        return Response(orjson.dumps(spec), 200, headers, "application/json")
    return Response(await request.app.state.studio.draw(spec, kind), 200, headers, TYPES[kind])


# --- the ledger ------------------------------------------------------------------------------------------------------


def _ledger(request: Request, params: Params) -> Response:
    services = services_of(request)
    document = services.ledger.ledger()
    claims: Sequence[Document] = document["claims"]
    query, errors = ClaimsQuery(), tuple[QueryError, ...]()
    shown = claims
    try:
        query = parse_claims_query(params)
        shown = query.select(claims)
    except QueryError as error:
        query, errors = ClaimsQuery(), (error,)
    scales = claim_views.scales_of(claims)
    return render(
        request,
        "claims.html",
        422 if errors else 200,
        here="claims",
        lead=claim_words.lead_of(claim_words.counts_of(claims)),
        span=claim_words.span_of(claims),
        checked=claim_words.stamp_words(document["as_of"]),
        changes=changes_of(services, {one["id"]: one["says"] for one in claims}, services.clock()),
        chips=[_chips(name, claims, query) for name in FILTERS],
        removals=_removals(claims, query),
        groups=_groups(claims, [claim_views.row_of(one, scales) for one in shown]),
        shown=len(shown),
        total=len(claims),
        verdicts=list(VERDICT_WORDS.values()),
        errors=errors,
    )


def _asked(query: ClaimsQuery) -> dict[str, tuple[str, ...]]:
    """What a query asks for, as its parameters."""
    return {"verdict": query.verdicts, "kind": query.kinds, "segment": query.segments}


def _with(query: ClaimsQuery, name: str, *values: str) -> ClaimsQuery:
    """The query with only these values in one filter."""
    return parse_claims_query({**_asked(query), name: values})


def _address(query: ClaimsQuery) -> str:
    asked = {name: ",".join(values) for name, values in _asked(query).items() if values}
    return f"/claims?{urlencode(asked)}" if asked else "/claims"


def _chips(name: str, claims: Sequence[Document], query: ClaimsQuery) -> dict[str, Any]:
    """One row of filters: every verdict, but only kinds and segments that occur. Counts are of what a link leads to."""
    values = list(VERDICT_WORDS) if name == "verdict" else list(dict.fromkeys(one[name] for one in claims))
    chosen = _asked(query)[name]
    everything = _with(query, name)
    rows = [{"label": "All", "mark": "", "count": len(everything.select(claims)), "href": _address(everything)}]
    rows[0]["current"] = not chosen
    for value in values:
        narrowed = _with(query, name, value)
        verdict = VERDICT_WORDS[value] if name == "verdict" else None
        label = verdict.name if verdict else KIND_WORDS.get(value, value)
        rows.append(
            {
                "label": label[:1].upper() + label[1:],
                "mark": verdict.mark if verdict else "",
                "count": len(narrowed.select(claims)),
                "href": _address(narrowed),
                "current": _asked(narrowed)[name][0] in chosen,
            }
        )
    return {"name": name, "rows": rows}


def _removals(claims: Sequence[Document], query: ClaimsQuery) -> list[dict[str, Any]]:
    """For an empty result: what the other filters would leave without each one."""
    without = [(name, _with(query, name)) for name, values in _asked(query).items() if values]
    return [{"name": name, "count": len(left.select(claims)), "href": _address(left)} for name, left in without]


def _groups(claims: Sequence[Document], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows under the segment of the report they belong to, both in the ledger's order, whatever is filtered."""
    groups: dict[str, list[dict[str, Any]]] = {one["segment"]: [] for one in claims}
    for row in rows:
        groups[row["segment"]].append(row)
    return [{"segment": name[:1].upper() + name[1:], "rows": found} for name, found in groups.items() if found]


# --- one claim -------------------------------------------------------------------------------------------------------


def _claim(request: Request, claim_id: str, params: Params) -> Response:
    services = services_of(request)
    refuse_unknown(params, ("as_of", "cursor"))
    asked = (only(params, "as_of") or "").strip()
    as_of, errors = None, tuple[QueryError, ...]()
    try:
        as_of = _day(asked, services)
    except QueryError as error:
        errors = (error,)
    try:
        document = services.ledger.claim(claim_id, as_of=as_of)
    except UnknownClaim as error:
        if not wants_page(request):
            raise Problem("not-found", str(error)) from None
        return _missing(request, claim_id, services)
    chart = claim_views.chart_of(document, as_of)
    return render(
        request,
        "claim.html",
        422 if errors else 200,
        here="claims",
        claim=document,
        verdict=VERDICT_WORDS[document["verdict"]],
        kind=KIND_WORDS[document["kind"]],
        meaning=claim_words.meaning_of(document["verdict"], document["kind"]),
        address=claim_views.address(claim_id),
        as_of=as_of,
        asked=asked,
        today=services.clock().date(),
        computed=claim_words.stamp_words(document["as_of"]),
        errors=errors,
        tiles=claim_views.tiles_of(document),
        chart=chart and {**chart, "spec": script_json(chart["spec"])},
        scale=claim_views.scale_figure(document),
        checks_about=claim_words.CHECKS_ABOUT[document["kind"]],
        checks=claim_views.checks_of(document),
        method=claim_views.method_of(document, labels_of(services)),
        evidence=_evidence(services, document, text(params, "cursor", longest=LONGEST_CURSOR))
        if document["links"]["evidence"] and as_of is None
        else None,
        history=claim_views.history_of(document),
        references=[claim_views.reference_row(one) for one in document.get("references") or ()],
        details=claim_views.detail_rows(document["details"]),
        api=f"/api/v1/claims/{quote(claim_id, safe='')}" + (f"?as_of={as_of.isoformat()}" if as_of else ""),
        bundle=BUNDLE_PATH,
    )


def _missing(request: Request, claim_id: str, services: Services) -> Response:
    about = {one.id: one.says for one in services.ledger.book.claims}
    near = get_close_matches(claim_id[:100], about, n=NEAREST_SHOWN, cutoff=0.4)
    return render(
        request,
        "claim_missing.html",
        404,
        here="claims",
        asked=claim_id[:100],
        near=[{"href": claim_views.address(one), "id": one, "says": about[one]} for one in near],
    )


def _evidence(services: Services, document: Document, cursor: str | None) -> dict[str, Any]:
    """Posts behind a claim. Raises Problem for a page marker that does not fit."""
    try:
        page = services.ledger.evidence(document["id"], limit=POSTS_SHOWN, cursor=cursor)
    except (NotFound, ValueError) as error:
        if cursor is None:
            raise
        message = "This page marker is not one of ours; take the link under the posts before."
        raise field_problem("cursor", message, "bad-cursor") from error
    tracked = {one.source.id: one.source for one in services.store.sources()} if page.posts else {}
    rows = []
    for post in page.posts:
        source = tracked.get(post.source)
        platform = source.platform if source else None
        info = services.config.platforms.get(platform) if platform else None
        name = info.name if info else platform or "platform not known"
        rows.append(claim_views.evidence_row(show_post(post, platform), (source and source.name) or post.source, name))
    more = f"{claim_views.address(document['id'])}?{urlencode({'cursor': page.next})}#evidence" if page.next else None
    return {"of": page.of, "rows": rows, "more": more, "later": bool(cursor)}


def _day(text: str | None, services: Services) -> date | None:
    """The day before which posts were published; None for now. Raises QueryError for what is no such day."""
    return read_as_of(text.strip(), services.clock()) if text and text.strip() else None
