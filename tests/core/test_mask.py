"""What must not be shown, and what must survive."""

from __future__ import annotations

import pytest

from monitor.core.mask import mask


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Write to jane.doe+ward@clinic.example.org today", "Write to [email] today"),
        ("Call 020 7946 0958 now", "Call [phone] now"),
        ("Call +49 30 901820-0.", "Call [phone]."),
        ("Ring (555) 010-4477 or 555-010-4478", "Ring [phone] or [phone]"),
    ],
)
def test_addresses_and_numbers_are_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "On 2026-07-06 there were 12 345 cases and 1 234 567 doses",
        "published 06/07/2026, doi 10.1000/182-2026",
        "Between 1990 and 2026, 35.4 % of 120,000 posts",
        "COVID-19 and ICD-10 codes E11.9",
        "https://example.org/2026/07/06/123-456-789/",
    ],
)
def test_dates_counts_and_addresses_of_pages_are_not_phone_numbers(text: str) -> None:
    assert mask(text) == text


def test_long_hostile_text_is_linear() -> None:
    assert mask("1 2 " * 50_000)
    assert mask("a" * 100_000 + "@" * 100_000)
