"""A preview tags and stores nothing, and every failure of it is an answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import registry
from tests.servers.baddays import BadDays, Behaviour, answer, status, text
from tests.support.collecting import DAY, HOUR, START, Service, item, rss
from tests.support.posts import make_source

GOOD = rss([item("a", START - DAY), item("b", START - 2 * DAY)])


async def test_a_preview_tags_and_stores_nothing(server: BadDays, service: Service) -> None:
    server.on("/ward", text(rss([item(f"n{n}", START - n * HOUR, text="Telehealth works.") for n in range(5)])))
    source = make_source("ward", url=server.url("/ward"))
    preview = await service.previews.preview(source, limit=2)
    assert [post.id for post in preview.posts] == ["n0", "n1"]
    assert preview.posts[0].annotation.topics == ("telehealth",)
    assert (preview.error, preview.url, preview.facts.format) == (None, server.url("/ward"), "rss20")
    assert service.store.sources() == []


@pytest.mark.parametrize(
    ("behaviour", "code"), [(status(404), "http_404"), (text("<html>x</html>"), "not_a_feed"), (answer(b""), "empty")]
)
async def test_a_preview_of_a_bad_day_is_an_answer_too(
    server: BadDays, service: Service, behaviour: Behaviour, code: str
) -> None:
    server.on("/ward", behaviour)
    preview = await service.previews.preview(make_source("ward", url=server.url("/ward")))
    assert (preview.code, preview.posts) == (code, ())
    assert preview.error


async def test_a_fault_of_ours_in_a_preview_is_an_answer_too(
    server: BadDays, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("/ward", text(GOOD))

    def stumble(source: object, page: object) -> Callable[[], None]:
        raise ZeroDivisionError

    monkeypatch.setattr(registry.get("feed"), "parse", stumble)
    preview = await service.previews.preview(make_source("ward", url=server.url("/ward")))
    assert preview.code == "internal"
