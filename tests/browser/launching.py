"""The system's own Chromium under Playwright; for tests, screenshots and the speed table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright

from tests.support.chromium import installed

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")  # fmt: skip


@contextmanager
def launched(driver: Playwright) -> Iterator[Browser]:
    """A headless browser as long as the context lasts. Raises NoBrowserError."""
    opened = driver.chromium.launch(executable_path=installed(), args=list(FLAGS))
    try:
        yield opened
    finally:
        opened.close()
