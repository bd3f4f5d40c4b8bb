"""Captures through the importer: sources, counts, coverage, refusals, and reject files that are imported again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.captures import envelope
from collectors.reading import UnreadableItemError
from monitor import archive_convert
from monitor.archive import ArchiveError
from monitor.core.metrics import parse_query
from monitor.store import Store
from monitor.trends import Trends
from tests.support.archives import NOW, record, rejects, run_import, stored_posts, write_lines
from tests.support.captures import (
    ACTIVITY,
    INSTAGRAM_LIST,
    LINKEDIN_NEW,
    PINTEREST,
    THREADS,
    TIKTOK,
    X_GRAPH,
    X_NEWEST,
    line,
    merged,
)
from tests.support.posts import make_source
from tests.support.stores import counted_cells, stored_cells

EVERY = [
    line("x.com", X_NEWEST),
    line("linkedin.com", LINKEDIN_NEW),
    line("instagram.com", INSTAGRAM_LIST),
    line("tiktok.com", TIKTOK),
    line("threads.net", THREADS),
    line("pinterest.com", PINTEREST),
]
SOURCES = tuple(sorted(f"capture-{platform}" for platform in envelope.MAPPERS))


def x_post(number: int, **changes: Any) -> dict[str, Any]:
    native = str(1_800_000_000_000_000_000 + number)
    return line("x.com", merged(X_GRAPH, rest_id=native, legacy={"id_str": native} | changes))


def platforms(store: Store) -> dict[str, str]:
    return {one.source.id: one.source.platform for one in store.sources()}


def points(store: Store, since: str, until: str, **filters: list[str]) -> list[tuple[str, Any]]:
    window = {"interval": ["week"], "since": [since], "until": [until]}
    (series,) = Trends(store, clock=lambda: NOW).answer(parse_query(window | filters, now=NOW))["series"]
    return [(point["status"], point["value"]) for point in series["points"]]


def test_captures_of_every_platform_become_posts_of_their_own_sources(store: Store, tmp_path: Path) -> None:
    report = run_import(store, write_lines(tmp_path / "seen.ndjson", EVERY))
    assert (report.read, report.imported, report.rejected, report.sources) == (6, 6, 0, 6)
    assert report.created_sources == SOURCES
    assert platforms(store) == {f"capture-{platform}": platform for platform in envelope.MAPPERS}
    posts = stored_posts(store)
    post = posts["capture-linkedin", f"urn:li:activity:{ACTIVITY}"]
    assert post.engagement.likes == 10
    assert post.author is not None
    assert "organization" not in post.author, "authors are stored as keyed hashes"
    evidence = posts["capture-x", X_NEWEST["rest_id"]].evidence
    assert (evidence["bio_audience"], evidence["followers"]) == (["nurses"], "1k-10k"), "bios and numbers are reduced"
    assert stored_cells(store) == counted_cells(posts.values())
    assert store.claim_due(NOW, limit=10, lease=NOW - datetime(2026, 7, 1, tzinfo=UTC)) == [], "never polled"


def test_twice_changes_nothing_and_the_later_capture_of_a_post_stands(sqlite_store: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "seen.ndjson", [x_post(1), x_post(1, favorite_count=9), x_post(2)])
    run_import(sqlite_store, path)
    version, posts = sqlite_store.data_version(), stored_posts(sqlite_store)
    assert posts["capture-x", "1800000000000000001"].engagement.likes == 9
    run_import(sqlite_store, path)
    assert (sqlite_store.data_version(), stored_posts(sqlite_store)) == (version, posts)


def test_what_was_shown_is_stored_and_nothing_is_held_to_be_observed(store: Store, tmp_path: Path) -> None:
    run_import(store, write_lines(tmp_path / "seen.ndjson", [x_post(n) for n in range(9)]))
    assert store.totals().posts == 9
    assert not store.coverage().get("capture-x")
    weeks = points(store, "2024-06-03", "2024-06-24", source=["capture-x"])
    assert weeks == [("not_observed", None), ("partial", 9), ("not_observed", None)], "no week is a zero, none is whole"
    fixed = points(store, "2024-06-03", "2024-06-24", source=["capture-x"], panel=["fixed"])
    assert [value for status, value in fixed if status != "not_observed"] == [], "a fixed panel leaves them out"


@pytest.mark.parametrize("source", [None, "ward-study"])
def test_an_operator_may_declare_what_was_observed(sqlite_store: Store, tmp_path: Path, source: str | None) -> None:
    held = source or "capture-x"
    header = {"coverage": [{"source": held, "since": "2024-06-03", "until": "2024-06-24"}]}
    path = write_lines(tmp_path / "seen.ndjson", [header, *(x_post(n) for n in range(9))])
    report = run_import(sqlite_store, path, default_source=source)
    assert (report.imported, report.rejected) == (9, 0)
    assert platforms(sqlite_store) == {held: "x"}
    assert points(sqlite_store, "2024-06-03", "2024-06-24", source=[held]) == [("ok", 0), ("ok", 9), ("ok", 0)]


def test_a_declaration_for_a_source_without_any_record_is_kept(sqlite_store: Store, tmp_path: Path) -> None:
    header = {"coverage": [{"source": "capture-x", "since": "2024-06-03", "until": "2024-06-24"}]}
    run_import(sqlite_store, write_lines(tmp_path / "seen.ndjson", [header]), default_source="ward-study")
    assert len(sqlite_store.coverage()["capture-x"]) == 1
    header["coverage"][0]["source"] = "ward-study"
    run_import(sqlite_store, write_lines(tmp_path / "b.ndjson", [header]), default_source="ward-study")
    assert len(sqlite_store.coverage()["ward-study"]) == 1


def test_a_mixed_file_is_read_line_by_line(sqlite_store: Store, tmp_path: Path) -> None:
    mixed = [record(1), EVERY[0], record(2, published_at="2026-02-01"), EVERY[3], record(3, published_at="2026-03-01")]
    report = run_import(sqlite_store, write_lines(tmp_path / "mixed.jsonl", mixed))
    assert (report.imported, report.rejected, report.sources) == (5, 0, 3)
    assert platforms(sqlite_store) == {"wire": "web", "capture-x": "x", "capture-tiktok": "tiktok"}
    coverage = sqlite_store.coverage()
    assert coverage["wire"], "an archive's own records are observed from first to last, as ever"
    assert not coverage.get("capture-x")


def test_records_and_captures_in_one_source_observe_nothing_either(sqlite_store: Store, tmp_path: Path) -> None:
    sqlite_store.add_source(make_source("study", platform="x"), NOW)
    one = [record(n, source="study", published_at=f"2026-02-0{n}") for n in range(1, 9)]
    run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", [*one[:4], x_post(1), *one[4:]]), default_source="study")
    assert sqlite_store.totals().posts == 9
    assert not sqlite_store.coverage().get("study")


def test_an_interrupted_import_goes_on_without_claiming_anything(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_convert, "CHUNK", 10)
    path = write_lines(tmp_path / "seen.ndjson", [x_post(n) for n in range(45)])

    def stop(read: int, share: float) -> None:
        if read >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_import(sqlite_store, path, progress=stop)
    report = run_import(sqlite_store, path)
    assert (report.resumed_at, report.imported, report.created_sources) == (20, 45, ("capture-x",))
    assert not sqlite_store.coverage().get("capture-x")


def test_exported_captures_stay_captures_in_another_database(sqlite_store: Store, tmp_path: Path) -> None:
    run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", [record(n, source="capture-x") for n in range(5)]))
    assert platforms(sqlite_store) == {"capture-x": "x"}
    assert not sqlite_store.coverage().get("capture-x")


def test_beside_an_observed_source_captures_are_no_part_of_the_counts(sqlite_store: Store, tmp_path: Path) -> None:
    header = {"coverage": [{"source": "watched", "since": "2024-06-03", "until": "2024-06-24"}]}
    watched = [record(n, source="watched", published_at=f"2024-06-1{n}") for n in range(6)]
    run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", [header, *watched]))
    run_import(sqlite_store, write_lines(tmp_path / "seen.ndjson", [x_post(n) for n in range(9)]))
    assert points(sqlite_store, "2024-06-03", "2024-06-24") == [("ok", 0), ("ok", 6), ("ok", 0)]
    assert points(sqlite_store, "2024-06-03", "2024-06-24", panel=["fixed"]) == [("ok", 0), ("ok", 6), ("ok", 0)]


@pytest.mark.parametrize("workers", [0, 2])
def test_in_many_chunks_and_zipped_it_is_the_same(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(archive_convert, "CHUNK", 10)
    plain = write_lines(tmp_path / "seen.ndjson", [x_post(n) for n in range(45)] + [record(n) for n in range(20)])
    path = tmp_path / "zipped.ndjson.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    report = run_import(sqlite_store, path, workers=workers)
    assert (report.imported, report.sources) == (65, 2)
    assert platforms(sqlite_store) == {"wire": "web", "capture-x": "x"}
    assert not sqlite_store.coverage().get("capture-x")


def test_a_named_source_takes_the_platform_of_its_captures(sqlite_store: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "seen.ndjson", [line("linkedin.com", LINKEDIN_NEW)])
    run_import(sqlite_store, path, default_source="ward-study")
    assert platforms(sqlite_store) == {"ward-study": "linkedin"}


def test_one_source_holds_one_platform(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sqlite_store.add_source(make_source("feed", platform="web"), NOW)
    path = write_lines(tmp_path / "seen.ndjson", EVERY)
    report = run_import(sqlite_store, path, default_source="feed")
    assert (report.imported, report.rejected) == (0, 6)
    assert "x: the source holds posts of another platform" in next(iter(report.reasons))
    assert run_import(sqlite_store, path, default_source="study").imported == 1, "the first decides"
    monkeypatch.setattr(archive_convert, "CHUNK", 1)
    assert run_import(sqlite_store, path, default_source="other").imported == 1, "in whatever chunk it comes"
    assert platforms(sqlite_store) == {"feed": "web", "study": "x", "other": "x"}


def test_captures_that_do_not_map_are_counted_by_platform_and_kept_whole(sqlite_store: Store, tmp_path: Path) -> None:
    long = merged(LINKEDIN_NEW, commentary=None, ballast="b" * 50_000)
    wrong = [
        line("gab.com", {}), line("bilibili.com", {}), line("tiktok-comments", {"cid": "1"}),
        line("x.com", merged(X_GRAPH, legacy={"retweeted_status_result": {"result": {}}})),
        line("tiktok.com", TIKTOK | {"createTime": 4_102_444_800}), line("linkedin.com", long),
        line("tiktok.com", merged(TIKTOK, stats={"playCount": 10**15})),
    ]  # fmt: skip
    report = run_import(sqlite_store, write_lines(tmp_path / "seen.ndjson", [*wrong, EVERY[0]]))
    assert (report.read, report.imported, report.rejected) == (8, 1, 7)
    assert report.reasons["linkedin: no words"] == 1
    assert report.reasons["x: repost without own words"] == 1
    assert report.reasons["tiktok: published_at lies in the future"] == 1
    assert report.reasons["tiktok: a count is above 1000000000000"] == 1
    assert [count for why, count in report.reasons.items() if "cannot be mapped" in why] == [2]
    kept = rejects(report)
    assert "gab.com" in kept[0]["reason"]
    assert json.loads(kept[5]["raw"]) == wrong[5]


def test_a_reject_file_is_imported_again_with_newer_rules(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_old(data: Mapping[str, Any], seen: datetime | None) -> Any:
        raise UnreadableItemError("no rule yet")

    rules = envelope.MAPPERS
    monkeypatch.setattr(envelope, "MAPPERS", {**rules, "linkedin": too_old})
    padded = line("linkedin.com", LINKEDIN_NEW | {"ballast": "b" * 50_000})
    path = write_lines(
        tmp_path / "seen.ndjson", [padded, EVERY[0], line("tiktok.com", TIKTOK | {"desc": ""}), "no json"]
    )
    first = run_import(store, path)
    assert (first.imported, first.rejected, first.reasons["linkedin: no rule yet"]) == (1, 3, 1)
    assert first.reject_file is not None

    monkeypatch.setattr(envelope, "MAPPERS", rules)
    second = run_import(store, Path(first.reject_file))
    assert (second.read, second.imported, second.rejected) == (3, 1, 2)
    assert ("capture-linkedin", f"urn:li:activity:{ACTIVITY}") in stored_posts(store)
    assert Path(first.reject_file).exists()
    assert second.reject_file != first.reject_file

    assert second.reject_file is not None
    third = run_import(store, Path(second.reject_file))
    assert (third.imported, third.rejected) == (0, 2)
    assert [one["raw"] for one in rejects(third)] == [one["raw"] for one in rejects(second)], "nothing nests deeper"


def test_rejected_rows_of_any_archive_can_be_imported_again(sqlite_store: Store, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("id,published_at,title\na,2026-01-02,One\nb,2026-01-03,Two\n")
    first = run_import(sqlite_store, table)
    assert first.rejected == 2, "they name no source"
    assert first.reject_file is not None
    assert run_import(sqlite_store, Path(first.reject_file), default_source="wire").imported == 2
    assert stored_posts(sqlite_store)["wire", "b"].title == "Two"


def test_a_record_too_long_to_be_kept_says_so_when_it_comes_again(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_convert, "WHOLE", 5_000)
    path = write_lines(tmp_path / "seen.ndjson", [line("gab.com", {"ballast": "ü" * 10_000})])
    first = run_import(sqlite_store, path)
    assert first.reject_file is not None
    again = run_import(sqlite_store, Path(first.reject_file))
    assert (again.rejected, *again.reasons) == (
        1, "rejected before, and too long to have been kept whole: import its own file again",
    )  # fmt: skip


def test_a_record_with_three_fields_of_these_names_and_more_is_no_reject(sqlite_store: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [record(1, record=1, reason="r", raw="{}")])
    assert run_import(sqlite_store, path).imported == 1


def test_long_captures_are_cut_and_say_so(sqlite_store: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "seen.ndjson", [line("tiktok.com", TIKTOK | {"desc": "nurse " * 5_000})])
    run_import(sqlite_store, path)
    (post,) = stored_posts(sqlite_store).values()
    assert (len(post.text) <= 20_000, post.repairs) == (True, ("text cut to 20000 characters",))


def test_characters_that_no_database_holds_are_left_out(store: Store, tmp_path: Path) -> None:
    odd = [
        line("tiktok.com", TIKTOK | {"id": "74\x00", "desc": "Flu\x00 shots", "challenges": [{"title": "fl\x00u"}]}),
        line("instagram.com", INSTAGRAM_LIST | {"code": "C\x001", "location": {"name": "Ward\x00 9"}}),
        line("tiktok.com", TIKTOK | {"id": "\x00"}),
        line("x.com", merged(X_GRAPH, legacy={"id_str": "1\x00"})),
    ]
    report = run_import(store, write_lines(tmp_path / "seen.ndjson", odd))
    assert sorted(report.reasons) == ["tiktok: id is empty or longer than 512 characters", "x: id is not a number"]
    posts = stored_posts(store)
    assert posts["capture-tiktok", "74"].text == "Flu shots"
    assert posts["capture-instagram", "C1"].evidence["location"] == "Ward 9"


def test_an_archive_that_is_no_capture_is_read_as_ever(sqlite_store: Store, tmp_path: Path) -> None:
    own = record(1, source_platform="x.com", data={"id": "2"})
    report = run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", [own, record(2, published_at=None)]))
    assert (report.imported, dict(report.reasons)) == (1, {"published_at is missing": 1})
    assert sqlite_store.coverage()["wire"]


def test_a_source_name_that_is_no_id_refuses_the_file(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is not an id"):
        run_import(sqlite_store, write_lines(tmp_path / "seen.ndjson", EVERY), default_source="Ward Study")
