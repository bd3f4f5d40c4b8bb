"""The parameters of a search for posts: what they mean, and that every refusal names its field."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.query import QueryError
from monitor.core.region import region_of
from monitor.posts_query import PARAMETERS, by_country, parse_posts_query
from monitor.store import PostQuery, Store

NOW = datetime(2026, 7, 6, 12, 0, tzinfo=UTC)


def parse(**params: str | list[str]) -> PostQuery:
    return parse_posts_query(
        {name: [value] if isinstance(value, str) else value for name, value in params.items()}, now=NOW
    )


def test_nothing_asked_is_the_newest_fifty() -> None:
    assert parse() == PostQuery(order="newest", limit=50)
    assert parse(q="  ", source=[]) == parse()


def test_words_are_ordered_by_relevance_unless_said_otherwise() -> None:
    assert parse(q="flu").order == "relevance"
    assert parse(q="flu", order="newest").order == "newest"
    assert parse(order="relevance").order == "newest"


def test_days_are_utc_and_until_reaches_the_next_midnight() -> None:
    query = parse(since="2026-01-01", until="2026-02-01T10:00:00+02:00")
    assert (query.since, query.until) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC))
    assert parse(since="2026-01-01").until is None


def test_filters_are_repeated_or_separated_and_flags_are_true_or_false() -> None:
    query = parse(country=["de,CH", "us"], live="true", copy=["true", "FALSE"])
    assert query.filters == {"country": ("CH", "DE", "US"), "live": ("true",), "copy": ("false", "true")}


def test_a_region_is_its_countries() -> None:
    europe = by_country({"region": ("europe",), "topic": ("ai",)})
    assert europe["topic"] == ("ai",)
    assert {"DE", "FR", "GB"} <= set(europe["country"])
    assert {region_of(code) for code in europe["country"]} == {"europe"}
    assert by_country({"region": ("europe",), "country": ("DE", "US")}) == {"country": ("DE",)}
    assert by_country({"region": ("europe",), "country": ("US",)}) == {"country": ()}
    assert "unknown" in by_country({"region": ("unknown",)})["country"]
    assert by_country({"source": ("who",)}) == {"source": ("who",)}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"sauce": "who"}, "sauce"),
        ({"q": "x" * 501}, "q"),
        ({"q": ["a", "b"]}, "q"),
        ({"order": "best"}, "order"),
        ({"order": ""}, "order"),
        ({"limit": " "}, "limit"),
        ({"copy": ""}, "copy"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"cursor": "x" * 501}, "cursor"),
        ({"copy": "perhaps"}, "copy"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-03-01", "until": "2026-02-01"}, "until"),
        ({"region": "mars"}, "region"),
        ({"content_type": "film"}, "content_type"),
        ({"country": "Germany"}, "country"),
    ],
)
def test_a_refusal_names_the_field(params: dict[str, str | list[str]], field: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(**params)
    assert refused.value.field == field


@given(
    st.dictionaries(
        st.sampled_from(PARAMETERS),
        st.lists(st.text(max_size=20) | st.sampled_from(["true", "2026-01-01", "5", "ai"]), max_size=3),
    )
)
def test_any_parameters_are_a_query_or_a_named_refusal(params: dict[str, list[str]]) -> None:
    try:
        limit, field = parse_posts_query(params, now=NOW).limit, None
    except QueryError as refused:
        limit, field = 1, refused.field
    assert 1 <= limit <= 500
    assert field is None or field in PARAMETERS


def test_the_store_takes_every_query_that_is_parsed(sqlite_store: Store) -> None:
    for params in (
        {"region": "europe"},
        {"topic": "none"},
        {"copy": "true"},
        {"language": "unknown"},
        {"platform": "web"},
    ):
        assert sqlite_store.posts(parse(**params)).posts == ()
