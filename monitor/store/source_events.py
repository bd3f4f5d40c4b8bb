"""What is told when a tracked source begins, changes or ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monitor.store.events import Event, happened

WORDS: Mapping[str, str] = {
    "collector": "collector",
    "platform": "platform",
    "url": "address",
    "content_type": "content type",
    "audience": "audience",
    "country": "country",
    "language": "language",
    "options": "options",
}
"""The facts on which it depends what posts a source brings and how they are tagged, in words."""


def added(source: str, at: datetime) -> Event:
    return happened("source_added", at, f"{source} is tracked from now on.", source=source)


def changed(source: str, at: datetime, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Event]:
    """One event for all facts of `WORDS` that differ; none if none does. Facts missing in both are the same."""
    detail = {
        field: [_shown(field, old.get(field)), _shown(field, new.get(field))]
        for field in WORDS
        if old.get(field) != new.get(field)
    }
    if not detail:
        return []
    what = ", ".join(WORDS[field] for field in detail)
    return [happened("source_changed", at, f"{source} changed: {what}.", source=source, detail=detail)]


def paused(source: str, at: datetime) -> Event:
    return happened("source_paused", at, f"{source} was paused by a person.", source=source)


def resumed(source: str, at: datetime) -> Event:
    return happened("source_resumed", at, f"{source} is visited again.", source=source)


def stopped(source: str, at: datetime, why: str) -> Event:
    return happened("source_stopped", at, f"{source} is not visited any more: {why}.", source=source)


def retired(source: str, at: datetime) -> Event:
    return happened("source_retired", at, f"{source} is no longer declared in config/; its posts stay.", source=source)


def removed(source: str, at: datetime, *, purge: bool) -> Event:
    if purge:
        says, detail = f"{source} was removed with all its posts.", {"purged": True}
    else:
        says, detail = f"{source} was removed; its posts stay.", {}
    return happened("source_retired", at, says, source=source, detail=detail)


def _shown(field: str, value: Any) -> Any:
    if field != "url" or value is None:
        return value
    # Late, because it loads the whole HTTP client, and few commands ever record an event.
    from collectors.net.urls import redact

    return redact(value)
