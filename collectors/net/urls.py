"""Which addresses may be asked at all, and how an address is shown without its secrets."""

from __future__ import annotations

import logging
import re
from urllib.parse import unquote, unquote_plus, urlsplit

import httpx

from collectors.base import Refused

MAX_URL = 8000
"""Characters. Longer ones are mistakes; servers commonly refuse them with 414 anyway."""

_SHOWN = 300
_HIDDEN = "***"

_SECRET_WORDS = frozenset(
    {
        "apikey", "appkey", "auth", "authorization", "bearer", "code", "cookie", "credential", "credentials", "hash",
        "hmac", "jwt", "key", "pass", "passwd", "password", "policy", "pwd", "secret", "session", "sessionid", "sid",
        "sig", "sign", "signature", "ticket", "token",
    }
)  # fmt: skip
_SECRET_ENDINGS = ("key", "token", "secret", "password", "passwd", "auth", "hash", "signature", "sessionid")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_INNER_PARAMETER = re.compile(r"[?&;]([^=&;?#/]{1,60})=")
_SECRET_BEFORE = re.compile(r"^(?:private|secrets?|tokens?|auth|keys?|webhooks?|hooks|passwords?)(?:[-_].*)?$", re.I)
_SECRET_SEGMENT = re.compile(r"^(?:[0-9a-f]{32,}|bot\d+:.+|private[-_].{8,}|ey[\w-]{16,}\.[\w-]+.*)$", re.I)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def names_a_secret(name: str) -> bool:
    """True if a header or query parameter of this name commonly carries a secret (`api_key`, `X-Amz-Signature`).

    Goes by the words of the name only and errs on the side of hiding.
    """
    words = {word.lower() for word in _WORD.findall(name)}
    return bool(words & _SECRET_WORDS) or name.lower().endswith(_SECRET_ENDINGS)


def redact(url: str) -> str:
    """The address as it may be shown or logged: no user, password or fragment, `***` for what looks like a secret.

    Secrets are query values whose name says so (also inside an address passed as a value), path segments that are
    long hexadecimal numbers, and those that follow a segment such as `private` or `token`. Control characters are
    dropped and the result is at most 300 characters long. Never raises.
    """
    try:
        parts = urlsplit(_CONTROL.sub("", url.strip()))
    except ValueError:
        return "(unreadable address)"
    netloc = parts.netloc.rpartition("@")[2]
    path = parts.path if netloc else parts.path.rpartition("@")[2]
    segments = path.split("/")
    for index, segment in enumerate(segments):
        follows = index > 0 and _SECRET_BEFORE.match(segments[index - 1]) is not None
        if segment and (follows or _SECRET_SEGMENT.match(unquote(segment))):
            segments[index] = _HIDDEN
    shown = f"{parts.scheme}:" if parts.scheme else ""
    shown += (f"//{netloc}" if netloc else "") + "/".join(segments)
    if parts.query:
        shown += "?" + "&".join(_redact_parameter(part) for part in re.split("[&;]", parts.query))
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def _redact_parameter(part: str) -> str:
    name, equals, value = part.partition("=")
    if not equals:
        # A query without a name is itself a token often enough: '?3f8e9a7b…'
        return _HIDDEN if len(name) >= 24 else name
    inner = unquote_plus(value)
    hidden = names_a_secret(unquote_plus(name)) or "@" in inner or _SECRET_SEGMENT.match(inner) is not None
    hidden = hidden or any(names_a_secret(found) for found in _INNER_PARAMETER.findall(inner))
    return f"{name}={_HIDDEN}" if hidden and value else part


def carries_secret(url: httpx.URL) -> bool:
    """True if the address itself holds a user or a secret-looking query value."""
    return bool(url.userinfo) or any(names_a_secret(name) for name, value in url.params.multi_items() if value)


def check_url(url: str) -> httpx.URL:
    """The parsed address, without its fragment and with an internationalised host in its ASCII form.

    Raises Refused('bad_url') for anything but http(s) with a host and a valid port. A missing scheme is not guessed.
    """
    url = url.strip()
    if len(url) > MAX_URL:
        raise _bad(url, f"it is longer than {MAX_URL} characters")
    if _CONTROL.search(url):
        raise _bad(url, "it contains control characters")
    try:
        parsed = httpx.URL(url).copy_with(fragment=None)
        host = parsed.raw_host.decode("ascii")
        port = parsed.port
        # Read for its error: httpx decodes the host's Punycode only when asked.
        _ = parsed.host
    # UnicodeError covers idna.IDNAError; the messages may repeat the address, so they are not passed on
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise _bad(url, "it is not a valid address") from None
    if parsed.scheme not in {"http", "https"}:
        raise _bad(url, f"only http and https are read, not {parsed.scheme!r}" if parsed.scheme else "it has no scheme")
    if not host.strip("."):
        raise _bad(url, "it names no host")
    if any(mark in host for mark in ' %\\"<>^`{|}'):
        raise _bad(url, "its host name is not valid")
    if port is not None and not 0 < port < 65536:
        raise _bad(url, f"port {port} does not exist")
    return parsed


def _bad(url: str, why: str) -> Refused:
    message = f"The address {redact(url)!r} cannot be fetched: {why}. Write it like https://example.org/feed.xml."
    return Refused(message, code="bad_url")


class _Redacting(logging.Filter):
    """Keeps secrets of addresses out of httpx's request line."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(redact(str(arg)) if isinstance(arg, httpx.URL) else arg for arg in record.args)
        return True


class _Quiet(logging.Filter):
    """Drops httpcore's wire trace, which prints whole header blocks (Location, Set-Cookie) as text."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG


def seal_logs() -> None:
    """Make the logs of httpx and httpcore safe at every level. Filters sit on the loggers themselves, so no later
    `setLevel` or handler brings a secret back. Calling it again changes nothing."""
    _add_once(logging.getLogger("httpx"), _Redacting)
    for name in ("connection", "http11", "http2", "proxy", "socks"):
        _add_once(logging.getLogger(f"httpcore.{name}"), _Quiet)


def _add_once(logger: logging.Logger, kind: type[logging.Filter]) -> None:
    if not any(isinstance(present, kind) for present in logger.filters):
        logger.addFilter(kind())
