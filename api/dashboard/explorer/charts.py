"""Charts of the explorer as Vega-Lite specifications: one panel of up to four lines, or many small ones on one scale.

To what every chart of a trend keeps (see `monitor.core.charts`) they add the cause of a gap, the earlier period as a
grey broken line that stands bucket by bucket beside the later, and rules where something happened. Nothing here draws.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from api.dashboard import words
from api.dashboard.explorer.marks import Mark
from monitor.core.charts import (
    HEIGHT,
    SCHEMA,
    Bucket,
    Theme,
    config_of,
    date_format_of,
    empty_layer,
    framed,
    from_zero,
    gap_layer,
    number_format_of,
    stamp,
)
from monitor.core.charts_layers import data_layers, label_layers

SMALL = 150
"""Pixels that a panel among others is high."""
MOST_PANELS = 12
LONG = 330
"""Days from which on axes name years."""
INLINE = 160
"""Rows that a page carries itself; charts with more fetch them, so that the page stays small."""
_COLUMNS = {380: 1, 720: 2, 960: 3}
_TOOLTIP: Sequence[Mapping[str, Any]] = (
    {"field": "label", "title": "What"},
    {"field": "when", "title": "When"},
    {"field": "told", "title": "Value"},
    {"field": "posts", "title": "Posts"},
    {"field": "remark", "title": "Status"},
)
_EARLIER: Sequence[Mapping[str, Any]] = (
    {"field": "label", "title": "What"},
    {"field": "when_before", "title": "Earlier"},
    {"field": "told_before", "title": "Value"},
)


@dataclass(frozen=True, slots=True)
class Line:
    """One series as it is drawn."""

    key: str
    label: str
    buckets: Sequence[Bucket]
    before: Sequence[Bucket | None]
    """The earlier bucket beside each; empty if nothing is compared."""
    causes: Mapping[date, str]
    """Why nobody observed a bucket, by its start."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the charts of one answer share."""

    metric: str
    interval: str
    theme: Theme
    marks: Sequence[Mark] = ()
    data: str | None = None
    """Address of the rows where they are too many to carry."""
    causes: Mapping[date, str] = field(default_factory=dict)
    """Why nobody observed a bucket that no line has, by its start."""


def rows_of(lines: Sequence[Line], metric: str, interval: str) -> list[dict[str, Any]]:
    """The data of the charts: one row a bucket of each line."""
    return [_row(line, at, bucket, metric, interval) for line in lines for at, bucket in enumerate(line.buckets)]


def _row(line: Line, at: int, bucket: Bucket, metric: str, interval: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "start": stamp(bucket.start),
        "key": line.key,
        "label": line.label,
        "value": _short(bucket.value),
        "low": _short(bucket.low),
        "high": _short(bucket.high),
        "when": when(bucket.start, interval),
        "told": told(bucket, metric),
        "posts": words.whole(bucket.n),
    }
    if bucket.so_far:
        row["so_far"] = True
    if remark := "so far" if bucket.so_far else words.STATUS_WORDS[bucket.status]:
        row["remark"] = remark
    before = line.before[at] if line.before else None
    if before is not None:
        row |= {
            "before": _short(before.value),
            "when_before": when(before.start, interval),
            "told_before": told(before, metric),
        }
    return row


def when(start: date, interval: str) -> str:
    """Week of 6 July 2026."""
    if interval == "month":
        return f"{start:%B %Y}"
    return f"Week of {words.day(start)}" if interval == "week" else words.day(start)


def told(bucket: Bucket, metric: str) -> str:
    """12.4 % (11.8 to 13.0 %)."""
    value = words.value(bucket.value, metric)
    return value if bucket.low is None or bucket.high is None else f"{value} ({words.interval(bucket, metric)})"


def _short(number: float | None) -> float | None:
    """Six digits are more than a screen can show."""
    return None if number is None else float(f"{number:.6g}")


# --- panels ----------------------------------------------------------------------------------------------------------


