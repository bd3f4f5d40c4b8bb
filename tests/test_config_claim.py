"""One claim file: what a good one becomes, and what a person is told who makes a mistake in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import ConfigErrors, Problem
from monitor.config_claim import KEYS as KEYS_OF_A_CLAIM
from monitor.config_claim import SEGMENTS, claim_from_mapping
from monitor.config_claims import claim_from_file
from monitor.config_posts import Names
from monitor.core.claim import (
    ALL_POSTS,
    KINDS,
    Claim,
    ConsistencyTest,
    LevelTest,
    Posts,
    RankTest,
    Reference,
    ReferenceTest,
    TrendTest,
)
from monitor.core.query import FILTERS

REFERENCE = Reference("doximity-2024", "Members", 2e6, "members", "2024-03-31", "Form 10-K", None, checked=False)
NAMES = Names(topics=("ai", "telehealth"), platforms=("web", "pinterest"), references={REFERENCE.id: REFERENCE})

TREND = """\
says: Telehealth is rising.
segment: topic
kind: trend
order: 3
measure:
  share_of: {topic: telehealth}
  among:
    - {platform: web, live: false}
    - {country: [DE, GB], language: de}
  direction: falling
  smallest_change: 15 % a year
  expected_change: -20 % a year
  weeks: 78
supports: A falling share.
limits:
  - Talk is not use.
"""
LEVEL = """\
says: Europe holds 25 %.
segment: region
kind: level
measure:
  share_of: {region: europe}
  among: {region: [europe, asia_pacific]}
  claimed: 25 %
  tolerance: 4 points
  speaks_of: posts
supports: A share near it.
limits: [A sample.]
"""
RANK = """\
says: Podcasts are longer.
segment: content type
kind: rank
measure:
  picked_from_data: true
  comparisons:
    - measured: duration
      within_sources: true
      higher: {label: Podcasts, among: {content_type: podcast}}
      lower:
        - {label: Videos, among: {content_type: video}}
        - {label: News, among: {content_type: news}}
    - higher: {label: Nurses, share_of: {topic: ai}, among: {audience: nurses}}
      lower: {label: Others, share_of: {topic: ai}, among: {audience: other}}
supports: Longer ones.
limits: [A sample.]
"""
FIGURE = """\
says: Doximity has more than 1.8 million users.
segment: players
kind: reference
measure:
  claimed: 1.8 million
  unit: members
  relation: at_least
  figures: [doximity-2024]
  context: {rate_of: {platform: pinterest}}
supports: A filing.
limits: [Its own count.]
"""
SUMS = """\
says: The shares don't fit.
segment: region
kind: consistency
measure:
  unit: '%'
  sums:
    - name: all
      relation: sums_to
      values: {North America: 35, Rest: 65.0}
      target: 100
      tolerance: 0.5
    - name: two
      relation: differ
      values: {one: 13.8, other: 20}
