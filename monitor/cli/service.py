"""`trendmonitor serve` and `trendmonitor doctor`."""

from __future__ import annotations

import contextlib
import importlib
from typing import Annotated

import typer

from monitor.cli.app import AsJson, services
from monitor.cli.output import console, emit, fail, say


def register(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(doctor)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; anything but loopback needs keys.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes a free one.")] = None,
) -> None:
    """Collect on schedule and serve the API and the dashboard until stopped."""
    made = services(quiet=False)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    made.settings = made.settings.model_copy(update=given)
    if not made.generated:
        made.apply()
    # The API lies above the command line in the layering; it is named here, not imported
    api = importlib.import_module("api.asgi")
    try:
        application = api.create(made)
    except api.UnsafeAddress as error:
        fail(str(error))
    import uvicorn

    config = uvicorn.Config(
        application,
        host=made.settings.host,
        port=made.settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=10,
    )
    listening = config.bind_socket()  # ends the process with a message if the address is taken
    shown, bound = made.settings.host, listening.getsockname()[1]
    say(f"trendmonitor listens on http://{f'[{shown}]' if ':' in shown else shown}:{bound} (stop with Ctrl-C)")
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def doctor(as_json: AsJson = False) -> None:
    """What is broken and what to do about it. Status 1 if something needs a person."""
    from monitor.doctor import examine, try_examples

    made = services()
    findings = [*examine(made), *try_examples(made)]

    def human() -> None:
        out = console()
        for finding in findings:
            mark = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "problem": "[red]✗[/]"}[finding.level]
            out.print(f"{mark} ", end="")
            out.print(f"{finding.subject}: {finding.says}", markup=False, soft_wrap=True)
            if finding.remedy:
                out.print(f"    → {finding.remedy}", markup=False, soft_wrap=True)

    emit(findings, as_json=as_json, human=human)
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(1)
