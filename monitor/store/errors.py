"""What can go wrong in the store, named by what to do next."""

from __future__ import annotations


class StoreError(Exception):
    """Base of all errors of the store. The message names the thing and says what to do; it holds no secret."""


class AlreadyExists(StoreError):
    """The id is taken: choose another or update the existing one."""


class NotFound(StoreError):
    """There is no such thing: check the id."""


class OwnedByConfig(StoreError):
    """The row is declared in config/: change it there and run `trendmonitor apply`."""


class Unavailable(StoreError):
    """The database cannot be used now (locked, unreachable, read-only, full, not set up). The message says what to do."""


class SchemaTooNew(StoreError):
    """The database was written by a newer version of the program: update the program."""
