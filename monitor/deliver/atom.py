"""Atom: nothing is sent. The API serves every issue of the digest as a feed, and readers fetch it."""

from __future__ import annotations

from monitor.core.digest import ChannelSpec, Message
from monitor.deliver.base import DeliveryContext, DeliverySettings, Receipt, option_problems


class AtomChannel:
    kind = "atom"

    def check(self, spec: ChannelSpec, settings: DeliverySettings) -> list[str]:
        problems = option_problems(spec, ())
        if spec.to:
            problems.append("atom has no recipients: leave `to` out")
        return problems

    async def deliver(self, message: Message, spec: ChannelSpec, context: DeliveryContext) -> Receipt:
        """Confirms at once: an issue is in the feed from the moment it is stored."""
        where = f"{context.settings.public_url}/api/v1/digests/{context.digest}/atom"
        return Receipt(context.clock(), f"in the feed at {where}")


CHANNEL = AtomChannel()
