"""Sends stored issues to their channels: each delivery held by one sender, tried again with growing waits, and written
down answer by answer.

What can't be ruled out: a process that dies between a recipient's answer and our commit of it, some milliseconds later,
sends to that one again. The message then has the same key (Message-ID, Webhook-Id, file name) as before, by which
receivers can tell.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from monitor.core.digest import DigestSpec, Message
from monitor.core.mask import mask
from monitor.deliver.base import Channel, DeliveryContext, DeliveryError, DeliverySettings, Receipt, plain
from monitor.store.digests import LONGEST_WAIT, Delivery, IssueRecord, Outcome
from monitor.store.errors import StoreError, Unavailable
from monitor.store.store import Store

log = structlog.get_logger(__name__)

HOLD = timedelta(minutes=3)
"""How long a delivery stays with a sender that says nothing any more."""
BEAT = 30.0
"""Seconds after which a sender says that it is still at it."""
PATIENCE = (1.0, 5.0, 15.0, 30.0)
"""Seconds between tries to write down what came of a delivery, while the database can't be used."""
LONGEST_TRY = 1800.0
"""Seconds after which a try is broken off, whatever the channel is waiting for."""
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 3, 10, 30, 60, 120, 240, 360, 360, 360, 360))
"""Before each further try; then it has failed. About a day and a half in all."""
JITTER = 0.1
AT_ONCE = 16
"""Deliveries that are sent side by side."""
_ROUNDS = 100


class _LostError(Exception):
    """Somebody else holds the delivery by now."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of some deliveries."""

    issues: tuple[IssueRecord, ...] = ()
    """Each issue that was sent or tried, as it stands now."""
    sent: int = 0
    waiting: int = 0
    failed: int = 0
    """Deliveries, by what came of this try."""


