"""The access register, joined with what is installed, configured and observed: which route works now, and why not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from collectors import registry
from collectors.base import Collector, Source
from monitor.config_platform import PlatformInfo, Route
from monitor.core.model import TrackedSource
from monitor.previews import Previews
from monitor.standing import status_of

STATES = ("works", "failing", "not_tried", "no_key", "no_source", "not_implemented")
"""works: a source answered at its last visit. failing: none did. not_tried: tracked, not visited yet. no_key: it cannot
work before a key is set. no_source: ready, and nothing is tracked. not_implemented: this installation has no such
collector."""


@dataclass(frozen=True, slots=True)
class RouteState:
    """One route of one platform, as it stands here and now."""

    platform: str
    route: Route
    state: str
    says: str
    """Why, and what to do, in one or two sentences."""
    variable: str | None
    """The environment variable of its key; None: it needs none."""
    has_key: bool
    sources: int
    working: int
    last_success: datetime | None
    """The latest visit of any of its sources that worked."""


def route_states(
    platforms: Mapping[str, PlatformInfo], tracked: Sequence[TrackedSource], keys: Collection[str]
) -> Iterator[RouteState]:
    """Every route of the register, in its order. `keys`: collectors whose key is set."""
    for info in platforms.values():
        for route in info.routes:
            collector = registry.get(route.collector) if route.implemented else None
            mine = [
                one for one in tracked
                if one.source.platform == info.id and one.source.collector == route.collector and one.source.url
            ]  # fmt: skip
            yield _state(info, route, collector, mine, route.collector in keys)


def _state(
    info: PlatformInfo, route: Route, collector: Collector | None, mine: Sequence[TrackedSource], has_key: bool
) -> RouteState:
    variable = f"TRENDMONITOR_KEY__{route.collector.upper()}" if collector is not None and collector.key else None
    working = [one for one in mine if status_of(one) == "ok"]
    success = max((one.state.last_success for one in mine if one.state.last_success), default=None)
    failing = next((one for one in mine if status_of(one) in ("failing", "stopped")), None)
    if collector is None:
        state, says = "not_implemented", f"This installation has no collector {route.collector!r}."
    elif collector.key is not None and not collector.key.optional and not has_key:
        state = "no_key"
        says = f"Set {variable} to {collector.key.shape}: {collector.key.what} ({collector.key.where})."
    elif working:
        state, says = "works", f"{len(working)} of {len(mine)} sources answered at their last visit."
    elif failing is not None:
        state, says = "failing", failing.state.error or failing.state.stopped or "Its sources fail."
    elif mine:
        state, says = "not_tried", f"{len(mine)} tracked, none visited yet."
    else:
        state, says = (
            "no_source",
            f"Nothing is tracked by this route; docs/platforms/ shows how to add a source of {info.name}.",
        )
    return RouteState(info.id, route, state, says, variable, has_key, len(mine), len(working), success)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying one route."""

    platform: str
    collector: str
    source: str | None
    """Id of the source that was asked, or None if an example address was."""
    url: str | None
    ok: bool
    posts: int
    says: str
    millis: int


async def try_routes(
    previews: Previews, platforms: Mapping[str, PlatformInfo], tracked: Sequence[TrackedSource], keys: Collection[str]
) -> list[Tried]:
    """Ask every configured route for one page, without storing anything; those that are not configured are left out.

    Configured is a route with a source, or one whose key is set (or which needs none beside a key for other things)
    and whose collector names an address that costs next to nothing to ask.
    """
    tried = []
    for standing in route_states(platforms, tracked, keys):
        source = _sample(standing, tracked)
        if source is None:
            continue
        preview = await previews.preview(source, limit=5)
        says = preview.error or f"{len(preview.posts)} posts on the first page, {preview.rejected} unusable"
        own = source.id if any(one.source.id == source.id for one in tracked) else None
        tried.append(
            Tried(
                standing.platform, source.collector, own, source.url, preview.error is None,
                len(preview.posts), says, preview.millis,
            )
        )  # fmt: skip
    return tried


def _sample(standing: RouteState, tracked: Sequence[TrackedSource]) -> Source | None:
    """A source of this route: one that works, else any that is polled, else an example of its collector."""
    mine = [
        one for one in tracked
        if (one.source.platform, one.source.collector) == (standing.platform, standing.route.collector)
        and one.source.url and not one.state.paused
    ]  # fmt: skip
    if mine:
        return min(mine, key=lambda one: (status_of(one) != "ok", one.source.id)).source
    if not standing.has_key or not standing.route.implemented:
        return None
    collector = registry.get(standing.route.collector)
    if collector.platform != standing.platform or not collector.examples:
        return None
    return Source(
        id=f"{standing.platform}-example", collector=standing.route.collector, platform=standing.platform,
        url=collector.examples[0],
    )  # fmt: skip
