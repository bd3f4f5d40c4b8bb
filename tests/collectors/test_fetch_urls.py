"""Which addresses are asked at all, and that no secret shows in errors or logs."""

from __future__ import annotations

import logging
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import CollectError, Refused
from collectors.fetch import Http, HttpSettings, parse_nets, redact
from collectors.net.urls import check_url, names_a_secret
from tests.servers.baddays import BadDays, hang_up, redirect, slow_head, status, text


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.org/feed", "javascript:alert(1)", "data:text/xml,<rss/>", "gopher://a/",
        "example.org/feed", "//example.org/feed", "", " ", "http://", "https:///feed", "http://:80/", "http://.../",
        "http://example.org:0/", "http://example.org:99999/", "http://example.org:x/", "http://exa mple.org/",
        "http://exa\nmple.org/", "http://example.org/\r\nHost: evil", "http://example.org/\x00", "http://[::1/",
        "http://xn--/", "http://%31%32%37.0.0.1/", "http://１２７.0.0.1/", "http://a<b/", "http://" + "a" * 9000,
        "http://\ud800/",
    ],
)  # fmt: skip
async def test_a_bad_address_is_refused_and_nothing_else_is_raised(url: str) -> None:
    async with Http(HttpSettings()) as http:
        with pytest.raises(Refused) as caught:
            await http.fetch(url)
    assert caught.value.code == "bad_url"
    assert "https://example.org/feed.xml" in str(caught.value)
    assert len(str(caught.value)) < 600


def test_internationalised_addresses_are_written_in_ascii() -> None:
    assert str(check_url(" http://müller.example/Ärzte news?q=ü#x ")) == (
        "http://xn--mller-kva.example/%C3%84rzte%20news?q=%C3%BC"
    )


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for url in (text, "http://" + text, "http://example.org/" + text):
        try:
            outcome = type(check_url(url)).__name__
        except Refused as refused:
            outcome = refused.code
        assert outcome in {"URL", "bad_url"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@example.org/feed", "https://example.org/feed"),
        ("https://example.org/feed?key=abc&page=2", "https://example.org/feed?key=***&page=2"),
        (f"https://example.org/.rss?feed={'0a' * 20}&user=me", "https://example.org/.rss?feed=***&user=me"),
        ("https://example.org/?api_key=a&accessToken=b&X-Amz-Signature=c", "https://example.org/?api_key=***&accessToken=***&X-Amz-Signature=***"),
        ("https://example.org/?AWSAccessKeyId=a&sig=b&feed_hash=c&jwt=d", "https://example.org/?AWSAccessKeyId=***&sig=***&feed_hash=***&jwt=***"),
        ("https://example.org/?channel_id=UC123&keywords=flu&author=who", "https://example.org/?channel_id=UC123&keywords=flu&author=who"),
        ("https://example.org/feed#access_token=abc", "https://example.org/feed"),
        ("https://example.org/go?to=https%3A%2F%2Fa%2F%3Ftoken%3Dabc", "https://example.org/go?to=***"),
        ("https://example.org/go?to=https%3A%2F%2Fu%3Ap%40a%2F", "https://example.org/go?to=***"),
        ("https://example.org/private/8f3a-11ec/rss", "https://example.org/private/***/rss"),
        ("https://example.org/0123456789abcdef0123456789abcdef/rss", "https://example.org/***/rss"),
        ("https://example.org/rss?0123456789abcdef0123456789abcdef", "https://example.org/rss?***"),
        ("https://api.telegram.example/bot123:AAE/getUpdates", "https://api.telegram.example/***/getUpdates"),
        ("https://example.org/key-messages/news", "https://example.org/key-messages/***"),
        ("me:pw@example.org/feed", "me:example.org/feed"),
        ("http://[::1", "(unreadable address)"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redact(url) == shown


@given(st.text(max_size=400))
def test_redaction_never_fails_and_never_grows(text: str) -> None:
    assert len(redact(text)) <= 300
    assert "\n" not in redact(text)


@given(st.from_regex(r"[A-Za-z0-9]{8,40}", fullmatch=True))
def test_no_secret_survives_in_any_of_its_places(secret: str) -> None:
    for url in (
        f"https://u:{secret}@h/",
        f"https://h/?token={secret}&x=1",
        f"https://h/#{secret}",
        f"https://h/private/{secret}",
    ):
        assert secret not in redact(url).removeprefix("https://h/")


def test_header_names() -> None:
    assert all(map(names_a_secret, ["Authorization", "Cookie", "X-Api-Key", "PRIVATE-TOKEN", "x-goog-api-key"]))
    assert not any(map(names_a_secret, ["Accept", "Content-Type", "If-None-Match", "Accept-Language", "User-Agent"]))


async def test_no_secret_in_any_error_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    secret = "s3cretvalue0"
    quick = HttpSettings(allow_nets=parse_nets("127.0.0.1"), silence_timeout=0.1, total_timeout=0.3)
    shown: list[str] = []
    async with BadDays() as server, Http(quick) as http:
        server.on("/ok", text("x", Set_Cookie=f"sid={secret}", X_Token=secret))
        server.on("/401", status(401))
        server.on("/429", status(429))
        server.on("/500", status(500))
        server.on("/reset", hang_up())
        server.on("/slow", slow_head(1))
        server.on("/loop", redirect(f"/loop?token={secret}"))
        server.on("/file", redirect(f"file:///private/{secret}?token={secret}"))
        server.on("/meta", redirect(f"http://u:{secret}@10.0.0.1/?token={secret}"))
        for path in ("/ok", "/401", "/404", "/429", "/500", "/reset", "/slow", "/loop", "/file", "/meta"):
            url = server.url(path).replace("//", f"//user:{secret}@") + f"?token={secret}"
            for headers in (
                {},
                {"Authorization": f"Bearer {secret}"},
                {"X-Api-Key": f"{secret}\n"},
                {"X-Key": f"ü{secret}"},
            ):
                try:
                    await http.fetch(url, headers=headers)
                except CollectError as error:
                    shown += [str(error), repr(error), repr(pickle.loads(pickle.dumps(error)))]
                    shown += traceback.format_exception(error)
    assert len(shown) > 30
    assert not [line for line in shown if secret in line]
    assert "HTTP Request" in caplog.text  # httpx did log, and
    assert secret not in caplog.text
