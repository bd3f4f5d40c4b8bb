"""The claims, references and tag errors of a directory, and those that come with the product."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from monitor.config import Config, ConfigErrors, Problem, load_config
from monitor.config_claims import TAGGED, load_claims
from monitor.config_reading import BUNDLED, Reading
from monitor.core import tag_error
from monitor.core.claim import KINDS, ClaimBook, LevelTest, Posts, Reference, ReferenceTest, TrendTest

REPORT = {
    "trend": """video-rising live-rising influencer-rising ai-rising personalisation-rising compliance-rising
        privacy-rising telehealth-rising digital-marketing-rising chronic-disease-rising patient-centred-rising
        wellness-promotion pinterest-health-rising na-apac-dominance""",
    "level": "region-na-35 region-apac-28 region-eu-25 region-cn-12",
    "rank": """patient-education-leading podcast-depth video-engagement nurse-community physician-networking
        public-health-campaigns region-order""",
    "reference": """growth-13-8 growth-20 growth-25 doximity-users doximity-revenue sermo-valuation meta-users
        telehealth-demand-doximity""",
    "consistency": "growth-consistency region-consistency",
}
"""The report's claims by kind."""
TOPICS, PLATFORMS = ("ai", "telehealth"), ("web",)
CLAIM = """\
says: Telehealth is rising.
segment: topic
kind: trend
order: 3
measure:
  share_of: {topic: telehealth}
supports: A rising share.
limits: [Talk is not use.]
"""
FIGURE = """\
says: Doximity has more than 1.8 million users.
segment: players
kind: reference
measure: {claimed: 1.8 million, unit: members, relation: at_least, figures: [members-2024]}
supports: A filing.
limits: [Its own count.]
"""


