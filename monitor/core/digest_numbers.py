"""The three headline numbers of a digest, and how it words a change. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.core.digest_input import Facts, Series
from monitor.core.digest_links import posts_link, trend_link
from monitor.core.digest_movers import Mover, Movers
from monitor.core.digest_shift import SENTIMENT_SCALE, Level, Shift, level, sentiment_shift, share_shift, volume_shift
from monitor.core.digest_words import INTERVAL, NOT_AVAILABLE, Words, tidy

Document = dict[str, Any]

DIMENSIONS: Mapping[str, str] = {
    "content_type": "content type",
    "audience": "audience",
    "platform": "platform",
    "region": "region",
    "topic": "topic",
    "country": "country",
    "language": "language",
    "source": "source",
    "live": "live",
    "sponsored": "sponsored",
}
UNCERTAIN = ("high", "moderate", "low", "very low")
_VERBS = {
    1: ("rose", "probably rose", "may have risen"),
    -1: ("fell", "probably fell", "may have fallen"),
}
ENOUGH_OBSERVED = 0.9
"""Part of the expected time below which a digest says that evidence is missing."""
ENOUGH_SOURCES = 10.0
"""Effective sources below which a change rests on few."""
ENOUGH_PERIODS = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """Facts, with what the comparisons found, and how to write."""

    facts: Facts
    movers: Movers
    words: Words

    @property
    def blind(self) -> bool:
        """Nothing of the period was observed."""
        return self.facts.observation.observed == 0

    @property
    def usual(self) -> str:
        """What comparisons are with."""
        return self.facts.period.usual(max(self.movers.periods, 1))


def certainty(shift: Shift, facts: Facts) -> tuple[int, list[str]]:
    """How far a change is rated down from high (0), by one level for each reason."""
    reasons = []
    share = facts.observation.share
    if share is not None and share < ENOUGH_OBSERVED:
        reasons.append(f"only {share * 100:.0f} % of the sources' time was observed")
    if shift.effective < ENOUGH_SOURCES:
        reasons.append(f"it rests on few sources (as much as {shift.effective:.0f} equal ones)")
    if shift.periods < ENOUGH_PERIODS:
        reasons.append(f"there are only {shift.periods} earlier periods to compare with")
    return len(reasons), reasons


def verb(shift: Shift, facts: Facts) -> str:
    """rose, probably rose, may have risen; it is very uncertain whether it rose."""
    down, _ = certainty(shift, facts)
    direction = 1 if shift.difference > 0 else -1
    if down > 2:
        return "changed, it is very uncertain whether it " + _VERBS[direction][0]
    return _VERBS[direction][down]


def part_name(series: Series) -> str:
    """Telehealth (topic); all posts."""
    return f"{tidy(series.label, 60)} ({DIMENSIONS[series.dimension]})" if series.dimension else "all posts"


def interval(words: Words, mover_kind: str, shift: Shift) -> str:
    """+1.1 to +5.3, in points or on the scale of sentiment."""
    if mover_kind == "share":
        return words.between(words.points(shift.low), words.points(shift.high))
    return words.between(words.number(shift.low, 2, signed=True), words.number(shift.high, 2, signed=True))


def told_values(words: Words, mover: Mover) -> tuple[str, str, str]:
    """Before, now and the difference, as printed."""
    shift = mover.shift
    if mover.kind == "share":
        return words.percent(shift.before), words.percent(shift.now), f"{words.points(shift.difference)} points"
    return (
        words.number(shift.before, 2, signed=True),
        words.number(shift.now, 2, signed=True),
        words.number(shift.difference, 2, signed=True),
    )


def mover_says(reading: Reading, mover: Mover) -> str:
    """One sentence with all its numbers."""
    words, shift = reading.words, mover.shift
    before, now, difference = told_values(words, mover)
    what = part_name(mover.series)
    subject = what if mover.kind == "share" else f"the mean sentiment of {what}"
    of = " of posts" if mover.kind == "share" else ""
    return (
        f"{subject[:1].upper()}{subject[1:]} {verb(shift, reading.facts)} from {before} to {now}{of}: {difference} "
        f"({INTERVAL} {interval(words, mover.kind, shift)}; {words.number(shift.sources)} sources)."
    )


def numbers(reading: Reading) -> list[Document]:
    """Posts, mean sentiment, and the share that moved most (or the largest content type)."""
    found = [_posts(reading), _sentiment(reading)]
    third = _third(reading)
    return [*found, third] if third is not None else found


def _posts(reading: Reading) -> Document:
    facts, words = reading.facts, reading.words
    total = int(facts.sample.everything.posts[:, 0].sum())
    days = [one.days for one in (facts.period, *facts.earlier)]
    shift = volume_shift(facts.sample.everything.posts, days, facts.sample.comparable)
    comparison = None
    if shift is not None:
        ratio, low, high = (math.exp(min(one, 20.0)) for one in (shift.difference, shift.low, shift.high))
        comparison = _comparison(
            reading, ratio - 1, low - 1, high - 1, "relative",
            words.change(ratio), words.between(words.change(low), words.change(high)), shift,
        )  # fmt: skip
    return {
        "id": "posts",
        "label": "Posts",
        "value": None if reading.blind else total,
        "unit": "posts",
        "low": None,
        "high": None,
        "text": NOT_AVAILABLE if reading.blind else words.number(total),
        "interval": "not observed" if reading.blind else "a count, of what was observed",
        "n": total,
        "sources": facts.observation.observed,
        "comparison": comparison,
        **_addresses(trend_link("volume", facts.period, facts.scope, back=len(facts.earlier))),
        "posts": posts_link(facts.period, facts.scope),
    }


def _sentiment(reading: Reading) -> Document:
    facts, words = reading.facts, reading.words
    everything = facts.sample.everything
    at = level(everything.sentiment_sum[:, 0] / SENTIMENT_SCALE, everything.sentiment_n[:, 0], (-1.0, 1.0))
    shift = sentiment_shift(everything, facts.sample.comparable)
    comparison = None
    if shift is not None:
        low, high = (words.number(one, 2, signed=True) for one in (shift.low, shift.high))
        text = words.number(shift.difference, 2, signed=True)
        comparison = _comparison(
            reading, shift.difference, shift.low, shift.high, "difference", text, words.between(low, high), shift
        )
    return _ratio(
        "sentiment",
        "Mean sentiment (−1 to 1)",
        "compound score",
        at,
        [None if one is None else words.number(one, 2, signed=True) for one in _bounds(at)],
        comparison,
        trend_link("sentiment", facts.period, facts.scope, back=len(facts.earlier)),
        posts_link(facts.period, facts.scope),
    )


def _third(reading: Reading) -> Document | None:
    facts, words = reading.facts, reading.words
    mover = next((one for one in reading.movers.found if one.kind == "share"), None)
    chosen = None if mover is None else mover.series
    if chosen is None:
        kinds = [one for one in facts.sample.parts if one.dimension == "content_type"]
        chosen = max(kinds, key=lambda one: (int(one.posts.sum()), one.key), default=None)
    if chosen is None:
        return None
    everything = facts.sample.everything
    at = level(chosen.posts[:, 0], everything.posts[:, 0], (0.0, 1.0))
    shift = mover.shift if mover else share_shift(chosen.posts, everything.posts, facts.sample.comparable)
    comparison = None
    if shift is not None:
        comparison = _comparison(
            reading, shift.difference, shift.low, shift.high, "points",
            f"{words.points(shift.difference)} points", interval(words, "share", shift), shift,
        )  # fmt: skip
    narrowed = {} if chosen.dimension in facts.scope else {chosen.dimension: chosen.key}
    return _ratio(
        f"{chosen.dimension}={chosen.key}",
        f"{part_name(chosen)}, share of posts",
        "share",
        at,
        [None if one is None else words.percent(one) for one in _bounds(at)],
        comparison,
        trend_link("share", facts.period, facts.scope, by=chosen.dimension, back=len(facts.earlier)),
        posts_link(facts.period, facts.scope, **narrowed),
    )


def _bounds(at: Level | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if at is None else (at.value, at.low, at.high)


def _ratio(
    name: str,
    label: str,
    unit: str,
    at: Level | None,
    told: list[str | None],
    comparison: Document | None,
    link: Mapping[str, str],
    posts: str,
) -> Document:
    value, low, high = _bounds(at)
    text, low_text, high_text = told
    between = "" if low_text is None or high_text is None else f"{INTERVAL} {Words.between(low_text, high_text)}"
    return {
        "id": name,
        "label": label,
        "value": value,
        "unit": unit,
        "low": low,
        "high": high,
        "text": NOT_AVAILABLE if text is None else text,
        "interval": between or ("no posts to tell" if text is None else "no interval: fewer than 5 sources"),
        "n": 0 if at is None else at.n,
        "sources": 0 if at is None else at.sources,
        "comparison": comparison,
        **_addresses(link),
        "posts": posts,
    }


def _addresses(link: Mapping[str, str]) -> dict[str, str]:
    """Without the link's own label: the number has one."""
    return {"link": link["link"], "api": link["api"]}


def _comparison(
    reading: Reading, value: float, low: float, high: float, unit: str, text: str, between: str, shift: Shift
) -> Document:
    return {
        "value": value,
        "low": low,
        "high": high,
        "unit": unit,
        "text": text,
        "interval": between,
        "against": reading.facts.period.usual(shift.periods),
        "sources": shift.sources,
    }
