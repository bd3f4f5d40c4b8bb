"""Killed at any point, the database holds whole transactions and nothing else."""

from __future__ import annotations

import multiprocessing
import signal
import time

import pytest

from monitor.store import PostQuery, Store
from tests.support.committing import PER_PAGE, commit_for_ever
from tests.support.posts import NOW, make_source
from tests.support.stores import all_posts, counted_cells, stored_cells

ROUNDS = 6


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="needs POSIX processes")
def test_killed_in_a_loop_it_ends_with_whole_pages(store: Store, store_url: str) -> None:
    store.add_source(make_source(), NOW)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.committing"])  # so that a child starts at once
    for kill in range(ROUNDS):
        here, there = context.Pipe()
        child = context.Process(target=commit_for_ever, args=(store_url, there))
        child.start()
        assert here.recv() == "ready"
        time.sleep(0.06 + 0.037 * kill)
        child.kill()
        child.join(10)
        assert child.exitcode == -signal.SIGKILL
    known = store.source("who")
    assert known is not None
    pages = known.state.cursor["done"]
    assert pages > ROUNDS, "the loop got somewhere"
    posts = all_posts(store, {"who": [f"{page}-{n}" for page in range(pages + 1) for n in range(PER_PAGE)]})
    expected = {f"{page}-{n}" for page in range(pages) for n in range(PER_PAGE) if n or page == pages - 1}
    assert {post_id for _, post_id in posts} == expected
    assert store.totals().posts == len(expected)
    assert [post.engagement.likes for (_, post_id), post in posts.items() if post_id.endswith("-2")] == [
        *range(1, pages),
        None,
    ]
    (interval,) = store.coverage()["who"]
    assert (interval.until - interval.since).total_seconds() == 3600 * pages
    assert stored_cells(store) == counted_cells(posts.values())
    assert store.count_posts(PostQuery("page"), cap=10**6) == len(expected) - (pages - 1), "the edited ones lost it"
    assert store.rebuild_cells() == 0
