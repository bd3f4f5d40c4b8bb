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

from monitor.core.lexicon import BARE, Lexicon, Match, match_at, parse_lexicon, without_overlap
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
        # A word that begins phrases is noted with them, so that phrases are only looked for where one can begin.
        self._plain = Vader(notes=lexicon.beginnings)
        self._clinical = Vader(lexicon.words, notes=lexicon.beginnings)

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
        tokens, marks = self._read(text)
        raw = squash(self._plain.valences(tokens, self._plain.facts(tokens)), marks)
        facts, _ = self._correct(tokens)
        return SentimentScore(raw, squash(self._clinical.valences(tokens, facts), marks))

    def compound(self, text: str, language: str | None, words: list[str] | None = None) -> float | None:
        """The clinical score of `score` alone, at half its cost. `words` is `text.split()`, if the caller has it."""
        if not is_english(language):
            return None
        tokens, marks = self._read(text, words)
        facts, _ = self._correct(tokens)
        return squash(self._clinical.valences(tokens, facts), marks)

    def explain(self, text: str) -> tuple[Term, ...]:
        """The terms behind both scores of an English text, in reading order. Several times as slow as scoring."""
        tokens, _ = self._read(text)
        facts = self._plain.facts(tokens)
        plain = dict(zip(*self._plain.placed_valences(tokens, facts), strict=True))
        corrected, matches = self._correct(tokens)
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

    @staticmethod
    def _read(text: str, words: list[str] | None = None) -> tuple[list[str], float]:
        """The tokens that are scored, and what exclamation and question marks add."""
        length = len(text)
        if length > READ_CHARACTERS:
            end = text.rfind(" ", READ_CHARACTERS - _WORD_CUT, READ_CHARACTERS)
            text = text[: end if end > 0 else READ_CHARACTERS]
        spelled = spell_emoji(text)
        same = words is not None and spelled is text and len(text) == length
        return words if same and words is not None else spelled.split(), emphasis(spelled)

    def _correct(self, tokens: list[str]) -> tuple[Facts, list[Match]]:
        """The facts as the lexicon sees them, and the phrases met."""
        facts = self._clinical.facts(tokens)
        # Phrases begin with common words ("was", "can"), so nearly every one ends with a look at the word that follows.
        matches = [
            match
            for i, fact in zip(compress(range(len(facts) - 1), facts), filter(None, facts), strict=False)
            if (begins := fact.note) is not None
            and (BARE[tokens[i + 1]] in begins.then or begins.number is not None)
            and (match := match_at(tokens, i, begins)) is not None
        ]
        if matches:
            matches = without_overlap(matches)
            for match in matches:
                self._replace(facts, match)
        return facts, matches

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
