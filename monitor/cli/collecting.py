"""Commands that bring posts in or change how stored ones are tagged."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import AsJson, refuse_generated, run, services
from monitor.cli.output import ago, counted, emit, fail, grouped, progress, say, seconds, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.archive import ImportReport
    from monitor.core.model import TrackedSource, Visit
    from monitor.pipeline import CollectReport

MANY = 12
"""From this many sources on, worker processes are started before the first is visited."""


def register(app: typer.Typer) -> None:
    app.command()(collect)
    app.command("import")(import_archives)
    app.command()(apply)
    app.command()(retag)
    app.command()(demo)


def collect(
    source: Annotated[list[str] | None, typer.Argument(help="Source ids; all that are due if none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """Visit sources now and store what is new. Status 1 if a named source failed, or all did."""
    made = services()
    refuse_generated(made)
    made.apply()
    tracked = made.store.sources()
    now = made.clock()
    if source:
        _refuse_archives(tracked, source)
        due = len(set(source))
    else:
        due = sum(_is_due(one, now) for one in tracked)
    if not due:
        empty = {"sources": 0, "new": 0, "changed": 0, "failed": 0, "busy": (), "visits": ()}
        emit(empty, as_json=as_json, human=lambda: _show_nothing_due(tracked, now))
        return
    if due >= MANY:
        if any(one.state.last_success is None and _is_due(one, now) for one in tracked):
            made.recipe.warm()  # there will be much to read: once for all workers, not in each
        made.readers.start_workers()  # before any thread exists, so that they are forked and ready at once
    done = 0
    with progress("Collecting", hidden=as_json) as advance:
        advance(total=due)

        def seen(visit: Visit) -> None:
            nonlocal done
            done += 1
            advance(done=done, total=max(due, done), text=visit.source[:40])

        report = run(made.collection.collect(sorted(set(source)) if source else None, seen=seen))
    emit(
        {
            "sources": len(report.visits),
            "new": report.new,
            "changed": sum(visit.changed for visit in report.visits),
            "failed": len(report.failures),
            "busy": report.busy,
            "visits": report.visits,
        },
        as_json=as_json,
        human=lambda: _show_visits(report),
    )
    if report.failures and (source or len(report.failures) == len(report.visits)):
        raise typer.Exit(1)


def _is_due(one: TrackedSource, now: datetime) -> bool:
    """As the store decides when it hands out work; here only to know whether there is any."""
    state = one.state
    idle = state.paused or state.stopped is not None or one.source.collector == "archive"
    return not idle and (state.next_due is None or state.next_due <= now)


def _refuse_archives(tracked: Sequence[TrackedSource], named: Sequence[str]) -> None:
    archives = sorted({one.source.id for one in tracked if one.source.collector == "archive"} & set(named))
    if archives:
        fail(
            f"{', '.join(archives)}: an imported archive has no address to visit. `trendmonitor import FILE` adds to it."
        )


def _show_nothing_due(tracked: Sequence[TrackedSource], now: datetime) -> None:
    coming = [
        one.state.next_due for one in tracked if one.state.next_due and not one.state.paused and not one.state.stopped
    ]
    if coming:
        say(f"Nothing is due; the next of {grouped(len(coming))} sources is due {ago(min(coming), now)}.")
    else:
        say("Nothing is due: no source is tracked that could be visited. `trendmonitor sources add URL` adds one.")


def _show_visits(report: CollectReport) -> None:
    failures = sorted(report.failures, key=lambda visit: visit.source)
    unchanged = sum(visit.outcome == "unchanged" for visit in report.visits)
    say(
        f"{counted(len(report.visits), 'source')} visited: {counted(report.new, 'new post')}, "
        f"{grouped(unchanged)} unchanged, {grouped(len(failures))} failed."
    )
    if report.busy:
        say(f"Another process is at: {', '.join(report.busy)}")
    if failures:
        rows = [(visit.source, visit.outcome, visit.message) for visit in failures]
        table("Source", "Problem", "What it means", rows=rows, whole=("Problem",))


def import_archives(
    file: Annotated[list[Path], typer.Argument(help="JSON Lines, CSV or Parquet (docs/archive-format.md).")],
    source: Annotated[str | None, typer.Option(help="The source of records that name none.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import archives. Killed and run again it goes on where it was; importing twice changes nothing."""
    from monitor.archive import import_file

    for path in file:
        if not path.exists():
            fail(f"{path}: there is no such file", code=2)
    made = services()
    refuse_generated(made)
    recipe, store = made.recipe, made.store
    reports = []
    for path in file:
        with progress(path.name, hidden=as_json) as advance:
            reports.append(
                import_file(
                    path,
                    store=store,
                    recipe=recipe,
                    reject_dir=made.settings.home / "rejects",
                    clock=made.clock,
                    default_source=source,
                    workers=made.settings.collect_workers,
                    progress=lambda records, share, advance=advance: advance(
                        done=records, total=records / max(share, 1e-6)
                    ),  # type: ignore[misc]  # mypy cannot type a lambda's defaults
                )
            )

    def human() -> None:
        for report in reports:
            _show_import(report)

    emit(reports if len(reports) > 1 else reports[0], as_json=as_json, human=human)
    if any(report.read and not report.imported for report in reports):
        raise typer.Exit(1)


