"""Countries and the report's five regions. Codes are ISO 3166-1 alpha-2, upper case.

Names and translations come from pycountry, the part of the world a country lies in from countrystatecity-regions
(the United Nations' M49 areas). Where the report names a country, the report's list wins; decisions are in
docs/decisions/0006-regions.md.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from functools import cache

import pycountry
from countrystatecity_regions import get_all_regions

from monitor.core.model import UNKNOWN

LANGUAGES = ("de", "fr", "es", "it", "pt")
"""Languages whose country names are known beside English."""

_LABELS = {
    "BN": "Brunei",
    "BO": "Bolivia",
    "BQ": "Caribbean Netherlands",
    "CD": "DR Congo",
    "CG": "Republic of the Congo",
    "CI": "Côte d'Ivoire",
    "FK": "Falkland Islands",
    "FM": "Micronesia",
    "HK": "Hong Kong",
    "IR": "Iran",
    "KP": "North Korea",
    "KR": "South Korea",
    "LA": "Laos",
    "MD": "Moldova",
    "MF": "Saint Martin",
    "PS": "Palestine",
    "RU": "Russia",
    "SH": "Saint Helena",
    "SX": "Sint Maarten",
    "SY": "Syria",
    "TR": "Turkey",
    "TW": "Taiwan",
    "TZ": "Tanzania",
    "VA": "Vatican City",
    "VE": "Venezuela",
    "VG": "British Virgin Islands",
    "VI": "US Virgin Islands",
    "VN": "Vietnam",
    "XK": "Kosovo",
}
"""Usual short names where ISO's is turned round or formal."""


def _countries() -> dict[str, str]:
    labels = {country.alpha_2: getattr(country, "common_name", country.name) for country in pycountry.countries}
    labels.update(_LABELS)
    return dict(sorted(labels.items()))


COUNTRIES: Mapping[str, str] = _countries()
"""Code → English label, for all of ISO 3166-1 and Kosovo (XK, user-assigned)."""

_SAME_BEFORE_COMMA = frozenset(("CD", "CG", "KP", "KR", "VG", "VI", "FM", "SX", "MF"))
"""Formal names of these end in what tells them apart, after a comma or in brackets."""

_BY_SUBREGION = {
    "Northern America": "north_america",
    "Central America": "latin_america",
    "Caribbean": "latin_america",
    "South America": "latin_america",
    "Northern Europe": "europe",
    "Western Europe": "europe",
    "Eastern Europe": "europe",
    "Southern Europe": "europe",
    "Central Asia": "asia_pacific",
    "Eastern Asia": "asia_pacific",
    "Southern Asia": "asia_pacific",
    "South-Eastern Asia": "asia_pacific",
    "Australia and New Zealand": "asia_pacific",
    "Melanesia": "asia_pacific",
    "Micronesia": "asia_pacific",
    "Polynesia": "asia_pacific",
    "Western Asia": "middle_east_africa",
    "Northern Africa": "middle_east_africa",
    "Eastern Africa": "middle_east_africa",
    "Middle Africa": "middle_east_africa",
    "Southern Africa": "middle_east_africa",
    "Western Africa": "middle_east_africa",
}

_BY_REPORT = {
    "US": "north_america",
    "CA": "north_america",
    "DE": "europe",
    "FR": "europe",
    "GB": "europe",
    "IT": "europe",
    "RU": "europe",
    "CN": "asia_pacific",
    "JP": "asia_pacific",
    "KR": "asia_pacific",
    "IN": "asia_pacific",
    "AU": "asia_pacific",
    "TW": "asia_pacific",
    "ID": "asia_pacific",
    "TH": "asia_pacific",
    "MY": "asia_pacific",
    "MX": "latin_america",
    "BR": "latin_america",
    "AR": "latin_america",
    "CO": "latin_america",
    "TR": "middle_east_africa",
    "SA": "middle_east_africa",
    "AE": "middle_east_africa",
    # not in the report: Iran is Southern Asia in M49, but belongs to every market's Middle East
    "IR": "middle_east_africa",
}


@cache
def _regions() -> dict[str, str]:
    regions = {
        country.countryCode: _BY_SUBREGION[country.subregion]
        for country in get_all_regions()
        if country.subregion in _BY_SUBREGION
    }
    return regions | _BY_REPORT


def region_of(country: str | None) -> str:
    """The report's region of a country code; 'unknown' for None, for no country and for Antarctica and the like."""
    return UNKNOWN if country is None else _regions().get(country, UNKNOWN)


@cache
def translations(language: str) -> Mapping[str, str]:
    """Country names in one of LANGUAGES, by code."""
    catalogue = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language])
    names = {}
    for country in pycountry.countries:
        english = getattr(country, "common_name", country.name)
        name = catalogue.gettext(english)
        if name == english and english != country.name:
            name = catalogue.gettext(country.name)
        if country.alpha_2 not in _SAME_BEFORE_COMMA:
            name = name.split(",")[0].split(" (")[0]
        if "," not in name and "(" not in name:
            names[country.alpha_2] = name
    return names
