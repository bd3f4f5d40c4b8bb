"""Email by the mail server of TRENDMONITOR_SMTP_*: one mail a reader, so that nobody sees who else reads.

A connection that breaks after the whole mail was sent and before the server's answer leaves it open whether the mail
was taken (RFC 1047); it is sent again then, with the same Message-ID. Signing (DKIM) is the mail server's work.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.headerregistry import Address
from typing import TYPE_CHECKING

from monitor.core.digest import ChannelSpec, Message
from monitor.deliver.address import split_mailbox, tidy_address
from monitor.deliver.base import (
    DeliveryContext,
    DeliveryError,
    DeliverySettings,
    Receipt,
    Smtp,
    conclude,
    is_loopback,
    option_problems,
    plain,
    recipient_problems,
)
from monitor.deliver.mail import build_mail

if TYPE_CHECKING:
    import aiosmtplib

_OPTIONS = ("reply_to",)
_MOST_READERS = 500
_MOST_BYTES = 10_000_000
"""Larger mails are refused nearly everywhere, and no digest comes near it."""
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
_UNANSWERED = "No answer came from the mail server {where} within {seconds:g} seconds."


class _Down(Exception):
    """The server can't be used by anyone in this try."""

    def __init__(self, error: DeliveryError) -> None:
        self.error = error


class EmailChannel:
    kind = "email"

    def check(self, spec: ChannelSpec, settings: DeliverySettings) -> list[str]:
        problems = option_problems(spec, _OPTIONS)
        problems += recipient_problems(spec, example="reader@example.org", most=_MOST_READERS)
        for one in spec.to:
            try:
                tidy_address(one)
            except ValueError as error:
                problems.append(f"email: {error}")
        if "reply_to" in spec.options:
            try:
                split_mailbox(str(spec.options["reply_to"]))
            except ValueError as error:
                problems.append(f"email: reply_to: {error}")
        return problems + _server_problems(settings.smtp)

    async def deliver(self, message: Message, spec: ChannelSpec, context: DeliveryContext) -> Receipt:
        problems = _server_problems(context.settings.smtp)
        if problems:
            # Waiting does not set a variable, and the run's other channels go on.
            raise DeliveryError(" ".join(f"{one}." for one in problems), temporary=False)
        pending = [one for one in dict.fromkeys(spec.to) if one not in context.already]
        tried: dict[str, DeliveryError | None] = {}
        said = ""
        session = _Session(context)
        try:
            for recipient in pending:
                try:
                    said = await self._send(message, spec, context, session, recipient)
                except _Down as down:
                    tried |= {one: down.error for one in pending if one not in tried}
                    break
                except DeliveryError as error:
                    tried[recipient] = error
                else:
                    tried[recipient] = None
                    await context.confirmed(recipient)
        finally:
            await session.close()
        return conclude(tried, f"{session.where} took it: {said}" if said else f"{session.where} took it", context)

    async def _send(
        self, message: Message, spec: ChannelSpec, context: DeliveryContext, session: _Session, recipient: str
    ) -> str:
        sender = split_mailbox(context.settings.smtp.sender)
        try:
            address = tidy_address(recipient)
            mail = build_mail(
                message,
                sender=sender,
                recipient=address,
                digest=context.digest,
                now=context.clock(),
                unsubscribe=context.unsubscribe(recipient) if context.unsubscribe else "",
                reply_to=_reply_to(spec.options),
            )
        except ValueError as error:
            raise DeliveryError(f"{plain(str(error))}.", temporary=False) from None
        if len(mail) > _MOST_BYTES:
            raise DeliveryError(
                f"The mail has {len(mail) / 1e6:.1f} MB, more than the {_MOST_BYTES / 1e6:g} MB that are sent. "
                "Leave out sections or narrow the scope.",
                temporary=False,
            )
        return await session.send(sender.addr_spec, address, mail)


