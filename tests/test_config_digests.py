"""config/digests.yaml: what is read, what is refused with its line and remedy, and what the machine decides later."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from monitor.config import Config, ConfigErrors, load_config
from monitor.config_digests import ALWAYS, LOCALES, digest_from_mapping, digest_to_mapping, form_problems
from monitor.config_posts import Names
from monitor.config_reading import BUNDLED
from monitor.core.digest import SECTIONS, ChannelSpec, DigestSpec
from monitor.core.schedule import parse_schedule
from monitor.deliver import channels

NAMES = Names({"telehealth": {}}, {"web": {}})
FULL = """\
digests:
  - id: nurses
    title: Content for nurses
    schedule: weekly on monday 08:00 Europe/Berlin
    filters: {audience: [nurses, physicians], region: europe, topic: telehealth}
    sections: [movers, claims]
    locale: de
    quiet: if_changed
    grace: 1d12h
    channels:
      - kind: email
        to: [reader@example.org, other@example.org]
      - kind: chat
        to: env:SLACK_URL
      - kind: webhook
        to: [https://example.org/hook]
        options: {secret: env:WEBHOOK_SECRET}
      - file
  - id: daily
    title: All of it
    schedule: 0 7 * * *
    channels: [{kind: atom}]
"""


def config(folder: Path, text: str | None) -> Config:
    (folder / "sources.yaml").write_text("sources: []\n")
    if text is not None:
        (folder / "digests.yaml").write_text(text)
    return load_config(folder)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        config(folder, text)
    return [str(one).partition("/")[2] for one in caught.value.problems]


def test_every_key_is_read(tmp_path: Path) -> None:
    daily, nurses = config(tmp_path, FULL).digests
    assert (daily.id, daily.sections, daily.grace) == ("daily", SECTIONS, timedelta(hours=12))
    assert nurses == DigestSpec(
        id="nurses",
        title="Content for nurses",
        schedule="weekly on monday 08:00 Europe/Berlin",
        channels=(
            ChannelSpec("email", ("reader@example.org", "other@example.org")),
            ChannelSpec("chat", ("env:SLACK_URL",)),
            ChannelSpec("webhook", ("https://example.org/hook",), {"secret": "env:WEBHOOK_SECRET"}),
            ChannelSpec("file"),
        ),
        filters={"audience": ("nurses", "physicians"), "region": ("europe",), "topic": ("telehealth",)},
        sections=("headline", "claims", "movers", "coverage", "method"),
        locale="de",
        quiet="if_changed",
        grace=timedelta(hours=36),
    )
    assert set(ALWAYS) <= set(nurses.sections)


def test_without_the_file_there_are_no_digests(tmp_path: Path) -> None:
    assert config(tmp_path, None).digests == ()
    assert config(tmp_path, "digests: []\n").digests == ()


def test_what_comes_with_the_product_works_without_any_setting() -> None:
    (weekly,) = load_config(BUNDLED).digests
    assert (weekly.id, [one.kind for one in weekly.channels]) == ("weekly", ["file", "atom"])
    parse_schedule(weekly.schedule)
    text = (BUNDLED / "digests.yaml").read_text()
    example = re.sub(r"(?m)^  # ?", "  ", text[text.index("  # - id: nurses") :])
    (nurses,) = yaml.safe_load(f"digests:\n{example}")["digests"]
    assert isinstance(digest_from_mapping(nurses, names=NAMES), DigestSpec), "the commented example is right too"


def test_every_mistake_of_a_file_is_told_with_its_line_and_remedy(tmp_path: Path) -> None:
    text = """\
digests:
  - id: Bad Id
    titel: x
    schedule: weekly on moonday 08:00
    channels:
      - kind: emial
      - kind: email
        to: [nobody]
      - kind: webhook
        to: [https://example.org/hook]
      - kind: file
        to: ../../etc
        options: {format: html}
      - kind: file
      - kind: file
    filters: {audience: nurse, topik: x, topic: telehelth}
    sections: [claims, movrs]
    locale: xx
    quiet: sometimes
    grace: 5
  - id: twice
    title: a
    schedule: daily 25:00
    channels: []
  - id: zone
    title: a
    schedule: 0 8 * * 1 Europe/Berln
    channels: [file]
  - text
digest: []
"""
    found = problems(tmp_path, text)
    expected = """\
digests.yaml:2: digest 'Bad Id': 'Bad Id' is not an id; use small letters, digits and hyphens, such as nurses-weekly
digests.yaml:2: digest 'Bad Id': 'title' is missing; add `title: Health content this week`
digests.yaml:3: digest 'Bad Id': unknown key 'titel'; did you mean 'title'?
digests.yaml:4: digest 'Bad Id': 'moonday' is not a day of the week; did you mean 'monday'?
digests.yaml:6: digest 'Bad Id': unknown kind 'emial'; did you mean 'email'?
digests.yaml:15: digest 'Bad Id': the same channel appears twice; keep one of them
digests.yaml:16: digest 'Bad Id': unknown audience 'nurse'; did you mean 'nurses'?
digests.yaml:16: digest 'Bad Id': unknown dimension 'topik'; did you mean 'topic'?
digests.yaml:16: digest 'Bad Id': unknown topic 'telehelth'; did you mean 'telehealth'?
digests.yaml:17: digest 'Bad Id': unknown section 'movrs'; did you mean 'movers'?
digests.yaml:18: digest 'Bad Id': unknown locale 'xx'; known: de, en, es, fr, it, pt
digests.yaml:19: digest 'Bad Id': unknown quiet 'sometimes'; known: always, if_changed
digests.yaml:23: digest 'twice': '25:00' is not a time of day; write hours and minutes from 00:00 to 23:59
digests.yaml:24: digest 'twice': 'channels' is not a list of channels; write 1 to 20, as [{kind: file}]
digests.yaml:27: digest 'zone': '0 8 * * 1 Europe/Berln': 'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'?
digests.yaml:29: str is not a digest; write `id: …`, `schedule: …` and so on
digests.yaml:30: unknown key 'digest'; only 'digests' belongs here"""
    assert [one for one in expected.splitlines() if one not in found] == []
    rest = [one for one in found if one not in expected.splitlines()]
    assert [one.partition(": digest 'Bad Id': ")[0] for one in rest] == [
        "digests.yaml:7",
        "digests.yaml:9",
        "digests.yaml:11",
        "digests.yaml:11",
        "digests.yaml:20",
    ]
    assert "not a mail address" in rest[0]
    assert "secret: env:WEBHOOK_SECRET" in rest[1]
    assert any("no option 'format'; did you mean 'formats'?" in one for one in rest)
    assert any("not a folder below TRENDMONITOR_HOME/digests" in one for one in rest)


def test_a_second_digest_of_one_id_and_another_suffix_are_told(tmp_path: Path) -> None:
    two = "  - {id: a, title: a, schedule: daily 08:00, channels: [file]}\n" * 2
    assert problems(tmp_path, f"digests:\n{two}") == [
        "digests.yaml:3: digest 'a' appears twice; give one of them another id"
    ]
    (tmp_path / "digests.yaml").rename(tmp_path / "digests.yml")
    (problem,) = problems_of(tmp_path)
    assert "digests.yml" in problem
    assert "rename it to digests.yaml" in problem


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load_config(folder)
    return [str(one) for one in caught.value.problems]


def test_what_belongs_to_the_machine_is_no_mistake_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that are not set here, and a mail server that is not set up, may be there where the service runs."""
    monkeypatch.delenv("SLACK_URL", raising=False)
    right = [
        ChannelSpec("chat", ("env:SLACK_URL",)),
        ChannelSpec("email", ("a@example.org",)),
        ChannelSpec("webhook", ("env:HOOK",), {"secret": "env:KEY"}),
        ChannelSpec("file", ("env:FOLDER",)),
        ChannelSpec("atom"),
    ]
    assert {one.kind for one in right} == set(channels())
    assert [form_problems(one) for one in right] == [[]] * len(right)
    assert form_problems(ChannelSpec("chat", ("slack://a/b/c",))) != []


@pytest.mark.parametrize("changes", [{}, {"locale": "pt", "quiet": "if_changed", "grace": "1h30m"}])
def test_a_digest_is_written_as_it_is_read(changes: dict[str, str]) -> None:
    given = {
        "id": "a",
        "title": "A",
        "schedule": "daily 08:00 UTC",
        "filters": {"audience": ["nurses", "physicians"], "country": "DE"},
        "sections": ["signals"],
        "channels": [
            {"kind": "email", "to": ["a@example.org"], "options": {"reply_to": "b@example.org"}},
            {"kind": "file"},
        ],
        **changes,
    }
    spec = digest_from_mapping(given, names=NAMES, declared=False)
    assert isinstance(spec, DigestSpec)
    assert not spec.declared
    assert digest_to_mapping(spec) == given
    assert digest_from_mapping(digest_to_mapping(spec), names=NAMES, declared=False) == spec
    assert set(LOCALES) == {"en", "de", "fr", "es", "it", "pt"}


@pytest.mark.parametrize(
    "odd", [None, 3, [], "x", {"channels": {"kind": "file"}}, {"channels": [None, 3, {"kind": 4}]}]
)
def test_odd_input_is_told_and_never_raises(odd: object) -> None:
    found = digest_from_mapping(odd, names=NAMES)
    assert isinstance(found, list)
    assert all(error.what and error.instead for error in found)
