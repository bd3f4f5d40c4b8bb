"""Digests in small: a spec in a line, a composer that needs no data, and a channel that answers as a test wants."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.core.digest import ChannelSpec, DigestSpec, Message
from monitor.deliver.base import Channel, DeliveryContext, DeliveryError, DeliverySettings, Receipt, conclude
from monitor.digests import Digests
from monitor.store import Store

MONDAY = datetime(2026, 7, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
RUN = MONDAY + 8 * HOUR
"""The first run after START of `weekly`."""
START = MONDAY - 3 * DAY


def weekly(*channels: ChannelSpec, name: str = "weekly", **changes: Any) -> DigestSpec:
    given: dict[str, Any] = {"title": "Care this week", "schedule": "weekly on monday 08:00 UTC", **changes}
    return DigestSpec(id=name, channels=channels or (ChannelSpec("fake", ("a",)),), **given)


def plain_document(
    spec: DigestSpec, since: datetime, until: datetime, now: datetime, earlier: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Says which period it is of; `quiet` if the digest's title says so."""
    return {
        "digest": spec.id,
        "headline": f"From {since:%Y-%m-%d} to {until:%Y-%m-%d}.",
        "composed_at": now.isoformat(),
        "quiet": "quiet" in spec.title,
        "earlier": None if earlier is None else earlier["headline"],
    }


def plain_message(spec: DigestSpec, document: Mapping[str, Any], number: int | None) -> Message:
    says = str(document["headline"])
    return Message(
        key="replaced",
        subject=f"{spec.title}: {says}",
        preheader=says,
        html=f"<p>{says}</p>",
        text=f"{says}\n",
        short=says,
        markdown=f"{says}\n",
        document=document,
    )


class FakeChannel:
    """Answers as told, recipient by recipient: None confirms, an error is raised as it is."""

    kind = "fake"

    def __init__(self) -> None:
        self.answers: dict[str, DeliveryError | Exception | None] = {}
        self.sent: list[tuple[str, str]] = []
        """(recipient, key of the message) in the order of sending."""
        self.before: Callable[[str], Any] | None = None
        """Awaited before a recipient is sent to."""

    def check(self, spec: ChannelSpec, settings: DeliverySettings) -> list[str]:
        return [] if spec.to else ["fake needs a recipient: write `to: [a]`"]

    async def deliver(self, message: Message, spec: ChannelSpec, context: DeliveryContext) -> Receipt:
        tried: dict[str, DeliveryError | None] = {}
        for recipient in spec.to:
            if recipient in context.already:
                continue
            if self.before is not None:
                await self.before(recipient)
            answer = self.answers.get(recipient)
            if answer is not None and not isinstance(answer, DeliveryError):
                raise answer
            tried[recipient] = answer
            if answer is None:
                self.sent.append((recipient, message.key))
                await context.confirmed(recipient)
        return conclude(tried, "taken", context)


def busy(retry_after: timedelta | None = None) -> DeliveryError:
    return DeliveryError("The server is busy.", temporary=True, retry_after=retry_after)


def refused() -> DeliveryError:
    return DeliveryError("There is no such mailbox.", temporary=False)


def service(
    store: Store,
    clock: Callable[[], datetime],
    *declared: DigestSpec,
    channels: Mapping[str, Channel],
    home: Path | None = None,
    **changes: Any,
) -> Digests:
    given: dict[str, Any] = {"compose": plain_document, "render": plain_message, **changes}
    settings = given.pop("settings", None) or DeliverySettings(
        home=home or Path("unused"), environment=dict(os.environ)
    )
    return Digests(
        store, declared=declared, channels=channels, settings=settings, clock=clock, rng=random.Random(3), **given
    )


def states(issues: Sequence[Any]) -> list[tuple[int, str]]:
    return [(one.number, one.status) for one in issues]
