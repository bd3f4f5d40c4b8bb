"""What can be asked of the trends: one frozen query, read from the parameters of a URL or a command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Literal, TypeVar, get_args

from monitor.core import buckets
from monitor.core.model import AUDIENCES, CONTENT_TYPES, REGIONS, UNKNOWN

Panel = Literal["all", "fixed"]
Copies = Literal["count", "fold"]
Choice = TypeVar("Choice", bound=str)

DIMENSIONS = ("content_type", "audience", "platform", "region", "country", "language", "topic", "source")
"""What a trend can be split by."""
FLAGS = ("live", "sponsored")
"""Filters that are true or false."""
FILTERS = (*DIMENSIONS, *FLAGS)
CLOSED: Mapping[str, tuple[str, ...]] = {
    "content_type": CONTENT_TYPES,
    "audience": AUDIENCES,
    "region": REGIONS,
    "live": ("true", "false"),
    "sponsored": ("true", "false"),
}
"""Dimensions whose values are fixed, in the order in which they are shown."""

DEFAULT_SPAN: Mapping[str, int] = {"day": 30, "week": 12, "month": 12}
"""How many complete buckets before the current one are shown when `since` is not given."""
DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_BUCKETS = 5_000
MAX_LENGTH = 200
"""Characters of one value."""
MAX_VALUES = 100
"""Values of one filter."""
FIRST_DATE, LAST_DATE = date(1970, 1, 1), date(2100, 1, 1)

_SINGLE = ("metric", "by", "interval", "since", "until", "panel", "copies", "limit")
PARAMETERS = (*_SINGLE, *FILTERS)


class QueryError(ValueError):
    """The query cannot be answered as asked. `field` names the parameter, `str(error)` says what would be right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class TrendQuery:
    """A trend asked for, complete and normalised: equal questions are equal queries."""

    metric: str
    by: str | None
    interval: buckets.Size
    since: date
    """First UTC day that counts."""
    until: date
    """UTC day after the last that counts."""
    panel: Panel = "all"
    copies: Copies = "count"
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """dimension → wanted values, sorted; a post needs any of them in every dimension."""
    limit: int = DEFAULT_LIMIT
    """How many series at most."""


def read_query(params: Mapping[str, Sequence[str]], *, metrics: Sequence[str], now: datetime) -> TrendQuery:
    """The query that these parameters ask for. Raises QueryError naming the first parameter that does not fit.

    Values may be repeated or, for filters, separated by commas. Empty values count as not given. `since` and `until`
    are ISO dates or datetimes (UTC unless they carry an offset), widened to whole UTC days: `since` is inclusive,
    `until` exclusive. Without `until` the window ends with the current day; without `since` it starts 30 days, 12
    weeks or 12 months before the bucket it ends in.
    """
    given = _given(params)
    single = {name: _only(name, given[name]) for name in _SINGLE if name in given}
    interval = _one_of("interval", single.get("interval", "week"), buckets.SIZES)
    by = single.get("by")
    tomorrow = buckets.day_number(now) + 1
    since, until = _window(single.get("since"), single.get("until"), interval, tomorrow)
    return TrendQuery(
        metric=_one_of("metric", single.get("metric", "volume"), metrics),
        by=None if by is None else _one_of("by", by, DIMENSIONS),
        interval=interval,
        since=buckets.day_date(since),
        until=buckets.day_date(until),
        panel=_one_of("panel", single.get("panel", "all"), get_args(Panel)),
        copies=_one_of("copies", single.get("copies", "count"), get_args(Copies)),
        filters={name: _wanted(name, given[name]) for name in FILTERS if name in given},
        limit=_limit(single.get("limit")),
    )


