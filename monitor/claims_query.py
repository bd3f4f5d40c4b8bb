"""Which claims are asked for, and as of when: parameters of `/claims` and `trendmonitor claims`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from monitor.core.claim import KINDS
from monitor.core.finding import VERDICTS
from monitor.core.query import FIRST_DATE, MAX_LENGTH, MAX_VALUES, QueryError

PARAMETERS = ("kind", "verdict", "segment")
_CLOSED: Mapping[str, Sequence[str]] = {"kind": KINDS, "verdict": VERDICTS}
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ClaimsQuery:
    """Wanted kinds, verdicts and segments; none of a sort means all of it."""

    kinds: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    """Lower case, with blanks instead of _ and -."""

    def select(self, claims: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The claim documents that fit, in the order given. Raises QueryError for a segment that no claim is in."""
        known = {_plain(claim["segment"]): claim["segment"] for claim in claims}
        for wanted in self.segments:
            if claims and wanted not in known:
                raise QueryError("segment", _unknown("segment", wanted, list(known.values())))
        return [
            claim
            for claim in claims
            if (not self.kinds or claim["kind"] in self.kinds)
            and (not self.verdicts or claim["verdict"] in self.verdicts)
            and (not self.segments or _plain(claim["segment"]) in self.segments)
        ]


def parse_claims_query(params: Mapping[str, Sequence[str]]) -> ClaimsQuery:
    """Raises QueryError naming the first parameter that does not fit.

    Values may be repeated or separated by commas; empty ones count as not given. That a segment exists is not checked
    here, because segments are what the claim files say.
    """
    for name in params:
        if name not in PARAMETERS:
            raise QueryError(name[:100], _unknown("parameter", name, PARAMETERS))
    found = {name: _values(params, name) for name in PARAMETERS}
    for name, known in _CLOSED.items():
        for value in found[name]:
            if value not in known:
                raise QueryError(name, _unknown(name, value, known))
    return ClaimsQuery(found["kind"], found["verdict"], tuple(_plain(value) for value in found["segment"]))


def read_as_of(text: str, now: datetime) -> date:
    """The day before which posts count, from an ISO date. Raises QueryError.

    Tomorrow is the latest there is: posts of today lie before it.
    """
    try:
        if not _ISO_DAY.fullmatch(text):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        message = f"as_of is a day such as {now:%Y-%m-%d} (posts published before it count), not {text[:40]!r}."
        raise QueryError("as_of", message) from None
    latest = now.date() + timedelta(days=1)
    if not FIRST_DATE <= day <= latest:
        raise QueryError("as_of", f"as_of lies between {FIRST_DATE} and tomorrow, {latest}; {text} does not.")
    return day


def _values(params: Mapping[str, Sequence[str]], name: str) -> tuple[str, ...]:
    values = [part.strip() for given in params.get(name, ()) for part in given.split(",")]
    if len(values) > MAX_VALUES:
        raise QueryError(name, f"{name} was given {len(values)} values; at most {MAX_VALUES}.")
    for value in values:
        if len(value) > MAX_LENGTH:
            raise QueryError(name, f"A value of {name} has {len(value)} characters; at most {MAX_LENGTH}.")
    return tuple(dict.fromkeys(value for value in values if value))


def _plain(segment: str) -> str:
    return segment.strip().lower().replace("_", " ").replace("-", " ")


def _unknown(what: str, given: str, known: Sequence[str]) -> str:
    near = get_close_matches(given[:MAX_LENGTH].lower(), known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    return f"There is no {what} {given[:60]!r}. {hint}"
