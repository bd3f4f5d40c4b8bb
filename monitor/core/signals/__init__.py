"""Signals of sudden change: which watched series left its baseline, and what became of it. See docs/signals.md."""

from monitor.core.signals.combine import BUDGET, detect
from monitor.core.signals.follow import COOLDOWN, Followed, acknowledge, follow, mute, signal_id
from monitor.core.signals.series import Alarm, Origin, Signal, WatchSeries

__all__ = [
    "BUDGET",
    "COOLDOWN",
    "Alarm",
    "Followed",
    "Origin",
    "Signal",
    "WatchSeries",
    "acknowledge",
    "detect",
    "follow",
    "mute",
    "signal_id",
]
