"""The one place where charts are specified: a trends answer becomes one Vega-Lite specification.

The same specification is drawn by the browser (colours are CSS custom properties, so that a change between light and
dark needs no redrawing) and by the server as SVG or PNG (colours are literal). Nothing here draws.

What a reader can rely on: a bucket that nobody observed is an explicit null under a grey field, never a zero and never
bridged by a line; intervals are bands; a point without neighbours shows its own interval; a bucket that is not over
is hollow and joined to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

MAX_SERIES = 4
"""More lines in one panel cannot be told apart; see the colours below."""
HEIGHT = 300
NARROW = 480
"""Pixels below which half as many ticks are shown."""
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


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

_DASHES: tuple[list[int], ...] = ([], [7, 3], [2, 2], [9, 3, 2, 3])
_FORMATS = {"share": ".0%", "positive_share": ".0%", "negative_share": ".0%", "sentiment": "+.2f", "volume": "~s"}
_FROM_ZERO = frozenset({"share", "positive_share", "negative_share", "volume"})
"""Where zero means something and the scale starts there; other lines start near their values."""


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


def bucket_end(start: date, interval: str) -> date:
    """First day after the bucket that starts on `start`."""
    if interval == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if interval == "week" else 1)


def buckets_of(answer: Mapping[str, Any]) -> list[Bucket]:
    """The points of an answer of GET /api/v1/trends, one after the other, series by series."""
    interval, today = answer["interval"], date.fromisoformat(str(answer["as_of"])[:10])
    found = []
    for series in answer["series"]:
        for point in series["points"]:
            start = date.fromisoformat(str(point["start"])[:10])
            end = bucket_end(start, interval)
            found.append(
                Bucket(
                    start,
                    end,
                    str(series["label"]),
                    point["value"],
                    point["low"],
                    point["high"],
                    point["n"],
                    point["of"],
                    point["status"],
                    so_far=end > today,
                )
            )
    return found


def time_chart(
    answer: Mapping[str, Any],
    *,
    title: str,
    subtitle: str,
    description: str,
    theme: Theme,
    width: int | str = 720,
) -> dict[str, Any]:
    """Lines over time for the first MAX_SERIES series of an answer.

    `width` is in pixels, or "container" in the browser. `description` becomes the accessible name. With nothing to
    draw the frame and axes remain and the reason is printed inside.
    """
    shown = [series["label"] for series in answer["series"][:MAX_SERIES]]
    buckets = [bucket for bucket in buckets_of(answer) if bucket.label in shown]
    number_format = _FORMATS.get(answer["metric"], ",.4~g")
    drawn = any(bucket.value is not None for bucket in buckets)
    layers = [gap_layer(buckets, theme)]
    zero = answer["metric"] in _FROM_ZERO
    layers += (
        [
            *_data_layers(zero=zero, crowded=len(buckets) > 40 * len(shown)),
            *_label_layers(buckets, shown, theme, zero=zero),
        ]
        if drawn
        else [empty_layer(buckets, theme)]
    )
    return framed(
        layers,
        [_row(bucket) for bucket in buckets],
        buckets,
        title=title,
        subtitle=subtitle,
        description=description,
        theme=theme,
        width=width,
        date_format="%b %Y" if answer["interval"] == "month" else "%-d %b",
        most_ticks=9,
        number_format=number_format,
        encoding={
            "color": {
                "field": "label",
                "type": "nominal",
                "scale": {"domain": shown, "range": list(theme.series[: len(shown)])},
                "legend": None,
                "sort": None,
            }
        },
    )


def framed(
    layers: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    buckets: Sequence[Bucket],
    *,
    title: str,
    subtitle: str,
    description: str,
    theme: Theme,
    width: int | str,
    date_format: str,
    most_ticks: int,
    number_format: str,
    encoding: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A whole specification: layers over time in the frame that all charts share.

    `rows` are the data, each with `start`; `buckets` say where ticks may stand, at most `most_ticks` of them and half as
    many where it is narrow. `encoding` is added to that of time.
    """
    narrow = isinstance(width, int) and width < NARROW
    return {
        "$schema": SCHEMA,
        "description": description,
        "width": width,
        "height": HEIGHT,
        "background": theme.paper,
        "autosize": {"type": "fit", "contains": "padding"} if width == "container" else {"type": "pad"},
        "padding": {"left": 4, "right": 12, "top": 4, "bottom": 4} if theme is PAGE else 16,
        # the page prints title and subtitle itself, where they can be read and copied
        **({} if theme is PAGE else {"title": {"text": title, "subtitle": subtitle}}),
        "data": {"values": [*rows]},
        "encoding": {
            "x": {
                "field": "start",
                "type": "temporal",
                "scale": {"type": "utc"},
                "axis": {
                    "title": None,
                    "format": date_format,
                    # buckets are named by their first day, so ticks stand there and nowhere else
                    "values": ticks_of(buckets, (most_ticks + 1) // 2 if narrow else most_ticks),
                    "labelOverlap": True,
                    "grid": False,
                },
            },
            **(encoding or {}),
        },
        "layer": [*layers],
        "config": config_of(theme, number_format),
    }


def _row(bucket: Bucket) -> dict[str, Any]:
    return {
        "start": stamp(bucket.start),
        "label": bucket.label,
        "value": bucket.value,
        "low": bucket.low,
        "high": bucket.high,
        "n": bucket.n,
        "of": bucket.of,
        "status": bucket.status,
        "so_far": bucket.so_far,
        "est": None if bucket.so_far else bucket.value,
        "est_low": None if bucket.so_far else bucket.low,
        "est_high": None if bucket.so_far else bucket.high,
    }


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


def ticks_of(buckets: Sequence[Bucket], at_most: int) -> list[str]:
    starts = sorted({bucket.start for bucket in buckets})
    step = -(-len(starts) // at_most) or 1
    return [stamp(start) for start in starts[::-1][::step][::-1]]


def gap_layer(buckets: Sequence[Bucket], theme: Theme) -> dict[str, Any]:
    """Grey fields where no series was observed, joined where they touch."""
    observed = {bucket.start for bucket in buckets if bucket.status != "not_observed"}
    unseen = {bucket.start: bucket for bucket in buckets if bucket.start not in observed}
    holes: list[list[Bucket]] = []
    for _, bucket in sorted(unseen.items()):
        if holes and holes[-1][1].end == bucket.start:
            holes[-1][1] = bucket
        else:
            holes.append([bucket, bucket])
    rows = [
        {"from": stamp(first.start, -_half(first)), "to": stamp(last.start, _half(last)), "why": "no data"}
        for first, last in holes
    ]
    x, x2 = {"field": "from", "type": "temporal"}, {"field": "to"}
    # set by one layer, and one without x2: anything else Vega-Lite takes for a conflict of domains
    whole = {**x, "scale": {"type": "utc", **_x_domain(buckets)}}
    return {
        "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "rect", "color": theme.gap},
                "encoding": {"x": x, "x2": x2, "color": {"value": theme.gap}},
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


def _data_layers(*, zero: bool, crowded: bool) -> list[dict[str, Any]]:
    lone = (
        "isValid(datum.value) && (datum.so_far || (!isValid(datum.before) && !isValid(datum.after)))"
        " && isValid(datum.low) && isValid(datum.high)"
    )
    tooltip = [
        {"field": "label", "title": "What"},
        {"field": "start", "type": "temporal", "title": "From", "format": "%-d %b %Y"},
        {"field": "value", "type": "quantitative", "title": "Value", "format": ".3~g"},
        {"field": "low", "type": "quantitative", "title": "Low", "format": ".3~g"},
        {"field": "high", "type": "quantitative", "title": "High", "format": ".3~g"},
        {"field": "n", "type": "quantitative", "title": "Posts", "format": ","},
        {"field": "status", "title": "Status"},
    ]
    y: dict[str, Any] = {"field": "est", "type": "quantitative", "title": None, "scale": {"zero": zero, "nice": True}}
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
            "encoding": {"y": {**y, "field": "value"}, "tooltip": tooltip},
        },
        {
            "transform": [{"filter": "isValid(datum.value) && datum.so_far"}],
            "mark": {"type": "point", "filled": False, "size": 48, "strokeWidth": 2, "opacity": 1},
            "encoding": {"y": {**y, "field": "value"}, "tooltip": tooltip},
        },
    ]


def _label_layers(buckets: Sequence[Bucket], shown: Sequence[str], theme: Theme, *, zero: bool) -> list[dict[str, Any]]:
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


def config_of(theme: Theme, number_format: str) -> dict[str, Any]:
    font = "system-ui, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"
    return {
        # the description and the table twin speak for the chart; single marks would be noise to a screen reader
        "aria": False,
        "font": font,
        "view": {"stroke": None},
        "axis": {
            "labelColor": theme.quiet,
            "labelFontSize": 12,
            "gridColor": theme.grid,
            "domainColor": theme.grid,
            "tickColor": theme.grid,
            "titleColor": theme.quiet,
        },
        "axisY": {"format": number_format, "tickCount": 5, "domain": False, "ticks": False},
        "title": {
            "color": theme.text,
            "subtitleColor": theme.quiet,
            "anchor": "start",
            "fontSize": 16,
            "subtitleFontSize": 13,
            "offset": 14,
            "frame": "group",
        },
    }
