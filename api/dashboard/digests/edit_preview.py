"""What a digest that nobody saved would say: composed from the values of a form, never stored.

Charts are drawn when the browser asks for them, so a composed document is remembered for a while under an address of its
own. Where it was forgotten, the table beside the chart says the same.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import Request

from api.context import services_of
from api.dashboard.digests import edit_words as digest_edit_words
from api.dashboard.digests import views as digest_views
from api.dashboard.digests import words as digest_words
from api.dashboard.sources.form import Wrong
from monitor.core.digest import DigestSpec
from monitor.core.schedule import Schedule, ScheduleError, parse_schedule

if TYPE_CHECKING:
    from monitor.bootstrap import Services

BASE = "/digests/new/preview"
REMEMBERED, REMEMBERED_FOR = 30, timedelta(minutes=10)
RUNS_SHOWN = 3

Document = Mapping[str, Any]


def composed(services: Services, spec: DigestSpec) -> Document:
    """The document of the latest complete period, as a run of now would make it."""
    from monitor.digest_composer import Composer

    composer = Composer(
        services.trends,
        lambda: services.ledger,
        services.store,
        services.config,
        lambda: services.signal_watch,
        public_url=services.settings.public_url,
        draw=_undrawn,
    )
    now = services.clock()
    schedule = parse_schedule(spec.schedule)
    run = schedule.previous(now)
    earlier = services.store.digests.document_before(spec.id, run)
    return composer.compose(spec, *schedule.period(run), now, earlier)


def _undrawn(spec: Mapping[str, Any]) -> bytes:
    raise AssertionError("composing draws nothing")


def shown(
    request: Request, form: Mapping[str, str], spec: DigestSpec | None, errors: Sequence[Wrong], left: Sequence[Wrong]
) -> dict[str, Any]:
    """What stands beside the form: what it would say, or the `errors` that keep it from being composed. `left`: what is
    still to be done before it can be saved. No `spec` where there are errors."""
    services = services_of(request)
    now = services.clock()
    told: dict[str, Any] = {"errors": errors, "left": left, "runs": runs_of(form, now), "view": None, "quiet": False}
    if spec is None:
        return told
    document = composed(services, spec)
    key = _remember(request, document, now)
    view = digest_views.view_of(document, f"{BASE}/{key}", services.settings.public_url)
    return told | {
        "view": view,
        "quiet": view["quiet"] and spec.quiet == "if_changed",
        "id": spec.id,
        "channels": [digest_words.channel_words(one) for one in spec.channels],
    }


def runs_of(form: Mapping[str, str], now: datetime) -> dict[str, Any] | None:
    """The schedule in words, its next runs and what each reports on; None if it cannot be read."""
    try:
        schedule = parse_schedule(f"{form.get('schedule', '')} {form.get('timezone', '')}".strip())
    except ScheduleError:
        return None
    words = schedule.describe()
    first, *others = _next(schedule, now)
    return {
        "words": f"{words[:1].upper()}{words[1:]}",
        "first": digest_words.run_words(first, schedule.zone, now),
        "others": [digest_words.local(one, schedule.zone) for one in others],
        "period": digest_edit_words.PERIODS[schedule.unit],
    }


def _next(schedule: Schedule, now: datetime) -> list[datetime]:
    runs = [schedule.next(now)]
    while len(runs) < RUNS_SHOWN:
        runs.append(schedule.next(runs[-1]))
    return runs


def _remember(request: Request, document: Document, now: datetime) -> str:
    charts = {one["id"]: one["chart"]["spec"] for one in document["sections"] if one.get("chart")}
    key = hashlib.sha256(orjson.dumps(charts, option=orjson.OPT_SERIALIZE_NUMPY)).hexdigest()[:24]
    kept = _memory(request)
    kept[key] = now, charts
    kept.move_to_end(key)
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)
    return key


def remembered(request: Request, key: str, section: str) -> Document | None:
    """The chart of a section of a preview that was shown lately, as a Vega-Lite specification."""
    when, charts = _memory(request).get(key, (None, {}))
    fresh = when is not None and services_of(request).clock() - when <= REMEMBERED_FOR
    found: Document | None = charts.get(section) if fresh else None
    return found


def _memory(request: Request) -> OrderedDict[str, tuple[datetime, dict[str, Document]]]:
    state = request.app.state
    if not hasattr(state, "previewed_charts"):
        state.previewed_charts = OrderedDict()
    kept: OrderedDict[str, tuple[datetime, dict[str, Document]]] = state.previewed_charts
    return kept
