"""Chat (Slack, Teams, Discord, Telegram, Matrix and some hundred more) through Apprise: a few lines and a link.

Apprise addresses hold secrets, so they are only taken from environment variables (`env:NAME`), and what Apprise logs
never leaves it: its lines and those of its HTTP library repeat addresses.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from monitor.core.digest import ChannelSpec, Message
from monitor.deliver.base import (
    DeliveryContext,
    DeliveryError,
    DeliverySettings,
    Receipt,
    conclude,
    look_up,
    names_variable,
    option_problems,
    recipient_problems,
)

_MOST_ROOMS = 50
_STATUS = re.compile(r"\berror=(\d{3})\b")
_PASSING = frozenset({408, 421, 425, 429})


class ChatChannel:
    kind = "chat"

    def check(self, spec: ChannelSpec, settings: DeliverySettings) -> list[str]:
        problems = option_problems(spec, ())
        problems += recipient_problems(spec, example="env:SLACK_URL", most=_MOST_ROOMS)
        for one in spec.to:
            try:
                _service(one, settings)
            except LookupError as error:
                problems.append(f"chat: {error}")
        return problems

    async def deliver(self, message: Message, spec: ChannelSpec, context: DeliveryContext) -> Receipt:
        tried: dict[str, DeliveryError | None] = {}
        names: list[str] = []
        for recipient in dict.fromkeys(spec.to):
            if recipient in context.already:
                continue
            try:
                # Apprise blocks. Its own limit ends the call; the second one is for what it does not watch.
                async with asyncio.timeout(2 * context.timeout):
                    name = await asyncio.to_thread(_notify, recipient, message, context)
            except TimeoutError:
                tried[recipient] = DeliveryError(
                    f"{recipient}: no answer within {2 * context.timeout:g} seconds.", temporary=True
                )
            except DeliveryError as error:
                tried[recipient] = error
            else:
                names.append(name)
                tried[recipient] = None
                await context.confirmed(recipient)
        return conclude(tried, f"{', '.join(dict.fromkeys(names))} took it", context)


def _service(recipient: str, settings: DeliverySettings) -> Any:
    """Apprise's service for `env:NAME`. Raises LookupError that names the variable, never its value."""
    if not names_variable(recipient):
        raise LookupError(
            "an address of a chat holds a secret: put it into an environment variable and write env:NAME instead"
        )
    address = look_up(recipient, settings.environment)
    # Late: it takes a while to load, and most installations have no chat.
    _seal_logs()
    import apprise

    service = apprise.Apprise.instantiate(
        address, asset=apprise.AppriseAsset(async_mode=False, app_id="trendmonitor", app_desc="Trend digest")
    )
    if service is None:
        raise LookupError(
            f"the value of {recipient.removeprefix('env:')} is not an address that Apprise understands: write it as "
            "on its wiki, such as slack://TokenA/TokenB/TokenC"
        )
    return service


def _notify(recipient: str, message: Message, context: DeliveryContext) -> str:
    """Send, in a thread. Returns the service's name; raises DeliveryError."""
    try:
        service = _service(recipient, context.settings)
    except LookupError as error:
        raise DeliveryError(f"{recipient}: {error}.", temporary=False) from None
    import apprise

    name = str(service.service_name)
    sender = apprise.Apprise(asset=service.asset)
    sender.add(service)
    result = sender.notify(
        body=message.short, title=message.subject, body_format=apprise.NotifyFormat.TEXT, timeout=context.timeout
    )
    if result:
        return name
    # Apprise tells the status of the answer only in its log.
    found = [int(match[1]) for entry in result.logs() if (match := _STATUS.search(entry.message))]
    if not found:
        raise DeliveryError(f"{name} ({recipient}) can't be reached or gave no answer.", temporary=True)
    status = found[-1]
    if 400 <= status < 500 and status not in _PASSING:
        raise DeliveryError(
            f"{name} ({recipient}) refused the message ({status}). Check the address in that variable.", temporary=False
        )
    raise DeliveryError(f"{name} ({recipient}) could not take the message just now ({status}).", temporary=True)


def _drop(_record: logging.LogRecord) -> bool:
    return False


def _seal_logs() -> None:
    """Nothing of Apprise reaches the handlers of this process; its own capture, which we read, sits on its logger."""
    own = logging.getLogger("apprise")
    own.propagate = False
    if not own.handlers:
        own.addHandler(logging.NullHandler())
    # Only Apprise uses this library here; its debug lines show paths, which are tokens for most services.
    for quiet in ("urllib3.connectionpool", "urllib3.util.retry"):
        logger = logging.getLogger(quiet)
        if _drop not in logger.filters:
            logger.addFilter(_drop)


CHANNEL = ChatChannel()
