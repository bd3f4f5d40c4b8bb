"""Claim documents of every verdict and every kind, and a ledger that holds them: what pages must be able to show.

The numbers are made up; the shapes are those of `monitor.ledger`.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from monitor.claim_evidence import EvidencePage
from monitor.core.claim import (
    Claim,
    ClaimBook,
    Comparison,
    ConsistencyTest,
    LevelTest,
    Posts,
    RankTest,
    Reference,
    ReferenceTest,
    Side,
    TrendTest,
)
from monitor.core.finding import DIFFERENCE, RELATIVE_PER_YEAR, SHARE
from monitor.core.model import Post
from monitor.ledger import UnknownClaim
from tests.api.support import make_post

FIRST = date(2024, 11, 25)
UNTIL = date(2026, 11, 23)
AS_OF = "2026-11-22T21:00:00Z"
VIDEO = Posts(({"content_type": ("video",)},))
SAMPLE = "The sample is what was collected: public posts of the sources on the list, not of the whole sector."
Document = dict[str, Any]


def effect(value: float, low: float | None, high: float | None, unit: str = RELATIVE_PER_YEAR) -> Document:
    return {"value": value, "low": low, "high": high, "unit": unit}


def check(name: str, verdict: str, says: str, found: Document | None = None) -> Document:
    return {"name": name, "verdict": verdict, "says": says, "effect": found}


def weeks(
    level: float, slope: float, *, gaps: Sequence[int] = (), count: int = 104, fit: bool = True
) -> list[Document]:
    """Weekly shares around a line, with weeks that nobody observed."""
    rng = random.Random(7)
    found = []
    for number in range(count):
        line = level * math.exp(math.log1p(slope) * (number - count / 2) / 52.18)
        start = FIRST + timedelta(weeks=number)
        seen = number not in gaps
        of = rng.randint(1200, 1700) if seen else 0
        n = round(of * line * math.exp(rng.gauss(0, 0.08)))
        found.append(
            {
                "start": start.isoformat(),
                "value": n / of if seen and fit else None,
                "fitted": line if fit else None,
                "n": n,
                "of": of,
                "sources": 84 if seen else 0,
                "status": "ok" if seen else "not_observed",
            }
        )
    return found


def document(claim: Claim, verdict: str, finding: str, **changes: Any) -> Document:
    """A document as the ledger makes it, of a claim where nothing was counted unless `changes` say so."""
    return {
        "id": claim.id, "says": claim.says, "kind": claim.kind, "segment": claim.segment,
        "verdict": verdict, "finding": finding, "effect": None, "p": None, "q": None,
        "n_posts": 0, "n_sources": 0, "coverage": None, "since": None, "until": None, "as_of": AS_OF,
        "checks": [], "caveats": [], "supports": claim.supports, "limits": list(claim.limits), "sample": SAMPLE,
        "detectable": None, "panel": None, "details": {}, "fingerprint": "5f2a90c1d3e4b7a8", "generated": False,
        "measure": None, "reproduce": f"trendmonitor claims check config/claims/{claim.id}.yaml --as-of 2026-11-23",
        "links": {"trends": None, "evidence": None if claim.kind in ("reference", "consistency") else "/"}, "series": [], "history": [], "references": [],
    } | changes  # fmt: skip


def counted(posts: int, sources: int, coverage: float = 0.97) -> Document:
    return {
        "n_posts": posts, "n_sources": sources, "coverage": coverage,
        "since": FIRST.isoformat(), "until": UNTIL.isoformat(),
    }  # fmt: skip


def claim(claim_id: str, says: str, segment: str, test: Any) -> Claim:
    return Claim(
        claim_id, says, segment, test, "The whole interval lies above zero and every check agrees.",
        ("Posting is not watching: how many people see a video is not measured.", "Only public posts are collected."),
    )  # fmt: skip


def trend(claim_id: str, says: str, segment: str) -> Claim:
    return claim(claim_id, says, segment, TrendTest(VIDEO))


CLIPS = trend("video-rising", "The share of posts that are videos is rising.", "content type")
LIVE = trend("live-rising", "The share of posts that are live broadcasts is rising.", "content type")
AI = trend("ai-rising", "The share of posts about artificial intelligence is rising.", "topic")
PRIVACY = trend("privacy-rising", "The share of posts about data privacy is rising.", "topic")
TELEHEALTH = trend("telehealth-rising", "The share of posts about telehealth is rising.", "topic")
DEPTH = claim(
    "podcast-depth", "Podcasts go deeper than other types of content.", "content type",
    RankTest((Comparison(Side("podcasts"), Side("videos"), "duration"),)),
)  # fmt: skip
NURSES = claim(
    "nurse-community", "Nurses post more about community support than other audiences do.", "audience",
    RankTest((Comparison(Side("nurses"), Side("physicians")),)),
)  # fmt: skip
NA = claim("region-na-35", "North America holds 35 % of the posts.", "region", LevelTest(VIDEO, 0.35))
CHINA = claim("region-cn-12", "China holds 12 % of the posts.", "region", LevelTest(VIDEO, 0.12))
DOXIMITY = claim(
    "doximity-revenue", "Doximity's revenue is about 200 million USD a year.", "players",
    ReferenceTest(200, "million USD", figures=("dox",)),
)  # fmt: skip
GROWTH = claim(
    "growth-13-8", "The market grows by 13.8 % a year.", "market",
    ReferenceTest(13.8, "% a year", why_not="No published figure can be cited."),
)  # fmt: skip
RATES = claim("growth-consistency", "The three growth rates contradict each other.", "market", ConsistencyTest("%", ()))
REFERENCE = Reference(
    "dox", "Doximity revenue, fiscal year 2022", 343.5, "million USD", "2022-03-31",
    "Doximity, Inc., Form 10-K for the fiscal year ended 31 March 2022", "https://www.sec.example/10k", checked=False,
    note="Written down from memory; open the filing before relying on it.",
)  # fmt: skip
BOOK = ClaimBook(
    (CLIPS, LIVE, DEPTH, NURSES, NA, CHINA, AI, PRIVACY, TELEHEALTH, GROWTH, RATES, DOXIMITY), {"dox": REFERENCE}
)
RISE = effect(0.14, 0.09, 0.20)
_WORDS = "difference in seconds"
DOCUMENTS: tuple[Document, ...] = (
    document(
        CLIPS, "supported",
        "In 84 sources observed from 2024-11-25 to 2026-11-23 (104 weeks), the share of video went from 21 % to 27 %: "
        "+14 % a year, 95 % interval +9 to +20.",
        effect=RISE, p=0.00004, q=0.0012, **counted(123_456, 84),
        checks=[
            check("drop-largest", "passed", "Without the largest source (who-news) it still rises.",
                  effect(0.12, 0.07, 0.18)),
            check("all-sources", "passed", "With all 90 sources it rises too.", effect(0.17, 0.1, 0.24)),
            check("halves", "passed", "It rises in both halves of the time.", effect(0.1, -0.03, 0.24)),
            check("without-copies", "noted", "Without near-duplicates the change is much the same.",
                  effect(0.13, 0.08, 0.19)),
            check("pooled", "noted", "All posts taken together change faster.", effect(0.31, 0.12, 1.4)),
        ],
        caveats=["One seasonal cycle is short: a yearly rhythm may be mistaken for change.",
                 "The tagging rules changed on 3 July 2026; older posts were tagged again."],
        panel={"sources": 84, "in_scope": 90, "weeks": 104, "excluded": {"started_later": 4, "gaps": 2}},
        details={"standard error": 0.0221, "degrees of freedom": 41.3, "sources in the test": 84, "method": "v1"},
        measure={"numerator": [{"content_type": ["video"]}], "denominator": [], "quantity": "share",
                 "direction": "rising", "smallest": 0.1, "weeks": 104},
        series=weeks(0.24, 0.14, gaps=(30, 31, 32, 70)),
        history=[
            {"at": "2026-11-22T21:00:00Z", "cutoff": "2026-11-22", "verdict": "supported", "effect": RISE},
            {"at": "2026-11-01T09:00:00Z", "cutoff": "2026-10-31", "verdict": "inconclusive",
             "effect": effect(0.06, -0.01, 0.14)},
        ],
        links={"trends": "/api/v1/trends?metric=share&content_type=video", "evidence": "/"},
    ),
    document(
        LIVE, "insufficient_data",
        "Live broadcasts were found in 3 sources; at least 5 are needed. At the present rate that takes about 5 weeks.",
        **counted(96, 3, 0.61), detectable={"value": 1.9, "unit": RELATIVE_PER_YEAR},
        series=weeks(0.004, 0, gaps=range(60), fit=False),
    ),
    document(
        DEPTH, "supported", "Podcasts last 2,310 seconds longer than videos on average, 95 % interval 1,800 to 2,800.",
        measure={"weeks": 52, "comparisons": [
            {"measured": "duration", "within": False,
             "higher": {"label": "Podcasts", "numerator": [], "denominator": [{"content_type": ["podcast"]}]},
             "lower": {"label": "Videos", "numerator": [], "denominator": [{"content_type": ["video"]}]}}]},
        effect=effect(2310, 1800, 2820, _WORDS), p=0.0002, q=0.002, **counted(18_200, 61),
        checks=[check("podcasts-videos", "passed", "Podcasts 2,700 seconds, videos 390 seconds.",
                      effect(2310, 1800, 2820, _WORDS)),
                check("guests", "passed", "Podcasts name 0.8 guests, videos 0.2.",
                      effect(0.6, 0.4, 0.8, "difference in named guests"))],
    ),
    document(
        NURSES, "inconclusive", "The data fit both more and less: +1.2 points, 95 % interval −0.8 to +3.2.",
        effect=effect(0.012, -0.008, 0.032, DIFFERENCE), p=0.12, q=0.3, **counted(9_100, 44),
        checks=[check("nurses-physicians", "failed", "Nurses 4.1 %, physicians 2.9 %.",
                      effect(0.012, -0.008, 0.032, DIFFERENCE))],
    ),
    document(
        NA, "inconclusive", "In the sector, with sources as a sample, the share is 38.1 %, 95 % interval 29.9 to 47.0.",
        effect=effect(0.381, 0.299, 0.470, SHARE), **counted(84_000, 320), details={"tolerance": 0.0525, "claimed": 0.35},
        measure={"numerator": [{"region": ["north_america"]}],
                 "denominator": [{"region": ["north_america", "europe", "asia_pacific"]}],
                 "claimed": 0.35, "population": "sources", "weeks": 52},
    ),
    document(
        CHINA, "contradicted", "The share is 1.9 %, 95 % interval 0.8 to 4.1; the claim says 12 %.",
        effect=effect(0.019, 0.008, 0.041, SHARE), **counted(84_000, 320),
        measure={"numerator": [{"country": ["CN"]}], "denominator": [], "claimed": 0.12},
        details={"tolerance": 0.05},
    ),
    document(
        AI, "supported", "The share went from 2 % to 4 %: +92 % a year, 95 % interval +61 to +130.",
        effect=effect(0.92, 0.61, 1.3), p=0.0, q=0.0, **counted(123_456, 84), series=weeks(0.03, 0.92),
    ),
    document(
        PRIVACY, "contradicted", "The share fell by 18 % a year, 95 % interval −27 to −8; the claim says it rose.",
        effect=effect(-0.18, -0.27, -0.08), p=0.99, q=1.0, **counted(123_456, 84), series=weeks(0.05, -0.18),
    ),
    document(
        TELEHEALTH, "inconclusive",
        "The data fit both a rise and a fall, −3 to +7 % a year. This does not show that there was no change.",
        effect=effect(0.02, -0.03, 0.07), p=0.2, q=0.4, **counted(123_456, 84), series=weeks(0.06, 0.02),
    ),
    document(GROWTH, "not_measurable", "No published figure can be cited, and public posts do not show sales."),
    document(
        RATES, "supported", "13.8, 20 and 25 % a year are three different growth rates for one market.",
        checks=[check("rates", "passed", "The smallest and the largest differ by 11.2 points.")],
    ),
    document(
        DOXIMITY, "contradicted", "Doximity reported 343.5 million USD for the year to March 2022, 72 % above the claim.",
        effect=effect(343.5, None, None, "million USD"), references=[
            {"id": "dox", "what": REFERENCE.what, "value": REFERENCE.value, "unit": REFERENCE.unit,
             "dated": REFERENCE.dated, "citation": REFERENCE.citation, "url": REFERENCE.url, "checked": False,
             "note": REFERENCE.note}],
    ),
)  # fmt: skip


@dataclass
class Documents:
    """Answers as the ledger does, from `claims`."""

    claims: Sequence[Document] = DOCUMENTS
    posts: tuple[Post, ...] = ()
    book: ClaimBook = BOOK

    def ledger(self) -> Document:
        counts = Counter(one["verdict"] for one in self.claims)
        return {"claims": list(self.claims), "counts": dict(counts), "as_of": AS_OF, "generated": False, "family": {}}

    def claim(self, claim_id: str, *, as_of: date | None = None) -> Document:
        for one in self.claims:
            if one["id"] == claim_id:
                return one if as_of is None else {**one, "as_of": f"{as_of.isoformat()}T00:00:00Z"}
        raise UnknownClaim(f"There is no claim {claim_id!r}.")

    def evidence(self, claim_id: str, *, limit: int = 20, cursor: str | None = None) -> EvidencePage:
        self.claim(claim_id)
        if cursor not in (None, "second"):
            raise ValueError("The page marker does not fit.")
        if cursor:
            return EvidencePage(self.posts[limit:], None, "The latest videos.")
        return EvidencePage(self.posts[:limit], "second" if len(self.posts) > limit else None, "The latest videos.")


def evidence_posts() -> tuple[Post, ...]:
    """Posts as they are stored, some of them awkward: no address, an address no browser should open, no text."""
    start = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
    posts = [make_post("clips", number, start - timedelta(hours=number), content_type="video") for number in range(12)]
    posts[1] = replace(posts[1], url="javascript:alert(1)")
    posts[2] = replace(posts[2], url=None, title="", text="")
    posts[3] = replace(posts[3], title="", text="Write to jane@ward.example about the flu clinic on Monday.")
    return tuple(posts)
