"""An archive file → its numbered raw records, in bounded memory: JSON Lines, CSV, TSV (each also gzipped) and Parquet.

What is wrong with the file as a whole raises `ArchiveError`; what is wrong with one record becomes an `Unreadable` in
its place, so that the rest is still read.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from monitor.archive_lines import FIELDS

LONGEST_LINE = 2_000_000
"""Bytes of a JSON line or characters of a CSV line; a longer one is passed over without holding it."""
ROWS = 500
"""Rows of a Parquet file that are held at once."""
NEEDED = frozenset(("id", "published_at"))
BOM = b"\xef\xbb\xbf"
OTHERS: Mapping[bytes, str] = {
    b"PK\x03\x04": "a ZIP file: unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: unpack it first (unzstd)",
    b"BZh": "compressed with bzip2: unpack it first (bunzip2)",
    b"\xfd7zXZ": "compressed with xz: unpack it first (unxz)",
    b"SQLite format 3": "an SQLite database, not an archive of posts",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
}
"""First bytes → what the file is."""
USUAL = "JSON Lines (.jsonl), CSV (.csv, .tsv) and Parquet (.parquet) can be imported"


class ArchiveError(Exception):
    """The file as a whole cannot be imported; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a record that could not even be cut out of its file."""

    reason: str
    sample: str = ""


Raw = bytes | Mapping[str, Any] | Unreadable
Record = tuple[int, Raw]
"""(number of the line or row, from 1; a JSON line, a row by column name, or why there is neither)"""


@dataclass(frozen=True, slots=True)
class Archive:
    """An opened file. `records` is read once and raises ArchiveError where the file ends in the middle."""

    records: Iterator[Record]
    share: Callable[[], float]
    """How much of the file has been read, 0 to 1."""
    coverage: object | None = None
    """The value of the `coverage` header, if there is one."""
    ignored: tuple[str, ...] = ()
    """Columns that mean nothing to us."""


def open_archive(path: Path) -> Archive:
    """The kind of file is told by its name, and by its first bytes where the name says nothing."""
    head = _head(path)
    packed = head.startswith(b"\x1f\x8b")
    name = path.name.lower().removesuffix(".gz") if packed else path.name.lower()
    if head.startswith(b"PAR1") or name.endswith(".parquet"):
        return _parquet(path)
    for magic, what in OTHERS.items():
        if head.startswith(magic):
            raise ArchiveError(f"{path.name} is {what}. {USUAL}.")
    first = _first_line(path, packed)
    if not first.strip():
        raise ArchiveError(f"{path.name} holds nothing but white space. {USUAL}.")
    if name.endswith((".csv", ".tsv", ".tab")):
        return _csv(path, packed, first)
    if name.endswith((".jsonl", ".ndjson", ".json")) or first.lstrip()[:1] == b"{":
        return _json_lines(path, packed, first)
    if all(name.encode() in first.lower() for name in NEEDED):
        return _csv(path, packed, first)
    raise ArchiveError(f"{path.name}: neither its name nor its first line tells what it is. {USUAL}.")


def decode_line(line: bytes) -> Mapping[str, Any] | Unreadable:
    """A line of JSON Lines."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Unreadable(_why_not_json(line, str(error)), line[:2_000].decode("utf-8", "replace").strip())
    return record if isinstance(record, dict) else Unreadable("not a JSON object", str(record)[:2_000])


def _why_not_json(line: bytes, error: str) -> str:
    try:
        line.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    # Without the position: the reasons are counted, and the record is in the reject file
    return f"not JSON: {error.partition(': line')[0][:100]}"


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ArchiveError(f"{path} is a folder: name the files in it")
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror or error}") from None
    if not head:
        raise ArchiveError(f"{path.name} is empty")
    return head


def _opened(path: Path, packed: bool) -> tuple[IO[bytes], Callable[[], float]]:
    """The (unpacked) bytes, and how much of the file has been read."""
    file = path.open("rb")
    size = max(path.stat().st_size, 1)
    unpacked: Any = gzip.GzipFile(fileobj=file) if packed else file

    def share() -> float:
        return 1.0 if file.closed else min(file.tell() / size, 1.0)

    return unpacked, share


def _first_line(path: Path, packed: bool) -> bytes:
    file, _ = _opened(path, packed)
    try:
        with file:
            return file.readline(LONGEST_LINE).removeprefix(BOM)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{path.name}: cannot be unpacked ({error}); fetch the file again") from None


