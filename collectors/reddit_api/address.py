"""Which listing an address of reddit.com stands for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from collectors.options import Problem

SITE = "https://www.reddit.com"
API = "https://oauth.reddit.com"
HOSTS = frozenset(("reddit.com", "www.reddit.com", "old.reddit.com", "new.reddit.com", "m.reddit.com"))
INSTEAD = (
    f"write for example {SITE}/r/nursing, {SITE}/r/nursing+medicine, {SITE}/search?q=measles, "
    f"{SITE}/r/nursing/search?q=burnout&restrict_sr=1 or {SITE}/user/NAME/submitted"
)
_COMMUNITIES = re.compile(r"[A-Za-z0-9_]{2,24}(?:\+[A-Za-z0-9_]{2,24})*")
_PERSON = re.compile(r"[A-Za-z0-9_-]{3,20}")
_YES = ("1", "on", "true")

Listing = Literal["posts", "comments"]


class NotAListingError(ValueError):
    """The address is none that is read; the message says why, as a clause."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a source follows: communities, a search (everywhere or within communities), or what one account submits."""

    kind: Literal["communities", "search", "account"]
    name: str = ""
    """'nursing+medicine' or 'NAME'; empty for a search everywhere."""
    words: str = ""
    """Of a search."""

    @property
    def shown(self) -> str:
        """For messages: 'r/nursing', 'u/NAME'; 'the search' if it is everywhere."""
        if not self.name:
            return "the search"
        return f"u/{self.name}" if self.kind == "account" else f"r/{self.name}"

    def api(self, listing: Listing, *, after: str | None = None, adult: bool = True) -> str:
        """The official address of one page, newest first."""
        query = {"limit": "100", "raw_json": "1"}
        if self.kind == "search":
            query |= self._search() | ({"include_over_18": "on"} if adult else {})
        elif self.kind == "account":
            query["sort"] = "new"
        if after is not None:
            query["after"] = after
        return f"{API}{self._path(listing)}?{urlencode(query)}"

    def feed(self) -> str:
        """The public Atom feed of the newest posts."""
        if self.kind == "search":
            path = f"/r/{quote(self.name, safe='+')}/search.rss" if self.name else "/search.rss"
            return f"{SITE}{path}?{urlencode(self._search() | {'limit': '100'})}"
        return f"{SITE}{self._path('posts')}/.rss?{urlencode({'limit': '100'})}"

    def _search(self) -> dict[str, str]:
        query = {"q": self.words, "sort": "new", "t": "all", "type": "link"}
        return query | {"restrict_sr": "1"} if self.name else query

    def _path(self, listing: Listing) -> str:
        name = quote(self.name, safe="+")
        if self.kind == "search":
            return f"/r/{name}/search" if self.name else "/search"
        if self.kind == "account":
            return f"/user/{name}/{'submitted' if listing == 'posts' else 'comments'}"
        return f"/r/{name}/{'new' if listing == 'posts' else 'comments'}"


def read_place(url: str) -> Place:
    """The listing of an address as people paste it. Raises NotAListingError."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError:
        raise NotAListingError("it is not a valid address") from None
    if parts.scheme not in ("http", "https") or host not in HOSTS:
        raise NotAListingError("it is not an address of reddit.com")
    query = parse_qs(parts.query)
    if "feed" in query or "user" in query:
        raise NotAListingError(
            "it carries a private feed token; the collector `feed` reads such addresses, this one has no use for the token"
        )
    match [piece for piece in parts.path.split("/") if piece]:
        case ["search"]:
            return _search("", query)
        case ["r", names, "search"]:
            if query.get("restrict_sr", [""])[0].lower() not in _YES:
                raise NotAListingError("without `restrict_sr=1` Reddit would search everywhere")
            return _search(_communities(names), query)
        case ["r", names] | ["r", names, "new"]:
            return Place("communities", _communities(names))
        case ["r", _, "comments", *_]:
            raise NotAListingError("it is one thread (option `comments: true` follows all comments of a community)")
        case ["r", _, ("hot" | "top" | "rising" | "controversial" | "best") as order]:
            raise NotAListingError(f"the order {order!r} shows a selection; only the newest posts are complete")
        case ["user" | "u", name] | ["user" | "u", name, "submitted"]:
            if not _PERSON.fullmatch(name):
                raise NotAListingError(f"{name!r} is not the name of an account")
            return Place("account", name)
    raise NotAListingError("it is not a listing that can be followed")


def check_place(url: str, *, comments: bool) -> list[Problem]:
    """What is wrong with an address, as a list of at most one problem."""
    try:
        place = read_place(url)
    except NotAListingError as error:
        return [Problem(("url",), str(error), INSTEAD)]
    if comments and place.kind == "search":
        return [Problem(("options", "comments"), "a search of Reddit finds posts only", "leave it out")]
    return []


def _communities(names: str) -> str:
    if not _COMMUNITIES.fullmatch(names):
        raise NotAListingError(f"{names!r} is not the name of a community (or several, joined by '+')")
    return names


def _search(name: str, query: dict[str, list[str]]) -> Place:
    words = query.get("q", [""])[0].strip()
    if not words:
        raise NotAListingError("the search has no words (`q=…`)")
    if query.get("type", ["link"])[0] not in ("", "link"):
        raise NotAListingError("only posts can be searched for, not communities or people")
    return Place("search", name, words)
