"""The command line. Exit status: 0 done, 1 failed, 2 wrong use. `--json` prints one JSON document and nothing else.

Modules of commands import what they work with inside the command, so that `--help` and light commands start at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from monitor.cli import claims, collecting, digests, keys, labels, platforms, reading, service, signals, sources
from monitor.cli.app import app, start_lightly
from monitor.cli.output import say_error

__all__ = ["app", "main"]

for group in (collecting, reading, service):
    group.register(app)
app.add_typer(sources.app, name="sources")
app.add_typer(claims.app, name="claims")
app.add_typer(signals.app, name="signals")
app.add_typer(digests.app, name="digest")
app.add_typer(labels.app, name="label")
app.add_typer(keys.app, name="keys")
app.add_typer(platforms.app, name="platforms")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the `trendmonitor` script: every known error becomes one message and a status. Always exits."""
    start_lightly()
    try:
        app(list(arguments) if arguments is not None else None, prog_name="trendmonitor")
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_quietly()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not _known(error):
            raise
        say_error(str(error))
        sys.exit(1)
    except SystemExit:
        # output that the reader of a pipe did not want must not become a complaint of the interpreter
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _leave_quietly()
        raise


def _leave_quietly() -> None:
    """The reader went away (`trendmonitor posts | head`); there is nobody left to tell."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


def _known(error: Exception) -> bool:
    """True for errors that say what to do; asked only when something failed, because these modules are heavy."""
    from collectors.base import CollectError
    from monitor.archive_files import ArchiveError
    from monitor.config import ConfigErrors
    from monitor.settings import SettingsError
    from monitor.store.errors import StoreError

    return isinstance(error, (ArchiveError, CollectError, ConfigErrors, SettingsError, StoreError))
