"""The first page in plain words: its first sentence, its periods, and what a change is or why there is none. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from api.dashboard.words import day, joined, whole
from monitor.core.digest_periods import Period
from monitor.core.digest_shift import FEWEST_SOURCES
from monitor.core.digest_words import Words
from monitor.core.overview import Compare, Figure

ENGLISH = Words.of("en")
NAMED = 3
"""Sources that are named where more have come or gone."""
PERIODS: Mapping[str, str] = {"1": "Last complete week", "4": "4 weeks", "12": "12 weeks"}
"""Weeks up to the last one that is over; own dates beside them."""
COMPARISONS: Mapping[Compare, str] = {
    "previous": "previous period",
    "year": "same period last year",
    "none": "nothing",
}
DIRECTIONS: Mapping[int, tuple[str, str]] = {1: ("▲", "up"), -1: ("▼", "down"), 0: ("≈", "no clear change")}
STRIP: Mapping[str, str] = {
    "on_time": "on time",
    "late": "late",
    "failing": "failing",
    "waiting": "not checked yet",
    "paused": "paused",
    "archive": "imported",
}
"""How sources fare, in the order of the strip."""


def span(period: Period) -> str:
    """16 to 22 November 2026."""
    return ENGLISH.days(period.since, period.until)


def length(period: Period) -> str:
    weeks = period.days // 7
    return "week" if weeks == 1 else f"{weeks} weeks"


def within(period: Period) -> str:
    """in that week; in these 4 weeks."""
    return "in that week" if period.days == 7 else f"in these {period.days // 7} weeks"


def against(period: Period, compare: Compare) -> str:
    """What changes are held against: the week before; the same 4 weeks last year."""
    return f"the same {length(period)} last year" if compare == "year" else f"the {length(period)} before"


def title(period: Period) -> str:
    """Starts the first sentence: Week of 16 November; 26 October to 22 November 2026."""
    return period.name(ENGLISH)


def lead(
    period: Period, signals: int, claims: int, verdicts: int | None, behind: int, active: int, fares: Mapping[str, int]
) -> str:
    """'Week of 6 July: 3 open signals, 1 claim changed verdict, 2 of 14 sources behind.' `verdicts` is None where no
    claim has been checked, `active` the sources that are visited."""
    parts = [f"{_many(signals, 'open signal')}"]
    if claims:
        parts.append("no claim checked yet" if verdicts is None else f"{_many(verdicts, 'claim')} changed verdict")
    if behind:
        parts.append(f"{whole(behind)} of {_counted(active, 'source')} behind")
    elif active and not fares["waiting"]:
        parts.append(f"all {active} sources on time" if active > 1 else "the only source on time")
    elif active:
        parts.append(f"{whole(fares['waiting'])} of {_counted(active, 'source')} not checked yet")
    elif fares["archive"]:
        parts.append(f"{_counted(fares['archive'], 'source')} imported and none visited")
    else:
        parts.append("every source paused" if fares["paused"] else "no source tracked any more")
    return f"{title(period)}: {', '.join(parts)}."


def health(period: Period, observed: int, watched: int, broken: int, new: int) -> str:
    """'84 of 90 sources were observed in that week; 4 broken, 2 new.'"""
    if not watched:
        return "No source was expected to be observed " + within(period) + "."
    verb = "was" if watched == 1 else "were"
    return (
        f"{whole(observed)} of {_counted(watched, 'source')} {verb} observed {within(period)}; "
        f"{whole(broken) if broken else 'none'} broken, {whole(new) if new else 'none'} new."
    )


def coverage_changes(base: Period, joined_names: Sequence[str], left_names: Sequence[str]) -> list[str]:
    """What makes totals of the two periods no match for each other; empty if nothing does."""
    found = []
    for names, did, was in ((joined_names, "joined", "not"), (left_names, "left", "only")):
        if not names:
            continue
        count = len(names)
        some = [*names[:NAMED], *([f"{count - NAMED} more"] if count > NAMED else [])]
        found.append(
            f"{_counted(count, 'source')} {did}: {joined(some)} {'was' if count == 1 else 'were'} "
            + (f"not observed in {span(base)}" if was == "not" else f"observed only in {span(base)}")
            + "."
        )
    return [*found, "Totals of the two periods are not comparable; the changes below leave these sources out."] if found else []  # fmt: skip


def observed_part(share: float | None) -> str:
    """Said before any number where much is missing; empty otherwise."""
    if share is None or share >= 0.9:
        return ""
    return f"Only {share * 100:.0f}\u00a0% of the sources' time was observed: counts are too low by what was missed."


def incomparable(compared: int, watched: int) -> str:
    """Why no change is told at all; empty if enough sources can be compared."""
    if compared >= FEWEST_SOURCES:
        return ""
    return (
        f"No change can be told: {whole(compared) if compared else 'none'} of {_counted(watched, 'source')} "
        f"{'were' if compared > 1 else 'was'} observed throughout both periods, and {FEWEST_SOURCES} are needed."
    )


def gap(figure: Figure, compared: int) -> str:
    """Why there is no change to tell."""
    if figure.gap == "few_sources" and compared >= FEWEST_SOURCES:
        return f"cannot be compared: fewer than {FEWEST_SOURCES} of the compared sources had such posts"
    return {"new": "new (was 0)", "nothing": "0 in both periods"}.get(figure.gap, "cannot be compared")


def trend(weeks: int, lowest: str, highest: str, last: str, missing: int, partial: int) -> str:
    """A line of weeks for those who do not see it."""
    told = f"{last} throughout" if lowest == highest else f"lowest {lowest}, highest {highest}, last {last}"
    missed = f"; {missing} of {weeks} not observed" if missing else ""
    return f"{weeks} weeks: {told}{missed}{f'; {partial} partly observed' if partial else ''}."


def until_when(day_of: date) -> str:
    return f"{day_of:%A} {day(day_of)}"


def _many(count: int, noun: str) -> str:
    return f"{whole(count) if count else 'no'} {noun}{'' if count == 1 or not count else 's'}"


def _counted(count: int, noun: str) -> str:
    return f"{whole(count)} {noun}{'' if count == 1 else 's'}"