class _Lines:
    """Lines of a file, without byte order mark. A line that is too long is skipped and raises `_TooLongError` once;
    the next call goes on behind it."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._name = path.name
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> bytes:
        try:
            line = self._file.readline(LONGEST_LINE)
            self.number += 1
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                while (rest := self._file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                    pass
                raise _TooLongError(line[:200].decode("utf-8", "replace"))
        except (OSError, EOFError, zlib.error) as error:
            raise ArchiveError(
                f"{self._name}: cannot be read beyond line {self.number} ({error}); what came before is imported"
            ) from None
        if not line:
            raise StopIteration
        return line.removeprefix(BOM) if self.number == 1 else line


class _TooLongError(Exception):
    """The text is the beginning of the line."""


TOO_LONG = f"the line is longer than {LONGEST_LINE} bytes"


def _json_lines(path: Path, packed: bool, first: bytes) -> Archive:
    if first.lstrip()[:1] == b"[":
        raise ArchiveError(f"{path.name} holds one JSON list: write one record a line (jq -c '.[]' does it)")
    try:
        parsed = orjson.loads(first)
    except orjson.JSONDecodeError:
        parsed = None
    headed = isinstance(parsed, dict) and "coverage" in parsed and "id" not in parsed
    file, share = _opened(path, packed)

    def records() -> Iterator[Record]:
        with file:
            lines = _Lines(file, path)
            while True:
                try:
                    line = next(lines)
                except StopIteration:
                    return
                except _TooLongError as error:
                    yield lines.number, Unreadable(TOO_LONG, str(error))
                    continue
                if (lines.number > 1 or not headed) and not line.isspace():
                    yield lines.number, line

    return Archive(records(), share, coverage=parsed["coverage"] if headed else None)


def _csv(path: Path, packed: bool, first: bytes) -> Archive:
    """Separated by whichever of tab, comma and semicolon the first line has most of."""
    csv.field_size_limit(LONGEST_LINE)
    delimiter = max("\t,;", key=lambda mark: first.count(mark.encode()))
    file, share = _opened(path, packed)
    lines = _Lines(file, path)
    # Bytes that are not UTF-8 become lone surrogates, by which their records are known and rejected
    rows = csv.reader((_Decoded(lines)), delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(rows)]
    except (csv.Error, _TooLongError) as error:
        file.close()
        raise ArchiveError(f"{path.name}: the first line cannot be read as names of columns ({error})") from None
    try:
        _check_names(path, names)
    except ArchiveError:
        file.close()
        raise

    def records() -> Iterator[Record]:
        with file:
            for number in itertools.count(1):
                try:
                    row = next(rows)
                except StopIteration:
                    return
                except _TooLongError as error:
                    yield number, Unreadable(TOO_LONG, str(error))
                    continue
                except csv.Error as error:
                    yield number, Unreadable(f"not readable as CSV: {error}", f"line {lines.number}")
                    continue
                if row:
                    yield number, _named(names, row)

    return Archive(records(), share, ignored=_ignored(names))


class _Decoded:
    """Lines as text; a class, because `csv` must be able to go on after an exception."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines

    def __iter__(self) -> _Decoded:
        return self

    def __next__(self) -> str:
        return next(self._lines).decode("utf-8", "surrogateescape")


def _named(names: Sequence[str], row: list[str]) -> Mapping[str, Any] | Unreadable:
    text = "".join(row)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return Unreadable("not UTF-8", text.encode("utf-8", "replace").decode()[:2_000])
    if len(row) > len(names) and any(row[len(names) :]):
        return Unreadable(f"has more fields than the {len(names)} columns", text[:2_000])
    return {name: unguarded(value) for name, value in zip(names, row, strict=False) if value}


FORMULA = ("=", "+", "-", "@", "\t", "\r")


def guarded(text: str) -> str:
    """A text as it may stand in a CSV cell: spreadsheets run what begins like a formula, but not after an apostrophe."""
    return "'" + text if text.lstrip("'").startswith(FORMULA) else text


def unguarded(text: str) -> str:
    """The reverse of `guarded`."""
    return text[1:] if text[:1] == "'" and text.lstrip("'").startswith(FORMULA) else text


def _check_names(path: Path, names: Sequence[str]) -> None:
    if not set(names) >= NEEDED:
        shown = ", ".join(names)[:200]
        raise ArchiveError(
            f"{path.name}: the first line must name the columns, among them id and published_at; it reads: {shown}"
        )
    if not {"title", "text"} & set(names):
        raise ArchiveError(f"{path.name}: a column title or text is needed; there are: {', '.join(names)[:200]}")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise ArchiveError(f"{path.name}: there is more than one column {', '.join(twice)[:200]}")


def _ignored(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name and name not in FIELDS)


def _parquet(path: Path) -> Archive:
    # Imported late: it takes longer to load than a small archive takes to import
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise ArchiveError(f"{path.name}: not readable as Parquet ({str(error)[:200]})") from None
    names = list(file.schema_arrow.names)
    try:
        _check_names(path, names)
    except ArchiveError:
        file.close()
        raise
    wanted = [name for name in names if name in FIELDS]
    total = max(file.metadata.num_rows, 1)
    done = [0]

    def records() -> Iterator[Record]:
        number = 0
        try:
            with file:
                for batch in file.iter_batches(batch_size=ROWS, columns=wanted, use_threads=False):
                    for row in _rows(batch):
                        number += 1
                        yield number, row
                    done[0] = number
        except (pa.ArrowException, OSError) as error:
            raise ArchiveError(
                f"{path.name}: not readable as Parquet beyond row {number} ({str(error)[:200]}); "
                "what came before is imported"
            ) from None

    return Archive(records(), lambda: done[0] / total, ignored=_ignored(names))


def _rows(batch: Any) -> Iterator[Mapping[str, Any] | Unreadable]:
    """Rows as mappings. Times finer than a microsecond are cut; one row that has no Python value does not stop others."""
    import pyarrow as pa

    columns = [
        column.cast(pa.timestamp("us", column.type.tz), safe=False)
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns"
        else column
        for column in batch.columns
    ]
    plain = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    try:
        yield from plain.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException):
        for index in range(plain.num_rows):
            try:
                yield plain.slice(index, 1).to_pylist()[0]
            except (ValueError, OverflowError, pa.ArrowException) as error:
                yield Unreadable("holds a value outside what can be read", str(error)[:300])
