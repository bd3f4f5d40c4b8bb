"""Which browser there is to drive. None is ever downloaded: it is the system's own."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRED = "TRENDMONITOR_REQUIRE_BROWSER"


class NoBrowserError(Exception):
    """Nothing to drive is installed."""


def installed() -> str:
    """Path of the browser. Raises NoBrowserError."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise NoBrowserError("no Chromium: `apt-get install chromium` tries the pages in a real browser too")


def needed() -> str:
    """The same for a test, which is skipped without a browser, or fails where one is required."""
    try:
        return installed()
    except NoBrowserError as error:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
