"""Which posts of the Jetstream a source is about."""

from __future__ import annotations

import pytest

from collectors.atproto_api.keywords import Filter, words_of
from tests.platforms.bluesky_platform import CLINIC, WARD


@pytest.mark.parametrize(
    ("keyword", "text", "found"),
    [
        ("flu", "The FLU is back", True),
        ("flu", "#flu", True),
        ("flu", "influenza and fluent, flu_shot", False),
        ("flu", "flu", True),
        ("bird flu", "a case of Bird\n  Flu!", True),
        ("bird flu", "birds, flu", False),
        ("vaccin*", "revaccination and vaccinated", True),
        ("vaccin*", "revaccination", False),
        ("grippe", "Grippé", False),
        ("grippé", "GRIPPE\u0301 partout", True),
        ("straße", "STRASSE", True),
        ("women's health", "Women\u2019s health", True),
        ("c++", "c++11", True),
        ("流感", "今年流感严重", True),
        ("독감", "독감이 유행", True),
        ("flu", "", False),
    ],
)
def test_words_are_found_as_words(keyword: str, text: str, found: bool) -> None:
    assert Filter([(keyword,)]).wants(WARD, {"text": text}, b"") is found


def test_all_words_of_a_search_must_be_there_and_one_keyword_is_enough() -> None:
    wanted = Filter([words_of('"bird flu" cases'), ("measles",)])
    assert wanted.finds("Cases of bird flu")
    assert not wanted.finds("bird cases, flu")
    assert wanted.finds("measles")
    assert Filter([("flu",), ("flu*",)]).finds("flux")


def test_thousands_of_phrases_are_one_search() -> None:
    wanted = Filter([(f"word{number} more",) for number in range(5000)])
    assert wanted.finds("and word4999 more to come")
    assert not wanted.finds("word5000 more")


def test_accounts_and_languages_narrow_and_tags_beside_the_text_count() -> None:
    wanted = Filter([("flu",)], accounts=[WARD], languages=["en"])
    assert wanted.wants(WARD, {"text": "flu", "langs": ["de", "en-GB"]}, b"")
    assert not wanted.wants(CLINIC, {"text": "flu", "langs": ["en"]}, b"")
    assert not wanted.wants(WARD, {"text": "flu", "langs": ["de"]}, b"")
    assert not wanted.wants(WARD, {"text": "flu"}, b"")
    assert Filter([("#flu",)]).wants(WARD, {"text": "", "tags": ["Flu"]}, b"")
    assert Filter([], accounts=[WARD]).wants(WARD, {"text": "anything"}, b"")
