"""Open signals in a few lines for the first page. Reads what was stored and looks for nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from api.dashboard.names import labels_of
from api.dashboard.signals import views as signal_views
from api.dashboard.signals import words as signal_words

if TYPE_CHECKING:
    from monitor.bootstrap import Services

MOST = 1_000
FIRST_PAGE = 3


def signal_glance(services: Services, now: datetime) -> dict[str, Any]:
    """What the first page says of signals: those that are open, and the latest that people have not spoken about."""
    found = services.store.signals.recent(state="open", since=None, until=None, limit=MOST)
    heard = [one for one in found if one.acknowledged_at is None and not signal_words.is_muted(one, now)]
    labels = labels_of(services)
    return {
        "lead": signal_words.lead_of(found, now),
        "rows": [signal_views.row_of(one, labels, now) for one in heard[:FIRST_PAGE]],
        "more": len(heard) - len(heard[:FIRST_PAGE]),
    }
