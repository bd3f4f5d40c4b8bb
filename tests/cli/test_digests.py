"""digest list, preview, send, issues, show, test, pause: what a person sees, what a program gets, what is refused."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from monitor.bootstrap import Services
from monitor.cli.digests_shown import show_issue, show_issues, show_list
from monitor.deliver import drawing
from monitor.settings import Settings
from monitor.store.digests import NewIssue
from tests.cli.conftest import Call, Home

DIGESTS = """
digests:
  - id: weekly
    title: The [bold] week
    schedule: weekly on monday 08:00 Europe/Berlin
    channels:
      - {kind: file, options: {formats: [html, json]}}
      - {kind: atom}
  - id: mailed
    title: By mail
    schedule: daily 07:30
    channels: [{kind: email, to: [jane@example.org]}, {kind: file, to: [a]}, {kind: file, to: [b]}]
"""
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _drawn_once() -> Iterator[None]:
    """Pictures are drawn in earnest, but each only once: that takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "_drawn", cache(drawing._drawn))
        yield


@pytest.fixture
def digest(tm: Call, home: Home) -> Call:
    (home.config / "digests.yaml").write_text(DIGESTS)
    return tm


def test_the_list_says_when_where_and_how_it_went(digest: Call) -> None:
    done = digest("digest", "list")
    assert (done.status, done.err) == (0, "")
    (line,) = (line for line in done.out.splitlines() if line.startswith("weekly"))
    assert "every Monday at 08:00, Europe/Berlin" in line
    assert "file, atom" in line
    assert "never" in line
    assert "! mailed: email needs a mail server" in done.out
    assert digest("digest", "send", "weekly").status == 0
    assert "✓ sent" in digest("digest", "list").out
    document = digest("digest", "list", "--json").document
    assert [one["id"] for one in document["digests"]] == ["mailed", "weekly"]
    assert document["digests"][1]["last_issue"]["number"] == 1
    assert document["digests"][0]["channels"][0]["to"] == ["jane@example.org"]


def test_a_preview_is_printed_written_or_opened_and_leaves_no_trace(
    digest: Call, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = digest("digest", "preview", "weekly")
    assert text.status == 0
    assert text.out.startswith("Subject: ")
    document = digest("digest", "preview", "weekly", "--json").document
    assert document["document"]["digest"] == "weekly"
    assert document["subject"] in text.out
    assert document["page"] is None
    page = tmp_path / "page.html"
    assert str(page) in digest("digest", "preview", "weekly", "--html", page).out
    assert page.read_text().lower().startswith("<!doctype html")
    assert "cid:" not in page.read_text()
    opened: list[str] = []

    def opens(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", opens)
    assert digest("digest", "preview", "weekly", "--open").status == 0
    assert opened == [(home.home / "cache" / "preview.html").as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    assert "preview.html" in digest("digest", "preview", "weekly", "--open").err
    assert "never sent" in digest("digest", "issues", "weekly").out
    assert not (home.home / "digests").exists()


def test_a_page_goes_to_standard_output_alone(digest: Call, tmp_path: Path) -> None:
    both = digest("digest", "preview", "weekly", "--html", "-", "--json")
    assert (both.status, both.out) == (2, "")
    assert "--html" in both.err
    piped = digest("digest", "preview", "weekly", "--html", "-")
    assert (piped.status, piped.err) == (0, "")
    assert piped.out.lower().startswith("<!doctype html")
    assert piped.out.rstrip().endswith("</html>")
    unwritable = digest("digest", "preview", "weekly", "--html", tmp_path / "no" / "page.html")
    assert (unwritable.status, unwritable.out) == (1, "")
    assert "--html" in unwritable.err


def test_an_issue_is_sent_once_listed_and_shown(digest: Call, home: Home) -> None:
    done = digest("digest", "send", "weekly")
    assert (done.status, done.err) == (0, "")
    assert "weekly no. 1: ✓ sent" in done.out
    assert "channel 0, file: ✓ sent" in done.out
    (page,) = (home.home / "digests" / "weekly").glob("*.html")
    before = page.stat().st_mtime_ns
    again = digest("digest", "send", "weekly", "--json").document
    assert (again["number"], again["status"], again["deliveries"][0]["tries"]) == (1, "sent", 1)
    assert page.stat().st_mtime_ns == before
    assert digest("digest", "send", "weekly", "--again").status == 0
    assert len(list((home.home / "digests" / "weekly").glob("*.html"))) == 2
    listed = digest("digest", "issues", "weekly")
    assert "✓ sent" in listed.out
    assert [one["number"] for one in digest("digest", "issues", "weekly", "--json").document["issues"]] == [1]
    shown = digest("digest", "show", "weekly", 1)
    document = digest("digest", "show", "weekly", 1, "--json").document
    assert document["document"]["headline"] == document["says"]
    assert document["says"] in shown.out
    assert "Subject" not in shown.out
    (kept,) = (home.home / "digests" / "weekly").glob("*Z.json")
    assert json.loads(kept.read_text()) == document["document"]
    copy = home.home / "copy.html"
    assert digest("digest", "show", "weekly", 1, "--html", copy).status == 0
    assert copy.read_bytes() == page.read_bytes()


def test_what_was_not_taken_is_status_1_and_said(digest: Call, home: Home) -> None:
    (home.home / "digests").write_text("in the way")
    done = digest("digest", "send", "weekly")
    assert done.status == 1
    assert "channel 0, file: … waiting" in done.out
    assert "Next try in" in done.out
    assert "channel 1, atom: ✓ sent" in done.out, "other channels are not affected"
    document = digest("digest", "issues", "weekly", "--json").document["issues"][0]
    assert (document["status"], document["deliveries"][0]["state"]) == ("composed", "waiting")
    tested = digest("digest", "test", "weekly", "file")
    assert (tested.status, tested.out) == (1, "")
    assert tested.err.startswith("file: ")
    assert "It may work later." in tested.err
    (home.home / "digests").unlink()
    assert digest("digest", "send", "weekly").status == 0


def test_a_channel_is_proved_by_kind_or_place(digest: Call, home: Home) -> None:
    assert "file: wrote" in digest("digest", "test", "weekly", "file").out
    assert digest("digest", "test", "weekly", "0", "--json").document["kind"] == "file"
    assert digest("digest", "test", "mailed", "2", "--json").document["confirmed"] == ["b"]
    assert (home.home / "digests" / "b" / "mailed").is_dir()
    unready = digest("digest", "test", "mailed", "email")
    assert unready.status == 2
    assert "TRENDMONITOR_SMTP_HOST" in unready.err
    assert "never sent" in digest("digest", "issues", "mailed").out


def test_any_digest_is_paused_and_resumed(digest: Call) -> None:
    assert "weekly is paused." in digest("digest", "pause", "weekly").out
    assert "paused" in digest("digest", "list").out
    resumed = digest("digest", "resume", "weekly", "--json").document
    assert (resumed["paused"], resumed["owner"]) == (False, "config")
    assert resumed["next_run"] is not None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("preview", "weakly"), "weekly"),
        (("send", "weakly"), "weekly"),
        (("issues", "weakly"), "weekly"),
        (("show", "weekly", "7"), "no issue 7"),
        (("show", "weekly", "0"), "NUMBER"),
        (("show", "weekly", "first"), "NUMBER"),
        (("test", "weekly", "email"), "0 (file), 1 (atom)"),
        (("test", "weekly", "2"), "0 (file), 1 (atom)"),
        (("test", "mailed", "file"), "several"),
        (("pause", "weakly"), "weekly"),
        (("nosuch",), "nosuch"),
    ],
)
def test_wrong_use_is_named_and_ends_with_2(digest: Call, arguments: tuple[str, ...], says: str) -> None:
    done = digest("digest", *arguments)
    assert (done.status, done.out) == (2, "")
    assert says in done.err


