"""import, demo, retag, apply: reports, refusals and notes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import TOPIC, Call, Home
from tests.support.archives import record, write_lines


def test_an_import_is_reported(tm: Call, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [record(1), record(2, country="UK"), record(3)])
    done = tm("import", path, "--json")
    assert (done.status, done.err) == (0, "")
    report = done.document
    assert (report["read"], report["imported"], report["rejected"], report["created_sources"]) == (3, 2, 1, ["wire"])
    assert json.loads(Path(report["reject_file"]).read_text())["record"] == 2
    shown = tm("import", path).out
    assert "2 of 3 records imported from 1 source" in shown
    assert "did you mean GB?" in shown


def test_several_files_are_a_list_and_a_useless_one_a_failure(tm: Call, tmp_path: Path) -> None:
    good = write_lines(tmp_path / "a.jsonl", [record(1)])
    junk = write_lines(tmp_path / "b.jsonl", ["no json", "neither"])
    done = tm("import", good, junk, "--json")
    assert done.status == 1
    assert [one["imported"] for one in done.document] == [1, 0]
    (tmp_path / "empty.csv").write_text("")
    for wrong in (tmp_path / "empty.csv", tmp_path):
        refused = tm("import", wrong, "--json")
        assert (refused.status, refused.out) == (1, "")
        assert wrong.name in refused.err
    assert tm("import", good, "--source", "Not A Slug").status == 1


def test_rows_without_a_source_name_the_option(tm: Call, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,published_at,title,colour\n1,2026-01-01,Ward,red\n")
    done = tm("import", path)
    assert done.status == 1
    assert "--source ID" in done.out
    done = tm("import", path, "--source", "ward")
    assert done.status == 0
    assert "colour" in done.out


def test_an_edited_word_list_is_told_by_apply_and_taken_up_by_retag(tm: Call, home: Home, tmp_path: Path) -> None:
    tm("import", write_lines(tmp_path / "a.jsonl", [record(n) for n in range(5)]))
    assert tm("apply", "--json").document["notes"] == []
    (home.config / "taxonomy" / "telehealth.yaml").write_text(TOPIC.replace("telemedicine", "zebra"))
    assert "retag --all" in tm("apply", "--json").document["notes"][0]
    assert "retag --all" in tm("apply").out
    assert tm("retag", "--json").document == {"retagged": 0, "changed": 0}
    assert tm("retag", "--all", "--json").document["retagged"] == 5
    assert tm("apply", "--json").document["notes"] == []


def test_generated_and_real_posts_are_never_mixed(tm: Call, home: Home, tmp_path: Path, site: str) -> None:
    path = write_lines(tmp_path / "a.jsonl", [record(1)])
    assert tm("import", path).status == 0
    refused = tm("demo", "--json")
    assert (refused.status, refused.out) == (1, "")
    assert "not empty" in refused.err
    from monitor.store import Store

    store = Store.open(f"sqlite:///{home.home / 'trendmonitor.db'}")
    store.set_meta("generated", "true")
    store.close()
    for command in (("collect",), ("import", path), ("apply",), ("sources", "add", f"{site}/ward-news.xml")):
        done = tm(*command, "--json")
        assert (done.status, done.out) == (1, ""), command
        assert "generated" in done.err
    assert tm("trends", "--json").document["generated"] is True
