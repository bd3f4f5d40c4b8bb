"""One source from what a program or a person wrote, and back; intervals, cron lines and ids."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Source
from monitor.config import (
    PlatformInfo,
    dump_sources,
    format_every,
    parse_every,
    platform_of,
    source_from_mapping,
    source_to_mapping,
    validate_cron,
)
from monitor.config_yaml import parse_yaml
from monitor.core.model import AUDIENCES, CONTENT_TYPES

COLLECTORS = ("feed", "archive")
_REVIEWED = date(2026, 11, 22)
PLATFORMS = {
    "web": PlatformInfo("web", "Open web", "open_web", "open", "Reach", _REVIEWED),
    "youtube": PlatformInfo(
        "youtube", "YouTube", "open_network", "open", "Watch time", _REVIEWED, hosts=("youtube.com", "youtu.be")
    ),
}


def test_errors_of_a_mapping_name_their_fields() -> None:
    data = {"id": "x", "collector": "feed", "url": 5, "audience": ["nurses", "doctors"], "country": "uk", "speed": 1}
    errors = source_from_mapping(data, platforms=PLATFORMS, collectors=COLLECTORS)
    assert isinstance(errors, list)
    assert {error.field for error in errors} == {"url", "audience.1", "country", "speed"}
    assert "country: 'uk' is not a country code (two capital letters of ISO 3166-1); write GB" in map(str, errors)


def test_null_counts_as_left_out() -> None:
    data = {"id": "x", "collector": "feed", "url": "https://a.example", "country": None, "every": None, "options": None}
    source = source_from_mapping(data, platforms=PLATFORMS, collectors=COLLECTORS)
    assert source == Source(id="x", collector="feed", platform="web", url="https://a.example")


def test_without_a_row_for_the_open_web_the_platform_must_be_named() -> None:
    data = {"id": "x", "collector": "feed", "url": "https://a.example"}
    errors = source_from_mapping(data, platforms={"youtube": PLATFORMS["youtube"]}, collectors=COLLECTORS)
    assert [str(error) for error in errors] == ["'platform' is missing; add `platform: …`; known: youtube"]  # type: ignore[union-attr]  # a Source would fail here


def test_the_address_decides_the_platform() -> None:
    assert platform_of("https://www.YouTube.com./feeds", PLATFORMS) == "youtube"
    assert platform_of("https://notyoutube.com/", PLATFORMS) == "web"
    assert platform_of("https://youtube.com.evil.example/", PLATFORMS) == "web"


_slugs = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
_lines = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=40).map(str.strip)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6) | _lines,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_lines, inner, max_size=3),
    max_leaves=5,
)
_sources = st.builds(
    Source,
    id=_slugs,
    collector=st.sampled_from(COLLECTORS),
    platform=st.sampled_from(("web", "youtube")),
    url=st.sampled_from(("https://a.example/f?x=1&y=no", "http://[::1]:8080/é", "https://b.example/#on")),
    name=_lines,
    content_type=st.none() | st.sampled_from(CONTENT_TYPES),
    audience=st.sets(st.sampled_from(AUDIENCES)).map(lambda names: tuple(sorted(names))),
    country=st.none() | st.sampled_from(("NO", "GB", "DE", "TR")),
    language=st.none() | st.sampled_from(("no", "en", "ja")),
    every=st.none() | st.integers(60, 2_592_000).map(lambda seconds: timedelta(seconds=seconds)),
    options=st.dictionaries(_lines, _json, max_size=3),
    verified=st.booleans(),
).map(lambda source: source if source.collector == "archive" else replace(source, options={}))


@given(st.lists(_sources, max_size=4, unique_by=lambda source: source.id))
def test_dumped_sources_are_read_back_as_they_were(sources: list[Source]) -> None:
    document, found = parse_yaml(dump_sources(sources).encode(), "dump.yaml")
    assert not found
    assert document is not None
    back = [source_from_mapping(row, platforms=PLATFORMS, collectors=COLLECTORS) for row in document.value["sources"]]
    assert back == sorted(sources, key=lambda source: source.id)


def test_a_dumped_mapping_leaves_defaults_out() -> None:
    source = Source(id="a", collector="feed", platform="web", url="https://a.example")
    assert source_to_mapping(source) == {"id": "a", "collector": "feed", "platform": "web", "url": "https://a.example"}


# --- time, names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "minutes"), [("1m", 1), ("90s", 1.5), ("30m", 30), ("2h", 120), ("1h30m", 90), ("1d", 1440), (" 1W ", 10080)]
)  # fmt: skip
def test_intervals(text: str, minutes: float) -> None:
    assert parse_every(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text", ["", "m", "0m", "59s", "31d", "30", "30 m", "-5m", "1.5h", "2h1d", "every day", "9" * 400 + "d"]
)
def test_what_is_not_an_interval(text: str) -> None:
    with pytest.raises(ValueError, match=r"write"):
        parse_every(text)


@given(st.integers(60, 2_592_000))
def test_intervals_are_written_as_they_are_read(seconds: int) -> None:
    assert parse_every(format_every(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["0 6 * * *", "*/15 8-18 * * mon-fri", "0 0 1 1 *", "30 6 29 2 *", "0 0 * * sun"])
def test_cron_lines(text: str) -> None:
    validate_cron(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("61 * * * *", "higher than the maximum value"),
        ("* * *", "has 3 fields instead of 5"),
        ("0 0 31 2 *", "never happens"),
        ("0 0 * * 1", "use names, mon to sun"),
        ("0 0 * * 1-5", "use names, mon to sun"),
        ("a b c d e", "is not a cron line"),
        ("*/0 * * * *", "is not a cron line"),
    ],
)
def test_bad_cron_lines(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        validate_cron(text)
