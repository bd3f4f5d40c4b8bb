"""A database of imported posts in which one thing is true: the share of videos rises, in every source alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from monitor.store import Store
from tests.support.archives import run_import, write_lines

SINCE = date(2025, 5, 12)
"""A Monday."""
WEEKS = 60
UNTIL = SINCE + timedelta(weeks=WEEKS)
SOURCES = tuple(f"channel-{number:02d}" for number in range(12))
PER_WEEK = 9
FROM, TO = 0.15, 0.45
"""Share of videos in the first week and in the last."""


def rising_archive() -> Iterator[dict[str, Any]]:
    """What the archive observed, and its records: seeded, so the same at each call."""
    yield {"coverage": [{"source": name, "since": str(SINCE), "until": str(UNTIL)} for name in SOURCES]}
    chance = random.Random(20260706)
    for name in SOURCES:
        for week in range(WEEKS):
            share = FROM + (TO - FROM) * week / (WEEKS - 1)
            for number in range(PER_WEEK):
                video = chance.random() < share
                moment = datetime.combine(SINCE, time(), UTC) + timedelta(weeks=week, hours=number * 18 + 1)
                yield {
                    "source": name,
                    "id": f"{week}-{number}",
                    "url": f"https://{name}.example/{week}/{number}",
                    "published_at": moment.isoformat(),
                    "title": f"Ward {name} {week} {number}",
                    "content_type": "video" if video else "news",
                    "engagement": {"views": 100 + number, "likes": number},
                }


def import_rise(folder: Path, template: Path) -> Path:
    """A SQLite database with those posts. `template` is a migrated, empty one."""
    database = folder / "trendmonitor.db"
    database.write_bytes(template.read_bytes())
    store = Store.open(f"sqlite:///{database}")
    try:
        report = run_import(store, write_lines(folder / "rise.jsonl", rising_archive()))
        assert report.imported == len(SOURCES) * WEEKS * PER_WEEK
    finally:
        store.close()
    return database
