"""The walk through "Add a source" in the README, as a reader without the internet follows it."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Call

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def example() -> Iterator[str]:
    handler = partial(_Quiet, directory=str(ROOT / "docs" / "example"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_adding_a_source_goes_as_the_readme_says(tm: Call, example: str) -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", README.partition("## Add a source")[2], re.S)
    commands = [shlex.split(line, comments=True) for line in blocks[0].replace("127.0.0.1:8799", example).splitlines()]
    commands = [words[1:] for words in commands if words[0] == ".venv/bin/trendmonitor"]
    assert [words[0] for words in commands] == ["sources", "sources", "collect", "posts"]
    done = [tm(*words) for words in commands]
    assert [one.status for one in done] == [0] * 4, [one.err for one in done]
    assert done[-1].out.strip() == blocks[1].strip()
