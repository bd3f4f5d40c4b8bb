"""Cheap repairs of ill-formed XML, tried before the slow road: what a strict parser rejects although no reader could
mistake it. Every step is linear and leaves CDATA sections as they are, except for characters that XML forbids.
"""

from __future__ import annotations

import re
from html.entities import html5

from collectors.feeds.names import USUAL
from collectors.feeds.prolog import outside_cdata

_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|\xed[\xa0-\xbf][\x80-\xbf]")
_NUMERIC = re.compile(rb"&#(?:[xX]([0-9a-fA-F]{1,8})|([0-9]{1,9}));")
_AMPERSAND = re.compile(rb"&(?:(amp|lt|gt|quot|apos|#[0-9]{1,9}|#x[0-9a-fA-F]{1,8});|([a-zA-Z][a-zA-Z0-9]{1,31});)?")
_USED = re.compile(rb"[<\s]/?([A-Za-z_][\w.-]{0,40}):[A-Za-z_][\w.-]*(?=[\s=/>])")
_DECLARED = re.compile(rb"xmlns:([A-Za-z_][\w.-]{0,40})\s*=")
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")


def mend(body: bytes) -> tuple[bytes, list[str]]:
    """`body` (UTF-8, without prolog) with what can be mended mended, and what that was; nothing if nothing was."""
    repairs: list[str] = []

    def step(changed: bytes, what: str) -> None:
        nonlocal body
        if changed != body:
            body = changed
            repairs.append(what)

    step(_FORBIDDEN.sub(b"", body), "characters that XML forbids: removed")
    step(
        outside_cdata(body, lambda part: _NUMERIC.sub(_allowed, part)),
        "references to characters that XML forbids: removed",
    )
    step(
        outside_cdata(body, lambda part: _AMPERSAND.sub(_reference, part)),
        "undefined entities or bare ampersands: mended",
    )
    step(_declare(body), "namespace prefixes without a declaration: declared")
    step(_cut_after_root(body), "text after the document: ignored")
    return body, repairs


def _allowed(match: re.Match[bytes]) -> bytes:
    code = int(match.group(1), 16) if match.group(1) else int(match.group(2))
    good = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return match.group() if good else b""


def _reference(match: re.Match[bytes]) -> bytes:
    if match.group(1):
        return match.group()
    if match.group(2):
        character = html5.get(match.group(2).decode() + ";")
        if character:
            return character.encode()
    return b"&amp;" + match.group()[1:]


def _declare(body: bytes) -> bytes:
    """Declare the prefixes in use that nobody declares, on the root element."""
    declared = set(_DECLARED.findall(body))
    missing: dict[bytes, str] = {}

    def look(part: bytes) -> bytes:
        for match in _USED.finditer(part):
            prefix = match.group(1)
            if prefix not in declared and prefix not in (b"xml", b"xmlns") and len(missing) < 50:
                missing[prefix] = USUAL.get(prefix.decode(), "urn:undeclared:" + prefix.decode())
        return part

    outside_cdata(body, look)
    root = _ROOT.match(body)
    if not missing or root is None:
        return body
    extra = "".join(f' xmlns:{prefix.decode()}="{address}"' for prefix, address in missing.items()).encode()
    return body[: root.end()] + extra + body[root.end() :]


def _cut_after_root(body: bytes) -> bytes:
    root = _ROOT.match(body)
    if root is None:
        return body
    closing = b"</" + root.group(1)
    end = body.rfind(closing)
    if end < 0:
        return body
    close = body.find(b">", end)
    return body if close < 0 or not body[close + 1 :].strip() else body[: close + 1]
