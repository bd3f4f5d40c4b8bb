"""Professions: claimed by a bio, told by hashtags and words, expected of a source - and guards against namesakes."""

from __future__ import annotations

import pytest

from monitor.core.audience import audience_of, classes_of_bio, phrases
from monitor.core.phrases import Matcher, clean


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher.build(phrases())


def of(matcher: Matcher, text: str, **more: object) -> tuple[str, ...]:
    text = clean(text)
    known: dict[str, object] = {"declared": None, "bio": (), "tags": frozenset(), "categories": (), "prior": ()}
    return audience_of(hits=matcher.find(text), text=text, body_at=0, **{**known, **more}).classes  # type: ignore[arg-type]  # a test passes a few of many


@pytest.mark.parametrize(
    ("bio", "classes"),
    [("Cardiologist. Views own.", "physicians"), ("ER nurse, mom of 3", "nurses"), ("Jane Doe, MD, MPH | infections", "physicians public_health"), ("Epidemiologist. Data nerd.", "public_health"),
     ("ICU NP", "nurses"), ("Family physician, father", "physicians"), ("Pediatrician and author", "physicians"), ("John Smith, DO", "physicians"), ("GP in Leeds", "physicians"),
     ("Médico cardiólogo en Madrid", "physicians"), ("Ärztin, Berlin", "physicians"), ("Enfermera de UCI", "nurses"), ("Infirmière libérale", "nurses"), ("Public health professional", "public_health"),
     ("Health educator", "public_health"), ("Registered Nurse", "nurses"), ("Urologist", "physicians"), ("PhD RN FAAN", "nurses"), ("Psychiatrist; wife of a baker", "physicians"), ("Orthopaedic surgeon", "physicians")],
)  # fmt: skip
def test_a_bio_that_claims_a_profession(bio: str, classes: str) -> None:
    assert classes_of_bio(bio) == tuple(classes.split())


@pytest.mark.parametrize(
    "bio",
    [None, "", "Baltimore, MD. Coffee.", "Not a virologist", "not a doctor", "Wife of a surgeon, baker", "Future nurse", "Nursing student at a university", "Medical student | aspiring surgeon", "Doctor Who fan",
     "PhD, doctor of philosophy", "Director of a nursing home", "Medical physicist", "The journal of nursing news", "Dentist", "DO NOT follow me", "Tree surgeon", "Helping nurses find jobs", "Nurse recruiter", "My doctor saved me",
     "biologist and hiker", "technologist", "MD/PhD student", "psychologist", "Homeopath", "Software for doctors", "meteorologist", "Living with lupus", "RNA lover", "Married to a nurse"],
)  # fmt: skip
def test_a_bio_that_claims_none(bio: str | None) -> None:
    assert classes_of_bio(bio) == ()


def test_a_long_bio_ends_in_time() -> None:
    assert classes_of_bio("doctor not a " * 100_000) == ("physicians",)


@pytest.mark.parametrize(
    ("text", "classes"),
    [("Ten tips for nurses on night shift", "nurses"), ("For physicians: new sepsis guideline", "physicians"), ("A free webinar for public health professionals", "public_health"),
     ("Earn CME with this case", "physicians"), ("Dear nurses, thank you", "nurses"), ("Fortbildung für Ärzte in Köln", "physicians"), ("Curso gratuito para enfermeras", "nurses"),
     ("A guide for doctors and for nurses", "physicians nurses")],
)  # fmt: skip
def test_texts_that_address_a_profession(matcher: Matcher, text: str, classes: str) -> None:
    assert of(matcher, text) == tuple(sorted(classes.split()))


@pytest.mark.parametrize(
    "text",
    ["", "😀", "It is time for doctors to strike", "Good news for nurses' pay", "The demand for nurses grows", "Bad news for doctors", "The nurse came home", "A nursing home burned", "Doctors are worried"],
)  # fmt: skip
def test_texts_that_address_nobody(matcher: Matcher, text: str) -> None:
    assert of(matcher, text) == ("other",)


def test_what_the_item_says_goes_before_its_source(matcher: Matcher) -> None:
    tags = frozenset(("nursetwitter",))
    assert of(matcher, "Night shift", tags=tags, prior=("physicians",)) == ("nurses",)
    assert of(matcher, "Night shift", bio=("physicians",), tags=tags) == ("nurses", "physicians")
    assert of(matcher, "Night shift", prior=("public_health",)) == ("public_health",)
    assert of(matcher, "Night shift", tags=tags, declared=("physicians",)) == ("physicians",)
    assert of(matcher, "Night shift", categories=("Nursing",)) == ("nurses",)
    assert of(matcher, "Night shift", prior=("other",)) == ("other",)


def test_the_reason_names_the_evidence(matcher: Matcher) -> None:
    text = "Ten tips for nurses"
    found = audience_of(
        declared=None,
        bio=("physicians",),
        tags=frozenset(),
        categories=(),
        hits=matcher.find(text),
        text=text,
        body_at=0,
        prior=(),
    )
    assert found.reason == "nurses: 'for nurses'; physicians: the author's bio says so"
