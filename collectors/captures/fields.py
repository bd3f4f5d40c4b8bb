"""Small readings that several platforms' own JSON needs. Pure; what is missing or of the wrong kind is None or empty."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from collectors.reading import UnreadableItemError, count, moment, text

NO_WORDS = "no words"
REPOST = "repost without own words"
NOT_PUBLIC = "not public"
COMMENT = "a comment, not a post"
_TAG = re.compile(r"(?<![\w&/])#(\w*[^\W\d_]\w*)")
_NO_LANGUAGE = frozenset({"un", "xx"})
_FORMER = {"iw": "he", "in": "id", "ji": "yi"}
"""Codes that some platforms still write the old way."""


def at(value: Any, *path: str | int) -> Any:
    """What lies at the end of a path of names and places; None where it leads nowhere."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def first_text(*values: Any) -> str:
    """The first text that is more than white space, without it at the ends; empty if there is none."""
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), "")


def first_count(*values: Any) -> int | None:
    """The first that is a count."""
    return next((found for found in map(count, values) if found is not None), None)


def identity(*values: Any) -> str | None:
    """The first that can be an id: a text or a whole number. 0 and an empty text are none."""
    for value in values:
        if (
            isinstance(value, (str, int))
            and not isinstance(value, bool)
            and (found := str(value).strip()) not in ("", "0")
        ):
            return found
    return None


def words(found: str) -> str:
    """Raises UnreadableItemError where there are none: such a post cannot be searched, tagged or compared."""
    if not found:
        raise UnreadableItemError(NO_WORDS)
    return found


def hashtags(written: str) -> tuple[str, ...]:
    """Tags in a text, in order and once; '#1' is a number and no tag."""
    return tuple(dict.fromkeys(_TAG.findall(written)))


def language(value: Any) -> str | None:
    """'en', 'zh-TW' → two letters; None for 'und', 'zxx', TikTok's 'un' and whatever has none."""
    main = re.split("[-_]", text(value).lower())[0]
    if len(main) != 2 or not (main.isascii() and main.isalpha()) or main in _NO_LANGUAGE:
        return None
    return _FORMER.get(main, main)


def country(value: Any) -> str | None:
    code = text(value).upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def mail_moment(value: Any) -> datetime | None:
    """'Sun, 04 Apr 2021 05:43:58 +0000', or ISO 8601 → aware UTC."""
    if not isinstance(value, str):
        return None
    try:
        return moment(parsedate_to_datetime(value).isoformat())
    except ValueError:
        return moment(value)


def says_yes(values: Iterable[Any]) -> bool | None:
    """True if any of the labels is set; otherwise None, because that a label is missing is no statement."""
    return True if any(value is True for value in values) else None


def refuse_if(refused: bool, reason: str) -> None:
    """Raises UnreadableItemError with the reason."""
    if refused:
        raise UnreadableItemError(reason)
