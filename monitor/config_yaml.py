"""YAML that remembers its lines.

`read_yaml` turns one file into plain values and a table from each value's path to its line, so that a check made
later can still say where the mistake is. It refuses what would be read differently from how it looks: a key
written twice, tabs as indentation, tags. Only `true` and `false` are booleans and dates stay text, so
`country: NO` is Norway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar

import yaml

YamlPath = tuple[str | int, ...]
"""Keys and list positions from the top of a file to a value."""

_MAX_DEPTH = 40
_MAX_VALUES = 500_000
"""Aliases can make a small file enormous; real files stay far below this."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one file. `line` counts from 1; None where no line is to blame (a missing file)."""

    file: str
    line: int | None
    what: str
    instead: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.what}; {self.instead}"


class ConfigErrors(Exception):
    """The configuration can't be used. Holds every problem that was found, in file and line order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(
            sorted(problems, key=lambda problem: (problem.file, problem.line or 0, problem.what))
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a mapping that someone wrote, and what would be right."""

    path: tuple[str | int, ...]
    what: str
    instead: str

    @property
    def field(self) -> str:
        """The field as users write it: 'country', 'audience.1'; empty for the mapping as a whole."""
        return ".".join(str(part) for part in self.path)

    @property
    def message(self) -> str:
        return f"{self.what}; {self.instead}"

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True)
class Document:
    """The plain values of one file (text, numbers, booleans, None, lists, dictionaries with text keys)."""

    file: str
    value: Any
    lines: Mapping[YamlPath, int] = field(default_factory=dict)

    def line(self, path: Sequence[str | int] = ()) -> int:
        """The line of a value, or of the nearest thing around it that has one."""
        at = tuple(path)
        while at:
            if at in self.lines:
                return self.lines[at]
            at = at[:-1]
        return self.lines.get((), 1)

    def problem(self, path: Sequence[str | int], what: str, instead: str) -> Problem:
        return Problem(self.file, self.line(path), what, instead)


def nearest(word: str, known: Iterable[str], *, listed: int = 16) -> str:
    """What would be right instead of `word`: the closest known name, else all of them if they are few."""
    names = sorted(known)
    folded = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    if not names:
        return "none is known"
    shown = ", ".join(names[:listed])
    return f"known: {shown}" + (f" and {len(names) - listed} more" if len(names) > listed else "")


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # the base is chosen when imported: libyaml's where the wheel has it
    # A narrower reading than YAML 1.1, and a subset of it, so that what PyYAML writes is read back as it was.
    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


_TAG = "tag:yaml.org,2002:"
for _kind, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?$", "-+0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(_pattern), list(_first))


def read_yaml(path: Path, shown: str) -> tuple[Document | None, list[Problem]]:
    """Read one file; `shown` is its name in messages. The document is None where there is nothing to go on with."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None, [Problem(shown, None, "the file does not exist", f"create {path}")]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return None, [Problem(shown, None, f"the file can't be read ({reason})", f"check {path} and its permissions")]
    return parse_yaml(data, shown)


def parse_yaml(data: bytes, shown: str) -> tuple[Document | None, list[Problem]]:
    """As `read_yaml`, from bytes."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, [Problem(shown, line, "this is not UTF-8 text", "save the file in UTF-8")]
    stray = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if stray:
        line = text.count("\n", 0, stray.start()) + 1
        return None, [Problem(shown, line, f"control character {stray.group()!r}", "delete it")]
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        return None, [_syntax_problem(error, text, shown)]
    except RecursionError:
        return None, [Problem(shown, None, "the values are nested too deeply", f"use at most {_MAX_DEPTH} levels")]
    builder = _Builder(shown)
    value = builder.build(root, ()) if root is not None else None
    return Document(shown, value, builder.lines), builder.problems


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, shown: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    lines = text.splitlines()
    for at in (line, line + 1) if line else ():
        if at <= len(lines) and re.match(r" *\t", lines[at - 1]):
            return Problem(shown, at, "a tab is used as indentation", "indent with spaces")
    what = " ".join(part for part in (error.context, error.problem) if part) or "this is not YAML"
    return Problem(shown, line, f"not readable as YAML ({what})", "check indentation, colons and quotes around here")


class _Builder:
    """One walk over the composed nodes. Collects problems instead of stopping at the first."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.lines: dict[YamlPath, int] = {}
        self.problems: list[Problem] = []
        self.values = 0
        self.overflowed = False

    def build(self, node: yaml.Node, path: YamlPath) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self.values += 1
        if len(path) > _MAX_DEPTH or self.values > _MAX_VALUES:
            if not self.overflowed:
                self.overflowed = True
                self._add(
                    line, "too deep or too large", "write values out plainly, without aliases that repeat themselves"
                )
            return None
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, "map")
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, "seq")
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, line)

    def _mapping(self, node: yaml.MappingNode, path: YamlPath) -> dict[str, Any]:
        out: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._add(line, "a key must be plain text", "put the list or mapping on the right of a colon")
                continue
            key = str(key_node.value)
            if key in first:
                self._add(line, f"key {key!r} appears twice, first in line {first[key]}", "keep one of them")
                continue
            first[key] = line
            self.lines[(*path, key)] = line
            out[key] = self.build(value_node, (*path, key))
        return out

    def _scalar(self, node: yaml.Node, line: int) -> Any:
        kind = node.tag.removeprefix(_TAG)
        text = str(node.value)
        try:
            match kind:
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text)
                case "float":
                    return float(text)
        except ValueError:
            self._add(line, f"{text[:40]!r} is not a usable number", "write a shorter number, or quote it as text")
            return None
        self._add(line, f"tag {node.tag!r} is not supported", "delete the tag")
        return None

    def _check_tag(self, node: yaml.Node, usual: str) -> None:
        if node.tag != _TAG + usual:
            self._add(node.start_mark.line + 1, f"tag {node.tag!r} is not supported", "delete the tag")

    def _add(self, line: int, what: str, instead: str) -> None:
        self.problems.append(Problem(self.shown, line, what, instead))
