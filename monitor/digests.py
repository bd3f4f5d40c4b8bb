"""Digests as a service: what is due is composed once, kept, and sent until every channel has answered.

What to compose and how to render it comes from outside; here is when, for which period, and what happens if the service
was down. Several processes may work on one database: an issue is kept by its run, and sent by whoever holds it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from typing import Any

import structlog

from monitor.core.digest import DigestSpec, Message
from monitor.core.schedule import Schedule, ScheduleError, parse_schedule
from monitor.deliver.base import Channel, DeliverySettings, Receipt
from monitor.deliver.trial import trial_message
from monitor.digest_sending import Sender, Sent
from monitor.store.digests import IssueRecord, NewIssue, StoredDigest
from monitor.store.errors import AlreadyExists, OwnedByConfig
from monitor.store.store import Store

log = structlog.get_logger(__name__)

Compose = Callable[[DigestSpec, datetime, datetime, datetime, "Mapping[str, Any] | None"], Mapping[str, Any]]
"""(spec, since, until, now, document of the issue before or None) → document."""
Render = Callable[[DigestSpec, Mapping[str, Any], "int | None"], Message]
"""(spec, document, number of the issue or None) → message; its key is replaced."""

CATCH_UP = 3
"""Of the runs that were missed, at most so many latest ones are caught up; a reader wants no heap of old issues."""
CLOCK_SLACK = timedelta(hours=1)
"""A schedule that was worked off further ahead than this was so by a clock that ran ahead."""
_COUNTED = 1_000


class UnknownDigest(LookupError):
    """There is no such digest; the message names what there is."""


class UnknownIssue(LookupError):
    """The digest has no such issue, or none that could be shown."""


class InvalidDigest(ValueError):
    """The digest can't work. `problems` says of each thing what is wrong and what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one look at the clock brought."""

    new: tuple[IssueRecord, ...] = ()
    """Issues that were composed now, quiet ones and reports of missed runs among them."""
    sent: Sent = field(default_factory=Sent)
    troubles: Mapping[str, str] = field(default_factory=dict)
    """Digest id → why its run could not be composed; it is tried again."""


