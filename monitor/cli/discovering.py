"""`trendmonitor sources discover`: feeds behind an address, and podcasts by words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import AsJson, run, services
from monitor.cli.output import emit, fail, say_error, table

if TYPE_CHECKING:
    from monitor.bootstrap import Services


def discover(
    url: Annotated[str | None, typer.Argument(help="A page, channel or site.")] = None,
    podcasts: Annotated[
        str | None, typer.Option(metavar="WORDS", help="Look for podcasts in PodcastIndex and iTunes instead.")
    ] = None,
    country: Annotated[str | None, typer.Option(help="ISO 3166-1 alpha-2: the shop of iTunes that is asked.")] = None,
    as_json: AsJson = False,
) -> None:
    """Feeds that can be read at an address, or podcasts that directories list under some words."""
    made = services()
    if (url is None) == (podcasts is None):
        fail("name an address, or --podcasts WORDS", code=2)
    if podcasts is not None:
        _discover_podcasts(made, podcasts, country, as_json)
        return
    assert url is not None
    found = run(made.previews.discover(url if "://" in url else f"https://{url}"))

    def human() -> None:
        table(
            "Address",
            "Title",
            "Format",
            "Items",
            "Newest",
            rows=[(c.url, c.title, c.format, c.items, f"{c.newest:%Y-%m-%d}" if c.newest else "") for c in found],
        )

    emit(found, as_json=as_json, human=human)
    if not found:
        fail("No feed that can be read was found there.")


def _discover_podcasts(made: Services, words: str, country: str | None, as_json: bool) -> None:
    try:
        found = run(made.previews.podcasts(words, country=country.upper() if country else None))
    except ValueError as error:
        fail(str(error), code=2)

    def human() -> None:
        rows = [
            (
                one.feed_url,
                one.title,
                one.publisher,
                one.episodes,
                f"{one.newest:%Y-%m-%d}" if one.newest else "",
                one.directory,
            )
            for one in found.shows
        ]
        table("Feed", "Show", "Publisher", "Episodes", "Newest", "Listed by", rows=rows)

    failed = [{"directory": name, "error": str(error), "code": error.code} for name, error in found.failed]
    emit({"shows": found.shows, "failed": failed}, as_json=as_json, human=human)
    for one in failed:
        say_error(f"{one['directory']}: {one['error']}")
    if not found.shows:
        fail("No podcast was found.")
