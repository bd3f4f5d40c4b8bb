"""Which posts the page at /posts is asked for: its parameters, its address, and what each link would change. Pure.

The parameters are those of the API. Only one default differs: copies are left out unless `copy` asks for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from monitor.core.query import FILTERS
from monitor.posts_query import FLAG, PARAMETERS, parse_posts_query
from monitor.store import PostQuery

KNOWN = tuple(name for name in PARAMETERS if name != "limit")
TEXTS = ("q", "since", "until", "order", "cursor")
PAGE = 20
EXPORTED = 500
"""The most that the API gives at once."""
WITH_COPIES = ("false", "true")

Params = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, as it was written: one value of each of TEXTS, several of each filter."""

    texts: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, params: Params) -> Asked:
        """Without what is empty. Whether values fit is for `query` to say."""
        texts = {name: params[name][-1].strip() for name in TEXTS if params.get(name)}
        filters = {}
        for name in (*FILTERS, FLAG):
            parts = [part.strip() for value in params.get(name, ()) for part in value.split(",")]
            values = [_spelt(name, part) for part in parts if part]
            if values:
                filters[name] = tuple(dict.fromkeys(values))
        if filters.get(FLAG) == ("false",):
            del filters[FLAG]  # said or not, it is the same question
        return cls({name: text for name, text in texts.items() if text}, filters)

    def query(self, now: datetime, *, limit: int = PAGE) -> PostQuery:
        """Raises QueryError naming the first parameter that does not fit."""
        params: dict[str, list[str]] = {name: [text] for name, text in self.texts.items()}
        params |= {name: list(values) for name, values in self.filters.items()}
        params.setdefault(FLAG, ["false"])
        return parse_posts_query({**params, "limit": [str(limit)]}, now=now)

    def text(self, name: str, value: str | None) -> Asked:
        """With another text, from the first page on."""
        texts = {key: held for key, held in self.texts.items() if key not in (name, "cursor")}
        return replace(self, texts={**texts, name: value} if value else texts)

    def only(self, name: str, *values: str) -> Asked:
        """With only these values in one filter, from the first page on."""
        filters = {key: held for key, held in self.filters.items() if key != name}
        return replace(self.text("cursor", None), filters={**filters, name: values} if values else filters)

    def toggled(self, name: str, value: str) -> Asked:
        """With this value of a filter if it was without, without it if it was with."""
        held = self.filters.get(name, ())
        return self.only(name, *(one for one in held if one != value), *(() if value in held else (value,)))

    @property
    def narrowed(self) -> bool:
        """Something is asked for beside an order and a page."""
        return bool(self.filters.keys() - {FLAG} or self.texts.keys() & {"q", "since", "until"})

    def pairs(self) -> list[tuple[str, str]]:
        texts = {name: self.texts[name] for name in TEXTS if name in self.texts}
        filters = {name: ",".join(self.filters[name]) for name in (*FILTERS, FLAG) if name in self.filters}
        first = [("q", texts.pop("q"))] if "q" in texts else []
        return [*first, *filters.items(), *texts.items()]

    @property
    def address(self) -> str:
        return f"/posts?{urlencode(self.pairs(), safe=',')}" if self.pairs() else "/posts"

    def api(self, format_: str) -> str:
        """The same posts from the API, as many as it gives at once."""
        pairs = [pair for pair in self.pairs() if pair[0] != "cursor"]
        if FLAG not in self.filters:
            pairs.append((FLAG, "false"))
        return f"/api/v1/posts?{urlencode([*pairs, ('limit', str(EXPORTED)), ('format', format_)], safe=',')}"


def _spelt(name: str, value: str) -> str:
    """A value as it is stored."""
    if name == "source":
        return value
    return value.upper() if name == "country" and len(value) == 2 else value.lower()


def canonical(params: Params) -> bool:
    """True if nothing empty was sent along, as browsers do with fields that nobody filled."""
    return all(value.strip() for values in params.values() for value in values)


def post_address(source: str, post: str, *more: str, **params: Any) -> str:
    """Page of a post, or of what belongs to it."""
    path = "/posts/" + "/".join([quote(source, safe=""), quote(post, safe=""), *more])
    asked = {name: value for name, value in params.items() if value}
    return f"{path}?{urlencode(asked)}" if asked else path
