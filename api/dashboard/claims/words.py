"""Verdicts, effects and samples of claims in plain words, the same in the ledger, on a claim's page and in pictures.

Pure. Takes the documents that `monitor.ledger` makes; a document says what was found, this module only how it reads.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from api.dashboard.words import SPLITS, day, joined, moment, whole
from monitor.core.finding import DIFFERENCE, RELATIVE_PER_YEAR, SHARE, VERDICTS

Document = Mapping[str, Any]

_MINUS = "\u2212"
_PERCENT = "\u00a0%"


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """How one verdict is named. `mark` stands beside the words, so that colour never carries the meaning alone."""

    slug: str
    name: str
    mark: str
    meaning: str


VERDICT_WORDS: Mapping[str, VerdictWords] = {
    one.slug: one
    for one in (
        VerdictWords(
            "supported",
            "Supported",
            "✓",
            "The data lie on the side that the claim names, by more than chance explains, and no check disagrees.",
        ),
        VerdictWords(
            "contradicted", "Contradicted", "✕", "The data lie on the other side by more than chance explains."
        ),
        VerdictWords(
            "inconclusive",
            "Inconclusive",
            "~",
            "There is enough data, but it fits the claim and its opposite, or a check failed. "
            "This does not show that there is nothing.",
        ),
        VerdictWords(
            "insufficient_data",
            "Not enough data yet",
            "…",
            "Less was observed than the rules ask for, so no test was decided on.",
        ),
        VerdictWords(
            "not_measurable",
            "Cannot be measured here",
            "\u2013",
            "What the claim speaks of cannot be seen in public posts, or no published figure can be cited.",
        ),
    )
}
_OF_FIGURES: Mapping[str, str] = {
    "supported": "The published figures fit the claim within its tolerance.",
    "contradicted": "The published figures do not fit the claim within its tolerance.",
    "inconclusive": "The published figures do not settle it.",
}
_OF_ARITHMETIC: Mapping[str, str] = {
    "supported": "Worked out from the report's own numbers; no post is needed.",
    "contradicted": "The report's own numbers work out otherwise; no post is needed.",
}
EFFECT_NAMES: Mapping[str, str] = {
    "trend": "Change",
    "level": "Share",
    "rank": "Difference",
    "reference": "Published figure",
    "consistency": "Result",
}
"""What the effect of a kind of claim is called."""
MEASURED_WORDS: Mapping[str, str] = {
    "share": "share of posts",
    "words": "words a post",
    "duration": "length",
    "guests": "named guests a post",
    "engagement": "likes, comments and shares a post (mean of ln(1 + interactions))",
}
CHECKS_ABOUT: Mapping[str, str] = {
    "trend": "The same question asked in other ways. What failed can turn a verdict into inconclusive; what is noted "
    "decides nothing.",
    "level": "The same share counted in other ways. What is noted decides nothing.",
    "rank": "Each comparison by itself; all must hold. What is noted decides nothing.",
    "reference": "Each published figure beside the claim. What is noted decides nothing.",
    "consistency": "Each piece of arithmetic by itself; all must come out as the claim says.",
}
CHECK_WORDS: Mapping[str, tuple[str, str]] = {
    "passed": ("✓", "Passed"),
    "failed": ("✕", "Failed"),
    "noted": ("i", "Noted"),
}
"""Outcome of a check → mark and word. What is noted decides nothing."""
KIND_WORDS: Mapping[str, str] = {
    "trend": "change over time",
    "level": "size of a share",
    "rank": "comparison",
    "reference": "published figure",
    "consistency": "arithmetic of the report",
}
_EXCLUDED = {
    "no_room_to_change": "almost only such posts already",
    "no_such_posts": "without such posts",
    "never_observed": "never observed",
    "not_in_window": "not observed in these weeks",
    "started_later": "observed only from later on",
    "ended_earlier": "no longer collected",
    "changed": "changed in address, collector or tags",
    "gaps": "with gaps",
}
_SERIES_STATES = {"ok": "", "partial": "partly observed", "not_observed": "not observed", "too_few": "too few posts"}


def meaning_of(verdict: str, kind: str) -> str:
    """What a verdict on a claim of this kind says, in one or two sentences."""
    special = {"reference": _OF_FIGURES, "consistency": _OF_ARITHMETIC}.get(kind, {})
    return special.get(verdict, VERDICT_WORDS[verdict].meaning)


@dataclass(frozen=True, slots=True)
class _Unit:
    """How effects of one unit are written, the same as in the sentences of `monitor.core`."""

    scale: float
    tail: str
    decimals: int | None
    """None: as many as two significant figures of the largest number need."""
    sign: bool = True
    exponential: bool = False
    """The number is a difference of logarithms and reads as a relative one."""


_UNITS: Mapping[str, _Unit] = {
    RELATIVE_PER_YEAR: _Unit(100, f"{_PERCENT} a year", None),
    SHARE: _Unit(100, _PERCENT, 1, sign=False),
    DIFFERENCE: _Unit(100, " points", 1),
    "difference in words": _Unit(1, " words", 0),
    "difference in seconds": _Unit(1 / 60, " minutes", 1),
    "difference in named guests": _Unit(1, " named guests", 2),
    "difference of ln(1 + interactions)": _Unit(100, f"{_PERCENT} interactions", 0, exponential=True),
}
_LARGEST_EXPONENT = 50.0


def _unit(name: str) -> _Unit:
    """Any other unit is that of a published figure: written whole, without a sign."""
    return _UNITS.get(name) or _Unit(1, _PERCENT if name in ("%", "percent") else f" {name}", None, sign=False)


def _numbers(effect: Document) -> tuple[str, str, str]:
    """Value and ends of an effect without the unit, all with the same number of decimals; '[x]' for what is missing."""
    unit = _unit(effect["unit"])
    found = [effect.get(name) for name in ("value", "low", "high")]
    if unit.exponential:
        found = [None if one is None else math.expm1(min(one, _LARGEST_EXPONENT)) for one in found]
    known = [abs(one) * unit.scale for one in found if one is not None and math.isfinite(one)]
    if effect["unit"] not in _UNITS:
        return _three([figure(one) for one in found])
    decimals = unit.decimals
    if decimals is None:
        # rounding may add a figure: 9.96 is written as 10
        decimals = 1 if max(known, default=0.0) < 9.95 else 0
        if 0 < max(known, default=0.0) < 0.095:
            decimals = 2
    return _three([_written(one, unit, decimals) for one in found])


def _three(texts: Sequence[str]) -> tuple[str, str, str]:
    value, low, high = texts
    return value, low, high


def _written(number: float | None, unit: _Unit, decimals: int) -> str:
    if number is None or not math.isfinite(number):
        return "[x]"
    return _unsigned_zero(f"{number * unit.scale:{'+' if unit.sign else ''},.{decimals}f}".replace("-", _MINUS))


def _unsigned_zero(text: str) -> str:
    return text if text.strip(f"+{_MINUS}0.,") else text.lstrip(f"+{_MINUS}")


def effect_words(effect: Document | None) -> str:
    """'+14 % a year', '38.1 %', '343.5 million USD'; '[x]' where there is none."""
    if effect is None or effect.get("value") is None:
        return "[x]"
    return _numbers(effect)[0] + _unit(effect["unit"]).tail


def interval_words(effect: Document | None) -> str:
    """'+9 to +20 %'; '[x]' where there is none."""
    if effect is None or effect.get("low") is None or effect.get("high") is None:
        return "[x]"
    _, low, high = _numbers(effect)
    return f"{low} to {high}{_unit(effect['unit']).tail.removesuffix(' a year').removesuffix(' interactions')}"


def amount_words(value: float, unit: str) -> str:
    """A size without a sign, such as the smallest effect that a test would find: '19 % a year'."""
    # a distance between shares is in points
    return effect_words({"value": abs(value), "unit": DIFFERENCE if unit == SHARE else unit}).removeprefix("+")


def figure(number: float | None) -> str:
    """A published number as it is, thousands grouped, nothing rounded away."""
    if number is None or not math.isfinite(number):
        return "[x]"
    text = f"{number:,.6f}".rstrip("0").rstrip(".")
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if abs(number) >= size and number / size == round(number / size, 3):
            text = f"{number / size:,.3f}".rstrip("0").rstrip(".") + f"\u00a0{name}"
            break
    return _unsigned_zero(text.replace("-", _MINUS))


def figure_words(value: float, unit: str) -> str:
    """A published figure with its unit."""
    return f"{figure(value)}{_unit(unit).tail}"


def ratio_words(value: float | None, *, rate: bool) -> str:
    """A weekly share in per cent, or a weekly rate in posts a day."""
    if value is None:
        return "[x]"
    return f"{value:,.2f}" if rate else f"{value * 100:.1f}{_PERCENT}"


def state_words(status: str) -> str:
    return _SERIES_STATES.get(status, status.replace("_", " "))


def probability(p: float | None) -> str:
    """'0.003', '< 0.0001', '[x]'."""
    if p is None:
        return "[x]"
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}".rstrip("0").rstrip(".") if p < 0.1 else f"{p:.2f}"


def many(count: int, noun: str) -> str:
    """'1 post', '12,400 posts'."""
    return f"{whole(count)} {noun}{'' if count == 1 else 's'}"


def counts_of(claims: Sequence[Document]) -> dict[str, int]:
    """Claims by verdict, in the fixed order of verdicts, zeros included."""
    found = Counter(claim["verdict"] for claim in claims)
    return {slug: found[slug] for slug in VERDICTS}


def lead_of(counts: Mapping[str, int]) -> str:
    """'Of 35 claims, 4 are supported, 1 is contradicted and 18 are undecided; 12 cannot be measured here.'"""
    total = sum(counts.values())
    if not total:
        return "No claims yet."

    def are(slug: str, word: str, count: int | None = None) -> str:
        number = counts.get(slug, 0) if count is None else count
        return f"{whole(number) if number else 'none'} {'is' if number in (0, 1) else 'are'} {word}"

    undecided = counts.get("inconclusive", 0) + counts.get("insufficient_data", 0)
    parts = [are("supported", "supported"), are("contradicted", "contradicted"), are("", "undecided", undecided)]
    text = f"Of {many(total, 'claim')}, {joined(parts)}"
    if lacking := counts.get("insufficient_data", 0):
        text += f", {'all' if lacking == undecided else f'{whole(lacking)} of them'} for lack of data"
    if unmeasured := counts.get("not_measurable", 0):
        text += f"; {whole(unmeasured)} cannot be measured here"
    return f"{text}."


def span_of(claims: Sequence[Document]) -> str:
    """'25 November 2024 to 22 November 2026' over all windows (the end is exclusive); empty if no claim has one."""
    since = min((claim["since"] for claim in claims if claim.get("since")), default=None)
    until = max((claim["until"] for claim in claims if claim.get("until")), default=None)
    return window_words(since, until)


def window_words(since: str | None, until: str | None) -> str:
    if since is None or until is None:
        return ""
    last = date.fromordinal(max(date.fromisoformat(until).toordinal() - 1, date.fromisoformat(since).toordinal()))
    return f"{day(date.fromisoformat(since))} to {day(last)}"


def span_words(since: str | None, until: str | None) -> str:
    """'104 weeks to 22 Nov 2026', or days where they are no whole weeks; empty without a window."""
    if since is None or until is None:
        return ""
    first, last = date.fromisoformat(since), date.fromisoformat(until)
    days = (last - first).days
    length = many(days // 7, "week") if days % 7 == 0 else many(days, "day")
    end = date.fromordinal(max(last.toordinal() - 1, first.toordinal()))
    return f"{length} to {_short(end)}"


def _short(one: date) -> str:
    return f"{one.day} {one:%b} {one.year}"


def date_words(dated: str) -> str:
    """31 Mar 2025; a year or a month stays as it is."""
    try:
        return _short(date.fromisoformat(dated)) if len(dated) == len("2025-03-31") else dated
    except ValueError:
        return dated


def stamp_words(stamp: str | None) -> str:
    """An ISO moment of a document as 22 November 2026, 21:00 UTC."""
    return moment(datetime.fromisoformat(stamp)) if stamp else "never"


def panel_words(panel: Document | None, kind: str) -> str:
    """Which sources were compared, and how many were left out why; empty without a panel."""
    if not panel:
        return ""
    did = "were observed throughout" if kind == "trend" else "had such posts in"
    text = f"{whole(panel['sources'])} of {many(panel['in_scope'], 'source')} {did} {many(panel['weeks'], 'week')}"
    left = [
        f"{whole(count)} {_EXCLUDED.get(why, why.replace('_', ' '))}"
        for why, count in (panel.get("excluded") or {}).items()
        if count
    ]
    return f"{text}; left out: {joined(left)}." if left else f"{text}."


def posts_words(filters: Sequence[Mapping[str, Sequence[str]]], labels: Mapping[str, Mapping[str, str]]) -> str:
    """A set of posts: 'content type video, or topic Telehealth'; 'all posts' without filters."""
    ways = []
    for one in filters:
        parts = [_filter_words(name, wanted, labels.get(name, {})) for name, wanted in one.items()]
        if parts:
            ways.append(" and ".join(parts))
    return ", or ".join(ways) or "all posts"


def _filter_words(name: str, wanted: Sequence[str], labels: Mapping[str, str]) -> str:
    if name in ("live", "sponsored", "copy"):
        yes, no = "true" in wanted, "false" in wanted
        return f"posts that are {name}{' or not' if yes and no else ''}" if yes else f"posts that are not {name}"
    told = [labels.get(value, value.replace("_", " ")) for value in wanted]
    either = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} or {told[-1]}"
    return f"{SPLITS.get(name, name.replace('_', ' '))} {either}"


def checks_words(checks: Sequence[Document]) -> str:
    """'5 passed, 1 failed'; notes are counted too. Empty without checks."""
    found = Counter(check["verdict"] for check in checks)
    return ", ".join(f"{found[slug]} {slug}" for slug in CHECK_WORDS if found[slug])


_CHECK_TITLES: Mapping[str, str] = {
    "drop-largest": "Without the largest source",
    "all-sources": "All sources, also those that came or went",
    "halves-of-time": "Each half of the time",
    "line-or-step": "Steady change or one step",
    "without-copies": "Without near-duplicates",
    "pooled": "All posts taken together",
    "tau-1": "Sources weighed more equally",
    "capped-sources": "Without sources that reach a limit",
    "average-post": "The average post of the sector",
    "average-source": "The average source",
    "posts-collected": "Only the posts collected",
    "without-tag-errors": "If tags were free of error",
    "majority": "More than half",
    "context": "Beside it",
}


def check_title(name: str) -> str:
    """What a check is called; names that are not among the known ones without their hyphens."""
    if name in _CHECK_TITLES:
        return _CHECK_TITLES[name]
    text = name.replace("-", " ").replace("_", " ").strip()
    return text[:1].upper() + text[1:]
