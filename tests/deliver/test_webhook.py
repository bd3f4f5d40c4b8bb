"""Webhooks against a real receiver, and the check that a receiver makes."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.deliver.base import DeliveryError
from monitor.deliver.webhook import CHANNEL, SignatureError, sign, verify
from tests.deliver.messages import MESSAGE, NOW, context, settings, spec
from tests.deliver.receiver import Receiver

SECRET = "a secret of more than 24 bytes"
ENVIRONMENT = {"HOOK_SECRET": SECRET, "SHORT": "short", "BAD": "whsec_%%%"}
GIVEN = settings(environment=ENVIRONMENT)


async def test_the_issue_arrives_signed() -> None:
    with Receiver().serve() as receiver:
        wanted = spec("webhook", receiver.url, secret="env:HOOK_SECRET")
        assert CHANNEL.check(wanted, GIVEN) == []
        receipt = await CHANNEL.deliver(MESSAGE, wanted, context(GIVEN))
    (request,) = receiver.requests
    assert verify(request.headers, request.body, SECRET, NOW) == MESSAGE.key
    body = json.loads(request.body)
    assert body["id"] == MESSAGE.key
    assert body["digest"] == "weekly"
    assert body["timestamp"] == "2026-07-13T06:00:00Z"
    assert body["document"] == {"headline": "Up 12 %", "n": 1200, "at": "2026-07-13T06:00:05Z"}
    assert request.headers["Content-Type"] == "application/json"
    assert receipt.confirmed == (receiver.url,)
    assert "answered 200" in receipt.said


async def test_a_second_try_has_the_same_id_and_body_and_a_new_time() -> None:
    with Receiver([(503, {"Retry-After": "120"}), (204, {})]).serve() as receiver:
        wanted = spec("webhook", receiver.url, secret="env:HOOK_SECRET")
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, wanted, context(GIVEN))
        later = NOW + timedelta(minutes=10)
        await CHANNEL.deliver(MESSAGE, wanted, replace(context(GIVEN), clock=lambda: later))
    assert caught.value.temporary
    assert caught.value.retry_after == timedelta(seconds=120)
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["Webhook-Id"] == second.headers["Webhook-Id"]
    with pytest.raises(SignatureError, match="too far"):
        verify(first.headers, first.body, SECRET, later)
    assert verify(second.headers, second.body, SECRET, later) == MESSAGE.key


@pytest.mark.parametrize(
    ("status", "temporary"),
    [(429, True), (500, True), (502, True), (408, True), (0, True), (-1, True)]
    + [(status, False) for status in (301, 307, 400, 401, 403, 404, 410, 413)],
)
async def test_what_is_tried_again_and_what_is_not(status: int, temporary: bool) -> None:
    with Receiver([(status, {"Location": "/elsewhere"})]).serve() as receiver:
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(
                MESSAGE,
                spec("webhook", receiver.url, secret="env:HOOK_SECRET"),
                context(GIVEN, timeout=0.3 if status == -1 else 5.0),
            )
        assert len(receiver.requests) == 1, "a redirect is not followed, and a POST is not repeated by itself"
    assert caught.value.temporary is temporary


async def test_one_of_two_receivers_is_down() -> None:
    with Receiver([(200, {}), (500, {}), (200, {})]).serve() as receiver:
        one, two = f"{receiver.url}/1", f"{receiver.url}/2"
        wanted = spec("webhook", one, two, secret="env:HOOK_SECRET")
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, wanted, context(GIVEN))
        assert caught.value.confirmed == {one}
        receipt = await CHANNEL.deliver(MESSAGE, wanted, context(GIVEN, already=caught.value.confirmed))
    assert receipt.confirmed == (two,)
    assert [request.path for request in receiver.requests] == ["/hook/1", "/hook/2", "/hook/2"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/hook", "http://localhost:{port}/", "http://[::ffff:127.0.0.1]:{port}/"]
)
async def test_private_addresses_are_refused_at_connection_time(url: str) -> None:
    strict = replace(GIVEN, allow_nets=())
    with Receiver().serve() as receiver:
        wanted = spec("webhook", url.format(port=receiver.port), secret="env:HOOK_SECRET")
        with pytest.raises(DeliveryError, match="TRENDMONITOR_ALLOW_NETS") as caught:
            await CHANNEL.deliver(MESSAGE, wanted, context(strict))
    assert not caught.value.temporary
    assert receiver.requests == []


async def test_a_secret_address_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Receiver([(404, {}), (0, {}), (200, {})]).serve() as receiver:
        secret = f"http://127.0.0.1:{receiver.port}/services/T0KEN/hush-hush"
        given = settings(environment={**ENVIRONMENT, "HOOK": secret})
        wanted = spec("webhook", "env:HOOK", secret="env:HOOK_SECRET")
        shown = []
        for _ in range(2):
            with pytest.raises(DeliveryError) as caught:
                await CHANNEL.deliver(MESSAGE, wanted, context(given))
            shown.append(caught.value.message)
        receipt = await CHANNEL.deliver(MESSAGE, wanted, context(given))
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, wanted, context(replace(given, allow_nets=())))
    assert len(receiver.requests) == 3
    shown += [receipt.said, caught.value.message, repr(given)]
    assert "hush-hush" not in "\n".join(shown)
    assert SECRET not in "\n".join(shown) + caplog.text


def test_what_is_wrong_is_said_before_sending() -> None:
    given = settings(environment={**ENVIRONMENT, "NOT_WEB": "postgresql://user:hush@db/x"})
    problems = CHANNEL.check(
        spec("webhook", "ftp://example.org", "https://u:p@example.org/", "env:NOT_WEB", "env:MISSING", secrets="x"),
        given,
    )
    text = "\n".join(problems)
    assert "did you mean 'secret'" in text
    assert "'ftp'" in text
    assert "holds a password or key" in text
    assert "the value of NOT_WEB is not a web address" in text
    assert "'MISSING' is not set" in text
    assert "`secret` must name" in text
    assert "hush" not in text
    for secret, what in (
        ("env:SHORT", "5 bytes"),
        ("env:BAD", "not base64"),
        ("env:GONE", "'GONE'"),
        (SECRET, "must name"),
    ):
        (problem,) = CHANNEL.check(spec("webhook", "https://example.org/", secret=secret), given)
        assert what in problem
        assert SECRET not in problem
    assert CHANNEL.check(spec("webhook", "https://example.org/", secret=["env:HOOK_SECRET"] * 2), given) == []


async def test_without_its_secret_nothing_is_sent() -> None:
    with Receiver().serve() as receiver:
        wanted = spec("webhook", receiver.url, secret="env:HOOK_SECRET")
        with pytest.raises(DeliveryError, match="HOOK_SECRET") as caught:
            await CHANNEL.deliver(MESSAGE, wanted, context(settings()))
    assert not caught.value.temporary
    assert receiver.requests == []


def test_a_published_example() -> None:
    # The example that Svix, where the standard comes from, publishes.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    moment = NOW.fromtimestamp(1614265330, NOW.tzinfo)
    headers = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', [key], moment)
    assert headers["Webhook-Signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert verify(headers, b'{"test": 2432232314}', secret, moment) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@given(body=st.binary(max_size=200), key=st.from_regex(r"[a-z0-9.-]{1,40}", fullmatch=True), where=st.integers(0, 199))
def test_any_change_breaks_the_signature(body: bytes, key: str, where: int) -> None:
    old, new = b"old" * 8, b"new" * 8
    headers = sign(key, body, [old, new], NOW)
    for either in (old, new):
        assert verify(headers, body, either.decode(), NOW) == key
    changed = bytearray(body or b"x")
    changed[where % len(changed)] ^= 1
    for bad_headers, bad_body, secret in (
        (headers, bytes(changed), "old" * 8),
        ({**headers, "Webhook-Id": key + "x"}, body, "old" * 8),
        ({**headers, "Webhook-Timestamp": str(int(NOW.timestamp()) + 1)}, body, "old" * 8),
        ({**headers, "Webhook-Signature": "v1,AAAA v1a,x v2"}, body, "old" * 8),
        (headers, body, "other" * 8),
    ):
        with pytest.raises(SignatureError, match="no signature fits"):
            verify(bad_headers, bad_body, secret, NOW)


@pytest.mark.parametrize("missing", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_headers_that_are_missing_or_odd(missing: str) -> None:
    headers = sign("k", b"", [b"x" * 24], NOW)
    with pytest.raises(SignatureError, match=missing.lower()):
        verify({name: value for name, value in headers.items() if name != missing}, b"", "x" * 24, NOW)
    with pytest.raises(SignatureError, match="not a number"):
        verify({**headers, "Webhook-Timestamp": "²"}, b"", "x" * 24, NOW)
    for hours in (-1, 1):
        with pytest.raises(SignatureError, match="too far"):
            verify(headers, b"", "x" * 24, NOW + timedelta(hours=hours))
