"""HTML as feeds carry it → plain text.

Most texts are short and well-behaved, so they are read with a few linear passes; whatever is not (a stray angle
bracket, a script, a comment that does not end) goes through a real HTML parser. Both give the same text on what
both can read. No pattern here looks back, or runs to the end of the text more than once.

Block elements and <br> become line breaks, table cells spaces, other tags nothing; runs of white space become one
space, entities become characters, scripts, styles and the like disappear.
"""

from __future__ import annotations

import html
import re

from selectolax.lexbor import LexborHTMLParser

TEXT_LIMIT = 20_000
"""Characters of plain text that are kept of one item."""
HTML_LIMIT = 200_000
"""Characters of markup that are looked at."""
LINE_LIMIT = 1_000

_BREAK = "\x1e"
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "br", "center", "dd", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p",
    "pre", "section", "table", "tbody", "thead", "tr", "ul",
))  # fmt: skip
_CELLS = frozenset(("td", "th"))
_DROPPED = frozenset((
    "script", "style", "template", "noscript", "svg", "math", "title", "head", "textarea", "object", "select",
    "iframe", "noembed", "noframes", "xmp",
))  # fmt: skip


class _Leaves(dict[str, str | None]):
    """What a tag leaves in the text, by '/' and name; None: only a parser reads it rightly."""

    def __missing__(self, name: str) -> str | None:
        """Upper case and 'xhtml:p'. Not kept, since names are the sender's choice; unknown tags leave nothing."""
        slash = "/" if name[0] == "/" else ""
        return self.get(slash + name.lower().rpartition(":")[2].lstrip("/"), "")


# An iframe is empty in practice, so it needs no parser.
_LEAVES = _Leaves(
    {
        slash + name: leaves
        for names, leaves in (
            (_BLOCKS, _BREAK),
            (_CELLS, " "),
            (_DROPPED - {"iframe"} | {"plaintext"}, None),
            (("a", "b", "i", "u", "em", "strong", "span", "img", "small", "sup", "sub", "code", "iframe", "font"), ""),
        )
        for name in names
        for slash in ("", "/")
    }
)
_TAG = re.compile(r"<(/?[a-zA-Z][\w:-]*)[^<>]*>")
_PREFIXED = re.compile(r"(</?)[a-zA-Z]\w{0,10}:(?=[a-zA-Z])")
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x9f\xad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_C1 = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
_STILL_ENCODED = re.compile(
    r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos|nbsp|[lr][sd]quo|[nm]dash|hellip"
    r"|[a-zA-Z]{1,2}(?:uml|acute|grave|circ|tilde|cedil|lig));"
)
_ENCODED_TAGS = re.compile(
    r"</(?:p|div|a|b|i|em|strong|span|ul|li|h[1-6]|blockquote)>|<br ?/?>|<img [^<>]*>|<p>", re.IGNORECASE
)
# UTF-8 that was read as windows-1252 and encoded again shows as these pairs
_TWICE = re.compile(
    r"Ã[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014\u2018-\u201e\u2020-\u2022"
    r"\u2026\u2030\u2039\u203a\u20ac\u2122]|Â[\u00a0-\u00bf]|â€[\u0080-\u00bf\u0153\u017e\u02dc\u201c\u201d\u2122\u00a6]"
)


def plain(markup: str, repairs: list[str] | None = None) -> str:
    """`markup` as plain text with line breaks between blocks, at most TEXT_LIMIT characters.

    What was mended is appended to `repairs`.
    """
    if "<" not in markup:
        if len(markup) > HTML_LIMIT:
            markup = markup[:HTML_LIMIT]
        text = _spaced(_decoded(markup, repairs).replace("\n", _BREAK))
    else:
        if len(markup) > HTML_LIMIT:
            markup = markup[:HTML_LIMIT]
            _note(repairs, "markup over 200,000 characters: the rest was not read")
        text = _stripped(markup, repairs)
    if "<" in text and _ENCODED_TAGS.search(text):
        _note(repairs, "markup was encoded twice: decoded")
        text = _stripped(text, None)
    if len(text) > TEXT_LIMIT:
        text = text[:TEXT_LIMIT].rstrip()
        _note(repairs, "text over 20,000 characters: the rest was cut")
    return text


