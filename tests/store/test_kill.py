"""Killed at any point, the database holds whole transactions and nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from monitor.store import PostQuery, Store
from tests.support.posts import NOW, make_source
from tests.support.stores import all_posts, counted_cells, stored_cells

ROUNDS = 5
PER_WRITE = 20
CHILD = """
import sys
from datetime import timedelta
from collectors.base import Engagement
from monitor.core.model import Observed, Visit, Write
from monitor.store import Store
from tests.support.posts import NOW, make_post

store = Store.open(sys.argv[1])
done = int((store.source("who").state.cursor or {}).get("done", 0))
print("ready", flush=True)
while True:
    # Every page has new posts, edits one, counts one and deletes one of the page before.
    posts = [
        make_post(
            f"{done}-{n}",
            published_at=NOW - timedelta(hours=(done * 7 + n * 5) % 900),
            duplicate_keys=((done * 31 + n) % 50,),
            text=f"page {done} post {n}",
            sentiment=n / 20,
        )
        for n in range(20)
    ]
    if done:
        posts.append(make_post(f"{done - 1}-1", published_at=NOW, title="edited"))
    store.commit(
        Write(
            "who",
            NOW,
            tuple(posts),
            engagement={f"{done - 1}-2": Engagement(likes=done)},
            deleted=(f"{done - 1}-0",) if done else (),
            observed=Observed(NOW + timedelta(hours=done), NOW + timedelta(hours=done + 1)),
            cursor={"done": done + 1},
        ),
        Visit("who", NOW, NOW, "new", new=20),
    )
    if done % 10 == 9:
        store.tidy(pages=50)
    done += 1
"""


def test_killed_in_a_loop_it_ends_with_whole_pages(store: Store, store_url: str) -> None:
    store.add_source(make_source(), NOW)
    root = Path(__file__).parents[2]
    for kill in range(ROUNDS):
        child = subprocess.Popen([sys.executable, "-c", CHILD, store_url], stdout=subprocess.PIPE, cwd=root)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(0.08 + 0.037 * kill)
        child.send_signal(signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
        child.stdout.close()
    known = store.source("who")
    assert known is not None
    pages = known.state.cursor["done"]
    assert pages > ROUNDS, "the loop got somewhere"
    posts = all_posts(store, {"who": [f"{page}-{n}" for page in range(pages + 1) for n in range(PER_WRITE)]})
    expected = {f"{page}-{n}" for page in range(pages) for n in range(PER_WRITE) if n or page == pages - 1}
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
