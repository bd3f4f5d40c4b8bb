"""A real service on a real SQLite file: real settings, store and trends; only the clock stands still.

The data: two weeks of posts of three sources, one of them with a gap, so that every status occurs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_network
from pathlib import Path

import httpx

from api.app import create_app
from collectors.base import Engagement, Source
from monitor.bootstrap import Services
from monitor.core.model import Annotation, Observed, Post, Visit, Write
from monitor.settings import Settings

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""A Wednesday."""
BASE = "http://127.0.0.1:8000"

PLATFORMS = """
platforms:
  - {id: web, name: The open web, kind: open_web, access: open, reviewed: 2026-11-22, not_measurable: Private pages.,
     routes: [{collector: feed, observes: Feeds, evidence: verified}]}
  - {id: youtube, name: YouTube, kind: open_network, access: key, reviewed: 2026-11-22, hosts: [youtube.com],
     not_measurable: Private videos.}
"""
SOURCES = """
sources:
  - {id: declared, collector: feed, platform: web, url: "https://declared.example/feed.xml", name: Declared source,
     content_type: news}
"""
TOPIC = """
label: Telehealth
description: Care at a distance.
phrases: {en: [telehealth, telemedicine]}
examples: [A telehealth visit]
counter_examples: [A telephone]
"""

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Ward news</title><link>https://ward.example/</link>
<description>d</description>
<item><guid>a1</guid><title>Telehealth visits rise</title><link>https://ward.example/1</link>
<description>Nurses say telehealth works well. Write to jane@ward.example or call +1 202 555 0143.</description>
<pubDate>Tue, 17 Nov 2026 08:00:00 GMT</pubDate></item>
<item><guid>a2</guid><title>New clinic opens</title><link>https://ward.example/2</link>
<description>A new clinic opened its doors on Monday.</description><pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate></item>
</channel></rss>"""


def make_post(source: str, number: int, published: datetime, **tags: object) -> Post:
    """A post with settled tags; only what a test asks for differs."""
    kind = str(tags.get("content_type", "news"))
    return Post(
        source=source,
        id=f"{source}/{number}",
        url=f"https://{source}.example/{number}",
        title=f"Vaccine news {number}",
        text="Vaccination began. Questions to press@clinic.example or +44 20 7946 0958.",
        author="ab" * 16,
        published_at=published,
        date_guessed=False,
        seen_at=published + timedelta(minutes=5),
        updated_at=None,
        duration=60.0 if kind == "video" else None,
        words=9,
        guests=None,
        engagement=Engagement(views=100, likes=number, comments=0) if kind == "video" else Engagement(),
        annotation=Annotation(
            version=1,
            content_type=kind,
            subtype=None,
            live=False,
            sponsored=False,
            audience=("nurses",) if number % 3 == 0 else ("other",),
            language="en",
            country="DE" if number % 2 else None,
            topics=("vaccination",),
            sentiment=0.2,
            duplicate_keys=(),
            reasons={"content_type": f"its source is {kind}"},
        ),
        evidence={},
        hash=number,
    )


def fill(services: Services) -> None:
    store = services.store
    services.apply()
    start = NOW - timedelta(days=14)
    for name, kind in (("clips", "video"), ("wire", "news")):
        store.add_source(
            Source(
                name,
                "feed",
                "youtube" if kind == "video" else "web",
                f"https://{name}.example/feed",
                name.title(),
                kind,
            ),
            start,
        )
        posts = tuple(
            make_post(name, number, start + timedelta(hours=6 * number), content_type=kind) for number in range(1, 50)
        )
        visit = Visit(
            name,
            NOW - timedelta(minutes=10),
            NOW - timedelta(minutes=9),
            "new",
            new=len(posts),
            next_due=NOW + timedelta(hours=1),
        )
        store.commit(
            Write(source=name, at=NOW - timedelta(minutes=9), posts=posts, observed=Observed(start, NOW)), visit
        )
    store.add_source(Source("sick", "feed", "web", "https://sick.example/feed", "Sick feed", "podcast"), start)
    store.record_visit(
        Visit("sick", NOW - timedelta(hours=3), NOW - timedelta(hours=3), "http_404", ok=False, failures=2.0,
              message="sick: nothing is at this address (404). <Check> it.", next_due=NOW + timedelta(hours=5))
    )  # fmt: skip


def make_services(home: Path, config: Path, *, host: str = "127.0.0.1") -> Services:
    settings = Settings(
        home=home, config=config, host=host, allow_nets=(ip_network("127.0.0.0/8"),), pace_seconds=0, collect_workers=0
    )
    made = Services(settings, clock=lambda: NOW)
    made.last_tick = NOW - timedelta(seconds=20)
    return made


def client_of(
    services: Services, *, base: str = BASE, client: tuple[str, int] = ("127.0.0.1", 50000)
) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False, client=client)
    return httpx.AsyncClient(transport=transport, base_url=base)


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/feed.xml":
            body, kind, status = FEED.encode(), "application/rss+xml", 200
        elif self.path == "/":
            link = '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
            body, kind, status = f"<html><head>{link}</head><body>Ward</body></html>".encode(), "text/html", 200
        else:
            body, kind, status = b"nothing", "text/plain", 404
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""
