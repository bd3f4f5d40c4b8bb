"""Posts and feeds that try to become part of the page: markup, script and foreign addresses in every field."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import Any
from xml.sax.saxutils import escape

MARK = "<script>window.__hit = 1</script>"
"""Has to be seen as these very characters."""
ATTACKS = (
    MARK,
    '<img src="x" onerror="window.__hit = 2">',
    '"><svg onload="window.__hit = 3">',
    "'><input autofocus onfocus='window.__hit = 4'>",
    '</script></style></title></textarea></template></noscript><script src="//evil.example/x.js"></script>',
    '<div hx-get="http://evil.example/x" hx-trigger="load" data-hx-on:click="window.__hit = 5"></div>',
    '<iframe src="javascript:parent.__hit = 6"></iframe><object data="//evil.example/o"></object>',
    '<link rel="stylesheet" href="//evil.example/x.css"><style>@import "//evil.example/y.css";</style>',
    '<meta http-equiv="refresh" content="0;url=//evil.example/"><base href="//evil.example/">',
    '<a href="javascript:window.__hit = 7">press</a><form action="//evil.example/"><button>go</button></form>',
    "{{ 7*7 }} {% raise %} ${window.__hit = 8} <!-- --> ]]> \\u003cscript\\u003e",
)
LINKS = (
    "javascript:window.__hit = 9", "JaVaScRiPt:window.__hit = 9", "data:text/html,<script>window.__hit = 9</script>",
    'https://evil.example/"onmouseover="window.__hit = 9', "//evil.example/x", "vbscript:x", " javascript:window.__hit=9",
    "java\nscript:window.__hit=9", "https://evil.example/ok",
)  # fmt: skip


def attack(at: int, field: str) -> str:
    return f"{field} telehealth clinic {ATTACKS[at % len(ATTACKS)]} {MARK}"


def record(source: str, at: int, published: str) -> dict[str, Any]:
    """A line of an archive."""
    return {
        "source": source,
        "id": f"{at}{ATTACKS[at % len(ATTACKS)]}"[:400],
        "url": LINKS[at % len(LINKS)],
        "title": attack(at, "title"),
        "text": attack(at + 1, "text") + " visits nurses" * 20,
        "author": attack(at, "author"),
        "author_bio": attack(at, "nurse bio"),
        "published_at": published,
        "language": "en",
        "categories": [MARK],
        "tags": [attack(at, "tag")],
    }


def feed(place: str) -> str:
    """RSS with an attack in every element and attribute that is read."""
    items = "".join(
        f"""<item><guid isPermaLink="false">{escape(f"g{at}{one}")}</guid><title>{escape(f"Item {at} {one}")}</title>
<link>{escape(LINKS[at % len(LINKS)])}</link><author>{escape(one)}</author><category>{escape(one)}</category>
<description>{escape(f"Nurses say telehealth {one}")}</description><comments>javascript:window.__hit=9</comments>
<content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/"><![CDATA[<p>Plain words</p>{one.replace("]]>", "")}]]></content:encoded>
<enclosure url="{escape(LINKS[at % len(LINKS)], {'"': "&quot;"})}" type="video/mp4{escape(one, {'"': "&quot;"})}" length="1"/>
<pubDate>Tue, 17 Nov 2026 {at:02d}:00:00 GMT</pubDate></item>"""
        for at, one in enumerate(ATTACKS)
    )
    return f"""<?xml version="1.0"?><rss version="2.0"><channel><title>{escape("Feed " + MARK + ATTACKS[1])}</title>
<link>{place}</link><description>{escape(ATTACKS[2])}</description><language>{escape(MARK)}</language>
<generator>{escape(MARK)}</generator><image><url>javascript:window.__hit=9</url><title>{escape(MARK)}</title></image>{items}</channel></rss>"""


class HostileSite(BaseHTTPRequestHandler):
    """A page that names its feed, with attacks in its title and in the feed's."""

    def do_GET(self) -> None:
        place = f"http://{self.headers['Host']}/"
        if self.path == "/feed.xml":
            body, kind = feed(place), "application/rss+xml"
        else:
            name = escape(MARK + ATTACKS[2], {'"': "&quot;"})
            body = f'<title>{name}</title><link rel="alternate" type="application/rss+xml" title="{name}" href="/feed.xml">'
            kind = "text/html"
        sent = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        """Quiet."""
