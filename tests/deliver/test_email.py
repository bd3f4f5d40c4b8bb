"""Email against a real mail server: what arrives, and what becomes of every way to fail."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from email import charset, message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.digest import Picture
from monitor.deliver.address import split_mailbox
from monitor.deliver.base import DeliveryError
from monitor.deliver.email import CHANNEL
from monitor.deliver.mail import build_mail, message_id, one_line
from tests.deliver.messages import MESSAGE, PNG, UNSUBSCRIBE, context, settings, spec
from tests.servers.smtp import CERTIFICATE, MailServer

ANN, BEN, CYD = "ann@example.org", "ben@example.org", "cyd@example.org"


async def test_a_mail_arrives_with_all_its_parts() -> None:
    async with MailServer().serve() as server:
        receipt = await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(settings(port=server.port)))
    (arrived,) = server.arrived
    assert (arrived.sender, arrived.recipients) == ("digest@example.org", [ANN])
    mail = arrived.mail
    assert mail["Subject"] == MESSAGE.subject
    assert mail["From"] == "Trend digest <digest@example.org>"
    assert mail["To"] == ANN
    assert mail["Message-ID"] == "<weekly.2026-07-13@example.org>"
    assert mail["List-Id"] == "<weekly.digests.example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Date"].datetime == MESSAGE.composed_at
    assert mail.get_content_type() == "multipart/alternative"
    text, related = mail.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert text.get_content().replace("\r\n", "\n") == MESSAGE.text
    assert related.get_content_type() == "multipart/related"
    html, *pictures = related.iter_parts()
    named = re.findall(r'src="cid:([^"]+)"', html.get_content())
    assert [f"<{name}>" for name in named] == [picture["Content-ID"] for picture in pictures]
    assert [picture.get_content() for picture in pictures] == [PNG, PNG + b"2"]
    assert [picture.get_content_disposition() for picture in pictures] == ["inline", "inline"]
    assert all(len(line) <= 998 for line in arrived.content.split(b"\r\n"))
    assert arrived.content.isascii()
    assert receipt.confirmed == (ANN,)
    assert "Queued as 12345" in receipt.said
    assert not receipt.partial


async def test_every_reader_gets_an_own_mail_with_an_own_link_and_the_same_id() -> None:
    async with MailServer().serve() as server:
        await CHANNEL.deliver(
            MESSAGE,
            spec("email", ANN, BEN),
            context(
                settings(port=server.port), unsubscribe=lambda reader: f"https://trends.example.org/u?a=1&r={reader}"
            ),
        )
    assert server.connections == 1
    assert [one.recipients for one in server.arrived] == [[ANN], [BEN]]
    ids = {one.mail["Message-ID"] for one in server.arrived}
    assert ids == {message_id(MESSAGE.key, "example.org")}
    for one, reader, other in zip(server.arrived, (ANN, BEN), (BEN, ANN), strict=True):
        text = "".join(part.get_content() for part in one.mail.walk() if part.get_content_maintype() == "text")
        assert one.mail["List-Unsubscribe"] == f"<https://trends.example.org/u?a=1&r={reader}>"
        assert f"u?a=1&amp;r={reader}" in text
        assert f"u?a=1&r={reader}" in text
        assert "unsubscribe?digest" not in text
        assert other.encode() not in one.content


async def test_who_confirmed_is_told_at_once_and_not_sent_to_again() -> None:
    heard: list[tuple[str, int]] = []
    server = MailServer()

    async def hear(reader: str) -> None:
        heard.append((reader, len(server.arrived)))

    async with server.serve():
        await CHANNEL.deliver(
            MESSAGE,
            spec("email", ANN, BEN, CYD),
            context(settings(port=server.port), confirmed=hear, already=frozenset({BEN})),
        )
    assert heard == [(ANN, 1), (CYD, 2)]


async def test_one_rejected_reader_does_not_keep_the_others_from_theirs() -> None:
    async with MailServer(rejected={BEN: "550 5.1.1 No such user"}).serve() as server:
        receipt = await CHANNEL.deliver(MESSAGE, spec("email", ANN, BEN, CYD), context(settings(port=server.port)))
    assert receipt.confirmed == (ANN, CYD)
    assert list(receipt.partial) == [BEN]
    assert "550 5.1.1 No such user" in receipt.partial[BEN]


async def test_greylisting_passes_with_the_second_try() -> None:
    async with MailServer(greylisted={BEN}, rejected={CYD: "553 no"}).serve() as server:
        readers = spec("email", ANN, BEN, CYD)
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, readers, context(settings(port=server.port)))
        failed = caught.value
        assert failed.temporary
        assert failed.confirmed == {ANN}
        assert list(failed.refused) == [CYD]
        assert "Greylisted" in failed.message
        settled = failed.confirmed | failed.refused.keys()
        receipt = await CHANNEL.deliver(MESSAGE, readers, context(settings(port=server.port), already=settled))
    assert receipt.confirmed == (BEN,)
    assert server.attempts == [ANN, BEN, CYD, BEN]


@pytest.mark.parametrize(
    ("answer", "temporary"),
    [("552 5.3.4 Too big", False), ("452 4.3.1 Disk full", True), ("554 spam", False), ("drop", True), ("sleep", True)],
)
async def test_answers_to_the_content(answer: str, temporary: bool) -> None:
    async with MailServer(at_data=[answer]).serve() as server:
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(settings(port=server.port), timeout=0.3))
        assert caught.value.temporary is temporary
        assert server.arrived == []
        await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(settings(port=server.port)))
        assert len(server.arrived) == 1


async def test_a_slow_server_is_waited_for() -> None:
    async with MailServer(at_data=["slow"]).serve() as server:
        receipt = await CHANNEL.deliver(MESSAGE, spec("email", ANN, BEN), context(settings(port=server.port)))
    assert receipt.confirmed == (ANN, BEN)


async def test_a_connection_that_breaks_for_one_reader_is_opened_again_for_the_next() -> None:
    async with MailServer(drop_at_rcpt={ANN}).serve() as server:
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, spec("email", ANN, BEN), context(settings(port=server.port)))
    assert caught.value.temporary
    assert caught.value.confirmed == {BEN}


async def test_a_mail_taken_without_an_answer_comes_again_under_the_same_id() -> None:
    async with MailServer(at_data=["keep and drop"]).serve() as server:
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(settings(port=server.port)))
        assert caught.value.temporary
        await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(settings(port=server.port)))
    first, second = server.arrived
    assert first.mail["Message-ID"] == second.mail["Message-ID"] is not None
    assert first.content == second.content


@pytest.mark.parametrize(("banner", "temporary"), [("421 busy", True), ("554 go away", False)])
async def test_a_server_that_refuses_the_connection(banner: str, temporary: bool) -> None:
    async with MailServer(banner=banner).serve() as server:
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, spec("email", ANN, BEN), context(settings(port=server.port)))
    assert caught.value.temporary is temporary
    assert server.connections == 1
    assert banner[:3] in caught.value.message


async def test_a_server_that_is_not_there() -> None:
    async with MailServer().serve() as server:
        port = server.port
    with pytest.raises(DeliveryError) as caught:
        await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(settings(port=port)))
    assert caught.value.temporary
    assert f"127.0.0.1:{port}" in caught.value.message
    assert "TRENDMONITOR_SMTP_HOST" in caught.value.message


async def test_a_refused_sender_ends_it_for_all() -> None:
    async with MailServer(sender_answer="553 5.7.1 Not yours").serve() as server:
        with pytest.raises(DeliveryError) as caught:
            await CHANNEL.deliver(MESSAGE, spec("email", ANN, BEN), context(settings(port=server.port)))
    assert not caught.value.temporary
    assert set(caught.value.refused) == {ANN, BEN}
    assert server.attempts == []


async def test_the_size_that_the_server_announces_is_kept() -> None:
    async with MailServer().serve(size=1000) as server:
        with pytest.raises(DeliveryError, match=r"takes 0\.00 MB at most"):
            await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(settings(port=server.port)))
    assert server.attempts == []


async def test_a_huge_mail_is_not_even_offered() -> None:
    huge = replace(MESSAGE, pictures=(Picture("chart", PNG + bytes(8_000_000), "", 1, 1),))
    async with MailServer().serve() as server:
        with pytest.raises(DeliveryError, match="Leave out sections") as caught:
            await CHANNEL.deliver(huge, spec("email", ANN), context(settings(port=server.port)))
    assert not caught.value.temporary
    assert server.connections == 0


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_encrypted_and_logged_in(tls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    server = MailServer(password="open sesame")
    async with server.serve(starttls=tls == "starttls", implicit=tls == "implicit"):
        given = settings(port=server.port, tls=tls, user="digest", password="open sesame")
        receipt = await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(given))
    assert receipt.confirmed == (ANN,)
    assert server.arrived[0].encrypted or tls == "implicit"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_certificate_that_nobody_vouches_for(tls: str) -> None:
    server = MailServer(password="open sesame")
    async with server.serve(starttls=tls == "starttls", implicit=tls == "implicit"):
        given = settings(port=server.port, tls=tls, user="digest", password="open sesame")
        with pytest.raises(DeliveryError, match=r"certificate of 127\.0\.0\.1"):
            await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(given))
    assert server.arrived == []


async def test_nothing_goes_unencrypted_because_the_server_offers_no_encryption() -> None:
    async with MailServer().serve() as server:
        with pytest.raises(DeliveryError, match="offers no STARTTLS") as caught:
            await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(settings(port=server.port, tls="starttls")))
    assert not caught.value.temporary
    assert server.arrived == []


async def test_a_refused_login_names_the_variables_and_not_the_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with MailServer(password="right one").serve() as server:
        given = settings(port=server.port, user="digest", password="wrong-one-123")
        with pytest.raises(DeliveryError, match="TRENDMONITOR_SMTP_PASSWORD") as caught:
            await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(given))
    assert not caught.value.temporary
    assert "wrong-one" not in caught.value.message
    assert "wrong-one" not in repr(given)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.log")]
    assert "wrong-one" not in "\n".join(ours)


async def test_without_a_server_it_fails_for_good_with_the_variable() -> None:
    with pytest.raises(DeliveryError, match="TRENDMONITOR_SMTP_HOST") as caught:
        await CHANNEL.deliver(MESSAGE, spec("email", ANN), context(settings(host="")))
    assert not caught.value.temporary


def test_what_is_wrong_is_said_before_sending() -> None:
    assert CHANNEL.check(spec("email", ANN, reply_to="Desk <desk@example.org>"), settings()) == []
    wrong = spec(
        "email", "ann", "ann@", "ann@localhost", BEN, BEN, "a\r\nBcc: x@example.org", replyto="x", reply_to="y"
    )
    problems = CHANNEL.check(wrong, settings(sender="nobody"))
    assert any("did you mean 'reply_to'" in one for one in problems)
    assert any("reply_to: " in one for one in problems)
    assert any("TRENDMONITOR_SMTP_FROM" in one for one in problems)
    assert any("named twice" in one for one in problems)
    assert sum(one.startswith("email: '") and "is not a mail address" in one for one in problems) == 4
    assert all("\n" not in one and "\r" not in one for one in problems)
    assert CHANNEL.check(spec("email"), settings()) == [
        "email needs at least one recipient: write `to: [reader@example.org]`"
    ]
    (loose,) = CHANNEL.check(spec("email", ANN), settings(host="mail.example.org"))
    assert "unencrypted" in loose


@given(subject=st.text(max_size=300), key=st.text(min_size=1, max_size=120), text=st.text(max_size=200))
def test_no_value_begins_a_header_of_its_own(subject: str, key: str, text: str) -> None:
    message = replace(MESSAGE, subject=subject + "\r\nBcc: x@example.org", key=key, text=text, links={}, html="<p>")
    raw = build_mail(
        message,
        sender=split_mailbox("Ünï — “die” Übersicht <digest@example.org>"),
        recipient=ANN,
        digest=key,
        now=MESSAGE.composed_at,  # type: ignore[arg-type]  # it has one
    )
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["Subject"] == one_line(subject + " Bcc: x@example.org")[:250].strip()
    assert mail["From"].addresses[0].display_name == "Ünï — “die” Übersicht"
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    assert sorted(names) == sorted(
        b"from to subject date message-id references list-id auto-submitted mime-version content-type".split()
    )
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


def test_the_bytes_are_the_same_after_another_library_changed_the_charsets() -> None:
    def build() -> bytes:
        return build_mail(
            MESSAGE,
            sender=split_mailbox("Ünï — “die” Übersicht <digest@example.org>"),
            recipient=ANN,
            digest="weekly",
            now=MESSAGE.composed_at,  # type: ignore[arg-type]  # it has one
        )

    before = build()
    kept = dict(charset.CHARSETS)
    charset.add_charset("utf-8", charset.QP, charset.QP, "utf-8")
    try:
        assert build() == before
    finally:
        charset.CHARSETS.clear()
        charset.CHARSETS.update(kept)


def test_a_long_unsubscribe_address_stays_in_one_piece() -> None:
    link = "https://trends.example.org/u/" + "t" * 400
    raw = build_mail(
        replace(MESSAGE, links={"unsubscribe": link}),
        sender=split_mailbox("digest@example.org"),
        recipient=ANN,
        digest="weekly",
        now=MESSAGE.composed_at,  # type: ignore[arg-type]  # it has one
    )
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in raw


def test_without_https_nobody_is_promised_one_click() -> None:
    raw = build_mail(
        replace(MESSAGE, links={"unsubscribe": "http://127.0.0.1:8000/u/1"}),
        sender=split_mailbox("digest@example.org"),
        recipient=ANN,
        digest="weekly",
        now=MESSAGE.composed_at,  # type: ignore[arg-type]  # it has one
    )
    assert b"List-Unsubscribe" not in raw
