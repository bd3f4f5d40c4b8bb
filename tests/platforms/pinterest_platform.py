"""A stand-in for Pinterest's API v5: the boards of one account, the search for partners, and the trends."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from collectors.base import Source
from collectors.pinterest_api.trends import AGES, GENDERS, KINDS, REGIONS
from tests.platforms.case import Case
from tests.platforms.serving import START, Asked, Platform, Told

TOKEN = "hush-pinterest-token"
WRONG_TOKEN = "hush-pinterest-stale"
USER = "example_clinic"
BOARD = "549755885175"
FOREIGN = "549755885999"
"""A board of somebody else."""
_PINS = re.compile(r"/v5/boards/([^/]+)/pins")
_TRENDS = re.compile(r"/v5/trends/keywords/([^/]+)/top/([^/]+)")
_PRIVACY = ("ALL", "PUBLIC", "PROTECTED", "SECRET", "PUBLIC_AND_SECRET")


@dataclass
class Pin:
    number: str
    created: datetime
    changes: dict[str, Any] = field(default_factory=dict)


class PinterestPlatform(Platform):
    """One account with a public board of pins; tests may change `pins` and `boards`.

    Attributes:
        partner: the app may use the search of public pins.
        trends: the app may read the trends.
        forgets: bookmarks given before are no longer known.
        quiet: a 429 comes without headers.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: START, pins: int = 0, found: int = 0) -> None:
        super().__init__(clock)
        self.pins: list[Pin] = []
        self.found: list[dict[str, Any]] = []
        self.boards = [
            self.board("Recipes", "549755885001"),
            self.board("Low-salt & tasty!", BOARD),
            self.board("Plans", "549755885002", privacy="SECRET"),
        ]
        self.partner = True
        self.trends = True
        self.forgets = False
        self.quiet = False
        self._searched = found > 0
        self._broken: set[str] = set()
        for number in range(pins):
            self._add_pin(clock() - timedelta(hours=1 + number))
        for _ in range(found):
            self._add_found()

    @staticmethod
    def board(name: str, number: str, *, privacy: str = "PUBLIC", owner: str = USER) -> dict[str, Any]:
        return {
            "id": number, "name": name, "description": None, "privacy": privacy, "owner": {"username": owner},
            "pin_count": 5, "follower_count": 0, "collaborator_count": 0, "created_at": "2020-01-01T20:10:40",
        }  # fmt: skip

    def _add_pin(self, at: datetime) -> None:
        number = len(self.pins)
        media: dict[str, Any] = {"media_type": "image", "images": _images(number)}
        if number % 4 == 1:
            media = {"media_type": "video", "cover_image_url": _image(number), "duration": 34500, "video_url": None,
                     "height": 720, "width": 405}  # fmt: skip
        metrics: dict[str, Any] | None = {
            "90d": {"pin_click": 7, "impression": 2, "clickthrough": 3},
            "lifetime_metrics": {"pin_click": 7, "impression": 100 + number, "clickthrough": 3, "reaction": number % 3,
                                 "comment": 0, "save": 1},
        }  # fmt: skip
        if number % 5 == 4:
            metrics = None
        changes = {"media": media, "pin_metrics": metrics}
        self.pins.append(Pin(str(1_000_000_000_000_000_000 + number), at, changes))

    def _add_found(self) -> None:
        number = len(self.found)
        pin = {
            "id": str(2_000_000_000_000_000_000 + number), "title": f"Found pin {number}", "description": "About flu",
            "link": "https://example.org/", "alt_text": None, "media": {"media_type": "image", "images": _images(number)},
        }  # fmt: skip
        self.found.insert(0, pin)

    def answer(self, asked: Asked) -> Told:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, 2, "Authentication failed.")
        if asked.method != "GET":
            return _error(405, 405, "Method not allowed.")
        if asked.path == "/v5/boards":
            return self._boards(asked)
        if pins := _PINS.fullmatch(asked.path):
            return self._board_pins(asked, pins[1])
        if asked.path == "/v5/search/partner/pins":
            return self._search(asked)
        if trends := _TRENDS.fullmatch(asked.path):
            return self._trends(asked, unquote(trends[1]), trends[2])
        return _error(404, 404, "Not found.")

    def _boards(self, asked: Asked) -> Told:
        privacy = asked.one("privacy", "ALL")
        wrong = _unknown(asked, {"page_size", "bookmark", "privacy"}) or _outside(asked, "page_size", 250)
        if wrong or privacy not in _PRIVACY:
            return _error(400, 1, "Invalid parameter.")
        shown = [board for board in self.boards if privacy in ("ALL", board["privacy"])]
        return self._part(asked, "boards", shown, int(asked.one("page_size", "25")), page=False)

    def _board_pins(self, asked: Asked, board: str) -> Told:
        wrong = _unknown(asked, {"page_size", "bookmark", "pin_metrics", "creative_types"})
        if wrong or _outside(asked, "page_size", 250) or asked.one("pin_metrics", "false") not in ("true", "false"):
            return _error(400, 1, "Invalid parameter.")
        if not board.isdecimal():
            return _error(400, 1, f"'{board}' is not a board id.")
        if board not in {one["id"] for one in self.boards} | {FOREIGN}:
            return _error(404, 404, "Board not found.")
        if board == FOREIGN:
            return _error(403, 29, "You are not permitted to access that resource.")
        pins = [self._shown(pin, metrics=asked.one("pin_metrics") == "true") for pin in self._ordered(board)]
        return self._part(asked, f"pins{board}", pins, int(asked.one("page_size", "25")), page=True)

    def _ordered(self, board: str) -> Sequence[Pin]:
        """In an order that nobody promises: neither by time nor by number."""
        return sorted(self.pins, key=lambda pin: pin.number[::-1]) if board == BOARD else ()

    def _shown(self, pin: Pin, *, metrics: bool) -> dict[str, Any]:
        shown = {
            "id": pin.number,
            "created_at": f"{pin.created:%Y-%m-%dT%H:%M:%S}",
            "title": f"Example pin {pin.number[-3:]}",
            "description": "Less salt, more herbs (invented)",
            "link": "https://example.org/recipe",
            "alt_text": None,
            "board_id": BOARD,
            "board_section_id": None,
            "board_owner": {"username": USER},
            "creative_type": "REGULAR",
            "dominant_color": "#6E7874",
            "has_been_promoted": False,
            "is_owner": True,
            "is_standard": True,
            "parent_pin_id": None,
        } | pin.changes
        if not metrics:
            shown["pin_metrics"] = None
        if pin.number in self._broken:
            shown |= {"description": {"text": "in pieces"}, "created_at": 7}
        return shown

    def _search(self, asked: Asked) -> Told:
        if not self.partner:
            return _error(403, 3, "Not authorized to access this beta feature.")
        wrong = _unknown(asked, {"term", "country_code", "bookmark", "locale", "limit"}) or _outside(asked, "limit", 50)
        country = asked.one("country_code")
        if wrong or not asked.one("term") or not re.fullmatch("[A-Z]{2}", country):
            return _error(400, 400, "Invalid pin filter value")
        pins = [pin | {"title": ["in pieces"]} if pin["id"] in self._broken else pin for pin in self.found]
        return self._part(asked, "search", pins, int(asked.one("limit", "10")), page=True)

    def _part(self, asked: Asked, kind: str, everything: Sequence[Any], size: int, *, page: bool) -> Told:
        start = 0
        if told := asked.one("bookmark"):
            place = _read_bookmark(told, kind)
            if place is None or self.forgets:
                return _error(400, 1, "Invalid bookmark.")
            start = place
        end = start + size
        bookmark = base64.urlsafe_b64encode(f"{kind}:{end}".encode()).decode() if end < len(everything) else None
        return Told.json({"items": everything[start:end], "bookmark": bookmark}, page=page)

    def _trends(self, asked: Asked, region: str, kind: str) -> Told:
        if not self.trends:
            return _error(403, 29, "You are not permitted to access that resource.")
        known = {"interests", "ages", "genders", "include_keywords", "limit", "normalize_against_group"}
        wrong = _unknown(asked, known) or _outside(asked, "limit", 50)
        wrong = wrong or not set(asked.query.get("ages", [])) <= set(AGES)
        wrong = wrong or not set(asked.query.get("genders", [])) <= set(GENDERS)
        if wrong or region not in REGIONS or kind not in KINDS:
            return _error(400, 400, "Invalid trending keywords request parameters")
        wanted = asked.query.get("include_keywords", [])
        listed = [
            ("sleep tea", 400, 10_001, -5, {"2026-06-28": 54, "2026-06-21": 31, "2026-07-05": 100}),
            ("low salt dinner", 50, 0, 20, {"2026-07-05": 80}),
        ]
        trends = [
            {"keyword": word, "pct_growth_wow": week, "pct_growth_mom": month, "pct_growth_yoy": year,
             "time_series": series, "has_prediction": False, "demographics": None}
            for word, week, month, year, series in listed
            if not wanted or any(one in word for one in wanted)
        ]  # fmt: skip
        return Told.json({"trends": trends[: int(asked.one("limit", "50"))]})

    def answer_throttled(self, asked: Asked) -> Told:
        told = _error(429, 8, "This request exceeded a rate limit. Please retry after some time.")
        headers = (
            {}
            if self.quiet
            else {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}
        )
        return Told(told.status, told.body, {**told.headers, **headers})

    def ids(self) -> set[str]:
        shown = {pin["id"] for pin in self.found} if self._searched else {pin.number for pin in self.pins}
        return shown - self._broken

    def publish(self, count: int) -> None:
        for _ in range(count):
            if self._searched:
                self._add_found()
            else:
                self._add_pin(self.clock())

    def break_one(self) -> str:
        number = next(iter(sorted(self.ids())))
        self._broken.add(number)
        return number

    def remove_one(self) -> str:
        return self.found.pop()["id"] if self._searched else self.pins.pop().number


