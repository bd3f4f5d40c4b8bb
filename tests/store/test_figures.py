"""What people are told of the database itself, on both databases."""

from __future__ import annotations

from datetime import timedelta

from collectors.quota import Quota, calendar_day
from monitor.core.model import Write
from monitor.store import Store
from tests.support.posts import NOW, make_post, make_source

HOUR = timedelta(hours=1)


def test_the_size_is_told_in_bytes_and_grows_with_posts(store: Store) -> None:
    before = store.size()
    assert before > 10_000
    store.add_source(make_source("a"), NOW)
    posts = tuple(make_post(f"p{number}", "a", text=f"Vaccination {number} " * 200) for number in range(300))
    store.commit(Write("a", NOW, posts=posts))
    assert store.size() > before


def test_bookings_are_summed_by_bucket_since_a_moment(store: Store) -> None:
    def book(bucket: str, amount: float, hours: int) -> None:
        quota = Quota(bucket, 100, "calls", calendar_day())
        store.spending.book("m", quota, amount, since=NOW - 24 * HOUR, at=NOW - hours * HOUR)

    assert store.booked("m", since=NOW - 5 * HOUR) == {}
    book("requests:one.example", 2, 3)
    book("requests:one.example", 1, 2)
    book("requests:two.example", 4, 1)
    book("requests:two.example", 8, 9)
    assert store.booked("m", since=NOW - 5 * HOUR) == {"requests:one.example": 3, "requests:two.example": 4}
    assert store.booked("other", since=NOW - 5 * HOUR) == {}
