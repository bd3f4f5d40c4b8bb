"""label add, list and export: what people said of tags, for people and for programs."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Call, Home
from tests.support.archives import record, write_lines


@pytest.fixture
def filled(tm: Call, home: Home) -> Call:
    write_lines(home.home.parent / "a.jsonl", [record(0), record(1)])
    tm("import", str(home.home.parent / "a.jsonl"))
    return tm


def test_a_label_is_given_listed_and_taken_along(filled: Call, home: Home) -> None:
    done = filled("label", "add", "wire", "p0", "topics", "telehealth", "--by", "Ann", "--note", "it says so")
    assert (done.status, done.out.strip()) == (0, "topics is telehealth, as Ann says.")
    assert filled("label", "add", "wire", "p0", "country", "DE", "--by", "Ann").status == 0
    assert filled("label", "add", "wire", "p0", "country", "FR", "--by", "Ann", "--json").document["value"] == "FR"
    listed = filled("label", "list")
    assert "telehealth" in listed.out
    assert "DE" not in listed.out
    rows = filled("label", "list", "--json").document["labels"]
    assert [(row["dimension"], row["value"]) for row in rows] == [("topics", ["telehealth"]), ("country", "FR")]
    assert len(filled("label", "list", "--all", "--json").document["labels"]) == 3
    file = home.home.parent / "labels.jsonl"
    assert filled("label", "export", str(file)).out.strip().startswith("2 labels written to")
    (first, second) = (json.loads(line) for line in file.read_text().splitlines())
    assert first["text"].startswith("Nurses talk about telehealth")
    assert (second["value"], second["was"], second["annotator"], second["stands"]) == ("FR", None, "Ann", True)
    assert filled("posts", "--filter", "country=FR", "--json").document["posts"][0]["id"] == "p0"


def test_wrong_use_is_named_and_ends_with_2(filled: Call) -> None:
    for arguments, says in (
        (("wire", "p0", "mood", "x", "--by", "A"), "no tag 'mood'"),
        (("wire", "p0", "country", "DE"), "name or initials"),
        (("wire", "nothing", "country", "DE", "--by", "A"), "no post"),
    ):
        done = filled("label", "add", *arguments)
        assert done.status == 2
        assert says in done.err
        assert done.out == ""


def test_nothing_said_yet_is_said_so(tm: Call) -> None:
    assert "No labels yet" in tm("label", "list").out
    assert tm("label", "list", "--json").document == {"labels": []}
