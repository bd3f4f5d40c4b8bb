"""Why a time has no data, or not all: which sources were not observed then, and the reason of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from api.dashboard.words import day, joined
from monitor.core.charts import Bucket
from monitor.core.model import Observed, TrackedSource
from monitor.core.observed import MISSING_TOLERATED
from monitor.standing import status_of, why_lost

NAMED = 3
"""Sources or reasons that a cause names before it counts the rest."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A source and when it was observed, in order of time."""

    id: str
    name: str
    platform: str
    observed: Sequence[Observed]
    tracked: TrackedSource | None
    """None: nobody tracks it any more."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A source was not observed from `since` to `until`."""

    source: str
    name: str
    platform: str
    since: datetime
    until: datetime
    why: str
    begun: bool
    """False before the source was first observed: nothing was to be expected of it then."""


def missing(sources: Iterable[Seen], since: datetime, until: datetime) -> list[Missing]:
    """What was not observed between two moments, in order of sources and time."""
    found = []
    for one in sources:
        reached = since
        inside = [part for part in one.observed if part.until > since and part.since < until]
        for part in (*inside, Observed(until, until)):
            if part.since > reached:
                why, begun = _why(one, reached)
                found.append(Missing(one.id, one.name, one.platform, reached, part.since, why, begun))
            reached = max(reached, part.until)
    return found


def _why(one: Seen, moment: datetime) -> tuple[str, bool]:
    """Why a source was not observed at a moment, and whether it had been before."""
    earlier = [part for part in one.observed if part.until <= moment]
    if earlier and len(earlier) < len(one.observed):
        return why_lost(one.observed[len(earlier)].gap), True
    begun = bool(earlier)
    if not begun and one.observed:
        return f"not observed before {day(one.observed[0].since)}", False
    if one.tracked is None:
        return "no longer tracked", begun
    status = status_of(one.tracked)
    told = {
        "paused": "paused by you",
        "archive": "an archive that ends here" if begun else "an archive without dates of its own",
        "stopped": f"stopped: {one.tracked.state.stopped}",
        "waiting": "not visited yet",
        "failing": f"it fails: {one.tracked.state.error or 'no reason was recorded'}",
    }
    return told.get(status, "not visited since" if begun else "no visit has shown anything yet"), begun


def lasting(found: Iterable[Missing], buckets: Sequence[Bucket]) -> list[Missing]:
    """Without what is too short to make any bucket partial."""
    least = min((one.end - one.start for one in buckets), default=timedelta(0)) / MISSING_TOLERATED
    return [one for one in found if one.until - one.since > least]


def causes_of(buckets: Sequence[Bucket], found: Sequence[Missing]) -> dict[date, str]:
    """Start of each bucket that nobody observed → why, in words. `found` is of the sources in question."""

    @cache
    def cause(start: date, end: date) -> str:
        # a source that had not begun explains nothing where one that had is missing
        return (
            partly(start, end, found)
            or _summed(one for one in found if _touches(one, start, end))
            or "no source was asked"
        )

    return {one.start: cause(one.start, one.end) for one in buckets if one.status == "not_observed"}


def partly(start: date, end: date, found: Sequence[Missing]) -> str:
    """Which of the sources that had begun were missing for a part of a bucket, and why; empty if none was."""
    return _summed(one for one in found if one.begun and _touches(one, start, end))


def _summed(found: Iterable[Missing]) -> str:
    """Wire: paused by you; 4 sources: not observed before 3 July 2026."""
    by_reason: dict[str, dict[str, str]] = {}
    for one in found:
        by_reason.setdefault(one.why, {})[one.source] = one.name
    groups = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    parts = []
    for why, names in groups[:NAMED]:
        few = [*names.values()]
        who = joined(few) if len(few) <= NAMED else f"{len(few)} sources"
        parts.append(f"{who}: {why}")
    if len(groups) > NAMED:
        more = len({source for _, names in groups[NAMED:] for source in names})
        parts.append(f"{more} more for other reasons")
    return "; ".join(parts)


def _touches(one: Missing, start: date, end: date) -> bool:
    return one.since < midnight(end) and one.until > midnight(start)


def midnight(one: date) -> datetime:
    return datetime.combine(one, time(), UTC)


def counting(sources: Iterable[Seen], buckets: Sequence[Bucket], *, throughout: bool) -> set[str]:
    """Sources that were observed in any part of these buckets, or in (nearly) all of each of them."""
    if not buckets:
        return set()
    since, until = midnight(buckets[0].start), midnight(buckets[-1].end)
    if not throughout:
        return {one.id for one in sources if any(part.since < until and part.until > since for part in one.observed)}
    known = [*sources]
    return {one.id for one in known} - {one.source for one in lasting(missing(known, since, until), buckets)}
