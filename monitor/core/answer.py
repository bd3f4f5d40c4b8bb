"""How an answered trend is told: as the JSON document of the contract, and as flat rows for CSV and Parquet. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from collectors.base import EMPTY
from monitor.core.buckets import day_date, next_start
from monitor.core.cells import NO_TOPIC
from monitor.core.estimates import LEVEL
from monitor.core.model import UNKNOWN
from monitor.core.moments import written_to_the_second
from monitor.core.points import ALL, STATUSES, Trend
from monitor.core.query import DEFAULT_LIMIT, TrendQuery

Document = dict[str, Any]
Label = Callable[[str, str], str | None]
"""(dimension, key) → label, or None to fall back on the key itself."""

LABELS: Mapping[str, Mapping[str, str]] = {
    "content_type": {"video": "Video", "podcast": "Podcast", "news": "News", "other": "Other"},
    "audience": {"physicians": "Physicians", "nurses": "Nurses", "public_health": "Public health", "other": "Other"},
    "region": {
        "north_america": "North America",
        "europe": "Europe",
        "asia_pacific": "Asia Pacific",
        "latin_america": "Latin America",
        "middle_east_africa": "Middle East and Africa",
        UNKNOWN: "Region unknown",
    },
    "country": {UNKNOWN: "Country unknown"},
    "language": {UNKNOWN: "Language unknown"},
    "topic": {NO_TOPIC: "No topic"},
}

ROW_COLUMNS = (
    "metric",
    "unit",
    "by",
    "key",
    "label",
    "interval",
    "start",
    "end",
    "value",
    "lower",
    "upper",
    "level",
    "n",
    "of",
    "status",
    "sources_observed",
    "sources_expected",
    "as_of",
)
"""Columns of flat rows, in order. `start` is included, `end` is not."""


def document(
    trend: Trend, *, label: Label, generated: bool, now: datetime, closed: Mapping[str, str] = EMPTY
) -> Document:
    """The answer of `GET /api/v1/trends`. `as_of` is `now` if none of the sources has ever been observed.

    `closed`: platform → what can't be measured there, of those whose members write behind a log-in.
    """
    query, metric = trend.query, trend.metric
    shared: Document = {
        "metric": metric.name,
        "label": metric.label,
        "unit": metric.unit,
        "about": metric.about,
        "by": query.by,
        "interval": query.interval,
        "since": query.since.isoformat(),
        "until": query.until.isoformat(),
        "as_of": written_to_the_second(trend.as_of or now),
        "level": LEVEL,
        "filters": {name: list(values) for name, values in query.filters.items()},
        "copies": query.copies,
        "panel": _panel(trend),
        "coverage": {"sources": trend.sources, "observed": trend.observed_share},
        "generated": generated,
        "truncated": trend.keys_in_all > len(trend.keys),
        "notes": _notes(trend, generated) + _closed(query, closed),
        "reproduce": command(query),
    }
    return shared | {"series": _series(trend, label)}


def rows(trend: Trend, *, label: Label, now: datetime) -> list[dict[str, Any]]:
    """One row per point with the columns of `ROW_COLUMNS`; None where there is nothing to say."""
    query, metric = trend.query, trend.metric
    ends = [day_date(next_start(int(start), query.interval)).isoformat() for start in trend.buckets.starts]
    same = {"metric": metric.name, "unit": metric.unit, "by": query.by, "interval": query.interval, "level": LEVEL}
    same["as_of"] = written_to_the_second(trend.as_of or now)
    flat = []
    for series in _series(trend, label):
        for point, end in zip(series["points"], ends, strict=True):
            known = same | point | {"key": series["key"], "label": series["label"], "end": end}
            known |= {"lower": point["low"], "upper": point["high"]}
            flat.append({column: known[column] for column in ROW_COLUMNS})
    return flat


def command(query: TrendQuery) -> str:
    """The command line that gives the same answer."""
    words = ["trendmonitor", "trends", "--metric", query.metric]
    words += ["--by", query.by] if query.by else []
    words += ["--interval", query.interval, "--since", query.since.isoformat(), "--until", query.until.isoformat()]
    words += ["--panel", query.panel] if query.panel != "all" else []
    words += ["--copies", query.copies] if query.copies != "count" else []
    words += ["--limit", str(query.limit)] if query.limit != DEFAULT_LIMIT else []
    for name, values in query.filters.items():
        words += ["--filter", f"{name}={','.join(values)}"]
    return shlex.join(words)


def _series(trend: Trend, label: Label) -> list[Document]:
    starts = trend.buckets.dates()
    arrays = (
        *(
            _or_none(array, trend.metric.whole and array is trend.value)
            for array in (trend.value, trend.low, trend.high)
        ),
        trend.n.tolist(),
        trend.of.tolist(),
        [[STATUSES[code] for code in row] for row in trend.status.tolist()],
        trend.sources_observed.tolist(),
        trend.sources_expected.tolist(),
    )
    return [
        {
            "key": key,
            "label": _label(trend.query.by, key, label),
            "points": [
                {
                    "start": start,
                    "value": value,
                    "low": low,
                    "high": high,
                    "n": n,
                    "of": of,
                    "status": status,
                    "sources_observed": observed,
                    "sources_expected": expected,
                }
                for start, value, low, high, n, of, status, observed, expected in zip(starts, *columns, strict=True)
            ],
        }
        for key, *columns in zip(trend.keys, *arrays, strict=True)
    ]


def _or_none(array: Any, whole: bool) -> list[list[float | None]]:
    read: Callable[[float], float] = int if whole else float
    return [[None if value != value else read(value) for value in row] for row in array.tolist()]


def _label(by: str | None, key: str, label: Label) -> str:
    if by is None:
        return "All posts" if key == ALL else key
    return LABELS.get(by, {}).get(key) or label(by, key) or key


def _panel(trend: Trend) -> Document:
    return {
        "rule": trend.query.panel,
        "sources": trend.sources - sum(trend.excluded.values()),
        "of": trend.sources,
        "excluded": dict(trend.excluded),
    }


_WHY_EXCLUDED = {
    "never_observed": "never observed",
    "started_later": "observed only from later on",
    "ended_earlier": "no longer collected",
    "gaps": "with gaps",
}


def _closed(query: TrendQuery, closed: Mapping[str, str]) -> list[str]:
    """What a question that touches closed platforms can't be an answer to."""
    asked = query.filters.get("platform", tuple(closed) if query.by == "platform" else ())
    return [f"Not measurable on {name}: {closed[name]}" for name in asked if name in closed]