supports: A sum.
limits: [Only numbers.]
"""


def read(text: str, path: Path) -> Claim:
    path.write_text(text, encoding="utf-8")
    return claim_from_file(
        path, topics=("ai", "telehealth"), platforms=("web", "pinterest"), references={REFERENCE.id: REFERENCE}
    )


# --- what is right ------------------------------------------------------------------------------------------------


def test_a_trend(tmp_path: Path) -> None:
    claim = read(TREND, tmp_path / "telehealth-falls.yaml")
    assert claim.id == "telehealth-falls"
    assert claim.file == str(tmp_path / "telehealth-falls.yaml")
    assert claim.test == TrendTest(
        numerator=Posts(({"topic": ("telehealth",)},)),
        denominator=Posts((
            {"platform": ("web",), "live": ("false",)}, {"country": ("DE", "GB"), "language": ("de",)},
        )),
        direction="falling", smallest=0.15, expected=-0.20, weeks=78,
    )  # fmt: skip


def test_a_trend_of_few_words_takes_the_defaults(tmp_path: Path) -> None:
    text = TREND[: TREND.index("  among")] + TREND[TREND.index("supports") :]
    assert read(text, tmp_path / "a.yaml").test == TrendTest(Posts(({"topic": ("telehealth",)},)))


def test_a_level(tmp_path: Path) -> None:
    assert read(LEVEL, tmp_path / "a.yaml").test == LevelTest(
        numerator=Posts(({"region": ("europe",)},)),
        claimed=0.25,
        denominator=Posts(({"region": ("asia_pacific", "europe")},)),
        tolerance=0.04,
        population="posts",
    )


def test_a_rank_against_a_list_is_one_comparison_for_each(tmp_path: Path) -> None:
    test = read(RANK, tmp_path / "a.yaml").test
    assert isinstance(test, RankTest)
    assert test.picked
    assert [(one.higher.label, one.lower.label, one.measured, one.within) for one in test.comparisons] == [
        ("Podcasts", "Videos", "duration", True),
        ("Podcasts", "News", "duration", True),
        ("Nurses", "Others", "share", False),
    ]
    assert test.comparisons[0].higher.numerator == ALL_POSTS
    assert test.comparisons[2].lower.denominator == Posts(({"audience": ("other",)},))


def test_a_reference_and_its_context(tmp_path: Path) -> None:
    test = read(FIGURE, tmp_path / "a.yaml").test
    assert isinstance(test, ReferenceTest)
    assert (test.claimed, test.relation, test.tolerance) == (1.8e6, "at_least", 0.0)
    assert test.figures == ("doximity-2024",)
    assert test.context is not None
    assert test.context.quantity == "rate"
    about = read(FIGURE.replace("at_least", "about"), tmp_path / "a.yaml").test
    assert isinstance(about, ReferenceTest)
    assert about.tolerance == 0.10


def test_arithmetic(tmp_path: Path) -> None:
    test = read(SUMS, tmp_path / "a.yaml").test
    assert isinstance(test, ConsistencyTest)
    assert [(one.relation, dict(one.values), one.target, one.tolerance) for one in test.sums] == [
        ("sums_to", {"North America": 35.0, "Rest": 65.0}, 100.0, 0.5),
        ("differ", {"one": 13.8, "other": 20.0}, None, 0.0),
    ]


# --- what is wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "old", "new", "line", "what", "instead"),
    [
        (TREND, "says: T", "sais: T", 1, "unknown key 'sais'", "did you mean 'says'?"),
        (TREND, "rising.", "rising", 1, "'says' is not a whole sentence", "end it with a full stop"),
        (TREND, "says: Telehealth is rising.", "says: 12", 1, "12 is not text", "write a few words"),
        (TREND, "segment: topic", "segment: topics", 2, "unknown segment 'topics'", "did you mean 'topic'?"),
        (TREND, "kind: trend", "kind: trent", 3, "unknown kind 'trent'", "did you mean 'trend'?"),
        (TREND, "kind: trend", "kind:", 1, "'kind' is missing", "add `kind: trend`"),
        (TREND, "kind: trend", "id: x\nkind: trend", 3, "a claim has no key 'id'", "delete it: the name of the file"),
        (TREND, "order: 3", "order: third", 4, "'third' is not a number of the claim's place", "write a whole number"),
        (TREND, "  - Talk is not use.", "  - Talk: not use.", 16, "the colon after 'Talk' makes this", "put the sentence"),
        (TREND, "limits:\n  - Talk is not use.", "limits: None.", 15, "'limits' is not a list of sentences", "write one"),
        (TREND, "limits:\n  - Talk is not use.\n", "", 1, "'limits' is missing", "add `limits: […]`"),
        (TREND, "  share_of:", "  share:", 5, "'share_of' is missing", "add `share_of:"),
        (TREND, "{topic: telehealth}", "{topic: telehelth}", 6, "unknown topic 'telehelth'", "did you mean 'telehealth'?"),
        (TREND, "{topic: telehealth}", "{topc: telehealth}", 6, "unknown dimension 'topc'", "did you mean 'topic'?"),
        (TREND, "{topic: telehealth}", "{topic: [ai, ai]}", 6, "'ai' appears twice", "keep one of them"),
        (TREND, "{topic: telehealth}", "{topic: []}", 6, "'topic' has 0 values", "write 1 to 100"),
        (TREND, "{topic: telehealth}", "{topic: 7}", 6, "'7' is not a value of 'topic'", "write a name, in quotes"),
        (TREND, "{topic: telehealth}", "{}", 6, "an empty filter does not say which posts", "write {content_type: video}"),
        (TREND, "{topic: telehealth}", "telehealth", 6, "'telehealth' does not say which posts", "write {content_type"),
        (TREND, "{topic: telehealth}", "[ai]", 6, "'ai' is not a filter", "write for example"),
        (TREND, "{topic: telehealth}", "all", 6, "this share is always 100 %", "narrow `share_of`"),
        (TREND, "live: false", "live: no", 8, "unknown live 'no'", "known: false, true"),
        (TREND, "platform: web", "platform: wbe", 8, "unknown platform 'wbe'", "did you mean 'web'?"),
        (TREND, "[DE, GB]", "[DE, UK]", 9, "'UK' is not a country code", "write GB"),
        (TREND, "[DE, GB]", "Germany", 9, "'Germany' is not a country code", "write DE"),
        (TREND, "[DE, GB]", "QQ", 9, "'QQ' is not a country code", "write for example US"),
        (TREND, "language: de", "language: german", 9, "'german' is not a language code", "write for example en"),
        (TREND, "language: de", "source: a b", 9, "'a b' is not the id of a source", "write it as"),
        (TREND, "direction: falling", "direction: down", 10, "unknown direction 'down'", "known: falling, not_falling"),
        (TREND, "15 % a year", "0.15", 11, "'0.15' is not a percentage", "write 15 %"),
        (TREND, "15 % a year", "15", 11, "'15' is not a percentage", "write 15 %"),
        (TREND, "15 % a year", "15,5 %", 11, "'15,5 %' is not a percentage", "write for example 10 % a year"),
        (TREND, "15 % a year", "0 %", 11, "'0 %' is out of bounds", "write something from 0.1 %"),
        (TREND, "-20 % a year", "20 % a year", 12, "its sign does not fit the direction", "write a minus"),
        (TREND, "weeks: 78", "weeks: 26", 13, "'26' is not a number of weeks", "write a whole number from 52 to 520"),
        (TREND, "weeks: 78", "majority: true", 13, "'majority' belongs to a share that is not_falling", "delete it"),
        (TREND, "weeks: 78", "rate_of: all", 13, "'share_of' and 'rate_of' exclude each other", "keep one"),
        (TREND, "weeks: 78", "claimed: 3 %", 13, "unknown key 'claimed'", "known: all_posts_together, among"),
        (TREND, "weeks: 78", "all_posts_together: yes", 13, "'yes' is not true or false", "write true or false"),
        (LEVEL, "region: europe}", "region: eurpe}", 5, "unknown region 'eurpe'", "did you mean 'europe'?"),
        (LEVEL, "[europe, asia_pacific]", "asia_pacific", 5, "no post of 'among' can be in 'share_of'", "widen `among`"),
        (LEVEL, "[europe, asia_pacific]", "europe", 5, "this share is always 100 %", "narrow"),
        (LEVEL, "claimed: 25 %", "claimed: 120 %", 7, "'120 %' is out of bounds", "write something from 0.1 % to 99.9 %"),
        (LEVEL, "  claimed: 25 %\n", "", 4, "'claimed' is missing", "add `claimed: 35 %`"),
        (LEVEL, "4 points", "4 %", 8, "'4 %' is not a number of points", "write for example 5 points"),
        (LEVEL, "speaks_of: posts", "speaks_of: post", 9, "unknown speaks_of 'post'", "did you mean 'posts'?"),
        (RANK, "measured: duration", "measured: length", 7, "unknown measured 'length'", "known: duration"),
        (RANK, "among: {content_type: podcast}", "share_of: all", 9, "a mean (duration) has no share", "name the posts"),
        (RANK, "{label: News, among: {content_type: news}}", "{label: News}", 12, "'among' is missing", "add `among"),
        (RANK, "content_type: news", "content_type: podcast", 12, "both sides are the same posts", "change one of them"),
        (RANK, "label: News", "label: Podcasts", 12, "both sides have one label", "name them differently"),
        (RANK, "label: Others, share_of: {topic: ai},", "label: Others,", 14, "'share_of' is missing", "add"),
        (RANK, "    - higher: {label: Nurses", "    - hi: {label: Nurses", 13, "'higher' is missing", "add"),
        (RANK, "measured: duration\n", "measured: duration\n    - all\n    -\n", 8, "str is not a comparison", "write"),
        (FIGURE, "claimed: 1.8 million", "claimed: 1.8m", 5, "'1.8m' is not a number", "write digits with a point"),
        (FIGURE, "claimed: 1.8 million", "claimed: true", 5, "'True' is not a number", "write digits with a point"),
        (FIGURE, "at_least", "atleast", 7, "unknown relation 'atleast'", "did you mean 'at_least'?"),
        (FIGURE, "[doximity-2024]", "[doximity-2023]", 8, "there is no reference 'doximity-2023'", "did you mean"),
        (FIGURE, "[doximity-2024]", "doximity-2024", 8, "'figures' is not a list", "write ids of references.yaml"),
        (FIGURE, "unit: members", "unit: users", 8, "'doximity-2024' is in 'members', the claim in 'users'", "use one unit"),
        (FIGURE, "  figures: [doximity-2024]\n", "", 4, "'figures' is missing", "name ids of references.yaml, or say"),
        (FIGURE, "  context", "  why_not: No.\n  context", 9, "'why_not' and 'figures' exclude each other", "keep one"),
        (FIGURE, "{rate_of: {platform: pinterest}}", "{rate_of: {platform: x}}", 9, "unknown platform 'x'", "known:"),
        (SUMS, "relation: sums_to", "relation: sums", 8, "unknown relation 'sums'", "did you mean 'sums_to'?"),
        (SUMS, "      target: 100\n", "", 7, "'target' is missing", "add `target: 100`"),
        (SUMS, "relation: differ", "target: 3\n      relation: differ", 13, "'differ' has no target", "delete it"),
        (SUMS, "{one: 13.8, other: 20}", "{one: 13.8}", 14, "one value can't disagree with anything", "write at least two"),
        (SUMS, "one: 13.8", "one: 13.8 %", 14, "'13.8 %' is not a number", "write digits"),
        (SUMS, "tolerance: 0.5", "tolerance: -1", 11, "a tolerance is not negative", "write 0 or more"),
        (SUMS, "unit: '%'", "unit: ''", 5, "'' is not text", "write a few words"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_claim(
    tmp_path: Path, text: str, old: str, new: str, line: int, what: str, instead: str
) -> None:
    assert text.count(old) >= 1
    path = tmp_path / "mine.yaml"
    with pytest.raises(ConfigErrors) as caught:
        read(text.replace(old, new, 1), path)
    found = caught.value.problems
    assert any(
        problem.file == str(path)
        and problem.line == line
        and problem.what.startswith(what)
        and problem.instead.startswith(instead)
        for problem in found
    ), "\n".join(map(str, found))


def test_mistakes_of_one_file_are_told_together(tmp_path: Path) -> None:
    text = TREND.replace("topic: telehealth", "topic: x").replace("78", "1").replace("segment: topic", "segment: x")
    with pytest.raises(ConfigErrors) as caught:
        read(text, tmp_path / "a.yaml")
    assert [problem.line for problem in caught.value.problems] == [2, 6, 13]


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "says: \x07\n"])
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigErrors):
        read(text, tmp_path / "a.yaml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="the file does not exist"):
        claim_from_file(tmp_path / "a.yaml", topics=(), platforms=(), references={})


def test_the_file_name_is_the_id(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match=r"'My Claim' is no id of a claim; use small letters"):
        read(TREND, tmp_path / "My Claim.yaml")


# --- anything at all ----------------------------------------------------------------------------------------------

WORDS = [
    *(word for kind in (TREND, LEVEL, RANK, FIGURE, SUMS) for word in yaml.safe_load(kind)["measure"]),
    *FILTERS, *SEGMENTS, *KINDS, "all", "10 %", "5 points", "1.8 million", "2 of 3", "video", "ai", "unknown", "label",
    "higher", "lower", "name", "values", "target", "relation", "rising", "about", "share", "doximity-2024", "",
]  # fmt: skip
SCALARS = st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = st.sampled_from(WORDS) | st.text(max_size=3)
ANYTHING = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4), max_leaves=12
)


@st.composite
def disturbed(draw: st.DrawFn) -> dict[str, Any]:
    """A good claim in which some values, at any depth, became something else."""
    data: dict[str, Any] = yaml.safe_load(draw(st.sampled_from((TREND, LEVEL, RANK, FIGURE, SUMS))))

    def walk(value: Any) -> Any:
        if draw(st.integers(0, 12)) == 0:
            return draw(ANYTHING)
        if isinstance(value, dict):
            return {draw(KEYS) if draw(st.integers(0, 25)) == 0 else key: walk(below) for key, below in value.items()}
        return [walk(below) for below in value] if isinstance(value, list) else value

    return {key: walk(value) for key, value in data.items()}


@given(disturbed() | ANYTHING)
def test_any_value_makes_a_claim_or_a_list_of_mistakes(data: Any) -> None:
    found = claim_from_mapping(data, claim_id="x", file="x.yaml", names=NAMES)
    if isinstance(found, list):
        assert found
        assert all(error.what and error.instead for error in found)
    else:
        claim, order = found
        assert isinstance(claim, Claim)
        assert order >= 1
        assert claim.says
        assert claim.limits


@given(
    st.text(max_size=200).map(str.encode)
    | st.binary(max_size=80)
    | disturbed().map(lambda data: yaml.safe_dump(data).encode())
)
def test_any_file_is_read_or_refused_with_reasons(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    names = {"topics": ("ai", "telehealth"), "platforms": ("web",), "references": {}}
    problems = _problems(path, names)
    assert problems is None or problems


def _problems(path: Path, names: dict[str, Any]) -> tuple[Problem, ...] | None:
    """What is wrong with a file; None if it is a claim."""
    try:
        claim = claim_from_file(path, **names)
    except ConfigErrors as error:
        return error.problems
    return None if claim.id == path.stem else ()


# --- the description ----------------------------------------------------------------------------------------------

DOCS = Path(__file__).parents[1] / "docs" / "claims.md"


def test_the_examples_of_the_description_are_claims() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    names = Names(topics=("workforce",))
    found = [claim_from_mapping(yaml.safe_load(text), claim_id="x", file="", names=names) for text in examples]
    assert [claim[0].kind for claim in found if isinstance(claim, tuple)] == ["trend", "rank", "consistency"]


def test_every_key_is_described() -> None:
    described = set(re.findall(r"`(\w+)`", DOCS.read_text()))
    assert described >= {*FILTERS, *SEGMENTS, *KINDS, *KEYS_OF_A_CLAIM} - {"content type"}
