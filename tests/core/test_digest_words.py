"""Numbers, dates and foreign names as digests print them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.digest_words import LOCALES, Words, isolated, joined, tidy

DAY = date(2026, 7, 6)


@pytest.mark.parametrize(
    ("locale", "number", "percent", "points", "day"),
    [
        ("en", "12,345.7", "12.3\u00a0%", "−3.1", "6 July 2026"),
        ("de", "12.345,7", "12,3\u00a0%", "−3,1", "6. Juli 2026"),
        ("fr", "12\u202f345,7", "12,3\u00a0%", "−3,1", "6 juillet 2026"),
        ("es", "12.345,7", "12,3\u00a0%", "−3,1", "6 de julio de 2026"),
        ("it", "12.345,7", "12,3\u00a0%", "−3,1", "6 luglio 2026"),
        ("pt", "12.345,7", "12,3\u00a0%", "−3,1", "6 de julho de 2026"),
    ],
)
def test_each_locale_writes_in_its_own_way(locale: str, number: str, percent: str, points: str, day: str) -> None:
    words = Words.of(locale)
    assert words.number(12345.678, 1) == number
    assert words.percent(0.1234) == percent
    assert words.points(-0.0312) == points
    assert words.day(DAY) == day
    assert words.moment(datetime(2026, 7, 6, 10, 42, tzinfo=UTC)) == f"{day}, 10:42 UTC"


def test_an_unknown_locale_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"en, de, fr, es, it, pt, not 'xx'"):
        Words.of("xx")


def test_what_rounds_to_zero_has_no_sign() -> None:
    words = Words.of("en")
    assert words.number(-0.004, 2, signed=True) == "0.00"
    assert words.number(0.004, 2, signed=True) == "0.00"
    assert words.change(1.0) == "0\u00a0%"
    assert words.change(0.951) == "−5\u00a0%"


@given(st.floats(-1e9, 1e9), st.sampled_from(sorted(LOCALES)), st.integers(0, 3))
def test_the_sign_is_that_of_the_printed_number(value: float, locale: str, decimals: int) -> None:
    text = Words.of(locale).number(value, decimals, signed=True)
    some = any(one.isdigit() and one != "0" for one in text)
    assert text.startswith("−") == (some and value < 0)
    assert text.startswith("+") == (some and value > 0)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Two\r\nBcc: x@evil.example", "Two Bcc: x@evil.example"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("zero\u200bwidth\u2066\u2069", "zerowidth"),
        ("  many   spaces\t", "many spaces"),
        ("\x00\x1b[31mred", "[31mred"),
        ("x" * 200, "x" * 119 + "…"),
        ("\ud800lone", "lone"),
    ],
)
def test_foreign_text_is_one_harmless_line(raw: str, shown: str) -> None:
    assert tidy(raw) == shown


@given(st.text())
def test_tidy_text_has_no_breaks_and_is_short(text: str) -> None:
    shown = tidy(text, 50)
    assert len(shown) <= 50
    assert shown.splitlines() in ([shown], [])
    assert tidy(shown, 50) == shown
    shown.encode()


def test_right_to_left_names_are_kept_to_themselves() -> None:
    assert isolated("plain") == "plain"
    assert isolated("תוקף") == "\u2068תוקף\u2069"


def test_lists_and_spans_read_as_english() -> None:
    words = Words.of("en")
    assert [joined(list("abc"[:count])) for count in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert words.days(date(2025, 12, 29), date(2026, 1, 5)) == "29 December 2025 to 4 January 2026"
    assert words.days(DAY, date(2026, 7, 7)) == "6 July 2026"
