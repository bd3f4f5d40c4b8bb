"""`trendmonitor platforms`: the access register, what each route needs, and whether it works now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.app import AsJson, run, services
from monitor.cli.output import ago, emit, fail, say, table

if TYPE_CHECKING:
    from monitor.bootstrap import Services
    from monitor.register import RouteState

app = typer.Typer(help="The access register: what can be observed where, by which route, and what cannot.")


@app.callback(invoke_without_command=True)
def platforms(context: typer.Context, as_json: AsJson = False) -> None:
    """All platforms, with their routes and how they stand."""
    if context.invoked_subcommand is None:
        list_platforms(as_json=as_json)


@app.command("list")
def list_platforms(as_json: AsJson = False) -> None:
    """All platforms, with their routes and how they stand."""
    made = services()
    register = made.config.platforms
    states = _states(made)
    tracked = made.store.sources()
    counts = {name: sum(one.source.platform == name for one in tracked) for name in register}

    def human() -> None:
        rows = [
            (
                name,
                info.name,
                info.access,
                counts[name],
                ", ".join(f"{one.route.collector}: {_word(one.state)}" for one in states if one.platform == name),
                info.not_measurable,
            )
            for name, info in register.items()
        ]
        columns = ("ID", "Platform", "Access", "Sources", "Routes", "Not measurable")
        table(*columns, rows=rows, right=("Sources",), whole=("ID", "Access"))

    document = [
        {
            "id": name,
            "info": info,
            "sources": counts[name],
            "routes": [_document(one) for one in states if one.platform == name],
        }
        for name, info in register.items()
    ]
    emit(document, as_json=as_json, human=human)


@app.command()
def show(platform: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """One platform: its routes with key, quota, duty, options and addresses, and what can't be observed."""
    from collectors import registry

    made = services()
    info = made.config.platforms.get(platform)
    if info is None:
        fail(f"no platform with id {platform}; there are: {', '.join(sorted(made.config.platforms))}")
    states = [one for one in _states(made) if one.platform == platform]

    def human() -> None:
        say(f"{info.name} ({info.access})", style="bold")
        for one in states:
            say(f"\n{one.route.collector}: {_word(one.state)}. {one.says}")
            for label, value in (
                ("observes", one.route.observes), ("key", one.route.key), ("variable", one.variable),
                ("quota", one.route.quota), ("duty", one.route.duty), ("evidence", one.route.evidence),
                ("last success", ago(one.last_success, made.clock()) if one.last_success else None),
            ):  # fmt: skip
                if value:
                    say(f"  {label:>12}  {value}")
            if not one.route.implemented:
                continue
            collector = registry.get(one.route.collector)
            for address in collector.examples:
                say(f"  {'address':>12}  {address}")
            for name, option in collector.options.items():
                say(f"  {'option':>12}  {name}: {option.says}")
        say(f"\nNot measurable: {info.not_measurable}")
        if info.retention:
            say(f"Retention: {info.retention}")

    emit({"id": platform, "info": info, "routes": [_document(one) for one in states]}, as_json=as_json, human=human)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Try every configured route with one request or a few, store nothing, and say what works. Status 1 if one fails."""
    from monitor.register import try_routes

    made = services()
    tried = run(try_routes(made.previews, made.config.platforms, made.store.sources(), set(made.settings.key)))

    def human() -> None:
        rows = [
            (
                one.platform,
                one.collector,
                "works" if one.ok else "fails",
                f"{one.millis} ms",
                one.source or one.url or "",
                one.says,
            )
            for one in tried
        ]
        table("Platform", "Route", "State", "Time", "Asked", "Says", rows=rows, whole=("Platform", "Route", "State"))
        idle = [one for one in _states(made) if one.state in ("no_key", "no_source")]
        for one in idle:
            say(f"{one.platform} by {one.route.collector}: not tried. {one.says}")

    emit(tried, as_json=as_json, human=human)
    if not all(one.ok for one in tried):
        raise typer.Exit(1)


@app.command("pinterest-trends")
def pinterest_trends(
    region: Annotated[str, typer.Argument(help="As Pinterest divides the world: US, CA, DE, FR, GB+IE …")],
    kind: Annotated[str, typer.Option(help="growing, monthly, yearly or seasonal.")] = "growing",
    as_json: AsJson = False,
) -> None:
    """Search terms that grow on Pinterest, as aggregates. They are not posts, and are stored nowhere."""
    made = services()
    try:
        found = run(made.previews.growing_keywords(region, kind))  # type: ignore[arg-type]  # refused if unknown
    except ValueError as error:
        fail(str(error), code=2)

    def human() -> None:
        rows = [(one.rank, one.keyword, one.growth_week, one.growth_month, one.growth_year) for one in found]
        table("Rank", "Term", "Week %", "Month %", "Year %", rows=rows, right=("Rank", "Week %", "Month %", "Year %"))

    emit(found, as_json=as_json, human=human)


def _states(made: Services) -> list[RouteState]:
    from monitor.register import route_states

    return list(route_states(made.config.platforms, made.store.sources(), set(made.settings.key)))


def _word(state: str) -> str:
    return state.replace("_", " ")


def _document(one: RouteState) -> dict[str, Any]:
    return {
        "collector": one.route.collector, "state": one.state, "says": one.says, "variable": one.variable,
        "has_key": one.has_key, "sources": one.sources, "working": one.working, "last_success": one.last_success,
    }  # fmt: skip
