"""Bringing a database to the schema of this program."""

from __future__ import annotations

from pathlib import Path

from monitor.store.database import Database
from monitor.store.dialect import use_wal
from monitor.store.errors import SchemaTooNew, Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = max(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).split("_")[0]
"""Revisions are numbered, so the newest is the greatest."""
LOCK = 7_242_017_301
"""Any number that no other program uses for a lock of a whole PostgreSQL database."""


def migrate(database: Database) -> None:
    """Upgrade an empty or older database; does nothing to a current one. Two processes may call it at once.

    Raises SchemaTooNew for a database of a newer program, Unavailable.
    """
    if database.dialect.name == "sqlite":
        try:
            with database.explained():
                use_wal(Path(database.address.database or ""))
        except OSError as error:
            raise Unavailable(
                f"database {database.url}: its folder cannot be made or written ({error.strerror})"
            ) from error
    if revision(database) == HEAD:
        return
    # Imported late: Alembic takes longer to load than everything else here, and is seldom needed.
    from alembic import command
    from alembic.config import Config

    with database.write() as tx:
        if database.dialect.name == "postgresql":
            tx.run("SELECT pg_advisory_xact_lock(?)", (LOCK,))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "head")


def revision(database: Database) -> str | None:
    """The revision of a database; None if it is empty. Raises SchemaTooNew."""
    with database.read() as tx:
        if not tx.connection.dialect.has_table(tx.connection, "alembic_version"):
            return None
        found = tx.value("SELECT version_num FROM alembic_version")
    if found is not None and found > HEAD:
        raise SchemaTooNew(
            f"database {database.url} was written by a newer version of this program (schema {found}, we know {HEAD}):"
            " update the program, or use the database it came with"
        )
    return None if found is None else str(found)
