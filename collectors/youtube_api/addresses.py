"""Which addresses of YouTube a source may have, and what is wrong with others. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

HOSTS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com"})
SHAPES = (
    "https://www.youtube.com/channel/UC…, https://www.youtube.com/@handle, https://www.youtube.com/user/NAME, "
    "https://www.youtube.com/playlist?list=PL… or https://www.youtube.com/results?search_query=telehealth"
)
_CHANNEL = re.compile(r"UC[\w-]{22}")
_HANDLE = re.compile(r"[\w.·-]{3,30}")
_USER = re.compile(r"[A-Za-z0-9_-]{1,60}")
_PLAYLIST = re.compile(r"[A-Za-z0-9_-]{10,60}")
_TABS = frozenset({"", "about", "community", "featured", "live", "playlists", "posts", "shorts", "streams", "videos"})
"""What may follow a channel's address; all of them stand for the channel."""
_PERSONAL = re.compile(r"(?:WL|LL|LM|RD|HL)")
"""Watch later, likes, mixes and history: made for one visitor, so nobody else is shown the same."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an address stands for. `value`: the channel's id, handle (without '@') or user name, the playlist's id, the
    words searched for."""

    kind: Literal["channel", "handle", "user", "playlist", "search"]
    value: str

    @property
    def mark(self) -> str:
        """One text for both, to tell whether a cursor belongs to this address."""
        return f"{self.kind}:{self.value}"


class WrongAddressError(Exception):
    """This address is none that can be collected."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(what)
        self.what = what
        self.instead = instead


def read_address(url: str) -> Target:
    """Raises WrongAddressError."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower()
    if host == "youtu.be":
        raise _single()
    if parts.scheme not in ("http", "https") or host not in HOSTS:
        raise WrongAddressError("this is not an address of YouTube", f"write one such as {SHAPES}")
    query = parse_qs(parts.query)
    first, _, rest = unquote(parts.path).strip("/").partition("/")
    if first == "results":
        return _search(query)
    if first == "playlist" or (first == "watch" and query.get("list")):
        return _playlist(query, paste=first == "playlist")
    if first in ("watch", "shorts", "live", "embed", "v", "clip"):
        raise _single()
    if first == "feeds":
        raise WrongAddressError(
            "this is a feed, not a page of YouTube", "write `collector: feed` for it, or the address of the channel"
        )
    if first == "c":
        raise WrongAddressError(
            "the API cannot look up addresses with /c/",
            "open it in a browser and copy the address with @, or share the channel and copy its /channel/UC… address",
        )
    return _channel(first, rest)


def _channel(first: str, rest: str) -> Target:
    if first.startswith("@"):
        name, tab = first[1:], rest
    else:
        name, _, tab = rest.partition("/")
    if tab.strip("/") in _TABS:
        if first.startswith("@") and _HANDLE.fullmatch(name):
            return Target("handle", name)
        if first == "channel" and _CHANNEL.fullmatch(name):
            return Target("channel", name)
        if first == "channel":
            raise WrongAddressError(
                f"{name!r} is not a channel's id", "copy it whole: UC and 22 letters, digits, '-' or '_'"
            )
        if first == "user" and _USER.fullmatch(name):
            return Target("user", name)
    raise WrongAddressError("this page of YouTube cannot be collected", f"write one such as {SHAPES}")


def _playlist(query: dict[str, list[str]], *, paste: bool) -> Target:
    name = query.get("list", [""])[0]
    if _PERSONAL.match(name):
        raise WrongAddressError(
            "this list is made for one visitor and cannot be collected",
            "write a public playlist such as https://www.youtube.com/playlist?list=PL…",
        )
    if not _PLAYLIST.fullmatch(name):
        raise WrongAddressError(
            "the address names no playlist", "write it like https://www.youtube.com/playlist?list=PL…"
        )
    if not paste:
        raise WrongAddressError(
            "this is one video out of a playlist",
            f"write https://www.youtube.com/playlist?list={name} for the playlist",
        )
    return Target("playlist", name)


def _search(query: dict[str, list[str]]) -> Target:
    words = " ".join(query.get("search_query", query.get("q", [""]))[0].split())
    if not words:
        raise WrongAddressError(
            "the address names no words to search for",
            "write it like https://www.youtube.com/results?search_query=telehealth",
        )
    return Target("search", words)


def _single() -> WrongAddressError:
    return WrongAddressError(
        "this is the address of a single video, and sources are places where videos appear",
        f"write the channel, playlist or search it came from: {SHAPES}",
    )