def _show_import(report: ImportReport) -> None:
    rate = (
        f" ({grouped(round(report.imported / report.seconds))} a second)"
        if report.seconds >= 1 and not report.resumed_at
        else ""
    )
    say(
        f"{report.file}: {grouped(report.imported)} of {counted(report.read, 'record')} imported from "
        f"{counted(report.sources, 'source')} in {seconds(report.seconds)}{rate}."
    )
    if report.resumed_at:
        say(f"  Went on after record {grouped(report.resumed_at)}, where an earlier run was interrupted.")
    if report.created_sources:
        more = len(report.created_sources) - 20
        say(f"  New archive sources: {', '.join(report.created_sources[:20])}{f' and {more} more' if more > 0 else ''}")
    if report.ignored_columns:
        say(f"  Columns that mean nothing here: {', '.join(report.ignored_columns[:20])}")
    for reason, count in list(report.reasons.items())[:10]:
        say(f"  skipped {grouped(count)}: {reason}")
    if report.reject_file:
        say(f"  Skipped records are in {report.reject_file}")


def apply(as_json: AsJson = False) -> None:
    """Make the sources declared in config/ the state of the database. With an error in config/ nothing changes."""
    from monitor.retag import outdated

    made = services()
    refuse_generated(made)
    applied = made.apply()
    note = outdated(made.store, made.config.taxonomy, made.config.lexicon)

    def human() -> None:
        say(
            f"{len(applied.added)} added, {len(applied.changed)} changed, {len(applied.retired)} retired, "
            f"{applied.unchanged} unchanged."
        )
        for source_id in applied.retired:
            say(f"  retired: {source_id} (its posts stay)")
        if note:
            say(note)

    document = {
        "added": applied.added,
        "changed": applied.changed,
        "retired": applied.retired,
        "unchanged": applied.unchanged,
        "notes": [note] if note else [],
    }
    emit(document, as_json=as_json, human=human)


def retag(
    everything: Annotated[
        bool,
        typer.Option("--all", help="Every post, not only those tagged by older rules: after an edit of a word list."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tag stored posts again where they were tagged by older rules; counts move with them."""
    from monitor.retag import retag as tag_again

    made = services()
    config, store = made.config, made.store
    total, done = store.totals().posts, 0
    with progress("Tagging", hidden=as_json) as advance:

        def tell(count: int) -> None:
            nonlocal done
            done += count
            advance(done=done, total=total)

        result = tag_again(
            store, config.taxonomy, config.lexicon, everything=everything, progress=tell, now=made.clock()
        )
    emit(
        result,
        as_json=as_json,
        human=lambda: say(f"{grouped(result.retagged)} posts tagged again; {grouped(result.changed)} changed."),
    )


def demo(as_json: AsJson = False) -> None:
    """Fill an empty database with two years of generated posts, marked as such everywhere."""
    from monitor.demo import TRUTH, NotEmptyError, fill

    made = services()
    with progress("Generated posts", hidden=as_json) as advance:
        try:
            report = fill(
                made.store,
                made.recipe,
                made.settings.home,
                clock=made.clock,
                workers=made.settings.collect_workers,
                progress=lambda records, share: advance(done=records, total=records / max(share, 1e-6)),
            )
        except NotEmptyError as error:
            fail(str(error))

    def human() -> None:
        if report is None:
            say("The generated data is already there.")
            return
        say(
            f"{grouped(report.imported)} generated posts from {report.sources} made-up sources in {seconds(report.seconds)}."
        )
        say("True by construction:")
        for name, truth in TRUTH.items():
            say(f"  {name}: {truth}")

    emit(
        {"generated": True, "imported": report.imported if report else 0, "truth": TRUTH}, as_json=as_json, human=human
    )
