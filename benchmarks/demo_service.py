"""The demonstration as its users get it: generated, with an issue of the digest, served by a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import structlog

from monitor.bootstrap import Services
from monitor.demo import fill
from monitor.settings import Settings
from tests.api.pages import BROWSER
from tests.browser.addresses import PAGES, Address, resolve


def make(home: Path) -> None:
    """Two years of posts, every claim judged, signals looked for, the weekly digest composed once."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    services = Services(Settings(home=home))
    fill(services.store, services.recipe, home, clock=services.clock)
    services.ledger.refresh()
    services.signal_watch.refresh()
    asyncio.run(services.digests.send("weekly"))
    services.close()


@contextmanager
def served() -> Iterator[str]:
    """The address of a freshly made demonstration, as long as the context lasts."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        make(home)
        command = [str(Path(sys.executable).with_name("trendmonitor")), "serve", "--port", "0"]
        environment = {**os.environ, "TRENDMONITOR_HOME": folder}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
            try:
                assert process.stdout is not None
                told = re.search(rb"http://[0-9.:]+", process.stdout.readline())
                if told is None:
                    raise RuntimeError("the service did not start")
                yield told[0].decode()
            finally:
                process.terminate()
                process.wait(20)


def pages(base: str) -> dict[str, tuple[Address, str]]:
    """The main pages that the demonstration has: name → page, and where it is."""

    def read(path: str) -> str:
        return httpx.get(base + path, headers=BROWSER, timeout=60).text

    found = {one.name: (one, resolve(one, read)) for one in PAGES if one.shown and one.demo}
    return {name: (one, path) for name, (one, path) in found.items() if path is not None}
