"""The real `trendmonitor` script in processes of its own: pipes, signals, start-up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from monitor.store import Store
from tests.cli.conftest import Home

SCRIPT = Path(sys.executable).with_name("trendmonitor")


@pytest.fixture
def environment(home: Home) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return inherited | home.environment


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Children heed Ctrl-C, even where these tests run in the background of a shell, which has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def run(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([SCRIPT, *map(str, arguments)], env=environment, capture_output=True, timeout=60, check=False)


def test_one_document_and_the_three_statuses(environment: dict[str, str]) -> None:
    good = run(environment, "sources", "list", "--json")
    assert (good.returncode, json.loads(good.stdout), good.stderr) == (0, [], b"")
    failed = run(environment, "sources", "show", "nosuch", "--json")
    assert (failed.returncode, failed.stdout) == (1, b"")
    assert b"nosuch" in failed.stderr
    wrong = run(environment, "trends", "--metric", "nosuch", "--json")
    assert (wrong.returncode, wrong.stdout) == (2, b"")


def test_a_reader_that_goes_away_is_no_complaint(environment: dict[str, str], tmp_path: Path) -> None:
    lines = tmp_path / "many.jsonl"
    lines.write_text(
        "".join(
            json.dumps({"id": str(n), "published_at": "2026-01-02", "title": "Ward " * 300}) + "\n" for n in range(400)
        )
    )
    assert run(environment, "import", lines, "--source", "many", "--json").returncode == 0
    for command in (("export", "-"), ("posts", "--limit", "500"), ("posts", "--limit", "500", "--json")):
        process = subprocess.Popen([SCRIPT, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
        process.stderr.close()
        assert (process.wait(30), complaint) == (1, b""), command


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_visit_in_order(environment: dict[str, str], home: Home) -> None:
    asked, over = Event(), Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            over.wait(30)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/feed.xml"
        assert run(environment, "sources", "add", address, "--id", "slow", "--no-check").returncode == 0
        process = subprocess.Popen(
            [SCRIPT, "collect", "--json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, b"")
        assert b"Traceback" not in err
    finally:
        over.set()
        server.shutdown()
        server.server_close()
    store = Store.open(f"sqlite:///{home.home / 'trendmonitor.db'}")
    try:
        from datetime import UTC, datetime, timedelta

        claimed = store.claim_due(datetime.now(UTC), limit=5, lease=timedelta(minutes=1))
        assert [one.source.id for one in claimed] == ["slow"], "its claim was given back"
    finally:
        store.close()


def test_light_commands_load_nothing_heavy(environment: dict[str, str]) -> None:
    program = (
        "import sys\nfrom monitor.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )

    def loaded(*arguments: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=True
        )  # fmt: skip
        return set(done.stderr.split())

    heavy = {"numpy", "scipy", "httpx", "lxml", "psycopg", "pyarrow", "alembic", "pycountry", "fastapi", "fasttext"}
    assert not loaded("--help") & (heavy | {"sqlalchemy", "sqlmodel", "pydantic_settings", "structlog"})
    assert not loaded("sources", "list", "--json") & (heavy - {"numpy", "httpx", "lxml", "pycountry"})
    assert not loaded("posts", "--json") & {"scipy", "httpx", "lxml", "psycopg", "pyarrow", "alembic", "fasttext"}


def test_serve_tells_where_it_listens_and_stops_on_ctrl_c(environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [SCRIPT, "serve", "--port", "0"], env=environment | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "http://127.0.0.1:" in line
    assert ":0 " not in line
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    assert process.returncode == 0


def test_a_light_command_loads_nothing_that_only_tagging_counting_or_logging_needs(environment: dict[str, str]) -> None:
    command = [sys.executable, "-X", "importtime", SCRIPT, "sources", "list", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True, text=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "sqlmodel" in loaded
    assert not loaded & {"numpy", "scipy", "httpx", "structlog", "monitor.core.annotate", "alembic", "yaml"}
