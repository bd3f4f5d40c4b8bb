"""The row that writers move first: it hands out versions in the order of commits."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

from dataclasses import dataclass

from monitor.store.database import Database, Transaction

_NAMES = ("version", "epoch", "posts", "last_source", "last_post", "keyed", "searchable")
_COLUMNS = ", ".join(_NAMES)
_SAVE = f"UPDATE clock SET {', '.join(f'{name} = ?' for name in _NAMES)} WHERE id = 1"


@dataclass(slots=True)
class Clock:
    """The clock as read under its lock. `tick` once anything that readers follow was changed."""

    version: int
    epoch: int
    posts: int
    last_source: int
    last_post: int
    keyed: int
    searchable: int

    @classmethod
    def take(cls, tx: Transaction) -> Clock:
        """Wait for our turn among writers. Call it before touching any other row, so that no two writers cross."""
        return cls(*tx.row(f"SELECT {_COLUMNS} FROM clock WHERE id = 1{tx.dialect.turn_lock}"))

    def tick(self, tx: Transaction, *, posts: int = 0, epoch: bool = False) -> int:
        """Move the version on, and the number of posts by `posts`; returns the version for what is written now."""
        self.version += 1
        self.posts += posts
        self.epoch += epoch
        self.save(tx)
        return self.version

    def save(self, tx: Transaction) -> None:
        """Write the numbers that were moved, without a new version."""
        tx.run(_SAVE, tuple(getattr(self, name) for name in _NAMES))


def data_version(database: Database) -> int:
    with database.read() as tx:
        return int(tx.value("SELECT version FROM clock WHERE id = 1"))


def epoch(database: Database) -> int:
    with database.read() as tx:
        return int(tx.value("SELECT epoch FROM clock WHERE id = 1"))
