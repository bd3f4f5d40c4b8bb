"""Dates as feeds write them → aware UTC.

Two shapes make up nearly all dates and are read without a parser: RFC 822 with a numeric zone or GMT, and
RFC 3339. What is left is mended (names of months in other languages, zones by name, two-digit years) and, only if
still unread, given to dateutil. Input longer than 100 characters is not a date.

`parse_date` never raises and never looks at a clock: the caller says what "now" is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from dateutil import parser as dateutil_parser

OLDEST = datetime(1995, 1, 1, tzinfo=UTC)
"""Feeds did not exist before; older dates are defaults (1970, 1601, 0001) or typing errors."""
AHEAD = timedelta(days=1)
_LONGEST = 100
_BLANK = datetime(1, 1, 1)  # noqa: DTZ001 - dateutil fills missing parts from it; year 1 is then refused as absurd

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar jänner janvier janv ene enero gen gennaio janeiro januari styczen stycznia leden ledna januar",
            "feb february februar feber février fevrier févr fevr febrero febbraio fev fevereiro februari luty lutego únor února",
            "mar march märz maerz mär mrz mars marzo março marco maart mrt marzec marca březen března",
            "apr april avril avr abr abril apr aprile kwiecień kwietnia duben dubna",
            "may mai mayo mag maggio maio mei maj maja květen května",
            "jun june juni juin junio giu giugno junho czerwiec czerwca červen června",
            "jul july juli juillet juil julio lug luglio julho lipiec lipca červenec července",
            "aug august août aout ago agosto augustus sierpień sierpnia srpen srpna augusti",
            "sep sept september septembre septiembre set sett settembre setembro wrzesień września září",
            "oct october oktober okt octobre octubre ott ottobre out outubro październik października říjen října",
            "nov november novembre noviembre novembro listopad listopada",
            "dec december dezember dez décembre decembre déc dic diciembre dicembre dezembro grudzień grudnia prosinec prosince desember des",
        ),
        start=1,
    )
    for name in names.split()
}
# RFC 822 zones, and those that feeds write although no standard knows them. Single letters are military zones,
# which RFC 2822 (4.3) says to read as unknown, that is UTC. Minutes east of Greenwich.
_ZONES = {
    name: minutes
    for minutes, names in (
        (0, "z ut utc gmt wet"),
        (60, "cet bst met mez wat west"),
        (120, "cest eet mest mesz cat sast"),
        (180, "msk eest eat ast3"),
        (240, "gst msd"),
        (300, "pkt"),
        (330, "ist"),
        (420, "ict wib"),
        (480, "hkt sgt awst myt pht"),
        (540, "jst kst"),
        (570, "acst"),
        (600, "aest"),
        (630, "acdt"),
        (660, "aedt"),
        (720, "nzst"),
        (780, "nzdt"),
        (-150, "ndt"),
        (-210, "nst"),
        (-180, "adt brt art"),
        (-240, "ast edt clt"),
        (-300, "est cdt cot pet"),
        (-360, "cst mdt"),
        (-420, "mst pdt"),
        (-480, "pst akdt"),
        (-540, "akst"),
        (-600, "hst"),
    )
    for name in names.split()
}
_OFFSETS: dict[str, timezone] = {}

# 'Fri, 20 Nov 2026 10:00:00 +0000', weekday and seconds optional
_RFC822 = re.compile(
    r"(?:[A-Za-z]{3,9}\.?,? )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? ?(GMT|UTC|Z|[+-]\d{4})$"
)
# '20. März 2026, 10:00 Uhr CET', '20-Nov-26 10:00:00', 'Freitag 20 Nov 2026'
_WORDY = re.compile(
    r"(?:[^\W\d_]+\.?\s?,?\s*)?(\d{1,2})(?:st|nd|rd|th|\.|er)?[\s\-/]+(?:de\s+)?([^\W\d_]+)\.?,?[\s\-/]+(?:de[l]?\s+)?(\d{4}|\d\d)"
    r"(?:,?[\sT]+(?:um\s+|à\s+|a las\s+|alle\s+)?(\d{1,2})[:.h](\d\d)(?:[:.](\d\d)(?:[.,]\d+)?)?(?:\s*Uhr)?(?:\s*([ap])\.?m\.?)?)?"
    r"\s*(.*)$",
    re.IGNORECASE,
)
# 'Nov 20, 2026 10:00 AM EST', 'Friday, November 20, 2026'
_MONTH_FIRST = re.compile(
    r"(?:[^\W\d_]+\.?,?\s+)?([^\W\d_]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})"
    r"(?:,?\s*(?:at\s+|-\s+)?(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:\s*([ap])\.?m\.?)?)?\s*(.*)$",
    re.IGNORECASE,
)
# asctime: 'Fri Nov 20 10:00:00 2026', with a zone before or after the year (Unix date)
_ASCTIME = re.compile(
    r"(?:[^\W\d_]{2,9}\.?,?\s+)?([^\W\d_]+)\.?\s+(\d{1,2})\s+(\d\d):(\d\d)(?::(\d\d))?\s+(?:([A-Z]{1,5}|[+-]\d{4})\s+)?(\d{4})\s*(.*)$",
    re.IGNORECASE,
)
# W3CDTF with what people make of it: spaces, 24:00, offsets of any shape, fractions of any length
_ISO = re.compile(
    r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?:[T\s_]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:[.,](\d+))?)?\s*(.*)$",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"\d{8}T\d{4,6}(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?$")
_OFFSET = re.compile(r"(?:GMT|UTC|UT)?\s*([+\-−])\s*(\d{1,2}):?(\d\d)?(?::?\d\d)?(?:\s*\(.*\))?$", re.IGNORECASE)
_EPOCH = re.compile(r"-?\d{9,13}(?:\.\d+)?$")


def parse_date(raw: str, now: datetime) -> tuple[datetime | None, str | None]:
    """`raw` as aware UTC, and what had to be mended in plain words (None: nothing).

    None with a repair note: unreadable, before 1995 or more than a day after `now` (aware). A date without a time
    is midnight; a time without a zone is read as UTC.
    """
    raw = raw.strip()
    found = _quick(raw)
    note = None
    if found is None:
        if len(raw) > _LONGEST:
            return None, "date is not a date (over 100 characters): ignored"
        found, note = _patient(" ".join(_without_comments(raw).split()))
        if found is None:
            return None, f"date {raw[:40]!r} is unreadable: ignored"
    if found > now + AHEAD:
        return None, f"date {_short(raw)} is in the future: ignored"
    if found < OLDEST:
        return None, f"date {_short(raw)} is before 1995: ignored"
    return found, note


def _without_comments(raw: str) -> str:
    """Without RFC 822's comments in brackets, which nest."""
    if "(" not in raw:
        return raw
    kept: list[str] = []
    depth = 0
    escaped = False
    for character in raw:
        if escaped:
            escaped = False
        elif character == "\\" and depth:
            escaped = True
        elif character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(character)
    return "".join(kept)


