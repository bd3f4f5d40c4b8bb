"""Topics from phrase lists: what a taxonomy file says, checked, and how its phrases are applied to a text.

A taxonomy is a mapping of topic id → topic, as the files of config/taxonomy/ hold it (file name = id)::

    label: Telehealth
    description: Care given at a distance …
    phrases:            # by language; 'any' for words that are the same everywhere
      en: [telehealth, tele-medicine, "virtual visit"]
      de: [Telemedizin]
    exact:              # letters as written, no plural: acronyms
      en: [RPM]
    exclude:            # what cancels a phrase that lies inside it
      en: ["telehealth scam"]
    examples: ["The clinic moved to telemedicine"]
    counter_examples: ["He watched television"]

A phrase matches whole words without regard to case and accents, its plural, "tele-medicine" also as one word or
two, several words also as a hashtag; `impf*` matches every ending. English phrases of six letters and more also
count in texts of other languages; all others only in their own, or where the language is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.core.phrases import Hit, Phrase, fold, uncovered

TOPIC, EXCLUSION = "topic", "topic exclusion"
LANGUAGES = frozenset(
    ("any", "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "ro", "hu", "tr", "id", "ca")
)
_ID = re.compile(r"[a-z][a-z0-9_]{1,39}")
_KEYS = frozenset(("label", "description", "phrases", "exact", "exclude", "examples", "counter_examples"))
_REQUIRED = ("label", "description", "phrases", "examples", "counter_examples")


@dataclass(frozen=True, slots=True)
class Problem:
    topic: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"topic {self.topic}: {self.what}; {self.remedy}"


class TaxonomyError(ValueError):
    """The taxonomy cannot be used. `problems` lists everything that is wrong, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Topic:
    id: str
    label: str
    description: str
    phrases: tuple[Phrase, ...]
    """Those that fire and those that cancel (kind EXCLUSION)."""
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    topics: tuple[Topic, ...]
    """In order of id."""

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Taxonomy:
        """Check and read {topic id: topic}. Raises TaxonomyError with all problems. Examples are not tried here."""
        problems: list[Problem] = []
        topics = [_read(name, value, problems) for name, value in sorted(data.items(), key=lambda pair: str(pair[0]))]
        if not data:
            problems.append(Problem("-", "there is no topic at all", "put at least one file into config/taxonomy/"))
        if problems:
            raise TaxonomyError(problems)
        return cls(tuple(topics))

    @property
    def labels(self) -> Mapping[str, str]:
        """Topic id → label."""
        return {topic.id: topic.label for topic in self.topics}

    def phrases(self) -> Iterator[Phrase]:
        for topic in self.topics:
            yield from topic.phrases


def _read(name: object, value: object, problems: list[Problem]) -> Topic:
    topic = str(name)

    def wrong(what: str, remedy: str) -> None:
        problems.append(Problem(topic, what, remedy))

    if not _ID.fullmatch(topic):
        wrong("its id is not a slug", "use lower-case letters, digits and '_', at most 40, beginning with a letter")
    if topic == "none":
        wrong("the id 'none' is taken", "it stands for posts without a topic in metrics; choose another")
    if not isinstance(value, Mapping):
        wrong("it is not a mapping", f"give it the keys {', '.join(_REQUIRED)}")
        return Topic(topic, "", "", (), (), ())
    for key in sorted(str(key) for key in value.keys() - _KEYS):
        wrong(f"unknown key '{key}'", f"known are {', '.join(sorted(_KEYS))}")
    for key in _REQUIRED:
        if not value.get(key):
            wrong(f"'{key}' is missing or empty", _REMEDIES[key])
    for key in ("label", "description"):
        if value.get(key) and not isinstance(value[key], str):
            wrong(f"'{key}' is not text", "put it in quotes")
    phrases: list[Phrase] = []
    seen: dict[tuple[str, str, str], str] = {}
    for section, kind, case in (("phrases", TOPIC, "any"), ("exact", TOPIC, "exact"), ("exclude", EXCLUSION, "any")):
        for language, texts in _sections(section, value.get(section), wrong):
            for text in texts:
                _check_phrase(section, language, text, case, seen, wrong)
                phrases.append(Phrase(kind, topic, text, _languages(language, text, case), case))
    examples, counters = (_texts(key, value.get(key), wrong) for key in ("examples", "counter_examples"))
    return Topic(
        topic, str(value.get("label", "")), str(value.get("description", "")), tuple(phrases), examples, counters
    )


