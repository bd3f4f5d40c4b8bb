"""Killed at any moment and started again, every issue reaches everybody, and nobody who confirmed gets it twice."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from monitor.deliver.webhook import WINDOW, verify
from monitor.digest_sending import HOLD
from monitor.store import Store
from tests.servers.smtp import MailServer
from tests.support.digesting import MONDAY, RUN, START, WEEK
from tests.support.sending import READERS, SECRET, tick_once

WEEKS = 3
KILLS_A_WEEK = 6

forkserver = multiprocessing.get_context("forkserver")
forkserver.set_forkserver_preload(["tests.support.sending"])  # so that a child starts at once


class Receiver:
    """A webhook's other end: takes every request, after a moment."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, Any]]] = []
        """(id, body) of every request that was answered."""
        self.asked = 0
        self.port = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Receiver]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
            self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head) if name}
            self.body = await reader.readexactly(int(self.headers["content-length"]))
            self.asked += 1
            await asyncio.sleep(0.005)
            self.taken.append((self.headers["webhook-id"], json.loads(self.body)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


class Leisurely(MailServer):
    """Thinks for a moment about every recipient, so that there is time to kill the sender in between."""

    async def handle_RCPT(self, *given: Any) -> str:  # noqa: N802 - aiosmtpd's name
        await asyncio.sleep(0.01)
        return await super().handle_RCPT(*given)


async def finish(child: BaseProcess) -> None:
    while child.is_alive():
        await asyncio.sleep(0.005)
    child.join()


def confirmed(url: str) -> Counter[tuple[int, str]]:
    """(issue, recipient) that our database knows to have it."""
    store = Store.open(url)
    found = Counter(
        (issue.number, recipient)
        for issue in store.digests.issues("weekly", limit=100)
        for delivery in issue.deliveries
        for recipient in delivery.confirmed
    )
    store.close()
    return found


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="needs POSIX processes")
async def test_killed_in_a_loop_every_issue_arrives_and_no_confirmation_is_forgotten(
    store_url: str, tmp_path: Path
) -> None:
    rng = random.Random(11)
    kills = 0
    moments = Counter[str]()
    async with Leisurely().serve() as mail, Receiver().serve() as hook:

        def start(now: datetime) -> BaseProcess:
            child = forkserver.Process(target=tick_once, args=(store_url, tmp_path, now, mail.port, hook.port))
            child.start()
            return child

        await finish(start(START))
        for week in range(WEEKS):
            now = RUN + week * WEEK
            for _ in range(KILLS_A_WEEK):
                before = confirmed(store_url)
                arrived, hooked = len(mail.arrived), len(hook.taken)
                seen = len(mail.attempts) + hook.asked
                child = start(now)
                event = rng.randrange(0, 4)
                while child.is_alive() and len(mail.attempts) + hook.asked - seen < event:
                    await asyncio.sleep(0.001)
                await asyncio.sleep(rng.uniform(0, 0.02 if event else 0.15))
                child.kill()
                await finish(child)
                kills += child.exitcode == -signal.SIGKILL
                for one in mail.arrived[arrived:]:
                    assert (week + 1, one.recipients[0]) not in before, "it had confirmed before this child began"
                if hook.taken[hooked:]:
                    assert not any(number == week + 1 and "hook" in name for number, name in before)
                after = confirmed(store_url)
                assert before.keys() <= after.keys(), "a confirmation is never forgotten"
                moments["nothing new" if after == before else "some confirmed"] += 1
                now += HOLD + timedelta(minutes=1)
            child = start(now)
            await finish(child)
            assert child.exitcode == 0
    assert kills >= 2 * WEEKS, "it was killed while at work"
    assert len(moments) == 2, "before anything was confirmed, and in the middle"

    store = Store.open(store_url)
    issues = store.digests.issues("weekly", limit=100)
    store.close()
    assert [(issue.number, issue.status, issue.run_at) for issue in issues] == [
        (week + 1, "sent", RUN + week * WEEK) for week in reversed(range(WEEKS))
    ], "composed once each, none vanished"
    for week in range(WEEKS):
        stamp = f"{MONDAY + week * WEEK:%Y%m%d}T080000Z"
        for reader in READERS:
            mails = [one.mail for one in mail.arrived if one.recipients == [reader] and stamp in one.mail["Message-ID"]]
            assert len(mails) >= 1, "everybody has it"
            assert len({one["Message-ID"] for one in mails}) == 1, "what may come twice can be told by its id"
            assert len({one.get_body(("plain",)).get_content() for one in mails}) == 1  # type: ignore[union-attr]  # it has one
        bodies = [body for key, body in hook.taken if stamp in key]
        assert len(bodies) >= 1
        assert all(body == bodies[0] for body in bodies)
        assert (tmp_path / "digests" / "weekly" / f"weekly-{stamp}.html").is_file()
    twice = len(mail.arrived) - WEEKS * len(READERS)
    assert twice <= kills, "at most the one mail that was on its way at a kill"
    verify(hook.headers, hook.body, SECRET, datetime.fromtimestamp(int(hook.headers["webhook-timestamp"]), UTC))
    assert WINDOW < HOLD * 2


async def test_a_server_that_breaks_off_before_its_answer_is_sent_the_same_mail_again(
    sqlite_store: Store, tmp_path: Path
) -> None:
    """The window that nobody can close: the server has the mail, and we did not hear so."""
    from tests.support.sending import real_service

    async with MailServer(at_data=["", "keep and drop"]).serve() as mail, Receiver().serve() as hook:
        await real_service(sqlite_store, tmp_path, START, mail.port, hook.port).tick()
        await real_service(sqlite_store, tmp_path, RUN, mail.port, hook.port).tick()
        (issue,) = sqlite_store.digests.issues("weekly", limit=5)
        assert issue.status == "composed"
        assert {name for name in READERS if name in issue.deliveries[0].confirmed} == {
            one.recipients[0] for one in mail.arrived if one is not mail.arrived[1]
        }
        await real_service(sqlite_store, tmp_path, RUN + timedelta(minutes=5), mail.port, hook.port).tick()
    again = [one for one in mail.arrived if one.recipients == mail.arrived[1].recipients]
    assert len(mail.arrived) == len(READERS) + 1
    assert len(again) == 2
    assert again[0].mail["Message-ID"] == again[1].mail["Message-ID"]
    assert len(hook.taken) == 1, "the webhook had answered and is left alone"
    assert sqlite_store.digests.issues("weekly", limit=5)[0].status == "sent"
