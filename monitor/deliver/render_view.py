"""An issue on its way to being read: the stored document, and what all views of it share. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]

COMMANDS = 3


@dataclass(frozen=True, slots=True)
class View:
    document: Document
    base: str
    """Address of the service without a slash at its end; empty: readers cannot reach it, and nothing links to it."""
    links: Mapping[str, str]
    """view, change, unsubscribe → absolute URL."""
    composed: str
    cutoff: str

    @property
    def parts(self) -> list[Document]:
        """The sections below the headline; the headline's own only if it holds the picture."""
        found = []
        for part in self.document["sections"]:
            if part["id"] != "headline":
                found.append(part)
            elif part.get("chart"):
                found.append({**part, "title": "In one picture", "says": []})
        return found

    @property
    def scope(self) -> list[Document]:
        """What stands under the headline."""
        return [one for part in self.document["sections"] if part["id"] == "headline" for one in part["says"][1:]]

    @property
    def commands(self) -> list[str]:
        """The first of those that count the issue again; the stored document has all."""
        return list(self.document["reproduce"][:COMMANDS])

    @property
    def foot(self) -> list[dict[str, str]]:
        """The links at the end, in the order of use."""
        named = {
            "view": "View this digest in the browser",
            "change": "Change this digest",
            "unsubscribe": "Unsubscribe from this digest",
        }
        return [{"label": label, "url": self.links[name]} for name, label in named.items() if self.links.get(name)]

    def addresses(self, one: Document) -> list[dict[str, str]]:
        """Page, data and posts behind a statement, each with a label that makes sense alone."""
        if not self.base or "link" not in one:
            return []
        label = str(one.get("label") or "Details")
        found = [
            {"label": label, "url": self.base + one["link"]},
            {"label": f"{label}: data", "url": self.base + one["api"]},
        ]
        if one.get("posts"):
            found.append({"label": f"{label}: the posts", "url": self.base + one["posts"]})
        return found

    def address(self, row: Document) -> str:
        """Where a row of a table leads: a post to itself, anything else to its page. Empty: nowhere."""
        url = str(row.get("url") or "")
        if url:
            return url if url.startswith("https://") else ""
        return self.base + row["link"] if self.base and row.get("link") else ""
