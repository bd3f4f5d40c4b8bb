"""Lists of feeds become sources; what cannot be used is named, what is tracked is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.base import CollectError
from collectors.feeds.opml import parse_opml, write_opml
from monitor.bootstrap import Services
from monitor.opml import add_outlines, list_feeds
from monitor.settings import Settings
from tests.support.collecting import START
from tests.support.posts import make_source

ROOT = Path(__file__).parents[1]


@pytest.fixture
def services(tmp_path: Path, sqlite_url: str) -> Iterator[Services]:
    made = Services(Settings(home=tmp_path, config=ROOT / "config", database_url=sqlite_url))
    yield made
    made.close()


def outline(attributes: str) -> bytes:
    return f'<opml version="1.0"><body><outline text="Health">{attributes}</outline></body></opml>'.encode()


def test_feeds_of_other_programs(services: Services) -> None:
    report = add_outlines(
        services,
        outline(
            '<outline text="Ward &amp; clinic" type="rss" xmlUrl="https://ward.example/feed" language="de-CH"/>'
            '<outline text="again" xmlUrl="https://ward.example/feed"/>'
            '<outline text="mail" xmlUrl="mailto:x@ward.example"/>'
            '<outline text="Videos" xmlUrl="https://www.youtube.com/feeds/videos.xml?channel_id=UCaaaaaaaaaaaaaaaaaaaaaa"/>'
        ),
    )
    assert len(report.added) == 2
    assert len(report.skipped) == 2
    first, second = (services.store.source(one) for one in report.added)
    assert first is not None
    assert second is not None
    assert (first.source.name, first.source.language, first.source.verified) == ("Ward & clinic", "de", False)
    assert second.source.platform == "youtube"
    again = add_outlines(services, outline('<outline text="Ward" xmlUrl="https://ward.example/feed"/>'))
    assert (again.added, again.known) == ((), ("https://ward.example/feed",))


def test_lists_of_our_own_bring_their_tags(services: Services) -> None:
    source = make_source(
        "ward",
        name="Ward",
        content_type="podcast",
        audience=("nurses", "physicians"),
        country="CH",
        language="de",
        every=timedelta(hours=2),
    )
    assert add_outlines(services, write_opml([source])).added == ("ward",)
    tracked = services.store.source("ward")
    assert tracked is not None
    kept = ("id", "url", "name", "platform", "content_type", "audience", "country", "language", "every")
    assert [getattr(tracked.source, name) for name in kept] == [getattr(source, name) for name in kept]


def test_tags_that_do_not_hold_here_cost_the_tags_and_not_the_feed(services: Services) -> None:
    strange = make_source("ward", platform="nosuch", country="CH")
    report = add_outlines(services, write_opml([strange, make_source("ward", url="https://other.example/feed")]))
    assert len(report.added) == 2
    assert report.skipped == ()
    tracked = [services.store.source(one) for one in report.added]
    assert [one.source.platform for one in tracked if one] == ["web", "web"]


def test_something_else_is_refused(services: Services) -> None:
    with pytest.raises(CollectError, match="OPML"):
        add_outlines(services, b"<html><body>no list</body></html>")
    assert services.store.sources() == []


def test_only_feeds_go_out_paused_ones_too(services: Services) -> None:
    store = services.store
    store.add_source(make_source("ward", url="https://ward.example/feed"), START)
    store.add_source(make_source("quiet", url="https://quiet.example/feed"), START)
    store.set_paused("quiet", True, START)
    store.add_source(make_source("old-blog", collector="archive", url=""), START)
    made = list_feeds(store.sources())
    outlines = parse_opml(made.document).outlines
    assert [one.url for one in outlines] == ["https://quiet.example/feed", "https://ward.example/feed"]
    assert made.sources == 2
