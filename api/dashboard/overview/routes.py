"""The first page: the state of the world on one screen, for one period against one other.

Works without JavaScript; the address holds all that is chosen. Numbers are those of digests (`monitor.overview`), kept
until the data change; what is open or broken is looked up each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.context import services_of
from api.dashboard import words
from api.dashboard.claims.glance import glance
from api.dashboard.digests import views as digest_views
from api.dashboard.overview import views as overview_views
from api.dashboard.overview import words as overview_words
from api.dashboard.overview.asked import KNOWN, RETIRED, Chosen, choose, needed, periods_of
from api.dashboard.pages import render, script_json
from api.dashboard.pictures import BUNDLE_PATH
from api.dashboard.signals.glance import signal_glance
from api.dashboard.signals.words import is_muted
from api.params import only, read_params, refuse_unknown
from monitor.core.charts import PAGE, buckets_of, time_chart
from monitor.core.digest_periods import Period
from monitor.core.moments import midnight
from monitor.core.overview import SPLITS, Figure
from monitor.core.query import TrendQuery
from monitor.overview import Overview, last_monday, look_at
from monitor.standing import status_of
from monitor.store.events import Kind

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.core.model import TrackedSource
    from monitor.trends import Trends

router = APIRouter()

SPARK_WEEKS = 12
DIGESTS_SHOWN = 3
_KEPT = 64
_EVENTS: tuple[Kind, ...] = ("source_changed", "tagging_changed", "retagged")
"""What makes older posts no match for newer ones without changing any of them."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """All that depends on data and question alone."""

    overview: Overview
    answers: Mapping[str, tuple[TrendQuery, Mapping[str, Any]]]
    """Figure → the weeks behind it."""


_kept: WeakKeyDictionary[Trends, OrderedDict[tuple[object, ...], Numbers]] = WeakKeyDictionary()
_lock = threading.Lock()


@router.get("/")
async def overview(request: Request) -> Response:
    params = read_params(request.scope["query_string"])
    if RETIRED in params:
        asked = [
            (name, params[name][-1]) for name in (RETIRED, "since", "until") if params.get(name, ["week"]) != ["week"]
        ]
        return RedirectResponse(f"/trends?{urlencode([('metric', 'share'), ('by', 'content_type'), *asked])}", 303)
    refuse_unknown(params, KNOWN)
    given = {name: (only(params, name) or "").strip() for name in KNOWN}
    wanted = needed(given)
    if any(name not in wanted for name in params):  # a form sends all its fields; the address keeps what it needs
        return RedirectResponse(f"/?{urlencode(wanted)}" if wanted else "/", 303)
    request.app.state.studio.prepare()
    return await run_in_threadpool(_overview, request, given)


def _overview(request: Request, given: Mapping[str, str]) -> Response:
    services = services_of(request)
    now = services.clock()
    tracked = services.store.sources()
    chosen = choose(given, now)
    fares = overview_views.fares_of(tracked, now)
    broken = overview_views.broken_of(tracked, now)
    totals = services.store.totals()
    signals = signal_glance(services, now)
    shared: dict[str, Any] = {
        "errors": chosen.errors,
        "fields": chosen.fields,
        "periods": periods_of(chosen),
        "comparisons": overview_words.COMPARISONS,
        "fares": overview_views.strip_of(fares),
        "broken": broken,
        "tracked": len(tracked),
        "totals": totals,
        "claims": glance(services, now),
        "signals": signals,
        "digests": _digests(services, now),
        "here": "overview",
    }
    if not totals.posts:  # whatever period is asked for
        shared["errors"] = ()
        if not tracked:
            return render(request, "overview.html", state="empty", lead="No sources yet.", **shared)
        return render(request, "overview.html", state="collecting", **shared, **_first(services, tracked, now))
    numbers = _numbers(services, chosen, tracked, now)
    found = numbers.overview
    new = sum(_new(one, found.period, now) for one in tracked)
    values = {
        "state": "numbers" if found.observation.observed else "nothing",
        "lead": _lead(services, found.period, tracked, fares, broken["count"], now),
        "coverage": overview_views.coverage_of(found, tracked, broken["count"], new),
        "ranges": overview_views.chosen_words(chosen.compare, found),
        "against": overview_words.against(found.period, chosen.compare) if found.base else "",
        "headlines": [_headline(one, numbers) for one in found.figures.headlines],
        "shares": [_shares(name, numbers) for name in SPLITS],
        "chart": _chart(numbers),
        "bundle": BUNDLE_PATH,
        "found": found,
        "nearest": _nearest(found),
        "first": _first_monday(tracked, now),
        "platforms": len({one.source.platform for one in tracked}),
    }
    return render(request, "overview.html", 422 if chosen.errors else 200, **shared, **values)


# --- numbers ---------------------------------------------------------------------------------------------------------


def _numbers(services: Services, chosen: Chosen, tracked: list[TrackedSource], now: datetime) -> Numbers:
    trends = services.trends
    active = frozenset(one.source.id for one in tracked if status_of(one) not in ("paused", "archive"))
    last_event = max((one.id for kind in _EVENTS if (one := services.store.last_event(kind)) is not None), default=0)
    key = trends.version(), chosen.period, chosen.compare, active, last_event
    with _lock:
        kept = _kept.setdefault(trends, OrderedDict())
        if (numbers := kept.get(key)) is not None:
            kept.move_to_end(key)
            return numbers
    found = look_at(trends, services.store, services.config, chosen.period, chosen.compare, active=active, now=now)
    answers = {}
    for metric, by in (("volume", None), ("sentiment", None), *(("share", name) for name in (*SPLITS, "topic"))):
        answers[by or metric] = _weeks(trends, metric, by, chosen.period)
    numbers = Numbers(found, answers)
    with _lock:
        kept[key] = numbers
        while len(kept) > _KEPT:
            kept.popitem(last=False)
    return numbers


def _weeks(trends: Trends, metric: str, by: str | None, period: Period) -> tuple[TrendQuery, Mapping[str, Any]]:
    """The weeks up to the period's end, of the sources that were observed throughout; of all if there are none."""
    query = TrendQuery(
        metric=metric,
        by=by,
        interval="week",
        since=period.until - timedelta(weeks=SPARK_WEEKS),
        until=period.until,
        panel="fixed",
    )
    answer = trends.answer(query)
    if not answer["panel"]["sources"]:
        query = replace(query, panel="all")
        answer = trends.answer(query)
    return query, answer


