"""When a digest is due: schedules in words or as cron, in a time zone, and the period that a run reports on.

Words and cron both come down to cron lines that are stepped over wall-clock time; the step from wall clock to instant
is made here, so that every schedule treats a change of the clocks in the same way:

- a wall-clock time that is skipped runs at the first instant after the hole;
- one that comes twice runs once, the first time;
- a day that a country leaves out altogether (Samoa, 30 December 2011) runs at the first instant after it, unless that
  day has its own run.

Instants are aware UTC, to the second. The clock is never read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

Unit = Literal["day", "week", "month", "days", "run"]
"""What a run reports on: a whole calendar day, week or month; the whole days since the run before; or, where there
are several runs a day, the time since the run before."""

FORMS = (
    "daily 07:30 UTC",
    "weekdays 08:00 Europe/Berlin",
    "weekly on monday 08:00 Europe/Berlin",
    "monthly on 1 09:00 UTC",
    "monthly on last day 09:00 UTC",
    "monthly on first monday 09:00 UTC",
    "0 8 * * 1 Europe/Berlin",
)
"""One example of each way to write a schedule."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ORDINALS = {"first": "#1", "second": "#2", "third": "#3", "fourth": "#4", "last": "L"}
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_CRON_FIELD = re.compile(r"[\d*][\w*,/#-]*|(?:[a-z]{3}|l|lw)(?:[-,#/][\w,/#-]+)?", re.IGNORECASE)
_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_LONGEST_TEXT = 200
_TRIAL = datetime(2024, 1, 1)  # noqa: DTZ001  # wall-clock time, without a zone on purpose; any start would do
_LONGEST_OVERLAP = 26
"""Hours. The clocks were never set back further: countries that moved over the date line repeated a day."""


class ScheduleError(ValueError):
    """The text is not a schedule. The message says what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Made by `parse_schedule`."""

    text: str
    """As written, spaces tidied."""
    zone: ZoneInfo
    unit: Unit
    crons: tuple[str, ...] = field(repr=False)
    """Lines of five fields; the schedule runs whenever one of them does."""
    words: str = field(repr=False)

    def next(self, after: datetime) -> datetime:
        """The first run strictly after an instant."""
        wall = self._wall(after)
        return min(self._step(cron, wall, after) for cron in self.crons)

    def previous(self, at_or_before: datetime) -> datetime:
        """The last run at or before an instant."""
        return self._last(at_or_before)[0]

    def describe(self) -> str:
        """In plain words, with the zone: 'every Monday at 08:00, Europe/Berlin'."""
        return f"{self.words}, {self.zone.key}"

    def period(self, run: datetime) -> tuple[datetime, datetime]:
        """The complete period [since, until) that a run reports on, as instants; days, weeks (from Monday) and months
        are those of the zone's calendar.

        For an instant between two runs it is the period of the run before.
        """
        # By the day that was meant: a run at 23:30 that falls into a hole happens on the day after.
        run, meant = self._last(run)
        today = meant.date()
        before, meant_before = self._last(run - _SECOND)
        if self.unit == "run":
            return before, run
        if self.unit == "day":
            yesterday = today - _DAY
            if self._midnight(yesterday) == self._midnight(today):  # a day that does not exist
                yesterday -= _DAY
            return self._midnight(yesterday), self._midnight(today)
        if self.unit == "week":
            monday = today - today.weekday() * _DAY
            return self._midnight(monday - 7 * _DAY), self._midnight(monday)
        if self.unit == "month":
            first = today.replace(day=1)
            return self._midnight((first - _DAY).replace(day=1)), self._midnight(first)
        return self._midnight(meant_before.date()), self._midnight(today)

    def _last(self, until: datetime) -> tuple[datetime, datetime]:
        """The last run at or before an instant, and the wall-clock time that was meant."""
        # Where the clocks were set back, a run that came before may bear a later wall-clock time. An hour is added
        # because the highest reading may lie between two of those looked at.
        wall = max(self._wall(until - hours * _HOUR) for hours in range(_LONGEST_OVERLAP + 1)) + _HOUR
        return max(self._step_back(cron, wall, until) for cron in self.crons)

    def _wall(self, instant: datetime) -> datetime:
        """What the clock on the wall shows at an instant."""
        return instant.astimezone(self.zone).replace(tzinfo=None)

    def _midnight(self, day: date) -> datetime:
        return self._instant(datetime.combine(day, time()))

    def _instant(self, wall: datetime) -> datetime:
        """The first instant at which the clock shows this time or, where it skips it, a later one."""
        found = wall.replace(tzinfo=self.zone).astimezone(UTC)
        if self._wall(found) == wall:
            return found
        # In a hole: `found` was counted with the offset before it and so lies after it; fold=1 is the other way round.
        low, high = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC), found
        while high - low > _SECOND:
            middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
            low, high = (middle, high) if self._wall(middle) < wall else (low, middle)
        return high

    def _run(self, cron: str, wall: datetime) -> datetime | None:
        """The instant of a wall-clock run; None if its day does not exist and the next has a run of its own."""
        instant = self._instant(wall)
        lands = self._wall(instant)
        if lands == wall or wall.date() in (lands.date(), self._wall(instant - _SECOND).date()):
            return instant
        own = next(CronSim(cron, datetime.combine(lands.date(), time()) - _SECOND))
        return None if own.date() == lands.date() else instant

    def _step(self, cron: str, wall: datetime, after: datetime) -> datetime:
        return next(
            run for at in CronSim(cron, wall) if (run := self._run(cron, at)) is not None and run > after
        )  # several wall-clock times may lead to one instant, so `next` alone would not do

    def _step_back(self, cron: str, wall: datetime, until: datetime) -> tuple[datetime, datetime]:
        return next(
            (run, at)
            for at in CronSim(cron, wall, reverse=True)
            if (run := self._run(cron, at)) is not None and run <= until
        )


