"""Pictures of one claim: its weeks over time as a Vega-Lite specification, and its effects as small strips.

Nothing here draws. A week that nobody observed is a grey field and joined to nothing, as in every chart. The shaded
band of a trend holds the slopes inside the 95 % interval of the effect, turned about the middle of the weeks that the
line was fitted to; it is not an interval of single weeks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from api.dashboard.claims.words import Document
from monitor.core.charts import Bucket, Theme, empty_layer, framed, gap_layer, stamp
from monitor.core.finding import DIFFERENCE, RELATIVE_PER_YEAR, SHARE

_WEEK = timedelta(days=7)
_WEEKS_A_YEAR = 365.25 / 7
STRIP_WIDTH = 120
"""Width of a strip in its own units; the page scales it."""
_MARGIN = 6
CHANGE_ENDS = (-0.5, 1.0)
"""Ends of every strip of a change per year, so that strips can be compared from week to week."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a claim says the size should be, with what still counts as that size; same unit as the effect."""

    value: float
    low: float
    high: float


def weeks_of(document: Document) -> list[Bucket]:
    """The weeks of a claim as buckets; `of` is posts or, for a rate, observed days.

    Where no line could be fitted there is no value of the average source either; then the plain ratio of the counts.
    """
    series = document.get("series") or ()
    fitted = any(week["value"] is not None for week in series)
    found = []
    for week in series:
        start = date.fromisoformat(week["start"])
        value = week["value"] if fitted or not week["of"] else week["n"] / week["of"]
        found.append(
            Bucket(start, start + _WEEK, "", value, None, None, week["n"], week["of"], week["status"], so_far=False)
        )
    return found


def claim_chart(
    document: Document,
    *,
    title: str,
    subtitle: str,
    description: str,
    theme: Theme,
    rate: bool = False,
    width: int | str = 720,
) -> dict[str, Any]:
    """The weeks of a claim as points, with the fitted line and the band of its slope.

    Takes a whole claim document with `series`. `width` is in pixels, or "container" in the browser. With nothing to
    draw the frame and axes remain and the reason is printed inside.
    """
    weeks = weeks_of(document)
    # the line goes on through weeks without data; it is drawn only where there was something to fit
    fitted = [week["fitted"] if week["status"] != "not_observed" else None for week in document.get("series") or ()]
    band = slope_band(fitted, document.get("effect"))
    rows = [
        {
            "start": stamp(bucket.start),
            "value": bucket.value,
            "fitted": line,
            "low": edges[0],
            "high": edges[1],
            "n": bucket.n,
            "of": bucket.of,
            "status": bucket.status,
        }
        for bucket, line, edges in zip(weeks, fitted, band, strict=True)
    ]
    drawn = any(row["value"] is not None for row in rows)
    layers = [gap_layer(weeks, theme)]
    layers += (
        _layers(theme, rate=rate, crowded=len(rows) > 60, flat=not any(row["value"] for row in rows))
        if drawn
        else [empty_layer(weeks, theme)]
    )
    return framed(
        layers,
        rows,
        weeks,
        title=title,
        subtitle=subtitle,
        description=description,
        theme=theme,
        width=width,
        date_format="%b %Y" if len(rows) > 26 else "%-d %b",
        most_ticks=7,
        number_format=",.3~g" if rate else ".3~p" if _small(rows) else ".0%",
    )


