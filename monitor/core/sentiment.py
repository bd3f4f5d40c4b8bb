"""Sentiment of English text: VADER, corrected for words that mean something else in medicine.

    text ── VADER ──▶ raw
      └──── words and phrases of config/lexicon.yaml take effect ── VADER again ──▶ compound

Both scores are VADER compounds, −1 … 1. They are equal, and the second pass is skipped, where no entry of the lexicon
is met. Other languages get no score at all: English rules on them are wrong more often than right, and 0 would claim
"neutral".

The score is about wording, not about a person: it never says how someone's health is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress
from typing import Any, Final, Literal

from monitor.core.lexicon import Lexicon, Match, Node, match_at, parse_lexicon, without_overlap
from monitor.core.vader import Fact, Facts, Vader, emphasis, spell_emoji, squash

Label = Literal["positive", "neutral", "negative"]

POSITIVE_FROM: Final = 0.05
NEGATIVE_UP_TO: Final = -0.05
"""The thresholds that VADER's authors recommend for compound scores."""

READ_CHARACTERS: Final = 5_000
"""Only the beginning of longer texts is scored. VADER sums over words, so a whole article ends near −1 or 1 whatever
it says; the limit also bounds the cost of a post."""
_WORD_CUT: Final = 100
_CAPITALS: Final = Fact(upper=True)


@dataclass(frozen=True, slots=True)
class SentimentScore:
    raw: float
    """Plain VADER compound, −1 … 1, four decimals."""
    compound: float
    """The same with the medical lexicon applied; this one is used in metrics."""

    @property
    def label(self) -> Label:
        return label_of(self.compound)


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase that counted, with what it added to the sum before normalisation."""

    text: str
    plain: float
    """Valence in plain VADER after boosters, negation, capitals and "but"; 0 if it does not count there."""
    clinical: float
    """Valence with the medical lexicon; 0 if it was made neutral."""
    why: str | None
    """The lexicon's reason where it has an entry for this term."""


@dataclass(frozen=True, slots=True)
class _Note:
    """What the lexicon has to say of a word."""

    begins: Node | None
    revalued: bool


def label_of(compound: float) -> Label:
    if compound >= POSITIVE_FROM:
        return "positive"
    return "negative" if compound <= NEGATIVE_UP_TO else "neutral"


def is_english(language: str | None) -> bool:
    """True for 'en' and its regional forms ('en-GB', 'en_US'); False when the language is not known."""
    return language is not None and language[:2].lower() == "en" and language[2:3] in {"", "-", "_"}


class Sentiment:
    """A scorer for one lexicon. Build it once per process: it holds two bounded caches of words."""

    __slots__ = ("_clinical", "_lexicon", "_plain")

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        begins = lexicon.beginnings
        notes = {word: _Note(begins.get(word), word in lexicon.words) for word in {*begins, *lexicon.words}}
        self._plain = Vader(notes=notes)
        self._clinical = Vader(lexicon.words)

    @classmethod
    def build(cls, lexicon: Mapping[str, Any]) -> Sentiment:
        """From the content of `config/lexicon.yaml`. Raises `LexiconError` with every problem in it."""
        return cls(parse_lexicon(lexicon))

    def score(self, text: str, language: str | None) -> SentimentScore | None:
        """None unless `language` is English. Title and text of a post are scored as one text.

        A text without any scored word is neutral (0). Of texts longer than `READ_CHARACTERS` only the beginning is read.
        """
        if not is_english(language):
            return None
        tokens, facts, marks = self._read(text)
        raw = squash(self._plain.valences(tokens, facts), marks)
        changed = self._correct(tokens, facts)
        if changed is None:
            return SentimentScore(raw, raw)
        return SentimentScore(raw, squash(self._clinical.valences(tokens, changed[0]), marks))

    def compound(self, text: str, language: str | None) -> float | None:
        """The clinical score of `score` alone, at half its cost where the lexicon has something to say."""
        if not is_english(language):
            return None
        tokens, facts, marks = self._read(text)
        changed = self._correct(tokens, facts)
        if changed is None:
            return squash(self._plain.valences(tokens, facts), marks)
        return squash(self._clinical.valences(tokens, changed[0]), marks)

    def explain(self, text: str) -> tuple[Term, ...]:
        """The terms behind both scores of an English text, in reading order. Several times as slow as scoring."""
        tokens, facts, _ = self._read(text)
        plain = dict(zip(*self._plain.placed_valences(tokens, facts), strict=True))
        corrected, matches = self._correct(tokens, facts) or (facts, [])
        clinical = dict(zip(*self._clinical.placed_valences(tokens, corrected), strict=True))
        terms = []
        spans = {place: match for match in matches for place in range(match.start, match.end)}
        for i in sorted({*plain, *clinical, *(match.end - 1 for match in matches)}):
            match = spans.get(i)
            if match is None:
                fact = facts[i]
                why = self._lexicon.reasons.get(fact.word) if fact is not None else None
                terms.append(Term(tokens[i], plain.get(i, 0.0), clinical.get(i, 0.0), why))
            elif i == match.end - 1:  # once for the whole phrase
                before = sum(plain.get(place, 0.0) for place in range(match.start, match.end))
                words = " ".join(tokens[match.start : match.end])
                terms.append(Term(words, before, clinical.get(i, 0.0), match.phrase.why))
        return tuple(terms)

    def _read(self, text: str) -> tuple[list[str], Facts, float]:
        if len(text) > READ_CHARACTERS:
            end = text.rfind(" ", READ_CHARACTERS - _WORD_CUT, READ_CHARACTERS)
            text = text[: end if end > 0 else READ_CHARACTERS]
        text = spell_emoji(text)
        tokens = text.split()
        return tokens, self._plain.facts(tokens), emphasis(text)

    def _correct(self, tokens: list[str], facts: Facts) -> tuple[Facts, list[Match]] | None:
        """The facts as the lexicon sees them, and the phrases met; None if it has nothing to say of this text."""
        corrected: Facts | None = None
        matches: list[Match] = []
        for i, fact in zip(compress(range(len(facts)), facts), filter(None, facts), strict=True):
            note: _Note | None = fact.note
            if note is None:
                continue
            if note.revalued:
                corrected = corrected or facts.copy()
                corrected[i] = self._clinical.fact(tokens[i])
            if note.begins is not None and (match := match_at(tokens, i, note.begins)) is not None:
                matches.append(match)
        if matches:
            corrected = corrected or facts.copy()
            matches = without_overlap(matches)
            for match in matches:
                self._replace(corrected, match)
        return None if corrected is None else (corrected, matches)

    def _replace(self, facts: Facts, match: Match) -> None:
        """Let a phrase stand in the text as one scored word, in the place of its last, or as none if it is neutral.

        Its words no longer count, nor modify others; only their capitals still do.
        """
        for place in range(match.start, match.end):
            fact = facts[place]
            facts[place] = _CAPITALS if fact is not None and fact.upper else None
        value = match.phrase.value
        if value:
            last = match.end - 1
            facts[last] = Fact(valence=value, known=True, upper=facts[last] is not None)
