"""Items that could not be read, as they came, so that they can be read again once the fault is mended.

They may hold names, so they are kept for a month at most, are shown to nobody but the operator of this machine, and go
with their source.
"""

# ruff: noqa: S608 - statements are put together from constants of this module; values are always parameters

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collectors.base import Rejected
from monitor.store.database import Database, Transaction
from monitor.store.tables import from_micros, to_micros

KEPT = timedelta(days=30)
MOST = 1000
"""Items of one source; older ones make room."""


@dataclass(frozen=True, slots=True)
class Aside:
    """One item that was set aside."""

    number: int
    source: str
    at: datetime
    reason: str
    raw: bytes


class SetAside:
    """Reached as `Store.set_aside`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, source_id: str | None = None, *, after: int = 0, limit: int = 100) -> list[Aside]:
        """Those of one source or of all, in the order they came; go on after the last number."""
        where, values = ("AND s.id = ?", [source_id]) if source_id is not None else ("", [])
        with self._database.read() as tx:
            rows = tx.rows(
                "SELECT a.id, s.id, a.at, a.reason, a.raw FROM set_aside AS a JOIN source AS s ON s.number = a.source"
                f" WHERE a.id > ? {where} ORDER BY a.id LIMIT ?",
                (after, *values, limit),
            )
        return [Aside(number, source, from_micros(at), reason, bytes(raw)) for number, source, at, reason, raw in rows]

    def counts(self) -> dict[str, int]:
        """source id → how many are set aside."""
        with self._database.read() as tx:
            return dict(
                tx.rows(
                    "SELECT s.id, count(*) FROM set_aside AS a JOIN source AS s ON s.number = a.source GROUP BY s.id"
                )
            )

    def drop(self, numbers: Sequence[int]) -> None:
        """These are read by now, or not wanted."""
        with self._database.write() as tx:
            tx.many("DELETE FROM set_aside WHERE id = ?", [(number,) for number in numbers])

    def expire(self, now: datetime) -> None:
        """Strike out what was kept long enough."""
        with self._database.write() as tx:
            tx.run("DELETE FROM set_aside WHERE at < ?", (to_micros(now - KEPT),))


def put_aside(tx: Transaction, source: int, rejected: Sequence[Rejected], at: int) -> None:
    """Keep these items; one that is there already stays as it is."""
    if not rejected:
        return
    held = {row[0] for row in tx.rows("SELECT hash FROM set_aside WHERE source = ?", (source,))}
    fresh = {_hash(one.raw): one for one in rejected if one.raw is not None}
    tx.many(
        "INSERT INTO set_aside (source, hash, at, reason, raw) VALUES (?, ?, ?, ?, ?)",
        [(source, key, at, one.reason[:200], one.raw) for key, one in fresh.items() if key not in held],
    )
    tx.run(
        "DELETE FROM set_aside WHERE source = ? AND id <= (SELECT id FROM set_aside WHERE source = ?"
        " ORDER BY id DESC LIMIT 1 OFFSET ?)",
        (source, source, MOST),
    )


def _hash(raw: bytes | None) -> int:
    return int.from_bytes(hashlib.blake2b(raw or b"", digest_size=8).digest(), signed=True)
