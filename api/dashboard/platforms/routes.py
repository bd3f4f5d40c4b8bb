"""The access register as pages: every platform at /platforms, and one with its routes, limits and sources behind it.

Closed platforms are shown like all others: what cannot be observed is a fact, not an omission. Of keys only is told
whether they are set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.context import services_of
from api.dashboard.pages import render
from api.dashboard.platforms import views, words
from api.params import one_of, read_params, refuse_unknown, whole_number
from api.problems import not_found, wants_page
from collectors import registry
from monitor.config_platform import ACCESS, PlatformInfo
from monitor.core.model import TrackedSource
from monitor.register import STATES, RouteState, route_states
from monitor.standing import status_of

if TYPE_CHECKING:
    from datetime import datetime

    from collectors.quota import Quota
    from monitor.bootstrap import Services

router = APIRouter()

SOURCES_SHOWN = 50
NEAREST_SHOWN = 5
MOST_SOURCES = 1_000_000
Params = Mapping[str, Sequence[str]]


@router.get("/platforms")
async def listed(request: Request) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("access", "state"))
    return await run_in_threadpool(_listed, request, params)


@router.get("/platforms/{platform_id}")
async def one(request: Request, platform_id: str) -> Response:
    params = read_params(request.scope["query_string"])
    refuse_unknown(params, ("from",))
    return await run_in_threadpool(_one, request, platform_id, params)


# --- the list --------------------------------------------------------------------------------------------------------


def _listed(request: Request, params: Params) -> Response:
    access = one_of(params, "access", ACCESS, None)
    state = one_of(params, "state", STATES, None)
    services = services_of(request)
    register = services.config.platforms
    tracked = services.store.sources()
    routes = _routes_by_platform(services, tracked)
    held: dict[str, list[TrackedSource]] = {}
    for source in tracked:
        held.setdefault(source.source.platform, []).append(source)
    verdicts = _verdicts(services)
    shown = [
        info
        for info in register.values()
        if access in (None, info.access) and (state is None or any(one.state == state for one in routes[info.id]))
    ]
    players = [info for info in shown if info.player]
    others = [info for info in shown if not info.player]

    def cards(rows: Sequence[PlatformInfo]) -> list[dict[str, Any]]:
        return [
            views.card_of(
                info,
                routes[info.id],
                held.get(info.id, []),
                views.effects_of(info, services.config.claims.claims, verdicts),
            )
            for info in rows
        ]

    working = [info for info in register.values() if _works(held.get(info.id, []))]
    imported = any(status_of(source) == "archive" for source in tracked)
    groups: list[dict[str, Any]] = [
        {"title": words.heading_of(players, of_all=len(shown) == len(register)), "cards": cards(players)},
        {"title": "Other places where healthcare is discussed" if players else "Platforms", "cards": cards(others)},
    ]
    return render(
        request,
        "platforms.html",
        here="platforms",
        lead=words.lead_of(len(register), len(working), imported),
        chips=_chips(list(register.values()), routes, access, state),
        groups=[group for group in groups if group["cards"]],
        shown=len(shown),
        total=len(register),
        as_of=_latest(tracked),
        unlisted=_unlisted(register, held),
    )


def _works(tracked: Sequence[TrackedSource]) -> bool:
    return any(status_of(one) in ("ok", "archive") for one in tracked)


def _unlisted(register: Mapping[str, PlatformInfo], held: Mapping[str, Sequence[TrackedSource]]) -> list[str]:
    """Platforms that sources name and the register does not have: an archive may bring them."""
    return sorted(name for name in held if name not in register)


def _latest(tracked: Sequence[TrackedSource]) -> datetime | None:
    return max((one.state.last_success for one in tracked if one.state.last_success), default=None)


def _routes_by_platform(services: Services, tracked: Sequence[TrackedSource]) -> dict[str, list[RouteState]]:
    register = services.config.platforms
    found: dict[str, list[RouteState]] = {name: [] for name in register}
    for one in route_states(register, tracked, set(services.settings.key)):
        found[one.platform].append(one)
    return found


def _verdicts(services: Services) -> dict[str, str]:
    """Claim → its latest stored verdict. Nothing is examined for this page; the ledger does that."""
    return {row.claim: row.verdict for row in services.store.verdicts()}


def _chips(
    register: Sequence[PlatformInfo], routes: Mapping[str, Sequence[RouteState]], access: str | None, state: str | None
) -> list[dict[str, Any]]:
    """Filters as links, each with how many platforms it would leave of the whole register."""

    def href(**chosen: str | None) -> str:
        asked = {name: value for name, value in chosen.items() if value}
        return "/platforms" + (f"?{urlencode(asked)}" if asked else "")

    by_access = [
        {
            "href": href(access=None if access == name else name, state=state),
            "current": access == name,
            "label": words.ACCESS[name].tag.name,
            "count": sum(info.access == name for info in register),
        }
        for name in ACCESS
    ]
    by_state = [
        {
            "href": href(access=access, state=None if state == name else name),
            "current": state == name,
            "label": words.STATES[name].name,
            "count": sum(any(one.state == name for one in routes[info.id]) for info in register),
        }
        for name in STATES
    ]
    return [
        {"name": name, "rows": [row for row in rows if row["count"] or row["current"]]}
        for name, rows in (("access", by_access), ("routes", by_state))
    ]


# --- one platform ----------------------------------------------------------------------------------------------------


def _one(request: Request, platform_id: str, params: Params) -> Response:
    services = services_of(request)
    info = services.config.platforms.get(platform_id)
    if info is None:
        return _missing(request, platform_id)
    now = services.clock()
    tracked = services.store.sources()
    mine = views.in_order(one for one in tracked if one.source.platform == info.id)
    routes, seen = [], set[str]()
    for one in _routes_by_platform(services, tracked)[info.id]:
        name = one.route.collector
        collector = registry.get(name) if one.route.implemented else None
        quotas = [] if collector is None else list(views.quota_rows(collector.quotas, _used_by(services, name), now))
        routes.append(views.route_view(one, info, collector, quotas, name in seen))
        seen.add(name)
    first = whole_number(params, "from", default=1, most=MOST_SOURCES)
    page = mine[first - 1 : first - 1 + SOURCES_SHOWN]
    return render(
        request,
        "platform.html",
        here="platforms",
        platform=info,
        about=views.about_of(info),
        access=words.ACCESS[info.access],
        evidence=views.evidence_of(info),
        routes=routes,
        effects=views.effects_of(info, services.config.claims.claims, _verdicts(services)),
        sources=[views.source_row(one, now) for one in page],
        total=len(mine),
        first=first,
        last=first - 1 + len(page),
        before=_page_address(info, max(1, first - SOURCES_SHOWN)) if first > 1 else None,
        after=_page_address(info, first + SOURCES_SHOWN) if first - 1 + len(page) < len(mine) else None,
        as_of=_latest(mine),
        imported=bool(mine) and all(status_of(one) == "archive" for one in mine),
    )


def _page_address(info: PlatformInfo, first: int) -> str:
    return views.address(info.id) + (f"?from={first}" if first > 1 else "") + "#sources"


def _used_by(services: Services, collector: str) -> views.Used:
    """What is booked of a quota: of the whole, or, where a limit holds for each server, of every server."""

    def used(quota: Quota, since: datetime) -> Mapping[str, float]:
        spent = services.store.spending.used(collector, quota, since=since)
        if spent:
            return {"": spent}
        start = f"{quota.bucket}:"
        apart = services.store.booked(collector, since=since)
        named = {name.removeprefix(start): value for name, value in sorted(apart.items()) if name.startswith(start)}
        return named or {"": 0.0}

    return used


def _missing(request: Request, platform_id: str) -> Response:
    register = services_of(request).config.platforms
    if not wants_page(request):
        raise not_found(f"Platform {platform_id[:60]!r}", "/platforms")
    names = {**{info.name.casefold(): name for name, info in register.items()}, **{name: name for name in register}}
    found = get_close_matches(platform_id[:100].casefold(), names, NEAREST_SHOWN, 0.4)
    near = dict.fromkeys(names[one] for one in found)
    return render(
        request,
        "platform_missing.html",
        404,
        here="platforms",
        asked=platform_id[:100],
        near=[{"href": views.address(name), "name": register[name].name} for name in near],
    )
