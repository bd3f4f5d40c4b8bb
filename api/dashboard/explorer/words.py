"""What the explorer says: titles, changes and notes in plain words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from api.dashboard import words
from api.dashboard.explorer.compare import Change, Three, Whole
from api.dashboard.names import Labels
from monitor.core.buckets import SIZES
from monitor.core.charts import Bucket
from monitor.core.query import DIMENSIONS

NO_CHANGE = "no clear change"
COMPARE = {"": "nothing", "previous": "the period before", "year": "a year before"}
PANELS = {"all": "all sources", "fixed": "only sources observed throughout"}
COPIES = {"count": "count each", "fold": "count once"}
INTERVALS = {size: size for size in SIZES}
SPLITS = {"": "nothing", **{name: words.SPLITS[name] for name in DIMENSIONS}}
FLAGS = {
    "live": {"true": "Live", "false": "Not live"},
    "sponsored": {"true": "Sponsored", "false": "Not sponsored"},
}
_POINTS = ("share", "positive_share", "negative_share")


def name_of(dimension: str, key: str, labels: Labels) -> str:
    return FLAGS.get(dimension, {}).get(key) or labels.get(dimension, {}).get(key, key)


def title_of(answer: Mapping[str, Any], labels: Labels) -> str:
    """Share of posts by content type, YouTube only."""
    narrowed = [
        words.joined([name_of(name, one, labels) for one in wanted])
        for name, wanted in answer["filters"].items()
        if len(wanted) <= 2
    ]
    rest = len(answer["filters"]) - len(narrowed)
    narrowed += [f"{rest} more {'filter' if rest == 1 else 'filters'}"] if rest else []
    return words.title_of(answer) + (f": {'; '.join(narrowed)}" if narrowed else "")


def span(since: date, until: date) -> str:
    """24 August to 15 November 2026; `until` is the day after the last."""
    last = until - timedelta(days=1)
    if since == last:
        return words.day(since)
    return f"{words.day(since, year=since.year != last.year)} to {words.day(last)}"


def subtitle_of(answer: Mapping[str, Any], before: Mapping[str, Any] | None, labels: Labels) -> str:
    """Per week, 24 August to 15 November 2026 (UTC), beside 1 June to 23 August 2026; shaded: 95 % interval."""
    text = f"Per {answer['interval']}, {span_of(answer)} (UTC)"
    if before is not None:
        text += f", beside {span_of(before)} (grey, broken)"
    parts = [text]
    parts += [
        f"{words.SPLITS.get(name, name)} {' or '.join(name_of(name, one, labels) for one in wanted[:8])}"
        + (f" or {len(wanted) - 8} more" if len(wanted) > 8 else "")
        for name, wanted in answer["filters"].items()
    ]
    if answer["panel"]["rule"] == "fixed":
        parts.append(f"only sources observed throughout ({answer['panel']['sources']} of {answer['panel']['of']})")
    if answer["copies"] == "fold":
        parts.append("copies of one text count once")
    parts.append(f"shaded: {answer['level'] * 100:g}\u00a0% interval")
    return "; ".join(parts)


def span_of(answer: Mapping[str, Any]) -> str:
    return span(date.fromisoformat(answer["since"]), date.fromisoformat(answer["until"]))


def three(found: Three | None, metric: str) -> str:
    """12.4 % (11.8 to 13.0 %)."""
    if found is None:
        return "[z]"
    value, low, high = found
    text = words.value(value, metric)
    if low is None or high is None:
        return text
    return f"{text} ({words.value(low, metric).removesuffix(_PERCENT)} to {words.value(high, metric)})"


_PERCENT = "\u00a0%"


def change_value(change: Change | None, metric: str) -> str:
    """+12 %, −1.2 points; [x] where none can be given."""
    if change is None:
        return "[x]"
    if change.value is None:
        return "new (was 0)"
    return _signed(change.value, change, metric) + _unit(change, metric)


def change_interval(change: Change | None, metric: str) -> str:
    """+8 to +16 %."""
    if change is None or change.low is None or change.high is None:
        return "[x]"
    low, high = (_signed(edge, change, metric) for edge in (change.low, change.high))
    return f"{low} to {high}{_unit(change, metric)}"


def _signed(number: float, change: Change, metric: str) -> str:
    if change.relative:
        text = f"{number * 100:+,.1f}" if abs(number) < 0.1 else f"{number * 100:+,.0f}"
    elif metric in _POINTS:
        text = f"{number * 100:+,.1f}"
    else:
        text = f"{number:+,.2f}" if metric == "sentiment" else f"{number:+,.1f}"
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")
    return text.replace("-", "\u2212")


def _unit(change: Change, metric: str) -> str:
    if change.relative:
        return _PERCENT
    return " points" if metric in _POINTS else ""


def change_sentence(found: Whole, metric: str, *, sources_differ: bool = False) -> str:
    """Video: 12.4 % (…), 11.0 % (…) before: +1.4 points (+0.2 to +2.6 points)."""
    sides = f"{found.label}: {three(found.now, metric)}, {three(found.before, metric)} before"
    change = found.change
    if change is None:
        return f"{sides}; the sources are not the same, so no change is given." if sources_differ else f"{sides}."
    if change.value is None:
        return f"{sides}: new (was 0)."
    if change.low is None:
        return f"{sides}: {change_value(change, metric)}, without an interval."
    words_ = f"{change_value(change, metric)} ({change_interval(change, metric)})"
    return f"{sides}: {words_}." if change.clear else f"{sides}: {NO_CHANGE}, {words_}."


def compared(pairs: int, total: int, interval: str, spans: tuple[str, str], metric: str) -> str:
    """What was put beside what, and what was left out."""
    left = total - pairs
    text = f"{spans[0]} beside {spans[1]}: {pairs} of {total} {interval}s can be compared"
    if left:
        what = "not over, or not observed throughout" if metric == "volume" else "not over, or not observed"
        text += f"; the {'other one is' if left == 1 else f'other {left} are'} {what} in one of the two"
    return f"{text}."


def sources_differ(both: int, fresh: int, gone: int) -> str:
    """3 sources were observed only in the later period, and 1 only in the earlier; 40 in both."""
    parts = [f"{fresh} only in the later period"] if fresh else []
    parts += [f"{gone} only in the earlier"] if gone else []
    return f"Sources observed: {both} in both, {words.joined(parts)}." if parts else ""


def remark(bucket: Bucket, cause: str) -> str:
    """The status of a bucket in words, with what caused it."""
    state = "so far" if bucket.so_far else words.STATUS_WORDS[bucket.status]
    return f"{state}: {cause}" if cause else state


def status_line(series: int, rows: int, answer: Mapping[str, Any]) -> str:
    """What changed on the screen, for those who hear it."""
    many = "1 series" if series == 1 else f"{series} series"
    return f"{words.title_of(answer)}, {span_of(answer)}: {many}, {words.whole(rows)} values."


def excess(shown: int, series: int) -> str:
    return f"The charts show {shown} of {series} series, those with the highest latest value; the table has all."


def filters_words(names: Sequence[str]) -> str:
    return words.joined([words.SPLITS[name] for name in names])
