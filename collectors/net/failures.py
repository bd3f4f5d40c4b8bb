"""Bad days, named by what to do next. Messages name the address without its secrets.

Texts of foreign exceptions are not passed on: they may repeat header values or addresses.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from collectors.base import CollectError, Drifted, Gone, NeedsKey, NotFound, Refused, RetryLater, Throttled
from collectors.net.decode import BadBody, TooLarge, Truncated
from collectors.net.urls import redact

BAD_DAYS = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ConnectionNotAvailable,
    httpcore.UnsupportedProtocol,
    OSError,  # ssl.SSLError and TimeoutError among them
    UnicodeError,
)
"""All that httpx, httpcore and the layers below raise when the other side or the network misbehaves."""

LONGEST_WAIT = timedelta(days=7)
"""A Retry-After beyond this is taken as this."""
LONGEST_POLL_AFTER = timedelta(days=1)
"""A max-age beyond this (static hosting often says a year) is taken as this."""


def name_failure(error: BaseException, url: str) -> CollectError:
    """The CollectError for an exception out of `BAD_DAYS` (other than running out of the total time)."""
    shown = redact(url)
    tls = _find_tls(error)
    if tls is not None:
        return RetryLater(f"{shown}: no secure connection ({tls}). Check the address and the certificate.", code="tls")
    for kind, (code, what) in _NETWORK.items():
        if isinstance(error, kind):
            return RetryLater(f"{shown}: {what}. It is tried again later.", code=code)
    if isinstance(error, httpcore.RemoteProtocolError):
        return _name_protocol(str(error), shown)
    if isinstance(error, (httpcore.LocalProtocolError, UnicodeError)):
        message = f"The request to {shown} could not be written: a header has characters that HTTP does not allow."
        return Refused(message, code="bad_request")
    return RetryLater(
        f"{shown}: the connection failed ({type(error).__name__}). It is tried again later.", code="reset"
    )


_NETWORK: dict[type[BaseException], tuple[str, str]] = {
    httpcore.ConnectTimeout: ("timeout_connect", "no connection within the time allowed"),
    httpcore.ReadTimeout: ("timeout_silence", "it fell silent for longer than allowed"),
    httpcore.WriteTimeout: ("timeout_silence", "it did not take the request within the time allowed"),
    httpcore.ConnectError: ("connect", "the connection was refused or is not possible"),
    httpcore.ReadError: ("reset", "the connection broke"),
    httpcore.WriteError: ("reset", "the connection broke"),
}


def _name_protocol(text: str, shown: str) -> CollectError:
    # h11 has one class for all of these; its fixed texts are the only mark.
    if "without sending complete message body" in text or "incomplete chunked read" in text:
        return RetryLater(f"{shown}: the answer ended too early. It is tried again later.", code="truncated")
    if "without sending a response" in text:
        return RetryLater(
            f"{shown}: the connection was closed without an answer. It is tried again later.", code="reset"
        )
    return RetryLater(f"{shown}: the answer is not valid HTTP. It is tried again later.", code="protocol")


def _find_tls(error: BaseException) -> str | None:
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        here = queue.pop()
        if here is None or id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, ssl.SSLCertVerificationError):
            return here.verify_message or "the certificate is not valid"
        if isinstance(here, ssl.SSLError):
            return (here.reason or "TLS error").replace("_", " ").lower()
        queue += [here.__cause__, here.__context__]
    return None


def name_body(error: BadBody, url: str, limit: int) -> CollectError:
    """The CollectError for a body that cannot be used."""
    shown = redact(url)
    if isinstance(error, TooLarge):
        most = f"{limit / 1e6:g} MB"
        return Drifted(f"{shown}: the answer is too large: {error} than the {most} that are read.", code="too_large")
    if isinstance(error, Truncated):
        return RetryLater(f"{shown}: {error}. It is tried again later.", code="truncated")
    return Drifted(f"{shown}: the answer cannot be decoded: {error}.", code="bad_encoding")


def name_status(
    status: int, url: str, headers: Mapping[str, str], now: datetime, *, key_sent: bool
) -> CollectError | None:
    """The CollectError for a status code; None for a 2xx that can be read.

    A 304 must have been handled before: here it came without being asked for.
    """
    shown = redact(url)
    if 200 <= status < 300 and status != 206:
        return None
    if status in {401, 403, 407, 451}:
        if key_sent and status in {401, 403}:
            message = f"{shown} refused the key ({status}). Check the key in TRENDMONITOR_KEY__<COLLECTOR>."
            return NeedsKey(message, code=f"http_{status}")
        why = "for legal reasons" if status == 451 else "to us"
        message = (
            f"{shown} refuses {why} ({status}). Check the address in a browser; it may need a key or forbid programs."
        )
        return Refused(message, code=f"http_{status}")
    if status == 404:
        return NotFound(f"{shown} was not found (404). Check the address if it lasts.", code="http_404")
    if status == 410:
        message = f"{shown} is gone for good (410). It is not asked any more; remove or replace the source."
        return Gone(message, code="http_410")
    until = read_retry_after(headers, now)
    when = f"not before {until:%Y-%m-%d %H:%M:%S} UTC" if until else "later"
    if status == 429:
        return Throttled(
            f"{shown} asks for fewer requests (429). It is asked again {when}.", code="http_429", until=until
        )
    if status >= 500 or status in {408, 421, 425}:
        message = f"{shown} has a fault of its own ({status}). It is asked again {when}."
        return RetryLater(message, code=f"http_{status}", until=until)
    message = f"{shown} answered with status {status}, which cannot be read. Check the address."
    return Drifted(message, code=f"http_{status}")


def read_retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """The time before which Retry-After asks not to come back, seconds or HTTP-date (RFC 9110, 10.2.3).

    A date is taken relative to the answer's own Date, so that a wrong clock on either side does no harm. Clipped to
    between `now` and seven days. None if absent or unreadable.
    """
    value = headers.get("retry-after", "").strip()
    wait: timedelta | None
    if value.isascii() and value.isdigit():
        wait = timedelta(seconds=min(int(value[:12]), LONGEST_WAIT.total_seconds()))
    else:
        wait = _from_now(value, headers, now)
    return None if wait is None else now + min(max(wait, timedelta(0)), LONGEST_WAIT)


def read_poll_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the answer asks not to be repeated: the longer of freshness (max-age less Age, or Expires; RFC 9111,
    4.2) and Retry-After. At most a day; None if it does not ask, or asks for no caching."""
    retry = read_retry_after(headers, now)
    waits = [fresh for fresh in (_freshness(headers, now), retry - now if retry else None) if fresh is not None]
    longest = min(max(waits, default=timedelta(0)), LONGEST_POLL_AFTER)
    return longest if longest > timedelta(0) else None


def _freshness(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    directives: dict[str, str] = {}
    for part in headers.get("cache-control", "").lower().split(","):
        name, _, value = part.partition("=")
        directives.setdefault(name.strip(), value.strip().strip('"'))
    if "no-cache" in directives or "no-store" in directives:
        return None
    age = directives.get("max-age")
    if age is not None:
        if not (age.isascii() and age.isdigit()):
            return None
        held = headers.get("age", "").strip()
        spent = int(held[:9]) if held.isascii() and held.isdigit() else 0
        return timedelta(seconds=int(age[:9]) - spent)
    return _from_now(headers.get("expires", ""), headers, now)


def _from_now(value: str, headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """From the answer's Date (or `now`) to an HTTP-date; None if unreadable."""
    then = _read_date(value)
    return None if then is None else then - (_read_date(headers.get("date", "")) or now)


def _read_date(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