def parse_schedule(text: str) -> Schedule:
    """Read a schedule: one of `FORMS`, the zone optional (UTC). Raises ScheduleError.

    Cron: minute, hour, day of month, month, day of week (0 and 7 are Sunday, names allowed); day of month and day of
    week together mean either, as in Debian's cron.
    """
    if len(text) > _LONGEST_TEXT:
        raise ScheduleError(f"a schedule of {len(text)} characters is too long: {_examples()}")
    tidy = " ".join(text.split())
    words = tidy.split(" ") if tidy else []
    if not words:
        raise ScheduleError(f"the schedule is empty: {_examples()}")
    if (words[0][0].isdigit() or words[0][0] == "*") and ":" not in words[0]:
        return _read_cron(tidy, words)
    return _read_words(tidy, words)


# --- cron -----------------------------------------------------------------------------------------------------------


def _read_cron(tidy: str, words: Sequence[str]) -> Schedule:
    fields = words[:5]
    if len(fields) < 5 or not all(_CRON_FIELD.fullmatch(one) for one in fields):
        raise ScheduleError(
            f"{tidy!r} is not a cron line: write five fields (minute, hour, day of month, month, day of week) and a "
            "time zone, such as '0 8 * * 1 Europe/Berlin'"
        )
    zone = _read_zone(words[5:], tidy)
    cron = " ".join(fields)
    try:
        stepper = CronSim(cron, _TRIAL)
        next(stepper)
    except CronSimError as error:
        wrong = str(error).removeprefix("Bad ").replace("-", " ")
        raise ScheduleError(
            f"{cron!r}: the {wrong} can't be read, is out of range or never comes in that month: write minute 0-59, "
            "hour 0-23, day of month 1-31, month 1-12, day of week 0-7, such as '0 8 * * 1'"
        ) from None
    except StopIteration:
        raise ScheduleError(f"{cron!r} never happens: no month of any year has such a day") from None
    explained = stepper.explain()
    return Schedule(
        text=tidy, zone=zone, unit=_unit_of(fields), crons=(cron,), words=explained[:1].lower() + explained[1:]
    )


def _unit_of(fields: Sequence[str]) -> Unit:
    minute, hour, day, month, weekday = fields
    if not (minute.isdigit() and hour.isdigit()):
        return "run"
    if month == "*" and day == "*" and weekday == "*":
        return "day"
    if month == "*" and day == "*" and re.fullmatch(r"[0-7]|[a-zA-Z]{3}", weekday):
        return "week"
    # Later days than the 28th leave months out, whose reports would be lost if each run covered one month.
    if month == "*" and weekday == "*" and (day in ("L", "l", "LW", "lw") or (day.isdigit() and int(day) <= 28)):
        return "month"
    return "days"


# --- words ----------------------------------------------------------------------------------------------------------


def _read_words(tidy: str, words: Sequence[str]) -> Schedule:
    at = next((index for index, word in enumerate(words) if ":" in word), None)
    if at is None:
        raise ScheduleError(f"{tidy!r} has no time of day: add one such as 08:00; {_examples()}")
    clock = _read_time(words[at])
    zone = _read_zone(words[at + 1 :], tidy)
    said = [word.lower() for word in words[:at] if word.lower() != "at"]
    kind, rest = said[0] if said else "", said[1:]
    rest = rest[1:] if rest[:1] == ["on"] else rest
    shown = f"{clock:%H:%M}"
    base = f"{clock.minute} {clock.hour}"
    unit: Unit
    crons: tuple[str, ...]
    if kind == "daily" and not rest:
        unit, crons, plain = "day", (f"{base} * * *",), "every day"
    elif kind == "weekdays" and not rest:
        unit, crons, plain = "days", (f"{base} * * 1-5",), "Monday to Friday"
    elif kind == "weekly":
        unit, crons, plain = _read_weekly(base, rest)
    elif kind == "monthly":
        crons, plain = _read_monthly(base, rest)
        unit = "month"
    else:
        wrong = f"{' '.join(said)!r} is not a rhythm" if said else f"{tidy!r} names no rhythm"
        raise ScheduleError(f"{wrong}{_hint(kind)}: {_examples()}")
    return Schedule(text=tidy, zone=zone, unit=unit, crons=crons, words=f"{plain} at {shown}")


