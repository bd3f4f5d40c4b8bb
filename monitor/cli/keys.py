"""`trendmonitor keys`: who may read and write when the service is not on loopback."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from monitor.cli.app import AsJson, services
from monitor.cli.output import ago, emit, say, table

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


class Scope(StrEnum):
    read = "read"
    write = "write"


@app.command()
def create(
    scope: Annotated[Scope, typer.Option(help="read: see everything. write: also change sources and settings.")],
    name: Annotated[str, typer.Option(help="What or whom the key is for.")] = "unnamed",
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once; only its hash is kept."""
    made = services()
    token = made.store.create_key(name, scope.value, made.clock())
    emit(
        {"key": token, "scope": scope.value, "name": name},
        as_json=as_json,
        human=lambda: say(f"{token}\nKeep it now: it is not shown again. Send it as 'Authorization: Bearer …'."),
    )


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Names, scopes and last use; never the keys."""
    made = services()
    found = made.store.keys()
    now = made.clock()
    emit(
        [{"id": key.id, "name": key.name, "scope": key.scope, "created_at": key.created_at, "last_used": key.last_used, "revoked": key.revoked} for key in found],
        as_json=as_json,
        human=lambda: table(
            "ID", "Name", "Scope", "Made", "Last used", "State",
            rows=[(key.id, key.name, key.scope, ago(key.created_at, now), ago(key.last_used, now), "revoked" if key.revoked else "active") for key in found],
        ),
    )  # fmt: skip


@app.command()
def revoke(key_id: Annotated[int, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Make a key useless at once."""
    services().store.revoke_key(key_id)
    emit({"revoked": key_id}, as_json=as_json, human=lambda: say(f"Key {key_id} is revoked."))
