"""Numbers, dates and foreign text as a digest prints them. Pure.

Numbers and dates follow the reader's locale; the words around them are English. What comes from outside (names of
sources, titles of posts) passes through `tidy` before it stands in a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

LOCALES = {"en": "en_GB", "de": "de", "fr": "fr", "es": "es", "it": "it", "pt": "pt"}
"""What a digest may ask for → where its forms come from."""
NOT_AVAILABLE = "[x]"
"""Printed where there is no number; explained wherever it occurs."""
PERCENT = "\u00a0%"
INTERVAL = f"95{PERCENT} interval"

_MINUS = "\u2212"
# Marks that turn the direction of text around, and zero-width ones that hide what a name is made of
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]")
_RTL = {"R", "AL"}


def tidy(text: str, longest: int = 120) -> str:
    """A foreign text as one line of at most so many characters: no control or direction marks, no line breaks."""
    shown = _INVISIBLE.sub("", text)
    shown = "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Co", "Zl", "Zp") else one for one in shown)
    shown = " ".join(shown.split())
    return shown if len(shown) <= longest else shown[: longest - 1].rstrip() + "…"


def isolated(text: str) -> str:
    """A tidy text that cannot turn around the words beside it, if it has letters that run from right to left."""
    if any(unicodedata.bidirectional(one) in _RTL for one in text):
        return f"\u2068{text}\u2069"
    return text


def joined(parts: Sequence[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def counted(number: int, one: str, many: str | None = None) -> str:
    """The noun that goes with a number, without the number."""
    return one if number == 1 else many or f"{one}s"


@dataclass(frozen=True, slots=True)
class Words:
    """How one locale writes."""

    locale: Locale

    @classmethod
    def of(cls, name: str) -> Words:
        """Raises ValueError for a locale that digests do not have."""
        if name not in LOCALES:
            raise ValueError(f"digests know the locales {', '.join(LOCALES)}, not {name!r}")
        return cls(Locale.parse(LOCALES[name]))

    def number(self, value: float, decimals: int = 0, *, signed: bool = False) -> str:
        """With grouping, a true minus, and so many decimals; what rounds to zero bears no sign."""
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        text = str(format_decimal(abs(value), pattern, locale=self.locale))
        if not any(one.isdigit() and one != "0" for one in text):
            return text
        return (_MINUS if value < 0 else "+" if signed else "") + text

    def percent(self, share: float, decimals: int = 1) -> str:
        """0.123 → 12.3 %."""
        return self.number(share * 100, decimals) + PERCENT

    def points(self, difference: float) -> str:
        """A difference of shares, in percentage points: 0.031 → +3.1."""
        return self.number(difference * 100, 1, signed=True)

    def change(self, ratio: float) -> str:
        """1.12 → +12 %."""
        return self.number((ratio - 1) * 100, 0, signed=True) + PERCENT

    @staticmethod
    def between(low: str, high: str) -> str:
        """Both ends, the unit once."""
        return f"{low.removesuffix(PERCENT)} to {high}"

    def day(self, day: date, *, year: bool = True) -> str:
        """6 July 2026, as the locale writes it."""
        if year:
            return str(format_date(day, "long", locale=self.locale))
        return str(format_date(day, _WITHOUT_YEAR.get(self.locale.language, "d MMMM"), locale=self.locale))

    def month(self, day: date) -> str:
        return str(format_date(day, "LLLL y", locale=self.locale))

    def weekday(self, day: date) -> str:
        return str(format_date(day, "EEEE", locale=self.locale))

    def moment(self, instant: datetime) -> str:
        """6 July 2026, 10:42 UTC."""
        at = instant.astimezone(UTC)
        return f"{self.day(at.date())}, {at:%H:%M} UTC"

    def days(self, since: date, until: date) -> str:
        """The days [since, until) with their last one named: 6 to 12 July 2026."""
        last = date.fromordinal(until.toordinal() - 1)
        if last <= since:
            return self.day(since)
        if (since.year, since.month) == (last.year, last.month):
            number = str(since.day) + ("." if self.locale.language == "de" else "")
            return f"{number} to {self.day(last)}"
        return f"{self.day(since, year=since.year != last.year)} to {self.day(last)}"


_WITHOUT_YEAR = {"de": "d. MMMM", "es": "d 'de' MMMM", "pt": "d 'de' MMMM"}
