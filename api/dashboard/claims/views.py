"""A claim document laid out for its pages: rows of the ledger, tiles, chart, checks, method, evidence and history.

Pure. Every function takes values and gives what a template prints; nothing here asks the store or the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from api.dashboard import words
from api.dashboard.claims import words as claim_words
from api.dashboard.claims.charts import Goal, Scale, claim_chart, scale_about, scale_of, strip_of
from api.dashboard.claims.words import CHECK_WORDS, EFFECT_NAMES, KIND_WORDS, VERDICT_WORDS, Document
from api.schemas import PostOut
from monitor.core.charts import PAGE, Theme
from monitor.core.finding import RELATIVE_PER_YEAR, SHARE

Labels = Mapping[str, Mapping[str, str]]
"""dimension → key → name for people."""
TITLE_SHOWN = 140


def address(claim_id: str, as_of: date | None = None) -> str:
    """Page of a claim."""
    path = f"/claims/{quote(claim_id, safe='')}"
    return path if as_of is None else f"{path}?as_of={as_of.isoformat()}"


def goal_of(claim: Document) -> Goal | None:
    """The size that a claim about a level names, with its tolerance where one was applied; None for all others."""
    measure = claim["measure"]
    if claim["kind"] != "level" or not measure:
        return None
    claimed, slack = measure["claimed"], claim["details"].get("tolerance") or 0.0
    return Goal(claimed, max(claimed - slack, 0.0), min(claimed + slack, 1.0))


def is_rate(claim: Document) -> bool:
    """True if the weeks of a claim are posts a day rather than shares."""
    return bool(claim["measure"]) and claim["measure"].get("quantity") == "rate"


# --- the ledger ------------------------------------------------------------------------------------------------------


def scales_of(claims: Sequence[Document]) -> dict[str, Scale]:
    """One scale a unit, so that strips in one ledger can be compared."""
    units: dict[str, list[Document]] = {}
    for claim in claims:
        if claim["effect"] is not None:
            units.setdefault(claim["effect"]["unit"], []).append(claim)
    return {
        unit: scale_of(
            unit,
            [claim["effect"] for claim in found],
            [goal for claim in found if (goal := goal_of(claim)) is not None],
        )
        for unit, found in units.items()
    }


def row_of(claim: Document, scales: Mapping[str, Scale]) -> dict[str, Any]:
    """One line of the ledger."""
    effect = claim["effect"]
    return {
        "href": address(claim["id"]),
        "says": claim["says"],
        "segment": claim["segment"],
        "kind": KIND_WORDS[claim["kind"]],
        "verdict": VERDICT_WORDS[claim["verdict"]],
        "finding": claim["finding"],
        "effect": claim_words.effect_words(effect) if effect else "",
        "interval": claim_words.interval_words(effect) if effect else "",
        "strip": strip_of(effect, scales[effect["unit"]], goal_of(claim)) if effect else None,
        "checks": claim_words.checks_words(claim["checks"]),
        "sample": _sample(claim),
    }


def _sample(claim: Document) -> list[str]:
    """Posts, sources and window of one claim; empty where nothing was counted."""
    if not claim["n_posts"] and not claim["n_sources"]:
        return []
    counted = [claim_words.many(claim["n_posts"], "post"), claim_words.many(claim["n_sources"], "source")]
    return [*counted, claim_words.span_words(claim["since"], claim["until"])]


# --- one claim -------------------------------------------------------------------------------------------------------


def tiles_of(claim: Document) -> list[dict[str, str]]:
    """The numbers of a claim, each with its interval, its count or its window."""
    tiles = []
    if effect := claim["effect"]:
        interval = claim_words.interval_words(effect)
        note = f"95\u00a0% interval {interval}" if interval != "[x]" else "the one nearest to the claim"
        tiles.append({"name": EFFECT_NAMES[claim["kind"]], "value": claim_words.effect_words(effect), "note": note})
    if claim["n_posts"] or claim["n_sources"]:
        note = f"from {claim_words.many(claim['n_sources'], 'source')}"
        tiles.append({"name": "Posts", "value": words.whole(claim["n_posts"]), "note": note})
    window = claim_words.window_words(claim["since"], claim["until"])
    if window and claim["coverage"] is not None:
        tiles.append({"name": "Observed", "value": f"{claim['coverage'] * 100:.0f}\u00a0%", "note": f"of {window}"})
    detectable = claim["detectable"]
    if detectable and detectable["unit"]:
        size = claim_words.amount_words(detectable["value"], detectable["unit"])
        away = "from the claimed size, " if detectable["unit"] == SHARE else ""
        note = f"{away}with 80\u00a0% probability if it is there"
        tiles.append({"name": "Could be detected", "value": size, "note": note})
    return tiles


def chart_words(claim: Document) -> dict[str, str]:
    """Title, subtitle, legend and description of the chart of a claim."""
    title = "Posts a day, week by week" if is_rate(claim) else "Share of posts, week by week"
    subtitle = f"Claim {claim['id']}; {claim_words.window_words(claim['since'], claim['until'])} (UTC)"
    effect = claim["effect"]
    weeks = claim["series"]
    if any(week["value"] is not None for week in weeks):
        parts = ["points: weeks of the average source, its yearly rhythm taken out", "line: fitted"]
        if effect is not None and effect["low"] is not None and effect["high"] is not None:
            parts.append("shaded: slopes inside the 95\u00a0% interval, turned about the middle")
    else:
        parts = [
            f"points: plain {'counts a day' if is_rate(claim) else 'shares'} of each week; no line could be fitted"
        ]
    if any(week["status"] == "not_observed" for week in weeks):
        parts.append("grey: not observed")
    legend = "; ".join(parts)
    return {
        "title": title,
        "subtitle": subtitle,
        "legend": f"{legend[:1].upper()}{legend[1:]}.",
        "description": f"{title}. {subtitle}. {claim['finding']} The table below has every value.",
    }


def chart_spec(claim: Document, theme: Theme, width: int | str) -> dict[str, Any]:
    """The specification of the chart of a claim that has weeks."""
    told = chart_words(claim)
    return claim_chart(
        claim,
        title=told["title"],
        subtitle=told["subtitle"],
        description=told["description"],
        theme=theme,
        rate=is_rate(claim),
        width=width,
    )


def chart_of(claim: Document, as_of: date | None) -> dict[str, Any] | None:
    """Chart and table twin of a claim; None if it is not measured in weeks."""
    series = claim.get("series")
    if not series:
        return None
    rate = is_rate(claim)
    asked = {"as_of": as_of.isoformat()} if as_of else {}
    rows = [
        {
            "start": date.fromisoformat(week["start"]),
            "value": claim_words.ratio_words(week["value"], rate=rate),
            "fitted": claim_words.ratio_words(week.get("fitted"), rate=rate),
            "n": words.whole(week["n"]),
            "of": words.whole(week["of"]),
            "sources": words.whole(week["sources"]),
            "state": claim_words.state_words(week["status"]),
        }
        for week in reversed(series)
    ]
    return chart_words(claim) | {
        "spec": chart_spec(claim, PAGE, "container"),
        "link": f"/claims/{quote(claim['id'], safe='')}/chart",
        "query": "".join(f"&{urlencode({name: value})}" for name, value in asked.items()),
        "rows": rows,
        "data": f"/api/v1/claims/{quote(claim['id'], safe='')}?format=csv"
        + "".join(f"&{urlencode({name: value})}" for name, value in asked.items()),
        "value": "Posts a day" if rate else "Share",
        "of": "Observed days" if rate else "Of",
        "trends": claim["links"]["trends"],
    }


def scale_figure(claim: Document) -> dict[str, Any] | None:
    """The effect of a claim without weeks on a wide strip, with the ends of its scale in words."""
    effect, goal = claim["effect"], goal_of(claim)
    if effect is None or claim["series"]:
        return None
    scale = scale_about(effect, goal)
    strip = strip_of(effect, scale, goal)
    if strip is None:
        return None
    ends = [claim_words.effect_words({"value": end, "unit": effect["unit"]}) for end in (scale.low, scale.high)]
    mark = f"the claimed {claim_words.ratio_words(goal.value, rate=False)}" if goal else "no difference"
    shaded = "; shaded: what still counts as that" if strip.goal else ""
    legend = f"Dot: the effect; bar: its 95\u00a0% interval; upright line: {mark}{shaded}."
    return {"strip": strip, "low": ends[0], "high": ends[1], "legend": legend}


def checks_of(claim: Document) -> list[dict[str, Any]]:
    """The main result and every check beside it; effects in its unit are drawn on one scale."""
    effect, goal = claim["effect"], goal_of(claim)
    unit = effect["unit"] if effect else None
    same = [one["effect"] for one in claim["checks"] if one["effect"] and one["effect"]["unit"] == unit]
    scale = scale_about(effect, goal) if effect else None
    rows = []
    if effect is not None and same and claim["kind"] in ("trend", "level"):
        rows.append(_check("Main result", None, "", effect, scale, goal))
    for one in claim["checks"]:
        fits = one["effect"] is not None and one["effect"]["unit"] == unit
        title = claim_words.check_title(one["name"])
        rows.append(_check(title, one["verdict"], one["says"], one["effect"], scale if fits else None, goal))
    return rows


def _check(
    title: str, verdict: str | None, says: str, effect: Document | None, scale: Scale | None, goal: Goal | None
) -> dict[str, Any]:
    mark, outcome = CHECK_WORDS[verdict] if verdict else ("", "")
    return {
        "title": title,
        "slug": verdict,
        "mark": mark,
        "outcome": outcome,
        "says": says,
        "effect": claim_words.effect_words(effect) if effect else "",
        "interval": claim_words.interval_words(effect) if effect and effect.get("low") is not None else "",
        "strip": strip_of(effect, scale, goal) if scale else None,
    }


def method_of(claim: Document, labels: Labels) -> list[dict[str, str]]:
    """How the claim was made measurable, as terms and what is said of them."""
    rows = _measured(claim["measure"] or {}, labels)
    rows.append({"term": "Would support it", "says": claim["supports"]})
    if panel := claim_words.panel_words(claim["panel"], claim["kind"]):
        rows.append({"term": "Sources compared", "says": panel})
    if claim["p"] is not None:
        text = f"p = {claim_words.probability(claim['p'])}".replace("= <", "<")
        if claim["q"] is not None:
            text += f"; after correction for asking many questions q = {claim_words.probability(claim['q'])}"
            text = text.replace("= <", "<")
        rows.append({"term": "How surprising", "says": f"{text} (small is surprising if the claim were wrong)"})
    if claim["sample"]:
        rows.append({"term": "Sample", "says": claim["sample"]})
    return rows


def _measured(measure: Document, labels: Labels) -> list[dict[str, str]]:
    """What was counted, among what, and what was compared."""
    rows = []
    if "numerator" in measure:
        rows.append({"term": "Counted", "says": _set_words(measure, labels, per_day=measure.get("quantity") == "rate")})
    if "smallest" in measure:
        size = claim_words.amount_words(measure["smallest"], RELATIVE_PER_YEAR)
        rows.append({"term": "Smallest change that matters", "says": size})
    for one in measure.get("comparisons") or ():
        higher, lower = one["higher"], one["lower"]
        where = "inside each source" if one["within"] else "across sources"
        sides = "; ".join(f"{side['label']}: {_set_words(side, labels)}" for side in (higher, lower))
        what = claim_words.MEASURED_WORDS[one["measured"]]
        rows.append(
            {
                "term": f"{higher['label']} above {lower['label']}",
                "says": f"{what[:1].upper()}{what[1:]}, {where}. {sides}.",
            }
        )
    return rows


def _set_words(one: Document, labels: Labels, *, per_day: bool = False) -> str:
    counted = claim_words.posts_words(one["numerator"], labels)
    among = claim_words.posts_words(one["denominator"], labels)
    if per_day:
        return f"{counted}, per observed day"
    if not one["numerator"]:
        return among
    return counted if among == counted else f"{counted}, among {among}"


def detail_rows(details: Mapping[str, Any]) -> list[dict[str, str]]:
    """Figures for people who check."""
    return [{"name": name, "value": _detail(value)} for name, value in details.items()]


def _detail(value: Any) -> str:
    if value is None:
        return "[x]"
    if isinstance(value, float):
        return f"{value:.4g}".replace("-", "\u2212")
    return words.whole(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


def evidence_row(post: PostOut, source_name: str, platform_name: str) -> dict[str, Any]:
    """A post as evidence: what the API shows of it, and never more. Addresses that no browser should open are left."""
    title = post.title or post.excerpt[:TITLE_SHOWN] or "The text of this post is no longer kept"
    opens = post.url is not None and post.url.startswith(("https://", "http://"))
    return {
        "title": title,
        "url": post.url if opens else None,
        "excerpt": post.excerpt if post.title else "",
        "language": post.language,
        "date": post.published_at.date().isoformat(),
        "day": words.day(post.published_at),
        "guessed": post.date_guessed,
        "source": source_name,
        "platform": platform_name,
    }


def history_of(claim: Document) -> list[dict[str, Any]]:
    """Verdicts that were stored, newest first."""
    rows = []
    for one in sorted(claim.get("history") or (), key=lambda row: str(row["at"]), reverse=True):
        cutoff = date.fromisoformat(str(one["cutoff"])[:10])
        effect = one["effect"]
        rows.append(
            {
                "at": words.moment(datetime.fromisoformat(str(one["at"]))),
                "cutoff": words.day(cutoff),
                # the cut-off is the last day that counts; `as_of` the first that does not
                "href": address(claim["id"], cutoff + timedelta(days=1)),
                "verdict": VERDICT_WORDS[one["verdict"]],
                "effect": claim_words.effect_words(effect) if effect else "",
                "interval": claim_words.interval_words(effect) if effect else "",
            }
        )
    return rows


def reference_row(one: Document) -> dict[str, Any]:
    """A published figure with its citation, and whether someone has opened it."""
    url = one.get("url")
    return {
        "what": one["what"],
        "value": claim_words.figure_words(one["value"], one["unit"]),
        "dated": claim_words.date_words(one["dated"]),
        "citation": one["citation"],
        "url": url if url and str(url).startswith(("https://", "http://")) else None,
        "checked": bool(one["checked"]),
        "note": one.get("note") or "",
    }
