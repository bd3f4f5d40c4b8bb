"""Chat through the real Apprise, to a real receiver on loopback."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.deliver.base import DeliveryContext, DeliveryError
from monitor.deliver.chat import CHANNEL
from tests.deliver.messages import MESSAGE, context, settings, spec
from tests.deliver.receiver import Receiver

SECRET = "T0KEN-hush-hush"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What reaches the handlers of the process, at the noisiest level of all loggers concerned."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    loggers = [logging.getLogger(name) for name in (None, "apprise", "urllib3")]
    levels = [logger.level for logger in loggers]
    loggers[0].addHandler(handler)
    for logger in loggers:
        logger.setLevel(1)
    yield stream
    loggers[0].removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def given(receiver: Receiver, **more: Any) -> DeliveryContext:
    """Two rooms; Apprise's own limit for an answer is shortened by its `rto`."""
    room = f"json://127.0.0.1:{receiver.port}/{SECRET}"
    environment = {"ROOM": f"{room}/1?rto=0.3", "OTHER_ROOM": f"{room}/2"}
    return context(settings(environment=environment), **more)


async def test_a_short_message_arrives() -> None:
    with Receiver().serve() as receiver:
        here = given(receiver)
        assert CHANNEL.check(spec("chat", "env:ROOM", "env:OTHER_ROOM"), here.settings) == []
        receipt = await CHANNEL.deliver(MESSAGE, spec("chat", "env:ROOM"), here)
    (request,) = receiver.requests
    body = json.loads(request.body)
    assert body["title"] == MESSAGE.subject
    assert body["message"] == MESSAGE.short
    assert receipt.confirmed == ("env:ROOM",)
    assert "JSON" in receipt.said


@pytest.mark.parametrize(
    ("status", "temporary"), [(404, False), (403, False), (400, False), (429, True), (500, True), (0, True), (-1, True)]
)
async def test_what_is_tried_again_and_what_is_not(
    status: int, temporary: bool, logged: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    with Receiver([(status, {})]).serve() as receiver:
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, spec("chat", "env:ROOM"), given(receiver))
        assert len(receiver.requests) == 1
    assert caught.value.temporary is temporary
    assert "env:ROOM" in caught.value.message
    logging.getLogger("somebody.else").debug("is heard")
    assert "is heard" in logged.getvalue()
    out, err = capfd.readouterr()
    assert SECRET not in caught.value.message + logged.getvalue() + out + err


async def test_one_room_is_down() -> None:
    with Receiver([(500, {})]).serve() as receiver:
        rooms = spec("chat", "env:ROOM", "env:OTHER_ROOM")
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, rooms, given(receiver))
        assert caught.value.confirmed == {"env:OTHER_ROOM"}
        receipt = await CHANNEL.deliver(MESSAGE, rooms, given(receiver, already=caught.value.confirmed))
    assert receipt.confirmed == ("env:ROOM",)
    assert [request.path[-1] for request in receiver.requests] == ["1", "2", "1"]


async def test_a_service_that_never_answers_ends_in_time() -> None:
    with Receiver([(-1, {})]).serve() as receiver:
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, spec("chat", "env:OTHER_ROOM"), given(receiver, timeout=0.3))
        assert caught.value.temporary


def test_what_is_wrong_is_said_before_sending(logged: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    environment = {"NONSENSE": f"nonsense-{SECRET}", "UNKNOWN": f"nosuchchat://{SECRET}", "HALF": f"tgram://{SECRET}"}
    here = settings(environment=environment)
    problems = CHANNEL.check(
        spec("chat", "slack://a/b/c", "env:MISSING", "env:NONSENSE", "env:UNKNOWN", "env:HALF", colour="red"), here
    )
    text = "\n".join(problems)
    assert "chat has no option 'colour'" in text
    assert "put it into an environment variable" in text
    assert "'MISSING' is not set" in text
    for name in ("NONSENSE", "UNKNOWN", "HALF"):
        assert f"the value of {name} is not an address" in text
    assert len(problems) == 6
    out, err = capfd.readouterr()
    assert SECRET not in text + logged.getvalue() + out + err


async def test_a_variable_that_went_missing_fails_for_good() -> None:
    with pytest.raises(DeliveryError, match="'ROOM' is not set") as caught:
        await CHANNEL.deliver(MESSAGE, spec("chat", "env:ROOM"), context(settings()))
    assert not caught.value.temporary
