"""The sections that say what a digest rests on: its sources, what was observed, what was revised, and how to read it.

Pure. Each function answers a section, or None where there is nothing that a reader would miss.
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.core.digest_input import Facts
from monitor.core.digest_links import source_link, sources_link, trend_link
from monitor.core.digest_numbers import Reading
from monitor.core.digest_parts import Document, say, section, table
from monitor.core.digest_words import PERCENT, Words, counted, isolated, joined, tidy

MOST_NAMES = 5
_NEWS: Mapping[str, str] = {
    "source_added": "new",
    "source_resumed": "resumed",
    "source_changed": "changed in what it brings",
    "source_paused": "paused by a person",
    "source_stopped": "stopped",
    "source_retired": "retired",
}


def sources(reading: Reading) -> Document:
    facts, words = reading.facts, reading.words
    says = []
    for kind, what in _NEWS.items():
        found = list({one.subject: one for one in facts.happenings if one.kind == kind}.values())
        if not found:
            continue
        names = [isolated(tidy(one.name, 60)) for one in found[:MOST_NAMES]]
        rest = len(found) - len(names)
        listed = joined([*names, *([f"{words.number(rest)} more"] if rest else [])])
        link = source_link(found[0].subject) if len(found) == 1 else sources_link()
        says.append(say(f"{words.number(len(found))} {what}: {listed}.", link))
    rows = [
        {
            "cells": [
                isolated(tidy(one.name, 60)),
                one.label,
                "[x]" if one.since is None else words.day(one.since.date(), year=False),
                tidy(one.reason, 160),
            ],
            **source_link(one.source),
        }
        for one in facts.troubles
    ]
    calm = sum(count for status, count in facts.tracked.items() if status in ("ok", "archive"))
    paused = facts.tracked.get("paused", 0)
    working = f"{words.number(calm)} {counted(calm, 'source')} {'works' if calm == 1 else 'work'}"
    others = [f"{words.number(paused)} paused"] if paused else []
    waiting = facts.tracked.get("waiting", 0)
    others += [f"{words.number(waiting)} not checked yet"] if waiting else []
    others += [f"{words.number(len(rows))} {counted(len(rows), 'needs', 'need')} attention"] if rows else []
    says.append(say(f"{joined([working, *others])}.", sources_link()))
    columns = [("Source", "left"), ("State", "left"), ("Since", "left"), ("Why", "left")]
    made = table("Sources that need attention", columns, rows, sources_link()) if rows else None
    return section("sources", "Sources", says, made)


def coverage(reading: Reading) -> Document:
    facts, words = reading.facts, reading.words
    seen = facts.observation
    link = {**sources_link(), "api": trend_link("volume", facts.period, facts.scope)["api"]}
    if not seen.sources:
        return section("coverage", "What was observed", [say("No source is in the scope of this digest.", link)])
    if not seen.expected:
        text = f"None of the {words.number(seen.sources)} sources in scope had begun or was still collected in this period."
        return section("coverage", "What was observed", [say(text, link)])
    share = "" if seen.share is None else f" Together {words.percent(seen.share)} of their time was observed."
    text = (
        f"Of {words.number(seen.expected)} sources that should have been observed, {words.number(seen.observed)} were "
        f"at some time and {words.number(seen.complete)} throughout.{share}"
    )
    says = [say(text, link)]
    if reading.blind:
        says.insert(0, say("Nothing was observed in this period: the silence is ours, not that of the sources.", link))
    rows = [
        {
            "cells": [isolated(tidy(one.name, 60)), words.percent(one.observed, 0), tidy(one.why, 160)],
            **source_link(one.source),
        }
        for one in seen.missing
    ]
    columns = [("Source", "left"), ("Observed", "right"), ("Why not more", "left")]
    more = sources_link()
    made = (
        table("Not observed throughout; a gap counts as not observed, never as zero", columns, rows, more)
        if rows
        else None
    )
    return section("coverage", "What was observed", says, made)


def revisions(reading: Reading) -> Document | None:
    facts, words = reading.facts, reading.words
    if facts.previous is None or not facts.recounts:
        return None
    says = []
    for one in facts.recounts:
        told, now = (_recounted(words, one.unit, value) for value in (one.told, one.now))
        if told == now:
            continue
        base = one.now_n - one.told_n
        why = "" if one.unit == "posts" else f" ({words.number(base, signed=True)} posts)" if base else ""
        text = f"{tidy(one.label, 80)}, {one.period.name(words, year=True)}: {now} [r], told before as {told}{why}."
        says.append(say(text, trend_link("volume" if one.unit == "posts" else "share", one.period, facts.scope)))
    if not says:
        text = f"No headline number of the issue before ({tidy(facts.previous, 60)}) has changed since."
        says.append(say(text, trend_link("volume", facts.recounts[0].period, facts.scope)))
    else:
        says.append(say("[r]: revised, because posts came late, were edited, removed or tagged again.", sources_link()))
    return section("revisions", "Revised numbers", says)


def _recounted(words: Words, unit: str, value: float | None) -> str:
    if value is None:
        return "[x]"
    if unit == "share":
        return words.percent(value)
    return words.number(value) if unit == "posts" else words.number(value, 2, signed=True)


def method(reading: Reading) -> Document:
    facts, words = reading.facts, reading.words
    cutoff = facts.observation.cutoff
    link = trend_link("volume", facts.period, facts.scope, back=len(facts.earlier))
    texts = [
        f"Counted: posts published {_span(words, facts)} (days in UTC), as known on {words.moment(facts.now)}. "
        f"Latest observation: {'none' if cutoff is None else words.moment(min(cutoff, facts.now))}.",
        _compared(reading),
        "Certainty: “rose” high, “probably rose” moderate, “may have risen” low. [x] no data, [r] revised. Sentiment "
        "is scored by a word list (VADER), in the languages it knows. No authors, no tracking, no rewritten links.",
    ]
    if facts.tagging_since is not None:
        texts.append(
            f"The tagging rules changed on {words.day(facts.tagging_since)}; what was tagged before is not compared."
        )
    return section("method", "How to read this", [say(text, link) for text in texts])


def _compared(reading: Reading) -> str:
    looked_at = reading.movers.looked_at
    if not looked_at:
        return "Compared: nothing, because too little was observed both in this period and before."
    return (
        f"Compared: with {reading.usual}, only in sources observed throughout both. 95{PERCENT} intervals take the wider "
        "of two spreads: between sources, and between earlier periods. Shown is what stands out among "
        f"{reading.words.number(looked_at)} comparisons (Benjamini-Hochberg, q 0.05). These sources are not a random "
        "sample; the intervals do not say how well they stand for others."
    )


def _span(words: Words, facts: Facts) -> str:
    return words.days(facts.period.since, facts.period.until)
