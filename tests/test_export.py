"""What goes out comes back in, in every format; authors do not go out, and cells of CSV are not formulas."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.archive_export import export_posts, stream_posts
from monitor.core.model import Post
from monitor.store import PostQuery, Store
from tests.support.archives import record, run_import, stored_posts, write_lines

OLDEST = datetime(2020, 6, 1, tzinfo=UTC)
FORMATS = (".jsonl", ".csv", ".parquet")
words = st.lists(
    st.sampled_from(["telehealth", "=1+1", "@ward", "nurses;", '"quoted"', "two\nlines", "Grippe", "café", "-5", "'tis", "live", "[x]", "a,b", "\u2028"]),
    min_size=1,
    max_size=12,
).map(" ".join)  # fmt: skip
counts = st.none() | st.integers(0, 10**9)
moments = st.integers(0, 6 * 365 * 86_400 * 1_000).map(lambda n: (OLDEST + timedelta(milliseconds=n)).isoformat())
posts = st.fixed_dictionaries(
    {"title": words, "text": words, "published_at": moments},
    optional={
        "url": st.just("https://ward.example/?a=1,2"),
        "author": st.just("Jane Doe"),
        "language": st.sampled_from(["en", "de", "fr"]),
        "country": st.sampled_from(["CH", "US"]),
        "content_type": st.sampled_from(["video", "podcast", "news", "other"]),
        "audience": st.lists(st.sampled_from(["nurses", "physicians", "other"]), min_size=1, unique=True),
        "topics": st.lists(st.sampled_from(["ai", "telehealth", "privacy"]), unique=True),
        "live": st.booleans(),
        "sponsored": st.booleans(),
        "duration": st.floats(0.5, 5_000),
        "guests": st.integers(0, 9),
        "engagement": st.fixed_dictionaries({}, optional=dict.fromkeys(("views", "likes", "comments", "shares"), counts)),
    },
)  # fmt: skip


def comparable(post: Post) -> Post:
    """Without what an export leaves out or the import does itself."""
    tags = replace(post.annotation, reasons={}, subtype=None)
    return replace(post, author=None, evidence={}, annotation=tags, repairs=())


def opened(folder: str, name: str, template: Path) -> Store:
    path = Path(folder) / name
    path.write_bytes(template.read_bytes())
    return Store.open(f"sqlite:///{path}")


@settings(max_examples=25)
@given(made=st.lists(posts, min_size=1, max_size=5), ending=st.sampled_from(FORMATS))
def test_export_and_import_again_is_the_same(sqlite_template: Path, made: list[dict[str, Any]], ending: str) -> None:
    records = [
        {"source": f"s{number % 2}", "id": ("=" if number else "-") + str(number), **one}
        for number, one in enumerate(made)
    ]
    with tempfile.TemporaryDirectory() as folder:
        first, second = opened(folder, "first.db", sqlite_template), opened(folder, "second.db", sqlite_template)
        run_import(first, write_lines(Path(folder) / "in.jsonl", records))
        file = Path(folder) / f"out{ending}"
        assert export_posts(first, file, PostQuery()) == len(records)
        assert "Jane" not in file.read_bytes().decode("latin-1")
        report = run_import(second, file)
        assert (report.imported, report.rejected, report.ignored_columns) == (len(records), 0, ())
        before, after = stored_posts(first), stored_posts(second)
        assert {key: comparable(post) for key, post in after.items()} == {
            key: comparable(post) for key, post in before.items()
        }
        first.close()
        second.close()


def test_filters_hold_and_pages_are_all_there(sqlite_store: Store, tmp_path: Path) -> None:
    run_import(
        sqlite_store,
        write_lines(tmp_path / "a.jsonl", (record(n, country="CH" if n % 2 else "US") for n in range(1_203))),
    )
    assert export_posts(sqlite_store, tmp_path / "all.jsonl", PostQuery()) == 1_203
    assert len({json.loads(line)["id"] for line in (tmp_path / "all.jsonl").read_text().splitlines()}) == 1_203
    out = io.BytesIO()
    assert stream_posts(sqlite_store, out, PostQuery(filters={"country": ("CH",)})) == 601
    assert {json.loads(line)["country"] for line in out.getvalue().splitlines()} == {"CH"}


def test_cells_of_a_csv_file_are_not_formulas_and_addresses_are_masked(sqlite_store: Store, tmp_path: Path) -> None:
    titles = ["=HYPERLINK(1)", "+1", "-1", "@sum", "'=x", "plain", "Write to jane@ward.example"]
    run_import(
        sqlite_store, write_lines(tmp_path / "a.jsonl", (record(n, title=title) for n, title in enumerate(titles)))
    )
    export_posts(sqlite_store, tmp_path / "a.csv", PostQuery())
    rows = list(csv.DictReader((tmp_path / "a.csv").open(newline="")))
    assert sorted(row["title"] for row in rows) == sorted(
        ["'=HYPERLINK(1)", "'+1", "'-1", "'@sum", "''=x", "plain", "Write to [email]"]
    )
    assert not any(cell[:1] in tuple("=+-@") for row in rows for name, cell in row.items() if name != "sentiment")


@pytest.mark.parametrize("ending", FORMATS)
def test_an_empty_result_is_an_empty_archive(sqlite_store: Store, tmp_path: Path, ending: str) -> None:
    assert export_posts(sqlite_store, tmp_path / f"none{ending}", PostQuery()) == 0
    assert (tmp_path / f"none{ending}").exists()


def test_a_failed_export_leaves_neither_half_a_file_nor_the_old_one_changed(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_import(sqlite_store, write_lines(tmp_path / "a.jsonl", (record(n) for n in range(3))))
    file = tmp_path / "out.jsonl"
    file.write_text("old")

    def broken(_: Post) -> dict[str, Any]:
        raise OSError("no space left")

    monkeypatch.setattr("monitor.archive_export._row", broken)
    with pytest.raises(OSError, match="no space"):
        export_posts(sqlite_store, file, PostQuery())
    assert file.read_text() == "old"
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.jsonl"]
    with pytest.raises(ValueError, match="jsonl"):
        export_posts(sqlite_store, tmp_path / "out.txt", PostQuery())
