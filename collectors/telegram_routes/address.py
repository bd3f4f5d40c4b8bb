"""Which channel or bot an address of t.me stands for. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from collectors.options import Problem

SITE = "https://t.me"
HOSTS = frozenset(("t.me", "www.t.me", "telegram.me", "www.telegram.me"))
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")
_RESERVED = frozenset(
    (
        "addlist",
        "addstickers",
        "addtheme",
        "boost",
        "invoice",
        "joinchat",
        "login",
        "proxy",
        "setlanguage",
        "share",
        "socks",
    )
)
_CHANNEL = f"write for example {SITE}/EXAMPLECHANNEL or {SITE}/s/EXAMPLECHANNEL"
_BOT = f"write the bot's own address, for example {SITE}/EXAMPLE_BOT; its name ends in 'bot'"


class NotAChannelError(ValueError):
    """The address is no public channel; the message says why, as a clause."""


def read_name(url: str) -> str:
    """The name of the channel (or bot) as written. Raises NotAChannelError."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname
    except ValueError:
        raise NotAChannelError("it is not a valid address") from None
    if parts.scheme not in ("http", "https") or host not in HOSTS:
        raise NotAChannelError("it is not an address of t.me")
    pieces = [piece for piece in parts.path.split("/") if piece]
    if pieces[:1] == ["s"]:
        pieces = pieces[1:]
    match pieces:
        case [name] if name.startswith("+"):
            raise NotAChannelError("it is an invitation to a private channel, which is not public")
        case ["joinchat", *_] | ["c", *_]:
            raise NotAChannelError("it leads to a private channel, which is not public")
        case [name] if _NAME.fullmatch(name) and name.lower() not in _RESERVED:
            return name
        case [name, number] if _NAME.fullmatch(name) and number.isdigit():
            raise NotAChannelError(f"it is one post; the channel is {SITE}/{name}")
    raise NotAChannelError("it is not the address of a public channel")


def check_name(url: str, *, bot: bool) -> list[Problem]:
    """What is wrong with an address, as a list of at most one problem."""
    try:
        name = read_name(url)
    except NotAChannelError as error:
        return [Problem(("url",), str(error), _BOT if bot else _CHANNEL)]
    if bot and not name.lower().endswith("bot"):
        what = "with `route: bot` a source stands for the bot and all channels that it was added to, and this is no bot"
        return [Problem(("url",), what, _BOT)]
    return []
