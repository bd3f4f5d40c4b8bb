"""Shapes of digests, their issues, and signals, as OpenAPI documents them. None means 'there is none', never 0."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas import PostOut, Shape
from monitor.core.digest import Quiet, Section
from monitor.store.digests import DeliveryState, IssueStatus

_CHANNEL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "description": "email, chat, webhook, file or atom."},
        "to": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Mail addresses, web addresses or folders, as the kind wants; `env:NAME` stands for what "
            "that environment variable of the service holds, which is how secret addresses are given.",
        },
        "options": {"type": "object", "description": "The channel's own; docs/channels.md has them."},
    },
    "required": ["kind"],
}


class DigestChange(Shape):
    """A digest as it is written, in a request or in config/digests.yaml."""

    title: str = Field(description="What readers see.")
    schedule: str = Field(
        description="Plain words or five cron fields, with a time zone.",
        examples=["weekly on monday 08:00 Europe/Berlin", "0 8 * * 1 Europe/Berlin"],
    )
    channels: list[dict[str, Any]] = Field(
        min_length=1, description="Where it goes.", json_schema_extra={"items": _CHANNEL}
    )
    filters: dict[str, Any] = Field(default={}, description="Scope: dimension → wanted values, as for trends.")
    sections: list[Section] | None = Field(default=None, description="Left out: all.")
    locale: str = Field(default="en", description="Of numbers and dates: en, de, fr, es, it or pt.")
    quiet: Quiet = Field(default="always", description="if_changed: nothing is sent for a period without news.")
    grace: str = Field(default="12h", description="How late a missed run is still caught up, such as 90m, 12h or 2d.")


class DigestIn(DigestChange):
    id: str = Field(description="Stable short name of small letters, digits and hyphens.", examples=["weekly"])


class ConfirmationOut(Shape):
    to: str
    at: datetime


class RefusalOut(Shape):
    to: str
    why: str


class DeliveryOut(Shape):
    """One issue on its way to one channel."""

    channel: int = Field(description="Place of the channel in the digest, from 0.")
    kind: str
    state: DeliveryState = Field(description="waiting: it is tried again at `next_try`.")
    tries: int
    next_try: datetime | None
    said: str = Field(description="The latest answer of the other side, or why there was none.")
    confirmed: list[ConfirmationOut] = Field(
        description="Who has it. Mail addresses are shortened for keys that only read."
    )
    refused: list[RefusalOut] = Field(description="Who refused it for good.")
    changed_at: datetime


class IssueOut(Shape):
    digest: str
    number: int = Field(description="1, 2, … for each digest.")
    status: IssueStatus = Field(
        description="composed: on its way. sent: every channel has it. partial: some recipients don't and won't. "
        "failed: nobody has it. quiet: nothing had changed, so it was kept and not sent. missed: never composed."
    )
    says: str = Field(description="Its headline; of missed runs, what was missed and why.")
    run_at: datetime
    since: datetime = Field(description="The period that it reports on: from here, inclusive, …")
    until: datetime = Field(description="… to here, exclusive.")
    composed_at: datetime
    deliveries: list[DeliveryOut]


class IssueDetailOut(IssueOut):
    document: dict[str, Any] | None = Field(description="What was composed; None for runs that were missed.")


class IssuesOut(Shape):
    issues: list[IssueOut] = Field(description="Newest first.")


class ChannelOut(Shape):
    kind: str
    to: list[str]
    options: dict[str, Any]


class DigestOut(Shape):
    id: str
    title: str
    schedule: str = Field(description="As written.")
    when: str = Field(description="The same in plain words.", examples=["every Monday at 08:00, Europe/Berlin"])
    channels: list[ChannelOut] = Field(description="Mail addresses are shortened for keys that only read.")
    filters: dict[str, list[str]]
    sections: list[Section]
    locale: str
    quiet: Quiet
    grace: str
    owner: Literal["config", "api"] = Field(description="config: a file owns it; here it can be paused and sent.")
    paused: bool
    next_run: datetime | None = Field(description="None while it is paused.")
    problems: list[str] = Field(description="What keeps it from being sent on this machine.")
    trouble: str | None = Field(description="Why the latest run could not be composed; it is tried again.")
    unsubscribed: int = Field(description="Recipients who asked to be left out.")
    last_issue: IssueOut | None


class DigestsOut(Shape):
    digests: list[DigestOut] = Field(description="By id.")


class PictureOut(Shape):
    cid: str
    alt: str
    width: int
    height: int
    bytes: int


class PreviewedOut(Shape):
    """What would be sent. `?format=html` is the page itself."""

    key: str = Field(description="Stable name of the issue: of its files, and part of its Message-ID.")
    subject: str
    preheader: str
    short: str = Field(description="For chat.")
    text: str
    markdown: str
    links: dict[str, str]
    pictures: list[PictureOut]
    document: dict[str, Any]


class ReceiptOut(Shape):
    channel: int
    kind: str
    at: datetime
    said: str = Field(description="The other side's answer.")
    confirmed: list[str]
    refused: list[RefusalOut]


class SignalOut(Shape):
    """A sudden change of one watched series. Docs/signals.md says how it is found."""

    id: str
    key: str = Field(description="What is watched.", examples=["topic=telehealth"])
    dimension: str | None = Field(description="None for all posts.")
    value: str | None
    label: str
    says: str = Field(description="In plain words.")
    size: Literal["day", "week"] = Field(description="Of the periods that were compared.")
    direction: Literal["up", "down"]
    state: Literal["open", "ended"]
    since: date = Field(description="First day of the change.")
    until: date = Field(description="Day after the last period that was out of line.")
    figures_since: date = Field(description="`observed` and `expected` count from here: where it stands out most.")
    observed: int
    expected: float = Field(description="By the baseline, of what was observed.")
    low: float = Field(description="Lower end of the 95 % prediction interval of `observed`.")
    high: float
    ratio: float | None = Field(description="Observed over expected; None if next to nothing was expected.")
    peak: float | None = Field(description="The ratio farthest from the baseline so far.")
    p: float = Field(description="Smallest so far, before any correction; `settings` has the threshold.")
    detectors: list[str]
    settings: dict[str, Any]
    n_sources: int | None = Field(description="Independent sources with posts in it; None: not looked at.")
    top_source_share: float | None = Field(description="Part of the posts that came from one source.")
    copies_only: bool | None = Field(description="Without copies of one text the change would be gone.")
    opened_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_why: str
    muted_until: datetime | None
    muted_why: str
    muted: bool
    posts: str = Field(description="The query for the posts of the change.")


class SignalsOut(Shape):
    signals: list[SignalOut]
    generated: bool = Field(description="True: demonstration data that says nothing about the world.")


class SignalEvidenceOut(Shape):
    posts: list[PostOut]
    next: str | None = Field(description="Give it back as `cursor` for the next page; None on the last.")


class AcknowledgeIn(Shape):
    note: str = Field(min_length=1, max_length=500, description="Why it needs nothing more.")


class MuteIn(Shape):
    until: str = Field(description="An ISO date or date-time (UTC); one in the past lifts it.", examples=["2026-12-31"])
    reason: str = Field(min_length=1, max_length=500)


class MuteOut(Shape):
    subject: str
    until: datetime
    reason: str
    at: datetime
