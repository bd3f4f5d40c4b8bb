"""VADER at the speed of a dictionary lookup per word.

`Vader.polarity_scores` returns what `vaderSentiment.SentimentIntensityAnalyzer.polarity_scores` returns, to the last
digit, for every string. Lexicons, boosters, negations, idioms and constants are read from the installed package; only
the order of work is ours. The package rebuilds the lower-case list of all words for every scored word, which is
quadratic; here a text is read once:

    text ── emoji to words ── split ──▶ tokens ──▶ facts ──▶ valences ──▶ four scores
                                      (one cached    (rules run only where a
                                       look-up each)  modifier stands within three words)

The work is linear in the length of the text (n log n in the scored words if it has a "but"). A `Vader` holds one
bounded cache of token facts (3 to 10 MB when full, by the share of words that count), which threads may share.

Method: C. J. Hutto and E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media
Text", ICWSM 2014.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from itertools import compress
from string import punctuation
from types import MappingProxyType
from typing import Any, Final

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    C_INCR,
    N_SCALAR,
    NEGATE,
    SPECIAL_CASES,
    SentimentIntensityAnalyzer,
)

_NEGATE: Final = frozenset(NEGATE)
_BOOSTERS: Final[Mapping[str, float]] = MappingProxyType(BOOSTER_DICT)
_IDIOMS: Final[Mapping[str, float]] = MappingProxyType(SPECIAL_CASES)
_CAPS: Final[float] = C_INCR
_FLIP: Final[float] = N_SCALAR


def _phrases() -> list[list[str]]:
    """Multi-word idioms and boosters; single words in those tables are met as ordinary tokens."""
    return [words for key in (*_IDIOMS, *_BOOSTERS) if len(words := key.split(" ")) > 1]


# An idiom can only be complete if its longest word is there, and short words ("of", "the") are everywhere.
_IDIOM_ANCHORS: Final = frozenset(max(words, key=len) for words in _phrases())
_IDIOM_WORDS: Final = frozenset(word for words in _phrases() for word in words)

# Words that may change the valence of a scored word up to three places later, beside boosters and negations.
_OTHER_MODIFIERS: Final = frozenset({"no", "so", "this", "least"}) | _IDIOM_ANCHORS
# Scored words whose own neighbourhood must always be looked at.
_ALWAYS_RULED: Final = frozenset({"no", "kind"}) | _IDIOM_WORDS

_CACHED_TOKENS: Final = 40_000
_CACHED_LENGTH: Final = 32
_REACH: Final = 3
_FEW: Final = 64
_BASIC: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Fact:
    """What scoring must know of a token that is not dull."""

    word: str = ""
    """Stripped as VADER strips it, lower case."""
    valence: float | None = None
    """None: not scored (not in the lexicon, or a booster)."""
    upper: bool = False
    modifier: bool = False
    """May change what follows within three words."""
    ruled: bool = False
    """Its valence depends on its neighbours even if none of them is a modifier."""
    known: bool = False
    """In the lexicon; such a word neither boosts nor negates another."""
    boost: float = 0.0
    negates: bool = False
    idiom: bool = False
    """An idiom or a booster of several words may be complete only if one such token is near."""
    note: Any = None
    """What the caller attached to this word; None: nothing."""


_DULL: Final = Fact()

Facts = list["Fact | None"]
"""One entry per token, None for a dull one."""


class _FactCache(dict[str, "Fact | None"]):
    """token → Fact, or None for a dull one; filled on first sight and emptied when full, so memory is bounded."""

    __slots__ = ("_judge",)

    def __init__(self, judge: Callable[[str], Fact | None]) -> None:
        super().__init__()
        self._judge = judge

    def __missing__(self, token: str) -> Fact | None:
        fact = self._judge(token)
        if len(token) <= _CACHED_LENGTH:
            if len(self) >= _CACHED_TOKENS:
                self.clear()
            self[token] = fact
        return fact


@cache
def _package_lexicons() -> tuple[Mapping[str, float], Mapping[str, str]]:
    analyzer = SentimentIntensityAnalyzer()
    # The package looks emoji up one character at a time, so longer sequences can never be found.
    emoji = {key: words for key, words in analyzer.emojis.items() if len(key) == 1}
    return MappingProxyType(analyzer.lexicon), MappingProxyType(emoji)


@cache
def _emoji_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """An exact pattern for emoji below U+10000, and one of few ranges that covers all of them and more.

    A character class of 1,200 scattered characters is matched thirty times as slowly as either.
    """
    codes = sorted(map(ord, _package_lexicons()[1]))
    basic = "".join(chr(code) for code in codes if code <= _BASIC)
    ranges = [[codes[0], codes[0]]]
    for code in codes[1:]:
        if code - ranges[-1][1] <= 256:  # wide enough to leave nine ranges
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    cover = "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges)
    return re.compile(f"[{basic}]"), re.compile(f"[{cover}]")


def package_lexicon() -> Mapping[str, float]:
    """VADER's own word → valence table (−4 … 4), read-only."""
    return _package_lexicons()[0]


