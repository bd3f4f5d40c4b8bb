"""`trendmonitor signals …`: sudden changes, the posts behind one, and what people say about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from monitor.cli.app import AsJson, services
from monitor.cli.output import emit, fail, say

app = typer.Typer(help="Sudden changes in what is watched.", invoke_without_command=True)

Id = Annotated[str, typer.Argument(metavar="ID")]
MOST = 100
"""Signals listed unless asked otherwise."""
EVIDENCE = 5
"""Posts shown beneath a signal."""
REACH = timedelta(days=150 * 365)
"""How far from 1970 a moment may lie."""


class State(StrEnum):
    open = "open"
    ended = "ended"


States = Annotated[State | None, typer.Option("--state", help="Only signals in this state.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="DATE", help="Only those that were open at any time since (ISO date, UTC)."),
]
Look = Annotated[
    bool, typer.Option("--look/--no-look", help="Look at the counts first, as a running service does every hour.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")]


@app.callback()
def signals(
    context: typer.Context,
    state: States = None,
    since: Since = None,
    limit: Limit = MOST,
    look: Look = True,
    as_json: AsJson = False,
) -> None:
    """Sudden changes in what is watched. Without a command: the list."""
    if context.invoked_subcommand is None:
        list_(state, since, limit, look, as_json)
    elif state or since or limit != MOST or not look or as_json:
        fail(f"Options of {context.invoked_subcommand!r} belong behind it, not before.", code=2)


@app.command("list")
def list_(
    state: States = None, since: Since = None, limit: Limit = MOST, look: Look = True, as_json: AsJson = False
) -> None:
    """Newest news first, muted ones among them."""
    from monitor.cli.signals_shown import show_list

    start = None if since is None else _moment("--since", since)
    made = services()
    watch = made.signal_watch
    if look:
        watch.refresh()
    found = [
        watch.document(one)
        for one in watch.signals(state=None if state is None else state.value, since=start, limit=limit)
    ]
    emit(
        {"signals": found, "generated": made.generated},
        as_json=as_json,
        human=lambda: show_list(found, generated=made.generated, narrowed=bool(state or since)),
    )


@app.command()
def show(signal_id: Id, as_json: AsJson = False) -> None:
    """One signal: how much against what, found how, from where, and its posts."""
    from monitor.cli.signals_shown import show_signal
    from monitor.core.mask import shown_post

    made = services()
    watch = made.signal_watch
    with _told():
        document = watch.document(watch.signal(signal_id))
        posts = [shown_post(post) for post in watch.evidence(signal_id, EVIDENCE).posts]
    emit(
        {**document, "evidence": {"posts": posts}},
        as_json=as_json,
        human=lambda: show_signal(document, posts, generated=made.generated),
    )


@app.command()
def ack(
    signal_id: Id,
    note: Annotated[str, typer.Option(help="Why it needs nothing more, for whoever reads this next.")],
    as_json: AsJson = False,
) -> None:
    """Say that somebody has seen it. It is followed on; a later note takes this one's place."""
    watch = services().signal_watch
    with _told():
        document = watch.document(watch.acknowledge(signal_id, note))
    emit(document, as_json=as_json, human=lambda: say(f"{signal_id} is acknowledged: {document['acknowledged_why']}"))


@app.command()
def mute(
    subject: Annotated[str, typer.Argument(metavar="ID", help="Of a signal, or a key such as topic=telehealth.")],
    until: Annotated[str, typer.Option(metavar="DATE", help="ISO date or date-time (UTC); a past one lifts it.")],
    reason: Annotated[str, typer.Option(help="For whoever reads this next.")],
    as_json: AsJson = False,
) -> None:
    """Tell nobody of a signal, or of any signal of a key, for a while. It is followed all the same."""
    made = services()
    with _told():
        done = made.signal_watch.mute(subject, _moment("--until", until), reason)
    lifted = done.until <= made.clock()
    told = "is no longer muted" if lifted else f"is muted until {done.until:%Y-%m-%d %H:%M} UTC"
    emit(
        {"subject": done.subject, "until": done.until, "reason": done.why, "at": done.at},
        as_json=as_json,
        human=lambda: say(f"{done.subject} {told}: {done.why}"),
    )


@contextmanager
def _told() -> Iterator[None]:
    """What does not exist or does not fit ends the command with 2."""
    from monitor.signal_watch import UnknownSignal

    try:
        yield
    except (UnknownSignal, ValueError) as error:
        fail(str(error), code=2)


def _moment(option: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{option} is a day or moment such as 2026-10-05, not {text[:60]!r}.", code=2)
    if abs(at - datetime(1970, 1, 1, tzinfo=UTC)) > REACH:
        fail(f"{option} lies out of reach: {text[:60]!r}.", code=2)
    return at
