"""Language and country names on real texts: English tweets and patient feedback, country names in six languages.

Reads `sentiment/` and `lists/` of the shared data folder. The tweets are nearly all English (a handful are not), so
the share of other languages among the answers is an upper bound of the error.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from monitor.core.language import MIN_LETTERS, Detector
from monitor.core.places import code_of

SHARED = Path(os.environ.get("TRENDMONITOR_SHARED") or Path(__file__).parents[2].parent / "shared" / "data")
TWEETS = SHARED / "sentiment" / "vader" / "tweets_GroundTruth.txt"
FEEDBACK = SHARED / "sentiment" / "nhs_feedback" / "neas.csv"
FEEDS = SHARED / "lists" / "kite_feeds.json"

pytestmark = pytest.mark.skipif(
    not (TWEETS.is_file() and FEEDBACK.is_file() and FEEDS.is_file()),
    reason=f"no real texts under {SHARED}; set TRENDMONITOR_SHARED to the folder that holds sentiment/ and lists/",
)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.build()


def shares(detector: Detector, texts: list[str]) -> tuple[float, float]:
    """(answered of those long enough, English of those answered)."""
    guesses = [guess for guess in (detector.guess("", text) for text in texts) if guess.letters >= MIN_LETTERS]
    answered = [guess.language for guess in guesses if guess.language is not None]
    return len(answered) / len(guesses), answered.count("en") / len(answered)


def test_english_tweets_are_english(detector: Detector) -> None:
    texts = [line.split("\t")[2] for line in TWEETS.read_text(encoding="utf-8").splitlines() if line.count("\t") >= 2]
    answered, english = shares(detector, texts)
    assert len(texts) == 4_200
    assert answered >= 0.98
    assert english >= 0.99


def test_english_feedback_is_english(detector: Detector) -> None:
    with FEEDBACK.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    answered, english = shares(detector, texts)
    assert len(texts) > 3_500
    assert answered >= 0.99
    assert english >= 0.999


def test_country_names_in_six_languages_mean_the_same_country() -> None:
    names = read = 0
    for name, category in json.loads(FEEDS.read_text(encoding="utf-8")).items():
        code = code_of(name)
        for language in ("en", "de", "fr", "es", "it", "pt") if code is not None else ():
            written = category["display_names"].get(language)
            if written:
                names += 1
                read += code_of(written) == code
    assert names > 300
    assert read / names >= 0.98
