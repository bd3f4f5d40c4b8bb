"""Chunks of archive records → tagged posts, in worker processes or here.

Posts travel back as plain tuples: pickling frozen dataclasses costs more than tagging them.
"""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import orjson

from collectors.base import Engagement, Item, Source
from collectors.captures.envelope import MAPPERS, is_capture
from monitor.archive_files import ArchiveError, Raw, Record, Unreadable, decode_line
from monitor.archive_lines import Misfit, read_captured, read_record, source_id, states_not_live
from monitor.core.model import Annotation, Post
from monitor.core.reading import make_post
from monitor.readers import Recipe

CHUNK = 1_000
"""Records that travel, and are committed, together …"""
CHUNK_BYTES = 8_000_000
"""… at most; fewer where they are large."""
SAMPLE = 2_000
"""Characters of a rejected record that are kept where it cannot be read again anyway …"""
WHOLE = 500_000
"""… and where it can; a post with all that its platform sends beside it is seldom a tenth of that."""
CAPTURED = "capture-"
"""What the id of a source begins with that holds captures of a platform, if no other was named."""
OTHER_PLATFORM = "the source holds posts of another platform; import without --source, or name another one"
REJECT_FIELDS = frozenset(("record", "reason", "raw"))
"""Of a line in a reject file."""
ANYWHERE = "web"
"""Platform of a source that was made for records which do not tell theirs."""
NOT_LIVE = "not_live"
"""Key of the stored evidence of a post that was stated not to be live."""

Packed = tuple[Any, ...]

_POST = attrgetter(*Post.__slots__)
_TAGS = attrgetter(*Annotation.__slots__)
_COUNTS = attrgetter(*Engagement.__slots__)
_AT_COUNTS = Post.__slots__.index("engagement")
_AT_TAGS = Post.__slots__.index("annotation")


@dataclass(frozen=True, slots=True)
class Reject:
    number: int
    """Line or row, from 1."""
    reason: str
    """The same for all that fail alike."""
    why: str
    """The reason with the value."""
    sample: str


@dataclass(frozen=True, slots=True)
class Converted:
    """One chunk."""

    packed: dict[str, list[Packed]]
    """source id → its posts; each native id once, as its last record says."""
    rejects: list[Reject]
    read: int
    last: int
    """Number of the last record."""
    captured: dict[str, str] = field(default_factory=dict)
    """source id → platform, of the sources that captures among these records belong to."""

    def posts(self) -> dict[str, tuple[Post, ...]]:
        return {source: tuple(map(_unpack, posts)) for source, posts in self.packed.items()}


def archive_source(native: str, platform: str | None = None) -> Source:
    """A source that exists only as an archive: never polled, its coverage is what archives declare. Where no platform
    is told, its id may tell it."""
    platform = platform or captured_platform(native) or ANYWHERE
    return Source(id=native, collector="archive", platform=platform, url="", name=native)


def captured_platform(native: str) -> str | None:
    """The platform whose captures go into the source of this id unless another is named; None for any other id."""
    platform = native.removeprefix(CAPTURED)
    return platform if native == CAPTURED + platform and platform in MAPPERS else None


