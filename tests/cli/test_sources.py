"""sources, collect, apply: what is tracked, and what the command line says when something is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.conftest import Call, Home
from tests.support.archives import write_lines


def test_a_feed_is_added_tested_collected_and_searched(tm: Call, site: str) -> None:
    added = tm("sources", "add", f"{site}/ward-news.xml", "--id", "ward", "--country", "ch", "--every", "2h", "--json")
    assert added.status == 0
    assert (added.document["id"], added.document["country"], added.document["status"]) == ("ward", "CH", "waiting")
    tested = tm("sources", "test", "ward", "--json")
    assert tested.status == 0
    assert [post["title"] for post in tested.document["posts"]] == ["Telehealth visits rise", "[bold] New clinic opens"]
    assert "jane@" not in tested.out
    assert "[bold] New clinic opens" in tm("sources", "test", "ward").out, "titles are not markup"
    collected = tm("collect", "--json")
    assert (collected.status, collected.document["new"], collected.document["failed"]) == (0, 2, 0)
    again = tm("collect", "--json")
    assert (again.status, again.document["sources"]) == (0, 0)
    assert "Nothing is due" in tm("collect").out
    assert tm("collect", "ward", "--json").document["new"] == 0
    assert tm("posts", "--json", "--filter", "topic=telehealth").document["posts"][0]["id"] == "a1"
    shown = tm("sources", "show", "ward", "--json").document
    assert [visit["outcome"] for visit in shown["visits"]] == ["unchanged", "new"] or len(shown["visits"]) == 2
    assert len(shown["coverage"]) == 1
    assert "ward" in tm("sources", "list").out
    assert "ward" in tm("sources", "show", "ward").out


def test_a_page_leads_to_its_feed_and_a_channel_to_its_videos(tm: Call, site: str) -> None:
    page = tm("sources", "add", site, "--json")
    assert (page.status, page.document["url"], page.document["name"]) == (0, f"{site}/ward-news.xml", "Ward news")
    channel = tm("sources", "add", f"{site}/@ward", "--json")
    assert channel.status == 0
    assert channel.document["url"].endswith("/feeds/videos.xml?channel_id=UCaaaaaaaaaaaaaaaaaaaaaa")
    assert tm("sources", "test", channel.document["id"], "--json").document["posts"][0]["title"] == "How a clinic works"
    found = tm("sources", "discover", site, "--json")
    assert [one["url"] for one in found.document] == [f"{site}/ward-news.xml"]


def test_what_is_tracked_already_is_named(tm: Call, site: str) -> None:
    assert tm("sources", "add", f"{site}/ward-news.xml", "--id", "ward").status == 0
    for address in (f"{site}/ward-news.xml", site, f"{site}/ward-news.xml#top"):
        again = tm("sources", "add", address, "--json")
        assert (again.status, again.out) == (1, "")
        assert "as ward" in again.err
    taken = tm("sources", "add", f"{site}/second.xml", "--id", "ward", "--no-check")
    assert taken.status == 1
    assert "ward" in taken.err


@pytest.mark.parametrize("path", ["/bare", "/nosuch"])
def test_an_address_without_a_feed_is_refused(tm: Call, site: str, path: str) -> None:
    done = tm("sources", "add", site + path, "--json")
    assert (done.status, done.out) == (1, "")
    assert path in done.err
    assert tm("sources", "list", "--json").document == []


def test_an_unreachable_host_is_refused_and_can_be_added_unseen(tm: Call) -> None:
    done = tm("sources", "add", "http://127.0.0.1:9/feed.xml", "--json")
    assert (done.status, done.out) == (1, "")
    assert "127.0.0.1:9" in done.err
    assert "--no-check" in done.err
    assert "Traceback" not in done.err
    unseen = tm("sources", "add", "http://127.0.0.1:9/feed.xml", "--id", "later", "--no-check", "--json")
    assert (unseen.status, unseen.document["verified"]) == (0, False)
    failed = tm("collect", "later", "--json")
    assert failed.status == 1
    assert failed.document["failed"] == 1
    assert "later" in tm("collect", "later").out
    tested = tm("sources", "test", "later", "--json")
    assert tested.status == 1
    assert tested.document["error"]


def test_wrong_facts_are_wrong_use_and_all_are_named(tm: Call, site: str) -> None:
    done = tm(
        "sources",
        "add",
        f"{site}/ward-news.xml",
        "--no-check",
        "--country",
        "UK",
        "--language",
        "english",
        "--every",
        "5",
    )
    assert (done.status, done.out) == (2, "")
    assert "country" in done.err
    assert "language" in done.err
    assert "every" in done.err


def test_unknown_sources_are_named(tm: Call) -> None:
    for command in (("sources", "show", "nosuch"), ("sources", "test", "nosuch"), ("sources", "pause", "nosuch"),
                    ("sources", "resume", "nosuch"), ("sources", "remove", "nosuch"), ("collect", "nosuch")):  # fmt: skip
        done = tm(*command, "--json")
        assert (done.status, done.out) == (1, ""), command
        assert "nosuch" in done.err


def test_pause_resume_and_remove(tm: Call, site: str) -> None:
    tm("sources", "add", f"{site}/ward-news.xml", "--id", "ward")
    assert tm("sources", "pause", "ward", "--json").document["status"] == "paused"
    assert tm("collect", "--json").document["sources"] == 0
    assert tm("sources", "list", "--status", "paused", "--json").document[0]["id"] == "ward"
    assert tm("sources", "resume", "ward", "--json").document["status"] == "waiting"
    assert tm("collect", "--json").document["new"] == 2
    assert tm("sources", "remove", "ward", "--json").document == {"removed": "ward", "purged": False}
    assert tm("sources", "list", "--json").document == []
    assert len(tm("posts", "--json").document["posts"]) == 2
    assert tm("sources", "remove", "ward", "--purge").status == 0
    assert tm("posts", "--json").document["posts"] == []


def test_declared_sources_are_applied_and_not_removed_by_hand(tm: Call, home: Home, site: str) -> None:
    (home.config / "sources.yaml").write_text(
        f"sources:\n  - {{id: ward, collector: feed, url: '{site}/ward-news.xml'}}\n"
    )
    assert tm("apply", "--json").document == {
        "added": ["ward"],
        "changed": [],
        "retired": [],
        "unchanged": 0,
        "notes": [],
    }
    done = tm("sources", "remove", "ward")
    assert done.status == 1
    assert "config/" in done.err
    (home.config / "sources.yaml").write_text("sources: []\n")
    assert tm("apply", "--json").document["retired"] == ["ward"]
    assert "0 added" in tm("apply").out


def test_opml_out_and_in_keeps_what_is_known(tm: Call, site: str, tmp_path: Path) -> None:
    tm(
        "sources",
        "add",
        f"{site}/ward-news.xml",
        "--id",
        "ward",
        "--country",
        "CH",
        "--audience",
        "nurses",
        "--every",
        "2h",
    )
    out = tmp_path / "feeds.opml"
    assert tm("sources", "export-opml", out, "--json").document == {"file": str(out), "sources": 1}
    assert tm("sources", "export-opml").out.encode() == out.read_bytes()
    before = tm("sources", "list", "--json").document[0]
    assert tm("sources", "import-opml", out, "--json").document["known"] == [f"{site}/ward-news.xml"]
    tm("sources", "remove", "ward")
    assert tm("sources", "import-opml", out, "--json").document["added"] == ["ward"]
    after = tm("sources", "list", "--json").document[0]
    kept = ("id", "url", "name", "platform", "country", "audience", "every")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    out.write_text("no list of feeds")
    done = tm("sources", "import-opml", out)
    assert done.status == 1
    assert "OPML" in done.err


def test_an_imported_archive_is_never_visited(tm: Call, tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text("id,published_at,title\n1,2026-01-01,Ward\n")
    assert tm("import", path, "--source", "old", "--json").document["created_sources"] == ["old"]
    assert tm("collect", "--json").document["sources"] == 0
    named = tm("collect", "old", "--json")
    assert (named.status, named.out) == (1, "")
    assert "import FILE" in named.err
    resumed = tm("sources", "resume", "old", "--json").document
    assert (resumed["status"], resumed["error"]) == ("archive", None)
    assert tm("collect", "--json").document["sources"] == 0


def test_ctrl_c_gives_the_claims_back(tm: Call, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tm("sources", "add", f"{site}/ward-news.xml", "--id", "ward")

    def interrupted(work: object) -> object:
        async def cancelled() -> object:
            task = asyncio.ensure_future(work)  # type: ignore[arg-type]  # a coroutine
            await asyncio.sleep(0.02)
            task.cancel()
            return await task

        try:
            return asyncio.run(cancelled())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    with monkeypatch.context() as patch:
        patch.setattr("monitor.cli.collecting.run", interrupted)
        done = tm("collect", "--json")
    if done.status == 130:  # on a very fast machine the visit may be over before
        assert done.out == ""
    assert tm("collect", "ward", "--json").document["busy"] == []


def test_a_gap_is_shown_with_its_reason(tm: Call, tmp_path: Path) -> None:
    spans = (("2026-01-05", "2026-02-02"), ("2026-02-16", "2026-03-02"))
    header = {"coverage": [{"source": "wire", "since": since, "until": until} for since, until in spans]}
    tm("import", write_lines(tmp_path / "a.jsonl", [header]))
    shown = tm("sources", "show", "wire").out
    assert "gap  2026-02-02 00:00 to 2026-02-16 00:00 UTC: its archive declares a gap here" in shown
    assert tm("sources", "show", "wire", "--json").document["gaps"][0]["reason"] == "declared"
