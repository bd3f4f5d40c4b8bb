"""A real mail server on loopback (aiosmtpd) that can misbehave: refuse, delay, drop, greylist, reject one reader."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""For localhost and 127.0.0.1, self-signed."""


@dataclass(slots=True)
class Arrived:
    """One mail that was taken."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)


@dataclass
class MailServer:
    """What it does is set before or between deliveries; addresses as sent by the client."""

    rejected: dict[str, str] = field(default_factory=dict)
    """Recipient → answer to RCPT, for ever."""
    greylisted: set[str] = field(default_factory=set)
    """Recipients whose first RCPT is answered with 451."""
    at_data: list[str] = field(default_factory=list)
    """Answers to the next mails after their content: '' takes it, 'drop' breaks the connection before any answer,
    'keep and drop' takes it first, 'slow' takes it after a while, 'sleep' never answers; others are sent as they are."""
    drop_at_rcpt: set[str] = field(default_factory=set)
    sender_answer: str = ""
    password: str = ""
    """If set, a login as 'digest' is needed."""
    banner: str = ""
    """If set, sent instead of a greeting, and the connection is closed."""
    arrived: list[Arrived] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    """Every RCPT that was asked."""
    connections: int = 0
    port: int = 0

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Any, address: str, mail_options: list[str]
    ) -> str:
        if self.sender_answer:
            return self.sender_answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Any, address: str, rcpt_options: list[str]
    ) -> str:
        self.attempts.append(address)
        if address in self.drop_at_rcpt:
            _break(server)
            return "421 gone"
        if address in self.rejected:
            return self.rejected[address]
        if address in self.greylisted:
            self.greylisted.discard(address)
            return "451 4.7.1 Greylisted, please try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        what = self.at_data.pop(0) if self.at_data else ""
        if what == "sleep":
            await asyncio.sleep(30)
        if what == "slow":
            await asyncio.sleep(0.3)
            what = ""
        if what in ("", "keep and drop"):
            self.arrived.append(
                Arrived(envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content, bool(session.ssl))
            )
        if what.endswith("drop"):
            _break(server)
            return "421 gone"
        return what or "250 2.0.0 Queued as 12345"

    def authenticate(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and data == LoginPassword(b"digest", self.password.encode())
        return AuthResult(success=right, handled=right)

    @asynccontextmanager
    async def serve(
        self, *, starttls: bool = False, implicit: bool = False, size: int = 30_000_000
    ) -> AsyncIterator[MailServer]:
        """Listening on 127.0.0.1 at `port` until the block ends."""
        tls = None
        if starttls or implicit:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(CERTIFICATE)
        open_ones: list[SMTP] = []

        def connect() -> asyncio.Protocol:
            self.connections += 1
            if self.banner:
                return _Curt(self.banner)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a login without TLS is what some tests are about
                protocol = SMTP(
                    self,
                    data_size_limit=size,
                    hostname="localhost",
                    tls_context=tls if starttls else None,
                    require_starttls=starttls,
                    auth_required=bool(self.password),
                    auth_require_tls=False,
                    authenticator=self.authenticate,
                    loop=asyncio.get_running_loop(),
                )
            open_ones.append(protocol)
            return protocol

        server = await asyncio.get_running_loop().create_server(
            connect, "127.0.0.1", self.port, ssl=tls if implicit else None
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for protocol in open_ones:
                _break(protocol)
            # Lets the protocols' tasks see that their connections are gone.
            await asyncio.sleep(0)


def _break(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


class _Curt(asyncio.Protocol):
    def __init__(self, banner: str) -> None:
        self.banner = banner

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(f"{self.banner}\r\n".encode())
        transport.close()
