"""What a source may say in `options`: declared by its collector, checked before anything is fetched."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from collectors.base import Source

Kind = Literal["text", "texts", "whole", "number", "flag", "choice"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a source, as its collector sees it."""

    path: tuple[str | int, ...]
    """('url',), ('options', 'query'), ('options', 'keywords', 3)."""
    what: str
    instead: str
    """What to write, as a clause: 'write for example …'."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a source may say. A `number` or `whole` lies from `low` to `high`, both included."""

    kind: Kind
    says: str
    """What it does, in one sentence, with its unit and its default."""
    default: Any = None
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = float("inf")


def check_options(source: Source, declared: Mapping[str, Option]) -> list[Problem]:
    """Unknown options and values of the wrong kind, one problem each. None counts as left out."""
    problems = []
    for name, value in source.options.items():
        option = declared.get(name)
        if option is None:
            problems.append(
                Problem(("options", name), f"{source.collector} has no option {name!r}", _nearest(name, declared))
            )
        elif value is not None:
            problems.extend(_wrong(("options", name), option, value))
    return problems


def read_options(source: Source, declared: Mapping[str, Option]) -> dict[str, Any]:
    """Every declared option with its value or default; 'texts' as a tuple. Of a source that was checked."""
    values = {}
    for name, option in declared.items():
        value = source.options.get(name)
        if value is None:
            value = option.default
        if option.kind == "texts":
            value = tuple(str(one).strip() for one in value or ())
        values[name] = value.strip() if isinstance(value, str) else value
    return values


def _wrong(path: tuple[str | int, ...], option: Option, value: Any) -> list[Problem]:
    if option.kind == "texts":
        if not isinstance(value, (list, tuple)):
            return [Problem(path, f"{value!r} is not a list", "write a list such as [flu, measles]")]
        return [problem for index, one in enumerate(value) for problem in _not_text((*path, index), one)]
    if option.kind == "text":
        return _not_text(path, value)
    if option.kind == "flag":
        return (
            [] if isinstance(value, bool) else [Problem(path, f"{value!r} is not true or false", "write true or false")]
        )
    if option.kind == "choice":
        if isinstance(value, str) and value in option.choices:
            return []
        return [Problem(path, f"{value!r} is not one of them", f"write one of {', '.join(option.choices)}")]
    wanted = "a whole number" if option.kind == "whole" else "a number"
    whole = option.kind == "whole"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (whole and not isinstance(value, int)):
        return [Problem(path, f"{value!r} is not {wanted}", f"write {wanted}{_bounds(option)}")]
    if not option.low <= value <= option.high:
        return [Problem(path, f"{value} is out of bounds", f"write {wanted}{_bounds(option)}")]
    return []


def _bounds(option: Option) -> str:
    return f" from {option.low:g} up" if option.high == float("inf") else f" from {option.low:g} to {option.high:g}"


def _not_text(path: tuple[str | int, ...], value: Any) -> list[Problem]:
    if not isinstance(value, str):
        return [Problem(path, f"{value!r} is not text", "put it in quotes")]
    return [] if value.strip() else [Problem(path, "it is empty", "write a few words, or leave it out")]


def _nearest(name: str, declared: Mapping[str, Option]) -> str:
    if not declared:
        return "leave `options` out"
    close = difflib.get_close_matches(name, declared, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(declared))}"
