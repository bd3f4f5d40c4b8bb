"""What is known + what came → what to write. Pure; the last thought before a commit."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from collectors.base import CollectError, Gone, Page, Source, Stretch
from monitor.core import rhythm
from monitor.core.coverage import observe_page, observe_stretch, observe_unchanged
from monitor.core.model import Known, Observed, SourceState, Visit, Write

if TYPE_CHECKING:  # the taggers behind it are slow to load, and most commands tag nothing
    from monitor.core.reading import Reading

OFFLINE = "offline"
"""Outcome of visits that failed because this machine had no network."""
UNREACHED = frozenset({"dns", "connect", "timeout_connect"})
"""Codes of failures before a word was exchanged: the other side's fault, or ours."""
NOBODY_ASKED = frozenset({"private_address", "bad_url", "bad_request", "archive_only", "unknown_collector"})
"""Codes of failures that say nothing about the network, because nothing was sent."""
OFFLINE_FROM = 5
"""So many sources that all could not be reached …"""
OFFLINE_HOSTS = 3
"""… on so many hosts: then it is us."""


def write_page(source: Source, known: Known, page: Page, reading: Reading) -> Write:
    """The transaction of one page that held something to read.

    A collector that knows what it has shown says so; of a feed it is told by overlap with what is stored.
    An emptied page leaves cursor and coverage where they were: were its validators kept, the next 'unchanged' would
    vouch for the time before it.
    """
    if page.observed is None:
        observed: Observed | None = observe_page(known, reading.seen, page.fetched_at)
    else:
        observed = _told(known, page)
    return Write(
        source=source.id,
        at=page.fetched_at,
        posts=reading.posts,
        engagement=reading.engagement,
        deleted=reading.deleted,
        deleted_prefixes=reading.gone,
        set_aside=reading.set_aside,
        confirmed=page.confirmed,
        observed=observed,
        cursor=None if observed is not None and observed.gap == "emptied" else page.resume,
    )


def _told(known: Known, page: Page) -> Observed | None:
    return observe_stretch(known, page.observed, page.fetched_at) if isinstance(page.observed, Stretch) else None


def write_unchanged(source: Source, known: Known, page: Page) -> Write:
    """The transaction of a page that is as it was: only coverage and cursor move."""
    observed = observe_unchanged(known, page.fetched_at) if page.observed is None else _told(known, page)
    return Write(source=source.id, at=page.fetched_at, observed=observed, cursor=page.resume, confirmed=page.confirmed)


@dataclass(slots=True)
class Tally:
    """What the pages of one visit add up to; filled as they come, turned into a Visit at the end."""

    started: datetime
    pages: int = 0
    bytes: int = 0
    new: int = 0
    changed: int = 0
    rejected: int = 0
    rejected_why: str | None = None
    changed_pages: int = 0
    items: int = 0
    dates: list[datetime] = field(default_factory=list)
    repairs: dict[str, int] = field(default_factory=dict)
    asked: timedelta | None = None
    moved_to: str | None = None
    gap: str | None = None

    def add(self, page: Page, reading: Reading | None, write: Write) -> None:
        self.pages += 1
        self.bytes += len(page.body or b"")
        self._ask(page.poll_after)
        self.moved_to = page.moved_to or self.moved_to
        gap = write.observed.gap if write.observed else None
        # what a collector says last holds: its earlier pages were on their way
        self.gap = gap if isinstance(page.observed, Stretch) else gap or self.gap
        if reading is None:
            return
        self.changed_pages += 1
        self.new += reading.new
        self.changed += len(reading.posts) - reading.new
        self.rejected += reading.rejected
        self.rejected_why = self.rejected_why or reading.rejected_why
        self.items += len(reading.seen)
        self.dates.extend(published for _, published in reading.seen if published is not None)
        self._ask(reading.facts.poll_after)
        for kind, count in reading.repairs.items():
            self.repairs[kind] = self.repairs.get(kind, 0) + count

    def _ask(self, wish: timedelta | None) -> None:
        if wish is not None:
            self.asked = max(self.asked or wish, wish)


def succeeded(source: Source, state: SourceState, tally: Tally, now: datetime, rng: random.Random) -> Visit:
    """The record of a visit that worked, and when to come back."""
    spacing = rhythm.spacing_of(state.spacing, tally.dates, now)
    due = rhythm.after_success(
        now,
        every=source.every,
        spacing=spacing,
        page_length=tally.items,
        asked=tally.asked,
        overflowed=tally.gap == "overflow",
        rng=rng,
    )
    return Visit(
        source=source.id,
        started=tally.started,
        finished=now,
        outcome="new" if tally.new else "nothing_new" if tally.changed_pages else "unchanged",
        message=_remarks(tally),
        ok=True,
        bytes=tally.bytes,
        new=tally.new,
        changed=tally.changed,
        rejected=tally.rejected,
        repairs=tally.repairs,
        next_due=due,
        failures=0.0,
        spacing=spacing,
        new_url=tally.moved_to,
    )


def failed(
    source: Source, state: SourceState, tally: Tally, error: CollectError, now: datetime, rng: random.Random
) -> Visit:
    """The record of a visit that failed, and when to try again. Only 410 stops a source."""
    due, failures = rhythm.after_failure(now, error, state.failures, every=source.every, spacing=state.spacing, rng=rng)
    return Visit(
        source=source.id,
        started=tally.started,
        finished=now,
        outcome=error.code,
        message=str(error),
        ok=False,
        bytes=tally.bytes,
        new=tally.new,
        changed=tally.changed,
        rejected=tally.rejected,
        repairs=tally.repairs,
        next_due=due,
        failures=failures,
        spacing=state.spacing,
        stopped=f"410 Gone: {error}" if isinstance(error, Gone) else None,
    )


def offline(source: Source, state: SourceState, tally: Tally, now: datetime, rng: random.Random) -> Visit:
    """The record of a visit that our own network failed: not held against the source, and tried again soon."""
    return Visit(
        source=source.id,
        started=tally.started,
        finished=now,
        outcome=OFFLINE,
        message="No source could be reached, so this machine has no way out: check its network, proxy and name "
        "service. All sources are tried again within minutes.",
        ok=False,
        next_due=rhythm.after_offline(now, rng),
        failures=state.failures,
        spacing=state.spacing,
    )


def is_our_network(hosts: Collection[str]) -> bool:
    """True if these hosts, one for each source of a batch of which *all* could not be reached, blame this machine."""
    return len(hosts) >= OFFLINE_FROM and len(set(hosts)) >= OFFLINE_HOSTS


def _remarks(tally: Tally) -> str | None:
    remarks: list[str] = []
    if tally.gap:
        remarks.append(GAPS[tally.gap])
    if tally.rejected:
        remarks.append(f"{tally.rejected} item(s) could not be used ({tally.rejected_why}).")
    if tally.moved_to:
        remarks.append(f"The address moved to {tally.moved_to}.")
    return " ".join(remarks) or None


GAPS: Mapping[str, str] = {
    "overflow": "Posts were published and pushed out between two visits; that time counts as not observed.",
    "emptied": "The source shows none of its former items; until some come back it counts as not observed.",
    "cut off": "The visit was cut off before it reached what is stored; the time between counts as not observed until "
    "a later visit reaches it.",
    "budget": "The budget of this source ended the visit; older posts count as not observed.",
    "lost cursor": "The platform could not continue where we left; the time between counts as not observed.",
}
