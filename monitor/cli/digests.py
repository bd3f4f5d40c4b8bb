"""`trendmonitor digest …`: what is sent when and where, what it would say, and what became of what was sent.

The exit status of a sending tells whether everybody has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import AsJson, run, services
from monitor.cli.output import emit, fail, say

if TYPE_CHECKING:
    from monitor.core.digest import Message

app = typer.Typer(help="Scheduled digests: list, preview, send, and what was sent.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID")]
DONE = frozenset({"sent", "quiet"})
"""Statuses of an issue that nothing is left to do about."""


@contextmanager
def _told() -> Iterator[None]:
    """What does not exist or cannot work ends the command with 2; a scope that the data do not know, with 1."""
    from monitor.core.query import QueryError
    from monitor.digests import InvalidDigest, UnknownDigest, UnknownIssue

    try:
        yield
    except InvalidDigest as error:
        fail("\n".join(error.problems), code=2)
    except (UnknownDigest, UnknownIssue) as error:
        fail(str(error), code=2)
    except QueryError as error:
        fail(f"Its scope names what does not exist here. {error}")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every digest: when it is due, where it goes, and how it went last."""
    from monitor.cli.digests_shown import show_list
    from monitor.digest_document import digest_document

    made = services()
    found = [digest_document(made.digests, spec, reveal=True) for spec in made.digests.specs()]
    emit({"digests": found}, as_json=as_json, human=lambda: show_list(found, made.clock()))


@app.command()
def preview(
    digest_id: Id,
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the page as readers would get it; - is standard output.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """What would be sent of the latest complete period. Nothing is stored and nothing is sent."""
    from monitor.digest_document import message_document

    if as_json and html == "-":
        fail("--html - and --json both want standard output: take one.", code=2)
    made = services()
    with _told():
        message = made.digests.preview(digest_id)
    if html == "-":
        _print_page(message)
        return
    page = _write_page(message, html, made.settings.home) if html is not None or show else None
    if page is not None and show:
        _open(page)

    def human() -> None:
        if page is not None:
            say(f"The page is in {page}")
            return
        say(f"Subject: {message.subject}", style="bold")
        say(message.preheader, style="dim")
        say()
        say(message.text.rstrip("\n"))

    emit({**message_document(message), "page": page}, as_json=as_json, human=human)


@app.command()
def send(
    digest_id: Id,
    again: Annotated[bool, typer.Option("--again", help="Also to those who have confirmed it already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send the issue of the latest complete period now, to everybody who has not got it. Status 1 if somebody still
    has not."""
    from monitor.cli.digests_shown import show_issue
    from monitor.digest_document import issue_document

    made = services()
    with _told():
        issue = run(made.digests.send(digest_id, again=again))
    document = issue_document(issue, reveal=True)
    emit(document, as_json=as_json, human=lambda: show_issue(document, made.clock()))
    if issue.status not in DONE:
        raise typer.Exit(1)


@app.command()
def issues(
    digest_id: Id,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """What was sent, newest first, and what each channel answered."""
    from monitor.cli.digests_shown import show_issues
    from monitor.digest_document import issue_document

    made = services()
    with _told():
        found = [issue_document(one, reveal=True) for one in made.digests.issues(digest_id, limit=limit)]
    emit({"issues": found}, as_json=as_json, human=lambda: show_issues(found, digest_id, made.clock()))


@app.command()
def show(
    digest_id: Id,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=2**31 - 1)],
    html: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the page as readers got it; - is standard output.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One issue as it was composed, and what became of it."""
    from monitor.cli.digests_shown import show_issue
    from monitor.digest_document import issue_document

    if as_json and html == "-":
        fail("--html - and --json both want standard output: take one.", code=2)
    made = services()
    with _told():
        issue = made.digests.issue(digest_id, number)
        composed = issue.status != "missed"
        if html is not None or composed:
            message = made.digests.message(digest_id, number)
    if html == "-":
        _print_page(message)
        return
    page = _write_page(message, html, made.settings.home) if html is not None else None
    told = issue_document(issue, reveal=True)

    def human() -> None:
        show_issue(told, made.clock())
        if page is not None:
            say(f"The page is in {page}")
        elif composed:
            say()
            say(message.text.rstrip("\n"))

    document = made.digests.document(digest_id, number) if composed else None
    emit({**told, "document": document, "page": page}, as_json=as_json, human=human)


@app.command("test")
def try_channel(
    digest_id: Id,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Its place in the digest, from 0, or its kind.")],
    as_json: AsJson = False,
) -> None:
    """Prove a channel: send a message that says it is a test to everybody of it. Status 1 if it is not taken."""
    from monitor.deliver.base import DeliveryError
    from monitor.digest_document import receipt_document

    made = services()
    with _told():
        spec = made.digests.spec(digest_id)
        kinds = [one.kind for one in spec.channels]
        places = [place for place, kind in enumerate(kinds) if channel in (kind, str(place))]
        if len(places) != 1:
            there = ", ".join(f"{place} ({kind})" for place, kind in enumerate(kinds))
            what = "has several channels" if places else "has no channel"
            fail(f"Digest {digest_id!r} {what} {channel[:60]!r}: name one of {there}.", code=2)
        try:
            receipt = run(made.digests.test(digest_id, places[0]))
        except DeliveryError as error:
            fail(f"{kinds[places[0]]}: {error.message}{' It may work later.' if error.temporary else ''}")
    document = receipt_document(receipt, spec.channels[places[0]], places[0], reveal=True)

    def human() -> None:
        say(f"{document['kind']}: {document['said']}")
        for refusal in document["refused"]:
            say(f"  refused for {refusal['to']}: {refusal['why']}")

    emit(document, as_json=as_json, human=human)
    if receipt.partial:
        raise typer.Exit(1)


@app.command()
def pause(digest_id: Id, as_json: AsJson = False) -> None:
    """Send nothing on schedule until it is resumed. Runs in between are left out."""
    _set_paused(digest_id, True, as_json)


@app.command()
def resume(digest_id: Id, as_json: AsJson = False) -> None:
    """Send on schedule again."""
    _set_paused(digest_id, False, as_json)


def _set_paused(digest_id: str, paused: bool, as_json: bool) -> None:
    from monitor.cli.output import ago
    from monitor.digest_document import digest_document

    made = services()
    with _told():
        document = digest_document(made.digests, made.digests.pause(digest_id, paused), reveal=True)
    due = "" if document["next_run"] is None else f"; due {ago(document['next_run'], made.clock())}"
    told = f"{digest_id} is {'paused' if paused else 'no longer paused'}{due}."
    emit(document, as_json=as_json, human=lambda: say(told))


def _page_of(message: Message) -> bytes:
    from monitor.deliver.file import FORMATS

    return FORMATS["html"][1](message)


def _print_page(message: Message) -> None:
    import sys

    sys.stdout.buffer.write(_page_of(message))


def _write_page(message: Message, file: str | None, home: Path) -> Path:
    """`file` None: into the home's cache, where the next preview takes its place."""
    path = home / "cache" / "preview.html" if file is None else Path(file)
    try:
        if file is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_page_of(message))
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror or error}. Name another file with --html.")
    return path.absolute()


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.as_uri()):
        fail(f"No browser could be started here; the page is in {page}")
