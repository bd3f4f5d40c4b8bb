"""The whole way with the real parts: a store, facts, words, pictures, and a file and a mail at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog.testing

from monitor.bootstrap import Services
from monitor.core.digest import ChannelSpec, DigestSpec
from monitor.core.model import Write
from monitor.deliver.drawing import Drawer, DrawingError
from monitor.digest_composer import Composer
from monitor.scheduler import Clockwork
from monitor.settings import Settings
from monitor.store import Store
from tests.servers.smtp import MailServer
from tests.support.collecting import Clock
from tests.support.posts import make_post
from tests.support.worlds import fill

CONFIG = """\
digests:
  - id: weekly
    title: Care this week
    schedule: weekly on monday 08:00 UTC
    channels:
      - {kind: file, options: {formats: [html, markdown, json]}}
      - {kind: email, to: [ann@example.org, ben@example.org]}
"""
WEEKS = 14
HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> tuple[Path, datetime]:
    """Six sources over fourteen weeks; a database to copy, and the moment after the last week."""
    path = tmp_path_factory.mktemp("world") / "t.db"
    path.write_bytes(sqlite_template.read_bytes())
    store = Store.open(f"sqlite:///{path}")
    until = fill(store, weeks=WEEKS, sources=6, posts=10, share=lambda source, week: 0.2 if week < WEEKS - 1 else 0.6)
    store.close()
    return path, until


class World:
    """A service on a copy of the store, with a clock to move and a real mail server."""

    def __init__(self, home: Path, filled: tuple[Path, datetime], mail: MailServer, **settings: Any) -> None:
        (home / "config").mkdir()
        (home / "config" / "sources.yaml").write_text("sources: []\n")
        (home / "config" / "digests.yaml").write_text(CONFIG)
        database = home / "t.db"
        database.write_bytes(filled[0].read_bytes())
        self.home = home
        self.clock = Clock(filled[1] - HOUR)
        self.run = filled[1] + 8 * HOUR
        given = {
            "smtp_host": "127.0.0.1",
            "smtp_port": mail.port,
            "smtp_tls": "none",
            "smtp_from": "Digest <digest@example.org>",
            "public_url": "https://trends.example.org",
            **settings,
        }
        self.services = Services(
            Settings(
                home=home, config=home / "config", database_url=f"sqlite:///{database}", collect_workers=0, **given
            ),
            clock=self.clock,
        )

    async def at(self, moment: datetime) -> None:
        """Let the clock's digest tick run then."""
        self.clock.now = moment
        await Clockwork(self.services).digests()


@pytest.fixture
def nothing_left() -> Iterator[list[World]]:
    made: list[World] = []
    yield made
    for world in made:
        world.services.close()


async def test_from_the_store_to_a_mail_and_a_file(
    filled: tuple[Path, datetime], tmp_path: Path, nothing_left: list[World]
) -> None:
    async with MailServer().serve() as mail:
        world = World(tmp_path, filled, mail)
        nothing_left.append(world)
        digests = world.services.digests
        assert digests.problems(digests.spec("weekly")) == []
        await world.at(world.clock.now)
        assert digests.issues("weekly") == []
        await world.at(world.run)
        issue = await asyncio.to_thread(digests.issue, "weekly", 1)
    assert issue.status == "sent"
    assert "(content type) probably" in issue.says, "the shares that jumped are the headline"
    assert (issue.since, issue.until) == (filled[1] - WEEK, filled[1])

    stem = f"weekly-{world.run:%Y%m%dT%H%M%SZ}"
    folder = tmp_path / "digests" / "weekly"
    assert sorted(path.name for path in folder.iterdir()) == [f"{stem}.html", f"{stem}.json", f"{stem}.md"]
    page = (folder / f"{stem}.html").read_text()
    assert "data:image/png;base64," in page
    assert issue.says.split(":")[0] in page

    assert sorted(one.recipients[0] for one in mail.arrived) == ["ann@example.org", "ben@example.org"]
    links = set()
    for one in mail.arrived:
        found = one.mail
        assert len(one.content) < 500_000
        html = found.get_body(("html",))
        assert html is not None
        text = html.get_content()
        leave = str(found["List-Unsubscribe"]).strip("<>")
        assert leave.startswith("https://trends.example.org/api/v1/digests/weekly/unsubscribe?reader=")
        assert leave.replace("&", "&amp;") in text or leave in text, (
            "the reader's own link takes the general one's place"
        )
        assert "#unsubscribe" not in text
        assert "https://trends.example.org/digests/weekly/issues/1" in text
        links.add(leave)
    assert len(links) == 2
    assert digests.unsubscribe("weekly", links.pop().partition("reader=")[2])
    assert len(digests.unsubscribed("weekly")) == 1


