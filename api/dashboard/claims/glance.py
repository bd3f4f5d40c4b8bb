"""Claims in a few lines for the first page: what the last check said, and what changed lately.

Reads what was stored and computes nothing, so that the first page stays quick however much there is to test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from api.dashboard.claims.words import VERDICT_WORDS, counts_of, lead_of
from api.dashboard.words import day, moment

if TYPE_CHECKING:
    from monitor.bootstrap import Services

LATELY = timedelta(days=30)
CHANGES_SHOWN = 7
FIRST_PAGE_CHANGES = 3


def changes_of(services: Services, says: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    """Changes of verdict within LATELY, newest first, at most CHANGES_SHOWN; `says` names the claims that exist."""
    events = services.store.events(since=now - LATELY, kinds=("verdict_changed",), limit=10_000)
    rows = []
    for event in reversed(events):
        before, after = (VERDICT_WORDS.get(str(event.detail.get(end))) for end in ("from", "to"))
        if event.subject in says and before is not None and after is not None:
            rows.append(
                {
                    "href": f"/claims/{quote(event.subject, safe='')}",
                    "says": says[event.subject],
                    "day": day(event.at),
                    "date": event.at.date().isoformat(),
                    "before": before,
                    "after": after,
                }
            )
    return rows[:CHANGES_SHOWN]


def glance(services: Services, now: datetime) -> dict[str, Any] | None:
    """What the first page says of claims; None if none are declared."""
    says = {claim.id: claim.says for claim in services.ledger.book.claims}
    if not says:
        return None
    stored = [row for row in services.store.verdicts() if row.claim in says]
    counts = counts_of([{"verdict": row.verdict} for row in stored])
    return {
        "lead": lead_of(counts) if stored else "",
        "declared": len(says),
        "checked": moment(max((row.at for row in stored), default=None)),
        "chips": _chips(counts),
        "changes": changes_of(services, says, now)[:FIRST_PAGE_CHANGES],
    }


def _chips(counts: Mapping[str, int]) -> Sequence[dict[str, Any]]:
    return [{"verdict": VERDICT_WORDS[slug], "count": count} for slug, count in counts.items()]
