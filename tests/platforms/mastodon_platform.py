"""A Mastodon server in small, of version 4.5: timelines, accounts, look-ups, streams; all people and posts are invented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode

import orjson

from collectors.base import Source
from tests.platforms.case import Case
from tests.platforms.serving import START, Asked, Platform, Told

HOST = "ward.example"
TOKEN = "hush-token-of-ward-b"
ACCOUNT = "109000000000000001"
_WINDOW = timedelta(minutes=5)
_LISTING = {"limit", "max_id", "min_id", "since_id", "local", "remote", "only_media", "any[]", "all[]", "none[]"}
_OF_ACCOUNT = {
    "limit",
    "max_id",
    "min_id",
    "since_id",
    "only_media",
    "exclude_replies",
    "exclude_reblogs",
    "tagged",
    "pinned",
}


def iso(moment: datetime) -> str:
    """As the API writes times."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def order(native: str) -> tuple[int, str]:
    return len(native), native


class MastodonPlatform(Platform):
    """Every post has the hashtag #nursing, is by @ward_b unless said otherwise, and is in the public timelines.

    Attributes to be set by tests:
        access: 'public', 'authenticated' or 'disabled' for live and hashtag feeds.
        silent: True: a closed timeline is an empty list, as some servers answer, instead of 401.
        batches: False: a server before 4.3, which cannot look several posts up at once.
        left: requests that are allowed until the window of five minutes ends.
        script: what a stream says, after its greeting, before it ends.
        deprecated: True: answers carry a Deprecation header.
        link: False: a proxy takes the Link header away.
        unknown: parameters that nobody knows, as they came in; the real server passes over them.
    """

    def __init__(
        self, clock: Callable[[], datetime] = lambda: START, *, posts: int = 110, letters: bool = False
    ) -> None:
        """`letters`: ids are no numbers, as other software that speaks this API has them."""
        super().__init__(clock)
        self.letters = letters
        self.access = "public"
        self.silent = False
        self.batches = True
        self.left = 300
        self.script = ""
        self.deprecated = False
        self.link = True
        self.suspended = False
        self.streaming = f"wss://streaming.{HOST}"
        self.elsewhere = ""
        """Where the Link header points; '': to where we were asked."""
        self.unknown: set[str] = set()
        self.statuses: dict[str, dict[str, Any]] = {}
        self.broken: set[str] = set()
        self.skipped: set[str] = set()
        """Ids of posts that a reader is not to keep: boosts, and those of accounts that do not want it."""
        self.serial = 0
        self._reset = clock()
        for number in range(posts):
            self.add(clock() - timedelta(minutes=5 + 60 * (posts - 1 - number)))

    # Posts

    def add(self, at: datetime, *, kept: bool = True, by: Mapping[str, Any] | None = None, **fields: Any) -> str:
        """One more post, with an id that goes by the time it was written. Returns its id."""
        self.serial += 1
        native = self._id(at)
        status: dict[str, Any] = {
            "id": native,
            "created_at": iso(at),
            "in_reply_to_id": None,
            "in_reply_to_account_id": None,
            "sensitive": False,
            "spoiler_text": "",
            "visibility": "public",
            "language": "en",
            "uri": f"https://{HOST}/users/ward_b/statuses/{native}",
            "url": f"https://{HOST}/@ward_b/{native}",
            "replies_count": self.serial % 3,
            "reblogs_count": self.serial % 2,
            "favourites_count": self.serial % 5,
            "quotes_count": 0,
            "edited_at": None,
            "content": f'<p>Night shift {self.serial}<br>with <a href="https://{HOST}/tags/nursing">#<span>nursing</span></a></p>',
            "reblog": None,
            "account": self.account(**(by or {})),
            "media_attachments": [],
            "mentions": [],
            "tags": [{"name": "nursing", "url": f"https://{HOST}/tags/nursing"}],
            "emojis": [],
            "card": None,
            "poll": None,
            **fields,
        }
        if self.serial % 4 == 0:  # older software that federates does not tell all counts
            for name in ("replies_count", "quotes_count"):
                del status[name]
        self.statuses[native] = status
        if not kept:
            self.skipped.add(native)
        return native

    def account(self, **fields: Any) -> dict[str, Any]:
        return {
            "id": ACCOUNT,
            "username": "ward_b",
            "acct": "ward_b",
            "display_name": "Ward B",
            "locked": False,
            "bot": False,
            "group": False,
            "discoverable": True,
            "indexable": True,
            "noindex": False,
            "note": "<p>Registered nurse</p>",
            "url": f"https://{HOST}/@ward_b",
            "followers_count": 210,
            "following_count": 12,
            "statuses_count": len(self.statuses),
            "fields": [
                {"name": "Site", "value": '<a href="https://ward-b.example">ward-b.example</a>', "verified_at": None}
            ],
            **fields,
        }

    def _id(self, at: datetime) -> str:
        number = (int(at.timestamp() * 1000) << 16) + self.serial
        return f"01{number:024X}" if self.letters else str(number)

    def newest(self) -> datetime:
        return max(
            (
                datetime.fromisoformat(one["created_at"])
                for one in self.statuses.values()
                if isinstance(one["created_at"], str)
            ),
            default=self.clock() - timedelta(hours=1),
        )

    def listed(self) -> list[str]:
        """Ids, the newest first."""
        return sorted(self.statuses, key=order, reverse=True)

    # What the contract asks for

    def ids(self) -> set[str]:
        return set(self.statuses) - self.broken - self.skipped

    def publish(self, count: int) -> None:
        start, end = self.newest(), self.clock()
        for number in range(1, count + 1):
            self.add(start + (end - start) * number / (count + 1))

    def break_one(self) -> str:
        native = sorted(self.ids(), key=order)[len(self.ids()) // 2]
        self.statuses[native] = {
            "id": native,
            "created_at": 7,
            "content": {"html": 1},
            "visibility": "public",
            "account": [],
        }
        self.broken.add(native)
        return native

    def remove_one(self) -> str:
        native = sorted(self.ids(), key=order)[-2]
        del self.statuses[native]
        return native

    # The API

    def answer(self, asked: Asked) -> Told:
        told = self._api(asked)
        headers = {**told.headers, **self._limits()}
        if self.deprecated:
            headers["deprecation"] = "@1751328000"
        return Told(told.status, told.body, headers, told.page)

    def answer_throttled(self, asked: Asked) -> Told:
        told = _error(429, "Too many requests")
        return Told(told.status, told.body, {**told.headers, **self._limits()})

    def _limits(self) -> dict[str, str]:
        now = self.clock()
        if now >= self._reset:
            self._reset = now + _WINDOW
            self.left = 300
        self.left = 0 if self.throttled else self.left - 1
        return {
            "x-ratelimit-limit": "300",
            "x-ratelimit-remaining": str(max(self.left, 0)),
            "x-ratelimit-reset": self._reset.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }

    def _api(self, asked: Asked) -> Told:
        given = asked.headers.get("authorization")
        if given is not None and given != f"Bearer {TOKEN}":
            return _error(401, "The access token is invalid")
        match [unquote(part) for part in asked.path.strip("/").split("/")]:
            case ["api", "v2", "instance"]:
                return self._instance()
            case ["api", "v1", "timelines", "tag", tag]:
                return self._closed(given) or (
                    self._list(asked, _LISTING) if tag.lower() == "nursing" else _error(404, "Record not found")
                )
            case ["api", "v1", "timelines", "public"]:
                return self._closed(given) or self._list(asked, _LISTING)
            case ["api", "v1", "accounts", "lookup"]:
                return self._lookup(asked)
            case ["api", "v1", "accounts", account, "statuses"]:
                return self._list(asked, _OF_ACCOUNT) if account == ACCOUNT else _error(404, "Record not found")
            case ["api", "v1", "statuses"]:
                return self._batch(asked)
            case ["api", "v1", "statuses", native]:
                found = self.statuses.get(native)
                return _error(404, "Record not found") if found is None else Told.json(found)
            case ["api", "v1", "streaming", "hashtag" | "public", *_]:
                return self._stream(given)
            case _:
                return _error(404, "Not found")

    def _closed(self, given: str | None) -> Told | None:
        if self.access == "public" or (self.access == "authenticated" and given is not None):
            return None
        if self.silent or self.access == "disabled":
            return Told.json([])
        return _error(401, "The access token is invalid")

    def _instance(self) -> Told:
        sides = {"local": self.access, "remote": self.access}
        configuration = {
            "urls": {"streaming": self.streaming},
            "timelines_access": {"live_feeds": sides, "hashtag_feeds": sides, "trending_link_feeds": sides},
        }
        return Told.json({"domain": HOST, "version": "4.5.2", "configuration": configuration})

    def _lookup(self, asked: Asked) -> Told:
        if asked.one("acct") not in ("ward_b", "clinic@other.example"):
            return _error(404, "Record not found")
        return Told.json({**self.account(), **({"suspended": True} if self.suspended else {})})

    def _list(self, asked: Asked, known: set[str]) -> Told:
        self.unknown |= set(asked.query) - known
        limit = min(int(asked.one("limit", "20")), 40)
        ids = [one for one in self.listed() if self._wanted(asked, self.statuses[one])]
        if highest := asked.one("max_id"):
            ids = [one for one in ids if order(one) < order(highest)]
        if lowest := asked.one("min_id"):
            ids = [one for one in ids if order(one) > order(lowest)][-limit:]  # the oldest, and still the newest first
        elif lowest := asked.one("since_id"):
            ids = [one for one in ids if order(one) > order(lowest)][:limit]
        else:
            ids = ids[:limit]
        told = Told.json([self.statuses[one] for one in ids], page=True)
        if not ids or not self.link:
            return told
        kept = [(name, value) for name, values in asked.query.items() if not name.endswith("_id") for value in values]
        base = f"{self.elsewhere or f'https://{HOST}'}{asked.path}?"
        before, after = (urlencode([*kept, pair]) for pair in (("max_id", ids[-1]), ("min_id", ids[0])))
        link = f'<{base}{before}>; rel="next", <{base}{after}>; rel="prev"'
        return Told(told.status, told.body, {**told.headers, "link": link}, page=True)

    @staticmethod
    def _wanted(asked: Asked, status: Mapping[str, Any]) -> bool:
        if asked.one("exclude_reblogs") == "true" and status.get("reblog"):
            return False
        if asked.one("only_media") == "true" and not status.get("media_attachments"):
            return False
        names = {tag["name"] for tag in status.get("tags") or ()}
        if any(tag not in names for tag in asked.query.get("all[]", ())) or names & set(asked.query.get("none[]", ())):
            return False
        answers = status.get("in_reply_to_id") and status.get("in_reply_to_account_id") != ACCOUNT
        return not (asked.one("exclude_replies") == "true" and answers)

    def _batch(self, asked: Asked) -> Told:
        wanted = asked.query.get("id[]", [])
        if not self.batches:
            return _error(404, "Not found")
        if len(wanted) > 20:
            return _error(422, "Validation failed: too many ids")
        return Told.json([self.statuses[one] for one in wanted if one in self.statuses])

    def _stream(self, given: str | None) -> Told:
        if given is None:
            return _error(401, "Missing access token")
        return Told(
            200, f":)\n{self.script}".encode(), {"content-type": "text/event-stream", "cache-control": "no-store"}
        )


def event(name: str, payload: Any) -> str:
    """One event as the stream writes it: posts as JSON, deletions as a bare id."""
    data = payload if isinstance(payload, str) else orjson.dumps(payload).decode()
    return f"event: {name}\ndata: {data}\n\n"


def _error(status: int, why: str) -> Told:
    return Told.json({"error": why}, status)


def source(path: str = "/tags/nursing", **options: Any) -> Source:
    """A source at the stand-in's server."""
    return Source(id="it", collector="mastodon", platform="mastodon", url=f"https://{HOST}{path}", options=options)


CASES = [
    Case("mastodon hashtag", source(), MastodonPlatform, deletes=True),
    Case(
        "mastodon hashtag with a token",
        source(),
        MastodonPlatform,
        key=f"{HOST}={TOKEN}",
        wrong_key=f"{HOST}=hush-wrong-token",
        deletes=True,
    ),
    Case(
        "mastodon account", source("/@ward_b"), MastodonPlatform, key=TOKEN, wrong_key="hush-wrong-token", deletes=True
    ),
    Case(
        "mastodon public timeline of a server with other ids",
        source("/public/local"),
        lambda clock: MastodonPlatform(clock, letters=True),
        deletes=True,
    ),
]
