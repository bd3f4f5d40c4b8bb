"""The registry, and what all channels have in common."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import monitor.deliver
from monitor.deliver import channels
from monitor.deliver.address import split_mailbox, tidy_address
from monitor.deliver.base import DeliveryError, conclude, plain
from monitor.deliver.trial import trial_message
from monitor.settings import Settings, SettingsError
from tests.deliver.messages import MESSAGE, NOW, context, settings, spec
from tests.deliver.receiver import Receiver
from tests.servers.smtp import MailServer


def test_each_channel_is_a_file_of_its_name() -> None:
    assert set(channels()) == {"atom", "chat", "email", "file", "webhook"}
    folder = Path(monitor.deliver.__file__).parent
    for name, channel in channels().items():
        assert channel.kind == name
        assert (folder / f"{name}.py").is_file()


@pytest.mark.parametrize("kind", ["atom", "chat", "email", "file", "webhook"])
def test_every_channel_names_a_misspelt_option(kind: str) -> None:
    problems = channels()[kind].check(spec(kind, colour="red"), settings())
    assert any("'colour'" in problem for problem in problems)


async def test_atom_needs_nothing_and_confirms_at_once() -> None:
    atom = channels()["atom"]
    assert atom.check(spec("atom"), settings()) == []
    assert atom.check(spec("atom", "x"), settings()) == ["atom has no recipients: leave `to` out"]
    receipt = await atom.deliver(MESSAGE, spec("atom"), context(settings()))
    assert "/api/v1/digests/weekly/atom" in receipt.said
    assert receipt.at == NOW


def test_the_worst_of_several_answers_counts() -> None:
    later = DeliveryError("Busy.", temporary=True, retry_after=timedelta(minutes=5))
    never = DeliveryError("No such user.", temporary=False)
    here = context(settings())
    with pytest.raises(DeliveryError, match=r"1 of 3 recipients have not got it yet\. Busy") as caught:
        conclude({"a": None, "b": later, "c": never}, "ok", here)
    assert (caught.value.temporary, caught.value.retry_after) == (True, timedelta(minutes=5))
    assert caught.value.confirmed == {"a"}
    assert caught.value.refused == {"c": "No such user."}
    receipt = conclude({"a": None, "c": never}, "ok", here)
    assert (receipt.confirmed, receipt.partial) == (("a",), {"c": "No such user."})
    with pytest.raises(DeliveryError) as caught:
        conclude({"c": never}, "ok", here)
    assert not caught.value.temporary
    # somebody confirmed in an earlier try, so the issue as a whole was delivered
    assert conclude({"c": never}, "ok", context(settings(), already=frozenset({"a"}))).partial == {"c": "No such user."}


def test_foreign_words_become_one_plain_line_without_secrets() -> None:
    assert (
        plain("535 5.7.8\r\n bad\x1b[31m  login for hunter2 \u202e", secrets=["hunter2"])
        == "535 5.7.8 bad [31m login for ***"
    )
    assert len(plain("x" * 5000)) == 300


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("ann@example.org", "ann@example.org"),
        (" Ann.B+news@Example.ORG ", "Ann.B+news@example.org"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("o'neil@a-b.co.uk", "o'neil@a-b.co.uk"),
    ],
)
def test_good_addresses(text: str, tidy: str) -> None:
    assert tidy_address(text) == tidy


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "ann", "ann@", "@example.org", "ann@example", "ann@-x.org", "a b@example.org", "ann@exa mple.org",
        ".ann@example.org", "an..n@example.org", '"ann b"@example.org', "ann@[127.0.0.1]", "ann@1.2.3.4",
        "änn@example.org", "ann@example.org\r\nBcc: x@y.org", "ann@example.org,ben@example.org", "a" * 65 + "@example.org",
        "ann@" + "a" * 64 + ".org", "ann@" + "a." * 130 + "org", "Ann <ann@example.org>", "ann\x00@example.org",
    ],
)  # fmt: skip
def test_bad_addresses(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        tidy_address(text)
    assert "\n" not in str(caught.value)


def test_mailboxes() -> None:
    box = split_mailbox("Trend digest <digest@example.org>")
    assert (box.display_name, box.addr_spec) == ("Trend digest", "digest@example.org")
    assert split_mailbox("digest@example.org").display_name == ""
    for wrong in (
        "",
        "x",
        "a@example.org, b@example.org",
        "A <a@example.org",
        "A\r\nBcc: b@example.org <a@example.org>",
    ):
        with pytest.raises(ValueError, match="write it like"):
            split_mailbox(wrong)


def test_settings_become_what_channels_need(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "HOME": str(tmp_path),
        "SMTP_HOST": "mail.example.org",
        "SMTP_USER": "digest",
        "SMTP_PASSWORD": "hush-hush",
        "SMTP_TLS": "Implicit",
        "SMTP_FROM": "Trend digest <digest@example.org>",
        "PUBLIC_URL": "https://trends.example.org/",
    }.items():
        monkeypatch.setenv(f"TRENDMONITOR_{name}", value)
    loaded = Settings.load()
    made = loaded.delivery({"A": "b"})
    assert (made.home, made.public_url, made.environment) == (tmp_path, "https://trends.example.org", {"A": "b"})
    assert (made.smtp.host, made.smtp.tls, made.smtp.password) == ("mail.example.org", "implicit", "hush-hush")
    assert channels()["email"].check(spec("email", "ann@example.org"), made) == []
    assert "hush-hush" not in repr(loaded) + repr(made)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SMTP_HOST", "mail.example.org:587", "not a host"),
        ("SMTP_TLS", "none", "unencrypted"),
        ("SMTP_TLS", "ssl", "starttls"),
        ("SMTP_FROM", "nobody", "write it like"),
        ("PUBLIC_URL", "trends.example.org", "https://trends.example.org"),
        ("PUBLIC_URL", "https://trends.example.org/?x=1", "https://trends.example.org"),
    ],
)
def test_bad_settings_name_their_variable(name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRENDMONITOR_SMTP_HOST", "mail.example.org")
    monkeypatch.setenv(f"TRENDMONITOR_{name}", value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    (problem,) = caught.value.problems
    assert problem.startswith(f"TRENDMONITOR_{name}: ")
    assert said in problem


async def test_a_trial_reaches_every_channel(tmp_path: Path) -> None:
    message = trial_message("weekly", "Week <in> review", NOW)
    assert message.key == "weekly.test-20260713T060005Z"
    assert "Week &lt;in&gt; review" in message.html
    async with MailServer().serve() as server:
        with Receiver().serve() as receiver:
            environment = {"ROOM": f"json://127.0.0.1:{receiver.port}/1", "SECRET": "s" * 24}
            here = context(settings(tmp_path, port=server.port, environment=environment))
            for wanted in (
                spec("atom"),
                spec("chat", "env:ROOM"),
                spec("email", "ann@example.org"),
                spec("file"),
                spec("webhook", receiver.url, secret="env:SECRET"),
            ):
                channel = channels()[wanted.kind]
                assert channel.check(wanted, here.settings) == []
                receipt = await channel.deliver(message, wanted, here)
                assert receipt.confirmed == (wanted.to or (("",) if wanted.kind == "file" else ()))
    assert server.arrived[0].mail["Subject"] == "Test of the digest “Week <in> review”"
    assert len(receiver.requests) == 2
    assert (tmp_path / "digests" / "weekly" / f"{message.key}.html").is_file()