def _small(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whole per cent would print the same label twice."""
    return max((row["value"] for row in rows if row["value"] is not None), default=1.0) < 0.06


def slope_band(
    fitted: Sequence[float | None], effect: Document | None
) -> list[tuple[float, float] | tuple[None, None]]:
    """For each week the lowest and highest line whose slope lies in the interval; None where nothing was fitted.

    Lines turn about the middle of the fitted weeks, where slope and level are least entangled. Only a change per year
    with a finite interval has a band; a fall by 100 % has no logarithm and ends it too.
    """
    nothing: list[tuple[float, float] | tuple[None, None]] = [(None, None)] * len(fitted)
    if effect is None or effect["unit"] != RELATIVE_PER_YEAR or effect.get("low") is None or effect.get("high") is None:
        return nothing
    places = [place for place, line in enumerate(fitted) if line is not None]
    if not places or min(effect["value"], effect["low"]) <= -1:
        return nothing
    middle = sum(places) / len(places)
    here = math.log1p(effect["value"])
    slopes = [(math.log1p(effect[end]) - here) / _WEEKS_A_YEAR for end in ("low", "high")]
    band = nothing
    for place in places:
        line = fitted[place]
        edges = sorted((line or 0.0) * math.exp(slope * (place - middle)) for slope in slopes)
        band[place] = (edges[0], edges[1])
    return band


def _layers(theme: Theme, *, rate: bool, crowded: bool, flat: bool) -> list[dict[str, Any]]:
    # a line of zeros belongs on the floor of the chart, not in its middle
    ends = {"domain": [0, 1 if rate else 0.05]} if flat else {"zero": True, "nice": True}
    y: dict[str, Any] = {"type": "quantitative", "title": None, "scale": ends}
    blue, orange = theme.series[0], theme.series[3]
    tooltip = [
        {"field": "start", "type": "temporal", "title": "Week of", "format": "%-d %b %Y"},
        {"field": "value", "type": "quantitative", "title": "Value", "format": ".3~g"},
        {"field": "fitted", "type": "quantitative", "title": "Fitted", "format": ".3~g"},
        {"field": "n", "type": "quantitative", "title": "Posts", "format": ","},
        {"field": "of", "type": "quantitative", "title": "Observed days" if rate else "Of", "format": ","},
    ]
    return [
        {
            "mark": {"type": "area", "opacity": 0.22, "line": False, "color": orange},
            "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            "transform": [{"filter": "isValid(datum.value)"}],
            "mark": {"type": "point", "filled": True, "size": 16 if crowded else 34, "opacity": 0.75, "color": blue},
            "encoding": {"y": {**y, "field": "value"}, "tooltip": tooltip},
        },
        {
            "mark": {"type": "line", "strokeWidth": 2.5, "color": orange},
            "encoding": {"y": {**y, "field": "fitted"}},
        },
    ]


# --- strips ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Strip:
    """One effect on a scale that all effects of its unit share. Places run from 0 to STRIP_WIDTH."""

    at: float
    low: float
    high: float
    mark: float
    """Where no change, or the claimed size, lies."""
    goal: tuple[float, float] | None
    """From where to where a size still counts as the claimed one."""
    more_left: bool
    """The interval, or the effect itself, goes on beyond the left end."""
    more_right: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """A number's place on a strip; logarithmic for changes, so that a half and a double lie equally far from none."""

    low: float
    high: float
    logarithmic: bool

    def place(self, number: float) -> float:
        """0 to 1 inside the ends, beyond them outside."""
        if self.logarithmic:
            low, high, here = math.log1p(self.low), math.log1p(self.high), math.log1p(max(number, -0.999))
        else:
            low, high, here = self.low, self.high, number
        return (here - low) / (high - low)


def scale_of(unit: str, effects: Iterable[Document], goals: Iterable[Goal] = ()) -> Scale:
    """The scale for all effects of one unit: fixed for changes per year, else just wide enough for them all."""
    if unit == RELATIVE_PER_YEAR:
        return Scale(*CHANGE_ENDS, logarithmic=True)
    edges = [
        abs(edge)
        for effect in effects
        for edge in (effect["value"], effect.get("low"), effect.get("high"))
        if edge is not None and math.isfinite(edge)
    ]
    edges += [abs(goal.value) for goal in goals]
    widest = _round_up(max(edges, default=1.0) or 1.0)
    return Scale(0.0 if unit == SHARE else -widest, min(widest, 1.0) if unit == SHARE else widest, logarithmic=False)


def scale_about(effect: Document, goal: Goal | None = None) -> Scale:
    """The scale for one effect and its checks: twice as wide as its interval reaches, so that checks have room."""
    edges = [effect["value"], effect.get("low"), effect.get("high"), goal.value if goal else None]
    reach = max((abs(edge) for edge in edges if edge is not None and math.isfinite(edge)), default=1.0)
    widest = _round_up(2 * reach or 1.0)
    if effect["unit"] == SHARE:
        return Scale(0.0, min(widest, 1.0), logarithmic=False)
    return Scale(-widest, widest, logarithmic=False)


def _round_up(number: float) -> float:
    """The next of 1, 2, 3, 5 and 10 times a power of ten."""
    base = 10.0 ** math.floor(math.log10(number))
    return next(step * base for step in (1, 2, 3, 5, 10) if step * base >= number * 0.999)


def strip_of(effect: Document | None, scale: Scale, goal: Goal | None = None) -> Strip | None:
    """None for an effect without an interval, or in a unit where nothing says what no effect is."""
    if effect is None or any(effect.get(name) is None for name in ("value", "low", "high")):
        return None
    if effect["unit"] == SHARE and goal is None:
        return None
    if effect["unit"] not in (RELATIVE_PER_YEAR, SHARE, DIFFERENCE) and not effect["unit"].startswith("difference"):
        return None
    low, value, high = (scale.place(effect[name]) for name in ("low", "value", "high"))
    return Strip(
        at=_inside(value),
        low=_inside(low),
        high=_inside(high),
        mark=_inside(scale.place(goal.value if goal is not None else 0.0)),
        goal=(_inside(scale.place(goal.low)), _inside(scale.place(goal.high)))
        if goal and goal.high > goal.low
        else None,
        more_left=low < 0,
        more_right=high > 1,
    )


def _inside(place: float) -> float:
    return round(_MARGIN + min(max(place, 0.0), 1.0) * (STRIP_WIDTH - 2 * _MARGIN), 1)
