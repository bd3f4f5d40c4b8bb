"""Which claims are asked for, and as of which day."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.claims_query import ClaimsQuery, parse_claims_query, read_as_of
from monitor.core.query import QueryError

NOW = datetime(2026, 11, 18, 23, 59, tzinfo=UTC)
CLAIMS = [
    {"id": "a", "kind": "trend", "verdict": "supported", "segment": "content type"},
    {"id": "b", "kind": "trend", "verdict": "inconclusive", "segment": "topic"},
    {"id": "c", "kind": "level", "verdict": "inconclusive", "segment": "region"},
]


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({}, "abc"),
        ({"kind": ["trend"]}, "ab"),
        ({"kind": ["level,trend"], "verdict": ["inconclusive"]}, "bc"),
        ({"verdict": ["supported", "inconclusive"], "kind": ["level"]}, "c"),
        ({"segment": ["content_type"]}, "a"),
        ({"segment": ["Content-Type", " region "]}, "ac"),
        ({"verdict": ["contradicted"]}, ""),
        ({"kind": [""], "segment": [" , "]}, "abc"),
    ],
)
def test_filters_select_in_the_order_given(params: dict[str, list[str]], ids: str) -> None:
    assert "".join(claim["id"] for claim in parse_claims_query(params).select(CLAIMS)) == ids


@pytest.mark.parametrize(
    ("params", "field", "hint"),
    [
        ({"verdict": ["suported"]}, "verdict", "Did you mean supported?"),
        ({"kind": ["zzz"]}, "kind", "Known: trend, level, rank, reference, consistency."),
        ({"kind": ["trend"] * 101}, "kind", "at most 100"),
        ({"segment": ["x" * 201]}, "segment", "at most 200"),
        ({"verdit": ["supported"]}, "verdit", "Did you mean verdict?"),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(params: dict[str, list[str]], field: str, hint: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_claims_query(params)
    assert refused.value.field == field
    assert hint in str(refused.value)


def test_a_segment_that_no_claim_is_in_is_refused_once_there_are_claims() -> None:
    query = ClaimsQuery(segments=("regoin",))
    with pytest.raises(QueryError, match="Did you mean region"):
        query.select(CLAIMS)
    assert query.select([]) == []


@pytest.mark.parametrize("day", ["2026-11-18", "2026-11-19", "1970-01-01", "2024-02-29"])
def test_a_day_up_to_tomorrow_is_read(day: str) -> None:
    assert read_as_of(day, NOW) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "text", ["", "2026-11-20", "2100-01-01", "1969-12-31", "0001-01-01", "20261118", "2026-W47-3", "2026-02-30", "now"]
)
def test_other_days_are_refused(text: str) -> None:
    with pytest.raises(QueryError) as refused:
        read_as_of(text, NOW)
    assert refused.value.field == "as_of"


@given(text=st.text(max_size=20), name=st.text(max_size=20))
def test_no_text_does_anything_but_fit_or_be_refused(text: str, name: str) -> None:
    with contextlib.suppress(QueryError):
        parse_claims_query({"kind": [text], "segment": [text]}).select(CLAIMS)
    with contextlib.suppress(QueryError):
        parse_claims_query({name: [text]}).select(CLAIMS)
    with contextlib.suppress(QueryError):
        assert read_as_of(text, NOW) <= date(2026, 11, 19)
