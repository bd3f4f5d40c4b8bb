"""Countries, regions and places: right ones, false friends, abstentions."""

from __future__ import annotations

import pycountry
import pytest

from monitor.core.model import REGIONS
from monitor.core.phrases import Matcher, clean
from monitor.core.places import Named, code_of, country_in_text, country_of_location, phrases
from monitor.core.region import COUNTRIES, region_of, translations


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher.build(phrases())


def named(matcher: Matcher, title: str, lead: str = "", language: str | None = "en") -> Named | None:
    title = clean(title)
    text = f"{title} | {clean(lead)}"
    return country_in_text(text, matcher.find(text), language, body_at=len(title) + 3, body_end=len(text))


# ── regions ─────────────────────────────────────────────────────────────────────────────────────────────────

REPORT = {
    "north_america": "US CA",
    "europe": "DE FR GB IT RU",
    "asia_pacific": "CN JP KR IN AU TW ID TH MY",
    "latin_america": "MX BR AR CO",
    "middle_east_africa": "TR SA AE",
}


@pytest.mark.parametrize(("region", "codes"), REPORT.items())
def test_the_report_s_countries_lie_where_the_report_says(region: str, codes: str) -> None:
    assert {region_of(code) for code in codes.split()} == {region}


@pytest.mark.parametrize(
    ("code", "region"),
    [("ES", "europe"), ("UA", "europe"), ("CY", "europe"), ("XK", "europe"), ("NZ", "asia_pacific"), ("FJ", "asia_pacific"), ("KZ", "asia_pacific"), ("PK", "asia_pacific"),
     ("IL", "middle_east_africa"), ("IR", "middle_east_africa"), ("EG", "middle_east_africa"), ("NG", "middle_east_africa"), ("GE", "middle_east_africa"),
     ("CU", "latin_america"), ("PR", "latin_america"), ("GL", "north_america"), ("AQ", "unknown"), ("ZZ", "unknown"), (None, "unknown")],
)  # fmt: skip
def test_every_other_country_lies_where_it_lies(code: str | None, region: str) -> None:
    assert region_of(code) == region


def test_all_countries_have_a_label_and_all_inhabited_ones_a_region() -> None:
    assert COUNTRIES.keys() == {country.alpha_2 for country in pycountry.countries} | {"XK"}
    assert {code for code in COUNTRIES if region_of(code) == "unknown"} == {"AQ", "BV", "HM"}
    assert {region_of(code) for code in COUNTRIES} <= set(REGIONS)
    assert not [label for label in COUNTRIES.values() if "," in label]


def test_names_in_other_languages_come_from_the_country_library() -> None:
    assert translations("de")["GR"] == "Griechenland"
    assert translations("es")["US"] == "Estados Unidos"
    assert translations("fr")["BO"] == "Bolivie"


# ── declared countries and locations ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("declared", "code"),
    [("us", "US"), ("USA", "US"), ("United States", "US"), ("UK", "GB"), ("Deutschland", "DE"), ("Brésil", "BR"), ("Georgia", "GE"), ("Türkiye", "TR"), ("Atlantis", None), ("EU", None), ("", None)],
)  # fmt: skip
def test_declared_countries_are_read_as_code_or_name(declared: str, code: str | None) -> None:
    assert code_of(declared) == code


@pytest.mark.parametrize(
    ("location", "code"),
    [("Leeds, UK", "GB"), ("Mobile, AL", "US"), ("Palermo, ME", "US"), ("Bedford, Nova Scotia", "CA"), ("Niagara Falls, NY", "US"), ("Köln 🇩🇪", "DE"), ("Tbilisi, Georgia", "GE"),
     ("Atlanta, Georgia", "US"), ("New York", "US"), ("Boston MA", "US"), ("Living in Berlin", "DE"), ("Sydney, NSW", "AU"), ("Victoria, BC", "CA"), ("Washington, DC", "US"), ("Reading, England", "GB"),
     ("São Paulo - Brasil", "BR"), ("Madrid, España", "ES"), ("Lagos Nigeria", "NG"), ("München", "DE"), ("Perth, Western Australia", "AU"), ("Los Angeles, CA", "US"), ("Baltimore, MD", "US"),
     ("Germany | Berlin", "DE"), ("Jordan", "JO"), ("Toronto", "CA")],
)  # fmt: skip
def test_location_fields_are_read_from_right_to_left(location: str, code: str) -> None:
    assert country_of_location(location) == code