def one_panel(lines: Sequence[Line], look: Look, said: Mapping[str, str], width: int | str = 720) -> dict[str, Any]:
    """All lines in one panel; as many as a Theme has colours. `said`: title, subtitle and description."""
    buckets = [bucket for line in lines for bucket in line.buckets]
    labels = [line.label for line in lines]
    zero = from_zero(look.metric)
    layers: list[dict[str, Any]] = [gap_layer(buckets, look.theme, look.causes)]
    if any(bucket.value is not None for bucket in buckets):
        layers += _earlier_layers(lines, look, None)
        layers += data_layers(zero=zero, crowded=len(buckets) > 40 * len(lines), tooltip=_TOOLTIP)
        layers += label_layers(buckets, labels, look.theme, zero=zero)
    else:
        layers.append(empty_layer(buckets, look.theme))
    layers += _mark_layers(look, buckets, small=False)
    color = {
        "field": "label",
        "type": "nominal",
        "scale": {"domain": labels, "range": list(look.theme.series[: len(labels)])},
        "legend": None,
        "sort": None,
    }
    return _framed(lines, layers, look, said, width, {"color": color}, HEIGHT, 9)


def small_panel(
    line: Line, look: Look, said: Mapping[str, str], domain: tuple[float, float] | None, width: int | str = 300
) -> dict[str, Any]:
    """One line of many, on the scale that all share."""
    layers: list[dict[str, Any]] = [gap_layer(line.buckets, look.theme, line.causes)]
    if any(bucket.value is not None for bucket in line.buckets):
        layers += _earlier_layers([line], look, domain)
        drawn = data_layers(
            zero=from_zero(look.metric), crowded=len(line.buckets) > 13, tooltip=_TOOLTIP, domain=domain
        )
        for layer in drawn:
            layer["encoding"].pop("strokeDash", None)  # one line needs no dashes, which panels would share
        layers += drawn
    else:
        layers.append({**empty_layer(line.buckets, look.theme)})
        layers[-1]["encoding"] = {**layers[-1]["encoding"], "y": {"value": SMALL / 2}}
    layers += _mark_layers(look, line.buckets, small=True)
    return _framed([line], layers, look, said, width, {"color": {"value": look.theme.series[0]}}, SMALL, 4)


def many_panels(lines: Sequence[Line], look: Look, said: Mapping[str, str], width: int) -> dict[str, Any]:
    """All panels as one picture, as many in a row as fit."""
    columns = _COLUMNS.get(width, 2)
    domain = shared_domain(lines, look.metric)
    each = (width - 60 * columns) // columns
    panels = []
    for line in lines:
        whole = small_panel(line, look, said, domain, each)
        kept = ("width", "height", "data", "transform", "encoding", "layer")
        title = {"text": line.label, "fontSize": 13, "anchor": "start", "offset": 6}
        panels.append({"title": title, **{name: whole[name] for name in kept}})
    return {
        "$schema": SCHEMA,
        "description": said["description"],
        "background": look.theme.paper,
        "padding": 16,
        "title": {"text": said["title"], "subtitle": said["subtitle"]},
        "columns": columns,
        "spacing": 24,
        "concat": panels,
        "config": config_of(look.theme, number_format_of(look.metric)),
    }


def wrapped(spec: dict[str, Any], width: int) -> dict[str, Any]:
    """A picture whose title and subtitle take as many lines as they need; on the page they are text."""
    for part, letters in (("text", 9.5), ("subtitle", 7.0)):
        if isinstance(said := spec.get("title", {}).get(part), str):
            spec["title"][part] = textwrap.wrap(said, int(width / letters))
    return spec


def shared_domain(lines: Sequence[Line], metric: str) -> tuple[float, float] | None:
    """The scale that holds every value and interval of these lines; None without any."""
    found = [
        edge
        for line in lines
        for bucket in (*line.buckets, *line.before)
        if bucket is not None
        for edge in (bucket.value, bucket.low, bucket.high)
        if edge is not None
    ]
    if not found:
        return None
    low, high = (0.0 if from_zero(metric) else min(found)), max(found)
    return (low, high) if low < high else (low, low + 1.0)