@dataclass(frozen=True, slots=True)
class Sender:
    """`message` renders an issue: (digest id, number) → Message; it is called in a thread. `clock` is aware UTC."""

    store: Store
    channels: Mapping[str, Channel]
    settings: DeliverySettings
    clock: Callable[[], datetime]
    message: Callable[[str, int], Message]
    secret: Callable[[], bytes]
    """The key of this installation; asked for often."""
    rng: random.Random = field(default_factory=random.Random)
    http: Callable[[], object] | None = None
    """Stands for the guarded client of web requests, in tests."""
    timeout: float = 30.0
    hold: timedelta = HOLD
    beat: float = BEAT
    patience: tuple[float, ...] = PATIENCE

    async def send(self, *, only: tuple[str, int] | None = None) -> Sent:
        """Everything that is due, or all that is left of one issue (digest, number), due or not."""
        issues: dict[tuple[str, int], IssueRecord] = {}
        counts = {"sent": 0, "waiting": 0, "failed": 0}
        for _ in range(_ROUNDS):
            records = self.store.digests
            claim = partial(records.claim, self.clock(), hold=self.hold, limit=AT_ONCE, only=only)
            claimed = await asyncio.to_thread(claim)
            if not claimed:
                break
            done = await asyncio.gather(*map(self._one, claimed), return_exceptions=True)
            for one in done:
                if isinstance(one, BaseException):  # the store is gone; the others have had their turn
                    raise one
                outcome, issue = one
                counts[outcome.state] += 1
                if issue is not None:
                    issues[issue.digest, issue.number] = issue
            if only is not None:
                break
        return Sent(tuple(issues.values()), **counts)

    async def test(self, message: Message, spec: DigestSpec, channel: int) -> Receipt:
        """Send any message to one channel of a digest, without a trace in the store. Raises DeliveryError."""
        one = spec.channels[channel]
        return await self.channels[one.kind].deliver(message, one, self._context(spec.id, None, frozenset(), []))

    async def _one(self, delivery: Delivery) -> tuple[Outcome, IssueRecord | None]:
        outcome = await self._try(delivery)
        issue = await self._written(delivery, outcome)
        told = log.info if outcome.state == "sent" else log.warning
        told(
            "digest_delivery",
            digest=delivery.digest,
            issue=delivery.number,
            channel=delivery.spec.kind,
            state=outcome.state,
            tries=delivery.tries,
            said=mask(outcome.said),
        )
        return outcome, issue

    async def _written(self, delivery: Delivery, outcome: Outcome) -> IssueRecord | None:
        """Write an outcome down, and not give up at once: it is the only trace of what was sent. Raises StoreError."""
        for pause in (*self.patience, None):
            try:
                return await asyncio.to_thread(self.store.digests.finish, delivery, outcome, self.clock())
            except Unavailable as error:
                if pause is None:
                    raise
                log.warning("digest_receipt_waits", digest=delivery.digest, issue=delivery.number, error=str(error))
                await asyncio.sleep(pause)
        raise AssertionError("the last turn returns or raises")

    async def _try(self, delivery: Delivery) -> Outcome:
        channel = self.channels.get(delivery.spec.kind)
        if channel is None:
            known = ", ".join(self.channels)
            return Outcome("failed", f"There is no channel {delivery.spec.kind!r}: choose one of {known}.")
        if delivery.tries > len(WAITS) + 1:
            return Outcome("failed", f"Given up: {delivery.tries - 1} tries were begun and none of them ended.")
        confirmed: list[str] = []
        keeping = asyncio.create_task(self._keep(delivery))
        try:
            message = await asyncio.to_thread(self.message, delivery.digest, delivery.number)
            if delivery.sending > 1:  # receivers pass over what they have had, and this one is meant to arrive again
                message = replace(message, key=f"{message.key}-{delivery.sending}")
            already = await asyncio.to_thread(self._settled, delivery)
            context = self._context(delivery.digest, delivery, already, confirmed)
            async with asyncio.timeout(LONGEST_TRY):
                receipt = await channel.deliver(message, delivery.spec, context)
        except DeliveryError as error:
            return self._failure(delivery, error, confirmed)
        except TimeoutError:
            late = DeliveryError(f"Not done after {LONGEST_TRY / 60:g} minutes.", temporary=True)
            return self._failure(delivery, late, confirmed)
        except _LostError:
            return Outcome("waiting", "Another sender has taken over.", tuple(confirmed))
        except StoreError as error:
            return self._failure(delivery, DeliveryError(plain(str(error)), temporary=True), confirmed)
        except Exception as error:  # a fault of ours must not keep the other channels from their turn
            log.exception("digest_delivery_failed", digest=delivery.digest, channel=delivery.spec.kind)
            fault = DeliveryError(f"An error of this program ({type(error).__name__}); see its log.", temporary=True)
            return self._failure(delivery, fault, confirmed)
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
        told = tuple(dict.fromkeys((*confirmed, *receipt.confirmed)))
        said = receipt.said
        if delivery.settled and not told and not receipt.partial:  # the sender died between their answers and its note
            said = "All had answered before; the sender was interrupted before it could write down what they said."
        return Outcome("sent", plain(said), told, dict(receipt.partial))

    def _failure(self, delivery: Delivery, error: DeliveryError, confirmed: Sequence[str]) -> Outcome:
        told = tuple(dict.fromkeys((*confirmed, *error.confirmed)))
        said = plain(error.message, longest=1200)
        tried = delivery.tries
        if not error.temporary:
            return Outcome("failed", said, told, error.refused)
        if tried > len(WAITS):
            return Outcome("failed", f"Given up after {tried} tries. {said}", told, error.refused)
        wait = WAITS[tried - 1] * (1 + JITTER * self.rng.random())
        wait = min(max(wait, error.retry_after or wait), LONGEST_WAIT)
        return Outcome("waiting", said, told, error.refused, self.clock() + wait)

    async def _keep(self, delivery: Delivery) -> None:
        """Hold on to a delivery while it lasts; one that is lost all the same is broken off by its next answer."""
        while True:
            await asyncio.sleep(self.beat)
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(self.store.digests.keep, delivery, self.clock() + self.hold)

    def _settled(self, delivery: Delivery) -> frozenset[str]:
        """Recipients that are not sent to: who has it, who refused it, and who asked to be left out."""
        left = self.store.digests.opted_out(delivery.digest)
        return delivery.settled | {one for one in delivery.spec.to if self.mark(delivery.digest, one) in left}

    def _context(
        self, digest: str, delivery: Delivery | None, already: frozenset[str], confirmed: list[str]
    ) -> DeliveryContext:
        async def heard(recipient: str) -> None:
            if delivery is None:
                return
            confirmed.append(recipient)
            if not await asyncio.to_thread(self.store.digests.confirm, delivery, recipient, self.clock()):
                raise _LostError

        linked = self.settings.public_url.startswith("https://") and delivery is not None
        return DeliveryContext(
            settings=self.settings,
            clock=self.clock,
            digest=digest,
            already=already,
            confirmed=heard,
            unsubscribe=partial(self._unsubscribe, digest) if linked else None,
            http=self.http,  # type: ignore[arg-type]  # an httpx client; naming it would load the library
            timeout=self.timeout,
        )

    def mark(self, digest: str, recipient: str) -> str:
        """Stands for a recipient of a digest in links; nobody can make it without the key of this installation."""
        person = hashlib.blake2b(digest.encode(), digest_size=16).digest()
        keyed = hashlib.blake2b(recipient.encode(), digest_size=18, key=self.secret()[:64], person=person)
        return base64.urlsafe_b64encode(keyed.digest()).decode()

    def _unsubscribe(self, digest: str, recipient: str) -> str:
        return f"{self.settings.public_url}/api/v1/digests/{digest}/unsubscribe?reader={self.mark(digest, recipient)}"
