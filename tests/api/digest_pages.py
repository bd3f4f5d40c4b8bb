"""A service with digests in every state: real store, composition and file channel; only mail is played."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from monitor.bootstrap import Services
from monitor.core.digest import ChannelSpec, DigestSpec, Message
from monitor.deliver import channels
from monitor.deliver.base import DeliveryContext, DeliveryError, DeliverySettings, Receipt
from monitor.digest_composer import Composer
from monitor.digests import Digests
from tests.api.support import NOW
from tests.deliver.messages import PNG

FILE = ChannelSpec("file", ("weekly",), {"formats": ["json"]})
MAIL = ChannelSpec("email", ("jane@clinic.example", "joe@clinic.example"))
WEEKLY = DigestSpec("weekly", "The week in health posts", "weekly on monday 08:00 Europe/Berlin", (FILE, MAIL))
DAILY = DigestSpec(
    "daily-nurses", "Nurses, every day", "daily 07:30 America/New_York", (), {"audience": ("nurses",)}, quiet="if_changed"
)  # fmt: skip
PAUSED = DigestSpec("monthly", "The month", "monthly on last day 09:00 UTC", (FILE,))


class PlayedMail:
    """A mail channel without a network: the first recipient confirms, others are refused; `down` refuses all for now."""

    kind = "email"

    def __init__(self) -> None:
        self.down = False
        self.sent: list[Message] = []
        self.taken: list[tuple[str, str]] = []
        """Recipient and key of the message that it took."""

    def check(self, spec: ChannelSpec, settings: DeliverySettings) -> list[str]:
        return []

    async def deliver(self, message: Message, spec: ChannelSpec, context: DeliveryContext) -> Receipt:
        if self.down:
            raise DeliveryError("mail.example did not answer within 30 s.", temporary=True)
        self.sent.append(message)
        left = [one for one in spec.to if one not in context.already]
        taken = [one for one in left if one == spec.to[0]]
        for one in taken:
            self.taken.append((one, message.key))
            await context.confirmed(one)
        refused = {one: f"550 no mailbox {one}" for one in left if one not in taken}
        return Receipt(context.clock(), "250 queued as 4F2", tuple(taken), refused)


def digests_of(services: Services, mail: PlayedMail, *specs: DigestSpec) -> Digests:
    """Put digests into a service, with a clock of its own that tests may move: `services.__dict__["now"]`."""

    composer = Composer(
        services.trends,
        lambda: services.ledger,
        services.store,
        services.config,
        lambda: services.signal_watch,
        public_url=services.settings.public_url,
        draw=lambda spec: PNG,
    )
    made = Digests(
        services.store,
        declared=specs,
        compose=composer.compose,
        render=composer.render,
        channels={**channels(), "email": mail},
        settings=services.settings.delivery({}),
        clock=lambda: services.__dict__.get("now", NOW),
    )
    services.__dict__["digests"] = made
    return made


def fill_digests(services: Services, mail: PlayedMail) -> Digests:
    """Two issues of the weekly digest, one on its way; a daily one that was missed; a paused one."""
    made = digests_of(services, mail, WEEKLY, DAILY, PAUSED)
    for days in (10, 9):
        services.__dict__["now"] = NOW - timedelta(days=days)
        asyncio.run(made.tick())
    mail.down = True
    services.__dict__["now"] = NOW - timedelta(days=2) + timedelta(hours=-3)
    asyncio.run(made.tick())
    made.pause("monthly")
    mail.down = False
    services.__dict__["now"] = NOW
    return made


def hostile(spec: DigestSpec) -> DigestSpec:
    return replace(spec, title="</title><script>alert(1)</script>")
