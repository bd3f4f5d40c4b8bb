"""The taxonomy's own examples, how phrases fire, and what a wrong taxonomy is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.core.language import Detector
from monitor.core.phrases import Matcher, clean
from monitor.core.topics import Taxonomy, TaxonomyError, topics_of

FOLDER = Path(__file__).parents[2] / "config" / "taxonomy"
NEEDED = (
    "telehealth ai privacy compliance personalisation digital_marketing influencer live_streaming chronic_disease patient_centred_care"
    " patient_education community_support wellness vaccination mental_health oncology diabetes cardiology infectious_disease womens_health"
    " workforce professional_networking research awareness_campaigns health_promotion critical_health_information"
)


def bundled() -> dict[str, Any]:
    topics: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        topics.update(yaml.safe_load(path.read_text(encoding="utf-8")))
    return topics


BUNDLED = bundled()
TAXONOMY = Taxonomy.from_mapping(BUNDLED)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher.build(TAXONOMY.phrases())


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.build()


def found(matcher: Matcher, text: str, language: str | None) -> dict[str, str]:
    return topics_of(matcher.find(clean(text)), language)


def test_every_topic_that_a_claim_needs_is_there() -> None:
    assert set(NEEDED.split()) <= TAXONOMY.labels.keys()


@pytest.mark.parametrize(("topic", "text"), [(topic.id, text) for topic in TAXONOMY.topics for text in topic.examples])
def test_examples_match(matcher: Matcher, detector: Detector, topic: str, text: str) -> None:
    assert topic in found(matcher, text, detector.guess(text, "").language)


@pytest.mark.parametrize(
    ("topic", "text"), [(topic.id, text) for topic in TAXONOMY.topics for text in topic.counter_examples]
)
def test_counter_examples_do_not_match(matcher: Matcher, detector: Detector, topic: str, text: str) -> None:
    assert topic not in found(matcher, text, detector.guess(text, "").language)


@pytest.mark.parametrize(
    ("text", "language", "topics"),
    [
        ("Teletherapists watched television about vaccinologists", "en", ()),
        ("TELEHEALTH AND TELE-MEDICINE", "en", ("telehealth",)),
        ("tele\u00admedicine", "en", ("telehealth",)),
        ("télémédecine et télé-médecine", "fr", ("telehealth",)),
        ("#MentalHealth #AI", "en", ("ai", "mental_health")),
        ("The baby said maid rain ai", "en", ()),
        ("AI AI AI", "it", ()),
        ("Die KI hilft", "de", ("ai",)),
        ("Die KI hilft", "en", ()),
        ("Die KI hilft", None, ("ai",)),
        ("", None, ()),
        ("😀", None, ()),
    ],
)
def test_words_boundaries_and_languages(
    matcher: Matcher, text: str, language: str | None, topics: tuple[str, ...]
) -> None:
    assert tuple(found(matcher, text, language)) == topics


def test_the_phrase_that_fired_is_told(matcher: Matcher) -> None:
    assert found(matcher, "Tele-medicine works", "en") == {"telehealth": "tele-medicine"}


def test_an_exclusion_cancels_only_what_lies_inside_it(matcher: Matcher) -> None:
    assert "cardiology" not in found(matcher, "A stroke of luck", "en")
    assert "cardiology" in found(matcher, "A stroke of luck saved the stroke patient", "en")


GOOD: dict[str, Any] = {
    "label": "L",
    "description": "D",
    "phrases": {"en": ["flu shot"]},
    "examples": ["flu shot"],
    "counter_examples": ["gun shot"],
}


@pytest.mark.parametrize(
    ("topics", "said"),
    [
        ({}, "no topic at all"),
        ({"Bad Id": GOOD}, "not a slug"),
        ({"none": GOOD}, "'none' is taken"),
        ({"a1": []}, "not a mapping"),
        ({"a1": {**GOOD, "phrase": {}}}, "unknown key 'phrase'"),
        ({"a1": {**GOOD, "label": ""}}, "'label' is missing"),
        ({"a1": {**GOOD, "label": 3}}, "'label' is not text"),
        ({"a1": {**GOOD, "examples": []}}, "'examples' is missing"),
        ({"a1": {**GOOD, "examples": "flu"}}, "'examples' is not a list"),
        ({"a1": {**GOOD, "phrases": ["flu"]}}, "'phrases' is not a mapping"),
        ({"a1": {**GOOD, "phrases": {"xx": ["flu"]}}}, "unknown language 'xx'"),
        ({"a1": {**GOOD, "phrases": {"en": "flu"}}}, "'phrases: en' is not a list"),
        ({"a1": {**GOOD, "phrases": {"en": [5]}}}, "holds 5"),
        ({"a1": {**GOOD, "phrases": {"en": ["日"]}}}, "too short"),
        ({"a1": {**GOOD, "phrases": {"en": ["fl*u"]}}}, "'*' that cannot be used"),
        ({"a1": {**GOOD, "phrases": {"en": ["fl*"]}}}, "'*' that cannot be used"),
        ({"a1": {**GOOD, "phrases": {"en": ["Flu", "flu"]}}}, "listed twice"),
        ({"a1": {**GOOD, "phrases": {"en": ["f" * 81]}}}, "longer than 80"),
    ],
)
def test_a_wrong_taxonomy_is_refused_with_topic_fault_and_remedy(topics: dict[str, Any], said: str) -> None:
    with pytest.raises(TaxonomyError) as caught:
        Taxonomy.from_mapping(topics)
    (problem,) = caught.value.problems
    assert said in problem.what
    assert problem.remedy
    assert str(problem) in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(TaxonomyError) as caught:
        Taxonomy.from_mapping({"a1": {**GOOD, "label": ""}, "B": GOOD, "c1": {**GOOD, "exact": {"en": ["AI*"]}}})
    assert [problem.topic for problem in caught.value.problems] == ["B", "a1", "c1"]


def test_norwegian_survives_yaml() -> None:
    topic = yaml.safe_load(
        "{label: L, description: D, phrases: {no: [helse]}, examples: [helse], counter_examples: [x]}"
    )
    (read,) = Taxonomy.from_mapping({"a1": topic}).topics
    assert read.phrases[0].languages == frozenset(("no",))
