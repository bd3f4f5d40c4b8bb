"""The plain-text twin of an issue, its Markdown, and the few lines for chat. Pure; written, not stripped from HTML."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

from monitor.deliver.render_view import Document, View

WIDTH = 72
NARROWEST_CELL = 10
CHAT_LINES = 6
LONGEST_CHAT = 900

_MARKED = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~@])")


def text_of(view: View) -> str:
    """Lines of at most 72 characters, except for addresses and commands, which stay whole."""
    document = view.document
    lines = [*_wrapped(f"{document['title']} - {document['period_name']}"), ""]
    lines += [*_wrapped(document["headline"]), ""]
    for one in view.scope:
        lines += [*_wrapped(one["text"]), ""]
    lines += [*_numbers(document["numbers"]), ""]
    for part in view.parts:
        lines += [part["title"].upper(), "-" * len(part["title"])]
        for one in part["says"]:
            lines += _wrapped(one["text"])
            if part["id"] != "method":
                lines += [f"  {link['label']}: {link['url']}" for link in view.addresses(one)]
            lines.append("")
        if part.get("chart"):
            lines += [*_wrapped(part["chart"]["alt"]), "", *_table(view, part["chart"]["table"]), ""]
        if part.get("table"):
            lines += [*_table(view, part["table"]), ""]
    lines += ["Count it again:", *(f"  {one}" for one in view.commands), ""]
    lines += [f"{one['label']}: {one['url']}" for one in view.foot]
    lines += [*_wrapped(f"Composed {view.composed} by trendmonitor. Data cut-off: {view.cutoff}.")]
    return "\n".join(line.rstrip() for line in lines).strip() + "\n"


def markdown_of(view: View) -> str:
    """CommonMark with tables as most readers know them; foreign text is escaped."""
    document = view.document
    lines = [f"# {_plain(document['title'])}: {_plain(document['period_name'])}", ""]
    lines += [f"**{_plain(document['headline'])}**", ""]
    for one in view.scope:
        lines += [_plain(one["text"]), ""]
    rows = [[one["label"], one["text"], one["interval"], _against(one)] for one in document["numbers"]]
    lines += [*_grid(["What", "Value", "Interval", "Against earlier"], rows), ""]
    for part in view.parts:
        lines += [f"## {_plain(part['title'])}", ""]
        for one in part["says"]:
            found = view.addresses(one) if part["id"] != "method" else []
            links = " ".join(f"[{_plain(link['label'])}]({_address(link['url'])})" for link in found)
            lines += [f"- {_plain(one['text'])}{' ' if links else ''}{links}"]
        if part["says"]:
            lines.append("")
        if part.get("chart"):
            lines += [_plain(part["chart"]["alt"]), "", *_marked_table(view, part["chart"]["table"]), ""]
        if part.get("table"):
            lines += [*_marked_table(view, part["table"]), ""]
    lines += ["Count it again:", "", "```", *view.commands, "```", ""]
    lines += [f"- [{one['label']}]({_address(one['url'])})" for one in view.foot]
    lines += ["", f"Composed {_plain(view.composed)} by trendmonitor. Data cut-off: {_plain(view.cutoff)}."]
    return "\n".join(lines).strip() + "\n"


def short_of(view: View) -> str:
    """A few lines for chat: the answer, what changed, what was observed, and one link."""
    document = view.document
    lines = [f"{document['title']}: {document['headline']}"]
    for part in view.parts:
        if part["id"] == "signals":
            lines += [f"- {one['text']}" for one in part["says"][:2]]
        elif part["id"] == "claims":
            lines += [f"- {one['text']}" for one in part["says"] if one["link"] != "/claims"][:2]
        elif part["id"] == "coverage":
            lines.append(part["says"][-1]["text"])
    lines = [line if len(line) <= 300 else line[:299].rstrip() + "…" for line in lines[:CHAT_LINES]]
    link = view.links.get("view")
    return "\n".join([*lines, *([link] if link else [])])[:LONGEST_CHAT]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False) or [""]


def _numbers(numbers: Sequence[Document]) -> list[str]:
    wide = max((_width(one["text"]) for one in numbers), default=0)
    lines = []
    for one in numbers:
        lines.append(f"{_padded(one['text'], wide, right=True)}  {one['label']} ({one['interval']})")
        lines += [f"{' ' * wide}  {line}" for line in textwrap.wrap(_against(one), WIDTH - wide - 2)]
    return lines


def _against(one: Document) -> str:
    comparison = one["comparison"]
    if comparison is None:
        return "[x] not enough to compare"
    return (
        f"{comparison['text']} (95 % interval {comparison['interval']}) against {comparison['against']}, "
        f"{comparison['sources']} sources"
    )


def _table(view: View, table: Document) -> list[str]:
    head = [column["title"] for column in table["columns"]]
    rows = [list(row["cells"]) for row in table["rows"]]
    wide = _widths([head, *rows])
    right = [column["align"] == "right" for column in table["columns"]]

    def laid(row: Sequence[str]) -> list[str]:
        """A cell that is too long goes on in the next line of its column."""
        folded = [_folded(cell, at) for cell, at in zip(row, wide, strict=True)]
        return [
            "  ".join(_padded(cell, at, right=side) for cell, at, side in zip(line, wide, right, strict=True))
            for line in zip_longest(*folded, fillvalue="")
        ]

    lines = [*_wrapped(table["caption"]), *laid(head), "  ".join("-" * one for one in wide)]
    for row, source in zip(rows, table["rows"], strict=True):
        lines += laid(row)
        if source.get("url") and view.address(source):
            lines.append(f"  {source['url']}")
    return lines + _rest(view, table)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Columns as wide as their widest cell; if that is too much for a line, the widest ones give way."""
    wide = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]))]
    while sum(wide) + 2 * (len(wide) - 1) > WIDTH and max(wide) > NARROWEST_CELL:
        wide[wide.index(max(wide))] -= 1
    return wide


