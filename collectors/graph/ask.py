"""Asking a Graph API: the address, the key, the account of what is used, and what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson

from collectors.base import CollectError, Drifted, Key, Refused, RetryLater, Source, Throttled
from collectors.graph.faults import (
    HOUR,
    SPENT,
    TIRED,
    Fault,
    Usage,
    name_fault,
    read_fault,
    read_usage,
    why_refused,
)
from collectors.reading import unknown_shape

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

VERSION = "v26.0"
"""Of the Graph API for Facebook and Instagram. Threads has a version of its own, which has not changed since 2024."""
GRAPH = f"https://graph.facebook.com/{VERSION}"
THREADS = "https://graph.threads.com/v1.0"

META_KEY = Key(
    what="A token of an app of Meta with Page Public Content Access (Facebook) or Instagram Public Content Access "
    "(Instagram); one of a system user does not expire",
    where="https://developers.facebook.com/apps",
    shape="TOKEN or APP_ID|APP_SECRET",
)
THREADS_KEY = Key(
    what="A user token of an app of Meta with threads_keyword_search (searches) or threads_profile_discovery "
    "(profiles); it lives for 60 days, and the key in TRENDMONITOR_KEY__META is used where it is not set",
    where="https://developers.facebook.com/apps",
    shape="TOKEN",
)

EXPLAINED = (400, 401, 403, 404, 429, 500, 502, 503, 504)
"""Statuses whose body says what is wrong."""
BATCH = 50
"""Requests that one batch may hold; each counts as one."""


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    data: Any
    """The JSON of the body."""
    url: str
    """Where it came from, without the key."""
    fetched_at: datetime
    content_type: str
    usage: Usage
    status: int = 200
    fault: Fault | None = None
    """Only `Graph.look_up` returns answers that have one."""

    @property
    def tired(self) -> bool:
        """So much of the allowance is used that the visit should end here."""
        return self.usage.percent >= TIRED


class Graph:
    """One visit's way to one of the two services.

    Args:
        needs: the permission or feature that this source stands on, named in errors.
    """

    def __init__(self, source: Source, access: Access, *, threads: bool, needs: str) -> None:
        self.source = source
        self.access = access
        self.needs = needs
        self._base = THREADS if threads else GRAPH
        self._key = THREADS_KEY if threads else META_KEY
        own = threads and (access.has_key("threads") or not access.has_key())
        self._name = "threads" if own else None
        self._held = "held:threads" if threads else "held:graph"
        self._secret = access.key(self._key, self._name)
        self.variable = access.variable(self._name)

    async def get(self, path: str, params: Mapping[str, str | int]) -> Answer:
        """One request. Raises CollectError only."""
        answer = await self.look_up(path, params)
        if answer.fault is not None:
            raise self.failed(answer.fault, status=answer.status, usage=answer.usage)
        return answer

    async def look_up(self, path: str, params: Mapping[str, str | int]) -> Answer:
        """One thing that may be gone: an answer that says so has a `fault`. Raises CollectError for other faults."""
        self._refuse_if_held()
        address = self.access.url(f"{self._base}/{path}")
        fetched = await self.access.http.fetch(
            f"{address}?{urlencode({**params, 'access_token': self._secret})}",
            accept="application/json",
            allow_status=EXPLAINED,
        )
        answer = self._read(fetched, f"{address}?{urlencode(params)}" if params else address)
        if answer.fault is not None and not answer.fault.about_absence:
            raise self.failed(answer.fault, status=answer.status, usage=answer.usage)
        return answer

    async def batch(self, requests: Sequence[str]) -> Answer:
        """Up to `BATCH` relative addresses at once. The answer is a list in their order: objects with `code` and `body`
        (JSON as text), or null for one that was not answered in time. Raises CollectError only.

        `GET /?ids=…`, which did the same before, is refused since version 26.
        """
        self._refuse_if_held()
        address = self.access.url(f"{self._base}/")
        asked = [{"method": "GET", "relative_url": one} for one in requests[:BATCH]]
        form = {"access_token": self._secret, "include_headers": "false", "batch": orjson.dumps(asked).decode()}
        fetched = await self.access.http.fetch(
            address,
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            content=urlencode(form).encode(),
            accept="application/json",
            allow_status=EXPLAINED,
        )
        answer = self._read(fetched, address)
        if answer.fault is not None:
            raise self.failed(answer.fault, status=answer.status, usage=answer.usage)
        if not isinstance(answer.data, list):
            raise unknown_shape(self.source, "a batch is not answered by a list")
        return answer

    def failed(self, fault: Fault, *, status: int = 400, usage: Usage | None = None) -> CollectError:
        """The error that a fault stands for. Remembers when there is room again."""
        now = self.access.now()
        if fault.about_key:
            return self.access.refused(self._key, why_refused(fault), self._name)
        error = name_fault(
            fault,
            self.source,
            variable=self.variable,
            needs=self.needs,
            status=status,
            now=now,
            usage=usage if usage is not None else Usage(),
            secret=self._secret,
        )
        if isinstance(error, Throttled) and fault.about_limits and error.until is not None:
            self.access.memory[self._held] = error.until
        return error

    def _refuse_if_held(self) -> None:
        until = self.access.memory.get(self._held)
        if isinstance(until, datetime) and self.access.now() < until:
            raise Throttled(
                f"{self.source.id}: what Meta allows this key is used up; nothing more is asked for before "
                f"{until:%Y-%m-%d %H:%M} UTC.",
                code="quota_used",
                until=until,
            )

    def _read(self, fetched: Fetched, shown: str) -> Answer:
        usage = read_usage(fetched.headers)
        if usage.percent >= SPENT:
            self.access.memory[self._held] = self.access.now() + usage.wait
        body = fetched.body or b""
        for written in {self._secret, quote(self._secret, safe="")}:
            # the addresses of the next page hold the key
            body = body.replace(written.encode(), b"***")
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise self._not_json(fetched.status) from None
        fault = read_fault(data)
        if fault is None and fetched.status >= 400:
            fault = Fault(4 if fetched.status == 429 else 0, message=f"status {fetched.status} without a reason")
        return Answer(body, data, shown, fetched.fetched_at, fetched.content_type, usage, fetched.status, fault)

    def _not_json(self, status: int) -> CollectError:
        what = (
            f"{self.source.id}: Meta's API answered {status} with something that is not JSON. It is tried again later."
        )
        if status >= 500:
            return RetryLater(what, code=f"http_{status}")
        if status == 429:
            return Throttled(what, code="http_429", until=self.access.now() + HOUR)
        return Refused(what, code=f"http_{status}") if status >= 400 else Drifted(what, code="not_json")
