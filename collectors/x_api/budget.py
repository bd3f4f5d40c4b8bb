"""What reading X costs, and how a source never spends more than it may.

Prices are those of pay-per-use access as X published them in 2026 (docs.x.com, 'Pricing'; read 2026-11-22): a post
that is returned costs POST_READ, an account that is returned costs USER_READ, other expansions nothing that X lists.
X charges the same post or account once in a UTC day; that is a promise it calls soft, so every one is counted here
each time it comes, and the bill is at most what is booked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.base import CollectError, Source, Throttled
from collectors.quota import Quota, calendar_day, calendar_month

if TYPE_CHECKING:
    from collectors.access import Access

POST_READ = 0.005
"""US dollars for each post returned."""
USER_READ = 0.010
"""US dollars for each account returned, expanded authors included (assumed: X does not say that those are free)."""
REVIEWS = 7
"""How often a post is looked up again: daily for a week."""
READS = Quota("post_reads", 3_000_000, "post reads", calendar_month())
"""X's own limit for pay-per-use access."""
SIZES = (100, 75, 50, 35, 20, 15, 10, 5)
"""Posts in a page, largest first."""
_DUST = 1e-9
"""Sums of prices are not exact."""


def share_for_new(*, author_each: bool) -> float:
    """The part of a source's money that goes to new posts; the rest is kept for looking them up again for a week.

    So that what is collected can also be looked up: 0.3 if every post comes with its author, 0.125 otherwise.
    """
    once = POST_READ + (USER_READ if author_each else 0.0)
    return once / (once + REVIEWS * POST_READ)


@dataclass(frozen=True, slots=True)
class Booking:
    """Its numbers in the two accounts."""

    money: int
    reads: int


@dataclass(slots=True)
class Bill:
    """What an answer really held."""

    posts: int = 0
    users: int = 0


class Purse:
    """A source's money for one purpose and one UTC day.

    Args:
        purpose: 'new posts' or 'looking stored posts up again'; each has an account of its own.
        dollars: what may be spent in a day.
    """

    def __init__(self, source: Source, access: Access, purpose: str, dollars: float) -> None:
        self._source = source
        self._access = access
        self._purpose = purpose
        self.dollars = dollars
        bucket = f"usd:{purpose.replace(' ', '_')}:{source.id}"
        self._quota = Quota(bucket, round(dollars, 6) + _DUST, "US dollars", calendar_day())

    def holds(self, posts: int, users: int) -> bool:
        """True if a whole day's money pays for that."""
        return price(posts, users) <= self._quota.limit

    async def book(self, posts: int, users: int) -> Booking:
        """Before the request. Raises Throttled('quota_used') until the next UTC midnight (or month)."""
        try:
            money = await self._access.spend(self._quota, price(posts, users))
        except Throttled as spent:
            raise Throttled(
                f"{self._source.id}: today's money for {self._purpose} is spent (${self.dollars:.2f} of its option "
                f"`usd_a_day`); it goes on at {spent.until:%Y-%m-%d %H:%M} UTC where it left.",
                code="quota_used",
                until=spent.until,
            ) from None
        try:
            reads = await self._access.spend(READS, posts)
        except Throttled:
            await self._access.correct(money, 0)
            raise
        return Booking(money, reads)

    async def book_page(self, sizes: Sequence[int], users: Callable[[int], int]) -> tuple[int, Booking]:
        """The largest of the sizes that can be paid for now, and its booking. Raises Throttled.

        `users`: how many accounts may come with so many posts.
        """
        for size in sizes[:-1]:
            try:
                return size, await self.book(size, users(size))
            except Throttled:
                continue
        return sizes[-1], await self.book(sizes[-1], users(sizes[-1]))

    @asynccontextmanager
    async def paying(self, booking: Booking) -> AsyncIterator[Bill]:
        """Set a booking to what is written on the bill once the answer is there, and to nothing if none came.

        Refused requests cost nothing. A connection that broke may have cost something, but the same posts are read
        again today, and X charges them once.
        """
        bill = Bill()
        try:
            yield bill
        except CollectError:
            await self._settle(booking, Bill())
            raise
        await self._settle(booking, bill)

    async def check(self, posts: int, users: int) -> Throttled | None:
        """The error that booking this would raise now; books nothing."""
        try:
            booking = await self.book(posts, users)
        except Throttled as spent:
            return spent
        await self._settle(booking, Bill())
        return None

    async def _settle(self, booking: Booking, bill: Bill) -> None:
        await self._access.correct(booking.money, price(bill.posts, bill.users))
        await self._access.correct(booking.reads, bill.posts)


def price(posts: int, users: int) -> float:
    """US dollars."""
    return round(posts * POST_READ + users * USER_READ, 6)
