"""What the child of tests/test_digest_killed.py runs: one look at the clock, with channels that reach real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from collectors.fetch import parse_nets
from monitor.core.digest import ChannelSpec, DigestSpec
from monitor.deliver import channels
from monitor.deliver.base import DeliverySettings, Smtp
from monitor.digests import Digests
from monitor.store import Store
from tests.support.collecting import Clock
from tests.support.digesting import plain_document, service, weekly

SECRET = "a secret of twenty-four bytes and more"
READERS = tuple(f"reader{n}@example.org" for n in range(8))
COMPOSING = 0.03
"""Seconds, so that a kill can fall into it."""


def slow_document(
    spec: DigestSpec, since: datetime, until: datetime, now: datetime, earlier: Mapping[str, Any] | None
) -> dict[str, Any]:
    time.sleep(COMPOSING)
    return plain_document(spec, since, until, now, earlier)


def real_service(store: Store, home: Path, now: datetime, smtp_port: int, hook_port: int) -> Digests:
    """A weekly digest by mail, webhook and file."""
    spec = weekly(
        ChannelSpec("email", READERS),
        ChannelSpec("webhook", (f"http://127.0.0.1:{hook_port}/hook",), {"secret": "env:HOOK_SECRET"}),
        ChannelSpec("file"),
    )
    settings = DeliverySettings(
        home=home,
        environment={"HOOK_SECRET": SECRET},
        smtp=Smtp(host="127.0.0.1", port=smtp_port, tls="none", sender="Digest <digest@example.org>"),
        allow_nets=parse_nets("127.0.0.0/8"),
    )
    return service(store, Clock(now), spec, channels=channels(), settings=settings, compose=slow_document, timeout=5.0)


def tick_once(url: str, home: Path, now: datetime, smtp_port: int, hook_port: int) -> None:
    store = Store.open(url)
    asyncio.run(real_service(store, home, now, smtp_port, hook_port).tick())
    store.close()
