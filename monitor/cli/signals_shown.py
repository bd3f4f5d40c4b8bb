"""How signals look in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.cli.output import THIN, counted, grouped, say, table

Document = Mapping[str, Any]

_MARKS = {"up": "▲", "down": "▼"}
_INDENT = "  "
GENERATED = "Generated data: these signals say nothing about the world."


def show_list(signals: Sequence[Document], *, generated: bool, narrowed: bool) -> None:
    if generated:
        say(GENERATED, style="bold")
    if not signals:
        say(
            "No such signal."
            if narrowed
            else "No sudden change has been found. Watching needs weeks of observed posts."
        )
        return
    rows = [
        (
            one["id"],
            f"{_MARKS[one['direction']]} {one['label']}",
            one["since"],
            grouped(one["observed"]),
            _expected(one),
            "" if one["n_sources"] is None else one["n_sources"],
            _state(one),
        )
        for one in signals
    ]
    table(
        "ID", "What", "Since", "Posts", "Expected", "Sources", "State",
        rows=rows, right=("Posts", "Expected", "Sources"), whole=("ID", "Since", "State"),
    )  # fmt: skip
    say(
        "Expected: by the baseline, with the 95 % prediction interval. What each rests on: trendmonitor signals show ID"
    )


def show_signal(one: Document, posts: Sequence[Document], *, generated: bool) -> None:
    if generated:
        say(GENERATED, style="bold")
    say(f"{one['id']} · {one['key']} · by {one['size']} · {_state(one)}", style="dim")
    say(one["says"], style="bold")
    say()
    say(
        f"{grouped(one['observed'])} posts from {one['figures_since']} until before {one['until']}; {_expected(one)} expected"
    )
    if one["ratio"] is not None:
        peak = "" if one["peak"] is None else f"; at its peak {one['peak']:.1f} times"
        say(f"{one['ratio']:.1f} times what was expected{peak}")
    threshold = one["settings"].get("alpha")
    tested = "" if not isinstance(threshold, float) else f", threshold {threshold:.2g}"
    say(f"p {one['p']:.2g}{tested}; found by {', '.join(one['detectors'])}")
    if one["n_sources"] is not None:
        top = (
            "" if one["top_source_share"] is None else f"; {100 * one['top_source_share']:.0f} % of the posts from one"
        )
        say(f"From {counted(one['n_sources'], 'source')}{top}")
    if one["copies_only"]:
        say("Copies of one text alone explain it.")
    for title, when, why in (
        ("Acknowledged", one["acknowledged_at"], one["acknowledged_why"]),
        ("Muted until", one["muted_until"], one["muted_why"]),
    ):
        if when is not None:
            say(f"{title} {when[:16].replace('T', ' ')} UTC: {why}")
    _title("Settings")
    for name, value in one["settings"].items():
        say(
            f"{_INDENT}{name.replace('_', ' ')}: {value:.4g}"
            if isinstance(value, float)
            else f"{_INDENT}{name.replace('_', ' ')}: {value}"
        )
    _title("Posts with the most interactions")
    for post in posts:
        _show_post(post)
    if not posts:
        say(f"{_INDENT}None is stored.")


def _show_post(post: Document) -> None:
    say(f"{_INDENT}{post['published_at']:%Y-%m-%d}  {post['source']}  {post['title'] or post['excerpt'][:80]}")
    if post["url"]:
        say(f"{_INDENT * 2}{post['url']}", style="dim")


def _expected(one: Document) -> str:
    """112 (90–135)."""
    return f"{one['expected']:,.0f} ({one['low']:,.0f}–{one['high']:,.0f})".replace(",", THIN)


def _state(one: Document) -> str:
    said = [one["state"]]
    if one["acknowledged_at"] is not None:
        said.append("acknowledged")
    if one["muted"]:
        said.append("muted")
    return ", ".join(said)


def _title(text: str) -> None:
    say()
    say(text, style="bold")
