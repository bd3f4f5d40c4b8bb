"""Recorded public feeds of Reddit, as the collector reads them without a key."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors.base import Page, Source
from collectors.reddit import COLLECTOR

SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or Path(__file__).parents[2].parent / "shared") / "data"
FEEDS = SHARED / "feeds" / "feed-rs" / "feed-rs" / "fixture" / "atom"
SOURCE = Source(id="it", collector="reddit", platform="reddit", url="https://www.reddit.com/r/homelab")

pytestmark = pytest.mark.skipif(not FEEDS.is_dir(), reason=f"the feed corpora are not in {FEEDS}")


@pytest.mark.parametrize("name", ["atom_mediarss_reddit_1.xml", "atom_example_reddit.xml"])
def test_posts_come_without_the_line_that_names_their_author(name: str) -> None:
    page = Page(
        body=(FEEDS / name).read_bytes(),
        url="https://www.reddit.com/r/homelab/new/.rss",
        fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
        context={"route": "feed"},
    )
    items = COLLECTOR.parse(SOURCE, page).items
    assert items
    for item in items:
        assert item.id.startswith("t3_")
        assert item.url is not None
        assert item.url.startswith("https://www.reddit.com/r/")
        assert item.title
        assert item.author is not None
        assert "/" not in item.author
        assert not item.text.endswith("[comments]")
        assert f"/u/{item.author}" not in item.text
        assert item.categories == ()
        assert item.published_at is not None
