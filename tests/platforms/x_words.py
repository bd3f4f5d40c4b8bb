"""The words of X for its stand-in: names of parameters and fields, ids, and what it says when it refuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from tests.platforms.serving import START, Asked, Told

PROBLEMS = "https://api.twitter.com/2/problems"
WINDOW = timedelta(days=7)
EPOCH = datetime.fromtimestamp(1_288_834_974.657, tz=START.tzinfo)
RENAMED = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "referenced_tweets": "referenced_posts",
    "note_tweet": "note_post",
    "retweet_count": "repost_count",
    "tweet_count": "post_count",
    "pinned_tweet_id": "pinned_post_id",
    "tweets": "posts",
}
_POST_FIELDS = frozenset((
    "article", "attachments", "author_id", "card_uri", "community_id", "context_annotations", "conversation_id",
    "created_at", "display_text_range", "edit_controls", "edit_history_tweet_ids", "entities", "geo", "id",
    "in_reply_to_user_id", "lang", "media_metadata", "note_tweet", "paid_partnership", "possibly_sensitive",
    "public_metrics", "referenced_tweets", "reply_settings", "scopes", "source", "suggested_source_links", "text",
    "withheld",
))  # fmt: skip
_USER_FIELDS = frozenset((
    "affiliation", "created_at", "description", "entities", "id", "is_identity_verified", "location", "name", "parody",
    "profile_image_url", "protected", "public_metrics", "url", "username", "verified", "verified_type", "withheld",
))  # fmt: skip
_MEDIA_FIELDS = frozenset((
    "alt_text", "duration_ms", "height", "media_key", "preview_image_url", "public_metrics", "type", "url", "variants",
    "width",
))  # fmt: skip
_PLACE_FIELDS = frozenset((
    "contained_within", "country", "country_code", "full_name", "geo", "id", "name", "place_type",
))  # fmt: skip
_EXPANSIONS = frozenset((
    "attachments.media_keys", "attachments.poll_ids", "author_id", "edit_history_tweet_ids",
    "entities.mentions.username", "geo.place_id", "in_reply_to_user_id", "referenced_tweets.id",
))  # fmt: skip
ALWAYS = {"id", "text", "edit_history_tweet_ids"}


def id_at(when: datetime, number: int = 0) -> str:
    """An id as X would give it at that moment."""
    return str((round((when - EPOCH) / timedelta(milliseconds=1)) << 22) + number)


class WrongError(Exception):
    """400, in X's words."""

    def __init__(self, asked: Asked, *names: str, message: str = "") -> None:
        if not message:
            *names, message = names  # type: ignore[assignment]
        error = {"parameters": {name: [asked.one(name)] for name in names}, "message": message}
        body = {
            "errors": [error],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": f"{PROBLEMS}/invalid-request",
        }
        super().__init__(message)
        self.told = Told(400, orjson.dumps(body), {"content-type": "application/problem+json"})


def problem(code: int, title: str, detail: str, kind: str = "about:blank", **more: Any) -> Told:
    body = {"title": title, "detail": detail, "type": kind, **more}
    return Told(code, orjson.dumps(body), {"content-type": "application/problem+json"})


NOT_ENROLLED = problem(
    403,
    "Client Forbidden",
    "You must use keys and tokens from an App that is attached to a Project.",
    f"{PROBLEMS}/client-forbidden",
    client_id="1",
    reason="client-not-enrolled",
    required_enrollment="Appropriate Level of API Access",
    registration_url="https://developer.example/projects",
)
WRONG_TOKEN = problem(
    403,
    "Unsupported Authentication",
    "Authenticating with OAuth 2.0 User Context is forbidden for this endpoint.",
    f"{PROBLEMS}/unsupported-authentication",
    status=403,
)
NO_CREDITS = problem(
    402,
    "CreditsDepleted",
    "Your enrolled account [1] does not have any credits to fulfill this request.",
    f"{PROBLEMS}/credits",
    account_id=1,
)


