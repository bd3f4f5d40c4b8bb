"""Webhook: the stored issue as JSON, signed as Standard Webhooks describes (standardwebhooks.com).

Signature: base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`. The id is the issue's key, the same in every try, so a
receiver that keeps the ids it has seen takes an issue once; the timestamp is that of the try, so an old request can't be
played again later. `verify` is what a receiver does.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import orjson

from collectors.base import CollectError, Refused
from monitor.core.digest import ChannelSpec, Message
from monitor.core.moments import written
from monitor.deliver.base import (
    DeliveryContext,
    DeliveryError,
    DeliverySettings,
    Receipt,
    conclude,
    look_up,
    names_variable,
    option_problems,
    plain,
    recipient_problems,
)

_OPTIONS = ("secret",)
_MOST_RECEIVERS = 20
_SHORTEST_SECRET = 24
"""Bytes, as Standard Webhooks asks for."""
_PREFIX = "whsec_"
_PASSING = frozenset({408, 421, 425, 429})
WINDOW = timedelta(minutes=5)
"""How far a request's timestamp may be from the receiver's clock."""


class SignatureError(Exception):
    """The request is not what a sender with the secret sent just now. Answer 401 and do nothing with it."""


class WebhookChannel:
    kind = "webhook"

    def check(self, spec: ChannelSpec, settings: DeliverySettings) -> list[str]:
        problems = option_problems(spec, _OPTIONS)
        problems += recipient_problems(spec, example="https://example.org/hook", most=_MOST_RECEIVERS)
        for one in spec.to:
            try:
                _address(one, settings)
            except LookupError as error:
                problems.append(f"webhook: {error}")
        try:
            _secrets(spec, settings)
        except LookupError as error:
            problems.append(f"webhook: {error}")
        return problems

    async def deliver(self, message: Message, spec: ChannelSpec, context: DeliveryContext) -> Receipt:
        try:
            secrets = _secrets(spec, context.settings)
            body = render(message, context.digest)
        except LookupError as error:
            raise DeliveryError(f"webhook: {error}.", temporary=False) from None
        tried: dict[str, DeliveryError | None] = {}
        said = ""
        for recipient in dict.fromkeys(spec.to):
            if recipient in context.already:
                continue
            try:
                said = await _post(recipient, message.key, body, secrets, context)
            except DeliveryError as error:
                tried[recipient] = error
            else:
                tried[recipient] = None
                await context.confirmed(recipient)
        return conclude(tried, said, context)


def render(message: Message, digest: str) -> bytes:
    """The body: the same bytes in every try."""
    composed = message.composed_at
    return orjson.dumps(
        {
            "type": "digest.issue",
            "id": message.key,
            "timestamp": None if composed is None else written(composed),
            "digest": digest,
            "subject": message.subject,
            "text": message.text,
            "links": dict(message.links),
            "document": message.document,
        },
        option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS,
        default=plain_value,
    )


def sign(key: str, body: bytes, secrets: Sequence[bytes], now: datetime) -> dict[str, str]:
    """The three headers of a request. Several secrets (an old and a new one) give several signatures."""
    stamp = str(int(now.timestamp()))
    marks = (f"v1,{base64.b64encode(_mac(key, stamp, body, secret)).decode('ascii')}" for secret in secrets)
    return {"Webhook-Id": key, "Webhook-Timestamp": stamp, "Webhook-Signature": " ".join(marks)}


def verify(headers: Mapping[str, str], body: bytes, secret: str, now: datetime, *, window: timedelta = WINDOW) -> str:
    """For receivers: the id of a genuine request. Raises SignatureError for any other.

    headers: as they came, letter case does not matter. body: the raw bytes, before any parsing. secret: as in the
    sender's environment variable. now: the receiver's clock, aware.

    Within the window the same request can still come twice (it is sent again until it is confirmed): keep the ids
    that were handled and answer a known one with 200 without handling it again.
    """
    folded = {name.lower(): value.strip() for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not folded.get(name)]
    if missing:
        raise SignatureError(f"the header {missing[0]} is missing")
    key, stamp = folded["webhook-id"], folded["webhook-timestamp"]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureError("the timestamp is not a number of seconds")
    if abs(now.timestamp() - int(stamp)) > window.total_seconds():
        raise SignatureError("the timestamp is too far from now: an old request, or one of the clocks is wrong")
    right = _mac(key, stamp, body, secret_bytes(secret))
    for mark in folded["webhook-signature"].split():
        version, _, value = mark.partition(",")
        try:
            given = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            continue
        if version == "v1" and hmac.compare_digest(given, right):
            return key
    raise SignatureError("no signature fits: another secret, or the body was changed on its way")


def secret_bytes(text: str) -> bytes:
    """The key behind a secret as written: base64 after `whsec_`, otherwise the characters themselves (UTF-8).

    Raises ValueError if what follows `whsec_` is not base64.
    """
    if not text.startswith(_PREFIX):
        return text.encode("utf-8", "surrogateescape")
    return base64.b64decode(text.removeprefix(_PREFIX), validate=True)


def _mac(key: str, stamp: str, body: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()


def plain_value(value: object) -> object:
    """For orjson: what stands for a value that it does not know. Raises TypeError."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _secrets(spec: ChannelSpec, settings: DeliverySettings) -> list[bytes]:
    """Raises LookupError that names the variable, never its value."""
    given = spec.options.get("secret")
    names = list(given) if isinstance(given, (list, tuple)) else [given]
    if not all(isinstance(one, str) and names_variable(one) for one in names) or not 1 <= len(names) <= 2:
        raise LookupError(
            "`secret` must name the environment variable with the key that signs: write `secret: env:WEBHOOK_SECRET` "
            "(or a list of two while you change it)"
        )
    found = []
    for one in names:
        value = look_up(str(one), settings.environment)
        variable = str(one).removeprefix("env:")
        try:
            key = secret_bytes(value)
        except ValueError:
            raise LookupError(f"the value of {variable} begins with whsec_ but is not base64 after it") from None
        if len(key) < _SHORTEST_SECRET:
            raise LookupError(
                f"the secret in {variable} has {len(key)} bytes: use {_SHORTEST_SECRET} or more, for example from "
                "`openssl rand -hex 32`"
            )
        found.append(key)
    return found


