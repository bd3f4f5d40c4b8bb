"""A service with something on every page: generated posts of a few sources, an issue of the digest, signals, verdicts.

The posts are not marked as generated, because forms that write are closed in such a database.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from collectors.base import Source
from monitor import demo
from monitor.archive import import_file
from monitor.bootstrap import Services
from monitor.core.model import Visit
from monitor.settings import Settings
from tests.api.digest_service import keep, signal

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""A Wednesday."""
KEPT = (0, 2, 5, 12, 17)
"""Of the generated sources; 12 has gaps."""


def services_of(home: Path) -> Services:
    """Over a home that may be filled already, with the project's own config/."""
    settings = Settings(home=home, config=Path("config"), collect_workers=0)
    made = Services(settings, clock=lambda: NOW)
    made.last_tick = NOW - timedelta(seconds=20)
    return made


def fill(home: Path) -> None:
    services = services_of(home)
    services.apply()
    plans = [one for one in demo.plans() if int(one.source.id.rsplit("-", 1)[1]) in KEPT]
    for plan in plans:
        services.store.add_source(plan.source, NOW - timedelta(days=700))
    services.store.add_source(
        Source("sick", "feed", "web", "https://sick.example/feed", "Sick feed"), NOW - timedelta(days=9)
    )
    services.store.record_visit(
        Visit("sick", NOW - timedelta(hours=3), NOW - timedelta(hours=3), "http_404", ok=False, failures=2.0,
              message="sick: nothing is at this address (404). Check it.", next_due=NOW + timedelta(hours=5))
    )  # fmt: skip
    path = home / "posts.jsonl"
    names = {one.source.id for one in plans}
    _write(path, names)
    import_file(
        path, store=services.store, recipe=services.recipe, reject_dir=home / "rejects", clock=services.clock, workers=0
    )
    services.ledger.refresh()
    keep(
        services,
        signal(now=NOW),
        signal("fedcba9876543210", now=NOW, key="content_type=video", state="over", direction="down", observed=3),
    )
    asyncio.run(services.digests.send("weekly"))
    services.close()


def _write(path: Path, names: set[str]) -> None:
    """What the demonstration would hold of these sources."""
    whole = path.with_name("whole.jsonl")
    demo.write_archive(whole, NOW)
    with whole.open("rb") as lines, path.open("wb") as kept:
        head = orjson.loads(next(lines))
        kept.write(orjson.dumps({"coverage": [one for one in head["coverage"] if one["source"] in names]}) + b"\n")
        for line in lines:
            if orjson.loads(line)["source"] in names:
                kept.write(line)
    whole.unlink()