_REMEDIES = {
    "label": "give the name people read",
    "description": "say in a sentence what belongs to it",
    "phrases": "list phrases by language, e.g. 'phrases: {en: [telehealth]}'",
    "examples": "list at least one sentence that must match",
    "counter_examples": "list at least one sentence that must not match",
}


def _sections(section: str, value: object, wrong: Any) -> Iterator[tuple[str, list[str]]]:
    if value is None:
        return
    if not isinstance(value, Mapping):
        wrong(f"'{section}' is not a mapping", "write a list of phrases under each language code")
        return
    for language, texts in value.items():
        if language is False:  # YAML 1.1 reads an unquoted `no` as false
            language = "no"
        if language not in LANGUAGES:
            wrong(f"'{section}' has the unknown language '{language}'", f"known are {', '.join(sorted(LANGUAGES))}")
        elif not isinstance(texts, list):
            wrong(f"'{section}: {language}' is not a list", "write [first, second]")
        else:
            yield str(language), [text for text in texts if _is_text(section, str(language), text, wrong)]


def _is_text(section: str, language: str, text: object, wrong: Any) -> bool:
    if isinstance(text, str):
        return True
    wrong(f"'{section}: {language}' holds {text!r}, which is not text", "put it in quotes")
    return False


def _check_phrase(
    section: str, language: str, text: str, case: str, seen: dict[tuple[str, str, str], str], wrong: Any
) -> None:
    bare = text[:-1] if text.endswith("*") else text
    folded = " ".join(fold(bare).decode().split())
    if len(folded) < 2:
        wrong(f"'{section}: {language}' holds '{text}', which is too short", "use at least two Latin letters")
    elif "*" in bare or (text.endswith("*") and (len(folded) < 4 or case == "exact")):
        wrong(
            f"'{text}' has a '*' that cannot be used",
            "put it at the end of a phrase of four letters or more, not under 'exact'",
        )
    elif len(text) > 80:
        wrong(f"'{text[:40]}…' is longer than 80 characters", "shorten it to what must be found")
    elif (section, language, folded if case != "exact" else text) in seen:
        wrong(f"'{text}' is listed twice under '{section}: {language}'", "remove one")
    seen[section, language, folded if case != "exact" else text] = text


def _languages(language: str, text: str, case: str) -> frozenset[str] | None:
    """None: in every language. English words of six letters and more are read everywhere; short ones mean other things."""
    return (
        None if language == "any" or (language == "en" and case == "any" and len(text) >= 6) else frozenset((language,))
    )


def _texts(key: str, value: object, wrong: Any) -> tuple[str, ...]:
    if not value:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        wrong(f"'{key}' is not a list of texts", "write a list of sentences in quotes")
        return ()
    return tuple(value)


def topics_of(hits: Mapping[str, list[Hit]], language: str | None) -> dict[str, str]:
    """Topic id → the phrase that fired first, sorted by id."""
    fired = hits.get(TOPIC)
    if not fired:
        return {}
    cancelled: dict[str, list[Hit]] = {}
    for hit in hits.get(EXCLUSION, ()):
        if _speaks(hit.phrase, language):
            cancelled.setdefault(hit.phrase.key, []).append(hit)
    if cancelled:
        fired = [hit for hit in fired if hit.phrase.key not in cancelled or uncovered([hit], cancelled[hit.phrase.key])]
    found: dict[str, str] = {}
    for hit in fired:
        phrase = hit.phrase
        if phrase.key not in found and _speaks(phrase, language):
            found[phrase.key] = phrase.text
    return dict(sorted(found.items()))


def _speaks(phrase: Phrase, language: str | None) -> bool:
    return phrase.languages is None or language is None or language in phrase.languages
