"""`trendmonitor sources`: what is tracked, how it fares, and how to change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from collectors.base import CollectError, Source
from monitor.cli.app import AsJson, refuse_generated, run, services
from monitor.cli.discovering import discover
from monitor.cli.opml import export_opml, import_opml
from monitor.cli.output import ago, emit, fail, say, table
from monitor.core.model import TrackedSource

if TYPE_CHECKING:
    from monitor.bootstrap import Services

app = typer.Typer(help="List, add, test, pause and remove tracked sources.", no_args_is_help=True)

app.command()(discover)
app.command("import-opml")(import_opml)
app.command("export-opml")(export_opml)

Id = Annotated[str, typer.Argument(metavar="ID")]


class Status(StrEnum):
    ok = "ok"
    failing = "failing"
    paused = "paused"
    stopped = "stopped"
    waiting = "waiting"
    archive = "archive"


@app.command("list")
def list_sources(
    status: Annotated[Status | None, typer.Option(help="Only sources in this state.")] = None, as_json: AsJson = False
) -> None:
    """All sources with their state, problems first."""
    from monitor.standing import status_of

    made = services()
    found = [one for one in made.store.sources() if status is None or status_of(one) == status.value]
    found.sort(key=lambda one: (status_of(one) != "failing", one.source.id))
    now = made.clock()

    def human() -> None:
        rows = [
            (
                one.source.id,
                one.source.platform,
                status_of(one),
                ago(one.state.last_success, now),
                "" if _idle(one) else "now" if one.state.next_due is None else ago(one.state.next_due, now),
                _short(one.state.error or one.state.stopped or ""),
            )
            for one in found
        ]
        table(
            "ID", "Platform", "State", "Last success", "Next", "Note",
            rows=rows, whole=("Platform", "State", "Last success", "Next"),
        )  # fmt: skip
        if not found:
            say("No source is tracked." if status is None else f"No source is {status.value}.")

    emit([_document(one) for one in found], as_json=as_json, human=human)


@app.command()
def show(source_id: Id, as_json: AsJson = False) -> None:
    """One source: its settings, state, coverage and last visits."""
    from monitor.standing import why_lost

    made = services()
    one = _find(made, source_id)
    coverage = made.store.coverage([source_id]).get(source_id, [])
    gaps = made.store.gaps(source_id)
    visits = made.store.visits(source_id, limit=10)
    document = {**_document(one), "coverage": coverage, "gaps": gaps, "visits": visits}

    def human() -> None:
        for name, value in _document(one).items():
            if value not in (None, "", (), {}, []):
                say(f"{name:>14}  {_shown(value)}")
        for interval in coverage:
            say(f"      observed  {interval.since:%Y-%m-%d %H:%M} to {interval.until:%Y-%m-%d %H:%M} UTC")
        for gap in gaps:
            say(f"           gap  {gap.since:%Y-%m-%d %H:%M} to {gap.until:%Y-%m-%d %H:%M} UTC: {why_lost(gap.reason)}")
        table(
            "Visit",
            "Outcome",
            "New",
            "Changed",
            "Message",
            rows=[(f"{v.started:%Y-%m-%d %H:%M}", v.outcome, v.new, v.changed, v.message or "") for v in visits],
        )

    emit(document, as_json=as_json, human=human)


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Address of a feed, page, channel or profile.")],
    source_id: Annotated[
        str | None, typer.Option("--id", help="Stable short name; made from the address if left out.")
    ] = None,
    name: Annotated[str | None, typer.Option()] = None,
    platform: Annotated[
        str | None, typer.Option(help="Row of config/platforms.yaml; told from the address if left out.")
    ] = None,
    content_type: Annotated[str | None, typer.Option(help="video, podcast, news or other.")] = None,
    audience: Annotated[
        list[str] | None, typer.Option(help="physicians, nurses, public_health or other; repeat for more.")
    ] = None,
    country: Annotated[str | None, typer.Option(help="ISO 3166-1 alpha-2.")] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-1.")] = None,
    every: Annotated[str | None, typer.Option(help="Fixed interval such as 30m or 2h; adaptive if left out.")] = None,
    collector: Annotated[
        str | None, typer.Option(help="How it is collected; the platform's own route where it can work, else its feed.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the collector; repeat for more.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Look at the address first and find its feed.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Track a new source. The address is looked at first; a page that only links to its feed is followed."""
    from monitor.adding import Wish, propose

    made = services()
    refuse_generated(made)
    wish = Wish(
        url=url if "://" in url else f"https://{url}",
        collector=collector,
        options=_options(option or []),
        facts={
            "id": source_id,
            "name": name,
            "content_type": content_type,
            "audience": audience or None,
            "platform": platform,
            "country": country.upper() if country else None,
            "language": language.lower() if language else None,
            "every": every,
        },
    )
    _refuse_tracked(made.store.sources(), wish.url)
    try:
        proposal = run(
            propose(
                made.previews, made.store.sources(), made.config.platforms, set(made.settings.key), wish, look=check
            )
        )
    except CollectError as error:
        fail(f"{error}\nNothing was added. --no-check tracks the address without looking at it first.")
    if proposal.mapping is None:
        fail(f"{proposal.says}\nNothing was added. --no-check tracks the address without looking at it first.")
    _refuse_tracked(made.store.sources(), str(proposal.mapping.get("url", "")))
    source = _source(proposal.mapping, made)
    added = made.store.add_source(source, made.clock())

    def human() -> None:
        say(f"{source.id} is tracked: {source.url}")
        say(f"  {proposal.says}")
        for other in proposal.others:
            say(f"  The page also offers {other}")

    emit(_document(added) | {"also_offered": proposal.others, "says": proposal.says}, as_json=as_json, human=human)


