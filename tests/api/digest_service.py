"""A filled service with a digest of config/, for tests of digests and signals."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.bootstrap import Services
from monitor.core.buckets import day_number
from monitor.core.signals.series import Signal
from tests.api.support import NOW, PLATFORMS, SOURCES, TOPIC, make_services

DECLARED = """
digests:
  - id: declared
    title: The declared one
    schedule: weekly on monday 08:00 Europe/Berlin
    channels: [{kind: file}, {kind: atom}]
"""
MADE = {
    "id": "vaccines",
    "title": "Vaccines <this> week",
    "schedule": "weekly on monday 08:00 UTC",
    "filters": {"audience": ["nurses", "other"], "content_type": "news"},
    "channels": [{"kind": "file", "to": ["news"], "options": {"formats": ["html", "json"]}}],
    "grace": "2d",
}


def write_config(directory: Path) -> Path:
    (directory / "taxonomy").mkdir(parents=True)
    (directory / "platforms.yaml").write_text(PLATFORMS)
    (directory / "sources.yaml").write_text(SOURCES)
    (directory / "digests.yaml").write_text(DECLARED)
    (directory / "taxonomy" / "telehealth.yaml").write_text(TOPIC)
    return directory


def digest_services(filled: Path, directory: Path, **settings: Any) -> Services:
    """A copy of the filled home at `directory`, with a digest in its config/."""
    home = directory / "home"
    home.mkdir()
    for file in filled.glob("trendmonitor.db*"):
        (home / file.name).write_bytes(file.read_bytes())
    made = make_services(home, write_config(directory / "config"))
    made.settings = made.settings.model_copy(update=settings)
    return made


def signal(name: str = "0123456789abcdef", *, now: datetime = NOW, **changes: Any) -> Signal:
    """A rise of nurses' posts that began four days ago."""
    begin = day_number(now) - 4
    given: dict[str, Any] = {
        "id": name,
        "key": "audience=nurses",
        "size": "day",
        "direction": "up",
        "state": "open",
        "since": begin,
        "last": begin + 2,
        "observed": 24,
        "expected": 8.25,
        "low": 3.0,
        "high": 14.5,
        "figures_since": begin,
        "peak": 3.5,
        "p": 1.25e-6,
        "detectors": ("share", "count"),
        "settings": {"alpha": 1e-5, "budget": 1.0, "width": 3},
        "opened_at": now - timedelta(days=3),
        "updated_at": now - timedelta(days=1),
        "n_sources": 2,
        "top_source_share": 0.625,
        "copies_only": False,
    }
    return Signal(**{**given, **changes})


def keep(services: Services, *signals: Signal) -> None:
    """Store them as the watch does."""
    told = {one.id: services.signal_watch.says(one) for one in signals}
    services.store.signals.save(signals, (), (), told, NOW)
