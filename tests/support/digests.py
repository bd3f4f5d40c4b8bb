"""A world for digests: sources over ten weeks with known shares, some of them in trouble, some with hostile names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from collectors.base import Engagement
from monitor.config import Config, load_config
from monitor.core.claim import ClaimBook
from monitor.core.digest import DigestSpec
from monitor.core.digest_input import Facts
from monitor.core.model import Observed, Post, Visit, Write
from monitor.digest_facts import gather
from monitor.ledger import Ledger
from monitor.store import Store
from monitor.trends import Trends
from tests.support.posts import make_post, make_source

CONFIG = load_config(Path(__file__).parents[2] / "config")
WEEKS = 10
NOW = datetime(2026, 7, 13, 6, 0, tzinfo=UTC)
"""A Monday, 08:00 in Berlin."""
LAST = datetime(2026, 7, 6, tzinfo=UTC)
"""The Monday of the reported week."""
FIRST = LAST - timedelta(weeks=WEEKS - 1)
SINCE, UNTIL = datetime(2026, 7, 5, 22, tzinfo=UTC), datetime(2026, 7, 12, 22, tzinfo=UTC)
"""The reported week in Berlin."""
HOSTILE = "<b>Ev.il.example</b>\r\nBcc: x@evil.example \u202eתוקף\u202c | [a](javascript:x)"
SPEC = DigestSpec("weekly", "Weekly overview", "weekly on monday 08:00 Europe/Berlin", ())


def fill(
    store: Store,
    *,
    sources: int = 40,
    weekly: int = 14,
    jump: float = 1.0,
    seed: int = 1,
    unseen: Mapping[int, tuple[int, int]] | None = None,
    names: Mapping[int, str] | None = None,
    text: str = "Some words about health",
) -> None:
    """Sources s00, s01 … A fifth of the posts are videos, an eighth about telehealth, whatever the week; in the last
    week `jump` times as many are about telehealth. `unseen`: source → weeks [from, to) without posts and coverage."""
    rng = np.random.default_rng(seed)
    for number in range(sources):
        name = f"s{number:02d}"
        platform = "youtube" if number % 4 == 3 else "web"
        country = ("DE", "US", None)[number % 3]
        store.add_source(
            make_source(name, platform=platform, name=(names or {}).get(number, f"Source {number}")), FIRST
        )
        low, high = (unseen or {}).get(number, (0, 0))
        posts: list[Post] = []
        for week in range(WEEKS):
            if low <= week < high:
                continue
            share = 0.125 * (jump if week == WEEKS - 1 else 1.0)
            for at in range(int(rng.poisson(weekly))):
                published = FIRST + timedelta(weeks=week, seconds=int(rng.integers(0, 7 * 86_400)))
                posts.append(
                    make_post(
                        f"{week}-{at}",
                        name,
                        published_at=published,
                        title=f"Post {at} of {name} in week {week}",
                        text=text,
                        content_type="video" if rng.random() < 0.2 else "news",
                        topics=("telehealth",) if rng.random() < share else (),
                        country=country,
                        sentiment=float(np.clip(rng.normal(0.1, 0.4), -1, 1)),
                        engagement=Engagement(views=100, likes=int(rng.integers(0, 50)), comments=1, shares=0),
                    )
                )
        store.commit(Write(source=name, at=NOW, posts=tuple(posts)))
        for since, until in ((0, low), (high, WEEKS)) if high > low else ((0, WEEKS),):
            if until > since:
                end = NOW if until == WEEKS else FIRST + timedelta(weeks=until)
                store.commit(Write(source=name, at=NOW, observed=Observed(FIRST + timedelta(weeks=since), end)))
        visit(store, name, ok=True)


def visit(store: Store, name: str, *, ok: bool, at: datetime = NOW - timedelta(minutes=20), message: str = "") -> None:
    """A visit that worked, or one that failed with these words."""
    store.record_visit(
        Visit(
            source=name,
            started=at,
            finished=at,
            outcome="unchanged" if ok else "http_403",
            ok=ok,
            message=None if ok else message or "The site refused (403).",
            failures=0.0 if ok else 1.0,
            next_due=NOW + timedelta(hours=1),
        )
    )


def facts_of(
    store: Store,
    *,
    spec: DigestSpec = SPEC,
    since: datetime = SINCE,
    until: datetime = UNTIL,
    now: datetime = NOW,
    book: ClaimBook | None = None,
    config: Config = CONFIG,
    **more: Any,
) -> Facts:
    """Gathered from a real store with its real trends and ledger. Without `book` there are no claims, which is fast."""
    trends = Trends(store, clock=lambda: now)
    ledger = Ledger(trends, store, book or ClaimBook(), clock=lambda: now)
    return gather(trends, ledger, store, config, spec, since=since, until=until, now=now, **more)
