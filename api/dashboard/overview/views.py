"""The first page laid out: figures, shares, the strip of sources, and what needs attention. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from api.dashboard import words
from api.dashboard.overview import words as overview_words
from monitor.core.digest_words import tidy
from monitor.core.overview import Compare, Figure, ratio
from monitor.core.query import TrendQuery
from monitor.standing import Standing, is_late, standing, status_of

if TYPE_CHECKING:
    from monitor.core.model import TrackedSource
    from monitor.core.overview import Figures
    from monitor.overview import Overview

Document = Mapping[str, Any]

BROKEN_SHOWN = 20
SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 160.0, 36.0, 4.0
DOT_WIDTH, DOT_MARGIN = 120.0, 4.0

_PERCENT = "\u00a0%"


def amount(value: float, decimals: int = 0, unit: str = "", *, signed: bool = False) -> dict[str, Any]:
    """A number as the template prints it: rounded, so that what is shown is what is meant, and never a negative zero."""
    shown = round(value, decimals) + 0.0
    return {
        "value": shown if decimals else int(shown),
        "decimals": decimals,
        "unit": unit,
        "sign": "+" if signed and shown > 0 else "",
    }


def _amounts(kind: str, *values: float, signed: bool = False) -> list[dict[str, Any]]:
    """Values of a figure with their unit, which a range names once."""
    decimals, unit, scale = {"count": (0, "", 1.0), "share": (1, _PERCENT, 100.0), "sentiment": (2, "", 1.0)}[kind]
    told = [amount(one * scale, decimals, unit, signed=signed or kind == "sentiment") for one in values]
    return [{**one, "unit": ""} for one in told[:-1]] + told[-1:]


def value_of(figure: Figure) -> dict[str, Any]:
    """Value and interval; both None where there is none."""
    bounded = figure.low is not None and figure.high is not None
    return {
        "value": None if figure.value is None else _amounts(figure.kind, figure.value)[0],
        "interval": _amounts(figure.kind, figure.low or 0.0, figure.high or 0.0) if bounded else None,
        "n": figure.n,
        "of": figure.of,
        "sources": figure.sources,
    }


def change_of(figure: Figure, compared: int) -> dict[str, Any] | None:
    """The change with its interval and the word for it, or why there is none; None if nothing is compared."""
    if figure.gap == "not_asked":
        return None
    shift = figure.shift
    if shift is None:
        said = "not observed" if figure.value is None else overview_words.gap(figure, compared)
        return {"says": said, "size": None, "new": figure.gap == "new"}
    ends = (shift.difference, shift.low, shift.high)
    if figure.kind == "count":
        told = [amount((ratio(one) - 1) * 100, 1, signed=True) for one in ends]
        unit = _PERCENT
    elif figure.kind == "share":
        told = [amount(one * 100, 1, signed=True) for one in ends]
        unit = " points"
    else:
        told = [amount(one, 2, signed=True) for one in ends]
        unit = ""
    low, high = (one["value"] for one in told[1:])
    # by the ends as printed, so that nobody reads "up" beside an interval from 0
    mark, word = overview_words.DIRECTIONS[1 if low > 0 else -1 if high < 0 else 0]
    return {
        "says": word,
        "mark": mark,
        "size": told[0],
        "unit": unit,
        "interval": told[1:],
        "sources": shift.sources,
        "settled": figure.settled,
        "new": False,
    }


def name_of(figure: Figure) -> str:
    """Posts; Mean sentiment; Vaccination (topic), share of posts."""
    if figure.kind == "count":
        return "Posts"
    if figure.kind == "sentiment":
        return "Mean sentiment"
    return f"{tidy(figure.label, 60)}, share of posts"


def note_of(figure: Figure) -> str:
    """What the number rests on."""
    sources = f"{words.whole(figure.sources)} source{'' if figure.sources == 1 else 's'}"
    if figure.value is None:
        return ""
    if figure.kind == "count":
        return f"counted, of {sources}"
    if figure.kind == "sentiment":
        return f"on a scale from \u22121 to 1; {words.whole(figure.n)} of {words.whole(figure.of)} posts have a score"
    kind = "largest " + words.SPLITS[figure.dimension]
    return f"{kind}; {words.whole(figure.n)} of {words.whole(figure.of)} posts, {sources}"


def asked_of(query: TrendQuery) -> list[tuple[str, str]]:
    """The parameters of a trend query by week, those left out that go without saying."""
    asked = [("metric", query.metric), *([("by", query.by)] if query.by else [])]
    asked += [("since", query.since.isoformat()), ("until", query.until.isoformat())]
    return [*asked, *([("panel", query.panel)] if query.panel != "all" else [])]


def headline_of(figure: Figure, answer: Document, query: TrendQuery, compared: int) -> dict[str, Any]:
    """One tile. `answer` holds its weeks."""
    points = points_of(answer, figure)
    return {
        "name": name_of(figure),
        **value_of(figure),
        "note": note_of(figure),
        "change": change_of(figure, compared),
        "spark": spark_of(points),
        "trend": trend_of(points, answer["metric"]),
        "href": f"/trends?{urlencode(asked_of(query))}",
    }


def points_of(answer: Document, figure: Figure) -> list[Document]:
    """The weeks of the series that the figure is of; none if the answer has no such series."""
    key = figure.key if answer["by"] else None
    return next((series["points"] for series in answer["series"] if key in (None, series["key"])), [])


def trend_of(points: Sequence[Document], metric: str) -> str:
    """The line in words."""
    known = [one["value"] for one in points if one["value"] is not None]
    if not known:
        return f"None of {len(points)} weeks was observed throughout." if points else "No weeks to draw."
    lowest, highest, last = (words.value(one, metric) for one in (min(known), max(known), known[-1]))
    partial = sum(one["status"] == "partial" and one["value"] is not None for one in points)
    return overview_words.trend(len(points), lowest, highest, last, len(points) - len(known), partial)


def spark_of(points: Sequence[Document]) -> dict[str, Any] | None:
    """Lines between neighbouring weeks that were observed throughout, dots where one stands alone, and rings for weeks
    that were partly observed; None with nothing to draw."""
    known = [one["value"] for one in points if one["value"] is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    step = (SPARK_WIDTH - 2 * SPARK_MARGIN) / max(len(points) - 1, 1)

    def place(at: int, value: float) -> tuple[float, float]:
        part = (value - low) / (high - low) if high > low else 0.5
        height = part * (SPARK_HEIGHT - 2 * SPARK_MARGIN)
        return round(SPARK_MARGIN + at * step, 1), round(SPARK_HEIGHT - SPARK_MARGIN - height, 1)

    runs: list[list[tuple[float, float]]] = [[]]
    rings = []
    for at, one in enumerate(points):
        if one["value"] is not None and one["status"] != "partial":
            runs[-1].append(place(at, one["value"]))
            continue
        runs.append([])
        if one["value"] is not None:
            rings.append(place(at, one["value"]))
    return {
        "lines": [" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1],
        "dots": [run[0] for run in runs if len(run) == 1] + (runs[-1][-1:] if len(runs[-1]) > 1 else []),
        "rings": rings,
        "width": int(SPARK_WIDTH),
        "height": int(SPARK_HEIGHT),
    }


def shares_of(figures: Figures, dimension: str) -> list[dict[str, Any]]:
    """Rows of the table of one dimension, each with its dot and interval on a scale that all of them share."""
    chosen = [pair for pair in figures.parts if pair[0].dimension == dimension]
    reach = max((one.high or one.value or 0.0 for one, _ in chosen), default=0.0) or 1.0
    return [
        {
            "label": tidy(share.label, 60),
            **value_of(share),
            "dot": _dot(share, reach),
            "change": change_of(share, figures.compared),
            "mood": value_of(mood),
        }
        for share, mood in chosen
    ]


def _dot(share: Figure, reach: float) -> dict[str, Any] | None:
    def place(value: float) -> float:
        return round(DOT_MARGIN + value / reach * (DOT_WIDTH - 2 * DOT_MARGIN), 1)

    if share.value is None:
        return None
    bounded = share.low is not None and share.high is not None
    return {
        "at": place(share.value),
        "low": place(share.low) if bounded and share.low is not None else None,
        "high": place(share.high) if bounded and share.high is not None else None,
    }


def fares_of(tracked: Sequence[TrackedSource], now: datetime) -> dict[str, int]:
    """How many sources there are of each kind of the strip; every source is of one kind."""
    found = Counter(_fares(one, now) for one in tracked)
    return {kind: found[kind] for kind in overview_words.STRIP}


def _fares(one: TrackedSource, now: datetime) -> str:
    status = status_of(one)
    if status in ("failing", "stopped"):
        return "failing"
    if status == "ok":
        return "late" if is_late(one, now) else "on_time"
    return status


def strip_of(fares: Mapping[str, int]) -> list[dict[str, Any]]:
    """The parts of a bar of width 100, with their words."""
    total, at = sum(fares.values()), 0.0
    parts = []
    for kind, name in overview_words.STRIP.items():
        width = fares[kind] / total * 100 if total else 0.0
        parts.append({"kind": kind, "name": name, "count": fares[kind], "x": round(at, 2), "width": round(width, 2)})
        at += width
    return [one for one in parts if one["count"] or one["kind"] in ("on_time", "failing")]


def coverage_of(found: Overview, tracked: Sequence[TrackedSource], broken: int, new: int) -> dict[str, Any]:
    """What was observed, and what makes the two periods no match; told before any number."""
    names = {one.source.id: tidy(one.source.name or one.source.id, 60) for one in tracked}
    seen = found.observation
    joined, left = ([names.get(one, one) for one in ids] for ids in (found.joined, found.left))
    notes = [overview_words.observed_part(seen.share)] if seen.observed else []
    if found.base is not None and seen.observed:
        notes += overview_words.coverage_changes(found.base, joined, left)
        notes.append(overview_words.incomparable(found.figures.compared, found.watched))
    return {
        "health": overview_words.health(found.period, seen.observed, found.watched, broken, new),
        "notes": [one for one in notes if one],
        "cutoff": seen.cutoff,
        "compared": found.figures.compared,
    }


def broken_of(tracked: Sequence[TrackedSource], now: datetime) -> dict[str, Any]:
    """Failing and stopped sources, those that fail longest first."""
    found: list[tuple[TrackedSource, Standing]] = [(one, standing(one, now)) for one in tracked]
    bad = [(one, told) for one, told in found if told.tone == "bad"]
    bad.sort(key=lambda pair: (pair[0].state.failing_since or now, pair[0].source.id))
    rows = [
        {
            "href": f"/sources/{quote(one.source.id, safe='')}",
            "name": one.source.name or one.source.id,
            "label": told.label,
            "reason": told.reason or "No reason was recorded.",
            "since": words.day(one.state.failing_since) if one.state.failing_since else "not known",
            "success": words.ago(one.state.last_success, now),
            "next": words.ago(told.next_try, now) if told.next_try else "not by itself",
        }
        for one, told in bad[:BROKEN_SHOWN]
    ]
    return {"rows": rows, "more": len(bad) - len(rows), "count": len(bad)}


def collecting_of(tracked: Sequence[TrackedSource], platforms: Mapping[str, str]) -> list[dict[str, Any]]:
    """What will be collected, by platform, largest first; for an installation that has no posts yet."""
    found = Counter(one.source.platform for one in tracked)
    answered = Counter(one.source.platform for one in tracked if one.state.last_success is not None)
    return [
        {"name": platforms.get(platform, platform), "sources": count, "answered": answered[platform]}
        for platform, count in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def chosen_words(compare: Compare, found: Overview) -> str:
    """Both ranges: '16 to 22 November 2026, compared with 9 to 15 November 2026 (the week before).'"""
    text = overview_words.span(found.period)
    if found.base is None:
        return f"{text}, compared with nothing."
    return f"{text}, compared with {overview_words.span(found.base)} ({overview_words.against(found.period, compare)})."
