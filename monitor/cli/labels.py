"""`trendmonitor label …`: what people said of tags, given, listed and taken along as labelled examples."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.app import AsJson, services
from monitor.cli.output import counted, emit, fail, say, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.bootstrap import Services

app = typer.Typer(help="Correct tags by hand, and take the labelled examples along.", no_args_is_help=True)

ALL = Annotated[bool, typer.Option("--all", help="Also what was replaced or taken back later.")]


@app.command()
def add(
    source: Annotated[str, typer.Argument(metavar="SOURCE")],
    post: Annotated[str, typer.Argument(metavar="POST", help="Its id within the source.")],
    dimension: Annotated[str, typer.Argument(metavar="TAG", help="content_type, audience, topics, language …")],
    value: Annotated[
        list[str] | None, typer.Argument(metavar="VALUE…", help="Several for audience and topics; none: no topic.")
    ] = None,
    by: Annotated[str, typer.Option(help="Your name or initials.")] = "",
    note: Annotated[str, typer.Option(help="Why.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what a tag of a post should be. The post is tagged and counted so from now on."""
    from monitor.labels import LabelRefused, UnknownPost

    made = services()
    try:
        label = made.labelling.give(source, post, dimension, value or (), annotator=by, note=note)
    except (LabelRefused, UnknownPost) as error:
        fail(str(error), code=2)
    emit(label, as_json=as_json, human=lambda: say(f"{dimension} is {_shown(label.value)}, as {label.annotator} says."))


@app.command("list")
def list_(everything: ALL = False, as_json: AsJson = False) -> None:
    """Labels that stand, the oldest first."""
    rows = list(_examples(services(), everything=everything))
    emit(
        {"labels": rows},
        as_json=as_json,
        human=lambda: table(
            "When", "By", "Source", "Post", "Tag", "Was", "Is", "Note",
            rows=[(f"{row['at']:%Y-%m-%d %H:%M}", row["annotator"], row["source"], row["post"], row["dimension"], _shown(row["was"]), "taken back" if row["withdrawn"] else _shown(row["value"]), row["note"]) for row in rows],
            whole=("When", "Tag"),
        ) if rows else say("No labels yet. Every post's page of the dashboard has a form for each of its tags."),
    )  # fmt: skip


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="'-' writes to standard output.")] = Path("-"),
    everything: ALL = False,
) -> None:
    """Labels as JSON Lines, with the text of the posts they are about as far as it is still kept."""
    import orjson

    made = services()
    rows = (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in _examples(made, everything=everything))
    if str(file) == "-":
        for row in rows:
            sys.stdout.buffer.write(row)
        return
    count = 0
    try:
        with file.open("wb") as out:
            for row in rows:
                out.write(row)
                count += 1
    except OSError as error:
        fail(f"{file}: cannot be written ({error.strerror or error})")
    say(f"{counted(count, 'label')} written to {file}")


def _examples(made: Services, *, everything: bool) -> Iterator[dict[str, Any]]:
    from monitor.labels import example

    for label, found, stands in made.labelling.everything():
        if everything or stands:
            yield example(label, found, stands=stands)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else str(value)
