"""Medical meaning: what is neutral or re-valued, when nothing is changed, and what a bad lexicon is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.lexicon import LexiconError
from monitor.core.sentiment import READ_CHARACTERS, Sentiment, label_of
from monitor.core.vader import Vader

LEXICON = yaml.safe_load((Path(__file__).parents[2] / "config" / "lexicon.yaml").read_text(encoding="utf-8"))
BUNDLED = Sentiment.build(LEXICON)
PLAIN = Vader()

SMALL: dict[str, Any] = {
    "words": [{"why": "a disease is a topic", "values": {"cancer": 0, "misdiagnosed": -2.0}}],
    "phrases": [
        {
            "why": "a finding",
            "value": 0,
            "match": ["tested|testing [for] [hiv] positive|negative", "positive test|tests"],
        },
        {"why": "a test is done again", "value": -1, "match": ["positive test again"]},
        {"why": "praise", "value": 2, "match": ["couldn't fault"]},
        {"why": "waiting", "value": -1.5, "match": ["waited <number> hours"]},
    ],
}
SCORER = Sentiment.build(SMALL)


def compound(text: str, scorer: Sentiment = SCORER) -> float:
    score = scorer.score(text, "en")
    assert score is not None
    return score.compound


@pytest.mark.parametrize("language", [None, "", "de", "fr", "enm", "und", "e", "x-en"])
def test_no_score_at_all_unless_english_is_known(language: str | None) -> None:
    assert SCORER.score("wonderful news", language) is None


@pytest.mark.parametrize("language", ["en", "EN", "en-GB", "en_US"])
def test_all_kinds_of_english_are_scored(language: str) -> None:
    score = SCORER.score("wonderful news", language)
    assert score is not None
    assert score.label == "positive"


def test_without_an_entry_met_both_scores_are_plain_vader() -> None:
    text = "The nurses were kind and I was not worried!"
    score = SCORER.score(text, "en")
    assert score is not None
    assert score.raw == score.compound == PLAIN.compound(text)


def test_raw_stays_plain_vader_where_the_lexicon_takes_effect() -> None:
    text = "Cancer is awful, said the man who tested positive"
    score = SCORER.score(text, "en")
    assert score is not None
    assert score.raw == PLAIN.compound(text)
    assert score.compound == PLAIN.compound("Xxxxxx is awful, said the man who xxxxxx xxxxxxxx")


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("tested positive", "xxxxxx xxxxxxxx"),
        ("He TESTED for HIV positive.", "He XXXXXX for HIV xxxxx."),
        ("positive tests", "xxxxxxxx xxxxx"),
        ("(positive test)", "xxxxxxx xxxx"),
        ("I tested. Positive mood!", "I tested. Positive mood!"),  # not across a full stop
        ("tested very positive", "tested very positive"),  # another word between
        ("untested positive", "untested positive"),  # whole words only
        ("I couldn’t fault", "great"),  # typographic apostrophe
        ("we waited three hours", "we waited 3 hours"),
    ],
)
def test_phrases(text: str, same_as: str) -> None:
    if text == "I couldn’t fault":
        assert compound(text) == PLAIN_OF_TWO
    else:
        assert compound(text) == compound(same_as)


PLAIN_OF_TWO = Vader({"praised": 2.0}).compound("praised")


def test_the_longest_phrase_wins() -> None:
    assert compound("a positive test again") == Vader({"again": -1.0, "positive": 0}).compound("a positive test again")


def test_words_before_a_phrase_modify_it_as_they_modify_a_word() -> None:
    assert compound("never waited 4 hours") == Vader({"hours": -1.5}).compound("never waited 4 hours")
    assert compound("never waited 4 hours") > 0


def test_a_number_may_be_digits_or_a_word_but_not_anything() -> None:
    assert compound("waited 4 hours") == compound("waited four hours") == compound("waited 12+ hours") < 0
    assert compound("waited happy-go hours") == 0


def test_only_the_beginning_of_long_texts_is_read() -> None:
    filler = "word " * (READ_CHARACTERS // 5)
    assert compound(filler + "terrible") == 0
    assert compound("terrible " + filler) < 0


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=60),
    st.sampled_from(["cancer", "tested positive", "couldn't fault", "x" * 6000, "\ud800", "مرحبا"]),
)
def test_any_text_has_a_score_between_the_bounds(text: str, tail: str) -> None:
    score = BUNDLED.score(text + " " + tail, "en")
    assert score is not None
    assert -1 <= score.raw <= 1
    assert -1 <= score.compound <= 1
    BUNDLED.explain(text + " " + tail)


def test_a_text_without_feeling_is_neutral_not_missing() -> None:
    score = SCORER.score("", "en")
    assert score is not None
    assert (score.raw, score.compound, score.label) == (0, 0, "neutral")


@pytest.mark.parametrize(
    ("value", "label"), [(0.05, "positive"), (0.049, "neutral"), (-0.049, "neutral"), (-0.05, "negative")]
)
def test_labels(value: float, label: str) -> None:
    assert label_of(value) == label


def test_explanation_names_every_term_with_both_values_and_the_reason() -> None:
    terms = SCORER.explain("Cancer is awful, but he tested positive and was MISDIAGNOSED")
    assert [(term.text, term.clinical == 0, term.why) for term in terms] == [
        ("Cancer", True, "a disease is a topic"),
        ("awful,", False, None),
        ("tested positive", True, "a finding"),
        ("MISDIAGNOSED", False, "a disease is a topic"),
    ]
    cancer, awful, tested, misdiagnosed = terms
    assert cancer.plain < 0
    assert awful.plain == awful.clinical < 0
    assert tested.plain > 0
    assert misdiagnosed.plain == 0


@pytest.mark.parametrize(
    "text",
    [
        "Two nurses tested positive last week",
        "A negative test result is required",
        "The biopsy came back negative",
        "COVID positive patients",
        "He is in intensive care",
        "Visit the cancer centre",
        "United States health care",
        "NHS trust publishes results",
        "Artificial intelligence in radiology",
        "The emergency department at night",
        "A risk factor assessment",
        "Positive predictive value",
    ],
)
def test_bundled_lexicon_finds_no_feeling_in_medical_terms(text: str) -> None:
    assert compound(text, BUNDLED) == 0


@pytest.mark.parametrize(
    "text",
    [
        "I cannot fault the staff",
        "No side effects at all",
        "It could not have been better",
        "A life-saving breakthrough",
    ],
)
def test_bundled_lexicon_hears_praise(text: str) -> None:
    assert compound(text, BUNDLED) >= 0.05


@pytest.mark.parametrize(
    "text",
    [
        "The food could be better",
        "Waited four hours",
        "I was misdiagnosed",
        "They did not listen",
        "Better communication is a must",
    ],
)
def test_bundled_lexicon_hears_complaints(text: str) -> None:
    assert compound(text, BUNDLED) <= -0.05


def test_bundled_lexicon_is_of_moderate_size_and_gives_reasons() -> None:
    words = [word for group in LEXICON["words"] for word in group["values"]]
    assert 60 <= len(words) <= 150
    assert all(group["why"] for group in LEXICON["words"] + LEXICON["phrases"])


def test_an_empty_lexicon_changes_nothing() -> None:
    score = Sentiment.build({}).score("Cancer tested positive", "en")
    assert score is not None
    assert score.raw == score.compound == PLAIN.compound("Cancer tested positive")


def test_all_problems_are_told_at_once_with_what_would_be_right() -> None:
    content = {
        "word": [],
        "words": [
            {"values": {"Cancer": 1, "heart failure": 0, "very": 1, "cough!": 1, True: 1, "flu": 9, "pain": "bad"}},
            {"why": "again", "values": {"fever": 1}},
            {"why": "again", "values": {"fever": 2}},
            "care",
        ],
        "phrases": [
            {"why": "", "value": 0, "match": ["[so] sick", "<number> days", "a (b", "Big C", 7, "fine|"]},
            {"why": "x", "value": 1, "match": ["tested positive"]},
            {"why": "y", "value": 2, "match": ["tested positive|negative"]},
            {"why": "z", "match": "no list", "other": 1},
            {"why": "z", "value": 0, "match": [" ".join(["a|b|c"] * 9)]},
        ],
    }
    with pytest.raises(LexiconError) as caught:
        Sentiment.build(content)
    told = "\n".join(caught.value.problems)
    for expected in [
        "`word`: unknown entry; known are `words` and `phrases`",
        "`words`, group 1: `why` is missing",
        "`Cancer`: must be lower case: `cancer`",
        "`heart failure`: is not one word; write several words under `phrases`",
        "`very`: is an intensifier",
        "`cough!`: must be without surrounding punctuation: `cough`",
        "`True`: is read as something other than a word; put it in quotes",
        "`flu`: 9 is not a number from -4 (worst) to 4 (best)",
        "`pain`: 'bad' is not a number",
        "`words`, group 3, `fever`: is there twice",
        "`words`, group 4: expected a mapping",
        "`phrases`, group 1: `why` must say",
        "'[so] sick': can match a single word",
        "'<number> days': begins with a number",
        "'a (b': must be without surrounding punctuation: `b`",
        "'Big C': must be lower case: `big`",
        "7: is read as something other than text",
        "'fine|': `fine|` can't be read",
        "`tested positive` has another value in an earlier entry",
        "`phrases`, group 4: `match` must be a list",
        "`phrases`, group 4: unknown entry `other`",
        "`phrases`, group 4: `value` is missing",
        "stands for more than",
    ]:
        assert expected in told, expected
    assert str(caught.value).count("\n- ") == len(caught.value.problems)


@pytest.mark.parametrize(
    "content", [[], "text", {"words": {}}, {"words": 3}, {"phrases": "x"}, {"words": [{"why": "x", "values": []}]}]
)
def test_a_wrong_shape_is_refused_in_words(content: Any) -> None:
    if content == {"words": {}}:  # an emptied section is no mistake
        Sentiment.build(content)
        return
    with pytest.raises(LexiconError):
        Sentiment.build(content)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["tested", "positive", "cancer", "never", "😀", "but", "GREAT!", "a", "\u2003"]) | st.text(max_size=5)).map(" ".join))  # fmt: skip
def test_given_words_and_both_ways_to_score_agree(text: str) -> None:
    score = BUNDLED.score(text, "en")
    assert score is not None
    assert BUNDLED.compound(text, "en") == BUNDLED.compound(text, "en", text.split()) == score.compound


def test_words_of_a_text_that_is_cut_are_not_taken_for_what_is_read() -> None:
    text = "fine " * READ_CHARACTERS + "terrible " * READ_CHARACTERS
    assert BUNDLED.compound(text, "en", text.split()) == BUNDLED.compound(text, "en")
