"""What people say of tags: kept as labelled examples, and taken up by the post and its counts at once.

A label says what one person holds a tag to be. Nothing said is ever changed: the latest word of an annotator on a
dimension stands, and of several annotators the latest decides how the post is tagged and counted. Sentiment is only
kept, because its score is a number that no label is. Tagging takes what people said from the post's evidence, so
`retag` keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from monitor.archive_convert import overruled
from monitor.core.model import AUDIENCES, CONTENT_TYPES, UNKNOWN, Annotation, Post
from monitor.store import Store
from monitor.store.label_rows import CORRECTED
from monitor.store.labels import Found, Label

if TYPE_CHECKING:
    from collectors.base import Source
    from monitor.config import Config
    from monitor.core.sentiment import Sentiment, Term
    from monitor.readers import Recipe

SENTIMENTS = ("negative", "neutral", "positive")
CORRECTABLE = ("content_type", "audience", "topics", "language", "country", "live", "sponsored")
"""What a post is tagged and counted by."""
DIMENSIONS = (*CORRECTABLE, "sentiment")
SEVERAL = ("audience", "topics")
LONGEST_ANNOTATOR = 40
LONGEST_NOTE = 500
TRIES = 5
BATCH = 500


class UnknownPost(LookupError):
    """There is no such post."""


class LabelRefused(ValueError):
    """What was said does not fit; `field` names the part of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Labels:
    """One for a process. `mark` stands for the present rules and lists, as in `monitor.retag`."""

    def __init__(
        self,
        store: Store,
        *,
        recipe: Callable[[], Recipe],
        mark: Callable[[], str],
        config: Callable[[], Config],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._recipe = recipe
        self._mark = mark
        self._config = config
        self._clock = clock

    def of(self, source_id: str, post_id: str) -> list[Label]:
        """All that was ever said of a post, in order."""
        return self._store.labels.of_post(source_id, post_id)

    def everything(self) -> Iterator[tuple[Label, Found, bool]]:
        """Every label in the order in which they were given, with its post as it is now, and whether it stands."""
        last: dict[tuple[str, str, str, str], int] = {}
        for label, _ in self._scan():
            last[label.source, label.post, label.dimension, label.annotator] = label.id
        standing_ids = set(last.values())
        for label, found in self._scan():
            yield label, found, label.id in standing_ids and not label.withdrawn

    def _scan(self) -> Iterator[tuple[Label, Found]]:
        after = 0
        while rows := self._store.labels.scan(after=after, limit=BATCH):
            yield from rows
            after = rows[-1][0].id

    def give(
        self, source_id: str, post_id: str, dimension: str, given: Sequence[str], *, annotator: str, note: str = ""
    ) -> Label:
        """Keep what a person says of one tag, and tag and count the post by it. `given` are values as people write
        them, several only for audience and topics.

        Raises UnknownPost, LabelRefused.
        """
        if dimension not in DIMENSIONS:
            raise LabelRefused("dimension", f"There is no tag {dimension[:40]!r}; there are {', '.join(DIMENSIONS)}.")
        annotator = _line("annotator", annotator, LONGEST_ANNOTATOR)
        if not annotator:
            raise LabelRefused("annotator", "Enter your name or initials, so that others can ask.")
        note = _line("note", note, LONGEST_NOTE)

        def say(found: Found, tags: Annotation) -> Label:
            value = self._value(dimension, given, found.post)
            return self._label(found, dimension, value, tags, annotator, note)

        return self._save(source_id, post_id, say)

    def take_back(self, source_id: str, post_id: str, label_id: int) -> Label:
        """Take back a label that stands; what others said, or else tagging, decides again.

        Raises UnknownPost, LabelRefused.
        """

        def say(found: Found, tags: Annotation) -> Label:
            for one in standing(self.of(source_id, post_id)):
                if one.id == label_id:
                    return replace(
                        self._label(found, one.dimension, one.value, tags, one.annotator, ""), withdrawn=True
                    )
            raise LabelRefused("label", "This correction does not stand any more; nothing was changed.")

        return self._save(source_id, post_id, say)

    def explain(self, post: Post) -> tuple[Term, ...]:
        """The words behind the sentiment of a post by the present lexicon; none where its language is not scored."""
        if post.annotation.sentiment is None:
            return ()
        head = f"{post.title}.\n" if post.title else ""  # as tagging reads it
        return self._sentiment.explain(head + post.text)

    @cached_property
    def _sentiment(self) -> Sentiment:
        from monitor.core.sentiment import Sentiment

        return Sentiment.build(self._config().lexicon)

    def _save(self, source_id: str, post_id: str, say: Callable[[Found, Annotation], Label]) -> Label:
        recipe = self._recipe()
        sources = {one.id: one for one in self._store.source_numbers().values()}
        for _ in range(TRIES):
            found = self._store.labels.find(source_id, post_id)
            if found is None or source_id not in sources:
                raise UnknownPost(f"Source {source_id[:100]!r} has no post {post_id[:100]!r}.")
            if found.forgotten:
                raise LabelRefused("dimension", "The text of this post was deleted, so nobody can judge its tags.")
            source = sources[source_id]
            bare = {name: value for name, value in found.post.evidence.items() if name != CORRECTED}
            label = say(found, _tagged(recipe, found.post, bare, source))
            people = corrections([*self.of(source_id, post_id), label])
            evidence = {**bare, CORRECTED: people} if people else bare
            tagged = found.post
            if label.dimension in CORRECTABLE:
                annotation = _tagged(recipe, found.post, evidence, source)
                tagged = replace(found.post, evidence=evidence, annotation=annotation)
            if self._store.labels.save(label, found, tagged):
                return self.of(source_id, post_id)[-1]
        raise LabelRefused("dimension", "The post changes all the time; look at it again and repeat this.")

    def _label(
        self, found: Found, dimension: str, value: Any, tags: Annotation, annotator: str, note: str
    ) -> Label:  # fmt: skip
        post = found.post
        return Label(
            0, post.source, post.id, dimension, value, value_of(tags, dimension), annotator, note, self._clock(),
            self._mark(), post.hash,
        )  # fmt: skip

    def _value(self, dimension: str, given: Sequence[str], post: Post) -> Any:
        """What people wrote, as it is stored. Raises LabelRefused."""
        values = sorted({one.strip() for one in given if one.strip()})
        if dimension in SEVERAL:
            known = (
                AUDIENCES if dimension == "audience" else sorted({*self._config().taxonomy, *post.annotation.topics})
            )
            if dimension == "audience" and not values:
                raise LabelRefused("audience", "Choose at least one; other, if it is for no profession.")
            return [_one_of(dimension, one, known) for one in values]
        if len(values) != 1:
            raise LabelRefused(dimension, "Choose one value.")
        (text,) = values
        if dimension == "content_type":
            return _one_of(dimension, text, CONTENT_TYPES)
        if dimension == "sentiment":
            return _one_of(dimension, text, SENTIMENTS)
        if dimension in ("live", "sponsored"):
            return _one_of(dimension, text, ("true", "false")) == "true"
        return _code(dimension, text)


def standing(labels: Sequence[Label]) -> list[Label]:
    """Of one post's labels, in order: the latest of each annotator on each dimension, unless it was taken back."""
    last = {(one.dimension, one.annotator): one for one in labels}
    return [one for one in labels if last[one.dimension, one.annotator] is one and not one.withdrawn]


def corrections(labels: Sequence[Label]) -> dict[str, Any]:
    """dimension → value that decides: the latest of those that stand."""
    return {one.dimension: one.value for one in standing(labels) if one.dimension in CORRECTABLE}


def value_of(tags: Annotation, dimension: str) -> Any:
    """What an annotation says of a dimension, as labels say it."""
    if dimension == "sentiment":
        if tags.sentiment is None:
            return None
        from monitor.core.sentiment import label_of

        return label_of(tags.sentiment)
    value = getattr(tags, dimension)
    return list(value) if isinstance(value, tuple) else value


def example(label: Label, found: Found, *, stands: bool) -> dict[str, Any]:
    """A label as programs read it, with the text it is about, masked."""
    from monitor.core.mask import mask

    post = found.post
    return {
        "id": label.id,
        "source": label.source,
        "post": label.post,
        "dimension": label.dimension,
        "value": label.value,
        "was": label.was,
        "annotator": label.annotator,
        "note": label.note,
        "at": label.at,
        "tagging": label.tagging,
        "stands": stands,
        "withdrawn": label.withdrawn,
        "edited_since": label.hash != post.hash,
        "published_at": post.published_at,
        "language": post.annotation.language,
        "url": post.url,
        "title": None if found.forgotten else mask(post.title),
        "text": None if found.forgotten else mask(post.text),
    }


def _tagged(recipe: Recipe, post: Post, evidence: Mapping[str, Any], source: Source) -> Annotation:
    from monitor.core.annotate import Evidence

    known = Evidence.from_stored(post.title, post.text, post.url, evidence)
    return overruled(recipe.taggers.annotate(known, source), evidence)


def _line(field: str, text: str, longest: int) -> str:
    text = " ".join(text.split())
    if len(text) > longest:
        raise LabelRefused(field, f"{field.capitalize()} has {len(text)} characters; at most {longest}.")
    return text


def _one_of(dimension: str, value: str, known: Sequence[str]) -> str:
    if value.lower() in known:
        return value.lower()
    raise LabelRefused(dimension, f"{value[:40]!r} is none of {', '.join(known)}.")


def _code(dimension: str, text: str) -> str | None:
    """The code of a language or country, or None for 'unknown'."""
    if text.lower() == UNKNOWN:
        return None
    if dimension == "language":
        from monitor.core.language import normalise

        code, example_ = normalise(text[:60]), "en"
    else:
        from monitor.core.places import code_of

        code, example_ = code_of(text[:60]), "DE"
    if code is None:
        raise LabelRefused(
            dimension, f"{text[:40]!r} is no {dimension} we know; write its code, such as {example_}, or {UNKNOWN}."
        )
    return code
