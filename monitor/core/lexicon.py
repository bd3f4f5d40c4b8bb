"""The medical lexicon: words and phrases whose feeling differs from what VADER believes.

`config/lexicon.yaml` holds groups, each with the reason why it is there::

    words:
      - why: The name of a field or a disease is a topic, not a mood
        values: {cancer: -0.8, emergency: 0}
    phrases:
      - why: The outcome of a test is a finding, not a mood
        value: 0
        match: ["tested|testing [for] positive|negative"]

Values run from −4 (worst) to 4 (best); 0 means neutral. A phrase is two or more words: `a|b` allows either, `[a]` may be
missing, `<number>` is a number ("3", "three", "an"). It matches whole words in any case, not across punctuation, and the
longest phrase wins where several overlap. An apostrophe stands for the typographic one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from math import prod
from string import punctuation
from typing import Any, Final

from vaderSentiment.vaderSentiment import BOOSTER_DICT

from monitor.core.vader import strip_token

LIMIT: Final = 4.0
"""VADER's valences run from −4 to 4."""

NUMBER: Final = "<number>"

_VARIANTS: Final = 1_000
_CACHED_TOKENS: Final = 40_000
_CACHED_LENGTH: Final = 32
_WORD: Final = re.compile(r"[^\s|\[\]<>]+")
_NUMBER_WORDS: Final = frozenset(
    {"a", "an", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
)
_ENDS: Final = frozenset(".,;:!?")
_CLOSING: Final = "\"')]}’”»"


class LexiconError(ValueError):
    """The lexicon can't be used. `problems` holds all that is wrong, each with where it is and what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("The sentiment lexicon can't be used:\n" + "\n".join(f"- {problem}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Phrase:
    value: float
    why: str


@dataclass(frozen=True, slots=True)
class Match:
    """Tokens [start, end) are this phrase."""

    start: int
    end: int
    phrase: Phrase


@dataclass(slots=True)
class Node:
    """A word that begins or continues phrases: a tree, one word deep per level."""

    then: dict[str, Node] = field(default_factory=dict)
    number: Node | None = None
    ends: Phrase | None = None


class Lexicon:
    """A checked lexicon, ready to be matched."""

    __slots__ = ("beginnings", "reasons", "words")

    def __init__(
        self, words: Mapping[str, float], reasons: Mapping[str, str], phrases: Mapping[tuple[str, ...], Phrase]
    ) -> None:
        self.words = words
        """lower-case word → value"""
        self.reasons = reasons
        """lower-case word → why it is in the lexicon"""
        root = Node()
        for steps, phrase in phrases.items():
            node = root
            for step in steps:
                if step == NUMBER:
                    node.number = node.number or Node()
                    node = node.number
                else:
                    node = node.then.setdefault(step, Node())
            node.ends = phrase
        self.beginnings: Mapping[str, Node] = root.then
        """lower-case first word → the phrases that begin with it"""


class _BareWords(dict[str, str]):
    """token → its word, lower case and without punctuation; filled on first sight and emptied when full."""

    __slots__ = ()

    def __missing__(self, token: str) -> str:
        word = token.strip(punctuation).lower()
        if len(token) <= _CACHED_LENGTH:
            if len(self) >= _CACHED_TOKENS:
                self.clear()
            self[token] = word
        return word


BARE: Final = _BareWords()
"""Token → its bare word."""


def match_at(tokens: Sequence[str], start: int, beginning: Node) -> Match | None:
    """The longest phrase that begins at token `start`, whose word is `beginning`."""
    node = beginning
    end, phrase = start, None
    for i in range(start + 1, len(tokens)):
        word = BARE[tokens[i]]
        step = node.then.get(word)
        if step is None:
            if node.number is None or not (word[:1].isdigit() or word in _NUMBER_WORDS):
                break
            step = node.number
        if tokens[i - 1].rstrip(_CLOSING)[-1:] in _ENDS:
            break
        node = step
        if node.ends is not None:
            end, phrase = i + 1, node.ends
    return None if phrase is None else Match(start, end, phrase)


def without_overlap(candidates: list[Match]) -> list[Match]:
    """Of overlapping matches the longest, of equally long ones the first. `candidates` ascend, and so do the rest."""
    if all(before.end <= after.start for before, after in pairwise(candidates)):
        return candidates
    taken: set[int] = set()
    chosen = []
    for match in sorted(candidates, key=lambda match: (match.start - match.end, match.start)):
        span = range(match.start, match.end)
        if taken.isdisjoint(span):
            taken.update(span)
            chosen.append(match)
    return sorted(chosen, key=lambda match: match.start)


def parse_lexicon(content: Mapping[str, Any]) -> Lexicon:
    """Check and compile the content of `config/lexicon.yaml`. Raises `LexiconError`. Empty content changes nothing."""
    problems: list[str] = []
    if not isinstance(content, Mapping):
        raise LexiconError(["the file: expected a mapping with `words` and `phrases`"])
    problems += [
        f"`{key}`: unknown entry; known are `words` and `phrases`" for key in content if key not in {"words", "phrases"}
    ]
    words, reasons = _parse_words(_groups(content, "words", problems), problems)
    phrases = _parse_phrases(_groups(content, "phrases", problems), problems)
    if problems:
        raise LexiconError(problems)
    return Lexicon(words, reasons, phrases)


def _groups(content: Mapping[str, Any], name: str, problems: list[str]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(where, why, group) of each group that can be read."""
    known = {"why", "values"} if name == "words" else {"why", "value", "match"}
    groups = content.get(name) or []
    if not isinstance(groups, list):
        problems.append(f"`{name}`: expected a list of groups, each with {_listed(known)}")
        return
    for number, group in enumerate(groups, 1):
        where = f"`{name}`, group {number}"
        if not isinstance(group, Mapping):
            problems.append(f"{where}: expected a mapping with {_listed(known)}")
            continue
        problems += [f"{where}: unknown entry `{key}`; known are {_listed(known)}" for key in group if key not in known]
        problems += [f"{where}: `{key}` is missing" for key in sorted(known) if key not in group]
        why = group.get("why")
        if "why" in group and not (isinstance(why, str) and why.strip()):
            problems.append(f"{where}: `why` must say in words why the group is there")
        yield where, str(why), group


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _value(value: object, where: str, problems: list[str]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LIMIT <= value <= LIMIT:
        problems.append(f"{where}: {value!r} is not a number from -4 (worst) to 4 (best)")
        return 0.0
    return float(value)


def _parse_words(
    groups: Iterable[tuple[str, str, Mapping[str, Any]]], problems: list[str]
) -> tuple[dict[str, float], dict[str, str]]:
    words: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for where, why, group in groups:
        values = group.get("values", {})
        if not isinstance(values, Mapping):
            problems.append(f"{where}: `values` must map words to numbers, such as {{cancer: -0.8}}")
            continue
        for word, value in values.items():
            here = f"{where}, `{word}`"
            fault = _word_fault(word)
            if fault is None and word in words:
                fault = "is there twice; keep one"
            if fault is not None:
                problems.append(f"{here}: {fault}")
                continue
            words[word] = _value(value, here, problems)
            reasons[word] = why
    return words, reasons


def _word_fault(word: object) -> str | None:
    if not isinstance(word, str):
        return "is read as something other than a word; put it in quotes"
    if len(word.split()) != 1 or word != word.strip():
        return "is not one word; write several words under `phrases`"
    if word != word.lower():
        return f"must be lower case: `{word.lower()}`"
    if strip_token(word) != word:
        return f"must be without surrounding punctuation: `{strip_token(word)}`"
    if word in BOOSTER_DICT:
        return "is an intensifier in VADER, which scores the words around it; it can't have a value of its own"
    return None


def _parse_phrases(
    groups: Iterable[tuple[str, str, Mapping[str, Any]]], problems: list[str]
) -> dict[tuple[str, ...], Phrase]:
    phrases: dict[tuple[str, ...], Phrase] = {}
    for where, why, group in groups:
        phrase = Phrase(_value(group["value"], f"{where}, `value`", problems) if "value" in group else 0.0, why)
        patterns = group.get("match", [])
        if not isinstance(patterns, list):
            problems.append(f"{where}: `match` must be a list of phrases")
            continue
        for pattern in patterns:
            here = f"{where}, {pattern!r}"
            if not isinstance(pattern, str):
                problems.append(f"{here}: is read as something other than text; put it in quotes")
                continue
            try:
                spelled = _spell_out(pattern)
            except ValueError as error:
                problems.append(f"{here}: {error}")
                continue
            clash = next((steps for steps in spelled if phrases.get(steps, phrase).value != phrase.value), None)
            if clash is not None:
                problems.append(f"{here}: `{' '.join(clash)}` has another value in an earlier entry; keep one")
            phrases.update(dict.fromkeys(spelled, phrase))
    return phrases


def _spell_out(pattern: str) -> list[tuple[str, ...]]:
    """Every phrase that a pattern stands for. Raises ValueError that says what would be right."""
    places: list[list[str]] = []
    for part in pattern.split():
        optional = part.startswith("[") and part.endswith("]")
        choices = _choices(part[1:-1] if optional else part)
        places.append([*choices, ""] if optional else choices)
    if prod(map(len, places)) > _VARIANTS:
        raise ValueError(f"stands for more than {_VARIANTS} phrases; write it as several")
    spelled = [tuple(step for step in steps if step) for steps in product(*places)]
    if any(len(steps) < 2 for steps in spelled):
        raise ValueError("can match a single word; write that under `words`")
    if any(steps[0] == NUMBER for steps in spelled):
        raise ValueError("begins with a number; begin with a word")
    return spelled


def _choices(part: str) -> list[str]:
    if part == NUMBER:
        return [NUMBER]
    words = part.split("|")
    for word in words:
        if not _WORD.fullmatch(word):
            raise ValueError(f"`{part}` can't be read; write `word`, `one|other`, `[optional]` or `{NUMBER}`")
        if word != word.lower():
            raise ValueError(f"must be lower case: `{word.lower()}`")
        if word != word.strip(punctuation):
            raise ValueError(f"must be without surrounding punctuation: `{word.strip(punctuation)}`")
    return sorted({*words, *(word.replace("'", "’") for word in words)})
