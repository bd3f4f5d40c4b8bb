"""One fetch on its way through redirects: what is sent where, and what must not follow along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from collectors.base import Drifted, Refused
from collectors.net.urls import check_url, names_a_secret, redact

MAX_REDIRECTS = 5
SAFE_METHODS = frozenset({"GET", "HEAD"})
_PERMANENT = frozenset({301, 308})
_KEEPING = frozenset({307, 308})
"""Redirects that keep method and body; the others turn a POST into a GET."""


@dataclass(slots=True)
class Trip:
    """Mutable on purpose: `redirect` moves it on to the next hop."""

    method: str
    url: httpx.URL
    headers: dict[str, str | bytes]
    content: bytes | None
    seconds: float
    """Left of the total time."""
    wanted: frozenset[int]
    """Statuses whose body is read although they are not 2xx."""
    limit: int
    trail: list[tuple[str, str]] = field(default_factory=list)
    permanent: str | None = None
    """Where the permanent redirects at the beginning of the trip lead."""
    only_permanent: bool = True
    conditional: bool = False
    """The last request carried validators."""


def redirect(trip: Trip, status: int, location: str) -> None:
    """Move on to where the answer points.

    Raises Drifted for loops, for more than five redirects and for what is not an address; Refused for schemes other
    than http(s) and for a body that would have to be sent to a stranger.
    """
    here = trip.url
    shown = redact(str(here))
    try:
        target = here.join(location)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise Drifted(f"{shown} redirects to something that is not an address.", code="bad_redirect") from None
    try:
        target = check_url(str(target))
    except Refused as refused:
        raise Refused(f"{shown} redirects to where we do not follow. {refused}", code="bad_redirect") from None
    trip.trail.append((trip.method, str(here)))
    stranger = not _same_place(here, target)
    if trip.method not in SAFE_METHODS:
        if status not in _KEEPING:
            trip.method, trip.content = "GET", None
            _drop(trip, lambda name: name.lower() == "content-type")
        elif stranger:
            message = f"{shown} redirects a {trip.method} to another host ({redact(str(target))}): not followed."
            raise Refused(message, code="bad_redirect")
    if stranger:
        _drop(trip, names_a_secret)
    if (trip.method, str(target)) in trip.trail:
        way = " → ".join(redact(url) for _, url in trip.trail)
        message = f"{way} → {redact(str(target))}: the redirects go round in a circle. Check the address in a browser."
        raise Drifted(message, code="redirect_loop")
    if len(trip.trail) > MAX_REDIRECTS:
        message = f"{redact(trip.trail[0][1])} redirects more than {MAX_REDIRECTS} times. Use the final address."
        raise Drifted(message, code="too_many_redirects")
    # A move from https to http is not believed: it is a captive portal or a mistake more often than a move.
    if trip.only_permanent and status in _PERMANENT and not (here.scheme == "https" and target.scheme == "http"):
        trip.permanent = str(target)
    else:
        trip.only_permanent = False
    trip.url = target


def _drop(trip: Trip, condemned: Callable[[str], bool]) -> None:
    trip.headers = {name: value for name, value in trip.headers.items() if not condemned(name)}


def _same_place(here: httpx.URL, there: httpx.URL) -> bool:
    """True if secrets for `here` may be sent `there`: the same scheme, host and port, or the step up to https."""
    if here.raw_host != there.raw_host:
        return False
    if here.scheme == there.scheme:
        return _port(here) == _port(there)
    return (here.scheme, _port(here), there.scheme, _port(there)) == ("http", 80, "https", 443)


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
