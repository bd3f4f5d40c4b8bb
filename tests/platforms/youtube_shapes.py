"""What the stand-in for YouTube knows: the parameters and parts of each call, and a video as its uploader left it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

CHANNEL = "UCexamplehospital0000001"
OTHER = "UCexampleclinic000000002"
COMMON = frozenset({"key", "part", "maxResults", "pageToken", "prettyPrint", "fields", "alt"})
PARAMETERS: Mapping[str, frozenset[str]] = {
    "channels": COMMON | {"id", "forHandle", "forUsername", "hl"},
    "playlistItems": COMMON | {"playlistId", "id", "videoId"},
    "videos": COMMON | {"id", "chart", "hl", "regionCode"},
    "search": COMMON
    | {
        "q", "type", "order", "publishedAfter", "publishedBefore", "relevanceLanguage", "regionCode", "safeSearch",
        "channelId", "eventType", "videoDuration", "videoPaidProductPlacement", "location", "locationRadius",
    },
}  # fmt: skip
PARTS: Mapping[str, frozenset[str]] = {
    "channels": frozenset({"id", "snippet", "contentDetails", "statistics", "status", "topicDetails"}),
    "playlistItems": frozenset({"id", "snippet", "contentDetails", "status"}),
    "videos": frozenset(
        {"id", "snippet", "contentDetails", "statistics", "liveStreamingDetails", "status", "recordingDetails", "topicDetails"}
    ),
    "search": frozenset({"snippet"}),
}  # fmt: skip
OWNER_ONLY = frozenset({"fileDetails", "processingDetails", "suggestions", "paidProductPlacementDetails"})
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass
class Video:
    """As its uploader left it."""

    id: str
    at: datetime
    title: str
    channel: str = CHANNEL
    description: str = "A talk for everyone. #telehealth"
    tags: list[str] = field(default_factory=lambda: ["telehealth", "#clinic"])
    duration: str = "PT15M51S"
    statistics: dict[str, str] = field(
        default_factory=lambda: {"viewCount": "310", "likeCount": "22", "commentCount": "4"}
    )
    languages: dict[str, str] = field(default_factory=lambda: {"defaultAudioLanguage": "en-US"})
    live: str = "none"
    times: dict[str, str] = field(default_factory=dict)
    privacy: str = "public"
    place: dict[str, Any] = field(default_factory=dict)
    paid: bool = False
    added: datetime | None = None
    """To the playlist; None: when it was published."""
    broken: bool = False
    """It comes in a shape that nobody knows."""
    indexed: bool = True
    """False: not in the search index yet."""


def text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