class _Session:
    """A connection to the mail server, opened when needed, used for one mail after the other."""

    def __init__(self, context: DeliveryContext) -> None:
        self._smtp = context.settings.smtp
        self._timeout = context.timeout
        self._client: aiosmtplib.SMTP | None = None
        self.where = f"{self._smtp.host}:{self._smtp.port or _PORTS[self._smtp.tls]}"

    async def send(self, sender: str, recipient: str, mail: bytes) -> str:
        """The server's answer. Raises DeliveryError for this reader, _Down if the others need not try."""
        import aiosmtplib

        client = await self._open()
        if len(mail) > (limit := _size_limit(client)):
            raise DeliveryError(
                f"The mail has {len(mail) / 1e6:.2f} MB, and {self.where} takes {limit / 1e6:.2f} MB at most. "
                "Leave out sections or narrow the scope.",
                temporary=False,
            )
        try:
            # Each command has its own limit; this one is for a server that drips.
            async with asyncio.timeout(4 * self._timeout):
                _, answer = await client.sendmail(sender, [recipient], mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refusal = error.recipients[0]
            raise self._refused(refusal.code, refusal.message, f"{recipient} was refused") from None
        except aiosmtplib.SMTPSenderRefused as error:
            raise _Down(self._refused(error.code, error.message, f"the sender {sender} was refused")) from None
        except aiosmtplib.SMTPResponseException as error:
            failure = self._refused(error.code, error.message, "the mail was refused")
            raise (_Down(failure) if error.code == 421 else failure) from None
        except TimeoutError:  # aiosmtplib's own among them
            await self.close()
            silence = _UNANSWERED.format(where=self.where, seconds=self._timeout)
            raise _Down(DeliveryError(silence, temporary=True)) from None
        except (aiosmtplib.SMTPException, OSError):
            await self.close()
            raise DeliveryError(
                f"The mail server {self.where} closed the connection in the middle.", temporary=True
            ) from None
        return plain(answer, secrets=self._secrets)

    async def close(self) -> None:
        """Say goodbye if that is possible; never raises."""
        client, self._client = self._client, None
        if client is None:
            return
        with suppress(Exception):  # whatever goes wrong now, the answers are in
            if client.is_connected:
                async with asyncio.timeout(min(5.0, self._timeout)):
                    await client.quit()
        client.close()

    async def _open(self) -> aiosmtplib.SMTP:
        """Connected, secured and logged in. Raises _Down."""
        import aiosmtplib

        if self._client is not None and self._client.is_connected:
            return self._client
        smtp = self._smtp
        client = aiosmtplib.SMTP(
            hostname=smtp.host,
            port=smtp.port or _PORTS[smtp.tls],
            username=smtp.user or None,
            password=smtp.password or None,
            # What others learn of this machine is the sender's domain, which they know already.
            local_hostname=split_mailbox(smtp.sender).domain,
            timeout=self._timeout,
            use_tls=smtp.tls == "implicit",
            start_tls=smtp.tls == "starttls",
        )
        self._client = client
        try:
            async with asyncio.timeout(4 * self._timeout):
                await client.connect()
                await _greet(client)
        except aiosmtplib.SMTPAuthenticationError as error:
            what = "the login was refused; check TRENDMONITOR_SMTP_USER and TRENDMONITOR_SMTP_PASSWORD"
            raise _Down(self._refused(error.code, error.message, what)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _Down(self._refused(error.code, error.message, "the connection was refused")) from None
        except TimeoutError:
            silence = _UNANSWERED.format(where=self.where, seconds=self._timeout)
            raise _Down(DeliveryError(silence, temporary=True)) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _Down(self._unusable(error)) from None
        return client

    def _unusable(self, error: Exception) -> DeliveryError:
        import aiosmtplib

        text = str(error).lower()
        if (certificate := _certificate_error(error)) is not None:
            why = f"the certificate of {self.where} is not accepted ({plain(certificate)})"
            return DeliveryError(f"No secure connection: {why}. Nothing was sent.", temporary=True)
        if "starttls extension not supported" in text:
            message = (
                f"{self.where} offers no STARTTLS, and nothing is sent unencrypted. Set TRENDMONITOR_SMTP_TLS to "
                "implicit with the port for it (usually 465), or none if the server is on this machine."
            )
            return DeliveryError(message, temporary=False)
        if isinstance(error, (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPServerDisconnected, OSError)):
            message = (
                f"The mail server {self.where} can't be reached or closes the connection. Check "
                "TRENDMONITOR_SMTP_HOST, TRENDMONITOR_SMTP_PORT and TRENDMONITOR_SMTP_TLS if it lasts."
            )
            return DeliveryError(message, temporary=True)
        shown = plain(str(error), secrets=self._secrets)
        return DeliveryError(f"The mail server {self.where} can't be used: {shown}", temporary=False)

    def _refused(self, code: int, answer: str, what: str) -> DeliveryError:
        """4xx: try again later; everything else for good (RFC 5321, 4.2.1)."""
        shown = plain(answer, secrets=self._secrets)
        return DeliveryError(f"{self.where}: {what} ({code} {shown}).", temporary=400 <= code < 500)

    @property
    def _secrets(self) -> tuple[str, ...]:
        return tuple(filter(None, (self._smtp.password, self._smtp.user)))


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Learn what the server can do, if that was not needed for TLS or the login; old servers know HELO only."""
    import aiosmtplib

    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()


def _size_limit(client: aiosmtplib.SMTP) -> int:
    """What the server announced (RFC 1870); 0 or nothing means no limit."""
    said = client.esmtp_extensions.get("size", "").strip()
    return int(said[:15]) if said.isascii() and said.isdigit() and int(said[:15]) else _MOST_BYTES


def _certificate_error(error: BaseException) -> str | None:
    here: BaseException | None = error
    for _ in range(10):
        if isinstance(here, ssl.SSLCertVerificationError):
            return here.verify_message or "not valid"
        if isinstance(here, ssl.SSLError):
            return (here.reason or "TLS error").replace("_", " ").lower()
        here = None if here is None else here.__cause__ or here.__context__
    return None


def _reply_to(options: Mapping[str, object]) -> Address | None:
    return split_mailbox(str(options["reply_to"])) if options.get("reply_to") else None


def _server_problems(smtp: Smtp) -> list[str]:
    if not smtp.host:
        return ["email needs a mail server: set TRENDMONITOR_SMTP_HOST and TRENDMONITOR_SMTP_FROM"]
    problems = []
    if not smtp.sender:
        problems.append("email needs a sender: set TRENDMONITOR_SMTP_FROM, such as Trend digest <digest@example.org>")
    else:
        try:
            split_mailbox(smtp.sender)
        except ValueError as error:
            problems.append(f"TRENDMONITOR_SMTP_FROM: {error}")
    if smtp.tls == "none" and not is_loopback(smtp.host):
        problems.append(
            f"TRENDMONITOR_SMTP_TLS: mail to {smtp.host} would travel unencrypted: set starttls or implicit"
        )
    if smtp.password and not smtp.user:
        problems.append("TRENDMONITOR_SMTP_PASSWORD is set without TRENDMONITOR_SMTP_USER: set both or neither")
    return problems


CHANNEL = EmailChannel()