def _framed(
    lines: Sequence[Line],
    layers: Sequence[Mapping[str, Any]],
    look: Look,
    said: Mapping[str, str],
    width: int | str,
    encoding: Mapping[str, Any],
    height: int,
    most_ticks: int,
) -> dict[str, Any]:
    spec = framed(
        layers,
        [] if look.data else rows_of(lines, look.metric, look.interval),
        [bucket for line in lines for bucket in line.buckets],
        title=said["title"],
        subtitle=said["subtitle"],
        description=said["description"],
        theme=look.theme,
        width=width,
        date_format=date_format_of("month" if _is_long(lines) else look.interval),
        most_ticks=most_ticks,
        number_format=number_format_of(look.metric),
        encoding=encoding,
    )
    spec["height"] = height
    keys = [line.key for line in lines]
    spec["transform"] = [
        {"calculate": f"datum.so_far ? null : datum.{field}", "as": name}
        for name, field in (("est", "value"), ("est_low", "low"), ("est_high", "high"))
    ]
    if look.data:
        spec["data"] = {"url": look.data, "format": {"type": "json"}}
        spec["transform"] = [{"filter": {"field": "key", "oneOf": keys}}, *spec["transform"]]
    return spec


def _is_long(lines: Sequence[Line]) -> bool:
    """So long that a day and a month could be of two years."""
    starts = [bucket.start for line in lines for bucket in line.buckets]
    return bool(starts) and (max(starts) - min(starts)).days > LONG


def _earlier_layers(lines: Sequence[Line], look: Look, domain: tuple[float, float] | None) -> list[dict[str, Any]]:
    if not any(line.before for line in lines):
        return []
    zero = from_zero(look.metric)
    scale: dict[str, Any] = {"zero": zero, "nice": True} if domain is None else {"domain": [*domain], "nice": True}
    y = {"field": "before", "type": "quantitative", "title": None, "scale": scale}
    grey = {"color": {"value": look.theme.quiet}, "detail": {"field": "key"}}
    return [
        {
            "mark": {"type": "line", "strokeWidth": 1.75, "strokeDash": [5, 4], "opacity": 0.85},
            "encoding": {"y": y, **grey},
        },
        {
            "transform": [{"filter": "isValid(datum.before)"}],
            "mark": {"type": "point", "filled": True, "size": 16, "opacity": 0.85},
            "encoding": {"y": y, **grey, "tooltip": [*_EARLIER]},
        },
    ]


def _mark_layers(look: Look, buckets: Sequence[Bucket], *, small: bool) -> list[dict[str, Any]]:
    """Rules where something happened: with words, or where there is no room with the number that a list explains."""
    if not look.marks or not buckets:
        return []
    middle = sorted({bucket.start for bucket in buckets})[len({bucket.start for bucket in buckets}) // 2]
    rows = [
        {
            "at": stamp(one.start),
            "mark": str(number) if small else f"{number} {one.label}",
            "y": 8 if small else 8 + 15 * (number - 1),
            "left": one.start < middle,
        }
        for number, one in enumerate(look.marks, 1)
    ]
    x = {"field": "at", "type": "temporal"}
    quiet = {"color": {"value": look.theme.quiet}}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": rows},
            "mark": {"type": "rule", "strokeWidth": 1, "strokeDash": [2, 3]},
            "encoding": {"x": x, **quiet},
        }
    ]
    for left in (True, False):
        here = [row for row in rows if row["left"] is left]
        if here:
            mark = {"type": "text", "align": "left" if left else "right", "dx": 4 if left else -4, "fontSize": 11}
            y = {"field": "y", "type": "quantitative", "scale": None}
            layers.append(
                {
                    "data": {"values": here},
                    "mark": mark,
                    "encoding": {"x": x, "y": y, "text": {"field": "mark"}, "color": {"value": look.theme.text}},
                }
            )
    return layers
