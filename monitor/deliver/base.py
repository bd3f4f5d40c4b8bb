"""The words a channel speaks: what it is given, what it answers, and how it fails.

Values only, but for the guarded HTTP client. Channels keep nothing between two deliveries; who calls them stores
receipts, spaces the tries and never calls twice at the same time for one issue and channel.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from monitor.core.digest import ChannelSpec, Message

if TYPE_CHECKING:
    import httpx

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SAID = 300
_SECRET = "env:"  # noqa: S105  # the mark in front of a variable's name, not a secret


class DeliveryError(Exception):
    """It was not delivered, or not to everyone. `str()` is one plain sentence without a secret.

    temporary: trying again later may help, not before `retry_after` where it is given.
    confirmed: recipients that took it in this try all the same; don't send to them again.
    refused: recipients that refused for good in this try → why; trying again is of no use for them.
    """

    def __init__(
        self,
        message: str,
        *,
        temporary: bool,
        retry_after: timedelta | None = None,
        confirmed: Collection[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.temporary = temporary
        self.retry_after = retry_after
        self.confirmed = frozenset(confirmed)
        self.refused = dict(refused or {})


@dataclass(frozen=True, slots=True)
class Receipt:
    """It was delivered to at least one recipient, and nothing is left to try."""

    at: datetime
    said: str
    """The other side's answer in plain words, without a secret."""
    confirmed: tuple[str, ...] = ()
    """Recipients that took it in this try, as written in the specification."""
    partial: Mapping[str, str] = field(default_factory=dict)
    """Recipients that refused for good → why."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """The mail server; `host` is empty where none is set up."""

    host: str = ""
    port: int = 0
    """0: the usual one for `tls`."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    sender: str = ""
    """'Name <address>'."""


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """What differs between machines. Made by `Settings.delivery`."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where `env:NAME` is looked up."""
    smtp: Smtp = field(default_factory=Smtp)
    public_url: str = ""
    """Without a slash at its end; empty if readers can't reach the service."""
    allow_nets: tuple[Network, ...] = ()
    contact: str = ""


async def _nobody_listens(recipient: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """One try to deliver one issue to one channel."""

    settings: DeliverySettings
    clock: Callable[[], datetime]
    """Now, aware UTC."""
    digest: str
    """The digest's id: mails of one digest share a List-Id, files a folder."""
    already: frozenset[str] = frozenset()
    """Recipients that are settled from earlier tries, by confirming or by refusing for good: not sent to again."""
    confirmed: Callable[[str], Awaitable[None]] = _nobody_listens
    """Called and awaited at once when a recipient has confirmed, so that a crash before the next one forgets nothing.
    What it raises ends the delivery."""
    unsubscribe: Callable[[str], str] | None = None
    """Recipient → its own unsubscribe address, in place of the message's general one."""
    http: Callable[[], httpx.AsyncClient] | None = None
    """Makes the client for web requests. None: one behind the guard, see `guarded_client`."""
    timeout: float = 30.0
    """Seconds for each step: connecting, a command, an answer."""

    def client(self) -> httpx.AsyncClient:
        """A fresh client; use it as an async context manager."""
        return self.http() if self.http is not None else guarded_client(self.settings, self.timeout)


class Channel(Protocol):
    """A way out. One file of this package with a `CHANNEL`; the file's name is the channel's `kind`."""

    @property
    def kind(self) -> str: ...

    def check(self, spec: ChannelSpec, settings: DeliverySettings) -> list[str]:
        """Everything that can be known to be wrong before sending, one line each with what would be right.

        Touches no network. Never shows the value of a variable.
        """
        ...

    async def deliver(self, message: Message, spec: ChannelSpec, context: DeliveryContext) -> Receipt:
        """Deliver to every recipient that is not settled yet. Raises DeliveryError, and what `context.confirmed` raises."""
        ...


def guarded_client(settings: DeliverySettings, timeout: float) -> httpx.AsyncClient:
    """A client that reaches public addresses and the allowed networks only, checked at connection time, without
    redirects, cookies or proxies."""
    # Late: most commands deliver nothing, and the HTTP client takes a tenth of a second to load.
    from collectors.fetch import user_agent
    from collectors.net.guard import GuardedNetwork
    from collectors.net.transport import build_client
    from collectors.net.urls import seal_logs

    seal_logs()
    return build_client(
        GuardedNetwork(settings.allow_nets),
        user_agent=user_agent(settings.contact),
        connect=timeout,
        silence=timeout,
        concurrency=1,
        tls=None,
    )


def conclude(
    tried: Mapping[str, DeliveryError | None], said: str, context: DeliveryContext, *, nobody: str = "nobody is left"
) -> Receipt:
    """The receipt for what came of each recipient (None: confirmed), or the DeliveryError that stands for it.

    One temporary failure makes the whole temporary; only if all refused for good is the delivery refused.
    """
    confirmed = [name for name, error in tried.items() if error is None]
    refused = {name: error.message for name, error in tried.items() if error is not None and not error.temporary}
    waiting = {name: error for name, error in tried.items() if error is not None and error.temporary}
    if waiting:
        why = " ".join(dict.fromkeys(error.message for error in waiting.values()))
        if len(tried) > 1:
            why = f"{len(waiting)} of {len(tried)} recipients have not got it yet. {why}"
        waits = [error.retry_after for error in waiting.values() if error.retry_after is not None]
        raise DeliveryError(
            plain(why, longest=4 * _SAID),
            temporary=True,
            retry_after=max(waits, default=None),
            confirmed=confirmed,
            refused=refused,
        )
    if refused and not confirmed and not context.already:
        why = " ".join(dict.fromkeys(refused.values()))
        raise DeliveryError(plain(why, longest=4 * _SAID), temporary=False, refused=refused)
    return Receipt(context.clock(), said if confirmed else nobody, tuple(confirmed), refused)


def plain(text: str, *, longest: int = _SAID, secrets: Collection[str] = ()) -> str:
    """A foreign text as one printable line of limited length, secrets blotted out."""
    for secret in sorted((one for one in secrets if len(one) >= 3), key=len, reverse=True):
        text = text.replace(secret, "***")
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def is_loopback(host: str) -> bool:
    """True for this machine, by name or literal address; names are not looked up."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def names_variable(text: str) -> bool:
    """True for `env:NAME`."""
    return text.startswith(_SECRET)


def look_up(text: str, environment: Mapping[str, str]) -> str:
    """The value behind `env:NAME`. Raises LookupError that names the variable."""
    name = text.removeprefix(_SECRET).strip()
    value = environment.get(name, "").strip()
    if not value:
        raise LookupError(f"the environment variable {name!r} is not set: set it where the service is started")
    return value


def option_problems(spec: ChannelSpec, known: Collection[str]) -> list[str]:
    """Options that this channel does not have."""
    problems = []
    for name in spec.options:
        if name not in known:
            close = get_close_matches(str(name), known, n=1)
            better = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known)) or 'none'}"
            problems.append(f"{spec.kind} has no option {str(name)[:60]!r}: {better}")
    return problems


def recipient_problems(spec: ChannelSpec, *, example: str, most: int) -> list[str]:
    """Nobody named, somebody named twice, or too many."""
    if not spec.to:
        return [f"{spec.kind} needs at least one recipient: write `to: [{example}]`"]
    problems = [f"{spec.kind}: {len(spec.to)} recipients are too many: at most {most}"] if len(spec.to) > most else []
    twice = sorted({one for one in spec.to if spec.to.count(one) > 1})
    return problems + [f"{spec.kind}: {one[:80]!r} is named twice: leave one out" for one in twice]
