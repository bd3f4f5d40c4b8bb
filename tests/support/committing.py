"""A process that commits pages until it is killed, and what must be in the database then."""

from __future__ import annotations

from datetime import timedelta
from multiprocessing.connection import Connection

from collectors.base import Engagement
from monitor.core.model import Observed, Visit, Write
from monitor.store import Store
from tests.support.posts import NOW, make_post

PER_PAGE = 20


def commit_for_ever(url: str, ready: Connection) -> None:
    """Each page has new posts, edits one, counts one and deletes one of the page before; goes on where it stopped."""
    store = Store.open(url)
    known = store.source("who")
    assert known is not None
    done = int(known.state.cursor.get("done", 0))
    ready.send("ready")
    while True:
        store.commit(page(done), Visit("who", NOW, NOW, "new", new=PER_PAGE))
        if done % 10 == 9:
            store.tidy(pages=50)
        done += 1


def page(done: int) -> Write:
    posts = [
        make_post(
            f"{done}-{n}",
            published_at=NOW - timedelta(hours=(done * 7 + n * 5) % 900),
            duplicate_keys=((done * 31 + n) % 50,),
            text=f"page {done} post {n}",
            sentiment=n / PER_PAGE,
        )
        for n in range(PER_PAGE)
    ]
    if done:
        posts.append(make_post(f"{done - 1}-1", published_at=NOW, title="edited"))
    return Write(
        "who",
        NOW,
        tuple(posts),
        engagement={f"{done - 1}-2": Engagement(likes=done)},
        deleted=(f"{done - 1}-0",) if done else (),
        observed=Observed(NOW + timedelta(hours=done), NOW + timedelta(hours=done + 1)),
        cursor={"done": done + 1},
    )
