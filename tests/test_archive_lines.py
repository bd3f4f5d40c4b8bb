"""Archive records: what fits, what does not, and that every refusal names its field."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Engagement
from monitor.archive_lines import Misfit, read_coverage, read_record, source_id
from monitor.core.model import Interval

NOW = datetime(2026, 7, 6, tzinfo=UTC)
LEAST = {"id": "a1", "published_at": "2026-01-02T03:04:05Z", "title": "Ward update"}


def item(**changes: Any) -> Any:
    return read_record(LEAST | changes, now=NOW)


def test_three_fields_are_enough() -> None:
    found = item()
    assert (found.id, found.title, found.published_at) == (
        "a1",
        "Ward update",
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    assert found.content_type is found.audience is found.topics is found.sponsored is found.live is None
    assert found.engagement == Engagement()


def test_what_a_record_states_is_taken_over() -> None:
    found = item(
        content_type="video", audience=["nurses"], topics=["telehealth", "ai"], live=True, sponsored=False, country="ch",
        language="de-CH", engagement={"views": 1, "likes": 0}, duration=61.5,
    )  # fmt: skip
    assert (found.content_type, found.audience, found.topics) == ("video", ("nurses",), ("ai", "telehealth"))
    assert (found.live, found.sponsored, found.country, found.language) == ("live", False, "CH", "de")
    assert found.engagement == Engagement(views=1, likes=0, comments=None, shares=None)
    assert found.media[0].duration == 61.5


def test_rows_of_a_csv_file() -> None:
    found = item(audience="nurses;physicians", topics="", live="false", views="12", likes="", engagement="")
    assert found.audience == ("nurses", "physicians")
    assert found.topics is None
    assert found.live is None
    assert found.engagement == Engagement(views=12)


def test_an_empty_list_of_topics_states_that_there_is_none() -> None:
    assert item(topics=[]).topics == ()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"id": ""}, "id"),
        ({"id": None}, "id"),
        ({"id": ["x"]}, "id"),
        ({"id": "x" * 600}, "id"),
        ({"title": None}, "title and text"),
        ({"published_at": None}, "published_at"),
        ({"published_at": "yesterday"}, "published_at"),
        ({"published_at": 5}, "published_at"),
        ({"published_at": "2199-01-01"}, "published_at"),
        ({"published_at": "1970-01-01T00:00:00Z"}, "published_at"),
        ({"published_at": "0001-01-01T00:00:00+14:00"}, "published_at"),
        ({"content_type": "film"}, "content_type"),
        ({"audience": ["dentists"]}, "audience"),
        ({"audience": 3}, "audience"),
        ({"topics": ["Not An Id"]}, "topic"),
        ({"topics": ["none"]}, "topic"),
        ({"topics": ["5g"]}, "topic"),
        ({"country": "UK"}, "GB"),
        ({"language": "English"}, "language"),
        ({"live": "perhaps"}, "live"),
        ({"engagement": {"views": -1}}, "views"),
        ({"engagement": {"likes": "many"}}, "likes"),
        ({"engagement": [1]}, "engagement"),
    ],
)
def test_a_refusal_names_the_field(changes: dict[str, Any], names: str) -> None:
    with pytest.raises(Misfit, match=names):
        item(**changes)


def test_source_of_a_record_or_of_the_file() -> None:
    assert source_id({"source": "who-news"}, None) == "who-news"
    assert source_id({}, "fallback") == "fallback"
    with pytest.raises(Misfit, match="--source"):
        source_id({}, None)
    with pytest.raises(Misfit, match="not an id"):
        source_id({"source": "../etc"}, None)


def test_declared_coverage() -> None:
    assert read_coverage([{"source": "a", "since": "2025-01-01", "until": date(2026, 1, 1)}]) == {
        "a": [Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))]
    }
    for wrong in ({}, [3], [{"source": "a", "since": "2026-01-01", "until": "2025-01-01"}], [{"source": "a"}]):
        with pytest.raises(Misfit, match="coverage"):
            read_coverage(wrong)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (*LEAST, "text", "url", "author", "author_bio", "language", "country", "content_type", "audience", "topics", "live", "sponsored", "engagement", "views", "duration")  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_any_record_is_an_item_or_a_misfit(changes: dict[str, Any]) -> None:
    try:
        found = read_record(LEAST | changes, now=NOW)
    except Misfit:
        return
    assert found.id
    assert found.published_at is not None
    found.text.encode()
