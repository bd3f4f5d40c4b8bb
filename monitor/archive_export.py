"""Posts out, as archives that `import` reads back.

Authors and their hashes are left out, e-mail addresses and phone numbers masked. Every row is one public post and no
row counts people, so no group is too small to be shown.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from monitor.archive_files import guarded
from monitor.core.mask import mask
from monitor.core.model import Post
from monitor.store import PostQuery, Store

BATCH = 500
ROW_GROUP = 5_000
"""Rows of a Parquet file that are held before they are written."""
COLUMNS = (
    "source", "id", "url", "title", "text", "published_at", "language", "country", "content_type", "audience", "topics",
    "live", "sponsored", "duration", "guests", "views", "likes", "comments", "shares", "sentiment",
)  # fmt: skip
COUNTS = ("views", "likes", "comments", "shares")
GUARDED = ("id", "url", "title", "text")
"""Columns of CSV files that hold the words of others."""


def export_posts(store: Store, path: Path, query: PostQuery) -> int:
    """Write the posts of `query` (its order, all pages) and return how many. A file that stands under its name is whole.

    Raises ValueError for a name that does not end in .jsonl, .csv or .parquet.
    """
    writers: dict[str, Callable[[Path, Iterator[dict[str, Any]]], int]] = {
        ".jsonl": _jsonl,
        ".csv": _csv,
        ".parquet": _parquet,
    }
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise ValueError(f"{path.name}: the name must end in {', '.join(writers)}")
    partial = path.with_name(path.name + ".partial")
    try:
        count = writer(partial, _rows(store, query))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def stream_posts(store: Store, out: BinaryIO, query: PostQuery) -> int:
    """The same as JSON Lines into an open file."""
    return _json_lines(out.write, _rows(store, query))


def _rows(store: Store, query: PostQuery) -> Iterator[dict[str, Any]]:
    query = replace(query, limit=BATCH)
    while True:
        page = store.posts(query)
        for post in page.posts:
            yield _row(post)
        if page.next is None:
            return
        query = replace(query, cursor=page.next)


def _row(post: Post) -> dict[str, Any]:
    tags, counts = post.annotation, post.engagement
    return {
        "source": post.source,
        "id": post.id,
        "url": post.url,
        "title": mask(post.title),
        "text": mask(post.text),
        "published_at": post.published_at.isoformat(),
        "language": tags.language,
        "country": tags.country,
        "content_type": tags.content_type,
        "audience": list(tags.audience),
        "topics": list(tags.topics),
        "live": tags.live,
        "sponsored": tags.sponsored,
        "duration": post.duration,
        "guests": post.guests,
        "views": counts.views,
        "likes": counts.likes,
        "comments": counts.comments,
        "shares": counts.shares,
        "sentiment": tags.sentiment,
    }


def _json_lines(write: Callable[[bytes], Any], rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    for row in rows:
        row["engagement"] = {name: row.pop(name) for name in COUNTS}
        write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        count += 1
    return count


def _jsonl(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    with path.open("wb") as file:
        return _json_lines(file.write, rows)


def _csv(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            row |= {name: ";".join(row[name]) for name in ("audience", "topics")}
            row |= {name: guarded(row[name]) for name in GUARDED if row[name]}
            # as `import` and JSON write them; an empty topics cell would mean "not stated"
            row |= {name: str(row[name]).lower() for name in ("live", "sponsored")}
            row["topics"] = row["topics"] or "[]"
            writer.writerow(row)
            count += 1
    return count


def _parquet(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = pa.list_(pa.string())
    kinds = dict.fromkeys(COLUMNS, pa.string()) | {
        "audience": texts, "topics": texts, "live": pa.bool_(), "sponsored": pa.bool_(), "duration": pa.float64(), "guests": pa.int64(),
        "sentiment": pa.float64(), "views": pa.int64(), "likes": pa.int64(), "comments": pa.int64(), "shares": pa.int64(),
    }  # fmt: skip
    schema = pa.schema(list(kinds.items()))
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(row)
            count += 1
            if len(batch) == ROW_GROUP:
                writer.write_table(pa.Table.from_pylist(batch, schema))
                batch = []
        if batch:
            writer.write_table(pa.Table.from_pylist(batch, schema))
    return count