def _short(raw: str) -> str:
    return raw if len(raw) <= 40 else raw[:40] + "…"


def _quick(raw: str) -> datetime | None:
    """The two common shapes; None sends it to the patient road."""
    if not raw:
        return None
    try:
        if raw[0].isdigit() and len(raw) >= 20 and raw[4] == "-" and raw[10] == "T" and raw[11:13] != "24":
            iso = datetime.fromisoformat(raw)
            return None if iso.tzinfo is None else iso.astimezone(UTC)
        if len(raw) in (29, 31) and raw[3:5] == ", " and raw[19] == raw[22] == ":" and raw[16] == raw[25] == " ":
            # 'Fri, 20 Nov 2026 10:00:00 +0000' or GMT: by far the most common, so without a pattern
            number = _MONTHS.get(raw[8:11].lower(), 0)
            zone = raw[26:]
            fields = (int(raw[12:16]), number, int(raw[5:7]), int(raw[17:19]), int(raw[20:22]), int(raw[23:25]))
        else:
            match = _RFC822.match(raw)
            if match is None:
                return None
            day, month, year, hour, minute, second, zone = match.groups()
            fields = (int(year), _MONTHS.get(month.lower(), 0), int(day), int(hour), int(minute), int(second or 0))
        if zone in ("+0000", "GMT", "UTC", "Z"):
            return datetime(*fields, tzinfo=UTC)
        if zone[0] in "+-" and len(zone) == 5:
            return datetime(*fields, tzinfo=_offset(zone)).astimezone(UTC)
        return None
    except (ValueError, OverflowError):
        return None


def _offset(zone: str) -> timezone:
    """'+0130' → time zone. Raises ValueError beyond ±24 h."""
    known = _OFFSETS.get(zone)
    if known is None:
        minutes = int(zone[1:3]) * 60 + int(zone[3:5])
        known = timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))
        if len(_OFFSETS) < 200:
            _OFFSETS[zone] = known
    return known


@lru_cache(maxsize=512)
def _patient(raw: str) -> tuple[datetime | None, str | None]:
    for read in (_epoch, _iso, _wordy, _month_first, _asctime, _dateutil):
        try:
            found = read(raw)
        except (ValueError, OverflowError):
            found = None
        if found is not None:
            return found
    return None, None


