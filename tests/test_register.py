"""The access register, joined with what is installed, configured and observed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from collectors.base import Source
from monitor.config_platform import PlatformInfo, Route
from monitor.core.model import SourceState, TrackedSource
from monitor.register import RouteState, route_states
from tests.support.posts import NOW, make_source


def route(collector: str, *, implemented: bool = True) -> Route:
    return Route(collector, "Posts", "verified", implemented)


def platform(*routes: Route) -> dict[str, PlatformInfo]:
    info = PlatformInfo(
        id="youtube", name="YouTube", kind="open_network", access="open", not_measurable="Private videos.",
        reviewed=date(2026, 11, 22), routes=routes,
    )  # fmt: skip
    return {"youtube": info}


def tracked(source: Source, **state: object) -> TrackedSource:
    return TrackedSource(source, replace(SourceState(declared=False, created_at=NOW), **state))  # type: ignore[arg-type]


CHANNEL = make_source("channel", platform="youtube")
WORKS = tracked(CHANNEL, last_try=NOW, last_success=NOW)
FAILS = tracked(
    make_source("other", platform="youtube"),
    last_try=NOW, failing_since=NOW, error="other: gone", last_success=NOW - timedelta(days=1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "state", "says"),
    [
        ([], "no_source", "Nothing is tracked"),
        ([tracked(CHANNEL)], "not_tried", "1 tracked"),
        ([WORKS, FAILS], "works", "1 of 2"),
        ([FAILS], "failing", "other: gone"),
        ([tracked(replace(CHANNEL, platform="web"), last_try=NOW)], "no_source", "Nothing is tracked"),
        ([tracked(replace(CHANNEL, url=""))], "no_source", "Nothing is tracked"),
    ],
)
def test_a_route_is_as_good_as_its_sources(sources: list[TrackedSource], state: str, says: str) -> None:
    (found,) = route_states(platform(route("feed")), sources, ())
    assert (found.state, found.variable) == (state, None)
    assert says in found.says


def test_a_route_without_its_key_says_which_variable_and_where_to_get_one() -> None:
    def found(*keys: str) -> RouteState:
        return next(route_states(platform(route("youtube")), [], keys))

    without = found()
    assert (without.state, without.variable, without.has_key) == ("no_key", "TRENDMONITOR_KEY__YOUTUBE", False)
    assert "TRENDMONITOR_KEY__YOUTUBE" in without.says
    assert "https://" in without.says
    assert (found("youtube").state, found("youtube").has_key) == ("no_source", True)


def test_a_route_that_is_not_installed_says_so() -> None:
    (found,) = route_states(platform(route("gopher", implemented=False)), [], ())
    assert found.state == "not_implemented"
    assert "gopher" in found.says


def test_the_latest_success_of_any_source_is_told() -> None:
    (found,) = route_states(platform(route("feed")), [FAILS, WORKS], ())
    assert found.last_success == NOW
    assert (found.sources, found.working) == (2, 1)
