"""The addresses of a Mastodon server that can be followed, as people paste them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from collectors.base import Source
from collectors.options import Problem

EXAMPLES = (
    "https://mastodon.social/tags/nursing",
    "https://mastodon.social/@Mastodon",
    "https://mastodon.social/public/local",
)
SHOWN = "write https://SERVER/tags/TAG, https://SERVER/@USER, https://SERVER/public or https://SERVER/public/local"
MOST_TAGS = 4
"""More tags than this in `any`, `all` or `none` are not looked at by the server."""

Kind = Literal["tag", "account", "public"]

_TAG = re.compile(r"(?=.*[^\W\d])[\w·・]{1,100}")
_USER = re.compile(r"@([\w][\w.-]{0,100})(?:@([\w-]+(?:\.[\w-]+)+(?::\d{1,5})?))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """What a source points at."""

    host: str
    """In lower case, with its port if it has one."""
    kind: Kind
    name: str = ""
    """The tag without '#', or 'user' or 'user@other.example'."""
    local: bool = False
    """Only what was posted at this server."""

    @property
    def of(self) -> str:
        """The same for every spelling: whose cursor it is."""
        return f"{self.host}/{self.kind}/{self.name.lower()}{'/local' if self.local else ''}"


def read_place(url: str) -> Place | str:
    """The place of an address, or what is wrong with it."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "it is not a web address"
    if parts.scheme != "https":
        return "it does not begin with https://, as every Mastodon server's address does"
    if (
        parts.username is not None
        or "." not in host
        or re.fullmatch(r"[\d.]+|.*:.*|.*\.(localhost|local|internal)", host)
    ):
        return "it does not name a public server"
    if parts.query:
        return "it has a part after '?'; what is to be left out or added is said in `options`"
    return _read_path(host if port in (None, 443) else f"{host}:{port}", unquote(parts.path))


def _read_path(host: str, path: str) -> Place | str:
    match path.strip("/").split("/"):
        case ["tags", tag]:
            tag = tag.removeprefix("#")
            return Place(host, "tag", tag) if _TAG.fullmatch(tag) else f"{tag!r} is not a hashtag"
        case ["public"]:
            return Place(host, "public")
        case ["public", "local"]:
            return Place(host, "public", local=True)
        case [user] if found := _USER.fullmatch(user):
            name, other = found.groups()
            return Place(host, "account", name if other in (None, host) else f"{name}@{other.lower()}")
        case [user, _] if _USER.fullmatch(user):
            return "it is a single post; what can be followed is the account"
        case _:
            return "it is neither a hashtag, nor an account, nor a public timeline"


def place_of(source: Source) -> Place:
    """The place of a source that was checked."""
    place = read_place(source.url)
    if isinstance(place, str):
        raise ValueError(f"{source.url}: {place}")
    return place


def check_place(source: Source) -> list[Problem]:
    """What is wrong with a source's address, and with options that its kind of place does not have."""
    place = read_place(source.url)
    if isinstance(place, str):
        return [Problem(("url",), place, SHOWN)]
    problems = []

    def wrong(option: str, what: str, instead: str) -> None:
        problems.append(Problem(("options", option), what, instead))

    options = {name for name, value in source.options.items() if value not in (None, False, [], ())}
    for name in sorted(options & {"any", "all", "none"}):
        if place.kind != "tag":
            wrong(name, "only a hashtag can be combined with others", f"leave `{name}` out, or follow /tags/TAG")
        else:
            _check_tags(name, source.options[name], wrong)
    if "local" in options and place.kind != "tag":
        if place.kind == "public":
            wrong("local", "the address itself says so", f"write https://{place.host}/public/local")
        else:
            wrong("local", "an account has one server only", "leave `local` out")
    if "stream" in options:
        if place.kind == "account":
            wrong("stream", "there is no public stream of a single account", "leave `stream` out")
        elif place.kind == "tag" and options & {"any", "all", "none", "only_media"}:
            wrong("stream", "the stream of a hashtag cannot be narrowed or widened", "leave `stream` or the others out")
    return problems


def _check_tags(name: str, tags: object, wrong: Callable[[str, str, str], None]) -> None:
    if not isinstance(tags, (list, tuple)):
        return  # said by the check of options
    if len(tags) > MOST_TAGS:
        wrong(name, f"it has {len(tags)} tags, and servers look at {MOST_TAGS}", f"keep at most {MOST_TAGS}")
    for tag in tags:
        if isinstance(tag, str) and tag.strip() and not _TAG.fullmatch(tag.strip().removeprefix("#")):
            wrong(name, f"{tag!r} is not a hashtag", "write one word, such as nursing")