def _given(params: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for name, raw in params.items():
        if name not in PARAMETERS:
            near = get_close_matches(name[:MAX_LENGTH], PARAMETERS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(PARAMETERS)}."
            raise QueryError(name[:MAX_LENGTH], f"There is no parameter {name[:60]!r}. {hint}")
        values = [value.strip() for value in raw if value.strip()]
        if values:
            given[name] = values
    return given


def _only(name: str, values: Sequence[str]) -> str:
    if len(values) > 1:
        raise QueryError(name, f"{name} was given {len(values)} times; give it once.")
    if len(values[0]) > MAX_LENGTH:
        raise QueryError(name, f"The value of {name} is longer than {MAX_LENGTH} characters.")
    return values[0]


def _one_of(name: str, value: str, choices: Sequence[Choice]) -> Choice:
    for choice in choices:
        if value == choice:
            return choice
    near = get_close_matches(value.lower(), choices, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise QueryError(name, f"{name} cannot be {value[:60]!r}; it is one of {', '.join(choices)}.{hint}")


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) or not 1 <= int(text) <= MAX_LIMIT:
        raise QueryError("limit", f"limit is a whole number from 1 to {MAX_LIMIT}, not {text[:60]!r}.")
    return int(text)


def _wanted(name: str, given: Sequence[str]) -> tuple[str, ...]:
    values = [part.strip() for value in given for part in value.split(",") if part.strip()]
    if len(values) > MAX_VALUES:
        raise QueryError(name, f"{name} has {len(values)} values; at most {MAX_VALUES} are possible.")
    for value in values:
        if len(value) > MAX_LENGTH:
            raise QueryError(name, f"A value of {name} is longer than {MAX_LENGTH} characters.")
    if not values:
        raise QueryError(name, f"{name} was given without a value; leave it out to see all.")
    if name in CLOSED:
        return tuple(sorted({_one_of(name, value.lower(), CLOSED[name]) for value in values}))
    read = _READ.get(name, _as_is)
    return tuple(sorted({read(value) for value in values}))


def _as_is(value: str) -> str:
    return value


def _country(value: str) -> str:
    if value.lower() == UNKNOWN:
        return UNKNOWN
    if not re.fullmatch(r"[A-Za-z]{2}", value, re.ASCII):
        raise QueryError(
            "country", f"country is a two-letter ISO 3166-1 code such as DE, or {UNKNOWN}; not {value[:60]!r}."
        )
    return value.upper()


def _language(value: str) -> str:
    if not re.fullmatch(rf"[A-Za-z]{{2,3}}|{UNKNOWN}", value, re.ASCII):
        raise QueryError("language", f"language is an ISO 639 code such as en, or {UNKNOWN}; not {value[:60]!r}.")
    return value.lower()


_READ: Mapping[str, Callable[[str], str]] = {
    "country": _country,
    "language": _language,
    "platform": str.lower,
    "topic": str.lower,
}


def _window(since_text: str | None, until_text: str | None, interval: buckets.Size, tomorrow: int) -> tuple[int, int]:
    until = tomorrow if until_text is None else _day("until", until_text, up=True)
    if since_text is None:
        last = buckets.floor_day(min(until, tomorrow) - 1, interval)
        since = max(buckets.step_back(last, interval, DEFAULT_SPAN[interval]), 0)
    else:
        since = _day("since", since_text, up=False)
    if since >= tomorrow:
        raise QueryError("since", f"since is {buckets.day_date(since)}, which is in the future; nothing to show yet.")
    if since >= until:
        raise QueryError(
            "until" if until_text is not None else "since",
            f"The window is empty: since is {buckets.day_date(since)} (included) and until is "
            f"{buckets.day_date(until)} (not included). Until must be later.",
        )
    wanted = buckets.count_buckets(since, min(until, tomorrow), interval)
    if wanted > MAX_BUCKETS:
        raise QueryError(
            "interval",
            f"This window has {wanted:,} {interval}s; at most {MAX_BUCKETS:,} are possible. "
            "Choose a shorter window or a longer interval.",
        )
    return since, until


def _day(name: str, text: str, *, up: bool) -> int:
    """UTC day number of an ISO date or datetime; a time within a day goes to the next midnight if `up`."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise QueryError(
            name, f"{name} is a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z; not {text[:60]!r}."
        ) from None
    if not FIRST_DATE <= moment.date() < LAST_DATE:
        raise QueryError(name, f"{name} must lie between {FIRST_DATE} and {LAST_DATE}.")
    within = moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return buckets.day_number(moment) + (1 if up and within > timedelta(0) else 0)
