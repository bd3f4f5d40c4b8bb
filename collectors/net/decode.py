"""Content codings undone with a cap that holds *while* decompressing, and headers that lie about them.

Pure functions on bytes. Whatever the input, no more than `limit` bytes plus one step (8 MB at worst, for zstd) is
ever held, so a small bomb stays small.
"""

from __future__ import annotations

import zlib

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard

ACCEPT_ENCODING = "gzip, deflate, br, zstd"

_GZIP_MAGIC = b"\x1f\x8b\x08"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_MAX_CODINGS = 3
_MAX_MEMBERS = 4096
_STEP = 65536
# One zstd block of 4 bytes may stand for 128 KB, and the library has no output limit: 256 bytes make 8 MB at most.
_ZSTD_STEP = 256
_ZSTD_WINDOW = 8 << 20  # RFC 9659
_BROTLI_STEP = 1 << 20
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")


class BadBody(Exception):
    """A body that cannot be used; `str()` says why, without any of its bytes."""


class TooLarge(BadBody):
    """It would be larger than the limit."""


class Truncated(BadBody):
    """It ends in the middle of a compressed stream."""


class Corrupt(BadBody):
    """It is not what its coding promises."""


def decode_body(raw: bytes, codings: str, limit: int) -> tuple[bytes, tuple[str, ...]]:
    """The body behind a Content-Encoding header, at most `limit` bytes, and what had to be repaired, in plain words.

    A header that names a coding the plain-text body does not have is ignored; a gzip body that is not announced is
    undone. Raises TooLarge, Truncated or Corrupt.
    """
    names = [name for name in (part.strip().lower() for part in codings.split(",")) if name and name != "identity"]
    if len(names) > _MAX_CODINGS:
        raise Corrupt(f"it names {len(names)} codings on top of each other")
    body = raw
    repairs: list[str] = []
    for name in reversed(names):
        undone = _undo(body, name, limit)
        if undone is None:
            repairs.append(f"Content-Encoding says {name[:20]!r}, but the body is not: read as it is")
        else:
            body = undone
    if body.startswith(_GZIP_MAGIC):
        body = _inflate(body, limit, 31)
        repairs.append("the body is gzipped without saying so: undone")
    if len(body) > limit:
        raise TooLarge("it is larger")
    return body, tuple(repairs)


def _undo(body: bytes, name: str, limit: int) -> bytes | None:
    """One coding undone; None if the body plainly does not have it."""
    if not body:
        return body
    if name in {"gzip", "x-gzip"}:
        if body.startswith(_GZIP_MAGIC[:2]):
            return _inflate(body, limit, 31)
    elif name == "zstd":
        if body.startswith(_ZSTD_MAGIC) or _is_skippable(body):
            return _unzstd(body, limit)
    elif name in {"br", "deflate"}:
        try:
            return _unbrotli(body, limit) if name == "br" else _undeflate(body, limit)
        except (Corrupt, Truncated):
            # Neither has a signature, so plain text shows only by failing.
            if not looks_like_text(body):
                raise
            return None
    if looks_like_text(body):
        return None
    raise Corrupt(f"Content-Encoding says {name[:20]!r}, but the body is something else")


def looks_like_text(body: bytes) -> bool:
    """True if the first bytes could open a text document: a byte order mark, or no control characters."""
    return body.startswith(_BOMS) or not _CONTROLS.intersection(body[:256])


def _is_skippable(body: bytes) -> bool:
    return body[1:4] == b"\x2a\x4d\x18" and body[0] & 0xF0 == 0x50


def _inflate(body: bytes, limit: int, wbits: int) -> bytes:
    """gzip (wbits 31, several members), zlib (15) or bare deflate (-15). What follows the end is ignored."""
    out: list[bytes] = []
    size = position = 0
    members = 1
    view = memoryview(body)
    stream = zlib.decompressobj(wbits)
    # Fed in steps, so that what is left over after a member (a copy each time) stays small.
    while position < len(body):
        piece = view[position : position + _STEP]
        position += len(piece)
        try:
            part = stream.decompress(piece, limit - size + 1)
        except zlib.error:
            raise Corrupt("the compressed body is damaged") from None
        out.append(part)
        size += len(part)
        if size > limit:
            raise TooLarge("it is larger once decompressed")
        if stream.eof:
            position -= len(stream.unused_data)
            if wbits != 31 or body[position : position + 3] != _GZIP_MAGIC:
                break
            members += 1
            if members > _MAX_MEMBERS:
                raise Corrupt(f"the compressed body has more than {_MAX_MEMBERS} parts")
            stream = zlib.decompressobj(wbits)
    if not stream.eof:
        raise Truncated("the compressed body ends too early")
    return b"".join(out)


def _undeflate(body: bytes, limit: int) -> bytes:
    try:
        return _inflate(body, limit, 15)
    except Corrupt:
        # Some servers send deflate without the zlib wrapper that the standard asks for.
        return _inflate(body, limit, -15)


def _unbrotli(body: bytes, limit: int) -> bytes:
    stream = brotli.Decompressor()
    out: list[bytes] = []
    size = 0
    piece = body
    while True:
        try:
            part = stream.process(piece, output_buffer_limit=min(_BROTLI_STEP, limit - size + 1))
        except brotli.error:
            raise Corrupt("the compressed body is damaged") from None
        piece = b""
        out.append(part)
        size += len(part)
        if size > limit:
            raise TooLarge("it is larger once decompressed")
        if stream.is_finished():
            return b"".join(out)
        if not part or stream.can_accept_more_data():
            raise Truncated("the compressed body ends too early")


def _unzstd(body: bytes, limit: int) -> bytes:
    out: list[bytes] = []
    size = position = frames = 0
    view = memoryview(body)
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    stream = decompressor.decompressobj()
    while position < len(body):
        piece = view[position : position + _ZSTD_STEP]
        position += len(piece)
        try:
            part = stream.decompress(piece)
        except zstandard.ZstdError:
            raise Corrupt("the compressed body is damaged") from None
        out.append(part)
        size += len(part)
        if size > limit:
            raise TooLarge("it is larger once decompressed")
        if stream.eof:
            position -= len(stream.unused_data)
            rest = body[position : position + 4]
            if rest != _ZSTD_MAGIC and not _is_skippable(rest):
                break
            frames += 1
            if frames > _MAX_MEMBERS:
                raise Corrupt(f"the compressed body has more than {_MAX_MEMBERS} parts")
            stream = decompressor.decompressobj()
    if not stream.eof:
        raise Truncated("the compressed body ends too early")
    return b"".join(out)
