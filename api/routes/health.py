"""For those who run the service: /healthz (alive), /readyz (fit to serve, else why not), /metrics (Prometheus)."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from api.context import services_of
from api.docs import problem_responses
from api.schemas import FindingOut, HealthOut, ReadyOut
from monitor.doctor import Finding, examine
from monitor.scheduler import TICK_LATE
from monitor.standing import STATUSES, status_of
from monitor.store.errors import StoreError

if TYPE_CHECKING:
    from monitor.bootstrap import Services

router = APIRouter()

VITAL = frozenset({"database", "configuration", "disk", "clock"})
"""A problem of one of these makes the service unfit; a source that fails does not."""
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz", summary="The process is alive", response_model=HealthOut)
async def healthz() -> HealthOut:
    """Looks at nothing, so that a slow database never gets the process killed. Open without a key."""
    return HealthOut(status="ok")


@router.get(
    "/readyz",
    summary="Fit to serve, and if not, why",
    response_model=ReadyOut,
    responses={503: {"model": ReadyOut, "description": "Not fit; each problem says what to do."}},
)
def readyz(request: Request, response: Response) -> ReadyOut:
    """The same findings as `trendmonitor doctor`, and whether the clock of this process still ticks."""
    services = services_of(request)
    findings = [*examine(services), *_clock(services)]
    ready = not any(one.level == "problem" and one.subject in VITAL for one in findings)
    response.status_code = 200 if ready else 503
    response.headers["Cache-Control"] = "no-store"
    return ReadyOut(
        ready=ready,
        findings=[
            FindingOut(level=one.level, subject=one.subject, says=one.says, remedy=one.remedy) for one in findings
        ],
    )


def _clock(services: Services) -> list[Finding]:
    try:
        if services.generated:
            return []
    except StoreError:
        return []  # `examine` has said so already
    last = services.last_tick
    if last is None:
        return [Finding("problem", "clock", "it has not looked for due sources yet", "Wait a minute after the start.")]
    behind = services.clock() - last
    if behind > TICK_LATE:
        minutes = int(behind.total_seconds() // 60)
        return [
            Finding("problem", "clock", f"it last looked for due sources {minutes} minutes ago", "Restart the service.")
        ]
    return [Finding("ok", "clock", f"it looked for due sources at {last:%H:%M:%S} UTC")]


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problem_responses(503)},
)
def metrics(request: Request) -> Response:
    return Response(generate_latest(request.app.state.figures.registry), 200, media_type=TEXT)


class Figures:
    """One registry an application; everything about the data is read when it is asked for, nothing is kept twice."""

    def __init__(self, services: Services) -> None:
        self.registry = CollectorRegistry()
        self._services = services
        self._requests = Counter(
            "trendmonitor_http_requests", "Answered requests.", ["method", "status"], registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def answered(self, method: str, status: int) -> None:
        self._requests.labels(method if method in _METHODS else "OTHER", str(status)).inc()

    def describe(self) -> Iterable[Metric]:
        """Nothing: it would need the database before the service has opened it."""
        return []

    def collect(self) -> Iterable[Metric]:
        services = self._services
        tracked, totals, now = services.store.sources(), services.store.totals(), services.clock()
        states = Tally(status_of(one) for one in tracked)
        sources = GaugeMetricFamily("trendmonitor_sources", "Tracked sources by how they fare.", labels=["status"])
        for status in STATUSES:
            sources.add_metric([status], states[status])
        yield sources
        failing = GaugeMetricFamily("trendmonitor_sources_failing", "Failing sources by code.", labels=["code"])
        codes = Tally(one.state.error_code or "unknown" for one in tracked if status_of(one) == "failing")
        for code, count in sorted(codes.items()):
            failing.add_metric([code], count)
        yield failing
        visits = GaugeMetricFamily("trendmonitor_visits_24h", "Visits of 24 hours by outcome.", labels=["outcome"])
        for outcome, count in sorted(services.store.visit_counts(now - _VISITS_OF).items()):
            visits.add_metric([outcome], count)
        yield visits
        due = sum(
            1 for one in tracked if one.state.next_due and one.state.next_due <= now and status_of(one) in _ACTIVE
        )
        yield GaugeMetricFamily("trendmonitor_sources_due", "Sources that wait for a visit.", value=due)
        yield GaugeMetricFamily("trendmonitor_posts", "Stored posts.", value=totals.posts)
        if totals.newest is not None:
            stamp = totals.newest.timestamp()
            yield GaugeMetricFamily("trendmonitor_newest_post_timestamp_seconds", "Publication.", value=stamp)
        visited = [one.state.last_success for one in tracked if one.state.last_success is not None]
        if visited:
            stamp = max(visited).timestamp()
            yield GaugeMetricFamily(
                "trendmonitor_last_success_timestamp_seconds", "Last visit that worked.", value=stamp
            )
        if services.last_tick is not None:
            stamp = services.last_tick.timestamp()
            yield GaugeMetricFamily(
                "trendmonitor_last_tick_timestamp_seconds", "Last look for due sources.", value=stamp
            )
        version = services.store.data_version()
        yield GaugeMetricFamily("trendmonitor_data_version", "Grows with every change of the data.", value=version)
        size = services.trends.nbytes
        yield GaugeMetricFamily("trendmonitor_cube_bytes", "Memory of cells and kept answers.", value=size)


_VISITS_OF = timedelta(hours=24)
"""A gauge of a time, not a counter: the store keeps the newest visits of a source only, so their number can fall."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"})
_ACTIVE = frozenset({"ok", "failing", "waiting"})
