"""Reading one mapping that a person wrote: key by key, every mistake noted, nothing raised.

Also here: how quantities are written in claim files (`10 %`, `5 points`, `1.8 million`, `45 of 50`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from monitor.config_yaml import FieldError, YamlPath, nearest

Choice = TypeVar("Choice", bound=str)

_NUMBER = r"([-+]?\d{1,15}(?:\.\d{1,9})?)"
_PERCENT = re.compile(_NUMBER + r"\s*%(?:\s+(?:a|per)\s+year)?")
_POINTS = re.compile(_NUMBER + r"\s*points?")
_MAGNITUDE = re.compile(_NUMBER + r"\s*(thousand|million|billion|trillion)?")
_COUNTS = re.compile(r"(\d{1,9}) of (\d{1,9})")
_TIMES = {None: 1.0, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}


def number_of(value: object) -> float | None:
    """A plain number, or one with its magnitude in words ('1.8 million'); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    match = _MAGNITUDE.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(match[1]) * _TIMES[match[2]] if match else None


class Fields:
    """One mapping at `path`. A key whose value is None counts as left out. What is wrong is added to `errors`, and the
    reader gets the default instead, so that one mistake does not hide the next."""

    def __init__(
        self, data: Mapping[str, Any], known: Collection[str], *, path: YamlPath, errors: list[FieldError]
    ) -> None:
        self.data, self.path, self.errors = data, path, errors
        for key in data:
            if key not in known:
                self.wrong(key, f"unknown key {key!r}", nearest(key, known))

    def wrong(self, key: str | None, what: str, instead: str, *below: str | int) -> None:
        """Note a mistake in the value of a key, or in the mapping as a whole."""
        self.errors.append(FieldError((*self.path, *(() if key is None else (key,)), *below), what, instead))

    def has(self, key: str) -> bool:
        return self.data.get(key) is not None

    def needs(self, key: str, example: str = "…") -> bool:
        """True if the key is there; otherwise that is noted."""
        if self.has(key):
            return True
        self.wrong(None, f"{key!r} is missing", f"add `{key}: {example}`")
        return False

    def text(self, key: str, *, needed: bool = True, longest: int = 1_000, example: str = "…") -> str:
        if not (self.needs(key, example) if needed else self.has(key)):
            return ""
        return self.line(self.data[key], key, longest=longest)

    def line(self, value: object, key: str, *below: str | int, longest: int = 1_000) -> str:
        """One text, which may be folded over several lines of the file; shown as one."""
        if not isinstance(value, str) or not value.strip():
            what, instead = f"{value!r:.60} is not text", "write a few words, in quotes if they are a number"
            if isinstance(value, dict) and value:
                what = f"the colon after {next(iter(value))!r:.60} makes this a mapping"
                instead = "put the sentence in quotes, or write it without a colon"
            self.wrong(key, what, instead, *below)
            return ""
        text = " ".join(value.split())
        if len(text) > longest:
            self.wrong(key, f"{len(text)} characters are too many", f"use at most {longest}", *below)
        return text

    def lines(self, key: str) -> tuple[str, ...]:
        """A list of at least one text."""
        if not self.needs(key, "[…]"):
            return ()
        value = self.data[key]
        if not isinstance(value, list) or not value:
            self.wrong(key, f"{key!r} is not a list of sentences", "write one `- …` below it for each")
            return ()
        return tuple(self.line(entry, key, index) for index, entry in enumerate(value))

    def choice(self, key: str, known: Sequence[Choice], default: Choice | None = None) -> Choice | None:
        """One of `known`. None, with the mistake noted, for another word; `default` (None: needed) if left out."""
        if default is not None and not self.has(key):
            return default
        if not self.needs(key, known[0]):
            return None
        value = self.data[key]
        for one in known:
            if value == one:
                return one
        self.wrong(key, f"unknown {key} {str(value)[:60]!r}", nearest(str(value)[:60], known))
        return None

    def flag(self, key: str, default: bool | None = False) -> bool:
        if default is not None and not self.has(key):
            return default
        if not self.needs(key, "false"):
            return False
        value = self.data[key]
        if not isinstance(value, bool):
            self.wrong(key, f"{str(value)[:60]!r} is not true or false", "write true or false")
            return False
        return value

    def whole(self, key: str, default: int, *, least: int, most: int, unit: str) -> int:
        if not self.has(key):
            return default
        value = self.data[key]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            shown = str(value)[:60]
            self.wrong(key, f"{shown!r} is not a number of {unit}", f"write a whole number from {least} to {most}")
            return default
        return value

    def number(self, key: str) -> float | None:
        """A needed number; None, with the mistake noted, where it is none."""
        if not self.needs(key, "1.8 million"):
            return None
        return self.value(self.data[key], key)

    def value(self, value: object, key: str, *below: str | int) -> float | None:
        number = number_of(value)
        if number is None:
            instead = "write digits with a point for decimals, such as 12.5 or 1.8 million"
            self.wrong(key, f"{str(value)[:60]!r} is not a number", instead, *below)
        return number

    def percent(self, key: str, *, least: float, most: float, example: str) -> float | None:
        """'10 %' → 0.10; `least` and `most` are fractions, both allowed. None if left out or, with a note, wrong."""
        return self._measure(key, _PERCENT, least, most, "percentage", " %", example)

    def points(self, key: str, *, least: float, most: float, example: str) -> float | None:
        """'5 points' → 0.05 (a difference of shares); as `percent`."""
        return self._measure(key, _POINTS, least, most, "number of points", " points", example)

    def _measure(
        self, key: str, pattern: re.Pattern[str], least: float, most: float, what: str, unit: str, example: str
    ) -> float | None:
        if not self.has(key):
            return None
        value = self.data[key]
        match = pattern.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            instead = f"write {value}{unit}" if number_of(value) is not None else f"write for example {example}"
            if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < abs(value) < 1:
                instead = f"write {value * 100:g}{unit}"
            self.wrong(key, f"{str(value)[:60]!r} is not a {what}", instead)
            return None
        number = float(match[1]) / 100
        if not least <= number <= most:
            bounds = f"write something from {least * 100:g}{unit} to {most * 100:g}{unit}"
            self.wrong(key, f"{value!r} is out of bounds", bounds)
            return None
        return number

    def counts(self, key: str) -> tuple[int, int]:
        """'45 of 50' → (45, 50)."""
        if not self.needs(key, "45 of 50"):
            return 0, 1
        match = _COUNTS.fullmatch(str(self.data[key]).strip())
        part, total = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 0 <= part <= total or total == 0:
            self.wrong(key, f"{str(self.data[key])[:60]!r} is not a count", "write for example 45 of 50")
            return 0, 1
        return part, total

    def mapping(self, key: str, example: str) -> dict[str, Any]:
        """A needed mapping of at least one pair; empty, with the mistake noted, where it is none."""
        if not self.needs(key, example):
            return {}
        value = self.data[key]
        if not isinstance(value, dict) or not value:
            self.wrong(key, f"{key!r} is not a mapping", f"write `{key}: {example}`")
            return {}
        return value
