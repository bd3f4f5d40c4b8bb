"""Events of the Jetstream, of its first and its second wire. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

POSTS = "app.bsky.feed.post"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
GONE = frozenset({"deleted", "takendown", "suspended", "deactivated"})
"""What makes an account's posts disappear. 'desynchronized' and 'throttled' say that a server has trouble."""


class Event(NamedTuple):
    kind: str
    """'post' (something happened to one), 'gone' (an account is), 'back' (an account is active), 'info' (a notice),
    'error' (the stream ends), 'other'."""
    did: str
    micros: int
    """When the Jetstream saw it, microseconds since 1970; 0 for notices and errors."""
    seq: int | None
    """Its number on this host; the second wire only."""
    operation: str = ""
    """Of a post: 'create', 'update', 'delete'. Of a notice or error: its name."""
    rkey: str = ""
    record: Any = None

    @property
    def uri(self) -> str:
        return f"at://{self.did}/{POSTS}/{self.rkey}"


def read_event(raw: str | bytes) -> Event:
    """One message of either wire. Raises ValueError, KeyError, TypeError or AttributeError for what is none."""
    message = orjson.loads(raw)
    if "kind" in message:
        return _first(message)
    if message["$type"] == "message":
        return _second(message["payload"])
    if message["$type"] == "error":
        return Event("error", "", 0, None, str(message.get("error") or message.get("name") or "unnamed"))
    raise ValueError(message["$type"])


def _first(message: dict[str, Any]) -> Event:
    kind, did, micros = message["kind"], message["did"], message["time_us"]
    if type(did) is not str or type(micros) is not int:
        raise TypeError
    if kind == "commit":
        return _commit(did, micros, None, message["commit"])
    if kind == "account":
        return _account(did, micros, None, message["account"])
    return Event("other", did, micros, None)


def _second(payload: dict[str, Any]) -> Event:
    kind = payload["$type"].rpartition("#")[2]
    if kind == "info":
        return Event("info", "", 0, None, str(payload.get("name")))
    did, seq = payload["did"], payload["seq"]
    if type(did) is not str or type(seq) is not int:
        raise TypeError
    micros = micros_of(datetime.fromisoformat(payload.get("witnessedAt") or payload["time"]))
    if kind == "commit":
        return _commit(did, micros, seq, payload)
    if kind == "account":
        return _account(did, micros, seq, payload["account"])
    return Event("other", did, micros, seq)


def _commit(did: str, micros: int, seq: int | None, commit: dict[str, Any]) -> Event:
    if commit["collection"] != POSTS:
        return Event("other", did, micros, seq)
    operation = commit["operation"]
    record = None if operation == "delete" else commit.get("record")
    return Event("post", did, micros, seq, operation, str(commit["rkey"]), record)


def _account(did: str, micros: int, seq: int | None, account: dict[str, Any]) -> Event:
    if account["active"]:
        return Event("back", did, micros, seq)
    return Event("gone" if account.get("status") in GONE else "other", did, micros, seq)


def micros_of(moment: datetime) -> int:
    """Microseconds since 1970. Raises TypeError for a time without a zone."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(micros: int) -> datetime:
    """Aware UTC. Raises OverflowError for what is no time."""
    return _EPOCH + micros * _MICROSECOND
