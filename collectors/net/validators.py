"""What is remembered of one address between two visits, as a value that fits into a cursor.

Servers lie about ETags in both directions: some change them with every answer, some keep them while the content
changes, some answer 304 for ever. So a hash of the decoded body decides what is unchanged, and a 304 is believed only
for a while.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

BELIEVE_304_TIMES = 50
"""So many 304s in a row are believed at most."""
BELIEVE_304_FOR = timedelta(days=1)
"""After this long without a full answer, a 304 is checked (but not before a few 304s came in a row)."""
_FEW_304 = 3
BELIEVE_MOVE = 3
"""So many consistent visits make a permanent redirect believed."""
_LONGEST = 1024


def hash_body(body: bytes) -> str:
    """128 bits of SHA-256, as 32 hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()[:32]


def _fingerprint(url: httpx.URL) -> str:
    return hashlib.sha256(str(url).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Validators:
    """The state of conditional requests for one address. Immutable; every fetch returns the next one.

    Holds fingerprints instead of addresses (they may carry secrets), except for the target of a move.
    """

    url: str = ""
    """Fingerprint of the final address the tags belong to: they are never sent anywhere else."""
    place: str = ""
    """The same without the query: the body hash counts only there, since relative links depend on it."""
    etag: str | None = None
    """Verbatim, as Latin-1."""
    last_modified: str | None = None
    """Verbatim, as Latin-1."""
    body_hash: str | None = None
    not_modified: int = 0
    """304 answers in a row."""
    full_at: datetime | None = None
    """When a whole body last came."""
    lies: bool = False
    """The server was caught sending different bodies under one strong ETag: it is asked without conditions."""
    move: str | None = None
    """Where a permanent redirect leads to."""
    moves: int = 0
    """How many visits in a row saw that redirect."""

    @property
    def moved_to(self) -> str | None:
        """The new address, once it has been seen often enough to be believed."""
        return self.move if self.moves >= BELIEVE_MOVE else None

    def conditions(self, url: httpx.URL, now: datetime) -> dict[str, bytes]:
        """The conditional headers to send to `url`; empty if nothing is known or a whole answer is due."""
        if self.lies or self.body_hash is None or self.url != _fingerprint(url):
            return {}
        old = self.full_at is None or not timedelta(0) <= now - self.full_at < BELIEVE_304_FOR
        if self.not_modified >= BELIEVE_304_TIMES or (old and self.not_modified >= _FEW_304):
            return {}
        headers = {}
        if self.etag:
            headers["If-None-Match"] = self.etag.encode("latin-1")
        if self.last_modified:
            headers["If-Modified-Since"] = self.last_modified.encode("latin-1")
        return headers

    def same_body(self, url: httpx.URL, body_hash: str) -> bool:
        """True if this body came from this place last time."""
        return body_hash == self.body_hash and self.place == _fingerprint(url.copy_with(query=None))

    def after_304(self) -> Validators:
        return replace(self, not_modified=self.not_modified + 1)

    def after_body(
        self, url: httpx.URL, etag: bytes | None, last_modified: bytes | None, body_hash: str, now: datetime
    ) -> Validators:
        """The state after a whole body; `url` is the final address."""
        here = _fingerprint(url)
        tag = _verbatim(etag)
        same_tag = tag is not None and tag == self.etag and here == self.url
        # A weak tag may stay the same over small differences; a strong one promises identical bytes.
        caught = same_tag and not (tag or "").startswith("W/") and body_hash != self.body_hash
        return replace(
            self,
            url=here,
            place=_fingerprint(url.copy_with(query=None)),
            etag=tag,
            last_modified=_verbatim(last_modified),
            body_hash=body_hash,
            not_modified=0,
            full_at=now,
            lies=caught or (self.lies and same_tag),
        )

    def after_route(self, permanent: str | None) -> Validators:
        """Count a visit's permanent redirect; None if there was none, which ends any earlier one."""
        if permanent is None:
            return self if self.move is None else replace(self, move=None, moves=0)
        return replace(self, move=permanent, moves=min(self.moves, 999) + 1 if permanent == self.move else 1)

    def to_json(self) -> dict[str, Any]:
        """Only what is set; `from_json` reads it back."""
        full: dict[str, Any] = {
            "url": self.url,
            "place": self.place,
            "etag": self.etag,
            "last_modified": self.last_modified,
            "body_hash": self.body_hash,
            "not_modified": self.not_modified,
            "full_at": self.full_at.isoformat() if self.full_at else None,
            "lies": self.lies,
            "move": self.move,
            "moves": self.moves,
        }
        return {name: value for name, value in full.items() if value}

    @classmethod
    def from_json(cls, data: Any) -> Validators:
        """Reads what `to_json` wrote. Anything else, older or damaged, is left out: the worst is one full request."""
        if not isinstance(data, Mapping):
            return cls()
        texts = {name: data.get(name) for name in ("url", "place", "etag", "last_modified", "body_hash", "move")}
        texts = {name: text for name, text in texts.items() if isinstance(text, str) and text and _is_latin1(text)}
        return cls(
            url=texts.get("url") or "",
            place=texts.get("place") or "",
            etag=texts.get("etag"),
            last_modified=texts.get("last_modified"),
            body_hash=texts.get("body_hash"),
            not_modified=_count(data.get("not_modified")),
            full_at=_time(data.get("full_at")),
            lies=data.get("lies") is True,
            move=texts.get("move"),
            moves=_count(data.get("moves")),
        )


def _verbatim(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value and len(value) <= _LONGEST else None


def _is_latin1(text: str) -> bool:
    return all(" " <= char <= "\xff" for char in text)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _time(value: Any) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else None
