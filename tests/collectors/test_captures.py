"""Captures: the envelope, and the own JSON of X and LinkedIn in each of its generations. All is invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Engagement
from collectors.captures.envelope import MAPPERS, PLATFORMS, CaptureError, is_capture, read_capture
from tests.support.captures import (
    ACTIVITY,
    LINKEDIN_NEW,
    LINKEDIN_OLD,
    MOMENT,
    SAMPLES,
    SEEN,
    TIKTOK,
    X_ADAPTIVE,
    X_GRAPH,
    X_NEWEST,
    item,
    line,
    merged,
    why,
)

# ---- the envelope


def test_a_capture_is_told_by_its_envelope() -> None:
    assert is_capture(line("x.com", {}))
    assert is_capture({"rest_id": "1", "__import_meta": {"source_platform": "x.com"}})
    assert not is_capture({"id": "1", "published_at": "2026-01-01", "source_platform": "x.com", "data": {}})
    assert not is_capture({"id": "1", "title": "t"})


@pytest.mark.parametrize("name", [*PLATFORMS, "WWW.TikTok.com "])
def test_every_known_address_has_a_mapper(name: str) -> None:
    platform = PLATFORMS[name.strip().lower().removeprefix("www.")]
    assert platform in MAPPERS
    assert why(name, {}).startswith(f"{platform}: ")


def test_an_unknown_platform_is_refused_with_its_name_apart() -> None:
    with pytest.raises(CaptureError) as caught:
        read_capture(line("gab.com", {}))
    assert "cannot be mapped" in caught.value.reason
    assert "gab" not in caught.value.reason
    assert caught.value.value == "gab.com"
    assert "cannot be mapped" in why(None, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["tiktok-comments", "instagram-comments", "twitter-comments"])
def test_comments_are_not_posts(name: str) -> None:
    assert why(name, {"cid": "1", "text": "hello"}) == "captured comments: a comment, not a post"


def test_a_file_that_went_through_4cat_holds_the_post_outside() -> None:
    platform, found = read_capture({**TIKTOK, "__import_meta": {"source_platform": "tiktok.com"}})
    assert (platform, found.id) == ("tiktok", "7400000000000000001")


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_data_that_is_no_object_is_refused(data: Any) -> None:
    assert why("x.com", data) == "x: data is not an object"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
def test_a_field_with_anything_in_it_maps_or_is_refused(data: st.DataObject) -> None:
    platform, post = data.draw(st.sampled_from(SAMPLES))
    field = data.draw(st.sampled_from(sorted(post)))
    changed = {**post, field: data.draw(ANYTHING)}
    try:
        _, found = read_capture(line(platform, changed))
    except CaptureError as error:
        found = None
        reason = error.reason
    if found is None:
        assert ": " in reason
    else:
        assert found.id
        assert found.title or found.text
        assert found.published_at is None or found.published_at.tzinfo is UTC


# ---- X


@pytest.mark.parametrize("post", [X_ADAPTIVE, X_GRAPH, X_NEWEST], ids=["adaptive", "graph", "newest"])
@pytest.mark.parametrize("platform", ["twitter.com", "x.com"])
def test_x_in_every_generation_gives_the_same_post(platform: str, post: dict[str, Any]) -> None:
    found = item(platform, post)
    assert (found.id, found.url) == ("1800000000000000001", "https://x.com/i/status/1800000000000000001")
    assert found.text == "Nurses & telehealth https://example.org/a  #Telehealth"
    assert found.published_at == datetime(2024, 6, 10, 8, tzinfo=UTC)
    assert (found.author, found.author_bio, found.followers, found.verified) == ("42", "Nurse", 1200, False)
    assert (found.language, found.categories, found.sponsored) == ("en", ("Telehealth",), None)
    assert found.engagement == Engagement(views=900, likes=5, comments=0, shares=3)
    assert [one.medium for one in found.media] == ["image"]


def test_x_wrapped_once_more_and_promoted() -> None:
    assert item("x.com", {"__typename": "TweetWithVisibilityResults", "promoted": True, "tweet": X_NEWEST}).sponsored
    assert item("x.com", X_GRAPH | {"promotedMetadata": {}}).sponsored is True


def test_x_long_posts_are_read_whole() -> None:
    note = {"note_tweet_results": {"result": {"text": "All of it", "entity_set": {"hashtags": [{"text": "long"}]}}}}
    found = item("x.com", X_NEWEST | {"note_tweet": note})
    assert (found.text, found.categories) == ("All of it", ("long", "Telehealth"))


def test_x_an_edited_post_is_known_by_its_first_version() -> None:
    control = {"edit_tweet_ids": ["1799999999000000000", "1800000000000000001"]}
    found = item("x.com", X_NEWEST | {"edit_control": control})
    assert found.id == "1799999999000000000"
    assert found.updated_at == datetime(2024, 6, 10, 8, tzinfo=UTC)
    assert found.published_at is not None
    assert found.published_at < found.updated_at
    assert item("x.com", X_NEWEST | {"edit_control": {"edit_control_initial": control}}).id == found.id


def test_x_marks_that_are_given_after_looking() -> None:
    def verified(**changes: Any) -> bool | None:
        return item("x.com", merged(X_NEWEST, core={"user_results": {"result": changes}})).verified

    assert verified(verification={"verified_type": "Government"}) is True
    assert verified(verification={"verified_type": "Blue"}) is False


def test_x_refuses_reposts_protected_withheld_and_tombstones() -> None:
    assert why("x.com", merged(X_GRAPH, legacy={"retweeted_status_result": {"result": {}}})) == (
        "x: repost without own words"
    )
    closed = merged(X_NEWEST, core={"user_results": {"result": {"privacy": {"protected": True}}}})
    assert why("x.com", closed) == "x: not public"
    assert why("x.com", merged(X_GRAPH, legacy={"withheld_scope": "status"})) == "x: withheld by X"
    assert why("x.com", {"__typename": "TweetTombstone"}) == "x: no id"
    assert why("x.com", merged(X_GRAPH, legacy={"full_text": "https://t.co/pic"})) == "x: no words"


def test_x_a_date_that_cannot_be_read_is_in_the_id() -> None:
    found = item("x.com", merged(X_GRAPH, legacy={"created_at": "soon"}))
    assert found.published_at is not None
    assert found.published_at.date() == datetime(2024, 6, 10, tzinfo=UTC).date()


# ---- LinkedIn


@pytest.mark.parametrize("post", [LINKEDIN_OLD, LINKEDIN_NEW], ids=["older", "newer"])
def test_linkedin_in_every_generation_and_its_date_from_the_id(post: dict[str, Any]) -> None:
    found = item("linkedin.com", post)
    assert found.id == f"urn:li:activity:{ACTIVITY}"
    assert found.url == f"https://www.linkedin.com/feed/update/urn:li:activity:{ACTIVITY}/"
    assert found.published_at == MOMENT, "and not a week before it was seen"
    assert (found.text, found.categories) == ("Our nurses on telehealth #Nursing", ("Nursing",))
    assert (found.followers, found.author_bio, found.sponsored) == (12_345, None, None)
    assert found.engagement == Engagement(likes=10, comments=0, shares=2)


def test_linkedin_authors_are_named_as_its_api_names_them_where_the_page_does() -> None:
    assert item("linkedin.com", LINKEDIN_OLD).author == "company/example-clinic"
    assert item("linkedin.com", LINKEDIN_NEW).author == "urn:li:organization:77"


def test_linkedin_a_persons_headline_is_the_bio() -> None:
    found = item("linkedin.com", merged(LINKEDIN_OLD, actor={"description": {"text": "Head nurse"}}))
    assert (found.author_bio, found.followers) == ("Head nurse", None)


@pytest.mark.parametrize(
    ("label", "promoted"),
    [("Promoted", True), ("Gesponsert", True), ("Promoted by 4 Example Ltd", True), ("3d • Edited", None), ("", None)],
)
def test_linkedin_a_label_without_an_age_is_an_advertisement(label: str, promoted: bool | None) -> None:
    post = merged(LINKEDIN_OLD, actor={"subDescription": {"text": label}})
    assert item("linkedin.com", post).sponsored is promoted


def test_linkedin_a_post_of_this_moment_is_no_advertisement() -> None:
    now = str(int(SEEN.timestamp() * 1000) << 22)
    post = merged(
        LINKEDIN_OLD, actor={"subDescription": {"text": "Jetzt"}}, updateMetadata={"urn": f"urn:li:activity:{now}"}
    )
    assert item("linkedin.com", post).sponsored is None


def test_linkedin_of_two_activities_shown_as_one_the_first_counts() -> None:
    both = f"urn:li:aggregate:(urn:li:activity:{ACTIVITY},urn:li:activity:6000000000000000000)"
    assert item("linkedin.com", LINKEDIN_OLD | {"updateMetadata": {"urn": both}}).id.endswith(ACTIVITY)


def test_linkedin_a_video_has_its_length() -> None:
    (film,) = item("linkedin.com", LINKEDIN_NEW).media
    assert (film.medium, film.duration) == ("video", 61.5)


def test_linkedin_refuses_what_is_no_public_post() -> None:
    limited = {"subDescription": {"accessibilityText": "1 week ago • Visible to your connections"}}
    assert why("linkedin.com", merged(LINKEDIN_OLD, actor=limited)) == "linkedin: not public"
    group = merged(LINKEDIN_NEW, metadata={"shareUrn": "urn:li:groupPost:1-2"})
    assert why("linkedin.com", group) == "linkedin: not public"
    repost = LINKEDIN_OLD | {"commentary": None, "*resharedUpdate": {"actor": {}}}
    assert why("linkedin.com", repost) == "linkedin: repost without own words"
    assert why("linkedin.com", LINKEDIN_OLD | {"commentary": None}) == "linkedin: no words"
    assert why("linkedin.com", LINKEDIN_OLD | {"actor": None}).startswith("linkedin: no author")
    assert why("linkedin.com", {"actor": {}}) == "linkedin: no id of an activity"
    early = LINKEDIN_OLD | {"updateMetadata": {"urn": "urn:li:activity:3966023054712791616"}}
    assert why("linkedin.com", early) == "linkedin: the id holds no date"
