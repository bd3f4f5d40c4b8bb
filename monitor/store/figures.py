"""What people are told of the database itself: how large it is, and what was booked under which name."""

from __future__ import annotations

from datetime import datetime

from monitor.store.database import Database
from monitor.store.tables import to_micros

_SIZE = {
    "sqlite": "SELECT (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size())",
    "postgresql": "SELECT pg_database_size(current_database())",
}


def size(database: Database) -> int:
    """Bytes of the database, indexes included; on SQLite without what still lies in the write-ahead log."""
    with database.read() as tx:
        return int(tx.value(_SIZE[tx.dialect.name]))


def booked(database: Database, collector: str, *, since: datetime) -> dict[str, float]:
    """bucket → what is booked in it since then. Also buckets that the collector does not declare, such as the one of a
    single server or source."""
    with database.read() as tx:
        return {
            bucket: float(amount)
            for bucket, amount in tx.rows(
                "SELECT bucket, sum(amount) FROM spending WHERE collector = ? AND at >= ? GROUP BY bucket",
                (collector, to_micros(since)),
            )
        }
