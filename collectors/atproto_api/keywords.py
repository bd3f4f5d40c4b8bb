"""Which posts of a stream a source is about: thousands of phrases looked for in one go."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from ahocorasick_rs import AhoCorasick, Implementation

_ASKED = re.compile(r'"([^"]*)"|(\S+)')
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'"})


def words_of(query: str) -> tuple[str, ...]:
    """What must all be in a post: words, and phrases in double quotes."""
    found = (phrase or word.replace('"', "") for phrase, word in _ASKED.findall(query))
    return tuple(one for one in (part.strip() for part in found) if one)


def plain(text: str) -> str:
    """As texts and phrases are compared: case and kinds of spaces do not count, accents do."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_APOSTROPHES)
    return " ".join(text.casefold().split())


def primary(language: Any) -> str:
    """'pt-BR' → 'pt'; empty if it is no language tag."""
    return language.replace("_", "-").partition("-")[0].lower() if isinstance(language, str) else ""


class Filter:
    """Build once a visit.

    Args:
        terms: each a set of phrases that must all be there; one such set is enough. None at all: every text is meant.
            A phrase that ends in '*' stands for every ending of its last word.
        accounts: DIDs; empty: everybody.
        languages: ISO 639-1, of which the post must declare one; empty: all, and posts that declare none.
    """

    def __init__(
        self, terms: Iterable[tuple[str, ...]], accounts: Iterable[str] = (), languages: Iterable[str] = ()
    ) -> None:
        self._accounts = frozenset(accounts)
        self._languages = frozenset(primary(one) for one in languages)
        phrases: dict[str, int] = {}  # phrase → its number; 'flu' and 'flu*' are two, with the same pattern
        self._groups: list[frozenset[int]] = []
        ends: list[tuple[str, bool, bool]] = []
        for term in terms:
            group = set()
            for phrase in term:
                wild = phrase.endswith("*") and len(phrase) > 1
                pattern = plain(phrase.removesuffix("*") if wild else phrase)
                if not pattern:
                    continue
                key = f"{pattern}*" if wild else pattern
                if key not in phrases:
                    phrases[key] = len(ends)
                    ends.append((pattern, _needs_edge(pattern[0]), not wild and _needs_edge(pattern[-1])))
                group.add(phrases[key])
            if group:
                self._groups.append(frozenset(group))
        self._ends = ends
        groups = set(self._groups)
        self._alone = [frozenset({number}) in groups for number in range(len(ends))]
        self._automaton = (
            AhoCorasick([pattern for pattern, _, _ in ends], implementation=Implementation.ContiguousNFA)
            if ends
            else None
        )

    def wants(self, did: str, record: Mapping[str, Any], raw: str | bytes) -> bool:
        """True if this record is meant. One whose text is no text is judged by the event as it came, `raw`."""
        if self._accounts and did not in self._accounts:
            return False
        text = record.get("text")
        if self._languages:
            langs = record.get("langs")
            if not isinstance(langs, list) or self._languages.isdisjoint(map(primary, langs)):
                return False
        if self._automaton is None:
            return True
        if not isinstance(text, str):
            return self.finds(raw if isinstance(raw, str) else raw.decode("utf-8", "replace"))
        tags = record.get("tags")
        if isinstance(tags, list) and tags:
            text = " ".join([text, *(f"#{tag}" for tag in tags)])
        return self.finds(text)

    def finds(self, text: str) -> bool:
        """True if one of the terms is in the text."""
        assert self._automaton is not None
        text = plain(text)
        hits = self._automaton.find_matches_as_indexes(text, overlapping=True)
        if not hits:
            return False
        found: set[int] = set()
        for number, start, end in hits:
            _, before, after = self._ends[number]
            if before and start and _in_word(text[start - 1]):
                continue
            if after and end < len(text) and _in_word(text[end]):
                continue
            if self._alone[number]:
                return True
            found.add(number)
        return any(group <= found for group in self._groups)


def _needs_edge(char: str) -> bool:
    """False for signs, and for letters of scripts that write words without spaces or with endings stuck to them."""
    return _in_word(char) and not _runs_on(ord(char))


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _runs_on(code: int) -> bool:
    return code >= 0xE00 and (
        code <= 0x109F  # Thai, Lao, Tibetan, Myanmar
        or 0x1780 <= code <= 0x17FF  # Khmer
        or 0x2E80 <= code <= 0x9FFF  # Chinese and Japanese
        or 0xAC00 <= code <= 0xD7AF  # Korean
        or 0xF900 <= code <= 0xFAFF
        or 0xFF66 <= code <= 0xFF9D
        or code >= 0x20000
    )
