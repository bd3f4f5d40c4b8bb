"""What the address of the first page asks for: a period of whole weeks, and what it is compared with. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from api.dashboard import words
from api.dashboard.overview import words as overview_words
from api.problems import FieldError
from monitor.core.digest_periods import Period
from monitor.core.overview import Compare
from monitor.core.query import FIRST_DATE, LAST_DATE
from monitor.overview import last_monday

KNOWN = ("period", "since", "until", "compare")
RETIRED = "interval"
"""Once chose the buckets of the chart on this page; issues that were sent still link to it."""
DEFAULTS: Mapping[str, str] = {"period": "1", "compare": "previous"}
LONGEST = 52
"""Weeks between two dates; more would overlap with the same period last year."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for. Errors leave the defaults."""

    period: Period
    compare: Compare
    fields: Mapping[str, str]
    """As typed."""
    errors: tuple[FieldError, ...] = ()


def needed(given: Mapping[str, str]) -> dict[str, str]:
    """What of the fields the page depends on. Dates win: the form also sends the period that it was shown with."""
    wanted = {name: value for name, value in given.items() if value and value != DEFAULTS.get(name)}
    if given["since"] or given["until"]:
        wanted.pop("period", None)
    return wanted


def choose(given: Mapping[str, str], now: datetime) -> Chosen:
    """The period and what it is compared with; whole weeks from Monday that are over."""
    errors: list[FieldError] = []
    end = last_monday(now)
    own = bool(given["since"] or given["until"])
    weeks = given["period"] or DEFAULTS["period"]
    compare = given["compare"] or "previous"
    if compare not in overview_words.COMPARISONS:
        known = words.joined([*overview_words.COMPARISONS])
        errors.append(FieldError("compare", f"There is no comparison {compare[:60]!r}; there are {known}."))
        compare = "previous"
    period = Period(end - timedelta(weeks=1), end)
    if own:
        dates = _own(given, end)
        if isinstance(dates, FieldError):
            errors.append(dates)
        else:
            period = dates
    elif weeks in overview_words.PERIODS:
        period = Period(end - timedelta(weeks=int(weeks)), end)
    else:
        known = words.joined([*overview_words.PERIODS])
        errors.append(FieldError("period", f"There is no period {weeks[:60]!r}; there are {known}, in weeks."))
    fields = {**given, "period": "" if own else weeks, "compare": compare}
    return Chosen(period, cast(Compare, compare), fields, tuple(errors))


def periods_of(chosen: Chosen) -> list[dict[str, Any]]:
    """The periods as links that keep the comparison."""
    kept = {} if chosen.compare == DEFAULTS["compare"] else {"compare": chosen.compare}
    rows = []
    for weeks, name in overview_words.PERIODS.items():
        asked = kept if weeks == DEFAULTS["period"] else {"period": weeks, **kept}
        href = f"/?{urlencode(asked)}" if asked else "/"
        rows.append({"name": name, "href": href, "current": chosen.fields["period"] == weeks})
    return rows


def _own(given: Mapping[str, str], end: date) -> Period | FieldError:
    """Own dates, widened to whole weeks and cut to those that are over."""
    if not given["since"]:
        return FieldError("since", f"Dates need a first day, such as {end - timedelta(weeks=4)}.")
    days = {}
    for name in ("since", "until"):
        try:
            days[name] = date.fromisoformat(given[name]) if given[name] else end
        except ValueError:
            return FieldError(name, f"{given[name][:60]!r} is not a date; write it as 2026-07-31.")
        if not FIRST_DATE <= days[name] <= LAST_DATE:
            return FieldError(name, f"Dates are from {FIRST_DATE} to {LAST_DATE}.")
    since = days["since"] - timedelta(days=days["since"].weekday())
    until = min(days["until"] + timedelta(days=-days["until"].weekday() % 7), end)
    if days["until"] <= days["since"]:
        return FieldError("until", "The day after the last comes after the first day.")
    if since >= end:
        return FieldError("since", f"No whole week from {words.day(since)} on is over yet; the last ended before {words.day(end)}.")  # fmt: skip
    if until - since > timedelta(weeks=LONGEST):
        return FieldError("since", f"This page tells of at most {LONGEST} weeks; for more, see Trends.")
    return Period(since, until)
