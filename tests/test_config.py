"""Configuration: all mistakes at once, each with file, line and what would be right; nothing is half-loaded."""

import textwrap
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.base import Source
from monitor.config import (
    Config,
    ConfigErrors,
    Problem,
    load_config,
)
from monitor.config_yaml import parse_yaml

COLLECTORS = ("feed", "youtube")
PLATFORMS = """
platforms:
  - id: web
    name: Open web
    kind: open_web
    access: open
    not_measurable: Reach
    reviewed: 2026-11-22
    routes:
      - {collector: feed, observes: Feeds, evidence: verified}
  - id: youtube
    name: YouTube
    company: Google
    kind: open_network
    player: true
    access: open
    hosts: [youtube.com, youtu.be]
    not_measurable: Watch time
    reviewed: 2026-11-22
    routes:
      - {collector: tube, observes: Statistics, evidence: hint, key: An API key}
"""
TELEHEALTH = """
label: Telehealth
description: Care at a distance
phrases: {en: [telehealth]}
examples: [The clinic offers telehealth]
counter_examples: [He watched television]
"""
GOOD = """
sources:
  - id: who-news
    collector: feed
    platform: web
    url: https://www.who.int/rss-feeds/news-english.xml
    name: WHO news
    content_type: news
    audience: [public_health, nurses]
    country: CH
    language: en
    every: 30m
    options: {}
    verified: false
  - {id: clinic, collector: feed, url: "https://www.youtube.com/feeds/videos.xml?channel_id=x", country: NO, language: no}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    root = tmp_path / "config"
    root.mkdir()
    write(root, "platforms.yaml", PLATFORMS)
    write(root, "sources.yaml", GOOD)
    write(root, "taxonomy/telehealth.yaml", TELEHEALTH)
    write(root, "lexicon.yaml", "words: []\nphrases: []\n")
    return root


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")


def load(root: Path) -> Config:
    return load_config(root, collectors=COLLECTORS)


def problems(root: Path) -> tuple[Problem, ...]:
    with pytest.raises(ConfigErrors) as caught:
        load(root)
    return caught.value.problems


def only(root: Path, sources: str) -> Problem:
    write(root, "sources.yaml", sources)
    (problem,) = problems(root)
    return problem


def entry(**fields: str) -> str:
    known = {"id": "a", "collector": "feed", "platform": "web", "url": "https://a.example/feed", **fields}
    return "sources:\n  -\n" + "".join(f"    {key}: {value}\n" for key, value in known.items())


# --- what is right ------------------------------------------------------------------------------------------------


def test_a_good_directory(directory: Path) -> None:
    config = load(directory)
    clinic, who = config.sources
    assert who == Source(
        id="who-news", collector="feed", platform="web", url="https://www.who.int/rss-feeds/news-english.xml",
        name="WHO news", content_type="news", audience=("nurses", "public_health"), country="CH", language="en",
        every=timedelta(minutes=30), verified=False,
    )  # fmt: skip
    assert (clinic.platform, clinic.country, clinic.language, clinic.every) == ("youtube", "NO", "no", None)
    assert clinic.verified
    assert config.platforms["youtube"].player
    assert [route.implemented for row in config.platforms.values() for route in row.routes] == [True, False]
    assert not config.platforms["youtube"].measurable
    assert config.taxonomy["telehealth"]["label"] == "Telehealth"
    assert "config/sources.yaml" in config.files


def test_more_files_of_sources_add_to_the_first(directory: Path) -> None:
    write(directory, "sources/mine.yaml", "sources: [{id: mine, collector: feed, url: 'https://b.example/feed'}]")
    assert [source.id for source in load(directory).sources] == ["clinic", "mine", "who-news"]


def test_no_sources_at_all_is_allowed(directory: Path) -> None:
    write(directory, "sources.yaml", "sources: []\n")
    assert load(directory).sources == ()


def test_a_directory_with_sources_alone_takes_the_rest_from_the_product(tmp_path: Path) -> None:
    write(tmp_path, "sources.yaml", entry())
    config = load_config(tmp_path, collectors=COLLECTORS)
    assert "linkedin" in config.platforms
    assert any(Path(name).name == "platforms.yaml" for name in config.files)


# --- what is wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "line", "what", "instead"),
    [
        ({"collector": "fedd"}, 4, "source 'a': unknown collector 'fedd'", "did you mean 'feed'?"),
        ({"collector": "gopher"}, 4, "source 'a': unknown collector 'gopher'", "known: feed, youtube"),
        ({"platform": "yuotube"}, 5, "source 'a': unknown platform 'yuotube'", "did you mean 'youtube'?"),
        ({"url": "ftp://a.example/x"}, 6, "source 'a': address 'ftp://a.example/x' has scheme 'ftp'", "use http or https"),
        ({"url": "a.example/feed"}, 6, "source 'a': address 'a.example/feed' has no scheme", "write https://a.example/feed"),
        ({"url": "'https:///feed'"}, 6, "source 'a': address 'https:///feed' has no host", "write the full address"),
        ({"url": "'https://a.example/a b'"}, 6, "source 'a': address 'https://a.example/a b' contains spaces", "replace each"),
        ({"url": "https://a.example:99999/"}, 6, "source 'a': address 'https://a.example:99999/' is malformed", "write the"),
        ({"url": "https://u:p@a.example/"}, 6, "source 'a': the address contains a user name or password", "give keys as"),
        ({"country": "UK"}, 7, "source 'a': 'UK' is not a country code", "write GB"),
        ({"country": "de"}, 7, "source 'a': 'de' is not a country code", "write DE"),
        ({"country": "Germany"}, 7, "source 'a': 'Germany' is not a country code", "write DE"),
        ({"country": "EU"}, 7, "source 'a': 'EU' is not a country code", "leave `country` out"),
        ({"country": "QQ"}, 7, "source 'a': 'QQ' is not a country code", "write for example US"),
        ({"country": "49"}, 7, "source 'a': 49 is not text", "put it in quotes"),
        ({"language": "en-US"}, 7, "source 'a': 'en-US' is not a language code", "write en"),
        ({"language": "German"}, 7, "source 'a': 'German' is not a language code", "write de"),
        ({"language": "jp"}, 7, "source 'a': 'jp' is not a language code", "write ja"),
        ({"content_type": "vidio"}, 7, "source 'a': unknown content type 'vidio'", "did you mean 'video'?"),
        ({"audience": "[physicians, nurse]"}, 7, "source 'a': unknown audience 'nurse'", "did you mean 'nurses'?"),
        ({"audience": "nurses"}, 7, "source 'a': 'nurses' is not a list", "write [nurses]"),
        ({"audience": "[nurses, nurses]"}, 7, "source 'a': 'nurses' appears twice", "keep one of them"),
        ({"every": "30"}, 7, "source 'a': 30 has no unit", "write for example 30m for minutes"),
        ({"every": "5x"}, 7, "source 'a': '5x' is not an interval", "write for example 30m, 2h or 1d"),
        ({"every": "1s"}, 7, "source 'a': '1s' is out of bounds", "write something from 1m to 30d"),
        ({"every": "'61 * * * *'"}, 7, "source 'a': '61 * * * *' looks like a cron line", "`every` is an interval such as"),
        ({"options": "[a]"}, 7, "source 'a': list is not a mapping", "write `name: value` pairs"),
        ({"verified": "yes"}, 7, "source 'a': 'yes' is not true or false", "write true or false"),
        ({"contry": "DE"}, 7, "source 'a': unknown key 'contry'", "did you mean 'country'?"),
        ({"id": "'WHO News'"}, 3, "source 'WHO News': 'WHO News' is not an id", "write 'who-news'"),
        ({"id": "12"}, 3, "source 12: 12 is not text", "put it in quotes"),
    ],
)  # fmt: skip
def test_a_wrong_field(directory: Path, fields: dict[str, str], line: int, what: str, instead: str) -> None:
    problem = only(directory, entry(**fields))
    assert (problem.file, problem.line) == ("config/sources.yaml", line)
    assert problem.what.startswith(what)
    assert problem.instead.startswith(instead)
    assert str(problem) == f"config/sources.yaml:{line}: {problem.what}; {problem.instead}"


def test_missing_fields_are_told_at_the_line_of_the_source(directory: Path) -> None:
    write(directory, "sources.yaml", "sources:\n  - name: x\n")
    assert [(problem.line, problem.what) for problem in problems(directory)] == [
        (2, "'collector' is missing"), (2, "'id' is missing"), (2, "'url' is missing"),
    ]  # fmt: skip


def test_a_source_that_is_not_a_mapping(directory: Path) -> None:
    problem = only(directory, "sources:\n  - https://a.example/feed\n")
    assert (problem.line, problem.what) == (2, "str is not a source")


def test_duplicate_ids_name_both_lines(directory: Path) -> None:
    problem = only(directory, GOOD + "  - {id: who-news, collector: feed, url: 'https://b.example'}\n")
    assert problem.line == 16
    assert problem.what == "source 'who-news' appears twice, first at config/sources.yaml:3"


def test_duplicate_ids_in_two_files(directory: Path) -> None:
    write(directory, "sources/mine.yaml", "sources:\n- {id: clinic, collector: feed, url: 'https://b.example'}\n")
    (problem,) = problems(directory)
    assert (problem.file, problem.line) == ("config/sources/mine.yaml", 2)
    assert problem.what.endswith("first at config/sources.yaml:15")


@pytest.mark.parametrize(
    ("text", "line", "what", "instead"),
    [
        ("sources:\n  - id: a\n    id: b\n", 3, "key 'id' appears twice, first in line 2", "keep one of them"),
        ("sources:\n\t- id: a\n", 2, "a tab is used as indentation", "indent with spaces"),
        ("sources:\n  - id: a\n   url: b\n", 3, "not readable as YAML", "check indentation"),
        ("sources: [\n", 2, "not readable as YAML", "check indentation"),
        ("sources: &a [*a, *b]\n", 1, "not readable as YAML", "check"),
        ("", 1, "the file is empty", "write something"),
        ("- id: a\n", 1, "the top level is not a mapping", "write `name: …` pairs"),
        ("# x\nsurces: []\n", 2, "unknown key 'surces'", "only 'sources' belongs here"),
        ("sources:\n", 1, "'sources' is not a list", "write `sources: []` for none"),
        ("sources: !!python/object:os.system {}\n", 1, "tag 'tag:yaml.org,2002:python/object:os.system'", "delete the tag"),
        ("---\nsources: []\n---\nsources: []\n", 3, "not readable as YAML", "check"),
        ("sources:\n  - id: \x07\n", 2, "control character '\\x07'", "delete it"),
    ],
)  # fmt: skip
def test_ill_formed_files(directory: Path, text: str, line: int, what: str, instead: str) -> None:
    (directory / "sources.yaml").write_text(text, encoding="utf-8")
    found = problems(directory)
    assert {problem.file for problem in found} == {"config/sources.yaml"}
    (problem,) = (problem for problem in found if problem.what.startswith(what))
    assert problem.line == line
    assert problem.instead.startswith(instead)


def test_a_file_that_is_not_utf8(directory: Path) -> None:
    (directory / "sources.yaml").write_bytes(b"sources:\n  - name: caf\xe9\n")
    (problem,) = problems(directory)
    assert (problem.line, problem.what) == (2, "this is not UTF-8 text")


def test_missing_files(directory: Path, tmp_path: Path) -> None:
    (directory / "sources.yaml").unlink()
    (problem,) = problems(directory)
    assert (problem.file, problem.line, problem.what) == ("config/sources.yaml", None, "the file does not exist")
    (problem,) = problems(tmp_path / "nowhere")
    assert problem.what == "the directory does not exist"
    assert "TRENDMONITOR_CONFIG" in problem.instead


def test_an_alias_bomb_ends_quickly(directory: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    write(directory, "sources.yaml", "\n".join(lines))
    assert any(problem.what == "too deep or too large" for problem in problems(directory))


def test_all_mistakes_of_all_files_at_once(directory: Path) -> None:
    write(directory, "sources.yaml", entry(country="UK", every="often", platform="wbe"))
    write(
        directory,
        "platforms.yaml",
        PLATFORMS.replace("kind: open_web", "kind: opn_web").replace("2026-11-22", "soon", 1),
    )
    write(directory, "taxonomy/telehealth.yaml", TELEHEALTH.replace("telehealth]}", "telehealth, 7]}"))
    write(directory, "lexicon.yaml", "words:\n  - why: a reason\n    values: {cancer: -99}\n")
    found = problems(directory)
    assert [(problem.file, problem.line) for problem in found] == [
        ("config/lexicon.yaml", 3),
        ("config/platforms.yaml", 5),
        ("config/platforms.yaml", 8),
        ("config/sources.yaml", 5),
        ("config/sources.yaml", 7),
        ("config/sources.yaml", 8),
        ("config/taxonomy/telehealth.yaml", 4),
    ]
    with pytest.raises(ConfigErrors) as caught:
        load(directory)
    assert str(caught.value).count("\n") == len(found) - 1


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("id: web", "id: Open Web", 3, "platform 'Open Web': 'Open Web' is not a platform id"),
        ("name: Open web", "nmae: Open web", 4, "platform 'web': unknown key 'nmae'"),
        ("access: open\n    not", "access: free\n    not", 6, "platform 'web': unknown access 'free'"),
        ("evidence: verified", "evidence: rumour", 10, "platform 'web': unknown evidence 'rumour'"),
        ("id: youtube", "id: web", 11, "platform 'web' appears twice, first in line 3"),
        ("[youtube.com, youtu.be]", "[https://youtube.com]", 17, "platform 'youtube': 'https://youtube.com' is not a host"),
        ("player: true", "player: yes", 15, "platform 'youtube': 'yes' is not true or false"),
        ("not_measurable: Watch time", "retention: 30 days", 11, "platform 'youtube': 'not_measurable' is missing"),
    ],
)  # fmt: skip
def test_wrong_rows_of_the_access_register(directory: Path, old: str, new: str, line: int, what: str) -> None:
    assert old in PLATFORMS
    write(directory, "platforms.yaml", PLATFORMS.replace(old, new, 1))
    write(directory, "sources.yaml", "sources: []\n")
    found = problems(directory)
    assert any(problem.line == line and problem.what.startswith(what) for problem in found), found


def test_an_unreadable_register_is_not_blamed_on_the_sources(directory: Path) -> None:
    write(directory, "platforms.yaml", "platforms: {\n")
    assert {problem.file for problem in problems(directory)} == {"config/platforms.yaml"}


def test_a_taxonomy_file_holds_one_topic_or_several(directory: Path) -> None:
    both = "".join(f"{topic}:{textwrap.indent(TELEHEALTH, '  ')}" for topic in ("vaccination", "oncology"))
    write(directory, "taxonomy/diseases.yaml", both)
    assert sorted(load(directory).taxonomy) == ["oncology", "telehealth", "vaccination"]
    write(directory, "taxonomy/telehealth_too.yaml", f"telehealth:{textwrap.indent(TELEHEALTH, '  ')}")
    (problem,) = problems(directory)
    assert (problem.file, problem.line) == ("config/taxonomy/telehealth_too.yaml", 1)
    assert problem.what == "topic 'telehealth' appears twice, first at config/taxonomy/telehealth.yaml:2"


def test_dates_and_words_of_old_yaml_stay_text() -> None:
    document, found = parse_yaml(b"[2026-01-02, yes, on, NO, 1:30, 0x1f, 010, 1e3, 1.5, -3, true, null, ~]", "x.yaml")
    assert not found
    assert document is not None
    assert document.value == ["2026-01-02", "yes", "on", "NO", "1:30", "0x1f", "010", "1e3", 1.5, -3, True, None, None]


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused_with_a_line(data: bytes) -> None:
    document, found = parse_yaml(data, "x.yaml")
    assert document is not None or found
    for problem in found:
        assert problem.line is None or 1 <= problem.line <= len(data.splitlines()) + 2