def spell_emoji(text: str) -> str:
    """Replace each emoji by its description, spaced as VADER does: a blank before it, none after it."""
    if text.isascii():
        return text
    basic, cover = _emoji_patterns()
    # 0xF0 leads every UTF-8 sequence of the emoji above U+FFFF; most text has none and is not gone through at all.
    if b"\xf0" not in text.encode("utf-8", "surrogatepass") and basic.search(text) is None:
        return text
    emoji = _package_lexicons()[1]

    def spell(match: re.Match[str]) -> str:
        words = emoji.get(match[0])
        if words is None:
            return match[0]
        start = match.start()
        return words if start == 0 or text[start - 1] == " " else " " + words

    return cover.sub(spell, text)


def _word(token: str) -> str:
    return strip_token(token).lower()


def strip_token(token: str) -> str:
    """Drop surrounding ASCII punctuation, unless two or fewer characters would be left (it may be an emoticon)."""
    stripped = token.strip(punctuation)
    return token if len(stripped) <= 2 else stripped  # VADER's own limit


def emphasis(text: str) -> float:
    """What exclamation and question marks add to the strength of a text, 0 … 2.128."""
    marks = min(text.count("!"), 4) * 0.292
    questions = text.count("?")
    if questions <= 1:
        return marks
    return marks + (questions * 0.18 if questions <= 3 else 0.96)  # VADER's own limit


def squash(valences: Iterable[float], marks: float) -> float:
    """The compound score, −1 … 1: the sum of the valences, pushed outwards by `marks`, normalised with alpha 15.

    Uses the built-in `sum` on purpose: it rounds as the package does on every Python (compensated from 3.12 on).
    """
    total = float(sum(valences))
    if total > 0:
        total += marks
    elif total < 0:
        total -= marks
    return round(max(-1.0, min(1.0, total / math.sqrt(total * total + 15))), 4)


