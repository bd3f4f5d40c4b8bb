"""Files of every kind and state: what is read, what is refused as a whole, what is refused record by record."""

from __future__ import annotations

import gzip
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.archive_files import (
    FORMULA,
    LONGEST_LINE,
    Archive,
    ArchiveError,
    Unreadable,
    decode_line,
    guarded,
    open_archive,
    unguarded,
)
from monitor.archive_lines import read_record
from tests.support.archives import NOW, record, write_lines

GOOD = b'{"id":"1","published_at":"2026-01-02","title":"Ward"}'


def read(path: Path) -> tuple[Archive, list[Any]]:
    archive = open_archive(path)
    return archive, list(archive.records)


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_json_lines_with_and_without_header(tmp_path: Path) -> None:
    header = b'{"coverage": [{"source": "a", "since": "2026-01-01", "until": "2026-02-01"}]}'
    archive, records = read(write(tmp_path, "a.jsonl", b"\xef\xbb\xbf" + header + b"\n" + GOOD + b"\n\n" + GOOD))
    assert archive.coverage == [{"source": "a", "since": "2026-01-01", "until": "2026-02-01"}]
    assert [number for number, _ in records] == [2, 4], "lines keep their numbers, empty ones are no records"
    assert archive.share() == 1.0
    archive, records = read(write(tmp_path, "b.jsonl", b"\xef\xbb\xbf" + GOOD))
    assert (archive.coverage, records) == (None, [(1, GOOD)])


def test_the_first_bytes_decide_where_the_name_does_not(tmp_path: Path) -> None:
    assert len(read(write(tmp_path, "posts", GOOD))[1]) == 1
    assert len(read(write(tmp_path, "posts.txt", b"id,title,published_at\n1,Ward,2026-01-01\n"))[1]) == 1
    table = pa.table({"id": ["1"], "title": ["Ward"], "published_at": ["2026-01-01"]})
    pq.write_table(table, tmp_path / "posts.bin")
    assert len(read(tmp_path / "posts.bin")[1]) == 1


def test_gzip_is_read_like_its_content(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.jsonl.gz", gzip.compress(GOOD + b"\n", mtime=0)))[1] == [(1, GOOD + b"\n")]
    packed = gzip.compress(b"id,title,published_at\n1,Ward,2026-01-01\n", mtime=0)
    assert read(write(tmp_path, "b.csv.gz", packed))[1] == [
        (1, {"id": "1", "title": "Ward", "published_at": "2026-01-01"})
    ]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.jsonl", b"", "empty"),
        ("a.jsonl", b" \n", "white space"),
        ("a.zip", b"PK\x03\x04rest", "ZIP"),
        ("a.jsonl", b"PK\x03\x04rest", "ZIP"),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfdrest", "unzstd"),
        ("a.jsonl", GOOD.decode().encode("utf-16"), "UTF-16"),
        ("a.json", b'[{"id": "1"}]', "one record a line"),
        ("a", b"\x7fELF\x02\x01\x01", "neither its name"),
        ("a.jsonl.gz", gzip.compress(GOOD * 500, mtime=0)[:30], "unpacked"),
        ("a.parquet", b"not parquet", "Parquet"),
        ("a.parquet", b"PAR1" + b"\0" * 50, "Parquet"),
        ("a.csv", b"name,when\nx,y\n", "id and published_at"),
        ("a.csv", b"id,published_at\n1,2026-01-01\n", "title or text"),
        ("a.csv", b"id,published_at,title,title\n1,2026-01-01,a,b\n", "more than one column title"),
        ("a.csv", b'"' + b"x" * (LONGEST_LINE + 5), "names of columns"),
        ("db.jsonl", b"SQLite format 3\0", "SQLite"),
    ],
)  # fmt: skip
def test_a_file_that_is_something_else_is_refused_by_name(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    with pytest.raises(ArchiveError, match=says) as refused:
        read(write(tmp_path, name, data))
    assert name in str(refused.value)


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="folder"):
        open_archive(tmp_path)
    with pytest.raises(ArchiveError, match="No such file"):
        open_archive(tmp_path / "nosuch.jsonl")


def test_a_line_without_end_costs_no_memory_and_only_itself(tmp_path: Path) -> None:
    long = b'{"id": "' + b"x" * (5 * 2**20) + b'"}'
    _, records = read(write(tmp_path, "a.jsonl", GOOD + b"\n" + long + b"\n" + GOOD + b"\n"))
    assert [number for number, _ in records] == [1, 2, 3]
    assert isinstance(records[1][1], Unreadable)
    assert len(records[1][1].sample) <= 200
    rows = b"id,published_at,title\n1,2026-01-01,a\n2,2026-01-01," + b"x" * (5 * 2**20) + b"\n3,2026-01-01,c\n"
    _, records = read(write(tmp_path, "a.csv", rows))
    assert [row["id"] if isinstance(row, dict) else row.reason[:20] for _, row in records] == [
        "1",
        "the line is longer t",
        "3",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\x00\x01\x02\xff", "not UTF-8"),
        (b"\x00\x01\x02", "not JSON"),
        (b"{" * 100_000, "not JSON"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"title": "caf\xe9"}', "not UTF-8"),
        (b'{"title": "\\ud800"}', "not JSON"),
    ],
)
def test_lines_that_are_no_records(line: bytes, reason: str) -> None:
    found = decode_line(line)
    assert isinstance(found, Unreadable)
    assert found.reason.startswith(reason)
    assert len(found.sample) <= 2_000


