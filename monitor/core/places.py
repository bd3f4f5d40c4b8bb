"""Which country a place name means: in a location field, and in the title and lead of a text.

Precision before recall: a name that is also a first name, a word or a state somewhere else needs support, two
different countries are not one, and no answer is an answer. Methods and false friends: docs/decisions/0006-regions.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from monitor.core.phrases import Hit, Phrase, fold, uncovered, words
from monitor.core.region import COUNTRIES, LANGUAGES, translations

LEAD = 400
"""Characters after the title in which places are looked for."""

_ALIASES = {
    "US": "USA|U.S.A.|U.S.|United States of America|America|Estados Unidos|EEUU|EE. UU.|Vereinigte Staaten|États-Unis|Stati Uniti|EUA",
    "GB": "UK|U.K.|Great Britain|Britain|England|Scotland|Wales|Northern Ireland|Großbritannien|Grossbritannien|Royaume-Uni|Reino Unido|Regno Unito|Schottland|Écosse|Escocia|Inglaterra|Inghilterra",
    "AE": "UAE|U.A.E.|Emirates|Emirate|VAE|EAU",
    "KR": "Republic of Korea|Korea",
    "CN": "PRC|P.R. China|Mainland China|People's Republic of China",
    "CD": "DRC|D.R. Congo|Democratic Republic of Congo|Democratic Republic of the Congo|Congo-Kinshasa|RDC|République démocratique du Congo|República Democrática del Congo|Demokratische Republik Kongo|DR Kongo|RD Congo",
    "CG": "Republic of Congo|Congo-Brazzaville",
    "CZ": "Czech Republic|Tschechien|Tschechische Republik|République tchèque|Chequia|República Checa|Repubblica Ceca|República Tcheca",
    "NL": "Holland|The Netherlands|Nederland|Pays-Bas|Países Bajos",
    "MM": "Burma",
    "MK": "Macedonia",
    "SZ": "Swaziland",
    "CI": "Ivory Coast|Elfenbeinküste|Costa de Marfil|Costa d'Avorio",
    "CV": "Cape Verde",
    "TL": "East Timor",
    "TR": "Türkiye|Turkiye",
    "PS": "Palestinian Territories|Gaza Strip|West Bank",
    "VN": "Viet Nam|Vietnã",
    "RU": "Russian Federation|Russland|Rusia|Russie|Rússia",
    "BR": "Brasil",
    "ES": "España",
    "DE": "Deutschland|Allemagne|Alemania|Germania|Alemanha",
    "IT": "Italia",
    "CH": "Schweiz|Suisse|Svizzera",
    "AT": "Österreich",
    "PL": "Polska",
    "SE": "Sverige",
    "NO": "Norge",
    "DK": "Danmark",
    "FI": "Suomi",
    "JP": "Nippon",
    "GE": "Republic of Georgia",
    "NZ": "Aotearoa",
    "BA": "Bosnia|Bosnia ed Erzegovina",
    "SA": "KSA",
    "IR": "Irã",
    "MD": "Moldawien",
}
"""Other names in location fields and in texts. Capitals-only and dotted ones must stand exactly so in a text."""

_US_STATES = (
    "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|FL Florida"
    "|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine"
    "|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska"
    "|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|OH Ohio"
    "|OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas"
    "|UT Utah|VT Vermont|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming|DC District of Columbia"
)
_CA_PROVINCES = (
    "AB Alberta|BC British Columbia|MB Manitoba|NB New Brunswick|NL Newfoundland|NS Nova Scotia|ON Ontario"
    "|PE Prince Edward Island|QC Quebec|SK Saskatchewan|YT Yukon|NT Northwest Territories|NU Nunavut"
)
_AU_STATES = "NSW New South Wales|QLD Queensland|VIC Victoria|TAS Tasmania|ACT Australian Capital Territory|SA South Australia|WA Western Australia"

_STATES_OUTSIDE_TEXT = frozenset(
    ("Georgia", "Washington", "Maine", "Virginia", "Victoria", "Yukon", "Indiana", "Ontario")
)
"""Also a country, a person, a city or a novel: not looked for in running text by themselves."""

_DEMONYMS = {
    "US": "American|African American|Native American|American Indian|Texan|Californian",
    "GB": "British|Briton|Scottish|Welsh",
    "AF": "Afghan", "AR": "Argentine|Argentinian", "AU": "Australian", "AT": "Austrian", "BD": "Bangladeshi",
    "BE": "Belgian", "BR": "Brazilian", "BG": "Bulgarian", "BI": "Burundian", "KH": "Cambodian", "CM": "Cameroonian",
    "CA": "Canadian", "CL": "Chilean", "CN": "Chinese", "CO": "Colombian", "CU": "Cuban", "CZ": "Czech", "DK": "Danish",
    "NL": "Dutch", "EG": "Egyptian", "ET": "Ethiopian", "FI": "Finnish", "FR": "French", "DE": "German", "GH": "Ghanaian",
    "GR": "Greek", "HU": "Hungarian", "IN": "Indian", "ID": "Indonesian", "IR": "Iranian", "IQ": "Iraqi", "IE": "Irish",
    "IL": "Israeli", "IT": "Italian", "JP": "Japanese", "JO": "Jordanian", "KE": "Kenyan", "KR": "South Korean",
    "KP": "North Korean", "LB": "Lebanese", "LR": "Liberian", "MY": "Malaysian", "MX": "Mexican", "MA": "Moroccan",
    "MZ": "Mozambican", "NP": "Nepali|Nepalese", "NZ": "New Zealander", "NG": "Nigerian", "NO": "Norwegian",
    "PK": "Pakistani", "PS": "Palestinian|Gazan", "PE": "Peruvian", "PH": "Filipino|Philippine", "PL": "Polish",
    "PT": "Portuguese", "RO": "Romanian", "RU": "Russian", "RW": "Rwandan", "SA": "Saudi", "SN": "Senegalese",
    "SG": "Singaporean", "SL": "Sierra Leonean", "ZA": "South African", "ES": "Spanish|Spaniard", "LK": "Sri Lankan",
    "SD": "Sudanese", "SS": "South Sudanese", "SE": "Swedish", "CH": "Swiss", "SY": "Syrian", "TW": "Taiwanese",
    "TZ": "Tanzanian", "TH": "Thai", "TN": "Tunisian", "TR": "Turkish", "UG": "Ugandan", "UA": "Ukrainian",
    "AE": "Emirati", "VE": "Venezuelan", "VN": "Vietnamese", "YE": "Yemeni", "ZM": "Zambian", "ZW": "Zimbabwean",
    "HT": "Haitian", "EC": "Ecuadorian|Ecuadorean", "HN": "Honduran", "GT": "Guatemalan", "MG": "Malagasy", "MW": "Malawian",
}  # fmt: skip

_NEVER_IN_TEXT = words(
    "Georgia|Congo|America|Emirate|Emirates|EAU|VAE|RDC|KSA|PRC|EUA|UK|Korea|Bosnia|Macedonia|Holland|Jersey|Dominica"
    "|Réunion|Isle of Man|Saint Martin|Micronesia",
    "|",
)
"""Too ambiguous alone; forms of them that are not are listed beside."""

_NEED_PREPOSITION = words(
    "Jordan Chad Turkey Guinea Niger Lebanon Panama Oman Monaco Grenada Guernsey Martinique Jamaica Bermuda Macao"
)
"""Also first names, towns, words or papers: counted only after a word such as 'in' or before a genitive."""

_GUARDS = (
    "guinea pig|turkey day|thanksgiving turkey|guinea worm|guinea fowl|new guinea|new england|south america|north america|latin america|central america|south american"
    "|north american|latin american|central american|spanish flu|spanish influenza|spanish speaking|german measles|german shepherd"
    "|japanese encephalitis|west nile|brazil nut|brazilian butt lift|french fries|french press|french kiss|french bulldog|french toast|greek yogurt"
    "|greek yoghurt|greek salad|chinese medicine|chinese food|chinese hamster|chinese new year|turkish delight|turkish bath|turkish coffee"
    "|danish pastry|swiss cheese|swiss roll|swiss army|dutch oven|irish stew|irish dance|italian food|mexican food|thai food|thai massage|indian food"
    "|indian ocean|west indian|swedish massage|egyptian mummy|russian roulette|russian doll|cuban sandwich|jordan peterson|michael jordan"
    "|jordan peele|chad smith|paris hilton|paris saint germain|paris agreement|paris climate|chicago med|chicago fire|chicago bulls|boston scientific"
    "|panama papers|panama hat|panama canal|helsinki declaration|declaration of helsinki|geneva convention|vienna sausage|vienna convention|wuhan strain"
    "|stockholm syndrome|jerusalem syndrome|jerusalem artichoke|london bridge|manchester united|barcelona chair|peking duck|brussels sprout|hamburg steak"
    "|persian gulf|mexico city policy|hong kong flu|spanish fly|german cockroach|moscow mule"
    "|polish remover|american airlines|british airways|turkish airlines|air india|emirates airline|kenya moore|israel adesanya|india arie"
    "|american express|bank of america|american idol|american football|canada goose|cuba gooding|cuba libre|jamaica plain|lebanon valley"
    "|crimean congo|ebola zaire|zaire ebolavirus|sudan ebolavirus|sudan virus|norway rat|norway spruce|philadelphia chromosome|philadelphia cheese"
    "|amsterdam criteria|glasgow coma scale|edinburgh postnatal depression scale|dubai chocolate"
)  # fmt: skip

_BEFORE = re.compile(
    r"(?:\b(?:in|from|across|to|of|for|near|outside|throughout|within|at|by|into|inside|around|against"
    r"|en|de|na|no|em|nach|aus|au|du|desde|a|di|della|la|el|le|dans)\s+(?:the\s+)?)$",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"\s*[,;/|•·–—→\n()&]+\s*|\s+-\s+|\s+and\s+", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:(?:based|living|located|born|lives|made|proudly|greater|downtown|central|somewhere)\s+)*(?:(?:in|from|near)\s+)?(?:the\s+)?",
    re.I,
)
_COORDINATES = re.compile(r"^\s*(?:geo:)?[-+]?\d{1,3}(?:\.\d+)?\s*[,;]\s*[-+]?\d{1,3}(?:\.\d+)?")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


def _key(name: str) -> str:
    return " ".join(fold(name).decode().split())


@cache
def _cities() -> Mapping[str, str]:
    cities: dict[str, str] = {}
    for code, names in _city_rows():
        for name in names:
            cities.setdefault(_key(name.lstrip("*")), code)
    return cities


def _city_rows() -> Iterator[tuple[str, list[str]]]:
    lines = (files("monitor.core") / "data" / "cities.tsv").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("#"):
            code, names = line.split("\t")
            yield code, names.split(";")


@cache
def _names() -> Mapping[str, str]:
    """Every country name and alias in any of our languages, folded → code. 'georgia' and 'congo' are left out."""
    names: dict[str, str] = {}
    for language in LANGUAGES:
        for code, name in translations(language).items():
            names.setdefault(_key(name), code)
    for code, label in COUNTRIES.items():
        names[_key(label)] = code
    for code, aliases in _ALIASES.items():
        for alias in aliases.split("|"):
            names[_key(alias)] = code
    for name in ("georgia", "congo", "kongo", "jersey"):
        names.pop(name, None)
    return names


def _states(table: str) -> dict[str, str]:
    """'AL Alabama|…' → abbreviation and folded name both to the abbreviation."""
    out = {}
    for row in table.split("|"):
        short, name = row.split(" ", 1)
        out[short] = out[_key(name)] = short
    return out


_US, _CA, _AU = _states(_US_STATES), _states(_CA_PROVINCES), _states(_AU_STATES)


def code_of(name: str) -> str | None:
    """A declared country, as a code or a name in one of our languages, → its code; None if it is no country."""
    upper = name.strip().upper()
    if upper in COUNTRIES:
        return upper
    if upper == "UK":
        return "GB"
    if len(upper) == 3:
        import pycountry

        found = pycountry.countries.get(alpha_3=upper)
        if found is not None:
            return str(found.alpha_2)
    return _names().get(_key(name)) or ("GE" if _key(name) == "georgia" else None)


def country_of_location(location: str) -> str | None:
    """The country a free-text location field names ('Leeds, UK', 'Mobile, AL', 'Köln 🇩🇪'); None if in doubt.

    Parts are read from right to left: flag, country, state, then city; a city alone means the largest of its name.
    Coordinates are not resolved (None). Several countries: None.
    """
    location = location[:200]
    if _COORDINATES.match(location):
        return None
    flags = {"".join(chr(ord(letter) - 0x1F1E6 + 65) for letter in flag) for flag in _FLAG.findall(location)}
    flags &= COUNTRIES.keys()
    if flags:
        return flags.pop() if len(flags) == 1 else None
    parts = [_LEADING.sub("", part.strip(" .")).strip() for part in _SPLIT.split(location)]
    parts = [part for part in parts if part]
    if not parts:
        return None
    countries = {
        code for part in parts if (code := _names().get(_key(part)) if part not in ("DE", "CA", "IN") else None)
    }
    if countries:
        return countries.pop() if len(countries) == 1 else None
    before: str | None = None
    found: set[str] = set()
    for number in range(len(parts) - 1, -1, -1):
        part, before = parts[number], parts[number - 1] if number else None
        code = _country_of_part(part, before)
        if code is not None:
            found.add(code)
            if number and _state(part) is not None:
                break
    return found.pop() if len(found) == 1 else None


def _state(part: str) -> str | None:
    if part in _US or (len(part) > 3 and _key(part) in _US):
        return "US"
    if part in _CA or (len(part) > 3 and _key(part) in _CA):
        return "CA"
    if part in _AU or (len(part) > 3 and _key(part) in _AU):
        return "AU"
    return None


def _country_of_part(part: str, before: str | None) -> str | None:
    key = _key(part)
    if key == "georgia":
        city = _cities().get(_key(before)) if before else None
        return {"GE": "GE", None: None}.get(city, "US") if before else None
    if key == "new york":
        return "US"
    state = _state(part)
    if state is not None and (before is not None or len(part) > 3):
        return state if key not in ("victoria", "washington") or before is not None or key == "washington" else None
    last = part.rsplit(" ", 1)
    if len(last) == 2:  # 'Boston MA', 'Austin Texas', 'Leeds UK'
        code = _names().get(_key(last[1])) or _state(last[1])
        if code is not None:
            return code
    return _cities().get(key) if len(key) > 2 else None


# ── running text ────────────────────────────────────────────────────────────────────────────────────────────

PLACE, DEMONYM, GUARD = "place", "demonym", "place guard"


def phrases() -> Iterator[Phrase]:
    """What to look for in titles and leads."""
    seen: set[tuple[str, str]] = set()
    for code, name, languages in _named():
        if name not in _NEVER_IN_TEXT and (code, name) not in seen:
            seen.add((code, name))
            exact = name.replace(".", "").isupper()
            yield Phrase(PLACE, code, name.rstrip("."), languages, "exact" if exact else "capital", False)
    for code, name in (("GB", "UK"), ("US", "US"), ("GB", "NHS")):
        yield Phrase(PLACE, code, name, None, "exact", False)
    for code, listed in _DEMONYMS.items():
        for word in listed.split("|"):
            yield Phrase(DEMONYM, code, word, frozenset(("en",)), "capital")
    for guard in _GUARDS.split("|"):
        yield Phrase(GUARD, "", guard)


def _named() -> Iterator[tuple[str, str, frozenset[str] | None]]:
    """(country, name, languages) of countries, states and the cities that may be named in running text."""
    for code, label in COUNTRIES.items():
        yield code, label, None
    for code, aliases in _ALIASES.items():
        for alias in aliases.split("|"):
            yield code, alias, None
    for language in LANGUAGES:
        for code, name in translations(language).items():
            if len(name) > 3:
                yield code, name, frozenset((language,))
    for table, code in ((_US_STATES, "US"), (_CA_PROVINCES, "CA"), (_AU_STATES, "AU")):
        for row in table.split("|"):
            name = row.split(" ", 1)[1]
            if name not in _STATES_OUTSIDE_TEXT:
                yield code, name, None
    for code, names in _city_rows():
        for name in names:
            if name.startswith("*"):
                yield code, name[1:], None


@dataclass(frozen=True, slots=True)
class Named:
    country: str
    where: str
    """'title' or 'lead'."""
    words: str


def country_in_text(
    text: str, hits: Mapping[str, list[Hit]], language: str | None, *, body_at: int, body_end: int
) -> Named | None:
    """The one country that the title names, or else the lead. None if there is none or there are several.

    Demonyms count only in posts with a title: in chat 'French' and 'Spanish' are languages and dishes.
    `text` is the cleaned title and body (the body from `body_at` to `body_end`), `hits` those of the matcher in it.
    """
    found = [*hits.get(PLACE, ()), *(hits.get(DEMONYM, ()) if body_at else ())]
    if not found:
        return None
    end = min(body_at + LEAD, body_end)
    found = [hit for hit in found if hit.start < end and _counts(hit, text, language)]
    if not found:
        return None
    found = uncovered(found, [guard for guard in hits.get(GUARD, ()) if guard.start < end])
    found = _longest(found)
    for where, chosen in (
        ("title", [hit for hit in found if hit.start < body_at]),
        ("lead", [hit for hit in found if hit.start >= body_at]),
    ):
        countries = {hit.phrase.key for hit in chosen}
        if len(countries) == 1:
            hit = chosen[0]
            return Named(hit.phrase.key, where, text[hit.start : hit.end])
        if countries:
            return None
    return None


def _counts(hit: Hit, text: str, language: str | None) -> bool:
    phrase = hit.phrase
    if phrase.languages and language is not None and language not in phrase.languages:
        return False
    if phrase.text == "US" or phrase.case == "exact":
        near = text[max(0, hit.start - 12) : hit.start] + text[hit.end : hit.end + 12]
        if near.isupper():  # a line in capitals: 'TELL US WHY'
            return False
    if phrase.text in _NEED_PREPOSITION:
        after = text[hit.end : hit.end + 2]
        return after in ("'s", "’s") or _BEFORE.search(text[max(0, hit.start - 16) : hit.start]) is not None
    return True


def _longest(hits: list[Hit]) -> list[Hit]:
    """Without those that lie inside a longer one ('Guinea' in 'Equatorial Guinea')."""
    if len(hits) < 2:
        return hits
    ordered = sorted(hits, key=lambda hit: (hit.start, -hit.end))
    out, reach = [], -1
    for hit in ordered:
        if hit.end > reach:
            out.append(hit)
            reach = hit.end
    return out
