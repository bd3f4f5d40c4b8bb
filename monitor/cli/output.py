"""How commands speak: one JSON document for programs, tables and sparklines for people, errors on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import orjson
import typer

if TYPE_CHECKING:
    from rich.console import Console

BARS = "▁▂▃▄▅▆▇█"
GAP = "·"
"""A bucket that was not observed: visibly neither low nor zero."""
THIN = "\u202f"
"""Between groups of three digits; it does not break."""
PIPED_WIDTH = 110
"""Columns where the output is not a terminal and COLUMNS is not set."""

Advance = Callable[..., None]
"""Called with `done` (and `total`) as absolute numbers, or `text` for what is being done."""


def console() -> Console:
    """Standard output for people. Made anew, so that it is the present one."""
    from rich.console import Console

    piped = not sys.stdout.isatty() and not os.environ.get("COLUMNS")
    return Console(highlight=False, width=PIPED_WIDTH if piped else None)


def say(text: str = "", *, style: str | None = None) -> None:
    """One line as it is, wrapped by the terminal and not by us."""
    console().print(text, markup=False, style=style, soft_wrap=True)


def say_error(text: str) -> None:
    from rich.console import Console

    Console(stderr=True, highlight=False).print(text, markup=False, style="red", soft_wrap=True)


def emit(document: Any, *, as_json: bool, human: Callable[[], None]) -> None:
    """Print the document as one JSON text, or let `human` print it for a person."""
    if as_json:
        text = orjson.dumps(document, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
        sys.stdout.write(text.decode() + "\n")
    else:
        human()


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Say what is wrong on standard error and end with this exit status."""
    say_error(message)
    raise typer.Exit(code)


def table(
    *columns: str,
    rows: Sequence[Sequence[object]],
    title: str | None = None,
    right: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """A plain table; columns named in `right` are right-aligned, those in `whole` are never wrapped."""
    from rich.table import Table

    out = console()
    if title:
        out.print(title, markup=False, style="bold")
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        side = "right" if column in right else "left"
        grid.add_column(column, justify=side, overflow="fold", no_wrap=column in whole or column in right)  # type: ignore[arg-type]  # a literal
    for row in rows:
        grid.add_row(*("" if value is None else _escaped(str(value)) for value in row))
    out.print(grid)


def _escaped(text: str) -> str:
    """Titles of posts are not markup."""
    from rich.markup import escape

    return escape(text)


@contextmanager
def progress(text: str, *, hidden: bool) -> Iterator[Advance]:
    """A progress bar on standard error, if that is a terminal; otherwise nothing is shown."""
    if hidden or not sys.stderr.isatty():
        yield lambda **_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
        transient=True,
    ) as bar:
        task = bar.add_task(text, total=None)

        def advance(*, done: float | None = None, total: float | None = None, text: str | None = None) -> None:
            bar.update(task, completed=done, total=total, description=text)

        yield advance


def sparkline(values: Sequence[float | None]) -> str:
    """One character a value between the lowest and highest; None is a gap, never a low bar."""
    known = [value for value in values if value is not None]
    if not known:
        return GAP * len(values)
    low, high = min(known), max(known)
    if low == high:
        return "".join(GAP if value is None else BARS[len(BARS) // 2] for value in values)
    step = (high - low) / (len(BARS) - 1)
    return "".join(GAP if value is None else BARS[round((value - low) / step)] for value in values)


def grouped(number: int) -> str:
    """12345 → '12 345' with narrow, unbreakable blanks."""
    return f"{number:,}".replace(",", THIN)


def counted(number: int, noun: str) -> str:
    """'1 source', '2 sources'."""
    return f"{grouped(number)} {noun}{'' if number == 1 else 's'}"


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 100 else f"{value / 60:.1f} min"


def ago(moment: datetime | None, now: datetime) -> str:
    """'5 min ago', 'in 2 h', 'never'."""
    if moment is None:
        return "never"
    apart = (now - moment).total_seconds()
    size = abs(apart)
    for unit, length in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if size >= length:
            text = f"{size / length:.0f} {unit}"
            break
    else:
        text = f"{size:.0f} s"
    return f"{text} ago" if apart >= 0 else f"in {text}"


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "items"):
        return dict(value)
    raise TypeError(f"cannot show {type(value).__name__} as JSON")