def _options(pairs: Sequence[str]) -> dict[str, Any]:
    """--option name=value, the value read as YAML: 3, true, [flu, measles], or text."""
    import yaml

    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            fail(f"--option {pair}: write NAME=VALUE, such as --option region=US", code=2)
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            found[name] = value
    return found


def _refuse_tracked(tracked: Sequence[TrackedSource], url: str) -> None:
    for one in tracked:
        if one.source.url and one.source.url.rstrip("/") == url.partition("#")[0].rstrip("/"):
            fail(
                f"{url} is tracked already, as {one.source.id}. `trendmonitor sources show {one.source.id}` tells more."
            )


@app.command("test")
def preview_source(source_id: Id, as_json: AsJson = False) -> None:
    """Fetch and tag without storing: what would this source bring? Status 1 if it fails."""
    from monitor.core.mask import mask, shown_post

    made = services()
    preview = run(made.previews.preview(_find(made, source_id).source))

    def human() -> None:
        if preview.error:
            return
        say(
            f"{preview.url}: {preview.facts.format or 'readable'}, {len(preview.posts)} newest posts, "
            f"{preview.rejected} unusable ({preview.millis} ms)"
        )
        for repair in preview.repairs:
            say(f"  mended: {repair}")
        rows = [
            (
                f"{post.published_at:%Y-%m-%d}",
                post.annotation.content_type,
                "+".join(post.annotation.audience),
                post.annotation.language,
                post.annotation.country,
                ", ".join(post.annotation.topics),
                mask(post.title)[:70],
            )
            for post in preview.posts
        ]
        columns = ("Date", "Type", "Audience", "Lang", "Country", "Topics", "Title")
        table(*columns, rows=rows, whole=("Date", "Type", "Lang", "Country"))

    document = {
        "source": source_id,
        "url": preview.url,
        "error": preview.error,
        "code": preview.code,
        "rejected": preview.rejected,
        "repairs": preview.repairs,
        "posts": [shown_post(post) for post in preview.posts],
    }
    emit(document, as_json=as_json, human=human)
    if preview.error:
        fail(f"{preview.code}: {preview.error}")


@app.command()
def pause(source_id: Id, as_json: AsJson = False) -> None:
    """Stop polling until resumed. What is stored stays."""
    _set_paused(source_id, True, as_json)


@app.command()
def resume(source_id: Id, as_json: AsJson = False) -> None:
    """Poll again, now; also takes back an automatic stop."""
    _set_paused(source_id, False, as_json)


@app.command()
def remove(
    source_id: Id,
    purge: Annotated[bool, typer.Option("--purge", help="Also delete its posts, counts and coverage.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop tracking a source. Its posts stay unless --purge is given."""
    made = services()
    made.store.remove_source(source_id, purge=purge, now=made.clock())
    emit(
        {"removed": source_id, "purged": purge},
        as_json=as_json,
        human=lambda: say(f"{source_id} is not tracked any more."),
    )


@app.command("set-aside")
def set_aside(
    source_id: Annotated[str | None, typer.Argument(metavar="ID", help="All sources if left out.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Delete them after they were shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Items that could not be read, as they came (at most a month old). They may hold names: handle with care."""
    made = services()
    if source_id is not None:
        _find(made, source_id)
    found = made.store.set_aside.list(source_id, limit=1000)

    def human() -> None:
        rows = [
            (one.source, f"{one.at:%Y-%m-%d %H:%M}", one.reason, one.raw[:300].decode("utf-8", "replace"))
            for one in found
        ]
        table("Source", "Came", "Why", "Begins", rows=rows, whole=("Source", "Came"))
        if not found:
            say("Nothing is set aside.")

    document = [
        {"source": one.source, "at": one.at, "reason": one.reason, "raw": one.raw.decode("utf-8", "replace")}
        for one in found
    ]
    emit(document, as_json=as_json, human=human)
    if drop:
        made.store.set_aside.drop([one.number for one in found])


def _set_paused(source_id: str, paused: bool, as_json: bool) -> None:
    made = services()
    tracked = made.store.set_paused(source_id, paused, made.clock())
    word = "paused" if paused else "polled again, starting now"
    emit(_document(tracked), as_json=as_json, human=lambda: say(f"{source_id} is {word}."))


def _find(made: Services, source_id: str) -> TrackedSource:
    one = made.store.source(source_id)
    if one is None:
        fail(f"no source with id {source_id}; `trendmonitor sources list` names them all")
    return one


def _source(mapping: Mapping[str, Any], made: Services) -> Source:
    from monitor.config import source_from_mapping

    result = source_from_mapping(mapping, platforms=made.config.platforms)
    if not isinstance(result, Source):
        fail("\n".join(str(problem) for problem in result), code=2)
    return result


def _idle(one: TrackedSource) -> bool:
    return not one.source.url or one.state.paused or one.state.stopped is not None or one.source.collector == "archive"


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:89] + "…"


def _document(one: TrackedSource) -> dict[str, Any]:
    from monitor.standing import status_of

    source, state = one.source, one.state
    return {
        "id": source.id, "name": source.name, "status": status_of(one), "collector": source.collector, "platform": source.platform,
        "url": source.url, "content_type": source.content_type, "audience": source.audience, "country": source.country,
        "language": source.language, "every": source.every, "declared": state.declared, "verified": state.verified,
        "last_try": state.last_try, "last_success": state.last_success, "last_new": state.last_new, "next_due": state.next_due,
        "failing_since": state.failing_since, "error_code": state.error_code, "error": state.error, "stopped": state.stopped,
    }  # fmt: skip
