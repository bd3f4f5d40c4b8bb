"""What the child of tests/test_killed.py runs: one collect of everything that is due, at a given moment."""

from __future__ import annotations

import asyncio
from datetime import datetime

from monitor.store import Store
from tests.support.collecting import Clock, Service


def collect_once(url: str, now: datetime) -> None:
    store = Store.open(url)
    service = Service(store, clock=Clock(now), workers=2, concurrency=4)
    service.readers.start_workers()
    asyncio.run(service.collection.collect())
    service.close()
    store.close()