def _epoch(raw: str) -> tuple[datetime, str | None] | None:
    if not _EPOCH.match(raw):
        return None
    value = float(raw)
    if abs(value) >= 1e11:
        value /= 1000
    return datetime.fromtimestamp(value, UTC), "date is a number of seconds: read as Unix time"


def _iso(raw: str) -> tuple[datetime, str | None] | None:
    match = _ISO.match(raw)
    if match is None:
        if _COMPACT.match(raw):
            found = datetime.fromisoformat(raw)
            zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
            return zoned.astimezone(UTC), None if found.tzinfo else "date has no time zone: read as UTC"
        return None
    year, month, day, hour, minute, second, fraction, rest = match.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    return _build(int(year), int(month or 1), int(day or 1), hour, minute, second, rest, micro=micro)


def _wordy(raw: str) -> tuple[datetime, str | None] | None:
    match = _WORDY.match(raw)
    if match is None:
        return None
    day, month, year, hour, minute, second, half, rest = match.groups()
    number = _month(month)
    if number is None:
        return None
    short = len(year) == 2
    return _build(_year(year), number, int(day), _half(hour, half), minute, second, rest, short=short)


def _month_first(raw: str) -> tuple[datetime, str | None] | None:
    match = _MONTH_FIRST.match(raw)
    if match is None:
        return None
    month, day, year, hour, minute, second, half, rest = match.groups()
    number = _month(month)
    return None if number is None else _build(int(year), number, int(day), _half(hour, half), minute, second, rest)


def _asctime(raw: str) -> tuple[datetime, str | None] | None:
    match = _ASCTIME.match(raw)
    if match is None:
        return None
    month, day, hour, minute, second, zone, year, rest = match.groups()
    number = _month(month)
    return None if number is None else _build(int(year), number, int(day), hour, minute, second, zone or rest)


def _month(name: str) -> int | None:
    name = name.lower()
    return _MONTHS.get(name) or (_MONTHS.get(name[:3]) if len(name) > 3 and name.isascii() else None)


def _year(text: str) -> int:
    """Two digits: RFC 2822 section 4.3 (00–49 → 2000s, 50–99 → 1900s)."""
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 50 else 1900)


def _half(hour: str | None, half: str | None) -> str | None:
    if hour is None or half is None or int(hour) > 12:
        return hour
    return str(int(hour) % 12 + (12 if half.lower() == "p" else 0))


def _build(
    year: int,
    month: int,
    day: int,
    hour: str | None,
    minute: str | None,
    second: str | None,
    rest: str,
    *,
    micro: int = 0,
    short: bool = False,
) -> tuple[datetime, str | None] | None:
    """Put the parts together; hours of 24 roll over, leap seconds become 59."""
    zone, note = _zone(rest.strip(), timed=hour is not None)
    if zone is None:
        return None
    midnight = hour == "24"
    time = (0 if midnight else int(hour or 0), int(minute or 0), min(int(second or 0), 59), micro)
    start = datetime(year, month, day, *time, tzinfo=zone)
    if midnight:
        start += timedelta(days=1)
    if short and note is None:
        note = "date has a two-digit year"
    return start.astimezone(UTC), note


def _zone(rest: str, *, timed: bool) -> tuple[timezone | None, str | None]:
    """The zone that the rest of a date names; None if the rest is something else altogether."""
    if not rest:
        return UTC, "date has no time zone: read as UTC" if timed else None
    match = _OFFSET.match(rest)
    if match:
        sign, hours, minutes = match.groups()
        return _offset(("+" if sign == "+" else "-") + hours.zfill(2) + (minutes or "00")), None
    name = rest.split("(", 1)[0].strip().lower()
    if name in _ZONES:
        return timezone(timedelta(minutes=_ZONES[name])), None
    if len(name) == 1 and name.isalpha():
        return UTC, None
    if name.isalpha() and len(name) <= 5:
        return UTC, f"time zone {rest[:10]!r} is unknown: read as UTC"
    return None, None


def _dateutil(raw: str) -> tuple[datetime, str | None] | None:
    if not any(character.isdigit() for character in raw):
        return None
    try:
        found = dateutil_parser.parse(raw, default=_BLANK, tzinfos=_tzinfo)
    except (dateutil_parser.ParserError, TypeError, AttributeError):
        return None
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC), "date is in no known format and has no time zone: read as UTC"
    return found.astimezone(UTC), "date is in no known format: read by its parts"


def _tzinfo(name: str | None, offset: int | None) -> timezone | None:
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    return timezone(timedelta(minutes=_ZONES.get((name or "").lower(), 0)))
