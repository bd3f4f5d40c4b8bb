"""GDELT DOC 2.0: headlines of the world's online news by words, language, country and theme.

A visit goes forward through time in windows. The platform never shows more than 250 articles of a window; a window
that comes full is asked again by halves, down to the quarter of an hour in which GDELT itself works.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, MutableMapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import orjson

from collectors.base import (
    NO_DUTIES,
    NOTHING_PROVED,
    Cursor,
    Drifted,
    Duties,
    Facts,
    Item,
    Key,
    Page,
    Parsed,
    Refused,
    Source,
    Stretch,
    Throttled,
)
from collectors.feeds.text import line
from collectors.gdelt_names.countries import country_code, country_name
from collectors.gdelt_names.languages import language_code, language_name
from collectors.options import Option, Problem, check_options, read_options
from collectors.quota import Quota
from collectors.reading import UnreadableItemError, moment, needed, needed_moment, read_items, text, unknown_shape

if TYPE_CHECKING:
    from collectors.access import Access
    from collectors.fetch import Fetched

API = "https://api.gdeltproject.org/api/v2/doc/doc"
HOSTS = ("gdeltproject.org", "www.gdeltproject.org", "api.gdeltproject.org")
MOST = 250
"""Articles that one answer holds at most."""
QUARTER = timedelta(minutes=15)
"""GDELT works in quarters of an hour: no window is shorter, and so much is held back at the newest end."""
REMEMBERS = timedelta(days=90)
SPACING = 5.0
"""Seconds between the starts of two requests of this process, all sources together."""
_LONGEST_OVERLAP = timedelta(hours=6)
_PAUSE = timedelta(minutes=15)
"""How long to stay away when it says that it is asked too often, which it does under load, too."""
_ID_LIMIT = 512
_CONTROL = re.compile(rb"[\x00-\x1f]")
_ESCAPE = re.compile(rb'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\')
_TOO_OFTEN = re.compile(r"limit requests|one every \d+ seconds|too many requests", re.IGNORECASE)
_THEME = re.compile(r"[A-Z0-9_]{2,100}")
_PHRASE = re.compile(r'"[^"]*"')
_BRACKETS = re.compile(r"\([^()]*\)")
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id", re.IGNORECASE)


class GdeltCollector:
    """One page for each window. Articles have a headline and an address, no text and no counts."""

    platform: ClassVar[str] = "gdelt"
    key: ClassVar[Key | None] = None
    remembers: ClassVar[timedelta | None] = REMEMBERS
    duties: ClassVar[Duties] = NO_DUTIES
    quotas: ClassVar[tuple[Quota, ...]] = ()
    options: ClassVar[Mapping[str, Option]] = {
        "query": Option("text", "The words to look for, where the address has none."),
        "language": Option("text", "Only articles in this language, as a code such as en or de."),
        "country": Option("text", "Only outlets of this country, as a code such as US or DE."),
        "theme": Option("text", "Only articles that GDELT files under this theme, such as GENERAL_HEALTH."),
        "days": Option("whole", "How many days the first visit reaches back; 7 if left out.", 7, low=1, high=89),
        "pages": Option("whole", "Requests that one visit makes at most; 20 if left out.", 20, low=4, high=50),
    }
    examples: ClassVar[tuple[str, ...]] = (
        "https://www.gdeltproject.org/?query=measles",
        "https://api.gdeltproject.org/api/v2/doc/doc?query=%22nurse+strike%22",
    )

    def check(self, source: Source) -> list[Problem]:
        """Another host, no words to look for, and what GDELT is known to turn down."""
        problems = check_options(source, self.options)
        if problems:
            return problems
        example = f"write for example {self.examples[0]}"
        parts = urlsplit(source.url)
        if parts.scheme not in ("http", "https") or (parts.hostname or "").lower() not in HOSTS:
            return [Problem(("url",), "it is no address of GDELT", example)]
        asked = parse_qs(parts.query)
        if asked.get("mode", ["artlist"])[0].lower() != "artlist":
            problems.append(Problem(("url",), "only the list of articles can be collected", "leave `mode` out"))
        option = read_options(source, self.options)
        if option["language"] and language_name(option["language"]) is None:
            problems.append(_unknown("language", option["language"], "two small letters such as en, de or ja"))
        if option["country"] and country_name(option["country"]) is None:
            problems.append(_unknown("country", option["country"], "two capital letters such as US, DE or JP"))
        if option["theme"] and not _THEME.fullmatch(option["theme"]):
            problems.append(_unknown("theme", option["theme"], "capital letters such as GENERAL_HEALTH"))
        where: tuple[str | int, ...] = ("url",) if asked.get("query") else ("options", "query")
        words = _words(source)
        if not words and not option["theme"]:
            problems.append(Problem(("url",), "it names no words to look for", example))
        elif re.search(r"\bOR\b", _BRACKETS.sub(" ", _PHRASE.sub(" ", words))):
            problems.append(Problem(where, "alternatives must stand in brackets", "write (flu OR influenza)"))
        return problems

    async def retrieve(self, source: Source, cursor: Cursor, access: Access, now: datetime) -> AsyncIterator[Page]:
        """Windows from where the last visit ended (with an overlap, since articles are listed late) up to now.

        Raises CollectError only; Refused('bad_query') if GDELT does not take the query.
        """
        option = read_options(source, self.options)
        end = now.replace(microsecond=0)
        before = moment(cursor.get("until"))
        done = end - timedelta(days=option["days"]) if before is None else min(before, end)
        step = _step(cursor.get("step"), done, end)
        # Never so far back that a visit of short windows would not get beyond what it asks again.
        reach = min(max(end - done, QUARTER), _LONGEST_OVERLAP, step * option["pages"] / 2)
        at = max(done if before is None else done - reach, end - REMEMBERS)
        since, gap = at, "overflow" if at > done else None
        for _ in range(option["pages"]):
            until = at + step
            until = end if end - until < QUARTER else until
            fetched = await self._ask(source, access, at, until)
            count, oldest = _look(source, fetched.body or b"")
            again = count >= MOST and until - at > QUARTER * 1.5
            observed: Stretch | Literal["nothing"] = NOTHING_PROVED
            if again:
                step = max((until - at) / 2, QUARTER)
            else:
                if count >= MOST:
                    since, gap = max(at, oldest or until), "overflow"
                elif count < MOST // 2:
                    step *= 2
                shown = min(until, end - QUARTER)
                observed = Stretch(since, shown, gap) if since < shown else NOTHING_PROVED
                done, at = max(done, shown), until
            yield Page(
                body=fetched.body,
                url=fetched.url,
                fetched_at=fetched.fetched_at,
                content_type=fetched.content_type,
                resume={"until": done.isoformat(), "step": int(step.total_seconds())},
                observed=observed,
            )
            if at >= end:
                return

    def parse(self, source: Source, page: Page) -> Parsed:
        """The articles of one window. Raises Drifted: 'not_json', 'unknown_shape'."""
        answer, repairs = read_answer(source, page.body or b"")
        items, rejected = read_items(_articles(source, answer), _read_article)
        return Parsed(items, Facts(repairs=repairs), rejected)

    async def _ask(self, source: Source, access: Access, at: datetime, until: datetime) -> Fetched:
        from collectors.net.failures import read_retry_after

        # One second earlier: an article of exactly this moment may belong to neither window.
        parameters = {
            "query": build_query(source, read_options(source, self.options)), "mode": "artlist", "format": "json",
            "maxrecords": MOST, "sort": "datedesc",
            "startdatetime": f"{at - timedelta(seconds=1):%Y%m%d%H%M%S}", "enddatetime": f"{until:%Y%m%d%H%M%S}",
        }  # fmt: skip
        if not access.redirected:
            await asyncio.sleep(wait_for_turn(access.memory, asyncio.get_running_loop().time()))
        fetched = await access.http.fetch(
            access.url(f"{API}?{urlencode(parameters)}"), accept="application/json", allow_status=(429,)
        )
        body = fetched.body or b""
        said = _message(body)
        if fetched.status == 429 or (said and _TOO_OFTEN.search(said)):
            wait = read_retry_after(fetched.headers, fetched.fetched_at) or fetched.fetched_at + _PAUSE
            raise Throttled(
                f"{source.id}: GDELT asks for fewer requests, which it also does when it is under load. "
                f"It is asked again after {wait:%Y-%m-%d %H:%M} UTC.",
                code="http_429",
                until=wait,
            )
        if said:
            raise Refused(
                f"{source.id}: GDELT does not take the query {parameters['query']!r}. It says: {said!r} "
                "Change the source's `url` or `options`.",
                code="bad_query",
            )
        return fetched


def wait_for_turn(memory: MutableMapping[str, Any], present: float) -> float:
    """Seconds to wait before the next request may start; takes that turn. `present`: monotonic seconds."""
    start = max(present, float(memory.get("next_start", 0.0)))
    memory["next_start"] = start + SPACING
    return start - present


def build_query(source: Source, option: Mapping[str, Any]) -> str:
    """The words with GDELT's own operators for what the options say."""
    parts = [_words(source)]
    if option["theme"]:
        parts.append(f"theme:{option['theme']}")
    if option["language"]:
        parts.append(f"sourcelang:{language_name(option['language'])}")
    if option["country"]:
        parts.append(f"sourcecountry:{country_name(option['country'])}")
    return " ".join(part for part in parts if part)


