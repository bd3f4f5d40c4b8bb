"""GDELT's English names of countries ↔ ISO 3166-1 alpha-2.

Names rather than codes: GDELT's two-letter codes are those of FIPS 10-4, where CH is China and GM is Germany.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import pycountry

_UNLIKE_ISO = {
    "RU": "Russia", "TR": "Turkey", "CZ": "Czech Republic", "CI": "Ivory Coast", "CV": "Cape Verde", "MO": "Macau",
    "BN": "Brunei", "PS": "Palestine", "VA": "Vatican City", "CD": "Democratic Republic of the Congo",
    "CG": "Republic of the Congo", "FM": "Micronesia", "FK": "Falkland Islands", "TL": "East Timor",
    "VG": "British Virgin Islands", "VI": "US Virgin Islands",
}  # fmt: skip
"""Where the usual name is not the one of ISO 3166."""
_ALSO = {
    "burma": "MM", "macedonia": "MK", "swaziland": "SZ", "cote d'ivoire": "CI", "gaza strip": "PS", "west bank": "PS",
    "democratic republic of congo": "CD", "republic of congo": "CG", "congo": "CG", "the bahamas": "BS",
    "the gambia": "GM", "macao": "MO", "timor-leste": "TL", "virgin islands": "VI", "holy see": "VA",
    "antigua": "AG", "trinidad": "TT", "turkiye": "TR", "czechia": "CZ", "cabo verde": "CV", "eswatini": "SZ",
    "bosnia-herzegovina": "BA", "slovak republic": "SK", "russian federation": "RU",
}  # fmt: skip


def _plain(name: str) -> str:
    """Small letters without accents, one space between words."""
    bare = unicodedata.normalize("NFKD", name.replace("’", "'"))
    return " ".join("".join(one for one in bare if not unicodedata.combining(one)).lower().split())


@lru_cache(maxsize=1)
def _read() -> dict[str, str]:
    found = {_plain(country.name): country.alpha_2 for country in pycountry.countries}
    found |= {
        _plain(country.common_name): country.alpha_2
        for country in pycountry.countries
        if hasattr(country, "common_name")
    }
    return found | {_plain(name): code for code, name in _UNLIKE_ISO.items()} | _ALSO


@lru_cache(maxsize=512)
def country_code(name: str) -> str | None:
    """'United Kingdom' → 'GB'; None for a name that is not known, and for places that have no code (Kosovo)."""
    return _read().get(_plain(name)) if name else None


@lru_cache(maxsize=512)
def country_name(code: str) -> str | None:
    """'GB' → 'unitedkingdom', as the operator `sourcecountry:` wants it; None for what is no code."""
    code = code.strip()
    found = pycountry.countries.get(alpha_2=code) if len(code) == 2 and code.isupper() else None
    if found is None:
        return None
    name = _UNLIKE_ISO.get(code) or getattr(found, "common_name", found.name).partition(",")[0]
    return "".join(character for character in _plain(name) if character.isalpha())
