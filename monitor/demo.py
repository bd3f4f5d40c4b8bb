"""Generated posts with known shares and planted gaps, written as an archive and imported like any other.

Everything here is made up by a seeded generator: names, texts and counts speak of nobody. What is true of the data by
construction is in `TRUTH`, so that charts and verdicts on it can be checked.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from collectors.base import Source
from monitor.archive import ImportReport, import_file
from monitor.readers import Recipe
from monitor.store import Store
from monitor.store.keys import GENERATED

DAYS = 728
SEED = 20_260_706
TRUTH: dict[str, str] = {
    "video": "share of posts rises by 14 % a year in every source that mixes types",
    "podcast": "share is flat",
    "telehealth": "share of posts rises by 20 % a year",
    "ai": "share of posts rises by 60 % a year",
    "privacy": "share of posts is flat",
    "vaccination": "share swings with the season and has no trend",
    "outage": "no source was observed for nine days, 300 days before the end",
    "newcomers": "five sources start in the second year with twice the share of video",
    "leaver": "one source ends three months before the end",
    "giant": "one source brings a fifth of all posts and has no trend",
}
TOPICS = {"telehealth": (0.12, 1.2), "ai": (0.07, 1.6), "privacy": (0.06, 1.0)}
"""topic → (share at the middle of the window, growth a year)"""
VACCINATION = 0.08
VIDEO_GROWTH = 1.14
VIDEO_LEVEL = 0.24
GIANT = 4
"""Number of the source that outweighs all others and has no trend."""
LEAVER = 21
GENERATED_AT, COMPLETE = "generated_at", "generated_complete"
"""Meta keys: up to which time posts are generated, and that all of them are there."""


class NotEmptyError(Exception):
    """Generated posts would be mixed with real ones."""


def fill(
    store: Store,
    recipe: Recipe,
    folder: Path,
    *,
    clock: Callable[[], datetime],
    workers: int = 2,
    progress: Callable[[int, float], None] | None = None,
) -> ImportReport | None:
    """Fill an empty store with generated posts through the usual import, and mark it; None if it is filled already.

    The archive stays in `folder` as `generated.jsonl`. Cut off and called again, it ends with the same posts. Raises
    NotEmptyError for a store that holds anything else.
    """
    if store.meta(COMPLETE) == "true":
        return None
    if not store.generated:
        if store.totals().posts or store.sources():
            raise NotEmptyError(
                f"{store.url} is not empty; generated posts are never mixed with real ones. "
                "Set TRENDMONITOR_HOME to a new folder."
            )
        store.set_meta(GENERATED_AT, clock().isoformat())
        store.set_meta(GENERATED, "true")
    path = folder / "generated.jsonl"
    now = datetime.fromisoformat(store.meta(GENERATED_AT) or clock().isoformat())
    known = {one.source.id for one in store.sources()}
    for source in write_archive(path, now):
        if source.id not in known:
            store.add_source(source, now)
    report = import_file(
        path, store=store, recipe=recipe, reject_dir=folder / "rejects", clock=clock, workers=workers, progress=progress
    )
    store.set_meta(COMPLETE, "true")
    return report


_REGIONS = (("US", "en", 16), ("CA", "en", 3), ("GB", "en", 6), ("DE", "de", 5), ("FR", "fr", 4), ("IT", "it", 2),
            ("IN", "en", 5), ("AU", "en", 3), ("JP", "en", 3), ("BR", "pt", 4), ("MX", "es", 3), ("AE", "en", 3), ("TR", "en", 2))  # fmt: skip
_KINDS = ("mixed", "mixed", "news", "mixed", "podcast", "forum", "news", "channel")
_AUDIENCES = (["physicians"], ["nurses"], ["public_health"], ["other"], ["other"], ["nurses", "physicians"])

# Subjects and moods are so short, and the words between them so many, that texts are hardly ever taken for copies
_SUBJECTS = {
    "telehealth": {"en": "telehealth visits", "de": "Videosprechstunde und Telemedizin", "fr": "la téléconsultation", "it": "la telemedicina", "pt": "a telemedicina", "es": "la telemedicina"},
    "ai": {"en": "AI triage", "de": "künstliche Intelligenz", "fr": "intelligence artificielle", "it": "intelligenza artificiale", "pt": "inteligência artificial", "es": "inteligencia artificial"},
    "privacy": {"en": "data privacy", "de": "Datenschutz", "fr": "protection des données", "it": "protezione dei dati", "pt": "proteção de dados", "es": "protección de datos"},
    "vaccination": {"en": "flu vaccination", "de": "Grippeimpfung", "fr": "vaccination antigrippale", "it": "vaccinazione antinfluenzale", "pt": "vacinação contra gripe", "es": "vacunación antigripal"},
    None: {"en": "everyday work", "de": "der Alltag", "fr": "le quotidien", "it": "il lavoro", "pt": "o quotidiano", "es": "el trabajo"},
}  # fmt: skip
_MOODS = ("helpful", "great", "safe", "confusing", "slow", "problems", "relief", "questions")
"""English words, some of which carry sentiment."""

_WORDS = {
    "en": ["team", "ward", "clinic", "week", "visit", "family", "evening", "morning", "practice", "question", "answer", "plan", "room", "record", "care", "shift", "bed", "advice", "region", "winter", "summer", "city", "village", "school", "home", "phone", "letter", "study"],
    "de": ["Team", "Station", "Klinik", "Woche", "Besuch", "Familie", "Abend", "Morgen", "Praxis", "Frage", "Antwort", "Plan", "Zimmer", "Akte", "Pflege", "Schicht", "Bett", "Rat", "Region", "Winter", "Sommer", "Stadt", "Dorf", "Schule", "Haus", "Brief"],
    "fr": ["équipe", "service", "clinique", "semaine", "visite", "famille", "soir", "matin", "cabinet", "question", "réponse", "plan", "chambre", "dossier", "soin", "poste", "lit", "conseil", "région", "hiver", "été", "ville", "village", "école", "maison", "lettre"],
    "it": ["squadra", "reparto", "clinica", "settimana", "visita", "famiglia", "sera", "mattina", "studio", "domanda", "risposta", "piano", "stanza", "cartella", "cura", "turno", "letto", "consiglio", "regione", "inverno", "estate", "città", "paese", "scuola", "casa", "lettera"],
    "pt": ["equipa", "serviço", "clínica", "semana", "visita", "família", "noite", "manhã", "consultório", "pergunta", "resposta", "plano", "quarto", "registo", "cuidado", "turno", "cama", "conselho", "região", "inverno", "verão", "cidade", "aldeia", "escola", "casa", "carta"],
    "es": ["equipo", "servicio", "clínica", "semana", "visita", "familia", "noche", "mañana", "consulta", "pregunta", "respuesta", "plan", "sala", "registro", "cuidado", "turno", "cama", "consejo", "región", "invierno", "verano", "ciudad", "pueblo", "escuela", "casa", "carta"],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plan:
    source: Source
    kind: str
    rate: float
    """Posts a day."""
    level: float
    """Share of video at mid-window, for mixed sources."""
    starts: int
    """Day of the window."""
    ends: int


def plans() -> list[_Plan]:
    """The made-up sources, the same on every call."""
    rng = random.Random(SEED)  # noqa: S311 - reproducible by intent
    made: list[_Plan] = []
    number = 0
    for country, language, count in _REGIONS:
        for _ in range(count):
            newcomer, giant = number % 10 == 9, number == GIANT
            kind = "mixed" if newcomer or giant else _KINDS[number % len(_KINDS)]
            source = Source(
                id=f"demo-{country.lower()}-{number:02d}",
                collector="archive",
                platform={"channel": "youtube", "podcast": "podcast", "forum": "reddit"}.get(kind, "web"),
                url="",
                name=f"Generated {kind} {number:02d} ({country})",
                content_type={"channel": "video", "podcast": "podcast", "forum": "other"}.get(kind, "news"),
                audience=tuple(_AUDIENCES[number % len(_AUDIENCES)]),
                country=country,
                language=language,
            )
            made.append(
                _Plan(
                    source=source,
                    kind=kind,
                    rate=11.0 if giant else math.exp(rng.gauss(-0.35, 0.6)),
                    level=min(0.6, VIDEO_LEVEL * math.exp(rng.gauss(0, 0.3)) * (2 if newcomer else 1)),
                    starts=rng.randrange(380, 500) if newcomer else 0,
                    ends=DAYS - 90 if number == LEAVER else DAYS,
                )
            )
            number += 1
    return made


def write_archive(path: Path, now: datetime) -> tuple[Source, ...]:
    """Write two years of records up to `now` (aware UTC) as JSON Lines with a coverage header; returns the sources."""
    rng = random.Random(SEED + 1)  # noqa: S311 - reproducible by intent
    start = datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(days=DAYS)
    made = plans()
    coverage = [entry for plan in made for entry in _observed(plan, start, now)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(orjson.dumps({"coverage": coverage}) + b"\n")
        for plan in made:
            for record in _records(plan, start, now, rng):
                file.write(orjson.dumps(record) + b"\n")
    return tuple(plan.source for plan in made)


def _holes(plan: _Plan) -> list[tuple[int, int]]:
    """Days [from, to) in which the source was not observed."""
    holes = [(DAYS - 300, DAYS - 291)]
    number = int(plan.source.id.rsplit("-", 1)[1])
    if number % 7 == 3:
        holes.append((200 + number, 221 + number))
    if number == 12:
        holes.extend((day, day + 1) for day in range(560, 640, 9))
    return holes


def _observed(plan: _Plan, start: datetime, now: datetime) -> Iterator[dict[str, str]]:
    day = plan.starts
    for low, high in sorted(_holes(plan)):
        if high <= day or low >= plan.ends:
            continue
        if low > day:
            yield _interval(plan, start, day, low)
        day = high
    until = now if plan.ends >= DAYS else start + timedelta(days=plan.ends)
    yield {"source": plan.source.id, "since": (start + timedelta(days=day)).isoformat(), "until": until.isoformat()}


def _interval(plan: _Plan, start: datetime, low: int, high: int) -> dict[str, str]:
    return {
        "source": plan.source.id,
        "since": (start + timedelta(days=low)).isoformat(),
        "until": (start + timedelta(days=high)).isoformat(),
    }


def _records(plan: _Plan, start: datetime, now: datetime, rng: random.Random) -> Iterator[dict[str, Any]]:
    missing = {day for low, high in _holes(plan) for day in range(low, high)}
    giant = plan.rate > 10
    for day in range(plan.starts, min(plan.ends, DAYS + 1)):
        if day in missing:
            continue
        years = (day - DAYS / 2) / 365.25
        weekday = (start + timedelta(days=day)).weekday()
        rate = plan.rate * (0.45 if weekday >= 5 else 1.15) * math.exp(0.1 * years)
        for number in range(_poisson(rate, rng)):
            moment = start + timedelta(days=day, seconds=rng.randrange(86_400))
            if moment >= now:
                continue
            yield _record(plan, day, number, moment, 0.0 if giant else years, rng)


def _record(plan: _Plan, day: int, number: int, moment: datetime, years: float, rng: random.Random) -> dict[str, Any]:
    language = plan.source.language or "en"
    kind = plan.source.content_type
    if plan.kind == "mixed":
        kind = (
            "video"
            if rng.random() < plan.level * VIDEO_GROWTH**years
            else ("podcast" if rng.random() < 0.1 else "news")
        )
    draw, topic = rng.random(), None
    for name, chance in chances(moment, years).items():
        if draw < chance:
            topic = name
            break
        draw -= chance
    views = int(math.exp(rng.gauss(6.0 if kind == "video" else 5.0, 1.1)))
    likes = _poisson(min(views * 0.03, 600), rng)
    words = [rng.choice(_WORDS[language]) for _ in range(30)]
    if language == "en":
        words.insert(rng.randrange(4, 30), rng.choice(_MOODS))
    title = f"{words[0].capitalize()}, {words[1]}: {_SUBJECTS[topic][language]}"
    body = " ".join(words[2:]).capitalize() + "."
    serial = f"{day:03d}-{number:02d}"
    return {
        "source": plan.source.id,
        "id": serial,
        "url": f"https://generated.example/{plan.source.id}/{serial}",
        "title": title,
        "text": body,
        "published_at": moment.isoformat(),
        "content_type": kind,
        "topics": [topic] if topic else [],
        "live": kind == "video" and rng.random() < 0.05 * 1.1**years,
        "sponsored": rng.random() < 0.03,
        "duration": rng.randrange(60, 900)
        if kind == "video"
        else rng.randrange(900, 4000)
        if kind == "podcast"
        else None,
        "engagement": {
            "views": views,
            "likes": likes,
            "comments": _poisson(likes * 0.1, rng),
            "shares": _poisson(likes * 0.05, rng),
        }
        if plan.kind in ("mixed", "channel", "forum")
        else {},
    }


def chances(moment: datetime, years: float) -> dict[str, float]:
    """topic → chance that a post is about it; `years` from the middle of the window (0 where there is no trend)."""
    season = 1 + 0.5 * math.cos(2 * math.pi * (moment.timetuple().tm_yday - 320) / 365.25)
    return {name: level * growth**years for name, (level, growth) in TOPICS.items()} | {
        "vaccination": VACCINATION * season
    }


def _poisson(mean: float, rng: random.Random) -> int:
    """Knuth's product method for small means, the normal approximation above 30."""
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
