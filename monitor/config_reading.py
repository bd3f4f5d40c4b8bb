"""Reading a configuration directory: which file counts, and everything that was found wrong so far."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from monitor.config_yaml import Document, FieldError, Problem, YamlPath, read_yaml

BUNDLED = Path(__file__).resolve().parent.parent / "config"
"""The configuration that comes with the product."""


class Reading:
    """What has been read so far and everything found wrong with it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.problems: list[Problem] = []
        self.files: list[str] = []

    def shown(self, name: str) -> str:
        """A file of this directory as messages name it."""
        return f"{self.directory.name}/{name}"

    def either(self, name: str) -> Path:
        """A file of this directory, or the one that comes with the product where this directory has none."""
        own, bundled = self.directory / name, BUNDLED / name
        return bundled if bundled.exists() and not own.exists() else own

    def owns(self, path: Path) -> bool:
        """True of files of this directory, false of those that come with the product."""
        return path.is_relative_to(self.directory)

    def mapping(self, path: Path) -> Document | None:
        """One file whose top level must be a mapping; None, with the problem noted, where it is not."""
        shown = self.shown(path.relative_to(self.directory).as_posix()) if self.owns(path) else str(path)
        self.files.append(shown)
        document, problems = mapping_document(path, shown)
        self.problems += problems
        return document

    def rows(self, path: Path, key: str) -> tuple[Document, list[Any]] | None:
        """One file of the form `key: [row, …]`."""
        document = self.mapping(path)
        if document is None:
            return None
        for other in document.value:
            if other != key:
                self.problems.append(document.problem((other,), f"unknown key {other!r}", f"only {key!r} belongs here"))
        if key not in document.value:
            self.problems.append(document.problem((), f"{key!r} is missing", f"write `{key}:` and a list below it"))
            return None
        rows = document.value[key]
        if rows is None or not isinstance(rows, list):
            self.problems.append(document.problem((key,), f"{key!r} is not a list", f"write `{key}: []` for none"))
            return None
        return document, rows

    def add(self, document: Document, base: YamlPath, errors: Iterable[FieldError], whose: str) -> None:
        for error in errors:
            self.problems.append(document.problem((*base, *error.path), f"{whose}{error.what}", error.instead))


def mapping_document(path: Path, shown: str) -> tuple[Document | None, list[Problem]]:
    """One file whose top level must be a mapping; the document is None where there is nothing to go on with."""
    document, problems = read_yaml(path, shown)
    if document is None:
        return None, problems
    if document.value is None:
        return None, [*problems, document.problem((), "the file is empty", "write something, or delete the file")]
    if not isinstance(document.value, dict):
        return None, [*problems, document.problem((), "the top level is not a mapping", "write `name: …` pairs")]
    return document, problems
