"""Shapes of claims and their verdicts, as OpenAPI documents them. None means 'there is none', never 0."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas import PostOut, Shape
from monitor.core.claim import Kind
from monitor.core.finding import CheckVerdict, VerdictName


class EffectOut(Shape):
    value: float | None = Field(description="In `unit`; 0.14 is +14 % where the unit is a relative change or a share.")
    low: float | None = Field(description="Lower end of the 95 % interval; None for a figure without one.")
    high: float | None
    unit: str = Field(examples=["relative change per year", "share", "difference of shares"])


class CheckOut(Shape):
    name: str = Field(examples=["drop-largest"])
    verdict: CheckVerdict = Field(description="A failed check keeps a verdict from being `supported`.")
    says: str
    effect: EffectOut | None


class DetectableOut(Shape):
    value: float
    unit: str | None


class ClaimPanelOut(Shape):
    """The sources that were compared with themselves throughout the window."""

    sources: int
    in_scope: int = Field(description="Sources that could have been in it.")
    weeks: int
    excluded: dict[str, int] = Field(description="Why sources in scope are not in it → how many.")


class ClaimLinksOut(Shape):
    trends: str | None = Field(description="The numbers behind it, where one trend shows them.")
    evidence: str | None = Field(description="The posts behind it, where posts can show it.")


class ClaimOut(Shape):
    """One claim of the report and what the data say of it."""

    id: str
    says: str = Field(description="The claim, in a sentence.")
    kind: Kind
    segment: str = Field(description="The part of the report it belongs to.")
    verdict: VerdictName
    finding: str = Field(description="Why, in a sentence that can stand alone.")
    effect: EffectOut | None
    p: float | None = Field(description="One-sided p-value in the direction of the claim.")
    q: float | None = Field(description="The same, corrected for all claims asked at once (Benjamini-Hochberg).")
    n_posts: int
    n_sources: int
    coverage: float | None = Field(description="Part of the window in which its sources were observed, 0 to 1.")
    since: date | None = Field(description="First day of the window; None where no posts are counted.")
    until: date | None = Field(description="Day after the last.")
    as_of: datetime = Field(description="Until when the sources behind it were observed.")
    checks: list[CheckOut]
    caveats: list[str] = Field(description="What a reader must know before quoting the verdict.")
    supports: str = Field(description="What would support it.")
    limits: list[str] = Field(description="What this measurement cannot show.")
    sample: str | None = Field(description="Which posts the verdict speaks of; None where it counts none.")
    detectable: DetectableOut | None = Field(description="The effect that would be found four times out of five.")
    panel: ClaimPanelOut | None
    details: dict[str, Any] = Field(description="Figures for people who check.")
    fingerprint: str = Field(description="Changes with the claim, the data or the method.")
    generated: bool = Field(description="True: demonstration data that says nothing about the world.")
    measure: dict[str, Any] | None = Field(
        description="How it was made measurable: which posts were counted among which, over how many weeks. Sets of posts "
        "are lists of filters over dimensions, any of which will do; an empty list means all posts."
    )
    reproduce: str = Field(description="The command that computes it again.")
    links: ClaimLinksOut


class ClaimsOut(Shape):
    claims: list[ClaimOut] = Field(description="Those that fit the filters, in the order of the report.")
    counts: dict[VerdictName, int] = Field(description="Verdict → how many of all claims, whatever the filters.")
    as_of: datetime
    generated: bool


class ClaimWeekOut(Shape):
    start: date = Field(description="Its Monday.")
    value: float | None = Field(description="None where nothing was observed; never 0 for that.")
    fitted: float | None = Field(description="What the model expects.")
    n: int
    of: int
    sources: int = Field(description="Sources behind it.")
    status: Literal["ok", "not_observed"]


class StoredVerdictOut(Shape):
    at: datetime = Field(description="When it was computed.")
    cutoff: date = Field(description="Only posts published before this day count.")
    verdict: VerdictName
    effect: EffectOut | None


class ClaimDetailOut(ClaimOut):
    series: list[ClaimWeekOut] = Field(description="Week by week; empty where no posts are counted.")
    history: list[StoredVerdictOut] = Field(description="Earlier verdicts, newest first.")
    references: list[dict[str, Any]] = Field(description="Published figures it was compared with, with citation.")


class EvidenceOut(Shape):
    posts: list[PostOut]
    next: str | None = Field(description="Give it back as `cursor` for the next page; None on the last.")
    of: str = Field(description="What these posts show, and how they were chosen.")
