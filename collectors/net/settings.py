"""How the HTTP client behaves, and by what name it goes."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from collectors.net.guard import Network
from collectors.net.robots import PRODUCT


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How to behave. Sizes in bytes, times in seconds."""

    allow_nets: tuple[Network, ...] = ()
    """Networks that may be reached although private (TRENDMONITOR_ALLOW_NETS); their hosts are not paced."""
    contact: str = ""
    """An address or mailbox where a site's owner can complain; part of the User-Agent."""
    max_body: int = 15_000_000
    """Of the decompressed body."""
    connect_timeout: float = 10.0
    """For looking up the name and connecting, and again for the TLS handshake."""
    silence_timeout: float = 20.0
    """Between two pieces of an answer."""
    total_timeout: float = 60.0
    """For one fetch with all its redirects, without the time it waits for its turn."""
    pace: float = 1.0
    """Between the starts of two requests to one host."""
    host_concurrency: int = 2
    concurrency: int = 20
    """Requests at a time in all."""
    tls: ssl.SSLContext | None = None
    """None: certifi's certificates."""


def parse_nets(text: str) -> tuple[Network, ...]:
    """'10.0.0.0/8, 127.0.0.1' → networks. Raises ValueError that names the part that is wrong."""
    nets: list[Network] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        try:
            nets.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise ValueError(f"{part!r} is not a network; write it like 10.0.0.0/8 or 127.0.0.1") from None
    return tuple(nets)


def user_agent(contact: str) -> str:
    """`trendmonitor/<version> (+contact)`, without the brackets if there is no contact."""
    try:
        release = version(PRODUCT)
    except PackageNotFoundError:
        release = "unreleased"
    clean = re.sub(r"[^\x21-\x7e]|[()\\]", "", contact)
    return f"{PRODUCT}/{release} (+{clean})" if clean else f"{PRODUCT}/{release}"
