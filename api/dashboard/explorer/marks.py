"""What happened while a trend ran: sources that came and went, other rules of tagging, signals. Pure.

Events of one bucket and kind are told together; the chart shows the most important ones, the table all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

from api.dashboard.names import Labels
from api.dashboard.signals import words as signal_words
from api.dashboard.words import whole
from monitor.core.buckets import day_date
from monitor.core.charts import Bucket
from monitor.core.query import TrendQuery
from monitor.core.signals.series import Signal
from monitor.store.events import Event, Kind

LONGEST = 50
"""Characters of a label in the chart."""
DRAWN = 5
NAMED = 5
_VERBS = {
    "source_added": "added",
    "source_changed": "changed",
    "source_paused": "paused",
    "source_stopped": "stopped",
    "source_retired": "retired",
    "source_resumed": "visited again",
}
_WEIGHT = {
    "tagging_changed": 6,
    "retagged": 6,
    "signal": 5,
    "source_retired": 4,
    "source_stopped": 4,
    "source_added": 3,
    "source_changed": 3,
    "source_paused": 2,
    "source_resumed": 1,
}
_RULES = {"tagging_changed": "Tagging rules changed", "retagged": "All posts tagged anew"}
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind in _WEIGHT)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened in the bucket that starts on `start`."""

    start: date
    label: str
    """At most LONGEST characters."""
    says: str
    href: str
    """Where more is told; empty if nowhere."""
    weight: tuple[int, int]


def marks_of(
    events: Iterable[Event],
    signals: Iterable[Signal],
    buckets: Sequence[Bucket],
    names: Mapping[str, str],
    labels: Labels,
) -> list[Mark]:
    """In order of time. `names`: sources of the trend, id → name; events of others are left out."""
    starts = sorted({(bucket.start, bucket.end) for bucket in buckets})

    def place(moment: date) -> date | None:
        return next((start for start, end in starts if start <= moment < end), None)

    together: dict[tuple[date, str], list[Event]] = {}
    for event in events:
        start = place(event.at.date())
        if start is not None and (event.source is None or event.source in names):
            together.setdefault((start, event.kind), []).append(event)
    found = [_mark(start, kind, group, names) for (start, kind), group in together.items()]
    found += [_signal(one, start, labels) for one in signals if (start := place(day_date(one.since))) is not None]
    return sorted(found, key=lambda one: (one.start, -one.weight[0], -one.weight[1], one.label))


def drawn_of(marks: Sequence[Mark]) -> list[Mark]:
    """The most important ones, in order of time."""
    best = sorted(marks, key=lambda one: (one.weight, one.start), reverse=True)[:DRAWN]
    return [one for one in marks if one in best]


def touches(signal: Signal, query: TrendQuery, keys: Iterable[str]) -> bool:
    """Whether a signal is about posts that the trend shows as a line or was narrowed down to. `keys`: those shown."""
    dimension, _, value = signal.key.partition("=")
    if not value:
        return not query.filters
    narrowed = value in query.filters.get(dimension, ())
    return narrowed or (query.by == dimension and value in set(keys))


def _mark(start: date, kind: str, group: Sequence[Event], names: Mapping[str, str]) -> Mark:
    if kind in _RULES:
        says = " ".join(dict.fromkeys(one.says for one in group))
        return Mark(start, _RULES[kind], says or _RULES[kind], "", (_WEIGHT[kind], 1))
    who = list(dict.fromkeys(names[one.source] for one in group if one.source is not None))
    verb = _VERBS[kind]
    if len(who) > 1:
        label = f"{whole(len(who))} sources {verb}"
        more = f" and {whole(len(who) - NAMED)} more" if len(who) > NAMED else ""
        says = f"{label}: {', '.join(who[:NAMED])}{more}."
    else:
        label = f"{_cut(who[0], LONGEST - len(verb) - 1)} {verb}"
        says = group[-1].says.replace(str(group[-1].source), who[0], 1)
    return Mark(start, label, says, "", (_WEIGHT[kind], len(who)))


def _signal(one: Signal, start: date, labels: Labels) -> Mark:
    name = signal_words.name_of(one.key, labels)
    more = "more" if one.direction == "up" else "fewer"
    label = _cut(f"Signal: {more} posts, {name}", LONGEST)
    says = f"Signal: {name}, {signal_words.size_words(one)}."
    return Mark(start, label, says, f"/signals/{one.id}", (_WEIGHT["signal"], one.observed))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def numbered(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """The marks that are drawn, with the numbers they bear in panels too small for words."""
    return [
        {"number": number, "start": one.start, "label": one.label, "says": one.says, "href": one.href}
        for number, one in enumerate(marks, 1)
    ]
