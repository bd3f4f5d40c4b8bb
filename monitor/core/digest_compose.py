"""From facts to the issue: one document that mail, chat, file, feed and page are views of. Pure.

The document is JSON. It holds every sentence as it is read, in the locale of the digest, and beside it the number it
says and where that comes from; so a view lays out and never computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from monitor.core import digest_grounds as grounds
from monitor.core import digest_sections as sections
from monitor.core.digest import SECTIONS, DigestSpec
from monitor.core.digest_chart import chart
from monitor.core.digest_input import SPLITS, Facts
from monitor.core.digest_links import commands, trend_link
from monitor.core.digest_movers import Mover, find_movers
from monitor.core.digest_numbers import DIMENSIONS, ENOUGH_OBSERVED, Reading, mover_says, numbers, told_values
from monitor.core.digest_parts import Document, say, section
from monitor.core.digest_words import Words, counted, joined, tidy
from monitor.core.moments import written_to_the_second

ALWAYS = ("headline", "coverage", "method")
"""Sections that cannot be left out."""
LONGEST_SUBJECT = 120

_MADE: Mapping[str, Callable[[Reading], Document | None]] = {
    "claims": sections.claims,
    "movers": sections.movers,
    "sentiment": sections.sentiment,
    "signals": sections.signals,
    "posts": sections.posts,
    "sources": grounds.sources,
    "coverage": grounds.coverage,
    "revisions": grounds.revisions,
    "method": grounds.method,
}


def compose(spec: DigestSpec, facts: Facts) -> dict[str, Any]:
    """The document of an issue. Deterministic: the same facts give the same document. Raises ValueError for a locale
    that digests do not have.

    `quiet` is true if no verdict changed, no signal is told, nothing stands out and no source broke since the last
    issue, and the sources were observed. Numbers are null where nothing was observed.
    """
    words = Words.of(spec.locale)
    reading = Reading(facts, find_movers(facts.sample), words)
    told = numbers(reading)
    period = facts.period
    wanted = [name for name in SECTIONS if name in spec.sections or name in ALWAYS]
    made = [_headline_section(reading)]
    made += [one for name in wanted if name in _MADE and (one := _MADE[name](reading)) is not None]
    picture = chart(reading)
    if picture is not None:
        place = next((one for one in made if one["id"] == "movers"), made[0])
        place["chart"] = picture
    seen = facts.observation
    return {
        "digest": spec.id,
        "title": tidy(spec.title, 100),
        "locale": spec.locale,
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "period_name": period.name(words, year=True),
        "composed_at": written_to_the_second(facts.now),
        "cutoff": written_to_the_second(min(seen.cutoff, facts.now)) if seen.cutoff else None,
        "data_version": facts.data_version,
        "scope": {name: list(values) for name, values in facts.scope.items()},
        "generated": facts.generated,
        "headline": headline(reading),
        "subject": subject(reading),
        "preheader": _preheader(reading, told),
        "quiet": _quiet(reading),
        "numbers": told,
        "sections": made,
        "coverage": {
            "sources": seen.sources,
            "expected": seen.expected,
            "observed": seen.observed,
            "complete": seen.complete,
            "share": seen.share,
            "missing": [{"source": one.source, "observed": one.observed, "why": one.why} for one in seen.missing],
        },
        "recount": [
            {
                "id": one["id"],
                "label": one["label"],
                "unit": one["unit"],
                "since": period.since.isoformat(),
                "until": period.until.isoformat(),
                "value": one["value"],
                "n": one["n"] if one["unit"] != "share" else _count(facts, one["id"]),
            }
            for one in told
        ],
        "reproduce": _commands(reading),
    }


def headline(reading: Reading) -> str:
    """One sentence or two: the answer, computed from the data."""
    facts, words = reading.facts, reading.words
    within = facts.period.within(words)
    seen = facts.observation
    made_up = "Made-up data. " if facts.generated else ""
    if not seen.sources:
        return f"{made_up}{within}, no source was in the scope of this digest."
    if reading.blind:
        many = f"the {words.number(seen.expected)} sources" if seen.expected > 1 else "any source"
        return (
            f"{made_up}{within}, nothing was observed: the silence is ours. "
            f"What {many} published then is not known{_also(reading)}."
        )
    found = [one for one in reading.movers.found if one.kind == "share"] or list(reading.movers.found)
    posts = int(facts.sample.everything.posts[:, 0].sum())
    if found:
        says = mover_says(reading, found[0])
        says = says[:1].lower() + says[1:] if found[0].kind == "sentiment" else says
        answer = f"{within}, against {reading.usual}: {says}"
    elif not posts:
        answer = f"{within}, the {words.number(seen.observed)} {counted(seen.observed, 'source')} observed published nothing in scope."
    else:
        calm = (
            "no share or sentiment stands out of its usual ups and downs"
            if reading.movers.looked_at
            else "there was too little to compare with earlier periods"
        )
        answer = f"{within}, {calm}: {words.number(posts)} posts from {words.number(seen.observed)} {counted(seen.observed, 'source')}."
    also = _also(reading, more=len(reading.movers.found) - 1 if found else 0)
    if also:
        answer += " " + also.removeprefix("; ")[:1].upper() + also.removeprefix("; ")[1:] + "."
    if seen.share is not None and seen.share < ENOUGH_OBSERVED:
        answer += f" Only {words.percent(seen.share, 0)} of the sources' time was observed."
    return made_up + answer


def subject(reading: Reading) -> str:
    """Fact first, one line, plain text."""
    facts, words = reading.facts, reading.words
    parts = []
    found = [one for one in reading.movers.found if one.kind == "share"] or list(reading.movers.found)
    changes, signals = len(sections.verdict_changes(facts)), sections.new_signals(facts)
    if not facts.observation.sources:
        parts.append("no source in scope")
    elif reading.blind:
        parts.append("nothing observed, the silence is ours")
    elif found:
        parts.append(_short(words, found[0]))
    if changes:
        parts.append(f"{words.number(changes)} {counted(changes, 'verdict')} changed")
    if signals:
        parts.append(f"{words.number(signals)} new {counted(signals, 'signal')}")
    if not parts:
        total = int(facts.sample.everything.posts[:, 0].sum())
        parts.append(f"{words.number(total)} {counted(total, 'post')}, nothing stands out")
    made_up = "[made-up data] " if facts.generated else ""
    return tidy(f"{made_up}{facts.period.name(words)}: {', '.join(parts)}", LONGEST_SUBJECT)


def _short(words: Words, mover: Mover) -> str:
    """Telehealth +3.2 points."""
    _, _, difference = told_values(words, mover)
    name = tidy(mover.series.label, 40) if mover.series.dimension else "all posts"
    return f"{name} {difference}" if mover.kind == "share" else f"sentiment of {name} {difference}"


def _also(reading: Reading, more: int = 0) -> str:
    """; 2 more changes, 1 verdict changed and 3 signals — or nothing."""
    facts, words = reading.facts, reading.words
    changes, signals = len(sections.verdict_changes(facts)), sections.new_signals(facts)
    parts = []
    if more > 0:
        parts.append(f"{words.number(more)} more {counted(more, 'change')} {'stands' if more == 1 else 'stand'} out")
    if changes:
        parts.append(f"{words.number(changes)} {counted(changes, 'verdict')} changed")
    if signals:
        parts.append(f"{words.number(signals)} new {counted(signals, 'signal')} of sudden change")
    return f"; {joined(parts)}" if parts else ""


def _preheader(reading: Reading, told: list[Document]) -> str:
    """Continues the subject: the first two numbers and what was observed."""
    words, seen = reading.words, reading.facts.observation
    parts = []
    for one in told[:2]:
        against = f" ({one['comparison']['text']})" if one["comparison"] else ""
        parts.append(f"{one['label']}: {one['text']}{against}")
    parts.append(f"{words.number(seen.observed)} of {words.number(seen.expected)} sources observed")
    return tidy(". ".join(parts) + ".", 160)


def _quiet(reading: Reading) -> bool:
    facts = reading.facts
    broke = any(one.fresh for one in facts.troubles) or any(one.kind == "source_stopped" for one in facts.happenings)
    news = sections.verdict_changes(facts) or sections.new_signals(facts) or reading.movers.found
    return not (news or broke or reading.blind)


def _headline_section(reading: Reading) -> Document:
    facts = reading.facts
    made = section(
        "headline",
        "",
        [
            say(
                headline(reading),
                trend_link("share", facts.period, facts.scope, by="content_type", back=len(facts.earlier)),
            )
        ],
    )
    if facts.scope:
        scope = joined(
            [
                f"{DIMENSIONS.get(name, name)} {' or '.join(tidy(one, 40) for one in values)}"
                for name, values in facts.scope.items()
            ]
        )
        made["says"].append(say(f"Scope: {scope}.", trend_link("volume", facts.period, facts.scope)))
    return made


def _commands(reading: Reading) -> list[str]:
    """Those first that count what the headline speaks of."""
    first = next((one.series.dimension for one in reading.movers.found if one.kind == "share"), "")
    dimensions = sorted(SPLITS, key=lambda name: name != first)
    return commands(reading.facts.period, reading.facts.scope, tuple(dimensions))


def _count(facts: Facts, name: str) -> int:
    dimension, _, key = name.partition("=")
    return sum(int(one.posts[:, 0].sum()) for one in facts.sample.parts if (one.dimension, one.key) == (dimension, key))
