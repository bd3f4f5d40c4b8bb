from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.metrics import METRICS, QueryError, TrendQuery, parse_query
from monitor.core.query import PARAMETERS

NOW = datetime(2026, 7, 15, 9, 30, tzinfo=UTC)  # a Wednesday


def parse(**params: Any) -> TrendQuery:
    return parse_query({name: [value] if isinstance(value, str) else value for name, value in params.items()}, now=NOW)


def test_nothing_given() -> None:
    assert parse() == TrendQuery("volume", None, "week", date(2026, 4, 20), date(2026, 7, 16))


@pytest.mark.parametrize(
    ("interval", "since"), [("day", date(2026, 6, 15)), ("week", date(2026, 4, 20)), ("month", date(2025, 7, 1))]
)
def test_the_window_holds_complete_buckets_and_the_current_one(interval: str, since: date) -> None:
    query = parse(interval=interval)
    assert (query.since, query.until) == (since, date(2026, 7, 16))


def test_without_since_the_window_is_counted_back_from_until() -> None:
    query = parse(interval="month", until="2025-03-01")
    assert (query.since, query.until) == (date(2024, 2, 1), date(2025, 3, 1))


def test_times_are_widened_to_whole_utc_days() -> None:
    query = parse(since="2026-01-02T23:30:00-05:00", until="2026-02-01T00:00:01")
    assert (query.since, query.until) == (date(2026, 1, 3), date(2026, 2, 2))
    assert parse(since="2026-01-02", until="2026-02-01T00:00:00Z").until == date(2026, 2, 1)


def test_values_may_be_repeated_or_separated_and_come_out_normalised() -> None:
    query = parse(
        country=["de,us", "US"],
        language="EN",
        audience=["nurses", "physicians"],
        live="true",
        topic="AI",
        platform="YouTube",
    )
    assert query.filters == {
        "country": ("DE", "US"),
        "language": ("en",),
        "audience": ("nurses", "physicians"),
        "live": ("true",),
        "topic": ("ai",),
        "platform": ("youtube",),
    }


def test_equal_questions_are_equal_queries() -> None:
    one = parse(country=["US", "DE"], topic="ai", since="2026-01-01")
    two = parse(topic="ai", country="DE,US", since="2026-01-01T00:00:00Z", by="", metric="volume")
    assert one == two
    assert hash(one) == hash(two)


def test_unknown_is_a_value_where_a_tag_may_be_absent() -> None:
    assert parse(country="unknown", language="unknown", region="unknown").filters["country"] == ("unknown",)


@pytest.mark.parametrize(
    ("params", "field", "says"),
    [
        ({"metric": "volum"}, "metric", "Did you mean volume?"),
        ({"by": "colour"}, "by", "content_type"),
        ({"interval": "fortnight"}, "interval", "day, week, month"),
        ({"panel": "some"}, "panel", "all, fixed"),
        ({"copies": "twice"}, "copies", "count, fold"),
        ({"contenttype": "video"}, "contenttype", "Did you mean content_type?"),
        ({"zzz": "1"}, "zzz", "Known: metric"),
        ({"content_type": "videos"}, "content_type", "Did you mean video?"),
        ({"audience": "doctors"}, "audience", "physicians"),
        ({"region": "mars"}, "region", "asia_pacific"),
        ({"live": "maybe"}, "live", "true, false"),
        ({"country": "Germany"}, "country", "two-letter"),
        ({"country": "🇩🇪"}, "country", "two-letter"),
        ({"language": "e"}, "language", "ISO 639"),
        ({"since": "yesterday"}, "since", "2026-01-31"),
        ({"until": "2026-13-01"}, "until", "2026-01-31"),
        ({"since": "0001-01-01"}, "since", "1970"),
        ({"until": "9999-12-31"}, "until", "2100"),
        ({"since": "2026-07-01", "until": "2026-07-01"}, "until", "later"),
        ({"since": "2026-07-01", "until": "2026-06-01"}, "until", "later"),
        ({"since": "2026-07-16", "until": "2026-08-01"}, "since", "future"),
        ({"since": "2026-07-16"}, "since", "future"),
        ({"since": "1970-01-01", "interval": "day"}, "interval", "5,000"),
        ({"metric": ["volume", "share"]}, "metric", "2 times"),
        ({"source": "x" * 201}, "source", "200 characters"),
        ({"source": ",".join(["x"] * 101)}, "source", "at most 100"),
        ({"source": ","}, "source", "without a value"),
        ({"limit": "0"}, "limit", "from 1 to 500"),
        ({"limit": "٣"}, "limit", "from 1 to 500"),
    ],
)
def test_what_does_not_fit_is_named(params: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(QueryError, match=says.replace("?", r"\?")) as caught:
        parse(**params)
    assert caught.value.field == field


@given(st.dictionaries(st.sampled_from([*PARAMETERS, "x"]), st.lists(st.one_of(st.text(max_size=30), st.sampled_from(
    [*METRICS, "week", "day", "2026-01-01", "2025-12-31T24:00", "video", "topic", "all", "fold", "5"])), max_size=3), max_size=5))  # fmt: skip
def test_anything_either_parses_or_is_a_query_error(params: dict[str, list[str]]) -> None:
    found: TrendQuery | QueryError
    try:
        found = parse_query(params, now=NOW)
    except QueryError as error:
        found = error
    if isinstance(found, QueryError):
        assert str(found)
        assert found.field in params
    else:
        assert found.since < found.until
