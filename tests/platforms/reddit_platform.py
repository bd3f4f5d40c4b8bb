"""A stand-in for Reddit: the token, OAuth listings, look-ups by id, and the public feeds. All people are invented."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from collectors.base import Source
from tests.platforms.case import Case
from tests.platforms.serving import START, Asked, Platform, Told

CLIENT = ("hush-client", "hush-secret-of-the-app")
KEY = f"{CLIENT[0]}:{CLIENT[1]}:example_operator"
COMMUNITY = "examplenurses"
DEPTH = 1000
PAGE = 100
_SITE = "https://www.reddit.com"
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _LETTERS[rest] + digits
    return digits or "0"


@dataclass
class Entry:
    """One post or comment, newest last in its list."""

    kind: str
    number: int
    at: datetime
    more: dict[str, Any] = field(default_factory=dict)
    """Fields that differ from the ordinary."""
    gone: bool = False
    """Not in any answer any more, listings and look-ups alike."""

    @property
    def name(self) -> str:
        return f"{self.kind}_{base36(36**5 + self.number)}"

    def data(self) -> dict[str, Any]:
        code = self.name[3:]
        data: dict[str, Any] = {
            "id": code,
            "name": self.name,
            "author": f"example_user_{self.number % 9}",
            "author_fullname": f"t2_ex{self.number % 9}",
            "subreddit": COMMUNITY,
            "subreddit_id": "t5_2abcd",
            "subreddit_type": "public",
            "created_utc": self.at.timestamp(),
            "edited": False,
            "score": self.number % 7,
            "ups": self.number % 7,
            "stickied": False,
            "distinguished": None,
        }
        if self.kind == "t3":
            data |= {
                "title": f"Question {self.number} &amp; answer".replace("&amp;", "&"),
                "selftext": f"Night shift number **{self.number}** was long.",
                "selftext_html": f'<!-- SC_OFF --><div class="md"><p>Night shift number <strong>{self.number}</strong> was long.</p>\n</div><!-- SC_ON -->',
                "permalink": f"/r/{COMMUNITY}/comments/{code}/question_{self.number}/",
                "url": f"{_SITE}/r/{COMMUNITY}/comments/{code}/question_{self.number}/",
                "num_comments": self.number % 5,
                "num_crossposts": 0,
                "over_18": False,
                "is_self": True,
                "link_flair_text": "Discussion" if self.number % 3 == 0 else None,
                "removed_by_category": None,
                "hide_score": False,
                "media": None,
            }
            if self.number % 11 == 0:
                data["num_comments"] = data["num_crossposts"] = None
        else:
            data |= {
                "body": f"Remark {self.number}",
                "body_html": f'<div class="md"><p>Remark {self.number}</p>\n</div>',
                "link_id": "t3_example",
                "parent_id": "t3_example",
                "permalink": f"/r/{COMMUNITY}/comments/example/question/{code}/",
                "score_hidden": self.number % 2 == 0,
                "replies": "",
            }
        return data | self.more


class Reddit(Platform):
    """`posts` and `comments` newest last. Answers as `oauth.reddit.com` and `www.reddit.com` do, on one address."""

    def __init__(self, clock: Callable[[], datetime] = lambda: START, *, posts: int = 230, comments: int = 0) -> None:
        super().__init__(clock)
        self.minutes = 20
        self.posts = [self._made("t3", number, posts) for number in range(1, posts + 1)]
        self.comments = [self._made("t1", number, comments) for number in range(1, comments + 1)]
        self.remaining = 99.0
        self.reset = 240
        self.reasons: dict[str, tuple[int, str]] = {}
        """community → (status, reason) of those that cannot be read."""
        self.logged_out_feeds = True
        """False: feeds without a private token are answered with 429, as is common since June 2026."""
        self.remove_between_pages = False
        """The post that the next page would go on after is removed before that page is asked for."""
        self.tokens: list[str] = []
        self.expires_in = 86400

    def _made(self, kind: str, number: int, of: int) -> Entry:
        return Entry(kind, number, self.clock() - timedelta(minutes=self.minutes * (of - number)))

    # What tests do

    def publish(self, count: int) -> None:
        for _ in range(count):
            number = max((post.number for post in self.posts), default=0) + 1
            self.posts.append(Entry("t3", number, self.clock()))

    def ids(self) -> set[str]:
        entries = [one for one in (*self.posts, *self.comments) if not one.gone]
        return {one.name for one in entries if isinstance(one.data()["created_utc"], float) and not is_deleted(one)}

    def break_one(self) -> str:
        entry = self.posts[-2]
        entry.more = {"created_utc": {"seconds": 1}, "title": None, "permalink": 7}
        return entry.name

    def remove_one(self) -> str:
        entry = self.posts[-3]
        entry.more = {"author": "[deleted]", "selftext": "[deleted]", "removed_by_category": "deleted"}
        return entry.name

    # What it answers

    def answer(self, asked: Asked) -> Told:
        if asked.path == "/api/v1/access_token":
            return self._token(asked)
        if asked.path.endswith((".rss", "/.rss")):
            return self._feed(asked)
        refused = self._unwelcome(asked)
        if refused is not None:
            return refused
        self.remaining -= 1
        told = self._listing(asked)
        limits = {
            "x-ratelimit-used": str(int(100 - self.remaining)),
            "x-ratelimit-remaining": f"{self.remaining:.1f}",
            "x-ratelimit-reset": str(self.reset),
        }
        return Told(told.status, told.body, dict(told.headers) | limits, told.page)

    def answer_throttled(self, asked: Asked) -> Told:
        body = {"message": "Too Many Requests", "error": 429}
        return Told.json(body, 429, x_ratelimit_remaining="0.0", x_ratelimit_reset=str(self.reset))

    def _token(self, asked: Asked) -> Told:
        pair = base64.b64encode(":".join(CLIENT).encode()).decode()
        if asked.method != "POST" or asked.headers.get("authorization") != f"Basic {pair}":
            return Told.json({"message": "Unauthorized", "error": 401}, 401)
        if asked.body != b"grant_type=client_credentials":
            return Told.json({"error": "unsupported_grant_type"})
        self.tokens.append(f"hush-token-{len(self.tokens) + 1}")
        answer = {"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": self.expires_in, "scope": "*"}
        return Told.json(answer)

    def _unwelcome(self, asked: Asked) -> Told | None:
        if not asked.headers.get("user-agent", "").startswith("python:trendmonitor:v"):
            return self.answer_throttled(asked)  # default agents of libraries are slowed down
        if not self.tokens or asked.headers.get("authorization") != f"Bearer {self.tokens[-1]}":
            return Told.json({"message": "Unauthorized", "error": 401}, 401)
        if asked.one("raw_json") != "1":
            return Told.json({"message": "this stand-in wants raw_json=1", "error": 400}, 400)
        return None

    def _listing(self, asked: Asked) -> Told:
        match asked.path.strip("/").split("/"):
            case ["api", "info"]:
                wanted = asked.one("id").split(",")
                if len(wanted) > PAGE:
                    return Told.json({"message": "Bad Request", "error": 400}, 400)
                found = [one for one in (*self.posts, *self.comments) if one.name in wanted and not one.gone]
                return _answer(found, None)
            case ["r", name, ("new" | "comments" | "search") as what]:
                if name in self.reasons:
                    status, reason = self.reasons[name]
                    body = {"message": "Forbidden" if status == 403 else "Not Found", "error": status}
                    return Told.json(body | ({"reason": reason} if reason else {}), status)
                if COMMUNITY not in name.split("+"):
                    return Told(302, b"", {"location": f"/subreddits/search?q={name}&raw_json=1"})
                if what == "search" and asked.one("restrict_sr") != "1":
                    return _answer([], None)
                return self._page(asked, self.comments if what == "comments" else self.posts, search=what == "search")
            case ["search"]:
                return self._page(asked, self.posts, search=True)
            case ["user", "example_user_1", ("submitted" | "comments") as what]:
                assert asked.one("sort") == "new"
                return self._page(asked, self.comments if what == "comments" else self.posts)
            case ["subreddits", "search"]:
                return _answer([], None)
        return Told.json({"message": "Not Found", "error": 404}, 404)

    def _page(self, asked: Asked, entries: list[Entry], *, search: bool = False) -> Told:
        if search and (asked.one("sort") != "new" or not asked.one("q")):
            return Told.json({"message": "Bad Request", "error": 400}, 400)
        limit = min(int(asked.one("limit", "25")), PAGE)
        shown = [one for one in reversed(entries) if not one.gone]
        pinned = [one for one in shown if one.more.get("stickied")]
        plain = [one for one in shown if not one.more.get("stickied")][:DEPTH]
        after = asked.one("after")
        start = 0
        if after:
            at = [index for index, one in enumerate(plain) if one.name == after]
            if not at:  # an anchor that was removed: Reddit answers with an empty listing
                return _answer([], None)
            start = at[0] + 1
        page = plain[start : start + limit]
        more = page[-1].name if page and start + limit < len(plain) else None
        if more and self.remove_between_pages:
            page[-1].gone = True
        return _answer(page if after else [*pinned, *page], more)

    def _feed(self, asked: Asked) -> Told:
        if not self.logged_out_feeds and not asked.one("feed"):
            return Told(429, b"<html>whoa there, pardner!</html>", {"content-type": "text/html"})
        shown = [one for one in reversed(self.posts) if not one.gone][: int(asked.one("limit", "25"))]
        body = _FEED.format(entries="".join(map(_feed_entry, shown))).encode()
        return Told(200, body, {"content-type": "application/atom+xml; charset=UTF-8"}, page=True)


def is_deleted(entry: Entry) -> bool:
    """In the shape that listings give to what was deleted."""
    data = entry.data()
    return data["author"] == "[deleted]" or data.get("removed_by_category") is not None


def _answer(entries: list[Entry], after: str | None) -> Told:
    children = [{"kind": one.kind, "data": one.data()} for one in entries]
    data = {"after": after, "before": None, "dist": len(children), "modhash": "", "children": children}
    return Told.json({"kind": "Listing", "data": data}, page=True)


_FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">
<category term="examplenurses" label="r/examplenurses"/><updated>2026-07-06T12:00:00+00:00</updated>
<id>/r/examplenurses/new/.rss</id><title>newest submissions : examplenurses</title>{entries}</feed>"""


