"""The layers that charts of trends are made of: grey fields, bands, lines, points and names. Nothing here draws.

`charts` and the pages put them into frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

HEIGHT = 300


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours and type of one rendering. `series` holds MAX_SERIES colours that stay apart for colour-blind readers."""

    text: str
    quiet: str
    grid: str
    gap: str
    paper: str
    series: tuple[str, str, str, str]


LIGHT = Theme("#1B1F23", "#57606A", "#E3E6E8", "#EDEFF1", "#FFFFFF", ("#12436D", "#28A197", "#801650", "#F46A25"))
DARK = Theme("#E8EAED", "#A9B1BA", "#2E343A", "#22272C", "#14171A", ("#6DB3F2", "#2EC4B6", "#F78FB3", "#FF9F5A"))
PAGE = Theme(
    "var(--text)",
    "var(--quiet)",
    "var(--grid)",
    "var(--gap)",
    "transparent",
    ("var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)"),
)
THEMES: Mapping[str, Theme] = {"light": LIGHT, "dark": DARK, "page": PAGE}
"""By the name used in addresses."""

TOOLTIP: Sequence[Mapping[str, Any]] = (
    {"field": "label", "title": "What"},
    {"field": "start", "type": "temporal", "title": "From", "format": "%-d %b %Y"},
    {"field": "value", "type": "quantitative", "title": "Value", "format": ".3~g"},
    {"field": "low", "type": "quantitative", "title": "Low", "format": ".3~g"},
    {"field": "high", "type": "quantitative", "title": "High", "format": ".3~g"},
    {"field": "n", "type": "quantitative", "title": "Posts", "format": ","},
    {"field": "status", "title": "Status"},
)
_DASHES: tuple[list[int], ...] = ([], [7, 3], [2, 2], [9, 3, 2, 3])


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of one series, ready to draw or to print. Dates are UTC; `end` is exclusive."""

    start: date
    end: date
    label: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    of: int
    status: str
    so_far: bool
    """The bucket was not over when the answer was made."""


def _half(bucket: Bucket) -> timedelta:
    """A point sits on the start of its bucket and speaks for half a bucket to either side of itself."""
    return (bucket.end - bucket.start) / 2


def stamp(day: date, shift: timedelta = timedelta(0)) -> str:
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) + shift).strftime("%Y-%m-%dT%H:%M:%SZ")


def _x_domain(buckets: Sequence[Bucket]) -> dict[str, Any]:
    if not buckets:
        return {}
    first, last = min(buckets, key=lambda bucket: bucket.start), max(buckets, key=lambda bucket: bucket.start)
    return {"domain": [stamp(first.start, -_half(first)), stamp(last.start, _half(last))]}


def gap_layer(buckets: Sequence[Bucket], theme: Theme, causes: Mapping[date, str] | None = None) -> dict[str, Any]:
    """Grey fields where no series was observed, joined where they touch and have one cause.

    `causes`: start of a bucket → why nobody observed it, in words; shown where the pointer rests.
    """
    causes = causes or {}
    rows: list[dict[str, str]] = []
    reached: date | None = None
    for first, last in _holes(buckets, causes):
        row = {"from": stamp(first.start, -_half(first)), "to": stamp(last.start, _half(last))}
        rows.append({**row, "why": "" if reached == first.start else "no data"})
        if first.start in causes:
            rows[-1]["cause"] = causes[first.start]
        reached = last.end
    x, x2 = {"field": "from", "type": "temporal"}, {"field": "to"}
    # set by one layer, and one without x2: anything else Vega-Lite takes for a conflict of domains
    whole = {**x, "scale": {"type": "utc", **_x_domain(buckets)}}
    told = {"tooltip": [{"field": "cause", "title": "No data"}]} if causes else {}
    return {
        "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "rect", "color": theme.gap},
                "encoding": {"x": x, "x2": x2, "color": {"value": theme.gap}, **told},
            },
            {
                "mark": {"type": "text", "align": "left", "baseline": "top", "dx": 4, "dy": 4, "fontSize": 11},
                "encoding": {
                    "x": whole,
                    "y": {"value": 0},
                    "text": {"field": "why"},
                    "color": {"value": theme.quiet},
                },
            },
        ],
    }


def _holes(buckets: Sequence[Bucket], causes: Mapping[date, str]) -> list[tuple[Bucket, Bucket]]:
    """First and last bucket of each stretch that no series observed, with one cause throughout."""
    observed = {bucket.start for bucket in buckets if bucket.status != "not_observed"}
    unseen = {bucket.start: bucket for bucket in buckets if bucket.start not in observed}
    holes: list[tuple[Bucket, Bucket]] = []
    for start, bucket in sorted(unseen.items()):
        if holes and holes[-1][1].end == start and causes.get(holes[-1][1].start) == causes.get(start):
            holes[-1] = holes[-1][0], bucket
        else:
            holes.append((bucket, bucket))
    return holes


def data_layers(
    *,
    zero: bool,
    crowded: bool,
    tooltip: Sequence[Mapping[str, Any]] = TOOLTIP,
    domain: tuple[float, float] | None = None,
) -> list[dict[str, Any]]:
    """Bands, lines and points of rows with `est`, `est_low`, `est_high` (null where a bucket is not over), `value`,
    `low`, `high`, `so_far` and `label`. With a `domain` the scale spans it, the same in several panels."""
    lone = (
        "isValid(datum.value) && (datum.so_far || (!isValid(datum.before) && !isValid(datum.after)))"
        " && isValid(datum.low) && isValid(datum.high)"
    )
    scale: dict[str, Any] = {"zero": zero, "nice": True} if domain is None else {"domain": [*domain], "nice": True}
    y: dict[str, Any] = {"field": "est", "type": "quantitative", "title": None, "scale": scale}
    return [
        {
            "mark": {"type": "area", "opacity": 0.22, "line": False},
            "encoding": {"y": {**y, "field": "est_low"}, "y2": {"field": "est_high"}},
        },
        {
            "transform": [
                {
                    "window": [
                        {"op": "lag", "field": "est", "as": "before"},
                        {"op": "lead", "field": "est", "as": "after"},
                    ],
                    "groupby": ["label"],
                    "sort": [{"field": "start"}],
                },
                {"filter": lone},
            ],
            "mark": {"type": "rule", "opacity": 0.6, "strokeWidth": 2},
            "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "strokeWidth": 2.25},
            "encoding": {
                "y": y,
                "strokeDash": {"field": "label", "sort": None, "legend": None, "scale": {"range": list(_DASHES)}},
            },
        },
        {
            "transform": [{"filter": "isValid(datum.value) && !datum.so_far"}],
            "mark": {"type": "point", "filled": True, "size": 10 if crowded else 34, "opacity": 1},
            "encoding": {"y": {**y, "field": "value"}, "tooltip": [*tooltip]},
        },
        {
            "transform": [{"filter": "isValid(datum.value) && datum.so_far"}],
            "mark": {"type": "point", "filled": False, "size": 48, "strokeWidth": 2, "opacity": 1},
            "encoding": {"y": {**y, "field": "value"}, "tooltip": [*tooltip]},
        },
    ]


def label_layers(buckets: Sequence[Bucket], shown: Sequence[str], theme: Theme, *, zero: bool) -> list[dict[str, Any]]:
    """Each line's name at its end, moved apart where ends lie close, and one word over the bucket that is not over."""
    values = [edge for bucket in buckets for edge in (bucket.value, bucket.low, bucket.high) if edge is not None]
    # a line of text is 17 pixels high; axis and rounding of the scale take about an eighth of the height
    apart = ((max(values) - (0.0 if zero else min(values))) or 1.0) * 17 / (HEIGHT * 0.86)
    last = max(buckets, key=lambda bucket: bucket.start)
    ends: list[tuple[float, str]] = []
    for label in shown:
        told = [bucket.value for bucket in buckets if bucket.label == label and bucket.value is not None]
        if told:
            ends.append((told[-1], label))
    ends.sort()
    names = [
        {"start": stamp(last.start), "at": place, "label": label}
        for place, (_, label) in zip(spread([value for value, _ in ends], apart), ends, strict=True)
    ]
    so_far = [{"start": stamp(last.start), "words": "so far"}] if last.so_far else []
    text = {"type": "text", "clip": False}
    return [
        {
            "data": {"values": names},
            "mark": {**text, "align": "left", "dx": 9, "fontSize": 12, "fontWeight": 600},
            "encoding": {"y": {"field": "at", "type": "quantitative"}, "text": {"field": "label"}},
        },
        {
            "data": {"values": so_far},
            "mark": {**text, "baseline": "bottom", "dy": -4, "fontSize": 11},
            "encoding": {"y": {"value": 0}, "text": {"field": "words"}, "color": {"value": theme.quiet}},
        },
    ]


def spread(values: Sequence[float], apart: float) -> list[float]:
    """Ascending places at least `apart` from each other, each as near to its value as its group allows."""
    groups: list[tuple[float, int]] = []  # (middle of the group, how many)
    for value in values:
        middle, count = value, 1
        while groups and middle - groups[-1][0] < apart * (count + groups[-1][1]) / 2:
            other, others = groups.pop()
            middle, count = (middle * count + other * others) / (count + others), count + others
        groups.append((middle, count))
    return [middle + apart * (at - (count - 1) / 2) for middle, count in groups for at in range(count)]


def empty_layer(buckets: Sequence[Bucket], theme: Theme) -> dict[str, Any]:
    reason = "Nothing was collected in this period" if buckets else "No posts match in this period"
    return {
        "data": {"values": [{"why": reason}]},
        "mark": {"type": "text", "fontSize": 14},
        "encoding": {
            "x": {"value": {"expr": "width / 2"}},
            "y": {"value": HEIGHT / 2},
            "text": {"field": "why"},
            "color": {"value": theme.quiet},
        },
    }
