"""The filled service, its clients, and a site on loopback to collect from."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from monitor.bootstrap import Services
from tests.api.support import PLATFORMS, SOURCES, TOPIC, Site, client_of, fill, make_services


@pytest.fixture(scope="session")
def config_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("config")
    (directory / "taxonomy").mkdir()
    (directory / "platforms.yaml").write_text(PLATFORMS)
    (directory / "sources.yaml").write_text(SOURCES)
    (directory / "taxonomy" / "telehealth.yaml").write_text(TOPIC)
    return directory


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory, config_dir: Path) -> Path:
    home = tmp_path_factory.mktemp("home")
    services = make_services(home, config_dir)
    fill(services)
    services.close()
    return home


@pytest.fixture(scope="module")
def shared(filled_home: Path, config_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The filled service for tests that only read. A copy for each file, because reading a ledger stores verdicts."""
    services = make_services(_copied(filled_home, tmp_path_factory.mktemp("shared")), config_dir)
    yield services
    services.close()


@pytest.fixture
def services(filled_home: Path, config_dir: Path, tmp_path: Path) -> Iterator[Services]:
    """A copy of the filled service for tests that write."""
    home = tmp_path / "home"
    home.mkdir()
    made = make_services(_copied(filled_home, home), config_dir)
    yield made
    made.close()


def _copied(filled_home: Path, home: Path) -> Path:
    for file in filled_home.glob("trendmonitor.db*"):
        (home / file.name).write_bytes(file.read_bytes())
    return home


@pytest.fixture
async def reader(shared: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shared) as client:
        yield client


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(services) as client:
        yield client


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """A site on loopback with a page, a feed and nothing else."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
