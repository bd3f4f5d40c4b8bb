"""What sections of a digest are made of: statements, and tables of at most five columns and ten rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Document = dict[str, Any]

MOST_ROWS = 10


def section(name: str, title: str, says: Sequence[Document], table: Document | None = None) -> Document:
    return {"id": name, "title": title, "says": list(says), "table": table, "chart": None}


def say(text: str, link: Mapping[str, str], **more: str) -> Document:
    return {"text": text, **link, **more}


def table(
    caption: str, columns: Sequence[tuple[str, str]], rows: Sequence[Document], more: Document | None
) -> Document:
    """`columns` are (title, 'left' or 'right'); rows {"cells", "link", "api"}; ten of them, and `more` if some are left."""
    return {
        "caption": caption,
        "columns": [{"title": title, "align": align} for title, align in columns],
        "rows": list(rows[:MOST_ROWS]),
        "left_out": max(len(rows) - MOST_ROWS, 0),
        "more": more if len(rows) > MOST_ROWS else None,
    }
