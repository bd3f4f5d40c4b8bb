"""The command line called in this process, on an empty home, with a small site on loopback to collect from."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import main

PLATFORMS = """
platforms:
  - {id: web, name: The open web, kind: open_web, access: open, reviewed: 2026-11-22, not_measurable: Private pages.,
     routes: [{collector: feed, observes: Feeds, evidence: verified}]}
  - {id: youtube, name: YouTube, kind: open_network, access: key, reviewed: 2026-11-22, hosts: [youtube.com],
     not_measurable: Private videos.}
"""
TOPIC = """
label: Telehealth
description: Care at a distance.
phrases: {en: [telehealth, telemedicine]}
examples: [A telehealth visit]
counter_examples: [A telephone]
"""
RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Ward news</title><link>{base}/</link>
<description>d</description>
<item><guid>a1</guid><title>Telehealth visits rise</title><link>{base}/1</link>
<description>Nurses say telehealth works. Write to jane@ward.example.</description>
<pubDate>Tue, 17 Nov 2026 08:00:00 GMT</pubDate></item>
<item><guid>a2</guid><title>[bold] New clinic opens</title><link>{base}/2</link>
<description>A new clinic opened its doors.</description><pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate></item>
</channel></rss>"""
CHANNEL = """<html><head><title>Ward TV - YouTube</title>
<link rel="alternate" type="application/rss+xml" title="RSS" href="/feeds/videos.xml?channel_id=UCaaaaaaaaaaaaaaaaaaaaaa">
</head></html>"""
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015">
<title>Ward TV</title><id>yt:channel:aaa</id><updated>2026-11-17T08:00:00Z</updated><entry><id>yt:video:v1</id>
<yt:videoId>v1</yt:videoId><title>How a clinic works</title><link rel="alternate" href="https://www.youtube.com/watch?v=v1"/>
<published>2026-11-17T08:00:00Z</published></entry></feed>"""


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        base = f"http://{self.headers['Host']}"
        link = '<link rel="alternate" type="application/rss+xml" title="All" href="/ward-news.xml">'
        answers = {
            "/ward-news.xml": ("application/rss+xml", RSS.format(base=base)),
            "/second.xml": ("application/rss+xml", RSS.format(base=base)),
            "/": ("text/html", f"<html><head>{link}</head><body>Ward</body></html>"),
            "/@ward": ("text/html", CHANNEL),
            "/feeds/videos.xml?channel_id=UCaaaaaaaaaaaaaaaaaaaaaa": ("application/atom+xml", ATOM),
            "/bare": ("text/html", "<html><body>No feed here</body></html>"),
        }
        kind, body = answers.get(self.path, ("text/plain", ""))
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Home:
    """Where one test's command line lives."""

    home: Path
    config: Path
    environment: dict[str, str]


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty, migrated database and a small config; the environment leads there."""
    made = Home(
        tmp_path / "home",
        tmp_path / "config",
        {
            "TRENDMONITOR_HOME": str(tmp_path / "home"),
            "TRENDMONITOR_CONFIG": str(tmp_path / "config"),
            "TRENDMONITOR_ALLOW_NETS": "127.0.0.0/8",
            "TRENDMONITOR_PACE_SECONDS": "0",
            "TRENDMONITOR_COLLECT_WORKERS": "0",
        },
    )
    made.home.mkdir()
    (made.config / "taxonomy").mkdir(parents=True)
    (made.config / "platforms.yaml").write_text(PLATFORMS)
    (made.config / "sources.yaml").write_text("sources: []\n")
    (made.config / "taxonomy" / "telehealth.yaml").write_text(TOPIC)
    (made.home / "trendmonitor.db").write_bytes(sqlite_template.read_bytes())
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)


Call = Callable[..., Done]


@pytest.fixture
def tm(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls a command: `tm("sources", "list")`, in a terminal of no stated width."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return call
