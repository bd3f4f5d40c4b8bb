"""trends, posts, platforms, export, doctor, keys: answers and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call, Home

LINES = [
    {"coverage": [{"source": "wire", "since": "2026-06-01", "until": "2026-07-06"}]},
    *(
        {
            "source": "wire",
            "id": f"p{day}",
            "published_at": f"2026-06-{day:02d}T10:00:00Z",
            "title": f"Ward report {day}",
            "text": "Ask jane@ward.example about telehealth.",
            "content_type": "video" if day % 2 else "news",
            "country": "DE" if day % 3 else "US",
            "engagement": {"views": 1000 * day, "likes": day},
        }
        for day in range(1, 29)
    ),
]


@pytest.fixture
def filled(tm: Call, tmp_path: Path) -> Call:
    path = tmp_path / "wire.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    assert tm("import", path).status == 0
    return tm


def test_trends_as_one_document(filled: Call) -> None:
    window = ("--since", "2026-06-01", "--until", "2026-06-29")
    done = filled("trends", "--metric", "share", "--by", "content_type", "--interval", "week", *window, "--json")
    assert (done.status, done.err) == (0, "")
    video = next(series for series in done.document["series"] if series["key"] == "video")
    assert [point["status"] for point in video["points"]] == ["ok"] * 4
    assert sum(point["n"] for point in video["points"]) == 14
    assert filled(*done.document["reproduce"].split()[1:], "--json").document["series"] == done.document["series"]


def test_trends_for_people_fit_a_terminal(filled: Call) -> None:
    done = filled(
        "trends", "--metric", "share", "--by", "content_type", "--since", "2026-06-01", "--until", "2026-07-13"
    )
    assert done.status == 0
    assert "42.9 %" in done.out, "3 of 7 in the last week that was observed"
    assert "·" in done.out, "the week that was not observed is a gap"
    table = [line for line in done.out.splitlines() if line.startswith(("Video", "News", "content_type"))]
    assert table
    assert max(map(len, table)) <= 110


def test_regions_are_countries(filled: Call) -> None:
    done = filled("posts", "--json", "--limit", 500, "--filter", "region=europe")
    assert {post["country"] for post in done.document["posts"]} == {"DE"}
    assert len(done.document["posts"]) == 19
    assert filled("posts", "--json", "-f", "region=europe", "-f", "country=US").document["posts"] == []


def test_pages_of_posts_lead_on_and_hold_nothing_private(filled: Call) -> None:
    first = filled("posts", "--json", "--limit", 20, "--q", "telehealth")
    assert "jane@" not in first.out
    second = filled("posts", "--json", "--limit", 20, "--q", "telehealth", "--cursor", first.document["next"])
    ids = [post["id"] for page in (first, second) for post in page.document["posts"]]
    assert sorted(ids) == sorted(f"p{day}" for day in range(1, 29))
    assert second.document["next"] is None
    shown = filled("posts", "--limit", 1, "--order", "engagement")
    assert "Ward report 28" in shown.out
    assert "More: --cursor" in shown.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trends", "--metric", "volum"), "volume"),
        (("trends", "--by", "contnt"), "content_type"),
        (("trends", "--interval", "year"), "month"),
        (("trends", "--since", "2026-07-01", "--until", "2026-06-01"), "until"),
        (("trends", "--since", "yesterday"), "2026-01-31"),
        (("trends", "--filter", "regoin=europe"), "region"),
        (("trends", "--filter", "europe"), "dimension=value"),
        (("trends", "--filter", "region=mars"), "europe"),
        (("trends", "--limit", "0"), "limit"),
        (("trends", "--filter", "topic=nosuch"), "nosuch"),
        (("posts", "--order", "best"), "relevance"),
        (("posts", "--limit", "501"), "500"),
        (("posts", "--limit", "many"), "--limit"),
        (("posts", "--cursor", "abc"), "cursor"),
        (("posts", "--filter", "since=2026-01-01"), "since"),
        (("posts", "--q", "x" * 501), "500"),
        (("export", "posts.txt"), ".jsonl"),
        (("export", "-", "--json"), "standard output"),
        (("keys", "create", "--scope", "admin"), "admin"),
        (("keys", "revoke", "x"), "integer"),
        (("nosuch",), "nosuch"),
        (("trends", "--nosuch"), "nosuch"),
        (("sources", "list", "--status", "sick"), "sick"),
        (("import", "nosuch.jsonl"), "nosuch.jsonl"),
        (("sources", "export-opml", "--json"), "standard output"),
    ],
)
def test_wrong_use_is_named_and_ends_with_2(tm: Call, arguments: tuple[str, ...], says: str) -> None:
    done = tm(*arguments)
    assert done.status == 2
    assert says in done.err
    assert done.out == "", "nothing on standard output"


def test_platforms_and_their_sources(filled: Call) -> None:
    document = filled("platforms", "--json").document
    assert [(one["id"], one["sources"]) for one in document] == [("web", 1), ("youtube", 0)]
    assert "Private videos." in filled("platforms").out


def test_doctor_ends_with_0_or_1(tm: Call, home: Home) -> None:
    done = tm("doctor", "--json")
    assert done.status == (1 if any(one["level"] == "problem" for one in done.document) else 0)
    (home.config / "sources.yaml").write_text("sources: [{id: x}]\n")
    broken = tm("doctor", "--json")
    assert broken.status == 1
    assert "sources.yaml" in broken.out


def test_keys_are_shown_once(tm: Call) -> None:
    made = tm("keys", "create", "--scope", "read", "--name", "grafana", "--json").document
    listed = tm("keys", "list", "--json")
    assert made["key"] not in listed.out
    assert [(one["name"], one["scope"], one["revoked"]) for one in listed.document] == [("grafana", "read", False)]
    assert tm("keys", "revoke", listed.document[0]["id"]).status == 0
    assert tm("keys", "list", "--json").document[0]["revoked"] is True
    assert tm("keys", "revoke", 99).status == 1


def test_configuration_errors_come_all_at_once_with_file_and_line(tm: Call, home: Home) -> None:
    (home.config / "sources.yaml").write_text("sources:\n  - {id: A B, collector: nosuch, url: x}\n  - {id: y}\n")
    for command in (("apply", "--json"), ("collect", "--json"), ("platforms",)):
        done = tm(*command)
        assert done.status == 1
        assert done.out == ""
        assert done.err.count("sources.yaml:") >= 3


def test_a_bad_variable_is_named(tm: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRENDMONITOR_PORT", "eighty")
    monkeypatch.setenv("TRENDMONITOR_DATABASE_URL", "mysql://user:secret@host/db")
    done = tm("sources", "list")
    assert (done.status, done.out) == (1, "")
    assert "TRENDMONITOR_PORT" in done.err
    assert "TRENDMONITOR_DATABASE_URL" in done.err
    assert "secret" not in done.err


def test_an_unreachable_database_is_one_message_without_the_password(tm: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRENDMONITOR_DATABASE_URL", "postgresql://user:secret@127.0.0.1:9/nothing")
    done = tm("sources", "list", "--json")
    assert (done.status, done.out) == (1, "")
    assert "127.0.0.1" in done.err
    assert "secret" not in done.err
    assert "Traceback" not in done.err
