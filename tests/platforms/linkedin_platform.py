"""A stand-in for LinkedIn's Community Management API: one organisation page and its posts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode

from collectors.base import Source
from tests.platforms.case import Case
from tests.platforms.serving import START, Asked, Platform, Told

TOKEN = "hush-linkedin-token"
WRONG_TOKEN = "hush-linkedin-stale"
ORGANIZATION = "1234567"
OTHERS = "7654321"
"""An organisation that the key's owner does not administer."""
VERSIONS = ("202610", "202611")
_SORTS = ("CREATED", "LAST_MODIFIED")
_AUTHOR = re.compile(r"urn:li:organization:\d+")


@dataclass
class Post:
    """A post as its page's administrator sees it."""

    urn: str
    created: datetime
    modified: datetime
    commentary: Any = ""
    visibility: Any = "PUBLIC"
    state: Any = "PUBLISHED"
    more: dict[str, Any] = field(default_factory=dict)
    social: dict[str, Any] | None = None
    """None: it has no social metadata (404)."""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.urn,
            "author": f"urn:li:organization:{ORGANIZATION}",
            "commentary": self.commentary,
            "visibility": self.visibility,
            "lifecycleState": self.state,
            "publishedAt": _ms(self.created),
            "createdAt": _ms(self.created),
            "lastModifiedAt": _ms(self.modified),
            "isReshareDisabledByAuthor": False,
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
        } | self.more


class LinkedInPlatform(Platform):
    """Posts in the order of their last change; `posts` may be changed by tests.

    Attributes:
        limit: requests that are still answered today; None: no end.
        social_scope: False: the app may not read reactions and comments.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: START, posts: int = 130) -> None:
        super().__init__(clock)
        self.posts: list[Post] = []
        self.limit: int | None = None
        self.social_scope = True
        self._broken: set[str] = set()
        now = clock()
        for number in range(posts):
            self._add(now - timedelta(hours=1 + number))

    def _add(self, at: datetime) -> Post:
        number = len(self.posts)
        social: dict[str, Any] | None = {
            "entity": f"urn:li:activity:{number}",
            "reactionSummaries": {
                "LIKE": {"reactionType": "LIKE", "count": number},
                "PRAISE": {"reactionType": "PRAISE", "count": 2},
            },
            "commentSummary": {"count": number % 3, "topLevelCount": 0},
        }
        if number % 5 == 4:
            social = None
        post = Post(
            urn=f"urn:li:share:{7390000000000000000 + number}",
            created=at,
            modified=at,
            commentary=f"Example clinic note {number} \\(invented\\) {{hashtag|\\#|flu}}",
            social=social,
        )
        self.posts.append(post)
        return post

    def find(self, number: int) -> Post:
        return self.posts[number]

    def answer(self, asked: Asked) -> Told:
        refusal = self._refuse(asked)
        if refusal is not None:
            return refusal
        if asked.path == "/rest/posts":
            return self._list(asked)
        if asked.path.startswith("/rest/socialMetadata/"):
            return self._metadata(unquote(asked.path.removeprefix("/rest/socialMetadata/")))
        return _error(404, "RESOURCE_NOT_FOUND", f"No virtual resource found for {asked.path}")

    def _refuse(self, asked: Asked) -> Told | None:
        if asked.method != "GET":
            return _error(405, "METHOD_NOT_ALLOWED", "only GET here")
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, "INVALID_ACCESS_TOKEN", "Invalid access token")
        version = asked.headers.get("linkedin-version")
        if version is None:
            return _error(400, "VERSION_MISSING", "A version must be present.")
        if version not in VERSIONS:
            return _error(426, "NONEXISTENT_VERSION", f"Requested version {version} is not active")
        if asked.headers.get("x-restli-protocol-version") != "2.0.0":
            return _error(400, "ILLEGAL_ARGUMENT", "Syntax exception in path variables")
        if self.limit is not None:
            if self.limit <= 0:
                return self.answer_throttled(asked)
            self.limit -= 1
        return None

    def _list(self, asked: Asked) -> Told:
        author, sort = asked.one("author"), asked.one("sortBy", "LAST_MODIFIED")
        if set(asked.query) - {"q", "author", "count", "start", "sortBy"}:
            return _error(400, "PARAM_INVALID", "unknown query parameter")
        if asked.one("q") != "author" or asked.headers.get("x-restli-method", "").upper() != "FINDER":
            return _error(400, "ILLEGAL_ARGUMENT", "no such finder")
        if not _AUTHOR.fullmatch(author) or sort not in _SORTS:
            return _error(400, "PARAM_INVALID", "Invalid author or sortBy")
        count, start = asked.one("count", "10"), asked.one("start", "0")
        if not (count.isdecimal() and start.isdecimal() and 1 <= int(count) <= 100):
            return _error(400, "PARAM_INVALID", "Invalid paging")
        if author != f"urn:li:organization:{ORGANIZATION}":
            return _error(403, "ACCESS_DENIED", "Not enough permissions to access: partnerApiPosts.FINDER-author")
        first, size = int(start), int(count)
        ordered = sorted(self.posts, key=lambda post: post.modified, reverse=True)
        elements = [self._shown(post) for post in ordered[first : first + size]]
        links = []
        if first + size < len(ordered):
            query = {"author": author, "q": "author", "count": size, "start": first + size, "sortBy": sort}
            links = [{"rel": "next", "type": "application/json", "href": f"/rest/posts?{urlencode(query)}"}]
        return Told.json({"paging": {"start": first, "count": size, "links": links}, "elements": elements}, page=True)

    def _shown(self, post: Post) -> dict[str, Any]:
        shown = post.to_json()
        if post.urn in self._broken:
            shown |= {"publishedAt": {"time": "soon"}, "createdAt": None, "commentary": 7}
        return shown

    def _metadata(self, urn: str) -> Told:
        if not self.social_scope:
            return _error(403, "ACCESS_DENIED", "Not enough permissions to access: socialMetadata.GET")
        for post in self.posts:
            if post.urn == urn and post.social is not None:
                return Told.json(post.social)
        return _error(404, "NOT_FOUND", "Could not find entity")

    def answer_throttled(self, asked: Asked) -> Told:
        return _error(
            429, "TOO_MANY_REQUESTS", "Resource level throttle DAY limit for calls to this resource is reached."
        )

    def ids(self) -> set[str]:
        return {
            post.urn
            for post in self.posts
            if (post.visibility, post.state) == ("PUBLIC", "PUBLISHED") and post.urn not in self._broken
        }

    def publish(self, count: int) -> None:
        newest = max((post.modified for post in self.posts), default=self.clock() - timedelta(hours=1))
        step = (self.clock() - newest) / (count + 1)
        for number in range(count):
            self._add(newest + step * (number + 1))

    def break_one(self) -> str:
        post = next(post for post in self.posts if post.urn not in self._broken)
        self._broken.add(post.urn)
        return post.urn

    def remove_one(self) -> str:
        return self.posts.pop(0).urn


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _error(status: int, code: str, message: str) -> Told:
    return Told.json({"status": status, "code": code, "message": message}, status)


def source(**options: Any) -> Source:
    url = f"https://www.linkedin.com/company/{ORGANIZATION}"
    return Source(id="it", collector="linkedin", platform="linkedin", url=url, options=options)


CASES: list[Case] = [
    Case("linkedin page", source(), LinkedInPlatform, TOKEN, WRONG_TOKEN, engagement=False),
    Case("linkedin page with counts", source(counts=True), LinkedInPlatform, TOKEN, WRONG_TOKEN),
]
