"""What can be asked for: the access register of platforms, and the topics of the taxonomy."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter, Request

from api.context import services_of
from api.docs import problem_responses
from api.schemas import PlatformOut, PlatformsOut, RouteOut, TopicOut, TopicsOut
from monitor.register import route_states
from monitor.standing import status_of

router = APIRouter()


@router.get(
    "/platforms",
    summary="The access register: what can lawfully be observed where",
    response_model=PlatformsOut,
    responses=problem_responses(503),
)
def platforms(request: Request) -> PlatformsOut:
    """Denied and not sought platforms are listed too: what cannot be measured is shown as such, never as zero."""
    services = services_of(request)
    tracked = services.store.sources()
    held = Counter(one.source.platform for one in tracked)
    states = list(route_states(services.config.platforms, tracked, set(services.settings.key)))
    working = Counter(one.source.platform for one in tracked if status_of(one) in ("ok", "archive"))
    return PlatformsOut(
        platforms=[
            PlatformOut(
                id=row.id,
                name=row.name,
                kind=row.kind,
                access=row.access,
                measurable=row.measurable,
                not_measurable=row.not_measurable,
                reviewed=row.reviewed,
                company=row.company,
                player=row.player,
                hosts=list(row.hosts),
                routes=[
                    RouteOut(
                        collector=one.route.collector,
                        observes=one.route.observes,
                        evidence=one.route.evidence,
                        implemented=one.route.implemented,
                        key=one.route.key,
                        quota=one.route.quota,
                        duty=one.route.duty,
                        state=one.state,  # type: ignore[arg-type]  # one of register.STATES
                        says=one.says,
                        variable=one.variable,
                        sources=one.sources,
                        working=one.working,
                        last_success=one.last_success,
                    )
                    for one in states
                    if one.platform == row.id
                ],
                retention=row.retention,
                sources=held[row.id],
                working=working[row.id],
            )
            for row in services.config.platforms.values()
        ]
    )


@router.get("/topics", summary="Topics that posts are tagged with", response_model=TopicsOut)
def topics(request: Request) -> TopicsOut:
    taxonomy = services_of(request).config.taxonomy
    return TopicsOut(
        topics=[
            TopicOut(id=name, label=str(topic.get("label") or name), description=str(topic.get("description") or ""))
            for name, topic in sorted(taxonomy.items())
        ]
    )
