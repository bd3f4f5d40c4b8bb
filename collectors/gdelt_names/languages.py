"""GDELT's English names of languages ↔ ISO 639-1."""

from __future__ import annotations

from functools import lru_cache

import pycountry

_UNLIKE_ISO = {
    "el": "Greek", "ms": "Malay", "pa": "Punjabi", "sw": "Swahili", "ne": "Nepali", "ky": "Kyrgyz", "ps": "Pashto",
    "or": "Oriya", "si": "Sinhala", "fa": "Persian", "zh": "Chinese", "no": "Norwegian", "nn": "NorwegianNynorsk",
    "ht": "Haitian Creole",
}  # fmt: skip
"""Where GDELT's name is not the one of ISO 639."""
_ALSO = {"chineset": "zh", "farsi": "fa", "sinhalese": "si", "filipino": "tl", "norwegian bokmal": "nb"}
_READ = {name.lower(): code for code, name in _UNLIKE_ISO.items()} | _ALSO


@lru_cache(maxsize=256)
def language_code(name: str) -> str | None:
    """'English' → 'en'; None for a name that is not known."""
    name = " ".join(name.split()).lower()
    if not name:
        return None
    if name in _READ:
        return _READ[name]
    found = pycountry.languages.get(name=name.title()) or pycountry.languages.get(name=name)
    return getattr(found, "alpha_2", None) if found else None


@lru_cache(maxsize=256)
def language_name(code: str) -> str | None:
    """'en' → 'english', as the operator `sourcelang:` wants it; None for what is no code of ISO 639-1."""
    code = code.strip()
    if code in _UNLIKE_ISO:
        return _letters(_UNLIKE_ISO[code])
    found = pycountry.languages.get(alpha_2=code) if len(code) == 2 and code.islower() else None
    return _letters(found.name.partition("(")[0]) if found else None


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalpha())
