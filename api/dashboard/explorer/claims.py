"""Which claims speak of the posts that a trend shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from monitor.core.claim import ConsistencyTest, ReferenceTest
from monitor.core.claims import posts_of

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.core.query import TrendQuery

SHOWN = 5


def claims_about(services: Services, query: TrendQuery, keys: Sequence[str]) -> list[dict[str, str]]:
    """Claims about posts that the trend was narrowed down to or shows as a line, the closest first."""
    ranked = []
    for place, claim in enumerate(services.ledger.book.claims):
        if isinstance(claim.test, ReferenceTest | ConsistencyTest):
            continue
        near = max((_nearness(wanted.items(), query, keys) for wanted in posts_of(claim).any_of), default=0)
        if near:
            ranked.append((-near, place, claim))
    return [
        {"href": f"/claims/{quote(claim.id, safe='')}", "says": claim.says}
        for _, _, claim in sorted(ranked, key=lambda one: one[:2])[:SHOWN]
    ]


def _nearness(wanted: Iterable[tuple[str, Sequence[str]]], query: TrendQuery, keys: Sequence[str]) -> int:
    """How many conditions of a claim the trend has; 0 if it contradicts one."""
    near = 0
    for name, values in wanted:
        if name in query.filters:
            if not set(values) & set(query.filters[name]):
                return 0
            near += 2
        elif name == query.by and set(values) & set(keys):
            near += 1
    return near