def _headline(figure: Figure, numbers: Numbers) -> dict[str, Any]:
    name = figure.dimension or {"count": "volume"}.get(figure.kind, figure.kind)
    query, answer = numbers.answers[name]
    found = numbers.overview
    return overview_views.headline_of(figure, answer, query, found.figures.compared)


def _shares(dimension: str, numbers: Numbers) -> dict[str, Any]:
    query, _ = numbers.answers[dimension]
    asked = urlencode(overview_views.asked_of(query))
    found = numbers.overview
    return {
        "id": dimension.replace("_", "-"),
        "name": words.SPLITS[dimension],
        "rows": overview_views.shares_of(found.figures, dimension),
        "trends": f"/trends?{asked}",
        "csv": f"/api/v1/trends?{asked}&format=csv",
        "json": f"/api/v1/trends?{asked}",
    }


def _chart(numbers: Numbers) -> dict[str, Any]:
    """How content types share the posts, week by week."""
    query, answer = numbers.answers["content_type"]
    description = words.describe(answer)
    spec = time_chart(answer, title="", subtitle="", description=description, theme=PAGE, width="container")
    return {
        "title": words.title_of(answer),
        "subtitle": words.subtitle_of(answer),
        "finding": words.finding_of(answer),
        "description": description,
        "spec": script_json(spec),
        "link": urlencode(overview_views.asked_of(query)),
        "answer": answer,
        "as_of": datetime.fromisoformat(answer["as_of"]),
        "buckets": sorted(buckets_of(answer), key=lambda one: one.start, reverse=True),
        "status_words": words.STATUS_WORDS,
    }