def _address(recipient: str, settings: DeliverySettings) -> str:
    """The address to post to. Raises LookupError without showing what a variable holds."""
    from collectors.net.urls import carries_secret, check_url

    secret = names_variable(recipient)
    url = look_up(recipient, settings.environment) if secret else recipient
    try:
        parsed = check_url(url)
    except Refused as error:
        if secret:
            name = recipient.removeprefix("env:")
            raise LookupError(f"the value of {name} is not a web address such as https://example.org/hook") from None
        raise LookupError(str(error).rstrip(".")) from None
    if not secret and (parsed.userinfo or carries_secret(parsed)):
        raise LookupError("the address holds a password or key: put it into an environment variable, write env:NAME")
    return str(parsed)


async def _post(recipient: str, key: str, body: bytes, secrets: Sequence[bytes], context: DeliveryContext) -> str:
    """What the receiver answered. Raises DeliveryError."""
    from collectors.net.failures import BAD_DAYS, name_failure, read_retry_after
    from collectors.net.transport import REDIRECTS
    from collectors.net.urls import redact

    try:
        url = _address(recipient, context.settings)
    except LookupError as error:
        raise DeliveryError(f"{error}.", temporary=False) from None
    shown = recipient if names_variable(recipient) else redact(url)
    now = context.clock()
    headers = {"Content-Type": "application/json", **sign(key, body, secrets, now)}
    try:
        async with (
            asyncio.timeout(3 * context.timeout),
            context.client() as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            # The answer's body is of no interest and is not read.
            status, found = answer.status_code, dict(answer.headers)
    except CollectError as error:  # the guard's
        failure = error
    except TimeoutError:
        raise DeliveryError(f"{shown}: no answer within {3 * context.timeout:g} seconds.", temporary=True) from None
    except BAD_DAYS as error:
        failure = name_failure(error, url)
    else:
        return _judge(shown, status, read_retry_after(found, now), now, redirects=REDIRECTS)
    said = str(failure)
    if names_variable(recipient):
        said = f"{shown}: {'it leads where nothing is sent' if isinstance(failure, Refused) else 'it failed'} ({failure.code})."
    raise DeliveryError(plain(said), temporary=not isinstance(failure, Refused)) from None


def _judge(shown: str, status: int, until: datetime | None, now: datetime, *, redirects: frozenset[int]) -> str:
    if 200 <= status < 300:
        return f"{shown} answered {status}"
    if status in redirects:
        message = f"{shown} redirects ({status}), which is not followed: write the final address."
        raise DeliveryError(message, temporary=False)
    if status >= 500 or status in _PASSING:
        message = f"{shown} could not take it just now ({status})."
        raise DeliveryError(message, temporary=True, retry_after=None if until is None else until - now)
    if status in (401, 403):
        raise DeliveryError(f"{shown} refused it ({status}). Does it have the same secret?", temporary=False)
    raise DeliveryError(f"{shown} refused it ({status}). Check the address.", temporary=False)


CHANNEL = WebhookChannel()
