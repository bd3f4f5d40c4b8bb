"""`trendmonitor claims …`: the ledger of claims, one claim with its evidence, and a claim file that is being written.

A verdict is an answer, whatever it is: the exit status tells only whether there is one.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import AsJson, services
from monitor.cli.output import emit, fail

if TYPE_CHECKING:
    from datetime import date

    from monitor.bootstrap import Services

app = typer.Typer(help="The verdicts on the report's claims, and the evidence.", invoke_without_command=True)

RECENT = 7
"""Days for which a change of verdict is told above the list."""
EVIDENCE = 5
"""Posts shown beneath a claim."""

Verdicts = Annotated[
    list[str] | None,
    typer.Option("--verdict", help="supported, contradicted, inconclusive, insufficient_data or not_measurable."),
]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="trend, level, rank, reference or consistency.")]
Segments = Annotated[list[str] | None, typer.Option("--segment", help='Part of the report, such as "content type".')]
AsOf = Annotated[
    str | None, typer.Option(metavar="DATE", help="Judge by what was published before this day (ISO date, UTC).")
]


@app.callback()
def claims(
    context: typer.Context,
    verdicts: Verdicts = None,
    kinds: Kinds = None,
    segments: Segments = None,
    as_json: AsJson = False,
) -> None:
    """The verdicts on the report's claims, and the evidence. Without a command: the list."""
    if context.invoked_subcommand is None:
        list_(verdicts, kinds, segments, as_json)
    elif verdicts or kinds or segments or as_json:
        fail(f"Options of {context.invoked_subcommand!r} belong behind it, not before.", code=2)


@app.command("list")
def list_(verdicts: Verdicts = None, kinds: Kinds = None, segments: Segments = None, as_json: AsJson = False) -> None:
    """Every claim with its verdict, effect, interval and sample."""
    from monitor.claims_query import parse_claims_query
    from monitor.cli.claims_shown import show_list
    from monitor.core.query import QueryError

    asked = {"verdict": verdicts or [], "kind": kinds or [], "segment": segments or []}
    try:
        query = parse_claims_query(asked)
        made = services()
        document = made.ledger.ledger()
        shown = query.select(document["claims"])
    except QueryError as error:
        fail(str(error), code=2)

    def human() -> None:
        since = made.clock() - timedelta(days=RECENT)
        show_list(shown, document, made.store.events(kinds=("verdict_changed",), since=since))

    emit({**document, "claims": shown}, as_json=as_json, human=human)


@app.command()
def show(claim_id: Annotated[str, typer.Argument(metavar="ID")], as_of: AsOf = None, as_json: AsJson = False) -> None:
    """One claim: verdict, chart, checks, caveats, evidence and history."""
    from monitor.claim_evidence import evidence_page
    from monitor.cli.claims_shown import show_claim
    from monitor.core.mask import shown_post
    from monitor.ledger import UnknownClaim

    made = services()
    day = _day(as_of, made)
    try:
        document = made.ledger.claim(claim_id, as_of=day)
        claim = made.ledger.known(claim_id)
    except UnknownClaim as error:
        fail(str(error), code=2)
    # Of the window of this document, which ends earlier with an earlier day
    page = evidence_page(made.store, claim, document, limit=EVIDENCE, cursor=None)
    shown = [shown_post(post) for post in page.posts]
    of = page.of if document["links"]["evidence"] else None
    emit(
        {**document, "evidence": {"of": of, "posts": shown}},
        as_json=as_json,
        human=lambda: show_claim(document, shown, of),
    )


@app.command()
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A claim in YAML.")],
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Try a claim file: what data there is, what the test could find, and the verdict. Nothing is stored."""
    from monitor.cli.claims_shown import show_check
    from monitor.config_claims import claim_from_file

    made = services()
    day = _day(as_of, made)
    config = made.config
    claim = claim_from_file(
        file, topics=config.taxonomy, platforms=config.platforms, references=config.claims.references
    )
    document = made.ledger.check(claim, as_of=day)
    emit(document, as_json=as_json, human=lambda: show_check(document))


def _day(text: str | None, made: Services) -> date | None:
    from monitor.claims_query import read_as_of
    from monitor.core.query import QueryError

    if text is None:
        return None
    try:
        return read_as_of(text, made.clock())
    except QueryError as error:
        fail(f"--as-of: {error}", code=2)
