"""The question that the explorer's address holds: what the trends API takes, and what it is compared with. Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from monitor.core.buckets import Size, count_buckets, day_date, day_number, floor_day, next_start, step_back
from monitor.core.metrics import parse_query
from monitor.core.query import (
    CLOSED,
    DEFAULT_LIMIT,
    FILTERS,
    FIRST_DATE,
    MAX_BUCKETS,
    MAX_LIMIT,
    PARAMETERS,
    QueryError,
    TrendQuery,
)

PATH = "/trends"
COMPARISONS = ("previous", "year")
KNOWN = (*PARAMETERS, "compare", "page")
START: Mapping[str, list[str]] = {"metric": ["share"], "by": ["content_type"]}
"""What is asked where the address asks nothing."""
PRESETS: Sequence[tuple[int, Size, str]] = (
    (28, "day", "28 days"),
    (12, "week", "12 weeks"),
    (26, "week", "26 weeks"),
    (52, "week", "52 weeks"),
    (12, "month", "12 months"),
    (24, "month", "24 months"),
)
"""How many whole buckets up to the last that is over."""
_ORDER = ("metric", "by", "interval", "since", "until", *FILTERS, "panel", "copies", "limit", "compare")
_DEFAULTS = {"interval": "week", "panel": "all", "copies": "count", "limit": str(DEFAULT_LIMIT), "compare": ""}


@dataclass(frozen=True, slots=True)
class Question:
    query: TrendQuery
    """What is shown."""
    before: TrendQuery | None
    """The earlier period, bucket for bucket; None if nothing is compared."""
    compare: str
    """previous, year or empty."""
    asked: Mapping[str, str]
    """The whole question as parameters, with what is taken anyway left out."""

    @property
    def both(self) -> TrendQuery | None:
        """One query over both periods, whose fixed panel is the same for both; None where two queries answer.

        Periods a year apart have a year between them, in which a source need not have been observed.
        """
        if self.before is None or self.query.panel != "fixed" or self.compare != "previous":
            return None
        return replace(self.query, since=self.before.since)

    def address(self, **changes: str | None) -> str:
        """The address of this question, or of one with other parameters (None: without)."""
        return f"{PATH}?{self.parameters(**changes)}"

    def parameters(self, **changes: str | None) -> str:
        """The query part of an address."""
        wanted = {name: changes.get(name, value) for name, value in {**changes, **self.asked}.items()}
        order = {name: at for at, name in enumerate(_ORDER)}
        found = sorted(wanted.items(), key=lambda item: order.get(item[0], len(order)))
        return urlencode({name: value for name, value in found if value}, safe=",:")

    @property
    def api(self) -> str:
        """Parameters of the API call that holds what is shown; with a fixed panel both periods are in one call."""
        if (both := self.both) is not None:
            return self.parameters(compare=None, since=both.since.isoformat(), until=both.until.isoformat())
        return self.parameters(compare=None)

    @property
    def api_before(self) -> str | None:
        """The same for the earlier period, where that takes a second call."""
        if self.before is None or self.both is not None:
            return None
        span = {"since": self.before.since.isoformat(), "until": self.before.until.isoformat()}
        return self.parameters(compare=None, limit=str(self.before.limit), **span)


def read_question(params: Mapping[str, Sequence[str]], now: datetime) -> Question:
    """The question of these parameters, of which blanks count as not given. Raises QueryError."""
    given = {name: [text for text in values if text.strip()] for name, values in params.items() if name != "page"}
    given = {name: values for name, values in given.items() if values}
    compare = given.pop("compare", [""])
    if len(compare) > 1 or compare[0] not in ("", *COMPARISONS):
        raise QueryError("compare", f"compare cannot be {compare[-1][:60]!r}; it is previous, year, or left out.")
    query = parse_query(given or START, now=now)
    asked: dict[str, str] = {"metric": query.metric, "by": query.by or "", "interval": query.interval}
    asked |= {name: getattr(query, name).isoformat() for name in ("since", "until") if name in given}
    asked |= {name: ",".join(values) for name, values in query.filters.items()}
    asked |= {"panel": query.panel, "copies": query.copies, "limit": str(query.limit), "compare": compare[0]}
    asked = {name: value for name, value in asked.items() if value and value != _DEFAULTS.get(name)}
    return Question(query, earlier(query, compare[0], now) if compare[0] else None, compare[0], asked)


def is_tidy(question: Question, params: Mapping[str, Sequence[str]]) -> bool:
    """True if the address says the question once and says nothing besides; a form may send blanks and repetitions."""
    said = {name: [*values] for name, values in params.items() if name != "page"}
    return not said or said == {name: [value] for name, value in question.asked.items()}


def earlier(query: TrendQuery, compare: str, now: datetime) -> TrendQuery:
    """As many buckets before those of a query: right before, or a year before, days on the same weekdays.

    Ends with a whole bucket, so that an unfinished one stands beside what it will be compared with. Raises QueryError
    where the calendar of this service does not reach back so far, or the two together are too much for one answer.
    """
    tomorrow = day_number(now) + 1
    since, until = day_number(query.since), day_number(query.until)
    if until >= tomorrow:
        until = next_start(floor_day(tomorrow - 1, query.interval), query.interval)
    count = count_buckets(since, until, query.interval)
    if query.interval == "month":
        months = 12 if compare == "year" else count
        low, high = _months_back(day_date(since), months), _months_back(day_date(until), months)
    else:
        weeks = 52 if compare == "year" else count if query.interval == "week" else -(-count // 7)
        shift = timedelta(weeks=weeks)
        try:
            low, high = day_date(since) - shift, day_date(until) - shift
        except OverflowError:
            low = high = date.min
    if low < FIRST_DATE:
        raise QueryError("compare", f"The earlier period would begin before {FIRST_DATE}; nothing is kept from then.")
    if count_buckets(day_number(low), until, query.interval) > MAX_BUCKETS:
        raise QueryError("compare", f"Both periods together have more than {MAX_BUCKETS:,} {query.interval}s.")
    return replace(query, since=low, until=high, limit=MAX_LIMIT)


def _months_back(day: date, months: int) -> date:
    total = day.year * 12 + day.month - 1 - months
    year, month = total // 12, total % 12 + 1
    if year < 1:
        return date.min
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def slice_of(answer: Mapping[str, Any], since: date, until: date) -> dict[str, Any]:
    """The part of an answer whose buckets hold the days [since, until)."""
    first = day_date(floor_day(day_number(since), answer["interval"])).isoformat()
    last = until.isoformat()

    def within(series: Mapping[str, Any]) -> dict[str, Any]:
        return {**series, "points": [point for point in series["points"] if first <= point["start"] < last]}

    span = {"since": since.isoformat(), "until": until.isoformat()}
    return {**answer, **span, "series": [within(series) for series in answer["series"]]}


def presets(question: Question, now: datetime) -> list[dict[str, Any]]:
    """Links to whole periods that are over."""
    rows = []
    for count, size, label in PRESETS:
        end = floor_day(day_number(now), size)
        span = {
            "interval": None if size == _DEFAULTS["interval"] else size,
            "since": day_date(step_back(end, size, count)).isoformat(),
            "until": day_date(end).isoformat(),
        }
        current = all(question.asked.get(name) == value for name, value in span.items())
        rows.append({"label": label, "href": question.address(**span), "current": current})
    return rows


def without(question: Question, name: str, value: str) -> str:
    """The address of the question without one value of a filter."""
    left = [one for one in question.query.filters[name] if one != value]
    return question.address(**{name: ",".join(left) or None})


def is_closed(name: str) -> bool:
    """Whether the values of a filter are fixed."""
    return name in CLOSED
