"""From the address a person pastes to what is asked for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from collectors.options import Problem

Kind = Literal["page", "hashtag", "account", "search", "tag", "profile"]
"""page: a Facebook page; hashtag, account: on Instagram; search, tag, profile: on Threads."""


@dataclass(frozen=True, slots=True)
class Address:
    kind: Kind
    name: str
    """The page's name or id, the hashtag without '#', the account's name without '@', or the words of the search."""


class WrongAddressError(ValueError):
    """`what` is wrong with it, and what to write `instead`, both in plain words."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(what)
        self.what, self.instead = what, instead

    @property
    def problem(self) -> Problem:
        return Problem(("url",), self.what, self.instead)


_PAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]{0,99}")
_PAGE_ID = re.compile(r"(?:.*-)?(\d{5,25})")
_HANDLE = re.compile(r"[A-Za-z0-9._]{1,30}")
_TAG = re.compile(r"\w{1,100}")

_FACEBOOK = "write the address of a public page: https://www.facebook.com/NAME or https://www.facebook.com/ID"
_INSTAGRAM = (
    "write https://www.instagram.com/explore/tags/TAG/ for a hashtag or https://www.instagram.com/NAME/ for a "
    "professional account"
)
_THREADS = (
    "write https://www.threads.com/search?q=WORDS for a search, https://www.threads.com/search?q=TAG&serp_type=tags "
    "for a topic tag or https://www.threads.com/@NAME for a profile"
)
_ANY = (
    "write https://www.facebook.com/PAGE, https://www.instagram.com/NAME/, "
    "https://www.instagram.com/explore/tags/TAG/, https://www.threads.com/@NAME or https://www.threads.com/search?q=WORDS"
)

_POST = "this is a single post; only pages, accounts, hashtags and searches are followed"
_NOT_PAGES = {
    "groups": "groups are not open to programs, and most are not public",
    "people": "personal profiles are not open to programs, and are not collected",
    "profile.php": "this is how personal profiles are addressed, which are not collected",
    "stories": "stories vanish after a day and are not open to programs",
    "reel": _POST, "reels": _POST, "watch": _POST, "video.php": _POST, "photo": _POST, "photo.php": _POST,
    "permalink.php": _POST, "story.php": _POST, "share": _POST,
    "hashtag": "Facebook has no way for programs to search hashtags",
    "search": "Facebook has no way for programs to search",
    "events": "events are not posts", "marketplace": "the marketplace holds no posts",
    "home.php": "this is your own feed", "login": "this is a page to log in", "ads": "advertising is not collected",
}  # fmt: skip
_NOT_ACCOUNTS = {
    "p": _POST, "reel": _POST, "tv": _POST, "share": _POST,
    "reels": "the reels of everybody are not open to programs",
    "stories": "stories vanish after a day and are not open to programs",
    "direct": "messages are private", "accounts": "this is a page to log in",
    "explore": "of the pages to explore only hashtags can be followed",
}  # fmt: skip
_PAGE_TABS = frozenset(("posts", "about", "photos", "videos", "live_videos"))
"""Parts of a page's own address that say which of its tabs was open when it was copied."""


def read_address(url: str) -> Address:
    """Which of the three a source is about. Raises WrongAddressError."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        raise WrongAddressError("the address cannot be read", _ANY) from None
    if parts.scheme not in ("https", "http") or parts.username is not None:
        raise WrongAddressError(f"{url!r} is not a web address", _ANY)
    steps = [unquote(step) for step in parts.path.split("/") if step]
    if _is(host, "facebook.com") or host == "fb.com":
        return _facebook(steps)
    if _is(host, "instagram.com"):
        return _instagram(steps)
    if _is(host, "threads.com") or _is(host, "threads.net"):
        return _threads(steps, parts)
    raise WrongAddressError(f"{host or url!r} is neither Facebook nor Instagram nor Threads", _ANY)


def _is(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _facebook(steps: list[str]) -> Address:
    if not steps:
        raise WrongAddressError("the address names no page", _FACEBOOK)
    first = steps[0]
    if first.lower() in _NOT_PAGES:
        raise WrongAddressError(_NOT_PAGES[first.lower()], _FACEBOOK)
    if first in ("pages", "pg", "p"):  # /pages/NAME/ID, /pages/category/KIND/NAME-ID, /p/NAME-ID, /pg/NAME
        last = steps[-1]
        found = _PAGE_ID.fullmatch(last)
        if len(steps) > 1 and (found or (first == "pg" and _PAGE_NAME.fullmatch(last))):
            return Address("page", found[1] if found else last)
        raise WrongAddressError("the address names no page", _FACEBOOK)
    if len(steps) > 1 and not (len(steps) == 2 and steps[1] in _PAGE_TABS):
        raise WrongAddressError(_POST, _FACEBOOK)
    if not _PAGE_NAME.fullmatch(first):
        raise WrongAddressError(f"{first!r} is not the name of a page", _FACEBOOK)
    return Address("page", first)


def _instagram(steps: list[str]) -> Address:
    if not steps:
        raise WrongAddressError("the address names neither a hashtag nor an account", _INSTAGRAM)
    if [step.lower() for step in steps[:2]] == ["explore", "tags"] and len(steps) == 3:
        tag = steps[2].removeprefix("#")
        if not _TAG.fullmatch(tag):
            raise WrongAddressError(
                f"{tag!r} is not a hashtag that can be asked for", "write letters and digits only, without emoji"
            )
        return Address("hashtag", tag.lower())
    first = steps[0]
    if first.lower() in _NOT_ACCOUNTS:
        raise WrongAddressError(_NOT_ACCOUNTS[first.lower()], _INSTAGRAM)
    if len(steps) > 1 and steps[1] not in ("reels", "tagged"):
        raise WrongAddressError(_POST, _INSTAGRAM)
    if not _HANDLE.fullmatch(first):
        raise WrongAddressError(f"{first!r} is not the name of an account", _INSTAGRAM)
    return Address("account", first.lower())


def _threads(steps: list[str], parts: SplitResult) -> Address:
    if steps == ["search"]:
        query = parse_qs(parts.query)
        words = query.get("q", [""])[0].strip()
        shown = query.get("serp_type", ["default"])[0]
        if not words:
            raise WrongAddressError("the address of the search has no words in q=", _THREADS)
        if shown not in ("default", "tags", "recent"):
            raise WrongAddressError(f"a search of {shown!r} does not bring posts", _THREADS)
        return Address("tag", words.removeprefix("#")) if shown == "tags" else Address("search", words)
    if len(steps) == 1 and steps[0].startswith("@") and _HANDLE.fullmatch(steps[0][1:]):
        return Address("profile", steps[0][1:].lower())
    if len(steps) > 1 and (steps[0].startswith("@") or steps[0] == "t"):
        raise WrongAddressError(_POST, _THREADS)
    raise WrongAddressError("the address is neither a search nor a profile", _THREADS)
