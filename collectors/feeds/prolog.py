"""What stands before the root element: junk, the document type and its entities. Nothing is ever fetched or expanded
by a parser: the document type is taken away before any parser sees the document.

Entities with a short literal value are put in place here, by plain substitution with a limit on the result. One that
refers to another entity, or to something outside the document, ends the reading: no honest feed needs it, and it is
how billion-laughs and file-disclosure attacks are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from collectors.base import Drifted

_MISC = re.compile(rb"\s+|<\?[^>]{0,2000}?\?>")
_DOCTYPE = re.compile(rb"<!DOCTYPE\b", re.IGNORECASE)
_ENTITY = re.compile(
    rb"""<!ENTITY\s+(%\s*)?([^\s"'<>%]{1,200})\s+(?:(SYSTEM|PUBLIC)\b|"([^"]*)"|'([^']*)')""", re.IGNORECASE
)
# Character entity sets of (X)HTML: known by heart, never loaded
_HTML_SETS = re.compile(rb"""\s+["']-//W3C//ENTITIES [\w ]+ for XHTML//EN["']""")
_TOKEN = re.compile(rb"""[\[\]>]|"[^"]*"|'[^']*'|<!--""")
_VALUE_LIMIT = 2_000
_GROWTH_LIMIT = 1_000_000
_REFERENCE = re.compile(rb"&(?!#)")


def strip_prolog(body: bytes) -> tuple[bytes, list[str]]:
    """`body` from its root element on (comments and processing instructions before it go too), and what was mended.

    Raises Drifted (code 'entity_bomb') for entities that expand into entities or lie outside the document.
    """
    position = 0
    repairs: list[str] = []
    entities: dict[bytes, bytes] = {}
    while position < len(body):
        match = _MISC.match(body, position)
        if match:
            position = match.end()
        elif body.startswith(b"<!--", position):
            end = body.find(b"-->", position)
            position = len(body) if end < 0 else end + 3
        elif _DOCTYPE.match(body, position):
            end = _doctype_end(body, position)
            entities.update(_entities(body[position:end]))
            position = end
        elif body[position] == 0x3C:  # <
            break
        else:
            repairs.append("text before the document: ignored")
            start = body.find(b"<", position)
            position = len(body) if start < 0 else start
    body = body[position:]
    return (_put_in_place(body, entities) if entities else body), repairs


def _doctype_end(body: bytes, start: int) -> int:
    """Where the document type ends: at the '>' outside brackets and quotes."""
    depth = 0
    position = start
    while match := _TOKEN.search(body, position):
        found = match.group()
        position = match.end()
        if found == b"[":
            depth += 1
        elif found == b"]":
            depth -= 1
        elif found == b"<!--":
            close = body.find(b"-->", position)
            position = len(body) if close < 0 else close + 3
        elif found == b">" and depth <= 0:
            return position
    raise Drifted("The document type never ends: this is not a readable feed. Check the address.", code="malformed")


def _entities(doctype: bytes) -> dict[bytes, bytes]:
    """Its general entities with literal values."""
    found: dict[bytes, bytes] = {}
    for match in _ENTITY.finditer(doctype):
        parameter, name, outside, double, single = match.groups()
        label = name.decode("utf-8", "replace")[:40]
        if outside:
            if parameter and _HTML_SETS.match(doctype, match.end()):
                continue
            raise _bomb(f"the entity {label!r} lies outside the document")
        value = double if double is not None else single or b""
        if parameter:
            continue
        if _REFERENCE.search(value) or (b"%" in value and re.search(rb"%[^\s;]{1,100};", value)):
            if value in (b"&#38;", b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;"):
                found[name] = value
                continue
            raise _bomb(f"the entity {label!r} expands into other entities")
        if len(value) > _VALUE_LIMIT:
            raise _bomb(f"the entity {label!r} has {len(value):,} characters")
        found.setdefault(name, value)
    return found


def _put_in_place(body: bytes, entities: dict[bytes, bytes]) -> bytes:
    """Replace references by values, but not inside CDATA."""
    names = b"|".join(re.escape(name) for name in sorted(entities, key=len, reverse=True))
    pattern = re.compile(rb"&(" + names + rb");")
    growth = sum(len(entities[match.group(1)]) for match in pattern.finditer(body))
    if growth > _GROWTH_LIMIT:
        raise _bomb(f"its entities would grow to {growth:,} characters")
    return outside_cdata(body, lambda part: pattern.sub(lambda match: entities[match.group(1)], part))


def outside_cdata(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Apply `change` to everything that is not inside a CDATA section; linear in the length."""
    pieces: list[bytes] = []
    position = 0
    while (start := body.find(b"<![CDATA[", position)) >= 0:
        end = body.find(b"]]>", start)
        end = len(body) if end < 0 else end + 3
        pieces += (change(body[position:start]), body[start:end])
        position = end
    pieces.append(change(body[position:]))
    return b"".join(pieces)


def _bomb(what: str) -> Drifted:
    return Drifted(
        f"The document declares entities that must not be expanded: {what}. Ask the publisher; nothing was read.",
        code="entity_bomb",
    )
