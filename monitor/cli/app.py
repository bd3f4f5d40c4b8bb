"""The root of the command line and what every command shares."""

from __future__ import annotations

import asyncio
import atexit
import gc
import os
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from monitor.bootstrap import Services

T = TypeVar("T")

app = typer.Typer(
    name="trendmonitor",
    help="Watches public healthcare posts and says which trend claims the evidence bears out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]


def start_lightly() -> None:
    """Spare a command work that only costs time; to be called before anything heavy is loaded."""
    # We use no plugins of pydantic; to look for some, it reads the metadata of every installed package
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # A thousand modules are loaded, and hardly anything of them is garbage: look for it less often
    gc.set_threshold(20_000, 20, 20)


def services(*, quiet: bool = True) -> Services:
    """Settings from the environment, the rest on demand; closed when the process ends."""
    from monitor import logs
    from monitor.bootstrap import Services
    from monitor.settings import Settings

    settings = Settings.load()
    logs.configure("WARNING" if quiet else settings.log_level, as_json=settings.log_format == "json")
    made = Services(settings)
    atexit.register(made.close)
    return made


def refuse_generated(made: Services) -> None:
    """End the command if the database holds generated posts: nothing real is ever mixed with them."""
    from monitor.cli.output import fail

    if made.generated:
        fail("This database holds generated posts; real ones are not mixed in. Use another TRENDMONITOR_HOME.")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end; Ctrl-C cancels it in order."""
    return asyncio.run(work)