def _notes(trend: Trend, generated: bool) -> list[str]:
    """What a reader must know before quoting a number, in plain words."""
    notes = ["Generated data, for demonstration only; it says nothing about the world."] if generated else []
    size, buckets = trend.query.interval, len(trend.buckets)
    if not trend.sources:
        notes.append("No tracked source fits this query.")
    elif trend.as_of is None:
        notes.append("None of these sources has been observed yet.")
    counts = {status: int((trend.status == code).any(axis=0).sum()) for code, status in enumerate(STATUSES)}
    if trend.as_of is not None and counts["not_observed"]:
        notes.append(
            f"{counts['not_observed']} of {buckets} {size}s have points that nobody observed; they have no value."
        )
    if counts["partial"]:
        notes.append(
            f"{counts['partial']} of {buckets} {size}s are partial: some source was not observed throughout, "
            f"the window cuts the {size}, or it is not over yet."
        )
    if counts["too_few"]:
        notes.append(f"{counts['too_few']} of {buckets} {size}s have points that rest on fewer than 5 posts.")
    if trend.query.panel == "fixed":
        left = ", ".join(f"{count} {_WHY_EXCLUDED[why]}" for why, count in trend.excluded.items())
        members = trend.sources - sum(trend.excluded.values())
        notes.append(
            f"Only the {members} of {trend.sources} sources observed throughout count"
            + (f" (left out: {left})." if left else ".")
        )
    if trend.keys_in_all > len(trend.keys):
        notes.append(f"The {len(trend.keys)} largest of {trend.keys_in_all} series are shown.")
    if trend.query.by in ("audience", "topic"):
        notes.append(
            f"A post with several {'audiences' if trend.query.by == 'audience' else 'topics'} counts under each."
        )
    notes.append(
        "Intervals are for chance among the posts collected. They do not say how well these sources stand for others."
    )
    return notes