def _nearest(found: Overview) -> dict[str, str] | None:
    """The last week with anything in it, if the page shows another that has nothing."""
    if found.latest is None or found.observation.observed:
        return None
    window = {"since": found.latest.since.isoformat(), "until": found.latest.until.isoformat()}
    return {"href": f"/?{urlencode(window)}", "name": overview_words.span(found.latest)}


# --- what goes on ----------------------------------------------------------------------------------------------------


def _end(period: Period, now: datetime) -> datetime:
    """Until when what happened is told: up to now for the latest period, which people read while the next one runs."""
    return now if period.until >= last_monday(now) else midnight(period.until)


def _new(one: TrackedSource, period: Period, now: datetime) -> bool:
    """Added in the period. What was imported has been observed by others before."""
    return status_of(one) != "archive" and midnight(period.since) <= one.state.created_at <= _end(period, now)


def _lead(
    services: Services,
    period: Period,
    tracked: list[TrackedSource],
    fares: Mapping[str, int],
    broken: int,
    now: datetime,
) -> str:
    open_ones = services.store.signals.recent(state="open", since=None, until=None, limit=1_000)
    signals = sum(not is_muted(one, now) for one in open_ones)
    says = {claim.id for claim in services.ledger.book.claims}
    checked = any(one.claim in says for one in services.store.verdicts())
    active = len(tracked) - fares["paused"] - fares["archive"]
    behind = fares["failing"] + fares["late"]
    verdicts = _verdicts(services, midnight(period.since), _end(period, now), says) if checked else None
    return overview_words.lead(period, signals, len(says), verdicts, max(behind, broken), active, fares)


def _verdicts(services: Services, since: datetime, until: datetime, claims: set[str]) -> int:
    """Claims whose verdict is another one at the end than at the start."""
    first: dict[str, object] = {}
    last: dict[str, object] = {}
    for event in services.store.events(since=since, until=until, kinds=("verdict_changed",), limit=10_000):
        if event.subject in claims:
            first.setdefault(event.subject, event.detail.get("from"))
            last[event.subject] = event.detail.get("to")
    return sum(first[name] != last[name] for name in first)


def _digests(services: Services, now: datetime) -> list[dict[str, Any]]:
    """The next issues, soonest first."""
    found = []
    for spec in services.digests.specs():
        fares = digest_views.standing_of(services.digests, spec, None, now)
        found.append(
            {
                "title": spec.title,
                "href": digest_views.address(spec.id),
                "next": fares.next_run,
                "when": digest_views.next_of(fares, now),
                "tag": fares.tag if fares.why or spec.paused else None,
            }
        )
    found.sort(key=lambda one: (one["next"] is None, one["next"] or now, one["title"]))
    return found[:DIGESTS_SHOWN]


def _first(services: Services, tracked: list[TrackedSource], now: datetime) -> dict[str, Any]:
    """Sources, and no posts yet: what is being collected, and when there will be something to see."""
    names = {name: info.name for name, info in services.config.platforms.items()}
    due = [one.state.next_due for one in tracked if one.state.next_due and not one.state.paused]
    waiting = sum(status_of(one) == "waiting" for one in tracked)
    return {
        "lead": f"{len(tracked)} source{'' if len(tracked) == 1 else 's'}, no posts yet.",
        "collecting": overview_views.collecting_of(tracked, names),
        "due": min(due, default=None),
        "waiting": waiting,
        "running": services.last_tick,
        "first": _first_monday(tracked, now),
    }


def _first_monday(tracked: list[TrackedSource], now: datetime) -> str:
    """The day on which the first whole week since sources were added is over, if it is still to come."""
    begun = min((one.state.created_at for one in tracked if status_of(one) != "archive"), default=now).astimezone(UTC)
    monday = begun.date() + timedelta(days=-begun.weekday() % 7, weeks=1)
    return overview_words.until_when(monday) if monday > now.date() else ""
