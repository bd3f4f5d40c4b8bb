"""The one place where charts are specified: a trends answer becomes one Vega-Lite specification.

The same specification is drawn by the browser (colours are CSS custom properties, so that a change between light and
dark needs no redrawing) and by the server as SVG or PNG (colours are literal). Nothing here draws.

What a reader can rely on: a bucket that nobody observed is an explicit null under a grey field, never a zero and never
bridged by a line; intervals are bands; a point without neighbours shows its own interval; a bucket that is not over
is hollow and joined to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from monitor.core.charts_layers import (
    DARK,
    HEIGHT,
    LIGHT,
    PAGE,
    THEMES,
    Bucket,
    Theme,
    data_layers,
    empty_layer,
    gap_layer,
    label_layers,
    spread,
    stamp,
)

__all__ = [
    "DARK",
    "HEIGHT",
    "LIGHT",
    "MAX_SERIES",
    "PAGE",
    "SCHEMA",
    "THEMES",
    "Bucket",
    "Theme",
    "bucket_end",
    "buckets_of",
    "config_of",
    "date_format_of",
    "empty_layer",
    "framed",
    "from_zero",
    "gap_layer",
    "number_format_of",
    "spread",
    "stamp",
    "time_chart",
]

MAX_SERIES = 4
"""More lines in one panel cannot be told apart; see the colours of a Theme."""
NARROW = 480
"""Pixels below which half as many ticks are shown."""
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

_FORMATS = {"share": ".0%", "positive_share": ".0%", "negative_share": ".0%", "sentiment": "+.2f", "volume": "~s"}
_FROM_ZERO = frozenset({"share", "positive_share", "negative_share", "volume"})
"""Where zero means something and the scale starts there; other lines start near their values."""


def number_format_of(metric: str) -> str:
    """How axes write the values of a metric."""
    return _FORMATS.get(metric, ",.4~g")


def from_zero(metric: str) -> bool:
    """Whether the scale of a metric starts at zero."""
    return metric in _FROM_ZERO


def date_format_of(interval: str) -> str:
    """How axes write the first day of a bucket."""
    return "%b %Y" if interval == "month" else "%-d %b"


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
    drawn = any(bucket.value is not None for bucket in buckets)
    layers = [gap_layer(buckets, theme)]
    zero = from_zero(answer["metric"])
    layers += (
        [
            *data_layers(zero=zero, crowded=len(buckets) > 40 * len(shown)),
            *label_layers(buckets, shown, theme, zero=zero),
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
        date_format=date_format_of(answer["interval"]),
        most_ticks=9,
        number_format=number_format_of(answer["metric"]),
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


def ticks_of(buckets: Sequence[Bucket], at_most: int) -> list[str]:
    starts = sorted({bucket.start for bucket in buckets})
    step = -(-len(starts) // at_most) or 1
    return [stamp(start) for start in starts[::-1][::step][::-1]]


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
