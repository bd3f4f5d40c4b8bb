"""How a source fares, in the words of people. Builds on the one-word status that every surface shares. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.model import TrackedSource
from monitor.source_status import status_of

STATUSES = ("failing", "stopped", "waiting", "ok", "paused", "archive")
"""Worst first; what lists are sorted by."""
LATE = timedelta(hours=1)
"""A source that is due for longer than this is late: the service was off, or is short of time."""

_BLOCKED = frozenset({"http_401", "http_403", "http_451", "robots", "blocked", "refused"})


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


def standing(one: TrackedSource, now: datetime) -> Standing:
    """Paused wins over an old error; a source that never answered is never called healthy."""
    state, status = one.state, status_of(one)
    if status == "paused":
        return Standing(status, "Paused by you", None, "quiet", None)
    if status == "archive":
        return Standing(status, "Imported", "An archive; it is not asked for news.", "quiet", None)
    if status == "stopped":
        return Standing(status, "Stopped", state.stopped, "bad", None)
    if status == "waiting":
        return Standing(status, "Not checked yet", None, "wait", state.next_due)
    if status == "failing":
        code = state.error_code or ""
        if code in _BLOCKED:
            label = "Blocked by the site"
        elif "key" in code:
            label = "Needs access"
        else:
            label = "Failing"
        return Standing(status, label, state.error, "bad", state.next_due)
    if state.next_due is not None and now - state.next_due > LATE:
        return Standing(status, "Late", "It is due, but the service has not come round to it.", "wait", state.next_due)
    if state.last_new is None:
        return Standing(
            status, "Empty but reachable", "It answers, and has never shown a post.", "wait", state.next_due
        )
    return Standing(status, "On time", None, "good", state.next_due)
