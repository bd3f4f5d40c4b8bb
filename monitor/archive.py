"""Import of archives: bounded in memory, resumable, idempotent, with a report of what was skipped and why.

A file is cut into chunks of records; worker processes turn a chunk into tagged posts; the chunk is committed in one
transaction together with the position reached. Killed anywhere, the next run goes on after the last committed chunk;
a chunk that is read twice changes nothing, because posts are keyed by (source, id).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import IO

import orjson

from collectors.base import Source
from monitor.archive_convert import (
    OTHER_PLATFORM,
    Converted,
    Converter,
    Reject,
    archive_source,
    captured_platform,
    convert_all,
)
from monitor.archive_files import ArchiveError, Record, open_archive
from monitor.archive_lines import Misfit, read_coverage
from monitor.core.model import Interval, Observed, Post, Write
from monitor.core.source_id import RULE, is_source_id, slug
from monitor.readers import Recipe
from monitor.store import Store
from monitor.store.errors import AlreadyExists

__all__ = ["ArchiveError", "ImportReport", "import_file"]

MOST_SOURCES = 5_000
"""New sources of one file. A file with more has most likely something else in its field `source`."""

DECLARED = "declared"
"""Why a time was not observed: an archive says so."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    file: str
    read: int
    imported: int
    """Records that fit: new posts, edits of known ones, and repeats of these. read = imported + rejected."""
    rejected: int
    reasons: Mapping[str, int]
    """why → how many, most frequent first"""
    reject_file: str | None
    ignored_columns: tuple[str, ...]
    """Of a CSV or Parquet file: columns that mean nothing to us."""
    sources: int
    """Sources that the imported records belong to."""
    created_sources: tuple[str, ...]
    resumed_at: int
    """Number of the record (line, row) after which this run went on; 0 if it read the file from its start."""
    seconds: float


@dataclass(slots=True)
class _State:
    """What an interrupted import needs to go on; kept in the store's meta beside the posts it speaks of."""

    done: int = 0
    """Number of the last record that is committed."""
    read: int = 0
    imported: int = 0
    reject_bytes: int = 0
    """Length of the reject file."""
    spans: dict[str, list[float]] = field(default_factory=dict)
    """source id → time of its first and last record (Unix seconds); empty for captures, which observe nothing"""
    reasons: Counter[str] = field(default_factory=Counter)
    created: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        values = [self.done, self.read, self.imported, self.reject_bytes, self.spans, self.reasons, self.created]
        return orjson.dumps(values).decode()

    @classmethod
    def from_json(cls, text: str) -> _State:
        done, read, imported, reject_bytes, spans, reasons, created = orjson.loads(text)
        return cls(done, read, imported, reject_bytes, spans, Counter(reasons), created)


def import_file(
    path: Path,
    *,
    store: Store,
    recipe: Recipe,
    reject_dir: Path,
    clock: Callable[[], datetime],
    default_source: str | None = None,
    workers: int = 2,
    progress: Callable[[int, float], None] | None = None,
) -> ImportReport:
    """Import one file. Raises ArchiveError if it cannot be read (what was read before stays), StoreError if the
    database fails; both can be followed by another try, which goes on where this one ended.

    `progress` is told the records read so far and the share of the file, 0 to 1. Sources that records name and nobody
    has defined are created as archive sources, which are never polled.
    """
    started = clock()
    if default_source is not None and not is_source_id(default_source):
        better = slug(default_source)
        hint = f"; write for example {better}" if better else ""
        raise ArchiveError(f"source {default_source[:80]!r} is not an id ({RULE}){hint}")
    archive = open_archive(path)
    try:
        declared = read_coverage(archive.coverage) if archive.coverage is not None else {}
    except Misfit as misfit:
        raise ArchiveError(f"{path.name}, first line: {misfit}") from None
    key = f"import:{_fingerprint(path, default_source)}"
    held = store.meta(key)
    state = _State.from_json(held) if held else _State()
    resumed = state.done
    sources = _Sources(store, clock, state.created)
    # The source of the whole file takes the platform of its records, which are not read yet
    _track(sources, (native for native in declared if native != default_source), path)
    converter = Converter(recipe, dict(sources.known), default_source, started)
    with _RejectFile(_reject_path(reject_dir, path), size=state.reject_bytes) as rejects:
        for converted in convert_all(converter, _after(archive.records, resumed), workers):
            writes = _take(converted, state, sources, rejects, clock())
            state.reject_bytes = rejects.flush()
            store.commit_many(writes, meta={key: state.to_json()})
            if progress is not None:
                progress(state.read, archive.share())
        _track(sources, declared, path)
        store.commit_many(_coverage(declared, state.spans, clock()), meta={key: None})
    return ImportReport(
        file=str(path),
        read=state.read,
        imported=state.imported,
        rejected=sum(state.reasons.values()),
        reasons=dict(state.reasons.most_common()),
        reject_file=str(rejects.path) if state.reasons else None,
        ignored_columns=archive.ignored,
        sources=len(state.spans),
        created_sources=tuple(sorted(state.created)),
        resumed_at=resumed,
        seconds=(clock() - started).total_seconds(),
    )


