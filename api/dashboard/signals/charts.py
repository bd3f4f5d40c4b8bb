"""The series behind a signal as a Vega-Lite specification: counts over time, the change marked, the expectation drawn.

Nothing here draws. As in every chart a period that nobody observed is a grey field and joined to nothing, and one that
is not over is hollow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from monitor.core.charts import Bucket, Theme, empty_layer, framed, gap_layer, stamp


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the baseline led to expect in a period of the change, on average, with its 95 % prediction interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Change:
    """The days [since, until) of the change."""

    since: date
    until: date
    expected: Expectation | None
    """None where the chart counts other sources than the signal did, so that the two cannot be compared."""


def signal_chart(
    buckets: Sequence[Bucket],
    change: Change,
    *,
    title: str,
    subtitle: str,
    description: str,
    theme: Theme,
    width: int | str = 720,
) -> dict[str, Any]:
    """Posts in each period. `width` is in pixels, or "container" in the browser."""
    drawn = any(bucket.value is not None for bucket in buckets)
    layers = [gap_layer(buckets, theme)]
    layers += _layers(buckets, change, theme) if drawn else [empty_layer(buckets, theme)]
    return framed(
        layers,
        [_row(bucket, change) for bucket in buckets],
        buckets,
        title=title,
        subtitle=subtitle,
        description=description,
        theme=theme,
        width=width,
        date_format="%-d %b",
        most_ticks=8,
        number_format="~s",
    )


def _row(bucket: Bucket, change: Change) -> dict[str, Any]:
    return {
        "start": stamp(bucket.start),
        "value": bucket.value,
        "line": None if bucket.so_far else bucket.value,
        "status": bucket.status,
        "so_far": bucket.so_far,
        "inside": change.since <= bucket.start < change.until,
    }


def _layers(buckets: Sequence[Bucket], change: Change, theme: Theme) -> list[dict[str, Any]]:
    blue, orange = theme.series[0], theme.series[3]
    half = (buckets[0].end - buckets[0].start) / 2
    span: dict[str, Any] = {"from": stamp(change.since, -half), "to": stamp(change.until, -half)}
    x, x2 = {"field": "from", "type": "temporal"}, {"field": "to"}
    # A count starts at zero, and a line of zeros belongs on the floor
    flat = not any(bucket.value for bucket in buckets)
    y: dict[str, Any] = {
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [0, 1]} if flat else {"zero": True, "nice": True},
    }
    tooltip = [
        {"field": "start", "type": "temporal", "title": "From", "format": "%-d %b %Y"},
        {"field": "value", "type": "quantitative", "title": "Posts", "format": ","},
        {"field": "status", "title": "Status"},
    ]
    point = {"encoding": {"y": {**y, "field": "value"}, "tooltip": tooltip}}
    layers: list[dict[str, Any]] = []
    if (expected := change.expected) is not None:
        row = {**span, "expected": expected.value, "low": expected.low, "high": expected.high}
        layers = [
            {
                "data": {"values": [row]},
                "mark": {"type": "rect", "opacity": 0.25, "color": orange},
                "encoding": {"x": x, "x2": x2, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "data": {"values": [row]},
                "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [5, 3], "color": orange},
                "encoding": {"x": x, "x2": x2, "y": {**y, "field": "expected"}},
            },
        ]
    return [
        *layers,
        {"mark": {"type": "line", "strokeWidth": 1.5, "color": blue}, "encoding": {"y": {**y, "field": "line"}}},
        {
            "transform": [{"filter": "isValid(datum.value) && !datum.so_far && !datum.inside"}],
            "mark": {"type": "point", "filled": True, "size": 14, "opacity": 1, "color": blue},
            **point,
        },
        {
            "transform": [{"filter": "isValid(datum.value) && !datum.so_far && datum.inside"}],
            "mark": {"type": "point", "filled": True, "shape": "diamond", "size": 90, "opacity": 1, "color": orange},
            **point,
        },
        {
            "transform": [{"filter": "isValid(datum.value) && datum.so_far"}],
            "mark": {"type": "point", "filled": False, "size": 48, "strokeWidth": 2, "opacity": 1, "color": blue},
            **point,
        },
    ]


def window_of(first: date, until: date, size: str, today: date) -> tuple[date, date]:
    """The days that a chart of a change [first, until) shows: what was before, the change, and a little after."""
    before, after = (
        (timedelta(days=56), timedelta(days=14)) if size == "day" else (timedelta(weeks=26), timedelta(weeks=4))
    )
    return first - before, min(until + after, today + timedelta(days=1))


def rows_of(buckets: Sequence[Bucket], change: Change, words: Mapping[str, str]) -> list[dict[str, Any]]:
    """The table twin, latest first."""
    return [
        {
            "start": bucket.start,
            "value": bucket.value,
            "inside": change.since <= bucket.start < change.until,
            "state": "so far" if bucket.so_far else words.get(bucket.status, bucket.status),
        }
        for bucket in sorted(buckets, key=lambda one: one.start, reverse=True)
    ]