class Vader:
    """A scorer. `changes` re-values words of the package's lexicon or adds some; with none it is VADER itself.

    `changes` are lower-case words without surrounding punctuation and valences −4 … 4, where 0 takes a word out of
    the lexicon. `notes` are attached to the facts of lower-case words for the caller's own use; they alter no score.
    """

    __slots__ = ("_facts", "_lexicon", "_look_up", "_notes")

    def __init__(self, changes: Mapping[str, float] | None = None, *, notes: Mapping[str, Any] | None = None) -> None:
        lexicon = dict(package_lexicon())
        for word, valence in (changes or {}).items():
            lexicon.pop(word, None)
            if valence:
                lexicon[word] = valence
        self._lexicon = lexicon
        self._notes = notes or {}
        self._facts = _FactCache(self._judge)
        self._look_up = self._facts.__getitem__

    def polarity_scores(self, text: str) -> dict[str, float]:
        """Shares of negative, neutral and positive (three decimals) and the compound score (four decimals)."""
        text = spell_emoji(text)
        tokens = text.split()
        if not tokens:
            return {"neg": 0.0, "neu": 0.0, "pos": 0.0, "compound": 0.0}
        valences = self.valences(tokens, self.facts(tokens))
        marks = emphasis(text)
        # Neutral words count 1 each, so 1 is added to the strength of every other word.
        positive, negative, neutral = 0.0, 0.0, len(tokens)
        for valence in valences:
            if valence > 0:
                positive += valence + 1
                neutral -= 1
            elif valence < 0:
                negative += valence - 1
                neutral -= 1
        if positive > -negative:
            positive += marks
        elif positive < -negative:
            negative -= marks
        total = positive - negative + neutral
        return {
            "neg": round(abs(negative / total), 3),
            "neu": round(abs(neutral / total), 3),
            "pos": round(abs(positive / total), 3),
            "compound": squash(valences, marks),
        }

    def compound(self, text: str) -> float:
        """The compound score alone, −1 … 1, four decimals."""
        text = spell_emoji(text)
        tokens = text.split()
        return squash(self.valences(tokens, self.facts(tokens)), emphasis(text))

    def fact(self, token: str) -> Fact | None:
        """What is known of one token; None: it neither counts nor changes what counts."""
        return self._facts[token]

    def facts(self, tokens: list[str]) -> Facts:
        """What is known of each token. `tokens` are what `str.split` gives, punctuation still on."""
        return list(map(self._look_up, tokens))

    def valences(self, tokens: list[str], facts: Facts) -> list[float]:
        """Valences of the scored words in order, all rules applied. Words worth exactly 0 are left out."""
        return self.placed_valences(tokens, facts)[1]

    def placed_valences(self, tokens: list[str], facts: Facts) -> tuple[list[int], list[float]]:
        """As `valences`, with the positions of the words first."""
        # A Fact is true and None is not, so these two pick what is not dull, at the speed of C.
        found = list(filter(None, facts))
        places = compress(range(len(facts)), facts)
        caps_differ = 0 < sum([fact.upper for fact in found]) < len(tokens)
        scored: list[int] = []
        values: list[float] = []
        but = None
        reach = -1  # the last position that the modifiers seen so far can change
        for i, fact in zip(places, found, strict=True):
            valence = fact.valence
            if valence is not None:
                if i <= reach or fact.ruled:
                    valence = _ruled(valence, tokens, facts, i, caps_differ)
                elif caps_differ and fact.upper:
                    valence = valence + _CAPS if valence > 0 else valence - _CAPS
                if valence:
                    scored.append(i)
                    values.append(valence)
            if fact.modifier:
                reach = i + _REACH
            elif but is None and fact.word == "but":
                but = i
        if but is not None:
            _weigh_but(scored, values, but)
        return scored, values

    def _judge(self, token: str) -> Fact | None:
        stripped = strip_token(token)
        word = stripped.lower()
        known = word in self._lexicon
        boost = _BOOSTERS.get(word, 0.0)
        upper = stripped.isupper()
        negates = word in _NEGATE or "n't" in word
        modifier = boost != 0.0 or negates or word in _OTHER_MODIFIERS
        note = self._notes.get(word) or self._notes.get(token.strip(punctuation).lower())
        if not (known or upper or modifier or note or word == "but"):
            return None
        return Fact(
            word,
            None if boost else self._lexicon.get(word),
            upper,
            modifier,
            word in _ALWAYS_RULED,
            known,
            boost,
            negates,
            word in _IDIOM_ANCHORS,
            note,
        )