def _feed_entry(entry: Entry) -> str:
    data = entry.data()
    link = _SITE + data["permalink"] if isinstance(data["permalink"], str) else ""
    user = data["author"]
    content = (
        f'{data["selftext_html"]} &#32; submitted by &#32; <a href="{_SITE}/user/{user}"> /u/{user} </a> <br/> '
        f'<span><a href="{link}">[link]</a></span> &#32; <span><a href="{link}">[comments]</a></span>'
    )
    at = entry.at.astimezone(UTC).isoformat()
    return (
        f"<entry><author><name>/u/{user}</name><uri>{_SITE}/user/{user}</uri></author>"
        f'<category term="{COMMUNITY}" label="r/{COMMUNITY}"/><content type="html">{escape(content)}</content>'
        f'<id>{entry.name}</id><link href="{link}"/><updated>{at}</updated><published>{at}</published>'
        f"<title>{escape(str(data['title']))}</title></entry>"
    )


def source(url: str = f"{_SITE}/r/{COMMUNITY}", **options: Any) -> Source:
    return Source(id="it", collector="reddit", platform="reddit", url=url, options=options)


_KEYED: dict[str, Any] = {"key": KEY, "wrong_key": "hush-client:hush-wrong:example_operator"}
CASES: list[Case] = [
    Case("reddit community", source(), Reddit, deletes=True, **_KEYED),
    Case(
        "reddit community with comments",
        source(comments=True),
        lambda clock: Reddit(clock, posts=130, comments=130),
        deletes=True,
        pages=4,
        **_KEYED,
    ),
    Case("reddit search", source(f"{_SITE}/search?q=shift"), Reddit, deletes=True, **_KEYED),
    Case("reddit account", source(f"{_SITE}/user/example_user_1/submitted"), Reddit, deletes=True, **_KEYED),
    Case(
        "reddit without a key",
        source(),
        lambda clock: Reddit(clock, posts=60),
        pages=1,
        drifts=False,
        engagement=False,
    ),
]
