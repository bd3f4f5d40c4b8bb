"""Logs: one line an event, JSON where wanted, and never a secret."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from monitor import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_json_lines_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", as_json=True)
    log = structlog.get_logger("test")
    log.debug("hidden")
    log.info("visited", source="ward", new=3)
    out, err = capsys.readouterr()
    assert out == ""
    event = json.loads(err)
    assert (event["event"], event["source"], event["new"], event["level"]) == ("visited", "ward", 3, "info")
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_passes_from_us_from_libraries_or_in_tracebacks(
    capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    logs.configure("info", as_json=as_json)
    address = "https://user:hunter2@ward.example/feed?api_key=hunter2&page=1"
    log = structlog.get_logger("test")
    log.info("visited", url=address)
    log.info(f"visited {address} today", urls=[address], nested={"url": address})
    logging.getLogger("library").warning("cannot reach %s", address)
    try:
        raise ValueError(f"postgresql+psycopg://user:hunter2@host/db and {address}")
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("failed")
    _, err = capsys.readouterr()
    assert "hunter2" not in err
    assert err.count("ward.example") >= 6
    assert "page=1" in err
    assert "ValueError" in err


def test_chatty_libraries_are_quiet_and_configuring_twice_says_things_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug")
    logs.configure("debug")
    logging.getLogger("httpx").info("HTTP Request")
    logging.getLogger("library").warning("once")
    assert capsys.readouterr().err.count("\n") == 1


def test_a_text_without_addresses_is_left_as_it_is() -> None:
    assert logs.without_secrets("key=value, nothing to hide") == "key=value, nothing to hide"
    assert logs.without_secrets("see https://ward.example/a.").startswith("see https://ward.example/a")


def test_who_loads_structlog_later_finds_it_set_up() -> None:
    code = (
        "import sys; from monitor import logs; logs.configure('warning', as_json=True);"
        "assert 'structlog' not in sys.modules;"
        "import structlog; structlog.get_logger().warning('told'); structlog.get_logger().info('hidden')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["told"]