def _ruled(valence: float, tokens: list[str], facts: Facts, i: int, caps_differ: bool) -> float:
    """The valence of token `i` after all neighbourhood rules, in the package's order of operations."""
    fact = facts[i] or _DULL
    one = (facts[i - 1] if i > 0 else None) or _DULL
    two = (facts[i - 2] if i > 1 else None) or _DULL
    three = (facts[i - 3] if i > 2 else None) or _DULL
    after_no = (
        one.word == "no"
        or two.word == "no"
        or (three.word == "no" and (one.word == "nor" or _word(tokens[i - 1]) == "or"))
    )
    if fact.ruled and i + 1 < len(tokens):
        if fact.word == "kind" and _word(tokens[i + 1]) == "of":
            return 0.0
        # "no" negates a following word of the lexicon instead of being scored.
        if fact.word == "no" and not after_no and (facts[i + 1] or _DULL).known:
            valence = 0.0
    if after_no:
        valence *= _FLIP
    if caps_differ and fact.upper:
        valence = valence + _CAPS if valence > 0 else valence - _CAPS

    intensified = one.word == "so" or one.word == "this"
    if one.boost or one.negates:
        valence = _after_one(valence, one, caps_differ)
    if two.boost or two.negates:
        valence = _after_two(valence, two, one, caps_differ)
    if i > 2 and not three.known:
        if intensified or three.boost or three.negates:
            valence = _after_three(valence, three, two, one, caps_differ)
        if fact.ruled or one.idiom or two.idiom or three.idiom:
            valence = _apply_idioms(valence, [_word(token) for token in tokens[i - 3 : i + 3]])
    if one.word == "least" and not one.known and (i == 1 or _word(tokens[i - 2]) not in {"at", "very"}):
        valence *= _FLIP
    return valence


def _after_one(valence: float, one: Fact, caps_differ: bool) -> float:
    if one.known:
        return valence
    valence = valence + _boost(one, valence, caps_differ)
    return valence * _FLIP if one.negates else valence


def _after_two(valence: float, two: Fact, one: Fact, caps_differ: bool) -> float:
    if two.known:
        return valence
    valence = valence + _boost(two, valence, caps_differ) * 0.95
    if two.word == "never" and one.word in {"so", "this"}:
        return valence * 1.25
    if two.word == "without" and one.word == "doubt":
        return valence
    return valence * _FLIP if two.negates else valence


def _after_three(valence: float, three: Fact, two: Fact, one: Fact, caps_differ: bool) -> float:
    valence = valence + _boost(three, valence, caps_differ) * 0.9
    # In the package `and` binds before `or`: "so" or "this" just before the word is enough, without any "never".
    if one.word in {"so", "this"} or (three.word == "never" and two.word in {"so", "this"}):
        return valence * 1.25
    if three.word == "without" and "doubt" in {two.word, one.word}:
        return valence
    return valence * _FLIP if three.negates else valence


def _boost(near: Fact, valence: float, caps_differ: bool) -> float:
    if not near.boost:
        return 0.0
    scalar = -near.boost if valence < 0 else near.boost
    if caps_differ and near.upper:
        return scalar + _CAPS if valence > 0 else scalar - _CAPS
    return scalar


def _apply_idioms(valence: float, words: list[str]) -> float:
    """`words` are three before the scored one, itself, and up to two after it."""
    three, two, one, word, *after = words
    two_one = f"{two} {one}"
    three_two = f"{three} {two}"
    three_two_one = f"{three_two} {one}"
    for phrase in (f"{one} {word}", f"{two_one} {word}", two_one, three_two_one, three_two):
        if phrase in _IDIOMS:
            valence = _IDIOMS[phrase]
            break
    for end in range(1, len(after) + 1):
        valence = _IDIOMS.get(" ".join((word, *after[:end])), valence)
    for phrase in (three_two_one, three_two, two_one):
        valence = valence + _BOOSTERS.get(phrase, 0.0)
    return valence


def _weigh_but(places: list[int], values: list[float], but: int) -> None:
    """Halve, in place, what stands before the first "but"; raise by half what follows.

    The package finds each value by its first equal in the list it is changing, so that equal values are not weighed
    in their own places. That is part of the score, so the same look-up happens here; on long texts with a heap per
    value, because a search from the start for every word would be quadratic.
    """
    if len(values) <= _FEW:
        for value in values:
            first = values.index(value)
            values[first] = _weigh(value, places[first], but)
        return
    holders: dict[float, list[int]] = {}
    for k, value in enumerate(values):
        heappush(holders.setdefault(value, []), k)
        first = heappop(holders[value])
        values[first] = _weigh(value, places[first], but)
        heappush(holders.setdefault(values[first], []), first)


def _weigh(value: float, place: int, but: int) -> float:
    if place == but:
        return value
    return value * (0.5 if place < but else 1.5)
