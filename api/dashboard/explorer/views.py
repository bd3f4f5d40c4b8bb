"""An answered question laid out for the explorer: what is drawn, what the table says, and what it is compared with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import orjson

from api.dashboard import words
from api.dashboard.explorer import gaps, marks
from api.dashboard.explorer.charts import MOST_PANELS, Line
from api.dashboard.explorer.gaps import Missing, Seen
from api.dashboard.explorer.question import Question, slice_of
from monitor.core.charts import MAX_SERIES, Bucket, buckets_of

if TYPE_CHECKING:
    from api.dashboard.names import Labels
    from monitor.bootstrap import Services
    from monitor.core.query import TrendQuery

EVENTS_READ = 5_000
SIGNALS_READ = 200
_OF_SOURCE = ("source", "platform")


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with all that is said of it."""

    question: Question
    answer: Mapping[str, Any]
    before: Mapping[str, Any] | None
    lines: Sequence[Line]
    """Every series, in the order of the answer."""
    sources: Sequence[Seen]
    """Those that the platform and source filters let through."""
    missing: Sequence[Missing]
    """What was not observed of them, as far as it lasted long enough to matter."""
    marks: Sequence[marks.Mark]

    @property
    def many(self) -> bool:
        """More lines than one panel can tell apart; an earlier period needs a panel for each line."""
        return len(self.lines) > (1 if self.before is not None else MAX_SERIES)

    @property
    def shown(self) -> list[Line]:
        """The lines that are drawn: in many panels those with the highest latest values first."""
        if not self.many:
            return [*self.lines]
        return sorted(self.lines, key=_latest, reverse=True)[:MOST_PANELS]

    @property
    def buckets(self) -> Sequence[Bucket]:
        """The buckets of one line; all have the same."""
        return self.lines[0].buckets if self.lines else ()

    def missing_of(self, key: str) -> list[Missing]:
        """What was not observed of the sources of one series."""
        by = self.question.query.by
        return [one for one in self.missing if by not in _OF_SOURCE or getattr(one, str(by)) == key]


def shared_causes(found: Answered) -> Mapping[date, str]:
    """Why nobody observed a bucket that no line has, told once for the sources of all lines."""
    if len(found.lines) < 2 or found.question.query.by not in _OF_SOURCE or found.question.query.panel == "fixed":
        return found.lines[0].causes if found.lines else {}
    unseen = [
        found.lines[0].buckets[at]
        for at in range(len(found.buckets))
        if all(line.buckets[at].status == "not_observed" for line in found.lines)
    ]
    return gaps.causes_of(unseen, [one for line in found.lines for one in found.missing_of(line.key)])


def answered(services: Services, question: Question, labels: Labels) -> Answered:
    """Answer a question. Raises QueryError for values that the store does not know."""
    now = services.clock()
    answer, before = _answers(services, question)
    buckets = buckets_of({**answer, "series": answer["series"][:1]})
    sources = _sources(services, question.query)
    missing: list[Missing] = []
    if buckets and question.query.panel == "all":
        until = min(gaps.midnight(buckets[-1].end), now)
        found = gaps.missing(sources, gaps.midnight(buckets[0].start), until)
        missing = gaps.lasting(found, buckets)
    bare = Answered(question, answer, before, (), sources, missing, ())
    lines = _lines(bare)
    found_marks = _marks(services, bare, lines, labels) if lines else []
    return Answered(question, answer, before, lines, sources, missing, found_marks)


def _answers(services: Services, question: Question) -> tuple[dict[str, Any], dict[str, Any] | None]:
    def ask(query: TrendQuery) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(services.trends.answer_bytes(query)[0])
        return found

    query, before = question.query, question.before
    if before is None:
        return ask(query), None
    if (both := question.both) is not None:
        whole = ask(both)
        return slice_of(whole, query.since, query.until), slice_of(whole, before.since, before.until)
    return ask(query), ask(before)


def _lines(found: Answered) -> list[Line]:
    answer, before = found.answer, found.before
    twins = Counter(series["label"] for series in answer["series"])
    earlier = {series["key"]: series for series in before["series"]} if before is not None else {}
    starts = [point["start"] for point in before["series"][0]["points"]] if before and before["series"] else []
    lines = []
    causes: dict[str, dict[date, str]] = {}
    for series in answer["series"]:
        key = series["key"]
        label = f"{series['label']} ({key})" if twins[series["label"]] > 1 else series["label"]
        buckets = buckets_of({**answer, "series": [{**series, "label": label}]})
        beside: Sequence[Bucket | None] = ()
        if before is not None:
            points = earlier.get(key, {}).get("points", [])
            old: list[Bucket | None] = [*buckets_of({**before, "series": [{"label": label, "points": points}]})]
            beside = [*old[: len(buckets)], *[None] * (len(buckets) - len(old))] if starts else [None] * len(buckets)
        lines.append(Line(key, label, buckets, beside, _causes(found, key, buckets, causes)))
    return lines


def _causes(
    found: Answered, key: str, buckets: Sequence[Bucket], known: dict[str, dict[date, str]]
) -> Mapping[date, str]:
    """Why buckets of a line were not observed; the same for all lines unless each has sources of its own."""
    if found.question.query.panel == "fixed":
        return {one.start: "no source was observed throughout" for one in buckets if one.status == "not_observed"}
    own = key if found.question.query.by in _OF_SOURCE else ""
    if own not in known:
        known[own] = gaps.causes_of(buckets, found.missing_of(key))
    return known[own]


def _sources(services: Services, query: TrendQuery) -> list[Seen]:
    wanted = [
        one
        for one in services.store.source_numbers().values()
        if one.platform in query.filters.get("platform", (one.platform,))
        and one.id in query.filters.get("source", (one.id,))
    ]
    tracked = {one.source.id: one for one in services.store.sources()}
    observed = services.store.observations([one.id for one in wanted])
    return [Seen(one.id, one.name or one.id, one.platform, observed[one.id], tracked.get(one.id)) for one in wanted]


def _marks(services: Services, found: Answered, lines: Sequence[Line], labels: Labels) -> list[marks.Mark]:
    buckets = lines[0].buckets
    since, until = gaps.midnight(buckets[0].start), gaps.midnight(buckets[-1].end)
    events = services.store.events(since=since, until=until, kinds=marks.KINDS, limit=EVENTS_READ)
    signals = services.store.signals.recent(state=None, since=since, until=until, limit=SIGNALS_READ)
    keys = [line.key for line in lines]
    touching = [one for one in signals if marks.touches(one, found.question.query, keys)]
    names = {one.id: one.name for one in found.sources}
    return marks.marks_of(events, touching, buckets, names, labels)


def _latest(line: Line) -> float:
    """The value of the last bucket that is over; below all others without one."""
    told = [one.value for one in line.buckets if one.value is not None and not one.so_far]
    return told[-1] if told else float("-inf")


def finding_of(found: Answered) -> str:
    """The sentence with the numbers of the last bucket that is over, read from that bucket alone."""
    over = (one.start for line in found.lines for one in line.buckets if one.value is not None and not one.so_far)
    last = max(over, default=None)
    points = {series["key"]: series["points"] for series in found.answer["series"]}
    series = [
        {"label": line.label, "points": [one for one in points[line.key] if one["start"] == str(last)]}
        for line in found.lines
    ]
    return words.finding_of({**found.answer, "series": series})


def as_of(found: Answered) -> datetime:
    return datetime.fromisoformat(found.answer["as_of"])