def test_mistakes_in_the_file_are_named_with_line(digest: Call, home: Home) -> None:
    (home.config / "digests.yaml").write_text(DIGESTS.replace("monday", "mnday"))
    done = digest("digest", "list", "--json")
    assert (done.status, done.out) == (1, "")
    assert "digests.yaml:5:" in done.err
    assert "monday" in done.err


def test_a_scope_that_the_data_do_not_know_is_named(digest: Call, home: Home) -> None:
    scope = "filters: {source: gone}"
    (home.config / "digests.yaml").write_text(DIGESTS.replace("schedule: weekly", f"{scope}\n    schedule: weekly"))
    for command in ("preview", "send"):
        done = digest("digest", command, "weekly")
        assert (done.status, done.out) == (1, "")
        assert "gone" in done.err


def test_missed_runs_and_refusals_are_shown(digest: Call, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    digest("digest", "pause", "weekly")
    made = Services(Settings(home=home.home, config=home.config))
    try:
        made.store.digests.add_issue(NewIssue("weekly", NOW, NOW, NOW, NOW, "The run was missed."))
    finally:
        made.close()
    shown = digest("digest", "show", "weekly", 1)
    assert shown.status == 0
    assert "✕ missed" in shown.out
    assert "The run was missed." in shown.out
    assert digest("digest", "show", "weekly", 1, "--json").document["document"] is None
    page = digest("digest", "show", "weekly", 1, "--html", home.home / "x.html")
    assert (page.status, page.out) == (2, "")
    capsys.readouterr()
    delivery = {"channel": 0, "kind": "email", "state": "partial", "tries": 3, "said": "OK", "next_try": None,
                "refused": [{"to": f"{n}@example.org", "why": "unknown"} for n in range(25)]}  # fmt: skip
    issue = {"digest": "weekly", "number": 2, "status": "partial", "says": "It is so.", "run_at": NOW, "since": NOW,
             "until": NOW, "composed_at": NOW, "deliveries": [delivery]}  # fmt: skip
    show_issue(issue, NOW + timedelta(hours=2))
    told = capsys.readouterr().out
    assert "! sent to some after 3 tries: OK" in told
    assert "19@example.org refused: unknown" in told
    assert "20@example.org" not in told
    assert "and 5 more" in told
    show_issues([issue], "weekly", NOW)
    assert "No. 2, channel 0, email" in capsys.readouterr().out
    show_list([], NOW)
    assert "config/digests.yaml" in capsys.readouterr().out
