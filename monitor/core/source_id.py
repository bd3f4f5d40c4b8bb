"""Ids of sources: one rule, whoever makes the source (config/, API, command line, OPML or an archive)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from urllib.parse import urlsplit

RULE = "a-z, 0-9, dot, dash and underscore, beginning with a letter or digit, at most 80"
"""The rule in words, for messages."""
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_MADE = 60
"""Characters of an id that is made here; leaves room for a number."""
_ENDINGS = re.compile(r"\.(xml|rss|atom|json)$|/(feed|rss|atom)/?$", re.IGNORECASE)


def is_source_id(text: str) -> bool:
    """True if `text` may be the id of a source. It then needs no quoting in URLs, CSV columns or comma lists."""
    return _ID.fullmatch(text) is not None


def slug(text: str) -> str:
    """The nearest plain id: lower case letters, digits and single dashes; empty if nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_MADE].strip("-")


def slug_for(url: str, *, taken: Collection[str]) -> str:
    """A stable id from the host and path of an address, unlike all in `taken`."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    made = slug(f"{host} {_ENDINGS.sub('', parts.path)}") or "source"
    chosen, number = made, 2
    while chosen in taken:
        chosen, number = f"{made}-{number}", number + 1
    return chosen
