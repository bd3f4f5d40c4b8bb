"""How claims look in a terminal: the ledger as a table, one claim from statement to the command that repeats it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monitor.cli.claim_words import (
    CHECK_MARKS,
    VERDICT_MARKS,
    VERDICT_NAMES,
    amount_words,
    effect_words,
    interval_words,
    number_words,
    verdict_words,
)
from monitor.cli.output import GAP, console, counted, grouped, say, sparkline, table

if TYPE_CHECKING:
    from monitor.store.events import Event

Document = Mapping[str, Any]

NOT_AVAILABLE, NOT_APPLICABLE = "[x]", "[z]"
_INDENT = "  "
_KINDS = {
    "trend": "change over time",
    "level": "size of a share",
    "rank": "comparison",
    "reference": "published figure",
    "consistency": "arithmetic",
}
_LEFT_OUT = {
    "never_observed": "never observed",
    "not_in_window": "not observed in the window",
    "started_later": "began later",
    "ended_earlier": "ended earlier",
    "changed": "changed in between",
    "gaps": "with gaps",
}
_WIDEST_EFFECT = 17
"""Characters of an effect in the table; units of published figures can be long."""
_WIDE = 105
"""Columns from which the table has room for verdicts in words."""
_HISTORY = 10
"""Earlier verdicts shown; the JSON document has them all."""


def show_list(claims: Sequence[Document], ledger: Document, changes: Sequence[Event] = ()) -> None:
    """The claims by segment, in the order of the report. `changes` of verdict, oldest first, are told above."""
    if ledger["generated"]:
        say("Generated data: these verdicts say nothing about the world.", style="bold")
    counts = {name: ledger["counts"].get(verdict, 0) for verdict, name in VERDICT_NAMES.items()}
    told = ", ".join(f"{count} {name[:1].lower()}{name[1:]}" for name, count in counts.items() if count)
    say(f"{counted(sum(counts.values()), 'claim')} as of {_minute(ledger['as_of'])}")
    if told:
        say(f"{told}.")
    if not claims:
        say("No claims match." if ledger["claims"] else "There are no claims: add files to config/claims/.")
        return
    _show_changes(claims, changes)
    if len(claims) < len(ledger["claims"]):
        say(f"{counted(len(claims), 'claim')} shown.")
    narrow = console().width < _WIDE
    if narrow:
        say(", ".join(f"{VERDICT_MARKS[verdict]} {name}" for verdict, name in VERDICT_NAMES.items()))
    segments: dict[str, list[Document]] = {}
    for claim in claims:
        segments.setdefault(claim["segment"], []).append(claim)
    rows: list[tuple[str, ...]] = []
    for segment, members in segments.items():
        rows += [("",) * 6] if rows else []
        heading = f"{segment[:1].upper()}{segment[1:]}"
        rows.append(("", heading, "", "", "", "") if narrow else (heading, "", "", "", "", ""))
        rows += [_row(claim, narrow=narrow) for claim in members]
    columns = ("" if narrow else "Verdict", "Claim", "Effect", "95 % interval", "Sources", "Posts")
    table(*columns, rows=rows, right=columns[2:], whole=(columns[0], *columns[2:]))
    say(
        f"{NOT_AVAILABLE} not available, {NOT_APPLICABLE} not applicable. What each rests on: trendmonitor claims show ID"
    )
    say("All verdicts speak of the posts that were collected; a sector or a market may differ.")


def _show_changes(claims: Sequence[Document], changes: Sequence[Event]) -> None:
    """What each verdict was at first and is now; one that came back to what it was is no news."""
    for claim in claims:
        own = [event for event in changes if event.subject == claim["id"]]
        if own and own[0].detail["from"] != claim["verdict"]:
            day = own[-1].at.date().isoformat()
            say(f"Changed on {day}: {claim['id']}, before {verdict_words(own[0].detail['from'])}")


def _row(claim: Document, *, narrow: bool) -> tuple[str, ...]:
    effect, counted_posts = _effect(claim), claim["kind"] not in ("reference", "consistency")
    none = NOT_AVAILABLE if counted_posts else NOT_APPLICABLE
    return (
        VERDICT_MARKS[claim["verdict"]] if narrow else verdict_words(claim["verdict"]),
        claim["id"],
        effect_words(effect, longest=_WIDEST_EFFECT) if effect else none,
        (interval_words(effect) or NOT_APPLICABLE) if effect else none,
        grouped(claim["n_sources"]) if counted_posts else NOT_APPLICABLE,
        grouped(claim["n_posts"]) if counted_posts else NOT_APPLICABLE,
    )


def _effect(found: Document) -> Document | None:
    """None also where the estimate is no finite number."""
    effect: Document | None = found["effect"]
    return effect if effect is not None and effect["value"] is not None else None


def show_claim(claim: Document, posts: Sequence[Document], of: str | None) -> None:
    """All about one claim. `of` says what the posts show; None: posts cannot show it."""
    _show_head(claim)
    _show_series(claim)
    _show_references(claim)
    _show_checks(claim)
    _show_lists(claim)
    if of is not None:
        _title("Evidence")
        say(f"{_INDENT}{of}")
        for post in posts:
            _show_post(post)
        if not posts:
            say(f"{_INDENT}No such post is stored.")
    _show_history(claim)
    _show_end(claim)


def show_check(claim: Document) -> None:
    """A claim that is being written: first what there is to judge by."""
    _show_head(claim, verdict=False)
    _title("What data there is")
    if claim["kind"] == "reference":
        say(f"{_INDENT}{counted(len(claim['references']), 'published figure')} to compare with.")
    elif claim["kind"] == "consistency":
        say(f"{_INDENT}The numbers in the file; it needs no posts.")
    elif claim["since"]:
        say(_INDENT + _counted(claim))
    else:
        say(f"{_INDENT}None: no source that could have such posts was observed for a whole week yet.")
    if claim["panel"]:
        say(_INDENT + _panel(claim["panel"]))
    _title("What the test could find")
    detectable = claim["detectable"]
    if detectable and detectable["unit"]:
        amount = amount_words(detectable["value"], detectable["unit"])
        say(f"{_INDENT}With these data, an effect of {amount} would be found four times out of five.")
        smallest = (claim["measure"] or {}).get("smallest")
        if smallest is not None and smallest < detectable["value"]:
            least = amount_words(smallest, detectable["unit"])
            say(
                f"{_INDENT}The file calls changes from {least} worth knowing: of those, the smaller ones may be missed."
            )
    else:
        say(f"{_INDENT}Nothing can be said: {_why_unknown(claim)}.")
    _title("Verdict")
    _show_verdict(claim)
    _show_series(claim)
    _show_references(claim)
    _show_checks(claim)
    _show_lists(claim)
    _show_end(claim)


def _counted(claim: Document) -> str:
    posts = counted(claim["n_posts"], "post")
    among = sum(week["of"] for week in claim["series"])
    if among and _is_share(claim):
        posts += f" counted, among {grouped(among)}"
    sources = claim["panel"]["sources"] if claim["panel"] else claim["n_sources"]
    return f"{posts}, in {counted(sources, 'source')}, from {claim['since']} until before {claim['until']}."


def _is_share(claim: Document) -> bool:
    """Of posts; otherwise a rate of posts a day."""
    return bool((claim["measure"] or {}).get("quantity", "share") == "share")


def _why_unknown(claim: Document) -> str:
    if claim["kind"] in ("reference", "consistency"):
        return "this kind of claim compares figures and counts no posts"
    return "too little was observed" if claim["verdict"] == "insufficient_data" else "the test has no estimate of it"


def _show_head(claim: Document, *, verdict: bool = True) -> None:
    if claim["generated"]:
        say("Generated data: this verdict says nothing about the world.", style="bold")
    say(f"{claim['id']} · {claim['segment']} · {_KINDS[claim['kind']]}", style="dim")
    say(claim["says"], style="bold")
    if verdict:
        say()
        _show_verdict(claim)


def _show_verdict(claim: Document) -> None:
    effect, text = _effect(claim), verdict_words(claim["verdict"])
    if effect:
        interval = interval_words(effect)
        text += f": {effect_words(effect)}" + (f", 95 % interval {interval}" if interval else "")
    say(text, style="bold")
    say(claim["finding"])
    facts = [] if claim["p"] is None else [f"p {_probability(claim['p'])}"]
    if claim["q"] is not None:
        facts.append(f"q {_probability(claim['q'])} (corrected for all claims asked at once)")
    if claim["coverage"] is not None:
        facts.append(f"{100 * claim['coverage']:.0f} % of the window observed")
    facts.append(f"data up to {_minute(claim['as_of'])}")
    say(", ".join(facts), style="dim")


def _show_series(claim: Document) -> None:
    """The weeks as a sparkline; where they do not fit, each character stands for several weeks."""
    series = claim.get("series")
    if not series:
        return
    room = max(console().width - 2 * len(_INDENT), 20)
    step = -(-len(series) // room)
    values = [_pooled(series[at : at + step]) for at in range(0, len(series), step)]
    known = [value for value in values if value is not None]
    share = _is_share(claim)
    each = "a week" if step == 1 else f"{step} weeks"
    what = "Share in the average source" if share else "Posts a day of the average source"
    _title(f"{what} without its season, {_span(claim)} (each character {each}, {GAP} not observed)")
    say(_INDENT + sparkline(values))
    if known:
        say(
            f"{_INDENT}lowest {number_words(min(known), share=share)}, highest {number_words(max(known), share=share)}",
            style="dim",
        )


def _pooled(weeks: Sequence[Document]) -> float | None:
    """The mean of the observed weeks, each as large as what it rests on; None where none was observed.

    Where too little was counted for an estimate, the plain ratio of the counts stands in for it.
    """
    seen = [week for week in weeks if week["status"] == "ok" and week["of"]]
    if not seen:
        return None
    totals = (week["n"] if week["value"] is None else week["value"] * week["of"] for week in seen)
    return float(sum(totals) / sum(week["of"] for week in seen))


def _show_references(claim: Document) -> None:
    references = claim.get("references")
    if not references:
        return
    _title("Published figures")
    for one in references:
        state = "checked against its source" if one["checked"] else "not checked against its source yet"
        say(f"{_INDENT}{one['what']}: {number_words(one['value'])} {one['unit']} ({one['dated']}); {state}")
        say(f"{_INDENT}{_INDENT}{one['citation']}{' ' + one['url'] if one['url'] else ''}", style="dim")


def _show_checks(claim: Document) -> None:
    if not claim["checks"]:
        return
    _title("Checks")
    width = max(len(one["name"]) for one in claim["checks"])
    for one in claim["checks"]:
        say(f"{_INDENT}{CHECK_MARKS[one['verdict']]} {one['name']:<{width}}  {one['says']}")


def _show_lists(claim: Document) -> None:
    for title, lines in (
        ("Caveats", claim["caveats"]),
        ("What this cannot show", claim["limits"]),
        ("What would support it", [claim["supports"]]),
        ("Sample", [claim["sample"], *([_panel(claim["panel"])] if claim["panel"] else [])]),
    ):
        lines = [line for line in lines if line]
        if lines:
            _title(title)
        for line in lines:
            say(f"{_INDENT}{line}")


def _show_post(post: Document) -> None:
    title = " ".join((post["title"] or post["excerpt"]).split())[:160] or "(its text is not kept any more)"
    say(f"{_INDENT}{post['published_at']:%Y-%m-%d}  {post['source']}  {title}")
    if post["url"]:
        say(f"{_INDENT}{_INDENT}{post['url']}", style="dim")


def _show_history(claim: Document) -> None:
    history = claim.get("history")
    if not history:
        return
    _title("History")
    for one in history[:_HISTORY]:
        effect = _effect(one)
        told = f", {effect_words(effect)}" if effect else ""
        interval = interval_words(effect) if effect else None
        told += f" ({interval})" if interval else ""
        say(f"{_INDENT}{one['at'][:10]}  {verdict_words(one['verdict'])}{told}; posts before {one['cutoff']}")
    if len(history) > _HISTORY:
        say(f"{_INDENT}and {grouped(len(history) - _HISTORY)} before (--json has them all)")


def _show_end(claim: Document) -> None:
    _title("Reproduce")
    say(f"{_INDENT}{claim['reproduce']}")


def _title(text: str) -> None:
    say()
    say(text, style="bold")


def _panel(panel: Document) -> str:
    left = [
        f"{grouped(count)} {_LEFT_OUT.get(why, why.replace('_', ' '))}"
        for why, count in panel["excluded"].items()
        if count
    ]
    text = f"Panel: {grouped(panel['sources'])} of {counted(panel['in_scope'], 'source')} in scope"
    text += f", {counted(panel['weeks'], 'week')}"
    return f"{text}; left out: {', '.join(left)}." if left else f"{text}."


def _span(claim: Document) -> str:
    return f"{claim['since']} to {claim['until']}"


def _minute(moment: str) -> str:
    return f"{moment[:16]}Z"


def _probability(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"
