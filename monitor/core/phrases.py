"""Fold text to one byte a character and find many phrases in it in one pass.

Folding drops case, accents and punctuation: "Télé-médecine" and "tele medecine" become the same bytes. It keeps
the length, so a place in the folded bytes is the same place in the text. Letters of scripts other than Latin
become spaces: phrases are Latin-script only.

The automaton finds overlapping phrases in linear time. Word boundaries are part of the patterns (every pattern
starts and ends with a space), so nothing has to be checked afterwards but letter case where a phrase asks for it.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ahocorasick_rs import BytesAhoCorasick, Implementation

LIMIT = 5_000
"""Characters of a text that are looked at; what comes after is not."""

_LIGATURES = {"ß": "ss", "æ": "ae", "œ": "oe", "Æ": "AE", "Œ": "OE", "ẞ": "SS"}
_OWN_BYTES = {"æ": b"{", "Æ": b"{", "œ": b"}", "Œ": b"}"}
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"']{1,2000}", re.IGNORECASE)
_SPACES = ("\u00a0", "\u2009", "\u202f", "\u3000")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")
_ERRORS = "trendmonitor.fold"


def _byte(char: str) -> bytes:
    """One byte for a character outside Latin-1 or above ASCII: its base letter, or a space."""
    if char in _OWN_BYTES:
        return _OWN_BYTES[char]
    if char in "ßẞ":
        return b"s"
    if char in "øØ":
        return b"o"
    if char in "łŁ":
        return b"l"
    if char in "đĐ":
        return b"d"
    if char == "ı":
        return b"i"
    base = unicodedata.normalize("NFKD", char)[:1].lower()
    return base.encode() if base.isascii() and base.isalnum() else b" "


_byte_cached = lru_cache(maxsize=4096)(_byte)


def _table() -> bytes:
    out = bytearray(b" " * 256)
    for code in range(256):
        char = chr(code)
        if char.isascii():
            out[code] = ord(char.lower()) if char.isalnum() else 32
        else:
            out[code] = _byte(char)[0]
    out[ord("{")], out[ord("}")] = ord("{"), ord("}")
    return bytes(out)


_TABLE = _table()


def _beyond_latin1(error: UnicodeError) -> tuple[bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    run = error.object[error.start : error.end]
    return b"".join(map(_byte_cached, run)), error.end


codecs.register_error(_ERRORS, _beyond_latin1)


def words(text: str, separator: str | None = None) -> frozenset[str]:
    """A word list as code can show it: one text, split."""
    return frozenset(text.split(separator))


def clean(text: str, limit: int = LIMIT, words: list[str] | None = None) -> str:
    """Text as taggers see it: at most `limit` characters, without links, invisible characters and runs of spaces.

    `words` is `text.split()`, if the caller has it already.
    """
    raw = text
    text = text[:limit]
    if "http" in text or "www." in text or "HTTP" in text:
        text = _LINK.sub(" ", text)
    ascii_only = text.isascii()
    if not ascii_only:
        text = _INVISIBLE.sub("", text)
    if "{" in text or "}" in text:
        text = text.replace("{", " ").replace("}", " ")
    if (
        "  " in text
        or "\n" in text
        or "\t" in text
        or "\r" in text
        or (not ascii_only and any(space in text for space in _SPACES))
    ):
        text = " ".join(words if words is not None and text is raw else text.split())
    return text


def fold(text: str) -> bytes:
    """One byte a character: a-z, 0-9 or space ('{' and '}' stand for æ and œ). Same length as `text`."""
    return text.encode("latin-1", _ERRORS).translate(_TABLE)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something to look for, and what finding it means."""

    kind: str
    """Which tagger asked for it."""
    key: str
    """What it stands for: a topic id, a country code …"""
    text: str
    """As written in the list; shown in reasons."""
    languages: frozenset[str] | None = None
    """Only in texts of these languages; None: in all."""
    case: str = "any"
    """'any'; 'exact': letters as written; 'capital': the first letter is a capital one."""
    inflect: bool = True
    """Also look for plural forms (of `languages`, or English)."""


class Hit(NamedTuple):
    phrase: Phrase
    start: int
    """In the cleaned text."""
    end: int


class Matcher:
    """Finds phrases. Build once, use for every text; not picklable, so build it in the process that uses it."""

    def __init__(self, patterns: dict[bytes, list[Phrase]]) -> None:
        self._phrases = [tuple(found) for found in patterns.values()]
        self._open = [not pattern.endswith(b" ") for pattern in patterns]
        self._automaton = BytesAhoCorasick(list(patterns), implementation=Implementation.ContiguousNFA)
        self.size = len(patterns)

    @classmethod
    def build(cls, phrases: Iterable[Phrase]) -> Matcher:
        """Expand every phrase to its spellings. A phrase that ends in '*' matches any ending of its last word."""
        patterns: dict[bytes, list[Phrase]] = {}
        for phrase in phrases:
            for spelling in spellings(phrase):
                found = patterns.setdefault(spelling, [])
                if phrase not in found:
                    found.append(phrase)
        return cls(patterns)

    def find(self, text: str) -> dict[str, list[Hit]]:
        """Hits in a cleaned text by kind, in order of their end. Language is not looked at here."""
        out: dict[str, list[Hit]] = {}
        phrases = self._phrases
        for index, start, stop in self._automaton.find_matches_as_indexes(b" %b " % fold(text), True):
            end = stop - 1 if self._open[index] else stop - 2  # the folded text is one place to the right
            for phrase in phrases[index]:
                if phrase.case != "any":
                    if phrase.case == "capital":
                        if not text[start].isupper():
                            continue
                    elif text[start:end] != phrase.text:
                        continue
                hits = out.get(phrase.kind)
                if hits is None:
                    out[phrase.kind] = [Hit(phrase, start, end)]
                else:
                    hits.append(Hit(phrase, start, end))
        return out


