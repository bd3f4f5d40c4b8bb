"""What a collector may use on a visit: the HTTP client, the platform's address, its key and its account of quotas."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from collectors.base import EMPTY, Key, NeedsKey, Throttled
from collectors.quota import MemoryMeter, Meter, Quota

if TYPE_CHECKING:
    from collectors.fetch import Http


class Access:
    """One for each collector and visit; cheap.

    Args:
        collector: its name, which is also the end of its variables' names.
        keys: collector → key, of all collectors.
        base: where TRENDMONITOR_API_BASE__<COLLECTOR> points; None: to the platform itself.
        memory: kept for the life of the process and shared by all visits of this collector (access tokens).
    """

    def __init__(
        self,
        collector: str,
        http: Http,
        *,
        keys: Mapping[str, str] = EMPTY,
        base: str | None = None,
        meter: Meter | None = None,
        memory: MutableMapping[str, Any] | None = None,
    ) -> None:
        self.collector = collector
        self.http = http
        self.memory: MutableMapping[str, Any] = {} if memory is None else memory
        self._keys = keys
        self._base = base
        self._meter = MemoryMeter() if meter is None else meter

    def now(self) -> datetime:
        """The present moment, aware UTC, by the clock that tests can move."""
        return self.http.clock()

    def url(self, official: str) -> str:
        """`official`, or the same under TRENDMONITOR_API_BASE__<COLLECTOR>.

        A base without a path stands for the platform's host: the path of `official` is kept
        ('http://127.0.0.1:9001' + 'https://api.example/v5/pins' → 'http://127.0.0.1:9001/v5/pins'). A base with a path
        stands for the host and is put in front of the path.
        """
        if self._base is None:
            return official
        base, asked = urlsplit(self._base), urlsplit(official)
        prefix = base.path.rstrip("/")
        path = asked.path if asked.path.startswith(f"{prefix}/") else prefix + asked.path
        scheme = base.scheme
        if asked.scheme in ("ws", "wss"):
            scheme = "wss" if base.scheme == "https" else "ws"
        return urlunsplit((scheme, base.netloc, path, asked.query, ""))

    @property
    def redirected(self) -> bool:
        """True if the platform's address was replaced."""
        return self._base is not None

    def variable(self, name: str | None = None) -> str:
        """The environment variable that holds the key."""
        return f"TRENDMONITOR_KEY__{(name or self.collector).upper()}"

    def has_key(self, name: str | None = None) -> bool:
        return bool(self._keys.get(name or self.collector))

    def key(self, key: Key, name: str | None = None) -> str:
        """The key of this collector (or of another `name`, for platforms with several). Raises NeedsKey."""
        found = self._keys.get(name or self.collector)
        if not found:
            raise NeedsKey(
                f"{self.variable(name)} is not set. It holds {_lower(key.what)}, written as {key.shape}; "
                f"one is asked for at {key.where}.",
                code="needs_key",
            )
        return found

    def key_pair(self, key: Key, name: str | None = None) -> tuple[str, str]:
        """The two halves of a key that is written as ONE:TWO. Raises NeedsKey."""
        one, colon, two = self.key(key, name).partition(":")
        if not (one and colon and two):
            raise NeedsKey(
                f"{self.variable(name)} is not written as {key.shape}: the part before or after the colon is missing.",
                code="key_refused",
            )
        return one, two

    def refused(self, key: Key, why: str, name: str | None = None) -> NeedsKey:
        """The error to raise when the platform refuses a key. `why`: what it said, without the key, as a clause."""
        return NeedsKey(
            f"The key in {self.variable(name)} is refused: {why.rstrip('.')}. It holds {_lower(key.what)}; "
            f"one is asked for at {key.where}.",
            code="key_refused",
        )

    async def spend(self, quota: Quota, amount: float = 1, *, what: str = "") -> int:
        """Book `amount` before the request is sent. Returns the booking, for `correct`.

        Raises Throttled('quota_used') with the time when the window has room again, if the limit would be passed.
        """
        now = self.now()
        since, until = quota.window(now)
        booked = await self._meter.book(self.collector, quota, amount, since=since, at=now, what=what)
        if isinstance(booked, int):
            return booked
        if until <= now:  # rolling: room comes when the oldest booking leaves the window
            until = booked + (now - since) + timedelta(seconds=1)
        raise Throttled(
            f"{self.collector}: the limit of {quota.limit:,g} {quota.unit} is reached; "
            f"nothing more is asked for before {until:%Y-%m-%d %H:%M} UTC.",
            code="quota_used",
            until=until,
        )

    async def correct(self, booking: int, amount: float) -> None:
        """Set a booking to what was really used, once the answer tells."""
        await self._meter.correct(booking, amount)


def _lower(text: str) -> str:
    """As the middle of a sentence: 'A token' → 'a token', 'OAuth token' unchanged."""
    return text[:1].lower() + text[1:] if text[:2] in ("A ", "An") or text[1:2].islower() else text
