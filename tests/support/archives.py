"""Archives for tests: records, files, and an import with everything it needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.archive import ImportReport, import_file
from monitor.config import load_config
from monitor.core.model import Post
from monitor.readers import Recipe
from monitor.store import PostQuery, Store

NOW = datetime(2026, 7, 6, 12, 0, tzinfo=UTC)
CONFIG = load_config(Path(__file__).parents[2] / "config")
RECIPE = Recipe(CONFIG.taxonomy, CONFIG.lexicon, b"k" * 32)


def record(number: int, **changes: Any) -> dict[str, Any]:
    """A record that fits; a value of None leaves the field out."""
    made = {
        "source": "wire",
        "id": f"p{number}",
        "published_at": f"2026-0{1 + number % 6}-{1 + number % 28:02d}T10:00:00Z",
        "title": f"Ward report {number}",
        "text": f"Nurses talk about telehealth and the flu, part {number}.",
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def write_lines(path: Path, records: Iterable[Mapping[str, Any] | str | bytes]) -> Path:
    """JSON Lines; text and bytes are written as they are."""
    with path.open("wb") as file:
        for one in records:
            line = one if isinstance(one, bytes) else (one if isinstance(one, str) else json.dumps(one)).encode()
            file.write(line + b"\n")
    return path


def run_import(store: Store, path: Path, **options: Any) -> ImportReport:
    defaults: dict[str, Any] = {
        "recipe": RECIPE, "reject_dir": path.parent / "rejects", "clock": lambda: NOW, "workers": 0,
    }  # fmt: skip
    return import_file(path, store=store, **(defaults | options))


def stored_posts(store: Store, **query: Any) -> dict[tuple[str, str], Post]:
    """Every post of a store, or of a query, by identity."""
    found: dict[tuple[str, str], Post] = {}
    asked = PostQuery(limit=500, **query)
    while True:
        page = store.posts(asked)
        found |= {(post.source, post.id): post for post in page.posts}
        if page.next is None:
            return found
        asked = PostQuery(limit=500, cursor=page.next, **query)


def rejects(report: ImportReport) -> list[dict[str, Any]]:
    if report.reject_file is None:
        return []
    return [json.loads(line) for line in Path(report.reject_file).read_text().splitlines()]
