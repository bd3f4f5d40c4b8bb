"""Commands that look: trends, posts, platforms, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.app import AsJson, services
from monitor.cli.output import console, emit, fail, grouped, say, sparkline, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.store import PostQuery

Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter", "-f", metavar="DIM=VALUE", help="Only posts with this value; repeat for more. Same dimension: any."
    ),
]
Since = Annotated[str | None, typer.Option(help="ISO date or time, inclusive (UTC).")]
Until = Annotated[str | None, typer.Option(help="ISO date or time, exclusive (UTC).")]
LONGEST_LABEL = 28


def register(app: typer.Typer) -> None:
    app.command()(trends)
    app.command()(posts)
    app.command()(export)


def trends(
    metric: Annotated[str, typer.Option(help="volume, share, sentiment, engagement …")] = "volume",
    by: Annotated[
        str | None,
        typer.Option(help="content_type, audience, platform, region, country, language, topic or source."),
    ] = None,
    interval: Annotated[str, typer.Option(help="day, week or month.")] = "week",
    since: Since = None,
    until: Until = None,
    panel: Annotated[str, typer.Option(help="all: every source. fixed: only those observed throughout.")] = "all",
    copies: Annotated[str, typer.Option(help="count: every post. fold: copies of one text count once.")] = "count",
    limit: Annotated[int | None, typer.Option(help="At most this many series, the largest first.")] = None,
    filters: Filters = None,
    as_json: AsJson = False,
) -> None:
    """A metric over time, with intervals and what was observed."""
    from monitor.core.metrics import QueryError, parse_query

    pairs = _filters(filters)
    made = services()
    params: dict[str, list[str]] = {"metric": [metric], "interval": [interval], "panel": [panel], "copies": [copies]}
    for name, given in (("by", by), ("since", since), ("until", until), ("limit", limit)):
        if given is not None:
            params[name] = [str(given)]
    for name, value in pairs:
        params.setdefault(name, []).append(value)
    try:
        answer = made.trends.answer(parse_query(params, now=made.clock()))
    except QueryError as error:
        fail(str(error), code=2)
    emit(answer, as_json=as_json, human=lambda: _show_trends(answer))


def _show_trends(answer: dict[str, Any]) -> None:
    width = console().width
    share = answer["unit"] == "share"
    say(
        f"{answer['label']} per {answer['interval']}, {answer['since']} to {answer['until']}, data up to {answer['as_of'][:16]}Z"
    )
    rows = []
    for series in answer["series"]:
        points = series["points"]
        last = next((point for point in reversed(points) if point["value"] is not None), None)
        shown = points[-max(width - 2 * LONGEST_LABEL - 40, 12) :]
        rows.append(
            (
                series["label"][:LONGEST_LABEL],
                sparkline([point["value"] for point in shown]),
                "[no value]" if last is None else _number(last["value"], share=share),
                ""
                if last is None or last["low"] is None
                else f"{_number(last['low'], share=share)} to {_number(last['high'], share=share)}",
                "" if last is None else grouped(last["n"]),
                "" if last is None else last["start"],
                "" if last is None else last["status"],
            )
        )
    columns = (
        str(answer["by"] or "all"),
        "over time",
        "last",
        "95 % interval",
        "n",
        f"{answer['interval']} of",
        "status",
    )
    table(*columns, rows=rows, right=("last", "95 % interval", "n"), whole=columns)
    counts: dict[str, int] = {}
    for series in answer["series"][:1]:
        for point in series["points"]:
            counts[point["status"]] = counts.get(point["status"], 0) + 1
    if counts:
        say(f"{answer['interval']}s: " + ", ".join(f"{grouped(count)} {status}" for status, count in counts.items()))
    for note in answer["notes"]:
        say(note)


def _number(value: float, *, share: bool) -> str:
    if share:
        return f"{100 * value:.1f} %"
    if value == int(value) and abs(value) >= 1:
        return grouped(int(value)).replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def posts(
    q: Annotated[str | None, typer.Option(help='Words; "phrases" in quotes; -word leaves out.')] = None,
    since: Since = None,
    until: Until = None,
    order: Annotated[str | None, typer.Option(help="newest, relevance (with --q) or engagement.")] = None,
    limit: Annotated[int, typer.Option(help="1 to 500.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the last page ended.")] = None,
    filters: Filters = None,
    as_json: AsJson = False,
) -> None:
    """Stored posts with their tags and the reasons for them."""
    from monitor.core.mask import shown_post

    pairs = _filters(filters)
    made = services()
    query = _query(made.clock(), pairs, q=q, since=since, until=until, order=order, cursor=cursor, limit=limit)
    try:
        page = made.store.posts(query)
    except ValueError as error:
        fail(str(error), code=2)
    shown = [shown_post(post) for post in page.posts]
    emit({"posts": shown, "next": page.next}, as_json=as_json, human=lambda: _show_posts(shown, page.next))


def _show_posts(posts: Sequence[dict[str, Any]], following: str | None) -> None:
    if not posts:
        say("No posts match.")
    for post in posts:
        say(f"{post['published_at']:%Y-%m-%d %H:%M}  {post['source']}", style="bold")
        say(f"  {' '.join((post['title'] or post['excerpt']).split())[:160]}")
        facts = [
            post["content_type"],
            "+".join(post["audience"]),
            post["country"] or "country unknown",
            post["language"] or "language unknown",
            ", ".join(post["topics"]) or "no topic",
            "no sentiment" if post["sentiment"] is None else f"sentiment {post['sentiment']:+.2f}".replace("-", "−"),
        ]
        say(f"  {' · '.join(facts)}", style="dim")
        if post["url"]:
            say(f"  {post['url']}", style="dim")
    if following:
        say(f"More: --cursor {following}")


def export(
    file: Annotated[
        Path, typer.Argument(help="Ends in .jsonl, .csv or .parquet; '-' writes JSON Lines to standard output.")
    ],
    since: Since = None,
    until: Until = None,
    filters: Filters = None,
    as_json: AsJson = False,
) -> None:
    """Write posts as an archive that `import` reads. Authors are left out."""
    from monitor.archive_export import export_posts, stream_posts

    pairs = _filters(filters)
    piped = str(file) == "-"
    if piped and as_json:
        fail("--json and '-' both want standard output: name a file, or leave --json out", code=2)
    made = services()
    query = _query(made.clock(), pairs, since=since, until=until)
    try:
        if piped:
            stream_posts(made.store, sys.stdout.buffer, query)
            return
        count = export_posts(made.store, file, query)
    except ValueError as error:
        fail(str(error), code=2)
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(f"{file}: cannot be written ({error.strerror or error})")
    emit(
        {"file": file, "posts": count}, as_json=as_json, human=lambda: say(f"{grouped(count)} posts written to {file}")
    )


def _query(now: datetime, filters: Sequence[tuple[str, str]], **given: object) -> PostQuery:
    from monitor.core.query import QueryError
    from monitor.posts_query import parse_posts_query

    params = {name: [str(value)] for name, value in given.items() if value is not None}
    for name, value in filters:
        params.setdefault(name, []).append(value)
    try:
        return parse_posts_query(params, now=now)
    except QueryError as error:
        fail(str(error), code=2)


def _filters(filters: list[str] | None) -> list[tuple[str, str]]:
    if not filters:
        return []
    from difflib import get_close_matches

    from monitor.core.query import FILTERS
    from monitor.posts_query import FLAG

    known = (*FILTERS, FLAG)
    pairs = []
    for text in filters:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            fail(f"--filter {text}: write it as dimension=value, for example --filter content_type=video", code=2)
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
            fail(f"--filter {text}: there is no dimension {name!r}. {hint}", code=2)
        pairs.append((name, value))
    return pairs