class Digests:
    """All digests of one database. `declared` are those of config/; `clock` tells the present moment, aware UTC."""

    def __init__(
        self,
        store: Store,
        *,
        declared: Sequence[DigestSpec],
        compose: Compose,
        render: Render,
        channels: Mapping[str, Channel],
        settings: DeliverySettings,
        clock: Callable[[], datetime],
        rng: random.Random | None = None,
        http: Callable[[], object] | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._store = store
        self._records = store.digests
        self._declared = {spec.id: spec for spec in declared}
        self._compose = compose
        self._render = render
        self._channels = channels
        self._settings = settings
        self._clock = clock
        self._sender = Sender(
            store=store,
            channels=channels,
            settings=settings,
            clock=clock,
            message=self.message,
            secret=cache(store.author_key),
            rng=rng or random.Random(),  # noqa: S311 - jitter of waiting times, not a secret
            http=http,
            timeout=timeout,
        )

    # What is asked for

    def specs(self) -> list[DigestSpec]:
        """By id: those of config/, and those made at run time whose ids config/ does not use."""
        stored = {one.spec.id: one for one in self._records.listed()}
        made = {name: one.spec for name, one in stored.items() if not one.spec.declared}
        paused = {name for name, one in stored.items() if one.spec.paused}
        found = {**made, **self._declared}
        return [replace(found[name], paused=name in paused) for name in sorted(found)]

    def spec(self, digest_id: str) -> DigestSpec:
        """Raises UnknownDigest, which names those that are spelt alike."""
        specs = {spec.id: spec for spec in self.specs()}
        if digest_id not in specs:
            near = get_close_matches(digest_id, specs, n=3, cutoff=0.4)
            hint = f"Did you mean {' or '.join(near)}?" if near else "`trendmonitor digest list` shows all."
            raise UnknownDigest(f"There is no digest {digest_id[:80]!r}. {hint}")
        return specs[digest_id]

    def state(self, digest_id: str) -> StoredDigest | None:
        """What is known of it here; None for one that was never looked at. Raises UnknownDigest."""
        return self._records.get(self.spec(digest_id).id)

    def next_run(self, digest_id: str) -> datetime | None:
        """None while it is paused. Raises UnknownDigest."""
        spec = self.spec(digest_id)
        return None if spec.paused else parse_schedule(spec.schedule).next(self._clock())

    def problems(self, spec: DigestSpec) -> list[str]:
        """Everything that would keep this digest from being sent on this machine, as far as that can be known."""
        problems = []
        try:
            parse_schedule(spec.schedule)
        except ScheduleError as error:
            problems.append(f"schedule: {error}")
        for channel in spec.channels:
            known = self._channels.get(channel.kind)
            if known is None:
                problems.append(f"There is no channel {channel.kind!r}: choose one of {', '.join(self._channels)}.")
            else:
                problems += known.check(channel, self._settings)
        return problems

    def create(self, spec: DigestSpec) -> DigestSpec:
        """Add one at run time. Raises InvalidDigest, AlreadyExists."""
        self._check(spec)
        if spec.id in self._declared:
            raise AlreadyExists(f"digest {spec.id!r} is declared in config/digests.yaml: choose another id")
        self._records.create(replace(spec, declared=False), self._clock())
        return self.spec(spec.id)

    def update(self, spec: DigestSpec) -> DigestSpec:
        """Change one that was made at run time. Raises InvalidDigest, UnknownDigest, OwnedByConfig."""
        self._own(spec.id)
        self._check(spec)
        self._records.update(replace(spec, declared=False), self._clock())
        return self.spec(spec.id)

    def remove(self, digest_id: str) -> None:
        """Delete one that was made at run time, with its issues. Raises UnknownDigest, OwnedByConfig."""
        self._own(digest_id)
        self._records.remove(digest_id)

    def pause(self, digest_id: str, paused: bool = True) -> DigestSpec:
        """Any digest can be paused and resumed; runs in between are left out. Raises UnknownDigest."""
        spec = self.spec(digest_id)
        self._records.remember(spec, self._clock())
        self._records.set_paused(digest_id, paused, self._clock())
        return self.spec(digest_id)

    def _own(self, digest_id: str) -> None:
        if self.spec(digest_id).id in self._declared:
            raise OwnedByConfig(f"digest {digest_id!r} is declared in config/digests.yaml: change it there")

    def _check(self, spec: DigestSpec) -> None:
        if problems := self.problems(spec):
            raise InvalidDigest(problems)

    # Issues

    def preview(self, digest_id: str, *, at: datetime | None = None) -> Message:
        """What would be sent of the latest complete period before `at` (None: now); nothing is stored or sent."""
        spec = self.spec(digest_id)
        schedule = parse_schedule(spec.schedule)
        run = schedule.previous(at or self._clock())
        return self._shown(spec, self._document(spec, schedule, run), run)

    def issues(self, digest_id: str, *, limit: int = 20) -> list[IssueRecord]:
        """The latest, newest first, with what became of each delivery. Raises UnknownDigest."""
        return self._records.issues(self.spec(digest_id).id, limit=limit)

    def issue(self, digest_id: str, number: int) -> IssueRecord:
        """Raises UnknownDigest, UnknownIssue."""
        found = self._records.issue(self.spec(digest_id).id, number)
        if found is None:
            raise UnknownIssue(f"Digest {digest_id!r} has no issue {number}: `trendmonitor digest issues {digest_id}`.")
        return found

    def document(self, digest_id: str, number: int) -> Mapping[str, Any]:
        """What was composed. Raises UnknownDigest, UnknownIssue, also for a run that was missed."""
        issue = self.issue(digest_id, number)
        found = self._records.document(digest_id, number)
        if found is None:
            raise UnknownIssue(f"Digest {digest_id!r}, number {number}, was never composed. {issue.says}")
        return found

    def message(self, digest_id: str, number: int) -> Message:
        """A stored issue, rendered: always the same. Raises UnknownDigest, UnknownIssue."""
        document = self.document(digest_id, number)
        issue = self.issue(digest_id, number)
        return self._shown(self.spec(digest_id), document, issue.run_at, issue)

    def unsubscribe(self, digest_id: str, reader: str) -> bool:
        """Leave out a recipient from now on, by the mark in its unsubscribe link; False if nobody has this mark.

        Raises UnknownDigest.
        """
        spec = self.spec(digest_id)
        for recipient in {one for channel in spec.channels for one in channel.to}:
            if self._sender.mark(digest_id, recipient) == reader:
                self._records.opt_out(digest_id, reader, self._clock())
                log.info("digest_unsubscribed", digest=digest_id)
                return True
        return False

    def unsubscribed(self, digest_id: str) -> list[str]:
        """Recipients of the digest who asked to be left out. Raises UnknownDigest."""
        left = self._records.opted_out(digest_id)
        to = dict.fromkeys(one for channel in self.spec(digest_id).channels for one in channel.to)
        return [one for one in to if self._sender.mark(digest_id, one) in left]

    def resubscribe(self, digest_id: str, recipient: str) -> None:
        """Take back what `unsubscribe` did."""
        self._records.opt_in(digest_id, self._sender.mark(digest_id, recipient))

    # Sending

    async def send(self, digest_id: str, *, again: bool = False) -> IssueRecord:
        """The issue of the latest run, composed if there is none yet, to everybody who has not got it; `again`: to
        everybody. Also while paused, and also if nothing changed. Raises UnknownDigest; what channels answer is on
        the issue that is returned."""
        spec = await asyncio.to_thread(self.spec, digest_id)
        issue = await asyncio.to_thread(self._ready, spec, again)
        await self._sender.send(only=(digest_id, issue.number))
        return await asyncio.to_thread(self.issue, digest_id, issue.number)

    async def tick(self) -> TickReport:
        """Compose what is due, report what was missed, and send what waits. One digest in trouble holds up no other;
        raises StoreError while the database cannot be used."""
        new, troubles = await asyncio.to_thread(self._compose_due)
        return TickReport(new, await self._sender.send(), troubles)

    async def test(self, digest_id: str, channel: int) -> Receipt:
        """Send a message that says it is a test to one channel (by its place, from 0), and tell its answer.

        Raises UnknownDigest, InvalidDigest, DeliveryError.
        """
        spec = await asyncio.to_thread(self.spec, digest_id)
        if not 0 <= channel < len(spec.channels):
            raise InvalidDigest(
                [f"Digest {digest_id!r} has no channel {channel}: it has {len(spec.channels)}, from 0."]
            )
        chosen = replace(spec, channels=(spec.channels[channel],))
        if problems := self.problems(chosen):
            raise InvalidDigest(problems)
        return await self._sender.test(trial_message(spec.id, spec.title, self._clock()), spec, channel)

    def _ready(self, spec: DigestSpec, again: bool) -> IssueRecord:
        """The issue of the latest run with deliveries that are due."""
        now = self._clock()
        self._records.remember(spec, now)
        schedule = parse_schedule(spec.schedule)
        run = schedule.previous(now)
        issue = self._records.issue_of(spec.id, run)
        fresh = False
        if issue is None or issue.status == "missed":
            issue, fresh = self._records.add_issue(self._new_issue(spec, schedule, run, even_quiet=True))
        return issue if fresh else self._records.prepare(spec.id, issue.number, spec.channels, now, again=again)

    def _compose_due(self) -> tuple[tuple[IssueRecord, ...], dict[str, str]]:
        now = self._clock()
        self._records.declare(list(self._declared.values()), now)
        states = {one.spec.id: one for one in self._records.listed()}
        new: list[IssueRecord] = []
        troubles: dict[str, str] = {}
        for spec in self.specs():
            try:
                new += self._runs(spec, states[spec.id], now)
            except Exception as error:
                log.exception("digest_not_composed", digest=spec.id)
                troubles[spec.id] = f"{type(error).__name__}: {error}"[:500]
                self._records.note(spec.id, troubles[spec.id])
        return tuple(new), troubles

    def _runs(self, spec: DigestSpec, state: StoredDigest, now: datetime) -> list[IssueRecord]:
        """Deal with the runs since the last look."""
        schedule = parse_schedule(spec.schedule)
        reached = state.reached
        if reached > now + CLOCK_SLACK:
            self._records.reach(spec.id, now)
            return []
        run = schedule.previous(now)
        if spec.paused or run <= reached:
            return []
        due: list[datetime] = []
        while run > reached and now - run <= spec.grace and len(due) < CATCH_UP:
            due.append(run)
            run = schedule.previous(run - timedelta(seconds=1))
        new = []
        if run > reached:
            why = state.trouble or "the service was not running"
            new.append(self._missed(spec, schedule, schedule.next(reached), run, why))
        for one in reversed(due):
            if self._records.issue_of(spec.id, one) is None:
                issue, ours = self._records.add_issue(self._new_issue(spec, schedule, one))
                new += [issue] if ours else []
        self._records.reach(spec.id, max(schedule.previous(now), reached))
        for issue in new:
            log.info("digest_issue", digest=spec.id, issue=issue.number, status=issue.status, says=issue.says)
        return new

    def _missed(self, spec: DigestSpec, schedule: Schedule, first: datetime, last: datetime, why: str) -> IssueRecord:
        count, run = 1, first
        while run < last and count < _COUNTED:
            run, count = schedule.next(run), count + 1
        one = f"The run of {first:%Y-%m-%d %H:%M} UTC was missed"
        if count > 1:
            many = f"More than {_COUNTED}" if run < last else str(count)
            one = f"{many} runs from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC were missed"
        grace = f"It is caught up within {_hours(spec.grace)} only" if count == 1 else "Only recent ones are caught up"
        issue, _ = self._records.add_issue(
            NewIssue(
                digest=spec.id,
                run_at=last,
                since=schedule.period(first)[0],
                until=schedule.period(last)[1],
                composed_at=self._clock(),
                says=f"{one}: {why}. {grace}; `trendmonitor digest send {spec.id}` sends the latest one now.",
            )
        )
        return issue

    def _new_issue(self, spec: DigestSpec, schedule: Schedule, run: datetime, *, even_quiet: bool = False) -> NewIssue:
        document = self._document(spec, schedule, run)
        quiet = spec.quiet == "if_changed" and bool(document.get("quiet")) and not even_quiet
        since, until = schedule.period(run)
        return NewIssue(
            digest=spec.id,
            run_at=run,
            since=since,
            until=until,
            composed_at=self._clock(),
            says=str(document.get("headline", "")),
            document=document,
            channels=() if quiet else spec.channels,
            quiet=quiet,
        )

    def _document(self, spec: DigestSpec, schedule: Schedule, run: datetime) -> Mapping[str, Any]:
        since, until = schedule.period(run)
        earlier = self._records.document_before(spec.id, run)
        return self._compose(spec, since, until, self._clock(), earlier)

    def _shown(
        self, spec: DigestSpec, document: Mapping[str, Any], run: datetime, issue: IssueRecord | None = None
    ) -> Message:
        message = self._render(spec, document, None if issue is None else issue.number)
        composed = message.composed_at if issue is None else issue.composed_at
        return replace(message, key=f"{spec.id}-{run.astimezone(UTC):%Y%m%dT%H%M%SZ}", composed_at=composed)


def _hours(span: timedelta) -> str:
    hours = span / timedelta(hours=1)
    return f"{hours:g} hours" if hours < 48 else f"{hours / 24:g} days"