def line(markup: str, repairs: list[str] | None = None) -> str:
    """`markup` as one line of plain text (titles, names, categories), at most LINE_LIMIT characters."""
    if len(markup) > 4 * LINE_LIMIT:
        markup = markup[: 4 * LINE_LIMIT]
    if "<" in markup or "&" in markup or not markup.isascii():
        markup = plain(markup, repairs)
    return " ".join(markup.split())[:LINE_LIMIT].rstrip()


def _note(repairs: list[str] | None, what: str) -> None:
    if repairs is not None and what not in repairs:
        repairs.append(what)


def _stripped(markup: str, repairs: list[str] | None) -> str:
    if "<!--" in markup:
        bare = _without_comments(markup)
        if bare is None:
            return _parsed(markup, repairs)
        markup = bare
    pieces: list[str | None] = _TAG.split(markup)  # text and names in turn
    leaves = [_LEAVES[name] for name in pieces[1::2] if name is not None]
    if None in leaves:
        return _parsed(markup, repairs)
    pieces[1::2] = leaves
    text = "".join(filter(None, pieces))
    if "<" in text or ">" in text:  # in the text, or an attribute with an angle bracket in it
        return _parsed(markup, repairs)
    return _spaced(_decoded(text, repairs))


def _without_comments(markup: str) -> str | None:
    """`markup` without its comments; None if one does not end or begins oddly."""
    first, *pieces = markup.split("<!--")
    kept = [first]
    for piece in pieces:
        _, end, rest = piece.partition("-->")
        if not end or piece.startswith((">", "->")):
            return None
        kept.append(rest)
    return "".join(kept)


def _parsed(markup: str, repairs: list[str] | None) -> str:
    """The same with a real HTML parser, whose tree is walked without recursion."""
    body = LexborHTMLParser(_PREFIXED.sub(r"\1", markup.replace(_BREAK, " "))).body
    pieces: list[str] = []
    node = None if body is None else body.child
    while node is not None:
        tag = node.tag
        if tag == "-text":
            pieces.append(node.text_content or "")
        elif tag in _BLOCKS:
            pieces.append(_BREAK)
        elif tag in _CELLS:
            pieces.append(" ")
        below = None if tag in _DROPPED else node.child
        if below is not None:
            node = below
            continue
        while node is not None and node.next is None:
            node = node.parent
            if node is None or node == body:
                node = None
            elif node.tag in _BLOCKS:
                pieces.append(_BREAK)
            elif node.tag in _CELLS:
                pieces.append(" ")
        if node is not None:
            node = node.next
    return _spaced(_decoded("".join(pieces), repairs, entities=False))


def _decoded(text: str, repairs: list[str] | None, *, entities: bool = True) -> str:
    """Entities as characters, those encoded twice too; UTF-8 encoded twice and unseen characters mended."""
    if "&" in text:
        if entities:
            # Often ampersands are all there is, and then they need no look at each
            alone = text.count("&") == text.count("&amp;")
            text = text.replace("&amp;", "&") if alone else html.unescape(text)
        if "&" in text and _STILL_ENCODED.search(text):
            text = html.unescape(text)
            _note(repairs, "entities were encoded twice: decoded")
    if text.isascii():
        return text
    if "Ã" in text or "Â" in text or "â€" in text or "â\x80" in text:
        text = _mend_twice(text, repairs)
    return text


def _mend_twice(text: str, repairs: list[str] | None) -> str:
    """Undo UTF-8 that was taken for windows-1252: the whole text, or every pair if there are several."""
    whole = _once(text)
    if whole is None:
        pairs = _TWICE.findall(text)
        if len(pairs) < 2 or any(_once(pair) is None for pair in pairs):
            return text
        whole = _TWICE.sub(lambda match: _once(match.group()) or match.group(), text)
    _note(repairs, "text was UTF-8 encoded twice: decoded")
    return whole


def _once(text: str) -> str | None:
    try:
        return b"".join(_as_cp1252(character) for character in text).decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


def _as_cp1252(character: str) -> bytes:
    code = ord(character)
    return bytes([code]) if code < 0xA0 else character.encode("cp1252")


def _spaced(text: str) -> str:
    """One space where white space was, one line break where blocks met, nothing at the ends."""
    lines = []
    for part in text.split(_BREAK):
        part = part.strip()
        if not part.isprintable():
            part = " ".join(part.split())  # line breaks, tabs, no-break and other spaces
            if not part.isprintable():
                part = " ".join(_UNSEEN.sub("", part.translate(_C1)).split())
        elif "  " in part:
            part = " ".join(part.split())
        if part:
            lines.append(part)
    return "\n".join(lines)
