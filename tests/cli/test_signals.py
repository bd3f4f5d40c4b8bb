"""signals, signals show, ack and mute: what a person sees, what a program gets, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from monitor.bootstrap import Services
from monitor.core.model import Observed, Write
from monitor.core.signals.series import Signal
from monitor.settings import Settings
from monitor.store.keys import GENERATED
from tests.api import digest_service
from tests.api.digest_service import keep
from tests.api.support import make_post
from tests.cli.conftest import Call, Home

OPEN, ENDED = "0123456789abcdef", "fedcba9876543210"
NOW = datetime.now(UTC)
"""Commands go by the real clock."""
BEGIN, END = ((NOW - timedelta(days=days)).date().isoformat() for days in (4, 1))
LATER = f"{NOW.year + 5}-01-01"
signal = partial(digest_service.signal, now=NOW)


def store_all(home: Home, *signals: Signal, generated: bool = False) -> None:
    from collectors.base import Source

    made = Services(Settings(home=home.home, config=home.config))
    try:
        start = NOW - timedelta(days=10)
        made.store.add_source(Source("wire", "feed", "web", "https://wire.example/feed", "Wire", "news"), start)
        posts = tuple(make_post("wire", number, start + timedelta(hours=6 * number)) for number in range(1, 40))
        made.store.commit(Write(source="wire", at=NOW, posts=posts, observed=Observed(start, NOW)))
        if generated:
            made.store.set_meta(GENERATED, "true")
        keep(made, *signals)
    finally:
        made.close()


@pytest.fixture
def watched(tm: Call, home: Home) -> Call:
    ended = signal(ENDED, key="all", state="ended", direction="down", updated_at=NOW - timedelta(days=2),
                   ended_at=NOW - timedelta(days=2), n_sources=None, peak=None)  # fmt: skip
    store_all(home, signal(OPEN), ended)
    return tm


def test_the_list_is_a_table_that_fits_and_one_document(watched: Call) -> None:
    done = watched("signals")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 110
    (line,) = (line for line in lines if OPEN in line)
    assert "▲ audience nurses" in line
    assert BEGIN in line
    assert "8 (3–14)" in line
    assert line.rstrip().endswith("open")
    document = watched("signals", "list", "--json").document
    assert [one["id"] for one in document["signals"]] == [OPEN, ENDED]
    assert document["generated"] is False


def test_the_list_is_narrowed(watched: Call) -> None:
    for command in (("signals",), ("signals", "list")):
        assert [one["id"] for one in watched(*command, "--state", "ended", "--json").document["signals"]] == [ENDED]
        assert [one["id"] for one in watched(*command, "--since", END, "--json").document["signals"]] == [OPEN]
    assert [one["id"] for one in watched("signals", "--limit", 1, "--json").document["signals"]] == [OPEN]
    nothing = watched("signals", "--state", "ended", "--since", END)
    assert (nothing.status, nothing.out) == (0, "No such signal.\n")


def test_one_signal_is_shown_with_figures_and_posts(watched: Call) -> None:
    done = watched("signals", "show", OPEN)
    assert done.status == 0
    order = [OPEN, f"24 posts from {BEGIN} until before {END}", "2.9 times what was expected; at its peak 3.5 times",
             "p 1.3e-06, threshold 1e-05; found by share, count", "From 2 sources; 62 % of the posts from one", "Settings",
             "budget: 1", "Posts with the most interactions", "https://wire.example/"]  # fmt: skip
    places = [done.out.find(part) for part in order]
    assert min(places) >= 0, done.out
    assert places == sorted(places)
    document = watched("signals", "show", OPEN, "--json").document
    assert {name for post in document["evidence"]["posts"] for name in post["audience"]} == {"nurses"}
    assert "author" not in document["evidence"]["posts"][0]
    other = watched("signals", "show", ENDED)
    assert "From" not in other.out.replace("From 20", "")
    assert "ended" in other.out.splitlines()[0]


def test_a_signal_is_acknowledged_and_muted_with_a_reason(watched: Call) -> None:
    assert "The congress." in watched("signals", "ack", OPEN, "--note", "The congress.").out
    done = watched("signals", "mute", OPEN, "--until", f"{NOW.year + 12}-01-01", "--reason", "A campaign.")
    assert done.status == 2
    assert "ten years" in done.err
    done = watched("signals", "mute", OPEN, "--until", LATER, "--reason", "A campaign.")
    assert f"is muted until {LATER} 00:00 UTC: A campaign." in done.out
    shown = watched("signals", "show", OPEN).out
    assert "open, acknowledged, muted" in shown
    assert "UTC: The congress." in shown
    assert f"Muted until {LATER} 00:00 UTC: A campaign." in shown
    lifted = watched("signals", "mute", OPEN, "--until", "2020-01-01", "--reason", "Over.")
    assert "is no longer muted" in lifted.out
    document = watched("signals", "mute", "audience=nurses", "--until", LATER, "--reason", "All.", "--json").document
    assert (document["subject"], document["reason"]) == ("audience=nurses", "All.")
    assert watched("signals", "show", OPEN, "--json").document["muted"] is True


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "0123456789abcdee"), OPEN),
        (("ack", OPEN, "--note", " "), "say why"),
        (("ack", OPEN), "--note"),
        (("ack", "nosuch", "--note", "x"), "nosuch"),
        (("mute", OPEN, "--until", "soon", "--reason", "x"), "--until"),
        (("mute", OPEN, "--until", "9999-12-31T23:59:59-14:00", "--reason", "x"), "--until"),
        (("mute", OPEN, "--until", LATER), "--reason"),
        (("mute", "audience=nurse", "--until", LATER, "--reason", "x"), "audience=nurses"),
        (("list", "--since", "lately"), "--since"),
        (("list", "--since", "0001-01-01"), "--since"),
        (("list", "--state", "opened"), "opened"),
        (("--json", "show", OPEN), "show"),
        (("--since", "2026-11-01", "show", OPEN), "show"),
        (("--no-look", "show", OPEN), "show"),
        (("nosuch",), "nosuch"),
    ],
)
def test_wrong_use_is_named_and_ends_with_2(watched: Call, arguments: tuple[str, ...], says: str) -> None:
    done = watched("signals", *arguments)
    assert (done.status, done.out) == (2, "")
    assert says in done.err


def test_the_list_looks_at_the_counts_first(tm: Call, home: Home) -> None:
    long_ago = (NOW - timedelta(days=30)).timestamp() // 86_400
    store_all(home, signal(OPEN, since=int(long_ago), last=int(long_ago) + 2))
    states = [
        [one["state"] for one in tm("signals", *command, "--json").document["signals"]]
        for command in (("--no-look",), ("list", "--no-look"), (), ("--no-look",))
    ]
    assert states == [["open"], ["open"], ["ended"], ["ended"]]


def test_nothing_found_yet_is_said_so(tm: Call) -> None:
    done = tm("signals")
    assert (done.status, done.err) == (0, "")
    assert "No sudden change" in done.out
    assert tm("signals", "--json").document == {"signals": [], "generated": False}


def test_generated_data_are_marked_and_copies_named(tm: Call, home: Home) -> None:
    store_all(home, replace(signal(OPEN), copies_only=True), generated=True)
    for command in (("signals",), ("signals", "show", OPEN)):
        assert tm(*command).out.startswith("Generated data")
    assert "Copies of one text alone explain it." in tm("signals", "show", OPEN).out
    assert tm("signals", "--json").document["generated"] is True
