"""Posts that were tagged by the real rules, and a service that takes labels of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.labels import Labels
from monitor.retag import mark
from monitor.store import Store
from tests.support.archives import CONFIG, RECIPE, record, run_import, write_lines

NOW = datetime(2026, 7, 6, 12, 0, tzinfo=UTC)


def import_posts(store: Store, folder: Path, *changes: Mapping[str, Any]) -> None:
    """Posts p0, p1, … of the source `wire`; each mapping changes one record."""
    run_import(store, write_lines(folder / "posts.jsonl", [record(n, **one) for n, one in enumerate(changes)]))


def labels_of(store: Store) -> Labels:
    """Its clock goes on by a minute with every look."""
    minutes = iter(range(10_000))
    return Labels(
        store,
        recipe=lambda: RECIPE,
        mark=lambda: mark(CONFIG.taxonomy, CONFIG.lexicon),
        config=lambda: CONFIG,
        clock=lambda: NOW + timedelta(minutes=next(minutes)),
    )
