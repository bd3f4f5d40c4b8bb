"""Which format an answer has, and rows as CSV or Parquet.

Both are made from the same rows as the JSON answer, so that they can't disagree. CSV is UTF-8 with one header row and
no comments; text that a spreadsheet would run as a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from api.problems import FieldError, Problem

Format = Literal["json", "csv", "parquet"]
MEDIA_TYPES: Mapping[Format, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_ACCEPTED: Mapping[str, Format] = {
    "application/json": "json",
    "application/*": "json",
    "*/*": "json",
    "text/csv": "csv",
    "text/*": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}


def choose(asked: str | None, accept: str) -> Format:
    """`?format=` decides; without it the Accept header. Raises Problem if neither names something there is."""
    if asked is not None:
        for known in MEDIA_TYPES:
            if asked == known:
                return known
        message = f"format cannot be {asked[:60]!r}; it is one of {', '.join(MEDIA_TYPES)}."
        raise Problem("invalid-request", message, (FieldError("format", message),))
    if not accept.strip():
        return "json"
    best: tuple[float, int, Format] | None = None
    for position, part in enumerate(accept.split(",")):
        name, _, parameters = part.partition(";")
        found = _ACCEPTED.get(name.strip().lower())
        weight = _weight(parameters)
        if found and weight > 0 and (best is None or (weight, -position) > best[:2]):
            best = (weight, -position, found)
    if best is None:
        raise Problem(
            "unknown-format",
            f"None of what Accept names can be made. There are {', '.join(MEDIA_TYPES.values())}.",
            (FieldError("Accept", "ask for application/json, text/csv or application/vnd.apache.parquet"),),
        )
    return best[2]


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def to_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


def to_parquet(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    import pyarrow as pa  # 40 MB that only those pay for who ask for Parquet
    import pyarrow.parquet as pq

    table = pa.table({column: pa.array([row.get(column) for row in rows]) for column in columns})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def encode(format_: Format, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Rows as CSV or Parquet; JSON answers have their own document and are not made here."""
    return to_csv(rows, columns) if format_ == "csv" else to_parquet(rows, columns)