def _track(sources: _Sources, declared: Iterable[str], path: Path) -> None:
    if sources.know(declared):
        raise ArchiveError(f"{path.name}, first line: coverage names more than {MOST_SOURCES} new sources")


def _after(records: Iterator[Record], done: int) -> Iterator[Record]:
    for record in records:
        if record[0] > done:
            yield record


def _take(converted: Converted, state: _State, sources: _Sources, rejects: _RejectFile, now: datetime) -> list[Write]:
    """Count a chunk and write its rejects; returns what is to be committed."""
    posts = converted.posts()
    for source, why in sources.know(posts, converted.captured).items():
        converted.rejects.extend(Reject(converted.last, why, f"{source}/{post.id}", "") for post in posts.pop(source))
    state.done = converted.last
    state.read += converted.read
    state.imported += converted.read - len(converted.rejects)
    for source, found in posts.items():
        if source in converted.captured or captured_platform(source):
            state.spans[source] = []
        else:
            _widen(state.spans, source, found)
    for reject in converted.rejects:
        state.reasons[reject.reason] += 1
        rejects.write(reject)
    return [Write(source=source, at=now, posts=found) for source, found in posts.items()]


class _Sources:
    """The tracked sources, growing by those that the file names."""

    def __init__(self, store: Store, clock: Callable[[], datetime], created: list[str]) -> None:
        self._store = store
        self._clock = clock
        self._created = created
        self.known: dict[str, Source] = {one.source.id: one.source for one in store.sources()}

    def know(self, ids: Iterable[str], captured: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """Track the sources that are not tracked yet; `captured` tells the platforms of those that hold captures.
        Returns the sources whose posts cannot be stored, and why."""
        refused = {}
        for native in ids:
            if native not in self.known:
                if len(self._created) >= MOST_SOURCES:
                    refused[native] = f"source: this file names more than {MOST_SOURCES} new ones"
                    continue
                self._add(archive_source(native, captured.get(native)))
            platform = captured.get(native)
            if platform and platform != self.known[native].platform:
                refused[native] = f"{platform}: {OTHER_PLATFORM}"
        return refused

    def _add(self, source: Source) -> None:
        try:
            self._store.add_source(source, self._clock())
            self._created.append(source.id)
        except AlreadyExists:  # another process was a moment faster
            pass
        self.known[source.id] = source


def _widen(spans: dict[str, list[float]], source: str, posts: Iterable[Post]) -> None:
    moments = [post.published_at.timestamp() for post in posts]
    low, high = min(moments), max(moments)
    span = spans.setdefault(source, [low, high])
    if not span:
        return  # captures among its records: what a browser was shown is no observation
    span[0], span[1] = min(span[0], low), max(span[1], high)


def _coverage(
    declared: Mapping[str, Iterable[Interval]], spans: Mapping[str, Sequence[float]], now: datetime
) -> list[Write]:
    """Declared intervals where given, cut at the present, and the gaps between them called declared; otherwise from
    a source's first to its last record, and nothing for captures."""
    writes = [
        Write(
            source=source,
            at=now,
            observed=Observed(min(interval.since, now), min(interval.until, now), gap=DECLARED if place else None),
        )
        for source, intervals in declared.items()
        for place, interval in enumerate(sorted(intervals, key=lambda interval: interval.since))
    ]
    for source, span in spans.items():
        if source not in declared and span:
            low, high = span
            since, until = datetime.fromtimestamp(low, UTC), datetime.fromtimestamp(high, UTC) + timedelta(seconds=1)
            writes.append(Write(source=source, at=now, observed=Observed(since, min(until, now))))
    return writes


def _fingerprint(path: Path, default_source: str | None) -> str:
    """Names this state of this file, so that an interrupted import is only continued with the same content."""
    stat = path.stat()
    text = f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0{default_source}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _reject_path(folder: Path, path: Path) -> Path:
    """The same for the same file, different for files of one name in different folders."""
    where = hashlib.sha256(str(path.resolve()).encode("utf-8", "replace")).hexdigest()[:6]
    return folder / f"{path.name[:150]}.{where}.rejects.jsonl"


class _RejectFile:
    """Rejected records with their reasons, written as they come; made only when there is one.

    What lies behind `size` was written by a run that died before it could commit, and is cut off.
    """

    def __init__(self, path: Path, *, size: int) -> None:
        self.path = path
        self._size = size
        self._file: IO[bytes] | None = None

    def __enter__(self) -> _RejectFile:
        if self._size and self.path.exists():
            self._file = self.path.open("r+b")
            self._file.truncate(self._size)
            self._file.seek(0, 2)
        else:
            self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, reject: Reject) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb")
        line = {"record": reject.number, "reason": _storable(reject.why), "raw": _storable(reject.sample)}
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> int:
        """Length of the file."""
        if self._file is None:
            return 0
        self._file.flush()
        return self._file.tell()


def _storable(text: str) -> str:
    """Without lone surrogates, which no JSON file can hold."""
    return text.encode("utf-8", "replace").decode()