def test_csv_quotes_lines_short_rows_and_long_rows(tmp_path: Path) -> None:
    rows = (
        b"\xef\xbb\xbf ID ,Published_At,title,topics,colour\n"
        b'1,2026-01-01,"two\nlines, and ""quotes""",ai;privacy,red\n'
        b"2,2026-01-01\n"
        b"3,2026-01-01,c,,,\n"
        b"4,2026-01-01,d,,,extra\n"
        b"\n"
        b"5,2026-01-01,caf\xe9\n"
        b"6,2026-01-01,nul\x00here\n"
        b'7,2026-01-01,"never closed'
    )
    archive, records = read(write(tmp_path, "a.csv", rows))
    assert archive.ignored == ("colour",)
    found = dict(records)
    assert found[1] == {
        "id": "1",
        "published_at": "2026-01-01",
        "title": 'two\nlines, and "quotes"',
        "topics": "ai;privacy",
        "colour": "red",
    }
    assert found[2] == {"id": "2", "published_at": "2026-01-01"}
    assert found[3]["title"] == "c"
    assert "more fields" in found[4].reason
    assert found[6].reason == "not UTF-8"
    assert read_record(found[7], now=NOW).title == "nulhere"
    assert found[8]["title"] == "never closed"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_separator_is_told_by_the_first_line(tmp_path: Path, mark: str) -> None:
    text = f"id{mark}published_at{mark}title\n1{mark}2026-01-01{mark}Ward\n"
    name = "a.tsv" if mark == "\t" else "a.csv"
    assert read(write(tmp_path, name, text.encode()))[1][0][1]["title"] == "Ward"


def test_parquet_with_the_types_that_data_frames_write(tmp_path: Path) -> None:
    nan = float("nan")
    table = pa.table(
        {
            "id": pa.array([1, 2, 3, 4]),
            "published_at": pa.array(
                [1_767_225_600_000_000_123 + n for n in range(4)], pa.timestamp("ns", "Europe/Zurich")
            ),
            "title": pa.array(["a", "b", None, "d"]).dictionary_encode(),
            "text": pa.array(["x", None, None, "y"], pa.large_string()),
            "audience": pa.array([["nurses"], [], None, ["physicians", "nurses"]]),
            "topics": pa.array([["ai"], [], None, ["ai"]], pa.large_list(pa.string())),
            "views": pa.array([1.0, nan, None, 4.0]),
            "engagement": pa.array([{"likes": 1}, {"likes": None}, None, {"likes": 4}]),
            "live": pa.array([True, None, False, None]),
            "country": pa.array(["CH", None, "DE", ""]),
            "embedding": pa.array([[0.1], [0.2], [0.3], [0.4]]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    archive, records = read(tmp_path / "a.parquet")
    assert archive.ignored == ("embedding",)
    items = [read_record(row, now=NOW) for number, row in records if number != 3]
    assert [item.id for item in items] == ["1", "2", "4"]
    assert items[0].published_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert (items[0].audience, items[0].topics, items[0].live) == (("nurses",), ("ai",), "live")
    assert (items[1].audience, items[1].topics) == (None, ())
    assert [item.engagement.views for item in items] == [1, None, 4]
    assert [item.engagement.likes for item in items] == [1, None, 4]
    with pytest.raises(ValueError, match="title and text"):
        read_record(records[2][1], now=NOW)


def test_parquet_dates_naive_times_decimals_and_absurd_times(tmp_path: Path) -> None:
    for name, column, fits in (
        ("date", pa.array([date(2026, 1, 1)]), True),
        ("naive", pa.array([datetime(2026, 1, 1)], pa.timestamp("s")), True),  # noqa: DTZ001 - a naive time is the point
        ("text", pa.array(["2026-01-01T00:00:00"]), True),
        ("absurd", pa.array([2**62], pa.timestamp("us")), False),
        ("decimal", pa.array([Decimal("20260101")]), False),
        ("bytes", pa.array([b"2026-01-01"]), False),
    ):
        pq.write_table(pa.table({"id": ["1"], "title": ["a"], "published_at": column}), tmp_path / f"{name}.parquet")
        ((_, row),) = read(tmp_path / f"{name}.parquet")[1]
        if fits:
            assert read_record(row, now=NOW).published_at == datetime(2026, 1, 1, tzinfo=UTC), name
        elif not isinstance(row, Unreadable):
            with pytest.raises(ValueError, match="published_at"):
                read_record(row, now=NOW)


def test_a_file_cut_off_gives_what_comes_before(tmp_path: Path) -> None:
    lines = b"".join(b'{"id":"%d","published_at":"2026-01-02","title":"Ward %d"}\n' % (n, n * n) for n in range(20_000))
    archive = open_archive(write(tmp_path, "a.jsonl.gz", gzip.compress(lines, mtime=0)[:-5_000]))
    seen: list[Any] = []
    with pytest.raises(ArchiveError, match="beyond line"):
        seen.extend(archive.records)
    assert len(seen) > 1_000


@given(st.text(st.sampled_from("'=+-@\t\ra1 "), max_size=8))
def test_guarding_against_formulas_is_reversible_and_complete(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(FORMULA)


@given(st.binary(max_size=300), st.sampled_from(["a.jsonl", "a.csv", "a.tsv", "a", "a.parquet", "a.jsonl.gz"]))
def test_any_bytes_are_records_or_one_named_refusal(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            _, records = read(write(Path(folder), name, data))
        except ArchiveError:
            return
        for number, raw in records:
            assert number >= 1
            if isinstance(raw, bytes):
                decode_line(raw)


def test_records_of_a_thousand_lines_come_in_order(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", (record(n) for n in range(1_000)))
    archive = open_archive(path)
    assert [number for number, _ in archive.records] == list(range(1, 1_001))
