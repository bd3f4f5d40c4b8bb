"""API keys: shown once, kept as a hash. Also the small facts of the table `meta`, and the key for authors."""

# ruff: noqa: S608 - statements are put together from constants of this package; values are always parameters

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlmodel import col, select

from monitor.store.clock import Clock
from monitor.store.database import Database, Transaction
from monitor.store.errors import NotFound
from monitor.store.tables import ApiKeyRow, MetaRow

SCOPES = ("read", "write")
PREFIX = "tm_"
GENERATED = "generated"
"""Meta key that marks a database of generated posts; it is shown everywhere and never collects."""
USE_RECORDED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key; never the key."""

    id: int
    name: str
    scope: str
    created_at: datetime
    last_used: datetime | None
    """To the minute."""
    revoked: bool


def create_key(database: Database, name: str, scope: str, now: datetime) -> str:
    """A new key. It cannot be shown again. Raises ValueError for a scope other than read or write."""
    if scope not in SCOPES:
        raise ValueError(f"scope {scope!r} does not exist: use {' or '.join(SCOPES)}")
    token = PREFIX + secrets.token_urlsafe(32)
    with database.write() as tx:
        tx.session.add(ApiKeyRow(name=name, scope=scope, hash=_hash(token), created_at=now))
    return token


def check_key(database: Database, token: str, now: datetime | None) -> str | None:
    """The scope of a valid key, None for any other text; with `now`, its use is noted at most once a minute."""
    with database.read() as tx:
        row = tx.session.exec(select(ApiKeyRow).where(ApiKeyRow.hash == _hash(token))).first()
        if row is None or row.revoked:
            return None
        key_id, scope, used = row.id, row.scope, row.last_used
    if now is not None and (used is None or now - used >= USE_RECORDED_EVERY):
        with database.write() as tx:
            row = tx.session.get_one(ApiKeyRow, key_id)
            row.last_used = now
    return scope


def key_id(database: Database, token: str, now: datetime) -> int | None:
    """The number of a valid key, None for any other text; its use is noted."""
    if check_key(database, token, now) is None:
        return None
    with database.read() as tx:
        row = tx.session.exec(select(ApiKeyRow).where(ApiKeyRow.hash == _hash(token))).first()
        return None if row is None else row.id


def scope_of(database: Database, key_id: int) -> str | None:
    """The scope of a key by its number; None if it was revoked or never made."""
    with database.read() as tx:
        row = tx.session.get(ApiKeyRow, key_id)
        return None if row is None or row.revoked else row.scope


def keys(database: Database) -> list[ApiKey]:
    """All keys ever made, the oldest first."""
    with database.read() as tx:
        rows = tx.session.exec(select(ApiKeyRow).order_by(col(ApiKeyRow.id)))
        return [ApiKey(row.id or 0, row.name, row.scope, row.created_at, row.last_used, row.revoked) for row in rows]


def revoke_key(database: Database, key_id: int) -> None:
    """From now on the key opens nothing. Raises NotFound."""
    with database.write() as tx:
        row = tx.session.get(ApiKeyRow, key_id)
        if row is None:
            raise NotFound(f"there is no API key {key_id}: `trendmonitor keys list` shows which there are")
        row.revoked = True


def meta(database: Database, key: str) -> str | None:
    with database.read() as tx:
        row = tx.session.get(MetaRow, key)
        return None if row is None else row.value


def set_meta(database: Database, key: str, value: str | None) -> None:
    with database.write() as tx:
        put(tx, key, value)


def replace_meta(database: Database, key: str, old: str | None, new: str | None) -> bool:
    """Set a fact only if it is still `old` (None: there is none); True if it was."""
    with database.write() as tx:
        Clock.take(tx)
        if tx.value("SELECT value FROM meta WHERE key = ?", (key,)) != old:
            return False
        put(tx, key, new)
    return True


def author_key(database: Database) -> bytes:
    """32 random bytes with which authors are hashed; made when first asked for, the same ever after."""
    held = meta(database, "author_key")
    if held is None:
        with database.write() as tx:
            put(tx, "author_key", secrets.token_hex(32), replace=False)
        held = meta(database, "author_key")
    return bytes.fromhex(held or "")


def put(tx: Transaction, key: str, value: str | None, *, replace: bool = True) -> None:
    """Keep a fact; None forgets it."""
    if value is None:
        tx.run("DELETE FROM meta WHERE key = ?", (key,))
        return
    then = "UPDATE SET value = excluded.value" if replace else "NOTHING"
    tx.run(f"INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO {then}", (key, value))


def _hash(token: str) -> str:
    # Plain SHA-256 is enough: the key is 256 random bits, there is nothing to guess.
    return sha256(token.encode("utf-8", "replace")).hexdigest()
