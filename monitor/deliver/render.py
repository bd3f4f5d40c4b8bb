"""One stored issue as mail, plain text, Markdown and a chat line. The same document gives the same bytes.

Nothing is computed here: sentences and numbers are printed as the document has them. Every part that came from outside
is escaped for the view it goes into. Links are made only where the service has an address that readers can reach.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup, escape

from monitor.core.digest import Message, Picture
from monitor.core.digest_words import Words, tidy
from monitor.deliver.render_text import markdown_of, short_of, text_of
from monitor.deliver.render_view import Document, View

if TYPE_CHECKING:
    import css_inline
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
WIDEST = 560
"""CSS pixels of a picture."""

_PNG = b"\x89PNG\r\n\x1a\n"
_NOT_KEY = re.compile(r"[^A-Za-z0-9._-]+")
_LONG_WORD = 24
_JOINER = "\u2060"
# What mail programs take for part of an address and make a link of
_LIKE_ADDRESS = re.compile(r"(?<=[^\W_])[.@](?=[^\W\d_])|(?<=:)(?=//)")


def render(
    document: Document,
    *,
    locale: str,
    base_url: str | None,
    chart_png: Callable[[dict[str, Any]], bytes],
    links: Mapping[str, str] | None = None,
) -> Message:
    """All views of an issue that `digest_compose.compose` made.

    `locale` writes the dates that are not part of a sentence. `base_url` is the address of the service without a slash
    at its end; None or empty: no links to it. `chart_png` draws a Vega-Lite specification with two pixels for each CSS
    pixel; what it raises passes through. `links` adds to, or replaces, the links at the end: view, change,
    unsubscribe → absolute URL. `Message.key` names digest and days.
    """
    words = Words.of(locale)
    base = (base_url or "").rstrip("/")
    page = f"{base}/digests/{quote(str(document['digest']), safe='')}" if base else ""
    ends = {**({"view": page, "change": page} if page else {}), **(links or {})}
    drawn = {
        part["chart"]["cid"]: _picture(part["chart"], chart_png) for part in document["sections"] if part.get("chart")
    }
    at = datetime.fromisoformat(document["composed_at"])
    cutoff = document.get("cutoff")
    view = View(
        document=document,
        base=base,
        links=ends,
        composed=words.moment(at),
        cutoff="nothing was ever observed" if cutoff is None else words.moment(datetime.fromisoformat(cutoff)),
    )
    return Message(
        key=_NOT_KEY.sub("-", f"{document['digest']}.{document['since']}.{document['until']}"),
        subject=tidy(document["subject"], 200),
        preheader=tidy(document["preheader"], 200),
        html=_html(view, drawn),
        text=text_of(view),
        short=short_of(view),
        markdown=markdown_of(view),
        document=document,
        pictures=tuple(drawn.values()),
        links=ends,
        composed_at=at,
    )


def _picture(chart: Document, chart_png: Callable[[dict[str, Any]], bytes]) -> Picture:
    png = chart_png(dict(chart["spec"]))
    if not png.startswith(_PNG) or len(png) < 24:
        raise ValueError("chart_png gave something else than a PNG")
    width, height = struct.unpack(">II", png[16:24])
    shown = min(width // 2, WIDEST)
    return Picture(cid=chart["cid"], png=png, alt=chart["alt"], width=shown, height=round(height * shown / width))


def _html(view: View, pictures: Mapping[str, Picture]) -> str:
    document = view.document
    parts = []
    for part in view.parts:
        if part.get("chart"):
            drawn = pictures[part["chart"]["cid"]]
            part = {**part, "chart": {**part["chart"], "width": drawn.width, "height": drawn.height}}
        parts.append(part)
    made = (
        _environment()
        .get_template("digest.html")
        .render(
            subject=document["subject"],
            preheader=document["preheader"],
            title=document["title"],
            period=document["period_name"],
            generated=document["generated"],
            headline=document["headline"],
            scope=view.scope,
            numbers=document["numbers"],
            parts=parts,
            reproduce=view.commands,
            foot=view.foot,
            composed=view.composed,
            cutoff=view.cutoff,
            addresses=view.addresses,
            address=view.address,
        )
    )
    # Only programs that know about dark surroundings read this; everything else stands in the elements themselves
    dark = (TEMPLATES / "dark.css").read_text(encoding="utf-8")
    return str(_inliner().inline(made)).replace("</head>", f"<style>\n{dark}</style>\n</head>", 1)


def foreign(text: str) -> Markup:
    """A text, escaped, in which mail programs find no address to make a link of and long words may break."""
    words = [
        Markup("<wbr>").join(escape(word[at : at + _LONG_WORD]) for at in range(0, len(word), _LONG_WORD))
        for word in unlinked(text).split(" ")
    ]
    return Markup(" ").join(words)


def unlinked(text: str) -> str:
    """A text in which mail programs find no address to make a link of. Looks the same."""
    return _LIKE_ADDRESS.sub(lambda found: _JOINER + found.group(), text)


@cache
def _environment() -> jinja2.Environment:
    # Late, as the next one: the package of channels is read whole by every command that sends or checks anything
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters["name"] = foreign
    return made


@cache
def _inliner() -> css_inline.CSSInliner:
    import css_inline

    return css_inline.CSSInliner(load_remote_stylesheets=False)
