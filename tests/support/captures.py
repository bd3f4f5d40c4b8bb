"""Captures for tests: lines as the browser extension writes them, with invented posts of every platform."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.base import Item
from collectors.captures.envelope import CaptureError, read_capture

SEEN = datetime(2026, 7, 1, 12, tzinfo=UTC)


def line(platform: str, data: Any, **changes: Any) -> dict[str, Any]:
    return {
        "nav_index": "3:12:0",
        "item_id": "1",
        "timestamp_collected": int(SEEN.timestamp() * 1000),
        "source_platform": platform,
        "source_platform_url": f"https://www.{platform}/",
        "source_url": f"https://www.{platform}/api",
        "user_agent": "Invented/1.0",
        "data": data,
    } | changes


def item(platform: str, data: Any) -> Item:
    return read_capture(line(platform, data))[1]


def why(platform: str, data: Any) -> str:
    with pytest.raises(CaptureError) as caught:
        read_capture(line(platform, data))
    return caught.value.reason


def merged(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Nested objects are merged."""
    made = dict(base)
    for name, value in changes.items():
        made[name] = (
            merged(made[name], **value) if isinstance(value, dict) and isinstance(made.get(name), dict) else value
        )
    return made


X_ADAPTIVE: dict[str, Any] = {
    "id": 1800000000000000000,
    "type": "adaptive",
    "legacy": {
        "id_str": "1800000000000000001",
        "created_at": "Mon Jun 10 08:00:00 +0000 2024",
        "full_text": "Nurses &amp; telehealth https://t.co/a https://t.co/pic #Telehealth",
        "lang": "en",
        "user_id_str": "42",
        "favorite_count": 5,
        "reply_count": 0,
        "retweet_count": 2,
        "quote_count": 1,
        "entities": {
            "hashtags": [{"text": "Telehealth"}],
            "urls": [{"url": "https://t.co/a", "expanded_url": "https://example.org/a"}],
            "media": [{"url": "https://t.co/pic", "type": "photo", "media_url_https": "https://pbs.example/p.jpg"}],
        },
    },
    "user": {
        "id_str": "42",
        "screen_name": "ward_example",
        "description": "Nurse",
        "followers_count": 1200,
        "verified": False,
    },
    "ext_views": {"count": "900"},
}
X_GRAPH: dict[str, Any] = {
    "rest_id": "1800000000000000001",
    "id": "1800000000000000001",
    "promoted": False,
    "views": {"count": "900", "state": "EnabledWithCount"},
    "legacy": X_ADAPTIVE["legacy"],
    "core": {"user_results": {"result": {"rest_id": "42", "legacy": X_ADAPTIVE["user"]}}},
}
X_NEWEST: dict[str, Any] = X_GRAPH | {
    "core": {
        "user_results": {
            "result": {
                "rest_id": "42",
                "core": {"screen_name": "ward_example", "name": "Ward Example"},
                "legacy": {"description": "Nurse", "followers_count": 1200},
                "verification": {"verified": False},
                "privacy": {"protected": False},
            }
        }
    }
}
MOMENT = datetime(2026, 6, 20, 9, 30, tzinfo=UTC)
ACTIVITY = str((int(MOMENT.timestamp() * 1000) << 22) + 77)
LINKEDIN_OLD: dict[str, Any] = {
    "id": f"urn:li:fs_updateV2:(urn:li:activity:{ACTIVITY},MAIN_FEED,EMPTY,DEFAULT,false)",
    "updateMetadata": {"urn": f"urn:li:activity:{ACTIVITY}"},
    "actor": {
        "name": {"text": "Example Clinic"},
        "description": {"text": "12,345 followers"},
        "subDescription": {
            "text": "1w • Edited •",
            "accessibilityText": "1 week ago • Visible to anyone on or off LinkedIn",
        },
        "navigationContext": {"actionTarget": "https://www.linkedin.com/company/example-clinic?trk=x"},
        "image": {},
    },
    "commentary": {"text": {"text": "Our nurses on telehealth #Nursing"}},
    "content": None,
    "*socialDetail": {"*totalSocialActivityCounts": {"numLikes": 10, "numComments": 0, "numShares": 2}},
}
LINKEDIN_NEW: dict[str, Any] = {
    "id": f"urn:li:fsd_update:(urn:li:activity:{ACTIVITY},MAIN_FEED,EMPTY,DEFAULT,false)",
    "preDashEntityUrn": f"urn:li:fs_feedUpdate:(V2&FOLLOW_FEED,urn:li:activity:{ACTIVITY})",
    "metadata": {"backendUrn": f"urn:li:activity:{ACTIVITY}", "shareUrn": "urn:li:share:1"},
    "actor": LINKEDIN_OLD["actor"] | {"backendUrn": "urn:li:company:77"},
    "commentary": LINKEDIN_OLD["commentary"],
    "content": {"linkedInVideoComponent": {"*videoPlayMetadata": {"duration": 61_500}}},
    "socialDetail": {"likes": {"paging": {"total": 10}}, "comments": {"paging": {"total": 0}}, "totalShares": 2},
}
INSTAGRAM_GRAPH: dict[str, Any] = {
    "__typename": "GraphVideo",
    "id": "3300000000000000001",
    "shortcode": "Cexample01",
    "taken_at_timestamp": 1_718_006_400,
    "edge_media_to_caption": {"edges": [{"node": {"text": "Hand washing #nurses"}}]},
    "edge_media_preview_like": {"count": 12},
    "edge_media_to_comment": {"count": 3},
    "video_view_count": 400,
    "is_video": True,
    "owner": {"id": "77", "username": "ward.example", "is_verified": True, "edge_followed_by": {"count": 900}},
}
INSTAGRAM_LIST: dict[str, Any] = {
    "id": "3300000000000000001_77",
    "code": "Cexample01",
    "taken_at": 1_718_006_400,
    "media_type": 2,
    "product_type": "feed",
    "caption": {"text": "Hand washing #nurses"},
    "like_count": 12,
    "comment_count": 3,
    "view_count": 400,
    "video_duration": 31.5,
    "user": {"pk": "77", "username": "ward.example", "is_verified": True, "is_private": False, "follower_count": 900},
}
TIKTOK: dict[str, Any] = {
    "id": "7400000000000000001",
    "desc": "Flu shots explained #flu",
    "createTime": 1_718_006_400,
    "author": {"id": "9", "uniqueId": "dr_example", "signature": "Nurse", "verified": False, "privateAccount": False},
    "authorStats": {"followerCount": 1_000},
    "stats": {"playCount": 1_600_000, "diggCount": 38_900, "commentCount": 504, "shareCount": 2124},
    "textExtra": [{"hashtagName": "flu"}, {"hashtagName": ""}],
    "challenges": [{"title": "flu"}, {"title": "vaccines"}],
    "video": {"duration": 61},
    "music": {},
    "textLanguage": "en",
    "isAd": False,
}
TIKTOK_EMBEDDED: dict[str, Any] = TIKTOK | {
    "createTime": "1718006400",
    "author": "dr_example",
    "nickname": "Dr Example",
}
TIKTOK_NEW: dict[str, Any] = TIKTOK | {
    "statsV2": {"playCount": "1585253", "diggCount": "38884", "commentCount": "504", "shareCount": "2124"},
    "authorStatsV2": {"followerCount": "1001"},
    "locationCreated": "US",
}
THREADS: dict[str, Any] = {
    "pk": "3300000000000000002",
    "id": "3300000000000000002_5",
    "code": "Dexample02",
    "taken_at": 1_718_006_400,
    "caption": {"text": "Night shift thoughts #nursing"},
    "like_count": 4,
    "is_paid_partnership": None,
    "carousel_media": None,
    "image_versions2": {"candidates": [{"url": "https://cdn.example/1.jpg"}]},
    "video_versions": None,
    "user": {"pk": "5", "username": "ward.example", "is_verified": False, "text_post_app_is_private": False},
    "text_post_app_info": {"direct_reply_count": 0, "repost_count": 2, "quote_count": 1},
}
PINTEREST: dict[str, Any] = {
    "id": "1125968647000001",
    "type": "pin",
    "_zs-origin": "json",
    "created_at": "Mon, 10 Jun 2024 08:00:00 +0000",
    "title": "",
    "grid_title": "Ten foods for a night shift",
    "description": " Meals for nurses #nightshift ",
    "is_promoted": False,
    "pinner": {"id": "8", "username": "ward_example", "follower_count": 246},
    "board": {"name": "Food"},
    "images": {"orig": {"url": "https://i.example/1.jpg"}},
    "reaction_counts": {"1": 6, "5": 1},
    "comment_count": 0,
    "repin_count": 9,
}
PINTEREST_RELAY: dict[str, Any] = {
    "__typename": "Pin",
    "entityId": "1125968647000001",
    "id": "UGluOjExMjU5Njg2NDcwMDAwMDE=",
    "createdAt": "Mon, 10 Jun 2024 08:00:00 +0000",
    "gridTitle": "Ten foods for a night shift",
    "closeupUnifiedDescription": "Meals for nurses #nightshift",
    "isPromoted": False,
    "pinner": {"entityId": "8", "username": "ward_example", "followerCount": 246},
    "images": {},
    "reactionCountsData": [{"reactionType": 1, "reactionCount": 6}, {"reactionType": 5, "reactionCount": 1}],
    "aggregatedPinData": {"commentCount": 0, "aggregatedStats": {"saves": 9}},
}
SAMPLES: list[tuple[str, dict[str, Any]]] = [
    ("x.com", X_ADAPTIVE), ("x.com", X_NEWEST), ("linkedin.com", LINKEDIN_OLD), ("linkedin.com", LINKEDIN_NEW),
    ("instagram.com", INSTAGRAM_GRAPH), ("instagram.com", INSTAGRAM_LIST), ("tiktok.com", TIKTOK_NEW),
    ("threads.net", THREADS), ("pinterest.com", PINTEREST), ("pinterest.com", PINTEREST_RELAY),
]  # fmt: skip
