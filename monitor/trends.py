"""Trends of a store: keeps the cells and the coverage in memory, and answers queries from them.

One `Trends` serves a whole process and all its threads. Each question first asks the store whether anything changed;
if so, only what changed is read. Answers are kept until the next change, so the same question again costs a look-up.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import pycountry

from collectors.base import EMPTY
from monitor.core.answer import Document, document, rows
from monitor.core.buckets import Buckets, day_number
from monitor.core.cells import NO_TOPIC, CellBatch, Combo
from monitor.core.cube import Cube
from monitor.core.measures import MEASURES
from monitor.core.model import SourceState
from monitor.core.observed import Coverage, Watch
from monitor.core.points import Trend, compute, window
from monitor.core.query import QueryError, TrendQuery
from monitor.core.region import COUNTRIES, region_of

if TYPE_CHECKING:
    from monitor.store.store import Store

KEPT_ANSWERS = 512
KEPT_BYTES = 32 * 2**20
_KEPT_WATCHES = 32
_TRIES = 5

Seen = TypeVar("Seen")


class Trends:
    """Answers trend queries about one store. Safe to call from several threads.

    `clock` tells the present moment (aware UTC). `labels` are names for people, dimension → key → name, for platforms
    and topics; where a dimension has labels, a filter by a value that is neither among them nor in the store is
    refused. `closed`: platform → what can't be measured there, told with every answer that touches it. `recheck` is how long the store may be taken as unchanged without asking it; zero asks every time.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        labels: Mapping[str, Mapping[str, str]] | None = None,
        closed: Mapping[str, str] = EMPTY,
        recheck: timedelta = timedelta(0),
    ) -> None:
        self._store = store
        self._clock = clock
        self._labels = {name: dict(known) for name, known in (labels or {}).items()}
        self._closed = closed
        self._recheck = recheck
        self._lock = threading.RLock()
        self._checked: datetime | None = None
        self._version = (-1, -1)  # data version, day
        self._epoch: int | None = None
        self._reached = 0  # every cell up to this version is in the cube
        self._last_combo = 0
        self._cube = Cube(region_of)
        self._coverage = Coverage((), (), clock())
        self._source_names: dict[str, str] = {}
        self._generated = False
        self._answers: OrderedDict[TrendQuery, tuple[bytes, str]] = OrderedDict()
        self._answers_bytes = 0
        self._watches: OrderedDict[tuple[object, ...], Watch] = OrderedDict()

    def version(self) -> int:
        """Grows whenever an answer may have changed: with the data and with every UTC day. Refreshes first."""
        version, day = self._current()
        return (version << 20) + day

    def answer(self, query: TrendQuery) -> Document:
        """The JSON document of the contract. Raises QueryError for values that the store does not know."""
        with self._lock:
            self._current()
            return self._document(query)

    def answer_bytes(self, query: TrendQuery) -> tuple[bytes, str]:
        """The document as JSON, and a strong validator for it: hex digits, without quotes. Raises QueryError."""
        with self._lock:
            self._current()
            kept = self._answers.get(query)
            if kept is not None:
                self._answers.move_to_end(query)
                return kept
            body = orjson.dumps(self._document(query))
            answer = body, hashlib.blake2b(body, digest_size=12).hexdigest()
            self._keep(query, answer)
            return answer

    def rows(self, query: TrendQuery) -> list[dict[str, Any]]:
        """One flat row per point, columns as in `answer.ROW_COLUMNS`, for CSV and Parquet. Raises QueryError."""
        with self._lock:
            self._current()
            now = self._clock()
            return rows(self._compute(query, now), label=self._label, now=now)

    def look(self, at: Callable[[Cube, Coverage, int], Seen]) -> Seen:
        """Call `at` with the current cells, their coverage and their version, which all stay as they are meanwhile.

        Every question waits for it, so it should be brief; the coverage is indexed as the cube's sources.
        """
        with self._lock:
            version, day = self._current()
            return at(self._cube, self._coverage, (version << 20) + day)

    def refresh(self) -> None:
        """Read what changed in the store, if anything did."""
        self._current(recheck=True)

    @property
    def nbytes(self) -> int:
        """Bytes held by the cells and the kept answers."""
        return self._cube.nbytes + self._answers_bytes

    def _current(self, *, recheck: bool = False) -> tuple[int, int]:
        """Bring cube and coverage up to the store; returns (data version, day)."""
        now = self._clock()
        with self._lock:
            fresh = self._checked is not None and timedelta(0) <= now - self._checked < self._recheck
            if fresh and not recheck and self._version[1] == day_number(now):
                return self._version
            found = self._store.data_version(), day_number(now)
            if found != self._version:
                self._read(found[0], now)
                self._version = found
                self._answers.clear()
                self._answers_bytes = 0
                self._watches.clear()
            self._checked = now
            return self._version

    def _read(self, version: int, now: datetime) -> None:
        """Cells first, then combos, sources and coverage: each reading sees at least what the one before saw."""
        for _ in range(_TRIES):
            epoch = self._store.epoch()
            if epoch != self._epoch:
                self._cube, self._reached, self._last_combo, self._epoch = Cube(region_of), 0, 0, epoch
            self._read_cells()
            self._read_sources(now)
            if self._store.epoch() == epoch:
                break
        else:
            raise RuntimeError("cells were rebuilt again and again while they were read; try again in a minute")
        self._reached = max(self._reached, version)
        self._generated = self._store.generated

    def _read_cells(self) -> None:
        reached = self._reached
        for batch in self._store.cells_since(self._reached):
            measures = {name: batch.column(name) for name in MEASURES}
            ids, sources, days, combos = (batch.column(name) for name in ("id", "source", "day", "combo"))
            self._cube.apply(CellBatch(ids, sources, days, combos, measures))
            reached = max(reached, batch.version)
        self._reached = reached
        fresh = [
            Combo(
                id=facts.id,
                content_type=facts.content_type,
                audience=_members(facts.audience),
                country=facts.country,
                language=facts.language,
                topics=_members(facts.topics),
                live=facts.live,
                sponsored=facts.sponsored,
                copy=facts.copy,
            )
            for facts in self._store.combos_since(self._last_combo)
        ]
        self._cube.add_combos(fresh)
        self._last_combo = max((combo.id for combo in fresh), default=self._last_combo)

    def _read_sources(self, now: datetime) -> None:
        numbered = self._store.source_numbers()
        states = {one.source.id: one.state for one in self._store.sources()}
        ids = [source.id for source in numbered.values()]
        coverage = self._store.coverage(ids)
        self._cube.set_sources({number: (source.id, source.platform) for number, source in numbered.items()})
        self._source_names = {source.id: source.name for source in numbered.values() if source.name}
        collected = [source in states and _collected(states[source]) for source in ids]
        self._coverage = Coverage([coverage.get(source, ()) for source in ids], collected, now)

    def _document(self, query: TrendQuery) -> Document:
        now = self._clock()
        return document(
            self._compute(query, now), label=self._label, generated=self._generated, now=now, closed=self._closed
        )

    def _compute(self, query: TrendQuery, now: datetime) -> Trend:
        self._check(query)
        buckets = window(query, now)
        return compute(query, self._cube, self._coverage, now, self._watch(buckets))

    def _watch(self, buckets: Buckets) -> Watch:
        """Observation in these buckets; queries of one page share it."""
        key = buckets.size, buckets.since, buckets.until
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = self._coverage.watch(buckets)
            while len(self._watches) > _KEPT_WATCHES:
                self._watches.popitem(last=False)
        return watch

    def _keep(self, query: TrendQuery, answer: tuple[bytes, str]) -> None:
        self._answers[query] = answer
        self._answers_bytes += len(answer[0])
        while len(self._answers) > KEPT_ANSWERS or self._answers_bytes > KEPT_BYTES:
            _, (body, _) = self._answers.popitem(last=False)
            self._answers_bytes -= len(body)

    def _check(self, query: TrendQuery) -> None:
        """Refuse filter values that cannot match because nobody has ever heard of them."""
        for name in ("source", "platform", "topic"):
            labels = self._labels.get(name, {})
            if name == "topic" and not labels:
                continue  # without a taxonomy any topic may come yet
            known = {*self._cube.keys(name), *labels, *((NO_TOPIC,) if name == "topic" else ())}
            unknown = [value for value in query.filters.get(name, ()) if value not in known]
            if unknown:
                raise QueryError(name, f"There is no {name} {unknown[0][:60]!r}. {_nearest(unknown[0], known, name)}")

    def _label(self, dimension: str, key: str) -> str | None:
        if dimension == "source":
            return self._source_names.get(key)
        if dimension == "country":
            return COUNTRIES.get(key)
        if dimension == "language":
            language = pycountry.languages.get(alpha_2=key) or pycountry.languages.get(alpha_3=key)
            return None if language is None else str(language.name)
        return self._labels.get(dimension, {}).get(key)


def _collected(state: SourceState) -> bool:
    """The source is being collected, so time without coverage is missing, not over.

    A source that was never tried is not: what it has came from an archive, and ends where the archive ends.
    """
    return not state.paused and state.stopped is None and state.last_try is not None


def _members(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _nearest(value: str, known: set[str], name: str) -> str:
    near = get_close_matches(value, known, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    if not known:
        return f"No {name} is known yet."
    some = sorted(known)
    return f"Known: {', '.join(some[:10])}{' …' if len(some) > 10 else ''}."