@pytest.fixture(scope="module")
def bundled() -> Config:
    return load_config(BUNDLED)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A configuration with claims of its own and everything else as it comes with the product."""
    root = tmp_path / "config"
    (root / "claims").mkdir(parents=True)
    (root / "sources.yaml").write_text("sources: []\n")
    (root / "claims" / "mine.yaml").write_text(CLAIM)
    return root


def load(root: Path) -> tuple[ClaimBook, list[Problem]]:
    reading = Reading(root)
    return load_claims(reading, topics=TOPICS, platforms=PLATFORMS), reading.problems


def good(root: Path) -> ClaimBook:
    book, problems = load(root)
    assert not problems
    return book


# --- what comes with the product ----------------------------------------------------------------------------------


def test_the_claims_of_the_report_by_kind(bundled: Config) -> None:
    assert {kind: {claim.id for claim in bundled.claims.claims if claim.kind == kind} for kind in KINDS} == {
        kind: set(ids.split()) for kind, ids in REPORT.items()
    }
    assert len(bundled.claims.claims) == 35


def test_the_ledger_follows_the_report(bundled: Config) -> None:
    ids = [claim.id for claim in bundled.claims.claims]
    assert (ids[0], ids[11], ids[-1]) == ("video-rising", "patient-education-leading", "telehealth-demand-doximity")
    assert bundled.claims.claims[0].file == "config/claims/video-rising.yaml"


def test_every_bundled_claim_can_be_measured_or_says_why_not(bundled: Config) -> None:
    for claim in bundled.claims.claims:
        assert claim.why_not is None, claim.id
        if isinstance(claim.test, ReferenceTest):
            assert bool(claim.test.figures) != bool(claim.test.why_not), claim.id
            for name in claim.test.figures:
                assert bundled.claims.references[name].unit == claim.test.unit


def test_no_published_figure_is_said_to_be_checked_without_an_address(bundled: Config) -> None:
    for reference in bundled.claims.references.values():
        assert reference.citation
        assert not reference.checked or reference.url, reference.id


def test_levels_and_dominance_are_shares_of_posts_whose_region_is_known(bundled: Config) -> None:
    claims = {claim.id: claim for claim in bundled.claims.claims}
    for name in REPORT["level"].split():
        test = claims[name].test
        assert isinstance(test, LevelTest)
        assert len(test.denominator.any_of[0]["region"]) == 5
        assert "unknown" not in test.denominator.any_of[0]["region"]
    dominance = claims["na-apac-dominance"].test
    assert isinstance(dominance, TrendTest)
    assert (dominance.direction, dominance.majority) == ("not_falling", True)


def test_the_rate_of_pins_counts_pins_alone(bundled: Config) -> None:
    (claim,) = (claim for claim in bundled.claims.claims if claim.id == "pinterest-health-rising")
    assert isinstance(claim.test, TrendTest)
    pins = Posts(({"platform": ("pinterest",)},))
    assert (claim.test.quantity, claim.test.numerator, claim.test.denominator) == ("rate", pins, pins)


def test_tags_whose_error_counts_are_those_that_may_be_measured() -> None:
    assert set(TAGGED) == set(tag_error.TAGGED)


def test_claims_of_a_directory_replace_those_of_the_product(directory: Path) -> None:
    (directory / "claims" / "another.yaml").write_text(CLAIM.replace("order: 3\n", ""))
    (directory / "claims" / "first.yaml").write_text(CLAIM.replace("order: 3", "order: 1"))
    book = good(directory)
    assert [claim.id for claim in book.claims] == ["first", "mine", "another"]
    assert book.claims[1].file == "config/claims/mine.yaml"
    assert "meta-family-daily-2024-12" in book.references


def test_references_and_tag_errors_of_a_directory(directory: Path) -> None:
    (directory / "references.yaml").write_text(
        "references:\n- {id: a, what: Users, value: 2.5 billion, unit: people, dated: '2024', citation: C, checked: true}"
    )
    (directory / "tag_errors.yaml").write_text(
        "tag_errors:\n- {dimension: live, value: true, sensitivity: 45 of 50, specificity: 99 of 100, sample: S}\n"
        "- {dimension: topic, value: ai, sensitivity: 5 of 5, specificity: 9 of 10, sample: S}\n"
    )
    book = good(directory)
    assert book.references == {"a": Reference("a", "Users", 2.5e9, "people", "2024", "C", None, checked=True)}
    assert [(one.dimension, one.value, one.sensitivity) for one in book.tag_errors] == [
        ("live", "true", (45, 50)), ("topic", "ai", (5, 5)),
    ]  # fmt: skip


def test_a_bundled_claim_on_names_that_the_directory_does_without_is_not_measurable(directory: Path) -> None:
    shutil.rmtree(directory / "claims")
    (directory / "references.yaml").write_text("references: []\n")
    claims = {claim.id: claim for claim in good(directory).claims}
    assert len(claims) == 35
    assert claims["telehealth-rising"].why_not is None
    assert claims["video-rising"].why_not is None
    assert "the taxonomy has no topic 'privacy'" in (claims["privacy-rising"].why_not or "")
    assert "platforms.yaml has no platform 'pinterest'" in (claims["pinterest-health-rising"].why_not or "")
    assert "the taxonomy has no topic 'research'" in (claims["physician-networking"].why_not or "")
    beside = claims["telehealth-demand-doximity"]
    assert isinstance(beside.test, ReferenceTest)
    assert (beside.why_not, beside.test.context) == (None, None)
    assert "references.yaml has no 'doximity-members-2024'" in (claims["doximity-users"].why_not or "")


def test_nothing_is_loaded_where_one_claim_is_wrong(directory: Path) -> None:
    (directory / "claims" / "wrong.yaml").write_text(CLAIM.replace("telehealth}", "telehelth}"))
    (directory / "claims" / "old.yml").write_text(CLAIM)
    (directory / "sources.yaml").write_text("sources: 3\n")
    with pytest.raises(ConfigErrors) as caught:
        load_config(directory, collectors=("feed", "youtube"))
    assert [(problem.file, problem.line, problem.what) for problem in caught.value.problems] == [
        ("config/claims/old.yml", None, "only *.yaml is read"),
        ("config/claims/wrong.yaml", 6, "unknown topic 'telehelth'"),
        ("config/sources.yaml", 1, "'sources' is not a list"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("id: a", "id: A b", 2, "'A b' is not an id"),
        ("  what: W\n", "", 2, "'what' is missing"),
        ("value: 2 million", "value: many", 4, "'many' is not a number"),
        ("dated: 2024-03-31", "dated: March", 6, "'March' is not a day, month or year"),
        ("dated: 2024-03-31", "dated: 2024-13", 6, "'2024-13' is not a day, month or year"),
        ("checked: false", "checked: soon", 8, "'soon' is not true or false"),
        ("  checked: false\n", "", 2, "'checked' is missing"),
        ("checked: false", "url: sec.gov\n  checked: false", 8, "'sec.gov' is not a web address"),
        ("checked: false", "checked: false\n  page: 3", 9, "unknown key 'page'"),
        ("checked: false", "checked: false\n- 7", 9, "int is not a reference"),
    ],
)
def test_a_mistake_in_the_references(directory: Path, old: str, new: str, line: int, what: str) -> None:
    rows = "references:\n- id: a\n  what: W\n  value: 2 million\n  unit: x\n  dated: 2024-03-31\n  citation: C\n  checked: false\n"
    assert old in rows
    (directory / "references.yaml").write_text(rows.replace(old, new))
    (problem,) = load(directory)[1]
    assert (problem.file, problem.line) == ("config/references.yaml", line)
    assert problem.what.startswith(what)


def test_two_references_of_one_id(directory: Path) -> None:
    row = "- {id: a, what: W, value: 1, unit: x, dated: '2024', citation: C, checked: false}\n"
    (directory / "references.yaml").write_text("references:\n" + row + row)
    (problem,) = load(directory)[1]
    assert (problem.line, problem.what) == (3, "reference 'a' appears twice")


def test_faulty_references_are_not_blamed_on_the_claims(directory: Path) -> None:
    (directory / "claims" / "mine.yaml").write_text(FIGURE)
    (directory / "references.yaml").write_text("references: [{id: other}]\n")
    assert {problem.file for problem in load(directory)[1]} == {"config/references.yaml"}


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("dimension: topic", "dimension: platform", "unknown dimension 'platform'"),
        ("value: ai", "value: aii", "unknown topic 'aii'"),
        ("value: ai", "value: [ai, telehealth]", "2 values in one row"),
        ("sensitivity: 45 of 50", "sensitivity: 51 of 50", "'51 of 50' is not a count"),
        ("sensitivity: 45 of 50", "sensitivity: 90 %", "'90 %' is not a count"),
        ("specificity: 99 of 100", "specificity: 0 of 0", "'0 of 0' is not a count"),
        ("sensitivity: 45 of 50", "sensitivity: 0 of 50", "this tag is no better than chance"),
        ("sample: S", "smaple: S", "'sample' is missing"),
    ],
)
def test_a_mistake_in_the_tag_errors(directory: Path, old: str, new: str, what: str) -> None:
    row = "dimension: topic, value: ai, sensitivity: 45 of 50, specificity: 99 of 100, sample: S"
    (directory / "tag_errors.yaml").write_text("tag_errors:\n- {" + row.replace(old, new) + "}\n")
    assert any(problem.line == 2 and problem.what.startswith(what) for problem in load(directory)[1])


def test_two_rows_for_one_tag(directory: Path) -> None:
    row = "- {dimension: topic, value: ai, sensitivity: 4 of 5, specificity: 9 of 10, sample: S}\n"
    (directory / "tag_errors.yaml").write_text("tag_errors:\n" + row + row)
    (problem,) = load(directory)[1]
    assert (problem.line, problem.what) == (3, "topic 'ai' appears twice")
