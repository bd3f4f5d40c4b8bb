"""How a source fares: one word for programs, a label and a reason for people, the same on every surface. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.decide import OFFLINE
from monitor.core.model import TrackedSource

STATUSES = ("failing", "stopped", "waiting", "ok", "paused", "archive")
"""Worst first; what lists are sorted by."""
LATE = timedelta(hours=1)
"""A source that is due for longer than this is late: the service was off, or is short of time."""

_BLOCKED = frozenset({"http_401", "http_403", "http_451", "robots", "blocked_by_publisher"})


_LOST = {
    "overflow": "more was posted between two visits than its page shows",
    "emptied": "its page was empty for a while",
    "cut off": "the visit was cut off before it reached what is stored",
    "budget": "the budget of this source ended the visit",
    "lost cursor": "the place to go on from was lost",
    "declared": "its archive declares a gap here",
}


@dataclass(frozen=True, slots=True)
class Standing:
    status: str
    label: str
    """The status in sentence case, finer than the status: 'Blocked by the site'."""
    reason: str | None
    tone: str
    """good, bad, wait or quiet: how to dress the label."""
    next_try: datetime | None
    """None if it will not be tried by itself."""


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


def why_lost(reason: str | None) -> str:
    """The reason of a gap in a source's coverage, as people read it. Not the words for a visit that failed."""
    return "no reason was recorded" if reason is None else _LOST.get(reason, reason)


def is_late(one: TrackedSource, now: datetime) -> bool:
    """True if it should have been visited more than an hour ago."""
    due = one.state.next_due
    return status_of(one) in ("ok", "failing") and due is not None and now - due > LATE


def standing(one: TrackedSource, now: datetime) -> Standing:
    """Paused wins over an old error; a source that never answered is never called healthy."""
    state, status = one.state, status_of(one)
    if status == "paused":
        return Standing(status, "Paused by you", None, "quiet", None)
    if status == "archive":
        return Standing(status, "Imported", "An archive; it is not asked for news.", "quiet", None)
    if status == "stopped":
        return Standing(status, "Stopped", state.stopped, "bad", None)
    if status == "waiting" and not one.source.url:
        return Standing(status, "Needs its address", "Nobody has found a public address of it yet.", "wait", None)
    if status == "waiting":
        return Standing(status, "Not checked yet", None, "wait", state.next_due)
    if status == "failing":
        if state.error_code == OFFLINE:
            return Standing(status, "No network here", state.error, "wait", state.next_due)
        return Standing(status, _label(state.error_code or ""), state.error, "bad", state.next_due)
    if is_late(one, now):
        return Standing(status, "Late", "It is due, but the service has not come round to it.", "wait", state.next_due)
    if state.last_new is None:
        return Standing(
            status, "Empty but reachable", "It answers, and has never shown a post.", "wait", state.next_due
        )
    return Standing(status, "On time", None, "good", state.next_due)


def _label(code: str) -> str:
    if code in _BLOCKED:
        return "Blocked by the site"
    return "Needs access" if "key" in code else "Failing"
