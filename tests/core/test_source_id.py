"""Ids of sources: what is one, and how one is made from an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.source_id import is_source_id, slug, slug_for


@pytest.mark.parametrize("text", ["a", "who-news", "old.blog_2", "0", "a-", "x" * 80])
def test_an_id(text: str) -> None:
    assert is_source_id(text)


@pytest.mark.parametrize("text", ["", "-a", ".a", "A", "a b", "a/b", "a,b", "ä", "a\n", "x" * 81])
def test_not_an_id(text: str) -> None:
    assert not is_source_id(text)


def test_ids_made_from_addresses_are_free_and_usable() -> None:
    taken: set[str] = set()
    for url in (
        "https://www.who.int/rss-feeds/news.xml",
        "https://www.who.int/rss-feeds/news.atom",
        "https://ward.example/blog/feed/",
        "https://例え.jp/",
        f"https://{'a' * 60}.example/{'b' * 300}",
        f"https://{'a' * 60}.example/{'b' * 301}",
    ):
        made = slug_for(url, taken=taken)
        assert is_source_id(made)
        assert made not in taken
        taken.add(made)
    assert {"who-int-rss-feeds-news", "who-int-rss-feeds-news-2", "ward-example-blog", "jp"} <= taken


@given(st.text())
def test_a_slug_is_an_id_or_nothing(text: str) -> None:
    made = slug(text)
    assert made == "" or is_source_id(made)
    assert slug(made) == made
