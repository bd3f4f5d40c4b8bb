"""Builders of values that many tests need; every argument has a plain default."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.base import NO_ENGAGEMENT, Engagement, Source
from monitor.core.model import Annotation, Post

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def make_source(id: str = "who", **facts: Any) -> Source:  # noqa: A002 - the name of the field
    """A feed source; `facts` replace any field of Source."""
    defaults: dict[str, Any] = {"collector": "feed", "platform": "web", "url": f"https://{id}.example/feed.xml"}
    return Source(id=id, **(defaults | facts))


def make_annotation(**facts: Any) -> Annotation:
    defaults: dict[str, Any] = {
        "version": 1,
        "content_type": "news",
        "subtype": None,
        "live": False,
        "sponsored": False,
        "audience": ("other",),
        "language": "en",
        "country": None,
        "topics": (),
        "sentiment": None,
        "duplicate_keys": (),
        "reasons": {"content_type": "the source's prior"},
    }
    return Annotation(**(defaults | facts))


def make_post(
    id: str = "p1",  # noqa: A002 - the name of the field
    source: str = "who",
    *,
    published_at: datetime = NOW - timedelta(days=1),
    engagement: Engagement = NO_ENGAGEMENT,
    title: str = "A title",
    text: str = "Some words about health",
    **facts: Any,
) -> Post:
    """A post; `facts` may name fields of Post and of its Annotation."""
    fields = set(Post.__dataclass_fields__)
    tags = {name: facts.pop(name) for name in list(facts) if name not in fields}
    defaults: dict[str, Any] = {
        "url": f"https://example.org/{source}/{id}",
        "author": None,
        "date_guessed": False,
        "seen_at": NOW,
        "updated_at": None,
        "duration": None,
        "words": len(text.split()),
        "guests": None,
        "annotation": make_annotation(**tags),
        "evidence": {},
        "hash": hash_of(title, text),
    }
    return Post(
        source=source,
        id=id,
        title=title,
        text=text,
        published_at=published_at,
        engagement=engagement,
        **(defaults | facts),
    )


def hash_of(title: str, text: str) -> int:
    """A signed 64-bit hash that is the same in every process."""
    value = 0
    for byte in f"{title}\n{text}".encode("utf-8", "surrogatepass"):
        value = (value * 1099511628211 + byte) % 2**64
    return value - 2**63
