"""Content type, live and sponsored, each by its strongest evidence."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.core.content_type import content_type_of, hashtags, live_of, medium_of, phrases, sponsored_of
from monitor.core.phrases import Matcher, clean


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher.build(phrases())


def kind(**known: Any) -> tuple[str, str | None]:
    facts: dict[str, Any] = {
        "declared": None,
        "media": (),
        "url": None,
        "platform": "web",
        "prior": None,
        "title": "A title",
    }
    found = content_type_of(**{**facts, **known})
    assert found.reason
    return found.content_type, found.subtype


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"media": ("audio",)}, ("podcast", None)),
        ({"media": ("audio",), "prior": "news"}, ("podcast", None)),
        ({"media": ("video",), "prior": "podcast"}, ("video", None)),
        ({"media": ("audio", "video"), "prior": "podcast"}, ("podcast", None)),
        ({"media": ("document",)}, ("other", "document")),
        ({"url": "https://www.youtube.com/watch?v=abcdefghijk"}, ("video", None)),
        ({"url": "https://www.youtube.com/shorts/abcdefghijk"}, ("video", "short")),
        ({"url": "https://youtu.be/abcdefghijk", "prior": "news"}, ("video", None)),
        ({"url": "https://vimeo.com/123456"}, ("video", None)),
        ({"url": "https://www.tiktok.com/@someone/video/1"}, ("video", None)),
        ({"url": "https://hospital.example/videos/knee"}, ("video", None)),
        ({"url": "https://hospital.example/podcast/12"}, ("podcast", None)),
        ({"url": "https://www.reddit.com/r/nursing/comments/1/x/"}, ("other", "forum")),
        ({"url": "https://site.example/forum/topic-1"}, ("other", "forum")),
        ({"url": "https://site.example/infographics/flu"}, ("other", "infographic")),
        ({"url": "https://site.example/news/video-games-and-sleep"}, ("news", None)),
        ({"url": "https://site.example/a", "title": "Infographic: flu shots"}, ("other", "infographic")),
        ({"platform": "youtube", "prior": "news"}, ("video", None)),
        ({"platform": "podcast"}, ("podcast", None)),
        ({"platform": "reddit"}, ("other", "forum")),
        ({"platform": "pinterest"}, ("other", "image")),
        ({"platform": "bluesky"}, ("other", "social")),
        ({"platform": "bluesky", "media": ("image",)}, ("other", "image")),
        ({"platform": "bluesky", "media": ("video",)}, ("video", None)),
        ({"platform": "x", "prior": "news"}, ("news", None)),
        ({"prior": "podcast"}, ("podcast", None)),
        ({"url": "https://site.example/a"}, ("news", None)),
        ({"title": ""}, ("other", None)),
        ({"declared": "news", "media": ("audio",)}, ("news", None)),
        ({"declared": "video", "url": "https://x.example/reel/1"}, ("video", "short")),
    ],
)
def test_the_strongest_evidence_decides(known: dict[str, Any], expected: tuple[str, str | None]) -> None:
    assert kind(**known) == expected


@pytest.mark.parametrize(
    ("mime", "medium", "url", "expected"),
    [("audio/mpeg", "", "", "audio"), ("video/mp4", "image", "", "video"), ("", "video", "", "video"), ("application/x-mpegurl", "", "", "video"), ("application/pdf", "", "", "document"),
     ("", "", "https://a.example/x.MP3?token=1", "audio"), ("", "", "https://a.example/x.mp4", "video"), ("application/octet-stream", "", "https://a.example/x", ""), ("", "", "", "")],
)  # fmt: skip
def test_media_kinds(mime: str, medium: str, url: str, expected: str) -> None:
    assert medium_of(mime, medium, url) == expected


def live(
    matcher: Matcher, title: str, content_type: str = "video", declared: str | None = None
) -> tuple[bool, str | None]:
    title = clean(title)
    found = live_of(
        declared=declared,
        content_type=content_type,
        title=title,
        tags=hashtags(title),
        hits=matcher.find(title),
        text=title,
        body_at=0,
    )
    return found.value, found.reason


@pytest.mark.parametrize(
    "title",
    [
        "LIVE: heart surgery",
        "🔴 Q&A with a nurse",
        "Watch live: the briefing",
        "Facebook Live with Dr Lee",
        "Our livestream on asthma",
        "#livestream tonight",
        "EN VIVO: vacunas",
    ],
)
def test_text_is_weak_evidence_of_a_live_stream(matcher: Matcher, title: str) -> None:
    value, reason = live(matcher, title)
    assert value
    assert reason is not None
    assert reason.startswith("weak: ")


@pytest.mark.parametrize(
    "title",
    [
        "Live births fall",
        "A live vaccine against flu",
        "Live longer: five habits",
        "How to live with pain",
        "Delivery",
        "",
    ],
)
def test_false_friends_are_not_live(matcher: Matcher, title: str) -> None:
    assert live(matcher, title) == (False, None)


def test_the_platform_s_word_on_live_is_strong_and_articles_about_streams_are_not_streams(matcher: Matcher) -> None:
    assert live(matcher, "Round table", declared="ended") == (True, "the platform says: was live")
    assert live(matcher, "Round table", declared="live") == (True, "the platform says: live")
    assert live(matcher, "Why a livestream of surgery is risky", content_type="news") == (False, None)


def sponsored(
    matcher: Matcher, text: str, declared: bool | None = None, categories: tuple[str, ...] = ()
) -> tuple[bool, str | None]:
    text = clean(text)
    found = sponsored_of(
        declared=declared, title=text, categories=categories, tags=hashtags(text), hits=matcher.find(text), text=text
    )
    return found.value, found.reason


@pytest.mark.parametrize(
    "text",
    ["My new shoes #ad", "#Sponsored sleep tips", "In paid partnership with a brand", "This episode is brought to you by a bank", "Sponsored: a better bed", "Bezahlte Partnerschaft mit X", "#werbung", "Contenido patrocinado", "Collaboration commerciale", "#publi"],
)  # fmt: skip
def test_text_is_weak_evidence_of_payment(matcher: Matcher, text: str) -> None:
    value, reason = sponsored(matcher, text)
    assert value
    assert reason is not None
    assert reason.startswith("weak: ")


@pytest.mark.parametrize(
    "text",
    [
        "#adhd awareness",
        "A trial sponsored by a drug maker",
        "He sponsored a bill",
        "This is not a paid partnership",
        "Ads harm children",
        "#advocacy",
        "",
    ],
)
def test_false_friends_are_not_paid_for(matcher: Matcher, text: str) -> None:
    assert sponsored(matcher, text) == (False, None)


def test_the_platform_s_label_decides_both_ways(matcher: Matcher) -> None:
    assert sponsored(matcher, "Plain words", declared=True) == (True, "labelled by the platform")
    assert sponsored(matcher, "#ad", declared=False) == (False, "the platform says: not paid for")
    assert sponsored(matcher, "Plain words", categories=("Sponsored",)) == (True, "weak: filed under 'Sponsored'")
