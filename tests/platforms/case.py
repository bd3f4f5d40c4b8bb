"""What the contract suite asks of every collector. A test module of a platform lists its cases in `CASES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from collectors.base import Source
from tests.platforms.serving import Platform

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Case:
    """One way to collect from a platform: a search, a timeline, a stream …"""

    name: str
    """'youtube search'; unique."""
    source: Source
    """As a user would configure it. Its id is 'it'; its address is the platform's own, never loopback."""
    platform: Callable[[Clock], Platform]
    """Makes a stand-in with posts enough for at least three pages (`page` answers) of the collector's usual size, or,
    where the platform never gives more than one page, `pages=1`. At its door the key below is right."""
    key: str | None = None
    """What TRENDMONITOR_KEY__<COLLECTOR> holds; None: it works without."""
    wrong_key: str | None = None
    """A key of the right shape that the platform refuses; None where there is no key. Must hold the letters
    'hush', which are then looked for in every message and log line. So must `key`."""
    keys: tuple[tuple[str, str], ...] = ()
    """Keys under other names than the collector's (platforms with several), right ones."""
    pages: int = 3
    """How many page answers one visit of the fresh stand-in takes at least."""
    drifts: bool = True
    """False where an item cannot come in an unknown shape."""
    throttles: bool = True
    """False where the platform has no way to say 'too often'."""
    deletes: bool = False
    """True if `remove_one` reaches us, by the next visit or by `review`."""
    engagement: bool = True
    """True if the platform tells counts; some of the stand-in's posts must then have counts that are missing, and
    some that are 0."""