def convert_all(converter: Converter, records: Iterator[Record], workers: int) -> Iterator[Converted]:
    """Chunks converted in order, with at most two per worker in memory. Less than two chunks are converted here.

    Raises ArchiveError if a worker process dies (a lack of memory, most likely), and what `records` raises, but only
    after all records before it were given back.
    """
    chunks = _chunks(records)
    first = next(chunks, None)
    if first is None:
        return
    try:
        second = next(chunks, None)
    except ArchiveError:
        yield converter.convert(first)
        raise
    if second is None or workers < 1:
        yield converter.convert(first)
        yield from map(converter.convert, itertools.chain([second] if second else [], chunks))
        return
    every = itertools.chain([first, second], chunks)
    del first, second
    pool = _start(converter, workers)
    waiting: deque[Future[Converted]] = deque()
    failure: ArchiveError | None = None
    try:
        try:
            for chunk in every:
                waiting.append(pool.submit(_convert, chunk))
                if len(waiting) >= workers * 2:
                    yield waiting.popleft().result()
        except ArchiveError as error:
            failure = error
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise ArchiveError(
            "a worker process died, probably for lack of memory. Run the import again: it goes on where it was. "
            "TRENDMONITOR_COLLECT_WORKERS=0 does without workers"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
    if failure is not None:
        raise failure


def _start(converter: Converter, workers: int) -> ProcessPoolExecutor:
    single = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    if single:
        _ = converter.recipe.taggers  # built once, shared by every fork
    else:
        # What was built here does not travel; each process builds its own
        converter = replace(converter, recipe=replace(converter.recipe))
    context = multiprocessing.get_context("fork" if single else "spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(converter,))


@dataclass(frozen=True)
class Converter:
    """What turning records into posts needs."""

    recipe: Recipe
    sources: Mapping[str, Source]
    default_source: str | None
    now: datetime

    def convert(self, chunk: Sequence[Record]) -> Converted:
        posts: dict[str, dict[str, Packed]] = {}
        rejects: list[Reject] = []
        captured: dict[str, str] = {}
        for number, line in chunk:
            record = unwrapped(decode_line(line) if isinstance(line, bytes) else line)
            if isinstance(record, Unreadable):
                rejects.append(Reject(number, record.reason, record.reason, record.sample))
                continue
            try:
                post = self._captured(record, captured) if is_capture(record) else self._recorded(record)
            except Misfit as misfit:
                rejects.append(Reject(number, misfit.reason, str(misfit), _whole(record)))
                continue
            posts.setdefault(post.source, {})[post.id] = _pack(post)
        return Converted(
            packed={source: list(by_id.values()) for source, by_id in posts.items()},
            rejects=rejects,
            read=len(chunk),
            last=chunk[-1][0],
            captured=captured,
        )

    def _recorded(self, record: Mapping[str, Any]) -> Post:
        native = source_id(record, self.default_source)
        source = self.sources.get(native) or archive_source(native)
        post = self._made(read_record(record, now=self.now), source)
        if states_not_live(record):
            evidence = {**post.evidence, NOT_LIVE: True}
            post = replace(post, evidence=evidence, annotation=overruled(post.annotation, evidence))
        return post

    def _captured(self, record: Mapping[str, Any], captured: dict[str, str]) -> Post:
        """`captured` takes up the source. One source holds one platform, because authors are told apart by it."""
        platform, item = read_captured(record, now=self.now)
        native = self.default_source or CAPTURED + platform
        source = self.sources.get(native) or archive_source(native, captured.get(native, platform))
        if source.platform != platform:
            raise Misfit(f"{platform}: {OTHER_PLATFORM}", f"{native} is of {source.platform}")
        captured[native] = platform
        return self._made(item, source)

    def _made(self, item: Item, source: Source) -> Post:
        return make_post(item, source, now=self.now, taggers=self.recipe.taggers, author_key=self.recipe.author_key)


def unwrapped(record: Mapping[str, Any] | Unreadable) -> Mapping[str, Any] | Unreadable:
    """The record inside a line of a reject file, so that such a file can be imported; any other record as it is."""
    if isinstance(record, Unreadable) or record.keys() != REJECT_FIELDS or not isinstance(raw := record["raw"], str):
        return record
    found = decode_line(raw.encode("utf-8", "replace"))
    if isinstance(found, Unreadable) and len(raw) >= SAMPLE:
        return Unreadable(
            "rejected before, and too long to have been kept whole: import its own file again", raw[:SAMPLE]
        )
    return found


def overruled(annotation: Annotation, evidence: Mapping[str, Any]) -> Annotation:
    """An annotation made from this evidence, but not live where that was stated (an Item can only say that it is). The
    word of a person goes before it."""
    if not (annotation.live and evidence.get(NOT_LIVE)) or "live" in (evidence.get("corrected") or {}):
        return annotation
    return replace(annotation, live=False, reasons={**annotation.reasons, "live": "stated by the archive: not live"})


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Lists of records of bounded size; an error of `records` is raised after the records before it were given."""
    chunk: list[Record] = []
    size = 0
    try:
        for record in records:
            chunk.append(record)
            size += _size(record[1])
            if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
    except ArchiveError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _size(raw: Raw) -> int:
    if isinstance(raw, bytes):
        return len(raw)
    if isinstance(raw, Unreadable):
        return len(raw.sample)
    return sum(len(value) for value in raw.values() if isinstance(value, str))


_converter: Converter | None = None
"""This worker process's converter; ProcessPoolExecutor has no other place for it."""


def _begin(converter: Converter) -> None:
    global _converter
    _converter = converter
    _ = converter.recipe.taggers
    gc.freeze()  # the lists of the taggers live as long as the process; no collection need look at them
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers in order
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for chunks for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _convert(chunk: Sequence[Record]) -> Converted:
    if _converter is None:
        raise RuntimeError("this process was started without a converter")
    return _converter.convert(chunk)


def _pack(post: Post) -> Packed:
    values = list(_POST(post))
    values[_AT_COUNTS] = _COUNTS(post.engagement)
    values[_AT_TAGS] = _TAGS(post.annotation)
    return tuple(values)


def _unpack(packed: Packed) -> Post:
    values = list(packed)
    values[_AT_COUNTS] = Engagement(*values[_AT_COUNTS])
    values[_AT_TAGS] = Annotation(*values[_AT_TAGS])
    return Post(*values)


def _whole(record: Mapping[str, Any]) -> str:
    """A record as JSON, so that it can be imported again; its beginning where it is longer than any post is."""
    try:
        raw = orjson.dumps(record, default=str)
    except orjson.JSONEncodeError:  # nested deeper than is written
        return repr(record)[:SAMPLE]
    return raw.decode() if len(raw) <= WHOLE else raw.decode()[:SAMPLE]
