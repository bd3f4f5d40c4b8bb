"""A signal laid out for its pages: rows of the list, tiles, chart, dull causes and the posts behind it.

Everything shown was stored when the signal was last looked at, but for the chart, which is counted anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from api.dashboard import words
from api.dashboard.names import Labels
from api.dashboard.signals import words as signal_words
from api.dashboard.signals.charts import Change, Expectation, window_of
from monitor.core.buckets import day_date
from monitor.core.charts import Bucket, buckets_of
from monitor.core.metrics import parse_query
from monitor.core.signals.series import LENGTH

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.core.signals.series import Signal

SAME = 0.05
"""Part by which a chart may count more or fewer posts than the signal did and still show its expectation."""


def address(signal_id: str) -> str:
    return f"/signals/{quote(signal_id, safe='')}"


def row_of(signal: Signal, labels: Labels, now: datetime) -> dict[str, Any]:
    """One signal of the list."""
    name, kind = signal_words.name_of(signal.key, labels), signal_words.kind_of(signal.key)
    why = signal.acknowledged_why or (signal.muted_why if signal_words.is_muted(signal, now) else "")
    return {
        "href": address(signal.id),
        "name": name,
        "kind": kind,
        "size": signal_words.size_words(signal),
        "since": day_date(signal.since),
        "span": signal_words.span_words(signal.since, signal.last, signal.size),
        "by": "weekly counts" if signal.size == "week" else "daily counts",
        "observed": words.whole(signal.observed),
        "expected": signal_words.expected_words(signal),
        "range": signal_words.range_words(signal),
        "tags": signal_words.tags_of(signal, now),
        "sources": "" if signal.n_sources is None else words.whole(signal.n_sources),
        "copies": bool(signal.copies_only),
        "why": why,
    }


def tiles_of(signal: Signal) -> list[dict[str, str]]:
    """The numbers of a signal."""
    counted = signal_words.span_words(signal.figures_since, signal.last, signal.size)
    tiles = [
        {"name": "Posts", "value": words.whole(signal.observed), "note": counted},
        {
            "name": "Expected",
            "value": signal_words.expected_words(signal),
            "note": f"95\u00a0% prediction interval {signal_words.range_words(signal)}",
        },
    ]
    if signal.ratio is not None:
        peak = f"farthest so far {signal.peak:.2f}" if signal.peak is not None and signal.peak != signal.ratio else ""
        tiles.append(
            {"name": "Observed over expected", "value": f"{signal.ratio:.2f}", "note": peak or "1 is as usual"}
        )
    if signal.n_sources is not None:
        share = signal.top_source_share
        note = f"{share * 100:.0f}\u00a0% from the largest" if share is not None else ""
        tiles.append({"name": "Sources", "value": words.whole(signal.n_sources), "note": note})
    return tiles


def history_of(signal: Signal, now: datetime) -> list[dict[str, str]]:
    """What happened to it and what people said, as terms and what is said of them."""
    rows = [
        {"term": "Opened", "says": words.moment(signal.opened_at)},
        {"term": "Last looked at", "says": f"{words.moment(signal.updated_at)}, {words.ago(signal.updated_at, now)}"},
    ]
    if signal.ended_at is not None:
        says = f"{words.moment(signal.ended_at)}: the counts have been back within what is expected for a week"
        rows.append({"term": "Ended", "says": says})
    if signal.acknowledged_at is not None:
        rows.append(
            {"term": "Acknowledged", "says": f"{words.moment(signal.acknowledged_at)}: {signal.acknowledged_why}"}
        )
    if signal.muted_until is not None:
        verb = "Muted until" if signal_words.is_muted(signal, now) else "Was muted until"
        rows.append({"term": verb, "says": f"{words.moment(signal.muted_until)}: {signal.muted_why}"})
    return rows


# --- the chart -------------------------------------------------------------------------------------------------------


def counted(services: Services, signal: Signal) -> tuple[list[Bucket], Change, dict[str, Any], str]:
    """Buckets of the posts a signal is about, the change among them, the trends answer they are from, and its query.

    Counts sources that were observed throughout; all sources if none was, and the answer says which.
    """
    now = services.clock()
    since, until = day_date(signal.figures_since), day_date(signal.last) + timedelta(days=LENGTH[signal.size])
    first, end = window_of(since, until, signal.size, now.date())
    dimension, _, value = signal.key.partition("=")
    asked: dict[str, list[str]] = {
        "metric": ["volume"],
        "interval": [signal.size],
        "since": [first.isoformat()],
        "until": [end.isoformat()],
        **({dimension: [value]} if value else {}),
    }
    answer: dict[str, Any] = {}
    for panel in ("fixed", "all"):
        asked["panel"] = [panel]
        answer = services.trends.answer(parse_query(asked, now=now))
        if any(bucket.value is not None for bucket in buckets_of(answer)):
            break
    buckets = buckets_of(answer)
    change = Change(since, until, _expectation(signal, buckets, since, until))
    return buckets, change, answer, urlencode({name: values[0] for name, values in asked.items()})


def _expectation(signal: Signal, buckets: Sequence[Bucket], since: date, until: date) -> Expectation | None:
    inside = [one.value for one in buckets if since <= one.start < until and one.value is not None]
    if not inside or abs(sum(inside) - signal.observed) > SAME * max(signal.observed, 1):
        return None
    periods = len(inside)
    return Expectation(signal.expected / periods, signal.low / periods, signal.high / periods)


def chart_words(signal: Signal, labels: Labels, change: Change, answer: Mapping[str, Any]) -> dict[str, str]:
    """Title, subtitle, legend and description of the chart of a signal."""
    name = signal_words.name_of(signal.key, labels)
    title = f"{name}: posts per {signal.size}"
    first, last = date.fromisoformat(answer["since"]), date.fromisoformat(answer["until"]) - timedelta(days=1)
    span = f"{words.day(first, year=first.year != last.year)} to {words.day(last)} (UTC)"
    fixed = answer["panel"]["rule"] == "fixed"
    panel = "sources observed throughout" if fixed else "all sources, because none was observed throughout"
    parts = ["diamonds: the change"]
    if change.expected is not None:
        parts.append("broken line: expected on average, shaded: its 95\u00a0% prediction interval")
    else:
        parts.append("no expectation is drawn, because the signal counted other sources than this chart")
    if any(one.status == "not_observed" for one in buckets_of(answer)):
        parts.append("grey: not observed")
    legend = "; ".join(parts)
    amount = signal_words.amount_words(signal)
    when = signal_words.span_words(signal.figures_since, signal.last, signal.size)
    return {
        "title": title,
        "subtitle": f"{span}; {panel}",
        "legend": f"{legend[:1].upper()}{legend[1:]}.",
        "description": f"{title}, {span}. {when}: {amount}. The table below has every value.",
    }
