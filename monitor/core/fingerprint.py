"""Fingerprints of texts: which posts are copies of one text, and whether a post was edited.

`duplicate_keys` is locality-sensitive hashing: MinHash over shingles of three words, banded, so that near-identical
texts probably share a key and different ones practically never do. A teaser and the whole story share a key made of
headline and opening. What wire services and web sites wrap around a text is taken off first: "- Outlet" behind a
headline, datelines, links, "The post … appeared first on …".

Keys are stored for years and compared between machines, so nothing here depends on the process, the platform or a
library's choice of hash, nor on the Python version except for characters that are new to Unicode: words are hashed with
BLAKE2b, everything after is arithmetic modulo 2^32 and 2^64 with fixed constants. Changing any of it needs a new
tagging version and a re-tag.

Method: A. Broder, "On the resemblance and containment of documents", 1997; P. Indyk and R. Motwani, 1998 (banding).
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

FEWEST_WORDS: Final = 8
"""Shorter texts have no keys: "Happy World Health Day" is not a copy of anything."""
SHINGLED_FROM: Final = 20
"""Shorter texts have one key, equal only if all their words are: a few shared phrases weigh too much in them."""
READ_CHARACTERS: Final = 3_000
"""Only the beginning of longer texts counts; it bounds the cost, and copies have it in common."""

_BANDS: Final = 5
_ROWS: Final = 4
_LEAD_WORDS: Final = 20
_LEAD_TITLE: Final = 4
_SIZE: Final = 4
_CACHED_TOKENS: Final = 40_000
_CACHED_LENGTH: Final = 32

_LINK: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_APPEARED: Final = re.compile(r"The post .{1,300}? appeared first on .{1,120}$", re.DOTALL)
_MONTH: Final = re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.? \d")
_SHOUTED: Final = re.compile(r"[A-Z]{3,}")
_DATELINE_ENDS: Final = (" -- ", " — ", " – ", " - ", "--", "—")
_DATELINE_LENGTH: Final = 130
_OUTLET: Final = re.compile(r"\s[-–—|·]\s+[^-–—|·]{1,40}$")
_OUTLET_LEAVES: Final = 5
_SPELLINGS: Final = (("\xa0", " "), ("’", "'"), ("‘", "'"), ("–", " "), ("—", " "), ("…", " "), ("“", " "), ("”", " "))
# Scripts written without blanks: each character is taken as a word.
_UNSPACED: Final = re.compile("([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])")
# What makes the words of a whole text others than those of its parts between blanks: these scripts, which count as
# unspaced by their share in the text, and blanks of typography, which part no words here.
_WHOLE: Final = re.compile(
    "[\x85\u0e00-\u0eff\u1000-\u109f\u1680\u1780-\u17ff\u2000-\u200a\u2028\u2029\u202f\u205f\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
)

_KEPT: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789") | frozenset(range(128, 256))
_PLAIN: Final = bytes(byte if byte in _KEPT else 32 for byte in bytes(range(256)).lower())
"""Byte by byte: ASCII letters lower case, ASCII punctuation a blank, UTF-8 sequences as they are."""


def _constants(name: str, count: int) -> npt.NDArray[np.uint64]:
    """Fixed odd multipliers, the same everywhere."""
    digests = (blake2b(f"{name} {i}".encode(), digest_size=8).digest() for i in range(count))
    return np.array([int.from_bytes(digest, "little") | 1 for digest in digests], dtype=np.uint64)


_STEP: Final = _constants("step", 1).astype(np.uint32)[0]
_SCALE: Final = _constants("scale", _BANDS * _ROWS).astype(np.uint32).reshape(-1, 1)
_SHIFT: Final = _constants("shift", _BANDS * _ROWS).astype(np.uint32).reshape(-1, 1)
_ROW: Final = _constants("row", _BANDS * _ROWS).reshape(_BANDS, _ROWS)


def _signed(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little", signed=True)


class _TokenHashes(dict[str, bytes]):
    """What stands between blanks → four bytes of hash for each word in it; filled on first sight and emptied when full.

    Most of the tokens of a text were met before, so that most of hashing is one look-up each.
    """

    __slots__ = ()

    def __missing__(self, token: str) -> bytes:
        value = _hash_token(token)
        if len(token) <= _CACHED_LENGTH:
            if len(self) >= _CACHED_TOKENS:
                self.clear()
            self[token] = value
        return value


def _hash_word(word: bytes) -> bytes:
    if not word.isascii():
        text = unicodedata.normalize("NFKC", word.decode("utf-8", "surrogatepass")).casefold()
        word = "".join(filter(str.isalnum, text)).encode("utf-8", "surrogatepass")
    return blake2b(word, digest_size=_SIZE).digest() if word else b""


_TOKEN_HASHES: Final = _TokenHashes()


def _hashes(text: str, tokens: list[str]) -> bytes:
    """Four bytes per word of a text, in order. Case, punctuation, apostrophes and links don't count.

    `tokens` is `text.split()`.
    """
    if "http" in text or "www." in text:
        text = _LINK.sub(" ", text)
        tokens = text.split()
    if not text.isascii() and _WHOLE.search(text):
        tokens = _words_of_whole(text)
    return b"".join(map(_TOKEN_HASHES.__getitem__, tokens))


def _hash_token(token: str) -> bytes:
    words = _respelled(token).encode("utf-8", "surrogatepass").translate(_PLAIN, b"'").split()
    return b"".join(map(_hash_word, words))


def _words_of_whole(text: str) -> list[str]:
    text = _respelled(text)
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > 1.3 * len(text):
        data = _UNSPACED.sub(r" \1 ", text).encode("utf-8", "surrogatepass")
    return data.translate(_PLAIN, b"'").decode("utf-8", "surrogatepass").split(" ")


def _respelled(text: str) -> str:
    if not text.isascii():
        for typographic, plain in _SPELLINGS:
            text = text.replace(typographic, plain)
    return text


def _without_outlet(title: str) -> str:
    """'Headline - Outlet' → 'Headline', as long as a headline is left."""
    match = _OUTLET.search(title)
    if match is None or len(title[: match.start()].split()) < _OUTLET_LEAVES:
        return title
    return title[: match.start()]


def _without_dateline(text: str) -> str:
    """Drop 'LONDON, Nov. 22, 2026 /PRNewswire/ --' and its like from the beginning."""
    head = text[:_DATELINE_LENGTH]
    for separator in _DATELINE_ENDS:
        before, found, _ = head.partition(separator)
        if not found:
            continue
        if _SHOUTED.match(before.lstrip()) or "(" in before or "/" in before or _MONTH.search(before):
            return text[len(before) + len(separator) :]
    return text


def duplicate_keys(title: str, text: str, words: list[str] | None = None) -> tuple[int, ...]:
    """Signed 64-bit keys. Two posts that share any are copies of one text, or near-identical; empty: too short to say.

    Texts whose three-word shingles overlap by a share J have a key in common with probability 1 - (1 - J^4)^5: 0.995
    for J = 0.9, 0.93 for 0.8, 0.27 for 0.5, 0.008 for 0.2. It does not see through translation or paraphrase, and
    takes posts that are mostly one template (the same show notes every week) for copies.

    `words` is `text.split()`, if the caller has it already.
    """
    body = _without_dateline(text[:READ_CHARACTERS].lstrip())
    if "appeared first on" in body:
        body = _APPEARED.sub("", body.rstrip())
    bare = _without_outlet(title[:READ_CHARACTERS].strip())
    headline = _hashes(bare, bare.split())
    # What was taken off made it shorter; the same length is the same text
    hashes = _hashes(body, words if words is not None and len(body) == len(text) else body.split())
    if headline and hashes.startswith(headline):
        hashes = hashes[len(headline) :]  # many feeds open the text with its title
    every = headline + hashes
    if len(every) < FEWEST_WORDS * _SIZE:
        return ()
    if len(every) < SHINGLED_FROM * _SIZE:
        return (_signed(b"all" + every),)
    keys = _band_keys(every)
    if len(headline) >= _LEAD_TITLE * _SIZE and len(hashes) >= _LEAD_WORDS * _SIZE:
        keys.append(_signed(b"lead" + headline + b"/" + hashes[: _LEAD_WORDS * _SIZE]))
    return tuple(dict.fromkeys(keys))


def _band_keys(hashes: bytes) -> list[int]:
    words = np.frombuffer(hashes, dtype="<u4")
    shingles = (words[:-2] * _STEP + words[1:-1]) * _STEP + words[2:]
    # Words are hashed evenly, so linear functions of them order shingles as random permutations would.
    least = (_SCALE * shingles + _SHIFT).min(axis=1).reshape(_BANDS, _ROWS)
    keys: list[int] = (least * _ROW).sum(axis=1, dtype=np.uint64).view(np.int64).tolist()
    return keys


def content_hash(title: str, text: str, url: str | None) -> int:
    """Signed 64-bit hash of what a reader would see: title, text and address. Any change of a character changes it."""
    head = f"{len(title)} {len(text)} {'-' if url is None else '+'}"
    data = f"{head}{title}{text}{url or ''}".encode("utf-8", "surrogatepass")
    return _signed(data)
