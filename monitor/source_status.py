"""Slugs for new sources."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit


def slug_for(url: str, *, taken: Collection[str]) -> str:
    """A stable short name from an address, unlike all in `taken`."""
    parts = urlsplit(url)
    host = (parts.hostname or "source").removeprefix("www.")
    path = re.sub(r"\.(xml|rss|atom|json)$|/(feed|rss|atom)/?$", "", parts.path, flags=re.IGNORECASE)
    slug = re.sub(r"[^a-z0-9]+", "-", f"{host} {path}".lower()).strip("-")[:60].strip("-") or "source"
    name, number = slug, 2
    while name in taken:
        name = f"{slug}-{number}"
        number += 1
    return name
