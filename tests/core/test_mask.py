"""What must not be shown, and what must survive."""

from __future__ import annotations

import time

import pytest

from monitor.core.mask import EXCERPT, excerpt, mask, shown_post
from tests.support.posts import make_post


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Write to jane.doe+ward@clinic.example.org today", "Write to [email] today"),
        ("Mail <jane@clinic.example>, or o'neil@praxis.example.", "Mail <[email]>, or [email]."),
        ("schreib an jörg@käse-klinik.example", "schreib an [email]"),
        ("Call 020 7946 0958 now", "Call [phone] now"),
        ("Call +49 30 901820-0.", "Call [phone]."),
        ("Ring (555) 010-4477 or 555-010-4478", "Ring [phone] or [phone]"),
        ("(020)79460958 is the desk", "[phone] is the desk"),
        ("International: +493090182000 or +49 3090182000", "International: [phone] or [phone]"),
        ("Tel.: 03090182000, fax 030/9018-2000", "Tel.: [phone], fax [phone]"),
        ("Call us at 8005550199 or WhatsApp 07700900123", "Call us at [phone] or WhatsApp [phone]"),
        ("00 44 20 7946 0958", "[phone]"),
        ("+1.202.555.0143", "[phone]"),
        ("Rufen Sie an: 030\u00a0901\u00a08200", "Rufen Sie an: [phone]"),
    ],
)
def test_addresses_and_numbers_are_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "On 2026-07-06 there were 12 345 cases and 1 234 567 doses",
        "between 12 000–15 000 and 120\u202f000 doses",
        "published 06/07/2026, doi 10.1000/182-2026",
        "Between 1990 and 2026, 35.4 % of 120,000 posts",
        "cohorts of 2019-2020-2021 and 2019 2020 2021 2022, season 2025/2026",
        "COVID-19 and ICD-10 codes E11.9",
        "https://example.org/2026/07/06/123-456-789/",
        "hazard ratio 0.85 (95% CI 10.02-11.35; p < 0.001), NCT04280705",
        "blood pressure 120/80 - 135/85 mmHg",
        "ISBN 978-3-16-148410-0, server 192.168.100.200, version 1.12.3",
        "call 112 or 911, text 988, phone 116 117",
        "PMID: 31452104, 31978945",
        "15:30-16:45 on 6.7.2026",
    ],
)
def test_dates_counts_and_addresses_of_pages_are_not_phone_numbers(text: str) -> None:
    assert mask(text) == text


def test_an_address_across_the_end_of_an_excerpt_is_masked() -> None:
    for before in range(EXCERPT - 20, EXCERPT + 1):
        text = "x " * (before // 2) + "jane.doe@clinic.example and more " * 5
        assert "jane" not in excerpt(text)
        assert excerpt(text).endswith("…")
    assert excerpt("short") == "short"
    assert excerpt("jane@clinic.example") == "[email]"


def test_a_shown_post_has_no_author_and_no_address_in_its_reasons() -> None:
    post = make_post(
        author="ab" * 16, title="Ask jane@clinic.example", reasons={"country": "its location 'tel +49 30 901820'"}
    )
    shown = shown_post(post)
    assert "author" not in shown
    assert "jane" not in str(shown)
    assert "901820" not in str(shown)


@pytest.mark.parametrize(
    "text",
    [
        "1 2 " * 50_000,
        "a" * 100_000 + "@" * 100_000,
        "1" * 200_000,
        "call " * 40_000,
        "call us on " * 20_000,
        "(1)" * 60_000,
        "a.b-" * 40_000 + "@",
    ],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    started = time.process_time()
    mask(text)
    assert time.process_time() - started < 2
