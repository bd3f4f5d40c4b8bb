"""A server that has bad days, and services that collect from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from monitor.store import Store
from tests.servers.baddays import BadDays
from tests.support.collecting import Service


@pytest.fixture
async def server() -> AsyncIterator[BadDays]:
    async with BadDays() as running:
        yield running


@pytest.fixture
def service(sqlite_store: Store) -> Iterator[Service]:
    made = Service(sqlite_store)
    yield made
    made.close()


@pytest.fixture
def abroad(sqlite_store: Store, server: BadDays) -> Iterator[Service]:
    """A service to which the server is the public internet, and loopback is forbidden."""
    made = Service(sqlite_store, internet=server.port)
    yield made
    made.close()
