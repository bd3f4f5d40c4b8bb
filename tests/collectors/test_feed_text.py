"""HTML → text."""

from __future__ import annotations

import html
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.feeds.text import LINE_LIMIT, TEXT_LIMIT, _parsed, _stripped, line, plain


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("two\nlines  here", "two\nlines here"),
        ("<p>one</p>\n<p>two\nstill two</p>", "one\ntwo still two"),
        ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"),
        ("<b>bold</b>ly <i class='x'>go</i>", "boldly go"),
        ("R&amp;D &#8217; &eacute; &nbsp; x", "R&D ’ é x"),
        ("&lt;5 mg and p&lt;0.05", "<5 mg and p<0.05"),
        ("p < 0.05 and <b>n > 3</b>", "p < 0.05 and n > 3"),
        ("<script>var a = '<p>';</script>text<style>p{}</style>", "text"),
        ("<!-- SC_OFF --><div class='md'>hi</div><!-- SC_ON -->", "hi"),
        ("before<!-- never closed", "before"),
        ('<img alt="a > b" src="x">after', "after"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<ul><li>one<li>two</ul>", "one\ntwo"),
        ("<xhtml:p>one</xhtml:p><xhtml:p>two</xhtml:p>", "one\ntwo"),
        ("zero\u200bwidth soft\u00adhyphen\ufeff", "zerowidth softhyphen"),
        ("thin\u2009space\u3000wide", "thin space wide"),
        ("it\x92s \x93quoted\x94", "it’s “quoted”"),
        ("<select><option>x</option></select>kept", "kept"),
        ("cut <a href=", "cut"),
    ],
)
def test_plain(markup: str, expected: str) -> None:
    assert plain(markup) == expected


@pytest.mark.parametrize(
    ("markup", "expected", "repair"),
    [
        ("Q&amp;amp;A", "Q&A", "entities were encoded twice: decoded"),
        ("&lt;p&gt;Hello &lt;b&gt;you&lt;/b&gt;&lt;/p&gt;", "Hello you", "markup was encoded twice: decoded"),
        ("SantÃ© publique", "Santé publique", "text was UTF-8 encoded twice: decoded"),
        ("itâ€™s â€œfineâ€\x9d", "it’s “fine”", "text was UTF-8 encoded twice: decoded"),
    ],
)
def test_what_was_encoded_twice(markup: str, expected: str, repair: str) -> None:
    repairs: list[str] = []
    assert plain(markup, repairs) == expected
    assert repair in repairs


@pytest.mark.parametrize("text", ["“JOSÉ”", "“IRMÔ", "NÃO É", "Âge", "naïve café", "10 Â", "مرحبا", "日本語"])
def test_right_text_is_left_alone(text: str) -> None:
    repairs: list[str] = []
    assert plain(text, repairs) == text
    assert repairs == []


def test_text_is_bounded_and_says_so() -> None:
    repairs: list[str] = []
    assert len(plain("word " * 10_000, repairs)) <= TEXT_LIMIT
    assert repairs == ["text over 20,000 characters: the rest was cut"]
    assert len(line("word " * 10_000)) <= LINE_LIMIT


def test_line_is_one_line() -> None:
    assert line("<p>one</p><p>two</p>\n three") == "one two three"


_WORDS = ["ward", "nurse", "é", "&amp;", "&#8217;", "p &lt; 0.05", "5 mg", "日本", " ", "\n"]
_TAGS = [
    "<p>",
    "</p>",
    "<br/>",
    "<b>",
    "</b>",
    '<a href="x?a=1&amp;b=2">',
    "</a>",
    "<li>",
    "</li>",
    "<td>",
    "</td>",
    "<h2>",
    "</h2>",
]


def test_the_lean_and_the_robust_way_agree() -> None:
    random_ = random.Random(11)
    for _ in range(300):
        # Balanced, so that a parser has nothing to rearrange
        pieces = [
            f"<{t}>{' '.join(random_.choices(_WORDS, k=5))}</{t}>"
            for t in random_.choices(["p", "div", "b", "em", "h2"], k=6)
        ]
        markup = random_.choice([" ", "\n", ""]).join(pieces)
        assert _stripped(markup, None) == _parsed(markup, None)


@given(
    st.lists(
        st.sampled_from([*_WORDS, *_TAGS, "<", ">", "<!--", "-->", "<script>", "</script>", "&", "\x00", "\ud800"])
    )
)
def test_never_fails_and_leaves_no_tag_of_ours(pieces: list[str]) -> None:
    text = plain("".join(pieces))
    assert "\x1e" not in text
    assert text == text.strip()
    assert "<li>" not in text


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"]), min_size=1))
def test_escaped_text_comes_back(text: str) -> None:
    assert plain(html.escape(text)) == text


@pytest.mark.parametrize(
    "piece", ["<", "<!--", "<a ", "&", "&amp;", "<p", "<div>", "<!", '<a b="', "  ", "\x1e", "Ã", "</", "<p>\n"]
)
def test_no_input_is_slow(piece: str) -> None:
    start = time.perf_counter()
    plain(piece * (1_000_000 // len(piece)))
    line(piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - start < 2
