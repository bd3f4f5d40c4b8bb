"""One word for how a source fares, the same on every surface, and slugs for new ones."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from monitor.core.model import TrackedSource


def status_of(one: TrackedSource) -> str:
    """paused, archive, stopped, waiting (never visited), failing or ok. Paused wins over an old error."""
    state = one.state
    if state.paused:
        return "paused"
    if one.source.collector == "archive":
        return "archive"
    if state.stopped:
        return "stopped"
    if state.last_try is None:
        return "waiting"
    return "failing" if state.failing_since else "ok"


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
