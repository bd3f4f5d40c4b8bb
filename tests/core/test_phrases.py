"""Folding and the one pass over many phrases, held against a slow and obvious reader."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.phrases import LIMIT, Hit, Matcher, Phrase, clean, fold, spellings, uncovered


def forms(text: str, *languages: str) -> set[str]:
    phrase = Phrase("k", "x", text, frozenset(languages) or None)
    return {pattern.decode().strip() for pattern in spellings(phrase)}


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Télé-Médecine!", "tele medecine "), ("ÇĞŁøßœ", "cglos}"), ("AI技術", "ai  "), ("don’t", "don t"), ("naïve—café", "naive cafe"), ("İstanbul", "istanbul"), ("😀", " ")],
)  # fmt: skip
def test_folding_drops_case_accents_and_punctuation(text: str, folded: str) -> None:
    assert fold(text).decode() == folded


@given(st.text(max_size=300))
def test_folding_keeps_the_length_whatever_the_script(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_cleaning_removes_links_invisible_characters_and_runs_of_space() -> None:
    assert clean("Tele\u00adhealth  see https://a.example/telehealth?x=1 \n\t now\u200b") == "Telehealth see now"
    assert len(clean("a" * 1_000_000)) == LIMIT
    assert clean("") == ""


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("vaccine", "en", {"vaccine", "vaccines"}),
        ("allergy", "en", {"allergy", "allergies"}),
        ("virus", "en", {"virus", "viruses"}),
        ("tele-health", "en", {"telehealth", "tele health", "telehealths", "tele healths"}),
        ("women's health", "en", {"women s health", "womens health", "womenshealth"}),
    ],
)  # fmt: skip
def test_spellings_in_english(text: str, language: str, expected: set[str]) -> None:
    assert expected <= forms(text, language)


@pytest.mark.parametrize(
    ("text", "language", "form"),
    [("maladie chronique", "fr", "maladies chroniques"), ("enfermedad crónica", "es", "enfermedades cronicas"), ("malattia cronica", "it", "malattie croniche"), ("doença crônica", "pt", "doencas cronicas"),
     ("vacinação", "pt", "vacinacoes"), ("chronische erkrankung", "de", "chronischen erkrankungen"), ("hôpital", "fr", "hopitaux"), ("cœur", "fr", "coeur"), ("Straße", "de", "strasse")],
)  # fmt: skip
def test_simple_inflections_in_other_languages(text: str, language: str, form: str) -> None:
    assert form in forms(text, language)


def test_case_can_be_asked_for() -> None:
    matcher = Matcher.build(
        [Phrase("k", "ai", "AI", None, "exact"), Phrase("k", "turkey", "Turkey", None, "capital", False)]
    )
    text = "AI ai Ai Turkey turkey Turkeys TURKEY"
    assert [(hit.phrase.key, text[hit.start : hit.end]) for hit in matcher.find(text)["k"]] == [
        ("ai", "AI"),
        ("turkey", "Turkey"),
        ("turkey", "TURKEY"),
    ]


def test_hits_point_into_the_text_even_behind_other_scripts() -> None:
    text = "😀 日本語 ŁÓDŹ – “télémédecine”…"
    (hit,) = Matcher.build([Phrase("k", "t", "tele-medecine")]).find(text)["k"]
    assert text[hit.start : hit.end] == "télémédecine"


def test_a_star_matches_any_ending_and_no_star_matches_whole_words_only() -> None:
    matcher = Matcher.build([Phrase("k", "impf", "impf*"), Phrase("k", "shot", "flu shot")])
    assert [hit.phrase.key for hit in matcher.find("Impfungen schimpfen flu shotgun flu shots")["k"]] == [
        "impf",
        "shot",
    ]


def test_no_phrase_reaches_across_a_sentence() -> None:
    assert Matcher.build([Phrase("k", "x", "mental health")]).find("It was mental. Health came later") == {}


_WORDS = st.lists(
    st.sampled_from(
        ["flu", "shot", "shots", "care", "health", "télé", "AI", "-", "  ", ".", "š", "日", "flushot", "healthcare"]
    ),
    max_size=30,
)


@settings(deadline=None)
@given(_WORDS, st.sampled_from(["", " "]))
def test_the_automaton_finds_what_a_slow_reader_finds(words: list[str], joint: str) -> None:
    text = joint.join(words)
    texts = {"flu shot": ["flu shot"], "shot": ["shot"], "health care": ["health care", "healthcare"], "tele": ["tele"]}
    matcher = Matcher.build([Phrase("k", one, one, None, "any", False) for one in texts])
    found = {(hit.phrase.text, hit.start, hit.end) for hit in matcher.find(text).get("k", [])}
    plain = "".join(map(_plain, text))
    slow = {
        (one, match.start(), match.end())
        for one, written in texts.items()
        for form in written
        for match in re.finditer(rf"(?<![a-z0-9]){form}(?![a-z0-9])", plain)
    }
    assert found == slow


def _plain(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[0].lower()
    return base if base.isascii() and base.isalnum() else " "


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=12),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=12),
)
def test_guards_cover_what_lies_inside_one_of_them(hits: list[tuple[int, int]], guards: list[tuple[int, int]]) -> None:
    phrase = Phrase("k", "x", "x")
    spans = [Hit(phrase, start, start + length) for start, length in hits]
    covers = [Hit(phrase, start, start + length) for start, length in guards]
    assert uncovered(spans, covers) == [
        hit for hit in spans if not any(cover.start <= hit.start and hit.end <= cover.end for cover in covers)
    ]


@pytest.mark.parametrize(
    "text", ["a  b", "a b", " a", "a\nb", "see http://x.y/ or {a  b}", "a\u200b  b", "x  " * LIMIT]
)
def test_given_words_change_nothing(text: str) -> None:
    assert clean(text, words=text.split()) == clean(text)
