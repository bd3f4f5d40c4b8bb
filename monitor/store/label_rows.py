"""What people said of a post, in the row of the post. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from monitor.store.rows import StoredPost, to_json

CORRECTED = "corrected"
"""Key of the stored evidence: dimension → value, see `Evidence.corrected`."""
COLUMNS_OF = {
    "content_type": ("content_type", "subtype"),
    "audience": ("audience",),
    "topics": ("topics",),
    "language": ("language", "sentiment"),
    "country": ("country",),
    "live": ("live",),
    "sponsored": ("sponsored",),
}
"""dimension → what follows from it."""


def kept_corrections(old: StoredPost, new: StoredPost) -> StoredPost:
    """The new state of a known post, as it was collected again, with what people said of it.

    Whoever reads the post from its platform does not know of that. Where the language was corrected, an edited text
    keeps the earlier score until the next `retag`, to which it looks like one of an older version.
    """
    if f'"{CORRECTED}"' not in old.evidence:
        return new
    people = orjson.loads(old.evidence).get(CORRECTED)
    if not people:
        return new
    before, reasons = orjson.loads(old.reasons), orjson.loads(new.reasons)
    columns: dict[str, Any] = {}
    for dimension in people:
        columns |= {name: getattr(old, name) for name in COLUMNS_OF.get(dimension, ())}
        if dimension in before:
            reasons[dimension] = before[dimension]
    if "language" in people:
        columns["version"] = old.version if new.hash == old.hash else new.version - 1
    evidence = orjson.loads(new.evidence) | {CORRECTED: people}
    return new._replace(**columns, reasons=to_json(reasons), evidence=to_json(evidence))