def make_user(native: str, name: str, *, followers: int, **more: Any) -> dict[str, Any]:
    counts = {"followers_count": followers, "following_count": 1, "tweet_count": 9, "listed_count": 0, "like_count": 1}
    bio = "Invented people &amp; public health"
    own: dict[str, Any] = {
        "id": native, "username": name, "name": "Example", "description": bio, "location": "Nowhere",
        "protected": False, "public_metrics": counts,
    }  # fmt: skip
    return own | more


def picked(value: Mapping[str, Any], fields: str, always: set[str]) -> dict[str, Any]:
    wanted = {*fields.split(","), *always}
    return {name: one for name, one in value.items() if name in wanted}


def references(post: Mapping[str, Any]) -> set[str]:
    return {one["type"] for one in post.get("referenced_tweets", ())}


def dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def written(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def check_parameters(asked: Asked, own: Iterable[str], vocabulary: str) -> None:
    """Parameters and values that nobody knows are refused."""
    mine = "tweet.fields" if vocabulary == "classic" else "post.fields"
    fields = {one if vocabulary == "classic" else RENAMED.get(one, one) for one in _POST_FIELDS}
    lists: dict[str, Iterable[str]] = {
        mine: fields, "user.fields": _USER_FIELDS, "media.fields": _MEDIA_FIELDS, "place.fields": _PLACE_FIELDS,
        "expansions": _EXPANSIONS, "poll.fields": (),
    }  # fmt: skip
    allowed = sorted({*own, *lists})
    for name in asked.query:
        if name not in allowed:
            raise WrongError(asked, name, f"The query parameter [{name}] is not one of [{','.join(allowed)}]")
    for name, values in lists.items():
        for one in filter(None, asked.one(name).split(",")):
            if one not in set(values):
                raise WrongError(
                    asked,
                    name,
                    f"The `{name}` query parameter value [{one}] is not one of [{','.join(sorted(values))}]",
                )


USAGE_CAPPED = problem(
    429,
    "UsageCapExceeded",
    "Usage cap exceeded: Monthly product cap",
    f"{PROBLEMS}/usage-capped",
    account_id=1,
    product_name="pay-per-use",
    period="Monthly",
    scope="Product",
)
MEDIA: dict[str, dict[str, Any]] = {
    "13_1": {
        "media_key": "13_1",
        "type": "video",
        "duration_ms": 46947,
        "preview_image_url": "https://pbs.example/13_1.jpg",
        "variants": [
            {"content_type": "application/x-mpegURL", "url": "https://video.example/13_1.m3u8"},
            {"content_type": "video/mp4", "bit_rate": 256000, "url": "https://video.example/13_1_low.mp4"},
            {"content_type": "video/mp4", "bit_rate": 832000, "url": "https://video.example/13_1.mp4"},
        ],
    },
    "3_2": {"media_key": "3_2", "type": "photo", "url": "https://pbs.example/3_2.jpg"},
}
PLACES: dict[str, dict[str, Any]] = {
    "p1": {"id": "p1", "full_name": "Inventia, XX", "country_code": "nl", "place_type": "city"}
}


def nobody(parameter: str, value: str) -> Told:
    """200 without `data`: X has no such account."""
    error = {
        "value": value,
        "detail": f"Could not find user with {parameter}: [{value}].",
        "title": "Not Found Error",
        "resource_type": "user",
        "parameter": parameter,
        "resource_id": value,
        "type": f"{PROBLEMS}/resource-not-found",
    }
    return Told.json({"errors": [error]})


def lost(native: str, *, private: bool) -> dict[str, Any]:
    """What a look-up says of a post that it does not show."""
    return {
        "value": native,
        "detail": f"Could not find tweet with ids: [{native}].",
        "title": "Authorization Error" if private else "Not Found Error",
        "resource_type": "tweet",
        "parameter": "ids",
        "resource_id": native,
        "type": f"{PROBLEMS}/{'not-authorized-for-resource' if private else 'resource-not-found'}",
    }
