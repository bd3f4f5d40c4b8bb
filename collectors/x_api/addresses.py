"""Which addresses of X a source may have, and what is wrong with others. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from collectors.options import Problem

HOSTS = frozenset({"x.com", "www.x.com", "mobile.x.com", "twitter.com", "www.twitter.com", "mobile.twitter.com"})
LONGEST_QUERY = 512
"""Characters, for self-serve access."""
_NAME = re.compile(r"[A-Za-z0-9_]{1,15}")
_TAG = re.compile(r"\w{1,100}")
_NOT_A_NAME = frozenset((
    "about", "compose", "download", "explore", "hashtag", "home", "i", "intent", "jobs", "login", "logout", "messages",
    "notifications", "privacy", "search", "settings", "share", "signup", "tos", "who_to_follow",
))  # fmt: skip
_EITHER = "write https://x.com/search?q=flu%20vaccine or https://x.com/NAME"
_TOKEN = re.compile(r'-?(?:[A-Za-z_]+:)?"[^"]*"|[^\s()"]+')
_WEB_ONLY = {
    "min_faves": "min_likes:",
    "min_retweets": "min_reposts:",
    "filter": "has:links, has:media, has:images, has:video_link, is:reply or is:verified",
    "exclude": "-is:retweet or -is:reply",
    "include": "nothing of the kind: replies are found anyway",
    "since": "the option `days`; later visits go on where the last one ended",
    "until": "nothing of the kind: every visit reaches up to now",
    "since_time": "the option `days`; later visits go on where the last one ended",
    "until_time": "nothing of the kind: every visit reaches up to now",
    "within_time": "the option `days`",
    "since_id": "nothing of the kind: later visits go on where the last one ended",
    "max_id": "nothing of the kind: every visit reaches up to now",
    "near": 'place:"new york city"',
    "within": "point_radius:[longitude latitude 16km]",
    "geocode": "point_radius:[longitude latitude 16km]",
    "source": "nothing of the kind: X does not tell programs what a post was written with",
    "conversation": "conversation_id:",
    "has_engagement": "min_likes:, min_replies: or min_reposts:",
}
"""Operators that only the website's search knows → what to write instead."""
_NEED_COMPANY = ("is:", "has:", "lang:", "min_likes:", "min_replies:", "min_reposts:", "sample:")
"""Operators that narrow a search and cannot be one."""

Kind = Literal["search", "timeline"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a source's address stands for."""

    kind: Kind
    what: str
    """The search as it is written in the address, or the account's name without '@'."""

    @property
    def least(self) -> int:
        """Posts in the smallest page that may be asked for."""
        return 10 if self.kind == "search" else 5

    def query(self, *, replies: bool) -> str:
        """The search as it is sent. Reposts hold nothing new and cost as much as posts, so they are left out."""
        more = []
        if "is:retweet" not in self.what and "retweets_of" not in self.what:
            more.append("-is:retweet")
        if not replies and "is:reply" not in self.what:
            more.append("-is:reply")
        held = f"({self.what})" if more and " OR " in self.what else self.what
        return " ".join([held, *more])


def read_target(url: str, *, replies: bool = True) -> Target | Problem:
    """What an address stands for, or what is wrong with it."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("https", "http") or (parts.hostname or "").rstrip(".").lower() not in HOSTS:
        return _wrong(f"{url!r} is not an address of X", _EITHER)
    path = [unquote(step) for step in parts.path.split("/") if step]
    if path[:1] == ["search"] and len(path) == 1:
        queries = parse_qs(parts.query).get("q", [])
        return _search(" ".join(queries[0].split()) if queries else "", replies=replies)
    if path[:1] == ["hashtag"] and len(path) == 2:
        if not _TAG.fullmatch(path[1]):
            return _wrong(f"{path[1]!r} is not a hashtag", "write for example https://x.com/hashtag/flu")
        return _search(f"#{path[1]}", replies=replies)
    return _timeline(path)


def _timeline(path: list[str]) -> Target | Problem:
    if len(path) >= 3 and path[1] in ("status", "statuses"):
        own = path[0] if _NAME.fullmatch(path[0]) and path[0].lower() not in _NOT_A_NAME else "NAME"
        return _wrong(
            "this is the address of a single post, and a source is a search or an account",
            f"for all posts of its author write https://x.com/{own}; for its replies "
            f"https://x.com/search?q=conversation_id%3A{path[2]}",
        )
    if path[:1] == ["i"]:
        return _wrong("lists, communities, Spaces and events are not collected", _EITHER)
    if not path or path[0].lower() in _NOT_A_NAME:
        return _wrong("this page of X is neither a search nor an account", _EITHER)
    name = path[0].removeprefix("@")
    if not _NAME.fullmatch(name):
        return _wrong(f"{name!r} cannot be the name of an account", "names have 1 to 15 letters, digits or '_'")
    if len(path) > 1:
        return _wrong("a part of an account's page cannot be followed by itself", f"write https://x.com/{name}")
    return Target("timeline", name)


def _search(query: str, *, replies: bool) -> Target | Problem:
    if not query:
        return _wrong(
            "the search is empty", "write what to search after q=, as in https://x.com/search?q=flu%20vaccine"
        )
    for token in _TOKEN.findall(query):
        operator, colon, _ = token.removeprefix("-").partition(":")
        if colon and operator.lower() in _WEB_ONLY:
            return _wrong(
                f"{operator}: works in the search of the website only", f"programs write {_WEB_ONLY[operator.lower()]}"
            )
    words = [one for one in _TOKEN.findall(query) if one not in ("OR", "AND")]
    if not any(_stands_alone(one) for one in words):
        return _wrong(
            "the search only narrows or leaves out, and names nothing to look for",
            "add a word, a #hashtag or from:NAME, as in https://x.com/search?q=flu%20lang%3Aen",
        )
    if query.count('"') % 2 or query.count("(") != query.count(")"):
        return _wrong("a quotation mark or bracket is not closed", "close it, or leave it out")
    target = Target("search", query)
    length = len(target.query(replies=replies))
    if length > LONGEST_QUERY:
        return _wrong(
            f"the search is {length} characters long with what is added to it, and X takes {LONGEST_QUERY}",
            "shorten it, or split it into two sources",
        )
    return target


def _stands_alone(token: str) -> bool:
    return not token.startswith("-") and not token.lower().startswith(_NEED_COMPANY)


def _wrong(what: str, instead: str) -> Problem:
    return Problem(("url",), what, instead)
