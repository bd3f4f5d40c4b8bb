"""Adding a source by pasting an address, and changing one: /sources/add and /sources/{id}/edit.

The address is looked at first, which takes seconds; what was found is remembered for a while, so that choosing
another candidate does not ask the site again. Nothing is stored before "Save".
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.context import services_of
from api.dashboard.names import labels_of
from api.dashboard.pages import render
from api.dashboard.sources import form as source_form
from api.dashboard.sources import views as source_views
from api.dashboard.sources import words as source_words
from api.dashboard.sources.address import address_of, same_address
from api.dashboard.sources.form import Wrong
from api.dashboard.sources.routes import platform_names, refuse_generated, tracked
from api.dashboard.words import ago, whole
from api.dashboard.writing import forms_work, read_form
from api.params import read_params, refuse_unknown, text
from api.problems import Problem
from collectors import registry
from collectors.base import Source
from monitor.adding import Found, Way, look_around
from monitor.config import source_to_mapping
from monitor.core.mask import mask
from monitor.core.source_id import slug_for
from monitor.remedies import remedy_for
from monitor.store.errors import AlreadyExists

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.core.model import TrackedSource

router = APIRouter()

LOOKS = 60.0
"""Seconds that looking at an address may take in all."""
REMEMBERED, REMEMBERED_FOR = 50, timedelta(minutes=10)
LONGEST = 2000
_ASKED = ("url", "pick", "collector")


@router.get("/sources/add")
async def add(request: Request) -> Response:
    """The one field; with an address, what was found there and a preview of the chosen candidate."""
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, _ASKED)
    pasted = (text(params, "url", longest=LONGEST) or "").strip()
    pick, collector = text(params, "pick", longest=LONGEST + 100), text(params, "collector", longest=100)
    services = services_of(request)
    if not pasted and not collector:
        wrong = [Wrong("url", "Paste an address.")] if "url" in params and not pick else []
        return await _page(request, pasted, wrong)
    if await run_in_threadpool(lambda: services.generated or not forms_work(request)):
        return await _page(request, pasted, [])
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Problem("cross-site", "A page of another site asked to look at an address; nothing was fetched.")
    url, wrong = address_of(pasted) if pasted else ("", [])
    if collector and collector not in registry.names():
        wrong = [*wrong, Wrong("collector", f"There is no collector {collector!r}.")]
    if wrong:
        return await _page(request, pasted, wrong)
    return await _found(request, pasted, url, pick, collector)


@router.post("/sources/add")
async def save(request: Request) -> Response:
    """Track what the form describes, or look at it again with the values that the form has now."""
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, _ASKED)
    form = await read_form(request, (*source_form.names(), "do"))
    services = services_of(request)
    await run_in_threadpool(refuse_generated, services)
    pasted = (text(params, "url", longest=LONGEST) or "").strip()
    pick, collector = text(params, "pick", longest=LONGEST + 100), text(params, "collector", longest=100)
    chosen = collector or (pick or "").partition(" ")[0]
    if chosen not in registry.names():
        raise Problem("invalid-request", "The form does not say how the address is collected; find it again.")
    known = await run_in_threadpool(services.store.sources)
    mapping = source_form.mapping_of(form, chosen) | {"verified": False}
    if not mapping.get("id"):
        mapping["id"] = slug_for(mapping.get("url") or chosen, taken=_taken(known))
    made = source_form.check(mapping, services.config.platforms)
    values = {**form, "id": form.get("id") or mapping["id"]}
    found = _remembered(request, pasted and address_of(pasted)[0])
    if not isinstance(made, Source):
        return await _page(request, pasted, made, found=found, pick=pick, collector=chosen, values=values)
    if form.get("do") == "preview":
        shown = await _preview(services, made)
        return await _page(
            request, pasted, [], found=found, pick=pick, collector=chosen, values=values, preview=shown, status=200
        )
    same = same_address(known, made.url, made.collector)
    if same is not None:
        return await _page(request, pasted, [], known=same, status=409)
    try:
        await run_in_threadpool(lambda: services.store.add_source(made, services.clock()))
    except AlreadyExists:
        wrong = [Wrong("id", f"There is a source {made.id!r} already; choose another id.")]
        return await _page(request, pasted, wrong, found=found, pick=pick, collector=chosen, values=values)
    return RedirectResponse(f"{source_views.address(made.id)}?done=added", 303)


@router.get("/sources/{source_id}/edit")
async def edit(request: Request, source_id: str) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("url",))
    services = services_of(request)
    one = await run_in_threadpool(tracked, services, source_id)
    values = source_form.values_of_source(one.source)
    if moved := text(params, "url", longest=LONGEST):
        values["url"] = moved.strip()  # offered by a preview that was redirected; nothing changes before "Save"
    return await run_in_threadpool(_edit_page, request, one, values, [])


@router.post("/sources/{source_id}/edit")
async def change(request: Request, source_id: str) -> Response:
    """Change a source that these pages own, or look at it with the values that the form has now."""
    form = await read_form(request, (*source_form.names(), "do"))
    services = services_of(request)
    one = await run_in_threadpool(tracked, services, source_id)
    values = {**form, "id": source_id}
    mapping = source_form.mapping_of(values, one.source.collector)
    mapping["verified"] = source_to_mapping(one.source).get("verified")
    made = source_form.check(mapping, services.config.platforms)
    if not isinstance(made, Source):
        return await run_in_threadpool(_edit_page, request, one, values, made)
    if form.get("do") == "preview":
        await run_in_threadpool(refuse_generated, services)
        shown = await _preview(services, made)
        return await run_in_threadpool(_edit_page, request, one, values, [], shown)
    if made != one.source:
        await run_in_threadpool(lambda: services.store.update_source(made, services.clock()))
    return RedirectResponse(f"{source_views.address(source_id)}?done=saved", 303)


# --- finding ---------------------------------------------------------------------------------------------------------


def _taken(known: Sequence[TrackedSource]) -> set[str]:
    return {one.source.id for one in known} | source_form.PAGE_WORDS


async def _found(request: Request, pasted: str, url: str, pick: str | None, collector: str | None) -> Response:
    services = services_of(request)
    known = await run_in_threadpool(services.store.sources)
    if url and not pick and not collector and (same := same_address(known, url)):
        return await _page(request, pasted, [], known=same, status=200)
    found = None
    if not collector and url:
        found = _remembered(request, url) or await _look(request, known, url)
    values, chosen = _values(found, url, pick, collector, known)
    if chosen is None:
        return await _page(request, pasted, [], found=found, status=200)
    made = source_form.check(source_form.mapping_of(values, chosen), services.config.platforms)
    shown = await _preview(services, made) if isinstance(made, Source) else None
    return await _page(
        request, pasted, [], found=found, pick=pick, collector=chosen, values=values, preview=shown, status=200
    )


def _values(
    found: Found | None, url: str, pick: str | None, collector: str | None, known: Sequence[TrackedSource]
) -> tuple[dict[str, str], str | None]:
    """What the form begins with, and the collector it is for; (…, None) where nothing can be collected."""
    if collector is None:
        ways = found.ways if found else ()
        way = next((one for one in ways if pick_of(one) == pick), None) if pick else _best(ways, known)
        if way is not None:
            return source_form.values_of(way.mapping), str(way.mapping["collector"])
        if pick is None:
            return {}, None
        collector, _, url = pick.partition(" ")
        if collector not in registry.names():
            raise Problem("invalid-request", "What was chosen is not in the list; choose again.")
    values = {"id": slug_for(url or collector, taken=_taken(known))}
    return values | ({"url": url} if url else {}), collector


def _best(ways: Sequence[Way], known: Sequence[TrackedSource]) -> Way | None:
    """The first that is not tracked yet."""
    return next((one for one in ways if same_address(known, str(one.mapping["url"])) is None), None)


def pick_of(way: Way) -> str:
    """How an address names a candidate."""
    return f"{way.mapping['collector']} {way.mapping['url']}"


async def _look(request: Request, known: Sequence[TrackedSource], url: str) -> Found:
    services = services_of(request)
    try:
        async with asyncio.timeout(LOOKS):
            found = await look_around(
                services.previews, _taken(known), services.config.platforms, set(services.settings.key), url
            )
    except TimeoutError:
        host = urlsplit(url).hostname
        return Found.nothing(
            "The address", f"{host} took longer than {LOOKS:g} seconds. It is not asked again until you do."
        )
    if found.ways:
        kept = _memory(request)
        kept[url] = services.clock(), found
        while len(kept) > REMEMBERED:
            kept.popitem(last=False)
    return found


def _memory(request: Request) -> OrderedDict[str, tuple[datetime, Found]]:
    state = request.app.state
    if not hasattr(state, "looked_around"):
        state.looked_around = OrderedDict()
    kept: OrderedDict[str, tuple[datetime, Found]] = state.looked_around
    return kept


def _remembered(request: Request, url: str) -> Found | None:
    when, found = _memory(request).get(url, (None, None))
    fresh = when is not None and services_of(request).clock() - when <= REMEMBERED_FOR
    return found if fresh else None


async def _preview(services: Services, source: Source) -> dict[str, Any]:
    """What would be stored, or why nothing can be had."""
    try:
        async with asyncio.timeout(LOOKS):
            preview = await services.previews.preview(source, limit=source_views.LOOKED_AT)
    except TimeoutError:
        from monitor.previews import Preview

        says = f"{urlsplit(source.url).hostname or source.collector} took longer than {LOOKS:g} seconds."
        preview = Preview(source, error=says, code="timeout_total")
    return source_views.preview_of(preview, labels_of(services), services.clock())


# --- pages -----------------------------------------------------------------------------------------------------------


async def _page(
    request: Request,
    pasted: str,
    errors: Sequence[Wrong],
    *,
    found: Found | None = None,
    pick: str | None = None,
    collector: str | None = None,
    values: Mapping[str, str] | None = None,
    preview: Mapping[str, Any] | None = None,
    known: TrackedSource | None = None,
    status: int | None = None,
) -> Response:
    return await run_in_threadpool(
        _render, request, pasted, errors, found, pick, collector, values, preview, known, status
    )


def _render(
    request: Request,
    pasted: str,
    errors: Sequence[Wrong],
    found: Found | None,
    pick: str | None,
    collector: str | None,
    values: Mapping[str, str] | None,
    preview: Mapping[str, Any] | None,
    known: TrackedSource | None,
    status: int | None,
) -> Response:
    services = services_of(request)
    picked = pick or (f"{collector} {values.get('url', '')}" if collector and values else None)
    carried = {"url": pasted, "pick": picked if found or pick else "", "collector": "" if found or pick else collector}
    return render(
        request,
        "source_add.html",
        status or (422 if errors else 200),
        here="sources",
        pasted=pasted,
        errors=errors,
        ways=_ways(services, found, picked) if found else [],
        steps=_steps(found) if found else [],
        looked=found is not None,
        collector=collector,
        values=values or {},
        preview=preview,
        known=known
        and {"href": source_views.address(known.source.id), "name": source_views.name_of(known), "id": known.source.id},
        carried=urlencode({name: value for name, value in carried.items() if value}),
        collectors=[one for one in registry.names() if one != "archive"],
        writable=forms_work(request),
        told_generated=source_words.GENERATED,
        **_form_words(services, collector, values or {}),
    )


def _edit_page(
    request: Request,
    one: TrackedSource,
    values: Mapping[str, str],
    errors: Sequence[Wrong],
    preview: Mapping[str, Any] | None = None,
) -> Response:
    services = services_of(request)
    return render(
        request,
        "source_edit.html",
        422 if errors else 200,
        here="sources",
        source=one.source,
        name=source_views.name_of(one),
        address=source_views.address(one.source.id),
        declared=one.state.declared,
        config=services.settings.config,
        values=values,
        errors=errors,
        preview=preview,
        collector=one.source.collector,
        writable=forms_work(request),
        **_form_words(services, one.source.collector, values),
    )


def _form_words(services: Services, collector: str | None, values: Mapping[str, str]) -> dict[str, Any]:
    return {
        "types": source_words.TYPE_NAMES,
        "audiences": source_words.AUDIENCE_NAMES,
        "platforms": sorted(platform_names(services).items(), key=lambda row: row[1].casefold()),
        "options": source_form.options_of(collector, values) if collector else [],
    }


def _ways(services: Services, found: Found, picked: str | None) -> list[dict[str, Any]]:
    known, now = services.store.sources(), services.clock()
    rows = []
    for way in found.ways:
        url = str(way.mapping["url"])
        same = same_address(known, url)
        rows.append(
            {
                "pick": pick_of(way),
                "chosen": pick_of(way) == picked,
                "title": mask(way.title) or url,
                "kind": f"{way.mapping['collector']} ({way.format})" if way.format else way.mapping["collector"],
                "url": url,
                "how": way.how,
                "many": f"{whole(way.items)} {'item' if way.items == 1 else 'items'}",
                "newest": f"newest {ago(way.newest, now)}" if way.newest else "no dates",
                "language": way.language or "language not told",
                "known": same and {"href": source_views.address(same.source.id), "name": source_views.name_of(same)},
            }
        )
    return rows


def _steps(found: Found) -> list[dict[str, Any]]:
    return [
        {"what": one.what, "says": mask(one.says), "found": one.found, "code": one.code, "remedy": remedy_for(one.code)}
        for one in found.steps
    ]
