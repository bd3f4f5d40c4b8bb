"""Lists of feeds in and out, as commands of `trendmonitor sources`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.app import AsJson, refuse_generated, services
from monitor.cli.output import emit, fail, grouped, say


def import_opml(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], as_json: AsJson = False) -> None:
    """Track the feeds of an OPML file; those already tracked are left as they are."""
    from monitor.opml import add_outlines

    made = services()
    refuse_generated(made)
    report = add_outlines(made, file.read_bytes())

    def human() -> None:
        say(f"{len(report.added)} added, {len(report.known)} already tracked, {len(report.skipped)} not usable.")
        for sample, reason in report.skipped:
            say(f"  {sample}: {reason}")

    emit(report, as_json=as_json, human=human)


def export_opml(
    file: Annotated[Path | None, typer.Argument(help="Standard output if left out.")] = None, as_json: AsJson = False
) -> None:
    """Write all feeds as OPML; sources of other collectors are not in it."""
    from monitor.opml import list_feeds

    if file is None and as_json:
        fail("--json and OPML both want standard output: name a file, or leave --json out", code=2)
    made = list_feeds(services().store.sources())
    if file is None:
        sys.stdout.write(made.document.decode())
        return
    try:
        file.write_bytes(made.document)
    except OSError as error:
        fail(f"{file}: cannot be written ({error.strerror or error})")
    emit(
        {"file": file, "sources": made.sources},
        as_json=as_json,
        human=lambda: say(f"{grouped(made.sources)} feeds written to {file}"),
    )