def _rest(view: View, table: Document) -> list[str]:
    if not table["left_out"]:
        return []
    found = view.addresses(table["more"]) if table["more"] else []
    return [f"{table['left_out']} more{': ' + found[0]['url'] if found else '.'}"]


def _marked_table(view: View, table: Document) -> list[str]:
    head = [column["title"] for column in table["columns"]]
    rows = []
    for row in table["rows"]:
        first, *others = row["cells"]
        target = view.address(row)
        rows.append([_Marked(f"[{_plain(first)}]({_address(target)})") if target else first, *others])
    return [
        _plain(table["caption"]),
        "",
        *_grid(head, rows, [one["align"] for one in table["columns"]]),
        *_rest(view, table),
    ]


class _Marked(str):
    """Markdown already; not to be escaped again."""

    __slots__ = ()


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str] = ()) -> list[str]:
    sides = [*align, *("left" for _ in head)][: len(head)]
    lines = ["| " + " | ".join(_plain(one) for one in head) + " |"]
    lines.append("| " + " | ".join("---:" if side == "right" else "---" for side in sides) + " |")
    lines += ["| " + " | ".join(one if isinstance(one, _Marked) else _plain(one) for one in row) + " |" for row in rows]
    return lines


def _plain(text: str) -> str:
    """Text that means nothing in Markdown, HTML or a chat's own marks."""
    return _MARKED.sub(r"\\\1", text)


def _address(url: str) -> str:
    """An address inside round brackets."""
    for mark, code in (
        ("\\", "%5C"),
        (" ", "%20"),
        ("(", "%28"),
        (")", "%29"),
        ("<", "%3C"),
        (">", "%3E"),
        ("|", "%7C"),
    ):
        url = url.replace(mark, code)
    return url


def _folded(cell: str, width: int) -> list[str]:
    """Lines of at most so many columns; words are broken only if they are longer."""
    lines: list[str] = [""]
    for word in cell.split(" "):
        if _width(lines[-1]) and _width(lines[-1]) + 1 + _width(word) <= width:
            lines[-1] += f" {word}"
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if _width(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _width(text: str) -> int:
    """Columns of a terminal: wide letters take two, marks none."""
    return sum(
        0
        if unicodedata.combining(one) or unicodedata.category(one) == "Cf"
        else 2
        if unicodedata.east_asian_width(one) in "WF"
        else 1
        for one in text
    )


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * max(width - _width(text), 0)
    return space + text if right else text + space
