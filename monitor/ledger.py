"""The claim ledger of a store: the verdict on every claim, kept current, with its history.

The verdicts of a store that has not changed are read from it; otherwise every claim is examined anew, one at a time,
so that trend queries get their turn in between. Safe to call from several threads.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from monitor.claim_evidence import EvidencePage, evidence_page
from monitor.core.buckets import day_number
from monitor.core.claim import METHOD, Claim, ClaimBook
from monitor.core.finding import VERDICTS
from monitor.core.moments import midnight, written
from monitor.core.panel import Regimes
from monitor.retag import tagging_break
from monitor.store.verdicts import StoredVerdict

if TYPE_CHECKING:
    from monitor.core.claims import Evidence, Outcome
    from monitor.core.cube import Cube
    from monitor.core.observed import Coverage
    from monitor.store.events import Event
    from monitor.store.store import Store
    from monitor.trends import Trends

Document = dict[str, Any]

STATE = "ledger_state"
"""Meta key: what the latest stored verdicts were computed from."""
PATIENCE = 20.0
"""While data keep coming, a ledger is computed again at most every so many times as long as it took to compute."""
HISTORY = 50
KEPT_PAST = 3
"""Ledgers of earlier days that are kept; each holds the counts of all its claims."""


class UnknownClaim(LookupError):
    """There is no such claim; the message names what there is."""


@dataclass(frozen=True, slots=True)
class _Computed:
    """All claims of a book examined on one state of the data."""

    state: str
    at: datetime
    documents: dict[str, Document]
    outcomes: dict[str, Outcome]
    """Empty if the documents came from the store."""
    monotonic: float
    seconds: float


class Ledger:
    """Examines the claims of one book on one store. `clock` tells the present moment, aware UTC."""

    def __init__(self, trends: Trends, store: Store, book: ClaimBook, *, clock: Callable[[], datetime]) -> None:
        self._trends = trends
        self._store = store
        self._book = book
        self._claims = {claim.id: claim for claim in book.claims}
        self._clock = clock
        self._lock = threading.RLock()
        self._latest: _Computed | None = None
        self._earlier: OrderedDict[tuple[str, date], _Computed] = OrderedDict()

    @property
    def book(self) -> ClaimBook:
        return self._book

    def ledger(self) -> Document:
        """Every claim with its verdict, in the order of the book, and how many there are of each verdict."""
        from monitor.core.claim_document import ledger_document

        latest = self._current()
        documents = [latest.documents[claim.id] for claim in self._book.claims]
        return ledger_document(documents, VERDICTS, as_of=latest.at, generated=self._store.generated)

    def claim(self, claim_id: str, *, as_of: date | None = None) -> Document:
        """One claim in full: with its weeks and its history. Raises UnknownClaim.

        With `as_of` it is computed again, with all others, from what was published and observed before that UTC day
        (as it is stored now: later edits, deletions and new tags are not undone).
        """
        claim = self.known(claim_id)
        return self._full(self._current() if as_of is None else self._past(as_of), claim)

    def check(self, claim: Claim, *, as_of: date | None = None) -> Document:
        """A claim that need not be in the book, examined together with the book's other claims. Nothing is stored."""
        others = [one for one in self._book.claims if one.id != claim.id]
        book = replace(self._book, claims=(*others, claim))
        return self._full(self._compute(book, self._clock() if as_of is None else midnight(as_of)), claim)

    def evidence(self, claim_id: str, *, limit: int = 20, cursor: str | None = None) -> EvidencePage:
        """The posts that a claim counts, those with the most interactions first. Raises UnknownClaim, and
        ValueError for a cursor that is not one of this claim."""
        claim = self.known(claim_id)
        document = self._current().documents[claim.id]
        return evidence_page(self._store, claim, document, limit=limit, cursor=cursor)

    def history(self, claim_id: str) -> list[StoredVerdict]:
        """What was said of a claim before, newest first. Raises UnknownClaim."""
        return self._store.verdicts(self.known(claim_id).id, limit=HISTORY)

    def refresh(self) -> list[Event]:
        """Compute what changed and store it; returns the changes of verdict that this brought."""
        with self._lock:
            state = self._state()
            if self._latest is None:
                self._latest = self._stored(state)
            if self._latest is not None and self._latest.state == state:
                return []
            return self._renew()

    def version(self) -> str:
        """Changes whenever a document may have changed: hex. Computes the ledger if that is due."""
        return self._current().state

    def known(self, claim_id: str) -> Claim:
        """The claim of the book. Raises UnknownClaim, which names those that are spelt alike."""
        if claim_id not in self._claims:
            near = get_close_matches(claim_id, self._claims, n=3, cutoff=0.4)
            hint = f"Did you mean {' or '.join(near)}?" if near else "`trendmonitor claims` lists all."
            raise UnknownClaim(f"There is no claim {claim_id[:80]!r}. {hint}")
        return self._claims[claim_id]

    def _state(self) -> str:
        """Stands for everything that the verdicts depend on: data, day, claims, rules."""
        digest = hashlib.blake2b(digest_size=12)
        parts = METHOD, self._store.epoch(), self._store.data_version(), day_number(self._clock()), repr(self._book)
        digest.update(repr(parts).encode())
        return digest.hexdigest()

    def _current(self) -> _Computed:
        with self._lock:
            latest, state = self._latest, self._state()
            if latest is not None:
                age = time.monotonic() - latest.monotonic
                if latest.state == state or age < PATIENCE * latest.seconds:
                    return latest
            elif (kept := self._stored(state)) is not None:
                self._latest = kept
                return kept
            self._renew()
            assert self._latest is not None
            return self._latest

    def _past(self, as_of: date) -> _Computed:
        """The book as of a day; the last few are kept, because a page asks for the document and for its pictures."""
        with self._lock:
            key = self._state(), as_of
            kept = self._earlier.get(key)
            if kept is None:
                kept = self._earlier[key] = self._compute(self._book, midnight(as_of))
                while len(self._earlier) > KEPT_PAST:
                    self._earlier.popitem(last=False)
            self._earlier.move_to_end(key)
            return kept

    def _stored(self, state: str) -> _Computed | None:
        """The verdicts as they were stored, if they were computed from this state; or None."""
        if self._store.meta(STATE) != state:
            return None
        rows = {row.claim: row for row in self._store.verdicts(limit=10 * len(self._claims) + 100)}
        if not rows.keys() >= self._claims.keys() or self._store.meta(STATE) != state:
            return None  # another process has stored others meanwhile
        documents = {name: dict(rows[name].document) for name in self._claims}
        at = max((rows[name].at for name in self._claims), default=self._clock())
        return _Computed(state, at, documents, {}, time.monotonic(), 0.0)

    def _renew(self) -> list[Event]:
        state = self._state()
        computed = replace(self._compute(self._book, self._clock()), state=state)
        earlier = {row.claim: row for row in self._store.verdicts(limit=10 * len(self._claims) + 100)}
        rows = []
        for name, outcome in computed.outcomes.items():
            before = earlier.get(name)
            if outcome.rest is not None:
                cutoff = outcome.rest.until - timedelta(days=1)
            elif before is not None and before.fingerprint == outcome.fingerprint:
                cutoff = before.cutoff  # it rests on no posts, so a new day is no news
            else:
                cutoff = computed.at.date()
            document = computed.documents[name]
            rows.append(
                StoredVerdict(name, computed.at, cutoff, outcome.fingerprint, str(document["verdict"]), document)
            )
        changes = self._store.save_verdicts(rows)
        self._store.set_meta(STATE, state)
        self._latest = computed
        return changes

    def _compute(self, book: ClaimBook, moment: datetime) -> _Computed:
        """Every claim of the book on what was published and observed before the moment."""
        # Imported late: verdicts that are stored already are told without numpy's heavier friends
        from monitor.core.claim_document import describe
        from monitor.core.claims import examine
        from monitor.core.family import rule

        began = time.monotonic()
        regimes = self._regimes(moment)
        outcomes: dict[str, Outcome] = {}
        evidence: Evidence | None = None
        version = -1
        for claim in book.claims:

            def examined(cube: Cube, coverage: Coverage, now: int, claim: Claim = claim) -> Outcome:
                nonlocal evidence, version
                if evidence is None or version != now:
                    from monitor.core.claims import Evidence

                    evidence = Evidence(cube, coverage, moment, regimes, book.tag_errors)
                    version = now
                return examine(claim, evidence, book)

            outcomes[claim.id] = self._trends.look(examined)
        rulings = rule({name: outcome.finding for name, outcome in outcomes.items()})
        generated = self._store.generated
        documents = {
            name: describe(outcome, rulings[name], as_of=moment, generated=generated)
            for name, outcome in outcomes.items()
        }
        finished = time.monotonic()
        return _Computed("", moment, documents, outcomes, finished, finished - began)

    def _full(self, computed: _Computed, claim: Claim) -> Document:
        from monitor.core.claim_document import weekly_series
        from monitor.core.claims import Evidence, examine

        outcome = computed.outcomes.get(claim.id)
        if outcome is None:  # the verdicts came from the store, which does not keep the weeks
            regimes = self._regimes(computed.at)

            def examined(cube: Cube, coverage: Coverage, _: int) -> Outcome:
                evidence = Evidence(cube, coverage, computed.at, regimes, self._book.tag_errors)
                return examine(claim, evidence, self._book)

            outcome = self._trends.look(examined)
        references = [self._book.references[name] for name in getattr(claim.test, "figures", ())]
        return {
            **computed.documents[claim.id],
            "series": weekly_series(outcome),
            "references": [
                {
                    "id": one.id,
                    "what": one.what,
                    "value": one.value,
                    "unit": one.unit,
                    "dated": one.dated,
                    "citation": one.citation,
                    "url": one.url,
                    "checked": one.checked,
                    "note": one.note,
                }
                for one in references
            ],
            "history": [
                {
                    "at": written(row.at),
                    "cutoff": row.cutoff.isoformat(),
                    "verdict": row.verdict,
                    "effect": row.document.get("effect"),
                    "fingerprint": row.fingerprint,
                }
                for row in self._store.verdicts(claim.id, limit=HISTORY)
            ],
        }

    def _regimes(self, moment: datetime) -> Regimes:
        """Since when tags and sources are what they are, as far as was known at the moment."""
        tagging = tagging_break(self._store)
        changes: dict[str, int] = {}
        after = 0
        while events := self._store.events(kinds=("source_changed",), until=moment, after=after):
            for event in events:
                if event.source is not None:
                    changes[event.source] = day_number(event.at)
            after = events[-1].id
        return Regimes(None if tagging is None or tagging > moment else day_number(tagging), changes)
