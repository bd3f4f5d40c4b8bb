"""A stand-in for the public internet: a name service and a network that lead to one loopback server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import httpcore

from collectors.net.stream import AsyncioBackend

PUBLIC, PUBLIC_TOO = "93.184.216.34", "2606:2800:220:1::1"


class Names:
    """A name service that gives the next answer each time, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Elsewhere(AsyncioBackend):
    """Stands for the internet: every address leads to one loopback server; `dead` ones refuse."""

    def __init__(self, port: int, dead: Sequence[str] = ()) -> None:
        self.port = port
        self.dead = dead
        self.connected: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append(host)
        if host in self.dead:
            raise httpcore.ConnectError
        return await super().connect_tcp("127.0.0.1", self.port, timeout, local_address, socket_options)
