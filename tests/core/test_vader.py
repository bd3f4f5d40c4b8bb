"""The fast core gives the package's scores to the last digit, quirks included."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES, SentimentIntensityAnalyzer

from monitor.core import vader
from monitor.core.vader import Vader, package_lexicon, spell_emoji

REFERENCE = SentimentIntensityAnalyzer()
FAST = Vader()

RULE_WORDS = [
    *BOOSTER_DICT,
    *NEGATE,
    *SPECIAL_CASES,
    *(word for phrase in SPECIAL_CASES for word in phrase.split()),
    *["no", "so", "this", "never", "least", "at", "very", "without", "doubt", "kind", "of", "but", "or", "nor"],
    *["just", "enough", "sort", "patient", "table", "it", "n't"],
]
WORDS = st.one_of(
    st.sampled_from(RULE_WORDS),
    st.sampled_from(sorted(package_lexicon())),
    st.sampled_from(
        ["!", "??", "...", ":)", ":D", "©", "😀", "❤", "🔛", "I", "NHS", "x", "a😀b", "’", "“great”", "\u00a0"]
    ),
)
SHAPES = st.sampled_from([str, str, str, str.upper, str.title])
ENDINGS = st.sampled_from(["", "", "", ".", ",", "!", "?", '"', ")", "!!!"])


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    """Texts in which every rule is likely to meet every other."""
    tokens = draw(st.lists(st.tuples(WORDS, SHAPES, ENDINGS), max_size=16))
    blank = draw(st.sampled_from([" ", "  ", "\n", "\t"]))
    return blank.join(shape(word) + ending for word, shape, ending in tokens)


def seeded_text(seed: int, words: int, vocabulary: list[str]) -> str:
    chooser = random.Random(seed)
    return " ".join(chooser.choice(vocabulary) for _ in range(words))


@settings(max_examples=1500, deadline=None)
@given(rule_texts())
@example("")
@example("   ")
@example("It was not so good but GREAT, no doubt!!")
def test_same_scores_where_rules_meet(text: str) -> None:
    assert FAST.polarity_scores(text) == REFERENCE.polarity_scores(text)
    assert FAST.compound(text) == REFERENCE.polarity_scores(text)["compound"]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=80))
def test_same_scores_for_any_string_even_lone_surrogates(text: str) -> None:
    assert FAST.polarity_scores(text) == REFERENCE.polarity_scores(text)


@pytest.mark.parametrize(
    "text",
    [
        "we saw nothing here so good",  # "so" just before counts as "never so", three words on
        "they told us this good thing",
        "good bad good but good bad good bad",  # equal values are found by their first place
        "but good but bad",
        "no. good",  # "no." keeps its full stop and is no negation
        "no good no no bad",
        ":D GOOD xD",  # emoticons in capitals are capitals
        "ALL CAPS GOOD",
        "it is kind of good and a kind man of kind",
        "not the least good, at least good, very least good, least good",
        "without a doubt good, without doubt good, doubt good",
        "this film is the bomb and to die for yeah right",
        "never so good, never this good, never ever good",
        "good😀bad 😀😀 ©good",
    ],
)
def test_quirks_are_kept(text: str) -> None:
    assert FAST.polarity_scores(text) == REFERENCE.polarity_scores(text)


@pytest.mark.parametrize("seed", range(12))
def test_long_texts_with_but_and_many_equal_values(seed: int) -> None:
    """More scored words than the plain search is used for, so that the heaps do the finding."""
    text = seeded_text(seed, 400, ["good", "bad", "good", "great", "nice", "but", "x", "not", "VERY", "so"])
    assert FAST.polarity_scores(text) == REFERENCE.polarity_scores(text)


@settings(max_examples=200, deadline=None)
@given(rule_texts())
def test_a_changed_lexicon_scores_as_the_package_would_with_it(text: str) -> None:
    assert CHANGED.polarity_scores(text) == CHANGED_REFERENCE.polarity_scores(text)


CHANGES = {"table": 2.5, "bad": 0, "least": -1.0, "but": 1.1, "good": -0.3, "nothing": 2.0, "doubt": 0.0, "very": 1.0}
CHANGED = Vader(CHANGES)
CHANGED_REFERENCE = SentimentIntensityAnalyzer()
CHANGED_REFERENCE.lexicon = {w: v for w, v in {**package_lexicon(), **CHANGES}.items() if v}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["😀", "❤", "©", " ", "  ", "a", "é", "’", "👩‍⚕️", "\n"]), max_size=12).map("".join))
def test_emoji_are_spelled_character_by_character_as_in_the_package(text: str) -> None:
    expected, after_blank = "", True
    for character in text:
        words = REFERENCE.emojis.get(character)
        expected += character if words is None else words if after_blank else " " + words
        after_blank = words is None and character == " "
    assert spell_emoji(text) == expected


def test_the_cache_is_emptied_when_full_and_scores_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vader, "_CACHED_TOKENS", 50)
    scorer = Vader()
    for seed in range(30):
        text = seeded_text(seed, 60, sorted(package_lexicon())[3000:3400])
        assert scorer.polarity_scores(text) == FAST.polarity_scores(text)
        assert len(scorer._facts) <= 50


def test_long_tokens_are_not_kept() -> None:
    scorer = Vader()
    scorer.compound("x" * 100_000 + " good")
    assert set(scorer._facts) == {"good"}


def test_a_megabyte_is_read_in_linear_time() -> None:
    """The package would need hours for either text; the limit is far above what is needed (0.1 s)."""
    started = time.perf_counter()
    prose = seeded_text(1, 170_000, ["good", "bad", "but", "not", "the", "patient", "so", "NICE"])
    assert FAST.polarity_scores(prose)["neu"] > 0
    FAST.polarity_scores("!" * 1_000_000)
    FAST.polarity_scores("😀" * 250_000)
    assert time.perf_counter() - started < 10


def test_threads_may_share_a_scorer() -> None:
    scorer = Vader()
    texts = [seeded_text(seed, 50, [*RULE_WORDS, *sorted(package_lexicon())[::7]]) for seed in range(200)]
    with ThreadPoolExecutor(4) as pool:
        shared = list(pool.map(scorer.compound, texts))
    assert shared == [FAST.compound(text) for text in texts]