def uncovered(hits: list[Hit], guards: list[Hit]) -> list[Hit]:
    """The hits that lie inside no guard. Time n log n in all hits together."""
    if not guards:
        return hits
    starts, furthest, reach = [], [], 0
    for start, end in sorted((guard.start, guard.end) for guard in guards):
        reach = max(reach, end)
        starts.append(start)
        furthest.append(reach)
    out = []
    for hit in hits:
        at = bisect_right(starts, hit.start) - 1
        if at < 0 or furthest[at] < hit.end:
            out.append(hit)
    return out


# ── spellings ────────────────────────────────────────────────────────────────────────────────────────────────

_SMALL_WORDS = words(
    "a al au aux con contre contra da das de del della delle dei des di do dos du e en et fur in la las le les los"
    " na no of on para pela pelo per por pour sem sin sur the to und y"
)


def spellings(phrase: Phrase) -> Iterator[bytes]:
    """Patterns of a phrase: hyphen and space variants, plural forms of its languages, the joined hashtag form."""
    raw, wild = (phrase.text[:-1], True) if phrase.text.endswith("*") else (phrase.text, False)
    seen: set[str] = set()
    for written in _written(raw):
        folded = " ".join(fold(written).decode().split())
        if not folded:
            continue
        forms = {folded}
        if not wild and phrase.case != "exact":
            for language in (phrase.languages or ("en",)) if phrase.inflect else ():
                forms.update(_inflected(folded, language))
            if " " in folded and len(folded) >= 9:
                forms.add(folded.replace(" ", ""))
        for form in sorted(forms - seen):
            seen.add(form)
            yield (f" {form}" if wild else f" {form} ").encode()


def _written(text: str) -> Iterator[str]:
    """The ways to write a phrase: 'tele-health' also stands for 'telehealth', "women's" for 'womens'."""
    out = [text]
    if any(char in text for char in _LIGATURES):
        out.append("".join(_LIGATURES.get(char, char) for char in text))
    for variant in list(out):
        if "-" in variant:
            out.append(variant.replace("-", ""))
        if "'" in variant:
            out.append(variant.replace("'", ""))
    yield from out


def _inflected(folded: str, language: str) -> Iterator[str]:
    plural = _PLURALS.get(language)
    if plural is None:
        return
    words = folded.split()
    last = words[-1]
    for form in plural(last):
        yield " ".join([*words[:-1], form])
    if len(words) > 1 and language in ("fr", "es", "it", "pt"):
        first = plural(words[0])
        for form in first:
            yield " ".join([form, *words[1:]])
        if words[-1] not in _SMALL_WORDS:
            for form in first:
                rest = [word if word in _SMALL_WORDS else plural(word)[0] for word in words[1:]]
                yield " ".join([form, *rest])
    if len(words) > 1 and language == "de" and words[0].endswith("e"):
        for ending in ("n", "r", "s", "m"):
            for form in (last, *plural(last)):
                yield " ".join([words[0] + ending, *words[1:-1], form])


def _plural_en(word: str) -> list[str]:
    if len(word) < 3 or word[-1].isdigit():
        return [word]
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return [word + "es"]
    if word.endswith("y") and word[-2] not in "aeiou":
        return [word[:-1] + "ies"]
    return [word + "s"]


def _plural_de(word: str) -> list[str]:
    if len(word) < 4:
        return [word]
    return (
        [word + ending for ending in ("n", "s") if not word.endswith(ending)]
        if word.endswith("e")
        else [word + ending for ending in ("e", "en", "er", "es", "s", "n")]
    )


def _plural_fr(word: str) -> list[str]:
    if len(word) < 3 or word.endswith(("s", "x", "z")):
        return [word]
    if word.endswith("al"):
        return [word[:-1] + "ux", word + "s"]
    if word.endswith(("eau", "eu")):
        return [word + "x"]
    return [word + "s"]


def _plural_es(word: str) -> list[str]:
    if len(word) < 3 or word.endswith("s"):
        return [word]
    if word.endswith("z"):
        return [word[:-1] + "ces"]
    return [word + "s"] if word[-1] in "aeo" else [word + "es"]


def _plural_pt(word: str) -> list[str]:
    if len(word) < 3 or word.endswith("s"):
        return [word]
    if word.endswith("ao"):
        return [word[:-2] + "oes", word + "s"]
    if word.endswith("m"):
        return [word[:-1] + "ns"]
    if word.endswith("l"):
        return [word[:-1] + "is"]
    return [word + "s"] if word[-1] in "aeiou" else [word + "es"]


def _plural_it(word: str) -> list[str]:
    if len(word) < 3 or word[-1] not in "aeo":
        return [word]
    if word.endswith(("ca", "ga")):
        return [word[:-1] + "he"]
    if word.endswith("co"):
        return [word[:-1] + "i", word[:-1] + "hi"]
    if word.endswith("a"):
        return [word[:-1] + "e", word[:-1] + "i"]
    if word.endswith("io"):
        return [word[:-1]]
    return [word[:-1] + "i"]


_PLURALS = {
    "en": _plural_en,
    "de": _plural_de,
    "fr": _plural_fr,
    "es": _plural_es,
    "pt": _plural_pt,
    "it": _plural_it,
}
