"""A service with enough sources and weeks that changes can be told: twelve weeks of six sources, and what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from collectors.base import Source
from monitor.bootstrap import Services
from monitor.core.model import Observed, Visit, Write
from tests.api.support import NOW, make_post

MONDAY = datetime(2026, 11, 16, tzinfo=NOW.tzinfo)
"""The present week began; the last complete one is that of 9 November."""
WEEKS = 12
STEADY = tuple(f"steady-{number}" for number in range(6))
HOSTILE = "</h1><script>alert(1)</script>"
PER_WEEK = 10
LAST_WEEK = 20


def fill_weeks(services: Services, *, jump: bool = True) -> None:
    """Six sources watched all the time, which (`jump`) post twice as much in the last week and then also videos; a
    seventh that joined in that week, one that left before it, and one that fails."""
    start = MONDAY - timedelta(weeks=WEEKS)
    for at, name in enumerate(STEADY):
        _source(services, name, name.title(), start)
        posts = []
        for week in range(WEEKS):
            last = week == WEEKS - 1
            many = LAST_WEEK if last and jump else PER_WEEK
            for number in range(many + (at + week) % 2):
                when = start + timedelta(weeks=week, hours=6 + number * 7)
                kind = "video" if last and jump and number % 2 else "news"
                post = make_post(name, week * 100 + number, when, content_type=kind)
                mood = 0.1 + 0.05 * ((at + number) % 5)
                posts.append(replace(post, annotation=replace(post.annotation, sentiment=mood)))
        _collected(services, name, posts, Observed(start, NOW))
    _source(services, "joined", HOSTILE, MONDAY - timedelta(days=5))
    _collected(
        services, "joined", [make_post("joined", 1, MONDAY - timedelta(days=3))],
        Observed(MONDAY - timedelta(days=5), NOW),
    )  # fmt: skip
    services.store.add_source(Source("sick", "feed", "web", "https://sick.example/feed", HOSTILE, "news"), start)
    services.store.record_visit(
        Visit("sick", NOW - timedelta(hours=3), NOW - timedelta(hours=3), "http_404", ok=False, failures=2.0,
              message="<b>gone</b>", next_due=NOW + timedelta(hours=5))
    )  # fmt: skip


def _source(services: Services, name: str, title: str, at: datetime) -> None:
    services.store.add_source(Source(name, "feed", "web", f"https://{name}.example/feed", title, "news"), at)


def _collected(services: Services, name: str, posts: list, observed: Observed) -> None:
    visit = Visit(
        name, NOW - timedelta(minutes=10), NOW - timedelta(minutes=9), "new", new=len(posts),
        next_due=NOW + timedelta(hours=1),
    )  # fmt: skip
    services.store.commit(
        Write(source=name, at=NOW - timedelta(minutes=9), posts=tuple(posts), observed=observed), visit
    )
