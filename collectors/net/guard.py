"""The network guard: names are resolved once, every address is checked, and the checked address itself is connected to.

Because the check and the connection use the same address, a name that changes its mind in between (DNS rebinding)
gains nothing; because it sits below the HTTP client, it holds for every redirect too. TLS still verifies the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import httpcore

from collectors.base import Refused, RetryLater
from collectors.net.stream import AsyncioBackend

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) → addresses as text, best first. Raises OSError (socket.gaierror) if there are none."""

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOOPBACK = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))
# Unicast, but never the public web. Named here because Python's own list grew over its versions.
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: holds an IPv4 address of the sender's choice
        "3fff::/20",  # documentation
    )
)
_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "100.64.0.0/10",  # shared address space of providers (CGNAT)
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
    )
)


def is_public(address: Address) -> bool:
    """True if the address belongs to the public internet: global unicast, not loopback, private, link-local, shared,
    multicast, reserved or unspecified. An IPv6 address that holds an IPv4 address (mapped, NAT64) is judged by that;
    6to4 and Teredo are refused altogether."""
    plain = _unwrap(address)
    if isinstance(plain, ipaddress.IPv4Address):
        return plain.is_global and not plain.is_multicast and not any(plain in net for net in _REFUSED_V4)
    return plain in _GLOBAL_UNICAST and plain.is_global and not any(plain in net for net in _REFUSED_V6)


def _unwrap(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """Addresses of a name by the system's resolver (hosts file, DNS), in its order of preference."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses and to the networks in `allow`; everything else is Refused('private_address').

    Raises CollectErrors right through httpcore and httpx, which leave foreign exceptions alone.
    """

    def __init__(
        self,
        allow: Sequence[Network],
        *,
        resolve: Resolve = resolve_name,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allow = tuple(allow)
        self._resolve = resolve
        self._inner = inner if inner is not None else AsyncioBackend()
        self._near: set[str] = set()

    def is_near(self, host: str) -> bool:
        """True if the host is known to lie in an allowed network: by its literal address, or since it was connected
        to there. Such hosts belong to the user, so politeness towards strangers does not apply."""
        if host in self._near:
            return True
        if host == "localhost" or host.endswith(".localhost"):
            return any(self._allowed(address) for address in _LOOPBACK)
        try:
            near = self._allowed(ipaddress.ip_address(host.strip("[]")))
        except ValueError:
            return False
        if near:
            self._near.add(host)
        return near

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._checked(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        for left, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            # Share what time is left, so that one dead address does not use up the time of the others.
            share = None if deadline is None else max(0.05, (deadline - loop.time()) / (left + 1))
            try:
                stream = await self._inner.connect_tcp(str(address), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not left:
                    raise
            else:
                if self._allowed(address):
                    self._near.add(host)
                return stream
        raise httpcore.ConnectError

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Refused("Unix sockets are never fetched from.", code="private_address")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _allowed(self, address: Address) -> bool:
        plain = _unwrap(address)
        return any(plain in net for net in self._allow if net.version == plain.version)

    async def _checked(self, host: str, port: int) -> list[Address]:
        try:
            found = [ipaddress.ip_address(host.strip("[]"))]
        except ValueError:
            found = await self._addresses(host, port)
        good = [address for address in found if self._allowed(address) or is_public(address)]
        if not good:
            shown = ", ".join(sorted({str(address) for address in found})[:3])
            where = "is" if shown == host.strip("[]") else f"leads to {shown},"
            raise Refused(
                f"{host} {where} a private or otherwise not public address, which is not fetched. "
                "If this is meant, add its network to TRENDMONITOR_ALLOW_NETS.",
                code="private_address",
            )
        return good

    async def _addresses(self, host: str, port: int) -> list[Address]:
        try:
            texts = await self._resolve(host, port)
            found = list(dict.fromkeys(ipaddress.ip_address(text) for text in texts))
        except UnicodeError:
            raise Refused(f"{host!r} is not a valid host name. Correct the address.", code="bad_url") from None
        except socket.gaierror as error:
            if error.errno == socket.EAI_NONAME:
                why = "does not exist (or this machine has no name service). Check the spelling of the address"
            else:
                why = "could not be looked up just now. Check this machine's name service if it lasts"
            raise RetryLater(f"The host name {host} {why}.", code="dns") from None
        except (OSError, ValueError):
            raise RetryLater(f"The host name {host} could not be looked up just now.", code="dns") from None
        if not found:
            raise RetryLater(f"The host name {host} has no address.", code="dns")
        return found
