"""A real Chromium, driven by Playwright, and the services that it is pointed at.

Playwright brings no browser here: it drives the one that the system has. Its synchronous interface keeps an event loop
running in the thread while it lives, so it is started for one file at a time and is gone before any other test.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from api.dashboard.pictures import Studio
from tests.api.browser import serving
from tests.browser import homes
from tests.browser.launching import launched
from tests.support.chromium import needed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needed()
    expect.set_options(timeout=20_000)  # the first chart of all waits for the browser's bundle to be made
    with sync_playwright() as driver, launched(driver) as opened:
        yield opened


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the services of all files, of all workers: making the browser's bundle takes seconds."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "drawn"
    place.mkdir(exist_ok=True)
    with (base.parent / "drawing.lock").open("w") as lock, ThreadPoolExecutor(1) as elsewhere:
        fcntl.flock(lock, fcntl.LOCK_EX)
        elsewhere.submit(lambda: asyncio.run(Studio(place).bundle())).result()
    return place


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    home = tmp_path_factory.mktemp("pages")
    (home / "cache").symlink_to(drawn)
    with ThreadPoolExecutor(1) as elsewhere:  # the thread of the tests may hold Playwright's event loop
        elsewhere.submit(homes.fill, home).result()
    return home


@pytest.fixture(scope="module")
def address(filled: Path) -> Iterator[str]:
    """Where the filled service listens."""
    services = homes.services_of(filled)
    with serving(services) as place:
        yield place
    services.close()
