"""Do the topics do what their own examples say? A taxonomy that was edited is tried on the sentences it brings."""

from __future__ import annotations

from dataclasses import dataclass

from collectors.base import Source
from monitor.core.annotate import Evidence, Taggers

_NOBODY = Source(id="example", collector="feed", platform="web", url="https://example.org/feed.xml")
"""A source that says nothing of its posts."""


@dataclass(frozen=True, slots=True)
class Untrue:
    """A sentence that is tagged otherwise than its topic claims."""

    topic: str
    text: str
    wanted: bool
    """True: an example that is not found. False: a counter-example that is."""
    language: str | None
    """What the sentence was taken for; phrases of other languages do not count in it."""


def untrue_examples(taggers: Taggers) -> list[Untrue]:
    """Every example tagged as the title of a post, those that come out wrong, in order of topic. About 0.1 ms each."""
    wrong = []
    for topic in taggers.taxonomy.topics:
        for wanted, texts in ((True, topic.examples), (False, topic.counter_examples)):
            for text in texts:
                found = taggers.annotate(Evidence(title=text), _NOBODY)
                if (topic.id in found.topics) is not wanted:
                    wrong.append(Untrue(topic.id, text, wanted, found.language))
    return wrong