def read_answer(source: Source, body: bytes) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The object of an answer, and what was mended: control characters and backslashes that JSON forbids.

    Raises Drifted('not_json' or 'unknown_shape').
    """
    repairs: tuple[str, ...] = ()
    try:
        answer = orjson.loads(body.removeprefix(b"\xef\xbb\xbf") or b"{}")
    except orjson.JSONDecodeError:
        mended = body.decode("utf-8", "replace").encode()
        mended = _ESCAPE.sub(_whole_escape, _CONTROL.sub(b" ", mended))
        try:
            answer = orjson.loads(mended)
        except orjson.JSONDecodeError:
            start = body[:60].decode("utf-8", "replace").strip()
            raise Drifted(
                f"{source.id}: the answer is not JSON (it begins {start!r}). It is tried again later.", code="not_json"
            ) from None
        repairs = ("characters that JSON forbids: removed",)
    if not isinstance(answer, dict):
        raise unknown_shape(source, f"an object was expected, {type(answer).__name__} came")
    return answer, repairs


def _whole_escape(match: re.Match[bytes]) -> bytes:
    return match.group() if len(match.group()) > 1 else rb"\\"


def _message(body: bytes) -> str:
    """What GDELT says in words where JSON should be; empty if this is JSON or a web page."""
    start = body[:400].decode("utf-8", "replace").strip("\ufeff \t\r\n")
    return "" if not start or start[0] in "{[<" else " ".join(start.split())[:200]


def _articles(source: Source, answer: Mapping[str, Any]) -> list[Any]:
    """Its articles; no such key where there are none."""
    found = answer.get("articles", [])
    if not isinstance(found, list):
        raise unknown_shape(source, "`articles` is not a list")
    return found


def _look(source: Source, body: bytes) -> tuple[int, datetime | None]:
    """How many articles an answer holds, and when its oldest was seen."""
    articles = _articles(source, read_answer(source, body)[0])
    dates = [seen for one in articles if isinstance(one, dict) and (seen := moment(one.get("seendate")))]
    return len(articles), min(dates, default=None)


def _step(remembered: Any, covered: datetime, end: datetime) -> timedelta:
    """How long the first window is: as the last visit left it, or all of it."""
    if isinstance(remembered, (int, float)) and not isinstance(remembered, bool) and remembered > 0:
        return max(timedelta(seconds=min(remembered, REMEMBERS.total_seconds())), QUARTER)
    return max(end - covered, QUARTER)


def _read_article(entry: Mapping[str, Any]) -> Item:
    url = needed(entry.get("url"), "url").strip()
    if not url.lower().startswith(("http://", "https://")):
        raise UnreadableItemError("url is not a web address")
    title = needed(entry.get("title"), "title")
    return Item(
        id=canonical_id(url),
        url=url,
        title=line(title),
        published_at=needed_moment(moment(entry.get("seendate")), "seendate"),
        language=language_code(text(entry.get("language"))),
        country=country_code(text(entry.get("sourcecountry"))),
        content_type="news",
    )


def canonical_id(url: str) -> str:
    """The address without fragment, marks of campaigns and differences of case in the host; hashed if very long."""
    parts = urlsplit(url)
    query = parts.query
    if _TRACKING.search(query):
        query = urlencode(
            [pair for pair in parse_qsl(query, keep_blank_values=True) if not _TRACKING.fullmatch(pair[0])]
        )
    found = parts._replace(
        scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), query=query, fragment=""
    ).geturl()  # fmt: skip
    return found if len(found) <= _ID_LIMIT else hashlib.blake2b(found.encode(), digest_size=16).hexdigest()


def _words(source: Source) -> str:
    asked = parse_qs(urlsplit(source.url).query).get("query", [""])[0].strip()
    option = source.options.get("query")
    return asked or (option.strip() if isinstance(option, str) else "")


def _unknown(name: str, value: str, instead: str) -> Problem:
    return Problem(("options", name), f"{value!r} is not a {name} that GDELT knows", f"write {instead}")


COLLECTOR = GdeltCollector()
