"""Validation of kept answers by entity tag."""

from __future__ import annotations


def matches(header: bytes, etag: bytes) -> bool:
    """RFC 9110 §13.1.2: weak comparison with each tag that If-None-Match lists; * matches whatever exists."""
    tags = [tag.strip().removeprefix(b"W/") for tag in header.split(b",")]
    return etag in tags or tags == [b"*"]
