"""Language: found, abstained from, and weighed against what is declared."""

from __future__ import annotations

import pytest

from monitor.core.language import ALLOWED, Detector, Guess, decide, normalise


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.build()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Telehealth visits doubled after the pandemic, says the agency", "en"),
        ("Neue Leitlinie zur Behandlung von Diabetes im Alter", "de"),
        ("La téléconsultation progresse dans les zones rurales", "fr"),
        ("La OMS alerta del aumento de casos de sarampión en Europa", "es"),
        ("Salute mentale: il bonus psicologo arriva per tutti i cittadini", "it"),
        ("Saúde da mulher: mamografia gratuita em outubro para todas", "pt"),
        ("Het ziekenhuis zoekt nieuwe verpleegkundigen voor de zomer", "nl"),
        ("вакцинация от гриппа началась в Москве на этой неделе", "ru"),
        ("ワクチン接種が始まりました東京都", "ja"),
        ("اللقاح ضد الإنفلونزا متاح الآن في جميع المراكز", "ar"),
        ("流感疫苗接种今日开始，请市民前往社区医院", "zh"),
        ("NURSES ARE ASKING FOR MORE STAFF AND FOR BETTER PAY THIS WEEK", "en"),
    ],
)
def test_finds_the_language_of_a_sentence(detector: Detector, text: str, language: str) -> None:
    assert detector.guess("", text).language == language


@pytest.mark.parametrize("text", ["", "😀", "2026", "Pfizer", "https://example.com", "COVID-19", "@who #flu @cdc #rsv"])
def test_abstains_where_there_is_too_little(detector: Detector, text: str) -> None:
    assert detector.guess(text, "").language is None


def test_handles_and_hashtags_are_not_read(detector: Detector) -> None:
    text = "@doctor_smith_london #health #hospital Die neue Klinik ist ab heute für alle Patienten offen"
    assert detector.guess("", text).language == "de"


def test_title_and_text_are_read_together(detector: Detector) -> None:
    assert detector.guess("Sarampión", "Los casos aumentan en las escuelas de la ciudad").language == "es"


def test_only_the_beginning_is_read(detector: Detector) -> None:
    german = "Die Klinik ist ab heute für alle Patienten offen und die Ärzte sind bereit. " * 5
    assert detector.guess("", german + "the hospital is open for all of the patients " * 1000).language == "de"


@pytest.mark.parametrize(
    ("code", "expected"),
    [("en-US", "en"), ("EN", "en"), ("pt_BR", "pt"), ("eng", "en"), ("German", "de"), ("nb", "no"), ("und", None), ("", None), ("qq", None), ("Klingonese", None)],
)  # fmt: skip
def test_declared_codes_are_normalised(code: str, expected: str | None) -> None:
    assert normalise(code) == expected


def test_the_item_s_own_word_stands() -> None:
    guess = Guess("es", 0.99, 200)
    assert decide(guess, declared="ca", prior="en") == ("ca", "declared by the item")


def test_a_plain_contradiction_beats_the_source() -> None:
    language, reason = decide(Guess("es", 0.99, 80), declared=None, prior="en")
    assert language == "es"
    assert "es" in reason
    assert "en" in reason


@pytest.mark.parametrize(
    "guess", [Guess("es", 0.6, 80), Guess("es", 0.99, 22), Guess(None, 0.0, 5), Guess("en", 0.9, 90)]
)
def test_a_weak_contradiction_or_none_leaves_the_source_s_language(guess: Guess) -> None:
    assert decide(guess, declared=None, prior="en").language == "en"


def test_without_any_word_the_text_decides_or_nobody() -> None:
    assert decide(Guess("fr", 0.7, 40), declared=None, prior=None).language == "fr"
    assert decide(Guess(None, 0.2, 40), declared=None, prior=None).language is None


def test_the_allow_list_holds_two_letter_codes_only() -> None:
    assert all(len(code) == 2 for code in ALLOWED)
