"""A message that proves a channel before anyone relies on it."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from monitor.core.digest import Message


def trial_message(digest: str, title: str, now: datetime) -> Message:
    """A short message that says what it is. Its key holds the second, so that every trial is a message of its own."""
    moment = now.astimezone(UTC)
    shown = f"{moment.day} {moment:%B %Y, %H:%M} UTC"
    said = f"If you can read this, the digest “{title}” can reach you here."
    more = f"This is a test, sent on {shown}. It holds no figures, and nothing needs to be done."
    return Message(
        key=f"{digest}.test-{moment:%Y%m%dT%H%M%SZ}",
        subject=f"Test of the digest “{title}”",
        preheader=said,
        html=(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
            f"<title>{escape(title)}</title></head>"
            '<body style="font-family: system-ui, sans-serif; font-size: 16px; line-height: 1.5">'
            f"<p>{escape(said)}</p><p>{escape(more)}</p></body></html>"
        ),
        text=f"{said}\n\n{more}\n",
        short=f"{said}\n{more}",
        markdown=f"{said}\n\n{more}\n",
        document={"test": True, "digest": digest, "title": title, "sent": moment.isoformat()},
        composed_at=moment,
    )
