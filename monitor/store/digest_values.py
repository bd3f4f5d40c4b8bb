"""The nouns of stored digests: what is known of a digest, an issue, and one issue on its way to one channel. All instants
are aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from collectors.base import EMPTY
from monitor.core.digest import ChannelSpec, DigestSpec

IssueStatus = Literal["composed", "sent", "partial", "failed", "quiet", "missed"]
"""composed: on its way. sent: every channel has it. partial: some recipients don't and won't. failed: nobody has it
and nothing is left to try. quiet: nothing had changed, so it was kept and not sent. missed: never composed."""
DeliveryState = Literal["waiting", "sent", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """What is known of a digest here."""

    spec: DigestSpec
    """As it was given last; of a declared digest config/ knows better. `declared` and `paused` are those of here."""
    reached: datetime
    """Runs up to then are dealt with; aware UTC, as all times here."""
    created_at: datetime
    trouble: str | None
    """Why the latest run could not be composed."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One issue on its way to one channel."""

    digest: str
    number: int
    channel: int
    """Place of the channel in the digest, from 0."""
    spec: ChannelSpec
    sending: int
    """1, and one more each time that it was sent again to everybody."""
    state: DeliveryState
    tries: int
    next_try: datetime | None
    confirmed: Mapping[str, datetime]
    """Recipient → when."""
    refused: Mapping[str, str]
    """Recipient → why it refused for good."""
    said: str
    """The latest answer of the other side, or why there was none."""
    changed_at: datetime
    holder: str | None = None

    @property
    def settled(self) -> frozenset[str]:
        """Recipients that are not sent to again."""
        return frozenset((*self.confirmed, *self.refused))


@dataclass(frozen=True, slots=True)
class IssueRecord:
    """An issue without its document."""

    digest: str
    number: int
    run_at: datetime
    since: datetime
    until: datetime
    """The period [since, until) that it reports on."""
    composed_at: datetime
    status: IssueStatus
    says: str
    """Its headline; of missed runs, what was missed and why."""
    deliveries: tuple[Delivery, ...] = ()
    """By channel."""


@dataclass(frozen=True, slots=True)
class NewIssue:
    """An issue to be kept. Without a document: a report of missed runs."""

    digest: str
    run_at: datetime
    since: datetime
    until: datetime
    composed_at: datetime
    says: str
    document: Mapping[str, Any] | None = None
    channels: tuple[ChannelSpec, ...] = ()
    """Where it goes; empty for one that is quiet or missed."""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try."""

    state: Literal["sent", "failed", "waiting"]
    """waiting: to be tried again at `next_try`."""
    said: str
    confirmed: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    next_try: datetime | None = None
