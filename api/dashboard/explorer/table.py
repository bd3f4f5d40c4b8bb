"""The table twin of the explorer's charts: every value with its interval, counts, status and cause, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from api.dashboard import words
from api.dashboard.explorer import gaps
from api.dashboard.explorer import words as explorer_words
from api.dashboard.explorer.charts import Line, when
from api.dashboard.explorer.compare import Whole, bucket_change, whole
from api.dashboard.explorer.views import Answered
from monitor.core.charts import Bucket
from monitor.core.query import MAX_VALUES

ROWS = 40
GAPS_SHOWN = 20
SENTENCES = 4


def table_of(found: Answered, page: int) -> dict[str, Any]:
    """One page of the table, latest first; what happened stands above the values of its time."""
    lines, count = found.lines, len(found.buckets)
    total = len(lines) * count
    pages = max(-(-total // ROWS), 1)
    page = min(page, pages)
    points = {series["key"]: series["points"] for series in found.answer["series"]}
    rows: list[dict[str, Any]] = []
    known: dict[tuple[str, date], str] = {}
    for place in range((page - 1) * ROWS, min(page * ROWS, total)):
        at, line = count - 1 - place // len(lines), lines[place % len(lines)]
        if place % len(lines) == 0:
            rows += [{"mark": one} for one in found.marks if one.start == line.buckets[at].start]
        point = points[line.key][at]
        rows.append({"mark": None, **_row(found, line, at, known), "sources": _sources(point)})
    return {
        "rows": rows,
        "page": page,
        "pages": pages,
        "total": total,
        "first": (page - 1) * ROWS + 1,
        "last": min(page * ROWS, total),
        "previous": _page(found, page - 1) if page > 1 else "",
        "next": _page(found, page + 1) if page < pages else "",
    }


def _page(found: Answered, page: int) -> str:
    return found.question.address(page=str(page)) + "#table"


def _sources(point: dict[str, Any]) -> str:
    return f"{words.whole(point['sources_observed'])} of {words.whole(point['sources_expected'])}"


def _row(found: Answered, line: Line, at: int, known: dict[tuple[str, date], str]) -> dict[str, Any]:
    bucket, metric = line.buckets[at], found.question.query.metric
    row: dict[str, Any] = {
        "start": bucket.start,
        "label": line.label,
        "value": words.value(bucket.value, metric),
        "interval": words.interval(bucket, metric),
        "n": words.whole(bucket.n),
        "of": words.whole(bucket.of),
        "remark": explorer_words.remark(bucket, _cause(found, line, bucket, known)),
    }
    if line.before:
        before = line.before[at]
        change = bucket_change(bucket, before, metric)
        row |= {
            "when_before": when(before.start, found.question.query.interval) if before else "",
            "before": words.value(before.value, metric) if before else "[x]",
            "change": explorer_words.change_value(change, metric),
            "change_interval": explorer_words.change_interval(change, metric),
            "clear": change is not None and change.clear,
        }
    return row


def _cause(found: Answered, line: Line, bucket: Bucket, known: dict[tuple[str, date], str]) -> str:
    if bucket.status == "not_observed":
        return line.causes.get(bucket.start, "")
    if bucket.status != "partial" or bucket.so_far:
        return ""
    own = line.key if found.question.query.by in ("source", "platform") else ""
    if (own, bucket.start) not in known:
        known[own, bucket.start] = gaps.partly(bucket.start, bucket.end, found.missing_of(line.key))
    return known[own, bucket.start]


def gap_rows(found: Answered) -> dict[str, Any]:
    """The longest gaps of the sources, those that were observed before first, and how many more there are."""
    ordered = sorted(found.missing, key=lambda one: (not one.begun, one.since - one.until, one.name))
    rows = [{"name": one.name, "since": one.since, "until": one.until, "why": one.why} for one in ordered[:GAPS_SHOWN]]
    return {"rows": rows, "more": len(ordered) - len(rows)}


def changes_of(found: Answered) -> dict[str, Any] | None:
    """The two periods against each other, one row a series; None if nothing is compared."""
    before, question = found.before, found.question
    if before is None or question.before is None:
        return None
    metric, interval = question.query.metric, question.query.interval
    all_ = [whole(line.label, [*zip(line.buckets, line.before, strict=True)], metric) for line in found.lines]
    early, late = (set[str](), set[str]()) if question.both else _counting(found)
    # a line that is one source is never counted over others
    own = question.query.by == "source"
    differ = "" if own else explorer_words.sources_differ(len(early & late), len(late - early), len(early - late))
    counts_differ = bool(differ) and metric == "volume"
    shown = [_without_change(one) if counts_differ else one for one in all_]
    pairs = max((one.pairs for one in shown), default=0)
    told = (explorer_words.span_of(found.answer), explorer_words.span_of(before))
    return {
        "sentences": [
            explorer_words.change_sentence(one, metric, sources_differ=counts_differ)
            for one in shown[:SENTENCES]
            if one.pairs and one.now is not None
        ],
        "compared": explorer_words.compared(pairs, len(found.buckets), interval, told, metric),
        "differ": differ,
        "counts_differ": counts_differ,
        "fixed": _same_sources(found, sorted(early & late)) if differ or not pairs else "",
        "rows": [_whole_row(one, metric) for one in shown],
        "any": pairs > 0,
        "pooled": any(one.now is not None for one in shown),
    }


def _counting(found: Answered) -> tuple[set[str], set[str]]:
    """The sources that count in the earlier and in the later period."""
    question = found.question
    if question.before is None or not found.lines:
        return set(), set()
    sides = []
    for buckets in ([one for one in found.lines[0].before if one is not None], found.buckets):
        over = [one for one in buckets if not one.so_far]
        sides.append(gaps.counting(found.sources, over, throughout=question.query.panel == "fixed"))
    return sides[0], sides[1]


def _same_sources(found: Answered, ids: Sequence[str]) -> str:
    """The address of the same question for sources that count in both periods; empty where it can't be asked."""
    if found.question.compare == "previous":
        return found.question.address(panel="fixed") if found.question.query.panel == "all" else ""
    return found.question.address(source=",".join(ids)) if 0 < len(ids) <= MAX_VALUES else ""


def _without_change(one: Whole) -> Whole:
    return Whole(one.label, one.pairs, one.now, one.before, one.n_now, one.n_before, None)


def _whole_row(one: Whole, metric: str) -> dict[str, Any]:
    return {
        "label": one.label,
        "now": explorer_words.three(one.now, metric),
        "before": explorer_words.three(one.before, metric),
        "n_now": words.whole(one.n_now),
        "n_before": words.whole(one.n_before),
        "pairs": one.pairs,
        "change": explorer_words.change_value(one.change, metric),
        "interval": explorer_words.change_interval(one.change, metric),
        "clear": one.change is not None and one.change.clear,
        "doubtful": one.change is not None and one.change.low is not None and not one.change.clear,
    }


def spans_words(found: Answered) -> Sequence[str]:
    """The periods in words, the later first."""
    spans = [explorer_words.span_of(found.answer)]
    return [*spans, explorer_words.span_of(found.before)] if found.before is not None else spans