def _image(number: int, size: str = "1200x") -> str:
    return f"https://i.pinimg.com/{size}/00/00/{number:02d}/example{number}.jpg"


def _images(number: int) -> dict[str, Any]:
    return {
        "150x150": {"width": 150, "height": 150, "url": _image(number, "150x150")},
        "1200x": {"width": 1200, "height": 1200, "url": _image(number)},
    }


def _read_bookmark(told: str, kind: str) -> int | None:
    try:
        name, _, place = base64.urlsafe_b64decode(told.encode()).decode().rpartition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return int(place) if name == kind and place.isdecimal() else None


def _unknown(asked: Asked, known: set[str]) -> bool:
    return bool(set(asked.query) - known)


def _outside(asked: Asked, name: str, most: int) -> bool:
    told = asked.one(name, "1")
    return not (told.isdecimal() and 1 <= int(told) <= most)


def _error(status: int, code: int, message: str) -> Told:
    return Told.json({"code": code, "message": message}, status)


def board_source(name: str = "low-salt-tasty", user: str = USER, /, **options: Any) -> Source:
    url = f"https://www.pinterest.com/{user}/{name}/"
    return Source(id="it", collector="pinterest", platform="pinterest", url=url, options=options)


def search_source(**options: Any) -> Source:
    url = "https://www.pinterest.com/search/pins/?q=flu%20shot&rs=typed"
    return Source(id="it", collector="pinterest", platform="pinterest", url=url, options={"country": "US", **options})


CASES: list[Case] = [
    Case("pinterest board", board_source(), lambda clock: PinterestPlatform(clock, pins=620), TOKEN, WRONG_TOKEN),
    Case(
        "pinterest search",
        search_source(),
        lambda clock: PinterestPlatform(clock, found=130),
        TOKEN,
        WRONG_TOKEN,
        engagement=False,
    ),
]