@pytest.mark.parametrize(
    "location",
    ["", "Earth", "Worldwide", "Global", "everywhere", "the internet", "home", "Georgia", "CA", "Victoria", "London / Paris", "🇩🇪 🇫🇷", "Spain, Portugal", "51.5,-0.12", "she/her", "•••", "😀"],
)  # fmt: skip
def test_a_doubtful_location_is_no_country(location: str) -> None:
    assert country_of_location(location) is None


# ── running text ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("title", "code"),
    [("Ebola outbreak in Uganda", "UG"), ("Ugandan ministry reports Ebola", "UG"), ("Measles in Jordan", "JO"), ("Earthquake in Turkey", "TR"), ("Ebola in Guinea", "GN"), ("Papua New Guinea polio", "PG"),
     ("Cholera in Equatorial Guinea", "GQ"), ("New Mexico plague case", "US"), ("US measles cases rise", "US"), ("U.S. hospitals merge", "US"), ("DR Congo mpox cases", "CD"), ("In Australia's north", "AU"),
     ("Polish nurses strike", "PL"), ("West Nile virus in Texas", "US"), ("NHS waiting lists grow", "GB"), ("South Korean doctors return", "KR"), ("Nigeria reports cholera", "NG"), ("Niger hospital opens in Niamey", "NE"),
     ("Wuhan laboratory report", "CN"), ("African American women and heart disease", "US"), ("New South Wales bans vapes", "AU"), ("British Columbia overdose deaths", "CA")],
)  # fmt: skip
def test_a_place_named_with_confidence_gives_its_country(matcher: Matcher, title: str, code: str) -> None:
    found = named(matcher, title)
    assert found is not None
    assert found.country == code
    assert found.where == "title"


@pytest.mark.parametrize(
    "title",
    ["Georgia hospital closes", "Jordan Peterson on benzodiazepines", "Jordan wins a medal", "Turkey dinner safety", "Guinea pig study", "TELL US WHY", "CDC tells us more", "German measles in pregnancy",
     "Reading is good for you", "NICE recommends a drug", "Nice weather for a walk", "Paris Hilton on ADHD", "Congo", "Chad Smith drums", "Brazil nuts are healthy", "Chinese hamster ovary cells", "nail polish allergy",
     "Spanish flu: lessons", "Japanese encephalitis vaccine", "Boston Scientific buys a rival", "Marburg virus explained", "male and mobile clinics", "The UK and France agree", "Crimean-Congo fever",
     "Latin American cooking", "Philadelphia chromosome found"],
)  # fmt: skip
def test_false_friends_and_several_countries_are_no_country(matcher: Matcher, title: str) -> None:
    assert named(matcher, title) is None


def test_the_title_goes_before_the_lead_and_the_end_is_not_read(matcher: Matcher) -> None:
    found = named(matcher, "Kenya trains midwives", "Experts from Norway and Sweden help.")
    assert found == Named("KE", "title", "Kenya")
    found = named(matcher, "A ministry reports", "Health officials in Uganda say so.")
    assert found == Named("UG", "lead", "Uganda")
    assert named(matcher, "A ministry reports", "x " * 300 + "in Uganda") is None


def test_demonyms_count_only_beside_a_title(matcher: Matcher) -> None:
    text = "Practising my Spanish again"
    assert country_in_text(text, matcher.find(text), "en", body_at=0, body_end=len(text)) is None
    text = "Snow in Spain again"
    assert country_in_text(text, matcher.find(text), "en", body_at=0, body_end=len(text)) == Named(
        "ES", "lead", "Spain"
    )


def test_names_in_other_languages_count_in_their_own_only(matcher: Matcher) -> None:
    assert named(matcher, "Neue Klinik in Griechenland", language="de") == Named("GR", "title", "Griechenland")
    assert named(matcher, "Marocco: nuovo ospedale", language="it") == Named("MA", "title", "Marocco")
    assert named(matcher, "Marocco leather shoes", language="en") is None
