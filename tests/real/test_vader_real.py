"""Sentiment on rated texts: no difference from the package, and the medical lexicon helps without harming.

Reads `sentiment/` of the shared data folder (VADER's 4,200 rated tweets; feedback of NHS patients, one trust). The
lexicon was written after reading about 85 of the feedback texts, so its gain there is somewhat optimistic.
"""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from pathlib import Path
from statistics import correlation

import pytest
import yaml
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from monitor.core.fingerprint import duplicate_keys
from monitor.core.sentiment import Sentiment, label_of
from monitor.core.vader import Vader

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or ROOT.parent / "shared" / "data") / "sentiment"
TWEETS = SHARED / "vader" / "tweets_GroundTruth.txt"
FEEDBACK = SHARED / "nhs_feedback" / "neas.csv"

pytestmark = pytest.mark.skipif(
    not (TWEETS.is_file() and FEEDBACK.is_file()),
    reason=f"no rated texts under {SHARED}; set TRENDMONITOR_SHARED to the folder that holds sentiment/",
)

REFERENCE = SentimentIntensityAnalyzer()
FAST = Vader()


@pytest.fixture(scope="module")
def tweets() -> list[tuple[float, str]]:
    lines = TWEETS.read_text(encoding="utf-8").split("\n")
    rows = [line.rstrip("\r").split("\t", 2) for line in lines if line]
    return [(float(rating), text) for _, rating, text in rows]


@pytest.fixture(scope="module")
def feedback() -> list[tuple[str, str]]:
    """(human label, text)"""
    labels = {1: "positive", 2: "positive", 3: "neutral", 4: "negative", 5: "negative"}
    with FEEDBACK.open(encoding="utf-8", newline="") as file:
        return [(labels[int(row["sentiment_1_best_5_worst"])], row["text"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def sentiment() -> Sentiment:
    return Sentiment.build(yaml.safe_load((ROOT / "config" / "lexicon.yaml").read_text(encoding="utf-8")))


def differences(texts: list[str]) -> list[str]:
    return [text for text in texts if FAST.polarity_scores(text) != REFERENCE.polarity_scores(text)]


def macro_f1(pairs: list[tuple[str, str]]) -> float:
    """Mean over the three classes of 2·hits / (labelled + predicted); `pairs` are (human, predicted)."""
    hits = Counter(human for human, predicted in pairs if human == predicted)
    human, predicted = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    classes = ("positive", "neutral", "negative")
    return sum(2 * hits[name] / (human[name] + predicted[name]) for name in classes) / len(classes)


def test_no_difference_on_any_rated_text(tweets: list[tuple[float, str]], feedback: list[tuple[str, str]]) -> None:
    assert len(tweets) == 4200
    assert differences([text for _, text in [*tweets, *feedback]]) == []


@pytest.mark.parametrize(("characters", "texts"), [(600, 250), (6_000, 12)])
def test_no_difference_on_longer_texts(
    tweets: list[tuple[float, str]], feedback: list[tuple[str, str]], characters: int, texts: int
) -> None:
    chooser = random.Random(1)
    pool = [text for _, text in [*tweets, *feedback]]
    joined = [" ".join(chooser.choices(pool, k=characters // 30))[:characters] for _ in range(texts)]
    assert differences(joined) == []


def test_tweets_are_rated_as_people_rate_them(tweets: list[tuple[float, str]], sentiment: Sentiment) -> None:
    scores = [sentiment.score(text, "en") for _, text in tweets]
    ratings = [rating for rating, _ in tweets]
    clinical = correlation(ratings, [score.compound for score in scores if score])
    assert clinical >= 0.865
    assert clinical >= correlation(ratings, [score.raw for score in scores if score]) - 0.001


def test_patient_feedback_is_read_better_than_by_plain_vader(
    feedback: list[tuple[str, str]], sentiment: Sentiment
) -> None:
    scored = [(human, score) for human, text in feedback if (score := sentiment.score(text, "en"))]
    plain = macro_f1([(human, label_of(score.raw)) for human, score in scored])
    clinical = macro_f1([(human, score.label) for human, score in scored])
    assert plain == pytest.approx(0.478, abs=0.005)
    assert clinical >= 0.54


def test_different_feedback_texts_share_no_duplicate_key(feedback: list[tuple[str, str]]) -> None:
    """People answer one questionnaire on one service: the hardest case of same-topic texts there is."""
    holders: dict[int, set[str]] = {}
    texts = {" ".join(text.lower().split()) for _, text in feedback if len(text.split()) >= 25}
    for text in texts:
        for key in duplicate_keys("", text):
            holders.setdefault(key, set()).add(text)
    shared = [sorted(group) for group in holders.values() if len(group) > 1]
    assert len(texts) > 500
    assert shared == []
