"""The bytes of a document → UTF-8, whatever they claim to be.

Order of trust: a byte order mark; the shape of UTF-16/32 without one; UTF-8 if the bytes are valid UTF-8 with
characters beyond ASCII (no other encoding looks like that by accident); what HTTP says; what the document says;
UTF-8 with the stray bytes read as windows-1252. Every step off the declared path is told as a repair.
"""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# '<' and the character after it, as the four encodings without a byte order mark write them
_SHAPES = (
    (re.compile(rb"\s*<\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0<"), "utf-32-be"),
    (re.compile(rb"(?:[\s]\0)*[<{]\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"(?:\0[\s])*\0[<{]\0[^\0]"), "utf-16-be"),
)
_EBCDIC = b"\x4c\x6f\xa7\x94\x93"  # '<?xml'
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""")
_HTTP = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)

# Names that stand for more than they say: everybody writes the superset and declares the standard.
_SUPERSETS = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "iso8859-1": "cp1252",
    "latin-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    "iso8859-9": "cp1254",
}
# Encodings whose text is ASCII bytes that mean something else; valid UTF-8 proves nothing against them.
_SEVEN_BIT = frozenset(
    {"utf-7", "hz", "iso2022_jp", "iso2022_kr", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_ext"}
)
_CJK = frozenset({"gb18030", "big5hkscs", "cp949", "cp932", "euc_jp", "big5", "johab"})
_UNTRUSTED = frozenset(
    {"utf-7", "undefined", "unicode_escape", "raw_unicode_escape", "idna", "punycode", "mbcs", "oem"}
)


def _stray_as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.end]
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in stray), error.end


codecs.register_error("trendmonitor.cp1252", _stray_as_cp1252)


def to_utf8(body: bytes, content_type: str = "") -> tuple[bytes, list[str]]:
    """`body` as UTF-8 without byte order mark, and what had to be mended.

    A leading XML declaration is left as it is; parsers must be told the encoding instead of reading it there.
    Never raises: bytes that fit no encoding become replacement characters.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            rest = body[len(mark) :]
            return (rest, []) if name == "utf-8" and _is_utf8(rest) else _decode(rest, name)
    head = body[:64]
    if b"\0" in head:
        for shape, name in _SHAPES:
            if shape.match(head):
                return _decode(body, name)
    claims = _claims(body, content_type)
    first = claims[0][0] if claims else "utf-8"
    if first not in _SEVEN_BIT and _is_utf8(body):
        if (first in ("utf-8", *_SUPERSETS.values()) and first not in _CJK) or body.isascii():
            return body, []
        if first in _CJK and sum(byte > 127 for byte in body) < 12 and (text := _strict(body, first)) is not None:
            return text.encode(), []  # too little to tell by chance alone
        return body, [f"{claims[0][1]} says {first}, but it is UTF-8"]
    return _by_claim(body, claims)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _claims(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """What HTTP and the document say, as (Python's name, who says so), the more credible first.

    HTTP outranks the document (RFC 7303), except where it says Latin-1 or ASCII: that is a server's default.
    """
    claims: list[tuple[str, str]] = []
    match = _HTTP.search(content_type) if content_type else None
    if match and (name := _known(match.group(1))):
        claims.append((name, "HTTP"))
    start = body[:1024]
    ebcdic = start.startswith(_EBCDIC)
    if ebcdic:
        start = start.decode("cp037").encode("ascii", "replace")
    found = _DECLARED.search(start)
    name = _known(found.group(1).decode("ascii")) if found else ""
    if ebcdic:
        name = name or "cp037"
    elif name.startswith(("utf-16", "utf-32")):
        name = "utf-8"  # a declaration that can be read byte by byte is not in UTF-16
    if name and (name, "HTTP") not in claims:
        claims.insert(0 if claims and claims[0][0] == "cp1252" else len(claims), (name, "the document"))
    return claims


def _known(label: str) -> str:
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return ""
    if not getattr(info, "_is_text_encoding", True) or info.name in _UNTRUSTED:
        return ""
    return _SUPERSETS.get(info.name, info.name)


def _strict(body: bytes, name: str) -> str | None:
    try:
        return body.decode(name)
    except (UnicodeDecodeError, ValueError):
        return None


def _by_claim(body: bytes, claims: list[tuple[str, str]]) -> tuple[bytes, list[str]]:
    """Bytes that are not UTF-8: the first claim that fits; else windows-1252 for what is not UTF-8."""
    others = [claim for claim in claims if claim[0] != "utf-8"]
    for name, said_by in others:
        text = body.decode(name, "trendmonitor.cp1252") if name == "cp1252" else _strict(body, name)
        if text is not None:
            wrong = claims[0] if claims[0][0] != name else None
            return _encode(text), [f"{wrong[1]} says {wrong[0]}, but it is {name} as {said_by} says"] if wrong else []
    for name, said_by in others:
        text = body.decode(name, "replace")
        lost = text.count("\ufffd")
        if lost * 50 <= len(text):
            return _encode(text), [f"bytes that are not {name}, which {said_by} says it is: {lost} characters lost"]
    text = body.decode("utf-8", "trendmonitor.cp1252")
    return _encode(text), ["bytes that are not UTF-8: read as windows-1252"]


def _decode(body: bytes, name: str) -> tuple[bytes, list[str]]:
    """As the byte order mark or the shape tells, for certain."""
    text = _strict(body, name)
    if text is not None:
        return _encode(text), []
    if name == "utf-8":
        return _encode(body.decode("utf-8", "trendmonitor.cp1252")), ["bytes that are not UTF-8: read as windows-1252"]
    text = body.decode(name, "replace")
    return _encode(text), [f"bytes that are not {name}: {text.count(chr(0xFFFD))} characters lost"]


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")
