"""The remembered state: it survives JSON, older versions and damage."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.fetch import Validators
from collectors.net.decode import BadBody, decode_body
from collectors.net.failures import read_poll_after, read_retry_after
from tests.servers.baddays import squeeze

NOW = datetime(2026, 3, 1, tzinfo=UTC)
URL = httpx.URL("https://example.org/feed?page=1")

latin = st.text(st.characters(min_codepoint=32, max_codepoint=255), min_size=1, max_size=40)
states = st.builds(
    Validators,
    url=st.text("0123456789abcdef", max_size=16),
    place=st.text("0123456789abcdef", max_size=16),
    etag=st.none() | latin,
    last_modified=st.none() | latin,
    body_hash=st.none() | st.text("0123456789abcdef", min_size=32, max_size=32),
    not_modified=st.integers(0, 100),
    full_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    lies=st.booleans(),
    move=st.none() | st.just("https://example.org/new"),
    moves=st.integers(0, 5),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(states)
def test_it_survives_json(state: Validators) -> None:
    assert Validators.from_json(json.loads(json.dumps(state.to_json()))) == state


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Validators.__slots__, anything)) | anything)
def test_damage_costs_one_full_request_at_most(data: object) -> None:
    state = Validators.from_json(data)
    state.conditions(URL, NOW)
    assert Validators.from_json(state.to_json()) == state


def test_nothing_secret_is_kept() -> None:
    url = httpx.URL("https://u:s3cret@example.org/feed?token=s3cret")
    state = Validators().after_body(url, b'"1"', None, "0" * 32, NOW)
    assert "s3cret" not in json.dumps(state.to_json())


def test_the_body_hash_counts_at_the_same_place_only() -> None:
    state = Validators().after_body(URL, b'"1"', None, "a" * 32, NOW)
    assert state.same_body(httpx.URL("https://example.org/feed?signature=other"), "a" * 32)
    assert not state.same_body(httpx.URL("https://example.org/other?page=1"), "a" * 32)
    assert not state.same_body(URL, "b" * 32)
    assert state.conditions(URL, NOW) == {"If-None-Match": b'"1"'}
    assert state.conditions(httpx.URL("https://example.org/feed?page=2"), NOW) == {}


def test_a_weak_tag_may_stay_over_a_different_body() -> None:
    weak = Validators().after_body(URL, b'W/"1"', None, "a" * 32, NOW).after_body(URL, b'W/"1"', None, "b" * 32, NOW)
    strong = Validators().after_body(URL, b'"1"', None, "a" * 32, NOW).after_body(URL, b'"1"', None, "b" * 32, NOW)
    assert (weak.lies, strong.lies) == (False, True)
    assert strong.after_body(URL, b'"1"', None, "b" * 32, NOW).lies
    assert not strong.after_body(URL, b'"2"', None, "c" * 32, NOW).lies  # it has mended its ways


def test_a_clock_that_was_set_back_does_not_stop_the_checks() -> None:
    state = Validators().after_body(URL, b'"1"', None, "a" * 32, NOW)
    for _ in range(3):
        state = state.after_304()
    assert state.conditions(URL, NOW + timedelta(hours=23))
    assert not state.conditions(URL, NOW + timedelta(hours=24))
    assert not state.conditions(URL, NOW - timedelta(days=400))


def test_huge_tags_are_not_kept() -> None:
    assert Validators().after_body(URL, b"x" * 5000, None, "a" * 32, NOW).etag is None


@given(st.binary(max_size=3000), st.sampled_from(["gzip", "deflate", "raw-deflate", "br", "zstd"]))
def test_decoding_undoes_encoding(body: bytes, coding: str) -> None:
    raw = squeeze(body, coding)
    if body[:3] != b"\x1f\x8b\x08":  # which would be undone once more
        assert decode_body(raw, coding.removeprefix("raw-"), 3000) == (body, ())


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "deflate", "br", "zstd", "gzip, br", "what"]))
def test_any_bytes_are_decoded_or_named(raw: bytes, coding: str) -> None:
    try:
        result = decode_body(raw, coding, 1000)[0]
    except BadBody as error:
        result = str(error).encode()
    assert len(result) <= 1000


@given(st.sampled_from(["gzip", "br", "zstd"]), st.integers(1, 200))
def test_a_cut_is_noticed(coding: str, cut: int) -> None:
    raw = squeeze(bytes(range(256)) * 8, coding)
    with pytest.raises(BadBody):
        decode_body(raw[: max(4, len(raw) - cut)], coding, 10_000)


def test_members_and_frames_in_a_row_are_joined_and_what_follows_is_ignored() -> None:
    for coding in ("gzip", "zstd"):
        two = squeeze(b"one ", coding) + squeeze(b"two", coding)
        assert decode_body(two, coding, 100)[0] == b"one two"
        assert decode_body(two + b"\x00\x00garbage", coding, 100)[0] == b"one two"
    tiny = squeeze(b"", "gzip") * 10_000
    with pytest.raises(BadBody, match="parts"):
        decode_body(tiny, "gzip", 100)


@given(
    st.dictionaries(st.sampled_from(["retry-after", "date", "expires", "cache-control", "age"]), st.text(max_size=40))
)
def test_no_header_breaks_the_reading(headers: dict[str, str]) -> None:
    until = read_retry_after(headers, NOW)
    assert until is None or NOW <= until <= NOW + timedelta(days=7)
    wait = read_poll_after(headers, NOW)
    assert wait is None or timedelta(0) < wait <= timedelta(days=1)
