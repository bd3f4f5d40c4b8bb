"""Who is collecting. A process that was killed leaves claims; whoever finds itself alone frees them at once.

Every collecting process holds a shared lock that ends with it, however it ends. To come in, it first tries for the
lock alone: if it gets that, nobody else collects, and every claim in the database belongs to the dead. Otherwise the
leases of the dead run out. The lock is a file beside the SQLite database, or an advisory lock of PostgreSQL.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from monitor.store.database import Database

try:
    import fcntl
except ImportError:  # Windows: leases run out there
    fcntl = None  # type: ignore[assignment]  # stands for the missing module

FREE = "UPDATE source SET claimed_until = NULL WHERE claimed_until IS NOT NULL"
_KEY = 0x7472656E64  # 'trend'; any number that is ours


class Presence:
    """Held while collecting; `close` gives it back, and so does the end of the process."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave

    def close(self) -> None:
        leave, self._leave = self._leave, lambda: None
        leave()


def appear(database: Database) -> Presence:
    """Count as collecting from now on, and free the claims of the dead if nobody else does. Raises Unavailable."""
    return _with_file(database) if database.dialect.name == "sqlite" else _with_advisory_lock(database)


def _free(database: Database) -> None:
    with database.write() as tx:
        tx.run(FREE)


def _complain(path: Path, error: OSError) -> None:
    import structlog  # late: slow to load, and seldom needed

    structlog.get_logger(__name__).warning("no_presence", path=str(path), error=str(error))


def _with_file(database: Database) -> Presence:
    if fcntl is None:
        return Presence(lambda: None)
    path = Path(f"{database.address.database}-collecting")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:  # a read-only folder: the database itself will say so when it is written to
        _complain(path, error)
        return Presence(lambda: None)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            _free(database)
        fcntl.flock(handle, fcntl.LOCK_SH)
    except OSError as error:  # a file system without locks: leases run out there
        _complain(path, error)
    except BaseException:
        os.close(handle)
        raise
    return Presence(lambda: os.close(handle))


def _with_advisory_lock(database: Database) -> Presence:
    with database.explained():
        connection = database.engine.connect()
        try:
            held = connection.execution_options(isolation_level="AUTOCOMMIT").connection.cursor()
            if held.execute("SELECT pg_try_advisory_lock(%s)", (_KEY,)).fetchone()[0]:
                _free(database)
                held.execute("SELECT pg_advisory_lock_shared(%s)", (_KEY,))
                held.execute("SELECT pg_advisory_unlock(%s)", (_KEY,))
            else:
                held.execute("SELECT pg_advisory_lock_shared(%s)", (_KEY,))
        except BaseException:
            connection.close()
            raise

    def leave() -> None:
        with contextlib.suppress(Exception):  # a connection that broke has lost its lock already
            held.execute("SELECT pg_advisory_unlock_shared(%s)", (_KEY,))
        connection.close()

    return Presence(leave)
