"""The sections of a digest that tell of change: claims, shares, sentiment, signals, and the most engaged posts. Pure.

Each function answers a section, or None where there is nothing that a reader would miss. A section has statements
(`says`: text with the page and the API query behind it) and at most one table of five columns and ten rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from monitor.core.buckets import day_date
from monitor.core.digest_input import Facts, Happening
from monitor.core.digest_links import (
    claim_link,
    claims_link,
    engaged_link,
    posts_link,
    signal_link,
    trend_link,
)
from monitor.core.digest_movers import Mover
from monitor.core.digest_numbers import DIMENSIONS, Reading, interval, mover_says, part_name, told_values
from monitor.core.digest_parts import MOST_ROWS, Document, say, section, table
from monitor.core.digest_words import INTERVAL, counted, isolated, joined, tidy

MOST_SENTENCES = 3
VERDICTS: Mapping[str, str] = {
    "supported": "Supported",
    "contradicted": "Contradicted",
    "inconclusive": "Inconclusive",
    "insufficient_data": "Not enough data yet",
    "not_measurable": "Cannot be measured here",
}


def verdict_changes(facts: Facts) -> list[tuple[Happening, str, str]]:
    """Claims whose verdict is another one than at the last issue: (last change, from, to)."""
    first: dict[str, str] = {}
    last: dict[str, Happening] = {}
    for one in facts.happenings:
        if one.kind == "verdict_changed":
            first.setdefault(one.subject, str(one.detail.get("from", "")))
            last[one.subject] = one
    changes = [(one, first[name], str(one.detail.get("to", ""))) for name, one in last.items()]
    return [(one, before, after) for one, before, after in changes if before != after]


def claims(reading: Reading) -> Document | None:
    facts = reading.facts
    if not facts.claims:
        return None
    findings = {str(one["id"]): str(one["finding"]) for one in facts.claims}
    changes = verdict_changes(facts)
    says = [
        say(
            f"{VERDICTS.get(after, after)}, before {VERDICTS.get(before, before).lower()}: "
            f"“{tidy(one.name, 200)}” {tidy(findings.get(one.subject, ''), 300)}".rstrip(),
            claim_link(one.subject),
        )
        for one, before, after in changes[:MOST_ROWS]
    ]
    counts = [
        f"{facts.verdict_counts[name]} {words.lower()}"
        for name, words in VERDICTS.items()
        if facts.verdict_counts.get(name)
    ]
    others = f"All {len(facts.claims)} claims now" if changes else f"No verdict changed. Of {len(facts.claims)} claims"
    says.append(say(f"{others}: {joined(counts)}.", claims_link()))
    if len(changes) > MOST_ROWS:
        says.append(say(f"{len(changes) - MOST_ROWS} more verdicts changed.", claims_link()))
    if facts.scope:
        says.append(say("Claims are tested on all sources, whatever the scope of this digest.", claims_link()))
    return section("claims", "Claims", says)


def movers(reading: Reading) -> Document:
    """Shares that stand out; if none does, how many were looked at."""
    return _moved(reading, "share", "movers", "What rose and fell")


def sentiment(reading: Reading) -> Document | None:
    if not any(one.kind == "sentiment" for one in reading.movers.found):
        return None
    return _moved(reading, "sentiment", "sentiment", "Sentiment")


def _moved(reading: Reading, kind: str, name: str, title: str) -> Document:
    facts, words = reading.facts, reading.words
    found = [one for one in reading.movers.found if one.kind == kind]
    metric = "share" if kind == "share" else "sentiment"
    overall = trend_link(metric, facts.period, facts.scope, by="content_type", back=len(facts.earlier))
    if not reading.movers.looked_at:
        why = _why_not_compared(reading)
        return section(name, title, [say(f"Nothing could be compared: {why}.", overall)])
    if not found:
        text = (
            f"None of {words.number(reading.movers.looked_at)} comparisons with {reading.usual} stands out of the usual "
            "ups and downs. This does not show that nothing changed."
        )
        return section(name, title, [say(text, overall)])
    says = [
        say(mover_says(reading, one), _link(facts, one), posts=_posts(facts, one)) for one in found[:MOST_SENTENCES]
    ]
    rows = []
    for one in found:
        before, now, difference = told_values(words, one)
        cells = [
            isolated(part_name(one.series)),
            now,
            before,
            difference.removesuffix(" points"),
            interval(words, one.kind, one.shift),
        ]
        rows.append({"cells": cells, **_link(facts, one), "posts": _posts(facts, one)})
    unit = "points" if kind == "share" else "score"
    columns = [
        ("What", "left"),
        ("Now", "right"),
        ("Before", "right"),
        (f"Change, {unit}", "right"),
        (INTERVAL, "right"),
    ]
    measure = "Share of posts" if kind == "share" else "Mean sentiment of posts"
    within = facts.period.within(words)
    caption = (
        f"{measure} {within[:1].lower()}{within[1:]}, against {reading.usual}; "
        f"{words.number(reading.movers.sources)} sources observed in both"
    )
    more = dict(overall)
    return section(name, title, says, table(caption, columns, rows, more) if len(found) > 1 else None)


def _why_not_compared(reading: Reading) -> str:
    facts = reading.facts
    if facts.tagging_since is not None and facts.tagging_since >= facts.period.since:
        return "the tagging rules changed; `trendmonitor retag --all` makes older posts comparable"
    if reading.blind:
        return "nothing of this period was observed"
    if reading.movers.sources < 5:
        return (
            f"{reading.movers.sources} {counted(reading.movers.sources, 'source')} "
            f"{'was' if reading.movers.sources == 1 else 'were'} observed throughout this period and an earlier one; "
            "at least 5 are needed"
        )
    return "there are too few posts"


def _link(facts: Facts, mover: Mover) -> dict[str, str]:
    metric = "share" if mover.kind == "share" else "sentiment"
    return trend_link(metric, facts.period, facts.scope, by=mover.series.dimension or None, back=len(facts.earlier))


def _posts(facts: Facts, mover: Mover) -> str:
    if not mover.series.dimension or mover.series.dimension in facts.scope:
        return posts_link(facts.period, facts.scope)
    return posts_link(facts.period, facts.scope, **{mover.series.dimension: mover.series.key})


def signals(reading: Reading) -> Document | None:
    told = heard(reading.facts)
    if not told:
        return None
    says = [say(_signal(reading, one), signal_link(str(one.get("id", "")))) for one in told[:MOST_ROWS]]
    if len(told) > MOST_ROWS:
        says.append(say(f"{len(told) - MOST_ROWS} more signals.", signal_link("")))
    if reading.facts.scope:
        says.append(say("Signals are looked for in all sources, whatever the scope of this digest.", signal_link("")))
    return section("signals", "Signals of sudden change", says)


def heard(facts: Facts) -> list[Mapping[str, Any]]:
    """Signals that a reader is told of: not muted, and about nothing that the scope leaves out."""
    return [one for one in facts.signals if not _muted(one, facts.now) and _concerns(facts, one)]


def new_signals(facts: Facts) -> int:
    """How many of them were opened or ended since the last issue; those without a time count as new."""
    return sum(
        one.get("opened_at") is None
        or any(
            (at := _instant(one.get(name))) is not None and at >= facts.since_last for name in ("opened_at", "ended_at")
        )
        for one in heard(facts)
    )


def _concerns(facts: Facts, one: Mapping[str, Any]) -> bool:
    dimension, _, key = str(one.get("key", "")).partition("=")
    return dimension not in facts.scope or key in facts.scope[dimension]


def _instant(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, datetime) else None


def _muted(one: Mapping[str, Any], now: datetime) -> bool:
    until = _instant(one.get("muted_until"))
    return until is not None and until > now


def _signal(reading: Reading, one: Mapping[str, Any]) -> str:
    if one.get("says"):
        return tidy(str(one["says"]), 400)
    words = reading.words
    dimension, _, key = str(one["key"]).partition("=")
    label = next(
        (part.label for part in reading.facts.sample.parts if (part.dimension, part.key) == (dimension, key)), key
    )
    name = f"{tidy(label, 60)} ({DIMENSIONS.get(dimension, dimension)})" if key else "All posts"
    state = " Ended." if one.get("state") == "ended" else ""
    text = (
        f"{name}: {words.number(float(one['observed']))} posts where {words.number(float(one['expected']), 1)} were "
        f"expected ({INTERVAL} {words.number(float(one['low']), 1)} to {words.number(float(one['high']), 1)}), "
        f"since {words.day(_day(one['since']))}.{state}"
    )
    if one.get("n_sources") is not None:
        number = int(one["n_sources"])
        text += f" From {words.number(number)} independent {counted(number, 'source')}."
    return text + (" Copies of the same text alone explain it." if one.get("copies_only") else "")


def _day(value: Any) -> date:
    if isinstance(value, int):
        return day_date(value)
    return value.date() if isinstance(value, datetime) else date.fromisoformat(str(value)[:10])


def posts(reading: Reading) -> Document | None:
    facts, words = reading.facts, reading.words
    if not facts.posts:
        return None
    rows = []
    for one in facts.posts:
        counts = one["engagement"]
        total = sum(filter(None, (counts["likes"], counts["comments"], counts["shares"])))
        source = tidy(facts.source_names.get(one["source"], one["source"]), 60)
        platform = facts.platform_names.get(one["platform"], one["platform"] or "an unknown platform")
        title = (
            "A post (not quoted: see the platform)"
            if one["title"] is None
            else tidy(one["title"], 100) or "Without a title"
        )
        marks = " [sponsored]" if one["sponsored"] else ""
        published = one["published_at"]
        day = words.day(published.date(), year=False)
        where = f"{isolated(source)}, {tidy(platform, 40)}, {day}"
        cells = [isolated(title) + marks, where, words.number(total)]
        rows.append({"cells": cells, "url": one["url"], **engaged_link(facts.period, facts.scope)})
    columns = [("Post", "left"), ("Where and when", "left"), ("Interactions", "right")]
    caption = "Posts with the most likes, comments and shares, where the platform tells them"
    return section("posts", "Most engaged posts", [], table(caption, columns, rows, None))