def _hint(kind: str) -> str:
    close = get_close_matches(kind, ("daily", "weekdays", "weekly", "monthly"), n=1)
    return f" (did you mean {close[0]!r}?)" if close and close[0] != kind else ""


def _read_weekly(base: str, rest: Sequence[str]) -> tuple[Unit, tuple[str, ...], str]:
    named = [one for one in chain.from_iterable(word.split(",") for word in rest) if one not in ("", "and")]
    if not named:
        raise ScheduleError("'weekly' needs a day: write for example 'weekly on monday 08:00 Europe/Berlin'")
    days = sorted({_read_weekday(one) for one in named})
    cron = f"{base} * * {','.join(str(day + 1) for day in days)}"
    plain = "every " + " and ".join(_WEEKDAYS[day].capitalize() for day in days)
    return ("week" if len(days) == 1 else "days"), (cron,), plain


def _read_weekday(word: str) -> int:
    for index, name in enumerate(_WEEKDAYS):
        if word in (name, name[:3]):
            return index
    close = get_close_matches(word, _WEEKDAYS, n=1, cutoff=0.5)
    better = f"did you mean {close[0]!r}?" if close else f"write one of {', '.join(_WEEKDAYS)}"
    raise ScheduleError(f"{word!r} is not a day of the week: {better}")


def _read_monthly(base: str, rest: Sequence[str]) -> tuple[tuple[str, ...], str]:
    rest = [word for word in rest if word not in ("the", "day")] if rest[-1:] != ["day"] else list(rest)
    if list(rest) in (["last", "day"], ["the", "last", "day"]):
        return (f"{base} L * *",), "on the last day of every month"
    if len(rest) == 2 and rest[0] in _ORDINALS:
        day = _read_weekday(rest[1])
        cron = f"{base} * * {day + 1}{_ORDINALS[rest[0]]}"
        return (cron,), f"on the {rest[0]} {_WEEKDAYS[day].capitalize()} of every month"
    number = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th|\.)?", rest[0]) if len(rest) == 1 else None
    if number is None or not 1 <= int(number[1]) <= 31:
        raise ScheduleError(
            f"'{' '.join(('monthly', *rest))}' names no day: write a number from 1 to 31, 'last day' or 'first monday', "
            "such as 'monthly on 1 09:00 UTC'"
        )
    day = int(number[1])
    if day <= 28:
        return (f"{base} {day} * *",), f"on day {day} of every month"
    plain = f"on day {day} of every month (the last where there is none)"
    if day == 31:
        return (f"{base} L * *",), plain
    return (f"{base} {day} 1,3-12 *", f"{base} L 2 *"), plain


def _read_time(word: str) -> time:
    match = _TIME.fullmatch(word)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ScheduleError(f"{word!r} is not a time of day: write hours and minutes from 00:00 to 23:59")
    return time(int(match[1]), int(match[2]))


# --- zones ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def _read_zone(words: Sequence[str], tidy: str) -> ZoneInfo:
    """At most one word. Letter case is forgiven."""
    if not words:
        return ZoneInfo("UTC")
    written = "_".join(words)  # 'America/New York' is what people write
    zones = _zones()
    exact = zones.get(written.lower())
    if exact is not None:
        return ZoneInfo(exact)
    if re.search(r"[+-]\d", written):
        raise ScheduleError(
            f"{tidy!r}: {written!r} is an offset, which is wrong for half of the year where clocks change: write a "
            "place such as Europe/Berlin, or UTC"
        )
    places = [name for folded, name in zones.items() if folded.rpartition("/")[2] == written.lower()]
    close = sorted(places, key=len) or [zones[name] for name in get_close_matches(written.lower(), zones, n=1)]
    if not close:  # the town may be misspelt as well as its continent missing
        towns = {folded.rpartition("/")[2]: name for folded, name in zones.items()}
        close = [towns[name] for name in get_close_matches(written.lower().rpartition("/")[2], towns, n=1, cutoff=0.75)]
    better = f"did you mean {close[0]!r}?" if close else "write one such as Europe/Berlin, America/New_York or UTC"
    raise ScheduleError(f"{tidy!r}: {' '.join(words)!r} is not a time zone: {better}")


def _examples() -> str:
    return "write for example " + " or ".join(repr(form) for form in (FORMS[0], FORMS[2], FORMS[3], FORMS[6]))
