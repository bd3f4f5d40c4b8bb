"""Bytes and what they claim to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.feeds.charset import to_utf8


def document(text: str, encoding: str, declared: str | None = None) -> bytes:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return f"{head}<rss>{text}</rss>".encode(encoding)


@pytest.mark.parametrize(
    ("body", "content_type", "expected", "mended"),
    [
        (document("naïve", "utf-8"), "", "naïve", False),
        (document("naïve", "utf-8-sig", "utf-8"), "", "naïve", False),
        (document("naïve", "utf-16", "utf-16"), "", "naïve", False),
        (document("naïve", "utf-16-le", "utf-16"), "", "naïve", False),
        (document("naïve", "utf-16-be"), "", "naïve", False),
        (document("naïve", "utf-32", "utf-32"), "", "naïve", False),
        (document("naïve", "utf-32-be"), "", "naïve", False),
        (document("naïve", "iso-8859-1", "iso-8859-1"), "", "naïve", False),
        (document("“naïve” €", "cp1252", "iso-8859-1"), "", "“naïve” €", False),
        (document("привет", "koi8-r", "koi8-r"), "", "привет", False),
        (document("привет", "cp1251"), "text/xml; charset=windows-1251", "привет", False),
        (document("日本語の医療", "shift_jis", "Shift_JIS"), "", "日本語の医療", False),
        (document("한국어", "euc-kr", "euc-kr"), "", "한국어", False),
        (document("中文醫療", "gb18030", "gb2312"), "", "中文醫療", False),
        (document("日本語", "iso2022_jp", "iso-2022-jp"), "", "日本語", False),
        (document("plain", "cp037", "cp037"), "", "plain", False),
        # lies
        (document("naïve “it’s”", "cp1252", "utf-8"), "", "naïve “it’s”", True),
        (document("naïve", "utf-8", "iso-8859-1"), "", "naïve", False),
        (document("naïve", "utf-8"), "text/xml; charset=ISO-8859-1", "naïve", False),
        (document("привет", "utf-8", "koi8-r"), "", "привет", True),
        (document("привет", "koi8-r", "koi8-r"), "text/xml; charset=iso-8859-1", "привет", False),
        (document("привет", "koi8-r", "koi8-r"), "text/xml; charset=utf-8", "привет", True),
        (document("naïve", "utf-8", "utf-16"), "", "naïve", False),
        (document("naïve", "utf-8", "no-such-thing"), "", "naïve", False),
        (document("good ", "utf-8") + b"\xe9" + " – naïve".encode(), "", "good </rss>é – naïve", True),
    ],
)
def test_reads(body: bytes, content_type: str, expected: str, mended: bool) -> None:
    utf8, repairs = to_utf8(body, content_type)
    assert expected in utf8.decode()
    assert bool(repairs) is mended


@given(st.binary(max_size=400), st.text(max_size=40))
def test_never_fails_and_always_gives_utf8(body: bytes, charset: str) -> None:
    for start in (b"", b'<?xml version="1.0" encoding="euc-jp"?>', b"\xff\xfe", b"<\0?\0"):
        utf8, _ = to_utf8(start + body, f"text/xml; charset={charset}")
        utf8.decode()