async def test_what_changed_since_is_a_revision_in_the_next_issue_and_not_in_this_one(
    filled: tuple[Path, datetime], tmp_path: Path, nothing_left: list[World]
) -> None:
    async with MailServer().serve() as mail:
        world = World(tmp_path, filled, mail, public_url="")
        nothing_left.append(world)
        await world.at(world.clock.now)
        await world.at(world.run)
        digests, store = world.services.digests, world.services.store
        before = digests.message("weekly", 1)
        late = [make_post(f"late-{n}", "s0", published_at=filled[1] - 30 * HOUR, title=f"Late {n}") for n in range(40)]
        store.commit(Write("s0", world.run + HOUR, tuple(late)))
        assert digests.message("weekly", 1) == before, "what was sent stays as it was"
        assert "http://" not in before.text.replace("http://127", "")
        await world.at(world.run + WEEK)
        parts = {part["id"]: part for part in digests.document("weekly", 2)["sections"]}
        assert "revisions" in parts
        assert digests.issue("weekly", 2).status == "sent"


def test_a_picture_that_cannot_be_drawn_leaves_its_table(
    filled: tuple[Path, datetime], tmp_path: Path, nothing_left: list[World]
) -> None:
    def broken(spec: dict[str, Any]) -> bytes:
        raise DrawingError("no library")

    world = World(tmp_path, filled, MailServer())
    nothing_left.append(world)
    services = world.services
    world.clock.now = world.run
    composer = Composer(
        services.trends, lambda: services.ledger, services.store, services.config, lambda: services.signal_watch,
        public_url="", draw=broken,
    )  # fmt: skip
    spec = DigestSpec("weekly", "Care", "weekly on monday 08:00 UTC", (ChannelSpec("file"),))
    since = filled[1] - WEEK
    document = composer.compose(spec, since, filled[1], world.clock.now, None)
    (drawn,) = (part["chart"] for part in document["sections"] if part.get("chart"))
    with structlog.testing.capture_logs() as logs:
        message = composer.render(spec, document, 1)
    assert [one["event"] for one in logs] == ["digest_chart_failed"]
    assert message.pictures == ()
    assert "cid:" not in message.html
    if not any(part.get("table") for part in document["sections"] if part.get("chart")):
        assert drawn["table"]["rows"][-1]["cells"][0] in message.text


def test_drawing_gives_a_picture_twice_as_wide_and_remembers_it() -> None:
    spec = {
        "data": {"values": [{"a": 1, "b": 2}]},
        "mark": "bar",
        "encoding": {"x": {"field": "a"}, "y": {"field": "b"}},
    }
    drawer = Drawer()
    png = drawer(spec)
    assert png.startswith(b"\x89PNG")
    assert drawer(spec) is png
    with pytest.raises(DrawingError, match="could not be drawn"):
        drawer({"mark": "nonsense", "data": {"url": "file:///etc/passwd"}})


async def test_the_clock_looks_for_signals(
    filled: tuple[Path, datetime], tmp_path: Path, nothing_left: list[World]
) -> None:
    world = World(tmp_path, filled, MailServer())
    nothing_left.append(world)
    world.clock.now = filled[1] + HOUR
    clockwork = Clockwork(world.services)
    with structlog.testing.capture_logs() as logs:
        await clockwork.signals()
        await clockwork.signals()
    found = [one for one in logs if one["event"] == "signal_opened"]
    told = [one["says"].split(":")[1].strip().split(",")[0] for one in found]
    assert told, "the last week is unlike the others"
    assert len(told) == len(set(told)), "each is told once"
    assert set(told) <= {"content type video", "content type news"}
    assert all(one.opened_at == world.clock.now.astimezone(UTC) for one in world.services.signal_watch.signals())
