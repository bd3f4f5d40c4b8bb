"""What to do about each code a visit can end with, in one sentence. Codes are those of CollectErrors."""

from __future__ import annotations

_DISCOVER = "`trendmonitor sources discover ADDRESS` on the site's own address looks for its feeds."
_THEIRS = "Nothing to do for now; it is tried again by itself. If it lasts for days, open the address in a browser."
_REFUSED = "The site refuses programs. Look for another public route to it; do not work around it."
_REPORT = "Please report it with the address of the source; the log has the details."
_ADDRESS = "Correct the address of this source, or remove it."
_LARGE = "Look for a shorter feed of this site, or raise TRENDMONITOR_MAX_BODY_MB."

REMEDIES = {
    "api_version": "The platform has retired this version of its API: set option `version` of the source to a newer one, as YYYYMM.",
    "archive_only": "`trendmonitor import FILE` adds to it; there is nothing to visit.",
    "bad_encoding": _THEIRS,
    "bad_query": "Change the words or options of the source; the message says what the platform did not take.",
    "bad_redirect": _ADDRESS,
    "bad_request": _ADDRESS,
    "bad_url": _ADDRESS,
    "blocked_by_publisher": "Its publisher asks not to be collected: remove or pause this source.",
    "bot_busy": "Give this service a bot of its own, or switch off the webhook or the other program that reads it.",
    "bot_shared": "One bot is one source: remove one of the two sources and restart.",
    "connect": _THEIRS,
    "dns": "The name does not resolve. Check its spelling, and whether this machine has name resolution.",
    "empty": _THEIRS,
    "entity_bomb": "The document is an attack or broken. Remove this source unless you know better.",
    "foreign_board": "Pinterest's API shows only the key owner's boards: use collector `feed` with the board's .rss address.",
    "http_401": "It wants a login. Look for a public address, or set the platform's key.",
    "http_402": _REFUSED,
    "http_403": _REFUSED,
    "http_404": f"The address may have changed: {_DISCOVER}",
    "http_407": "A proxy wants a login; this service talks to no proxy. Check this machine's network.",
    "http_410": "It is gone for good: remove it, or give it its new address.",
    "http_429": "Nothing to do: it is asked again when it allows. A longer `every` asks less often.",
    "http_451": _REFUSED,
    "internal": _REPORT,
    "key_refused": "Correct the key in the variable that is named, or ask for a new one.",
    "malformed": f"Tell its publisher that the feed is broken, or look for another one: {_DISCOVER}",
    "needs_address": "Write the source's `url:` in config/sources.yaml.",
    "needs_approval": "Ask the platform for the permission that is named, or remove this source.",
    "needs_key": "Set the variable that is named and restart the service; `trendmonitor platforms show` says where to get a key.",
    "no_articles": "The pages do not say that they are articles and when they appeared: track a news sitemap or feed instead.",
    "no_credits": "Buy credits for the X app at console.x.com; it goes on by itself within hours.",
    "no_dates": "The sitemap does not tell which pages are new: track a news sitemap or feed instead.",
    "no_preview": "Look at the channel in a browser; if its preview is off, ask its administrator to add a bot (`route: bot`), or remove the source.",
    "no_route": "The site offers nothing readable there: track a known feed with `collector: feed`, correct `under`, or remove the source.",
    "no_titles": "Set the option `titles: true`, or track a news sitemap or feed of the site.",
    "not_a_feed": f"The address holds a web page or something else. {_DISCOVER}",
    "not_a_sitemap": "Check the address: it answers with something that is no sitemap.",
    "not_json": _THEIRS,
    "not_opml": "This is not a list of feeds in OPML. Export it again from where it came.",
    "not_public": "This account shows its posts to followers only: remove the source.",
    "offline": "Check this machine's network, proxy and name service; everything is tried again within minutes.",
    "private_address": "If this address is yours and meant, list its network in TRENDMONITOR_ALLOW_NETS.",
    "protocol": _THEIRS,
    "quota_used": "Nothing to do: it goes on by itself when the quota begins anew.",
    "reader_died": "Look at the document; if it is large, this machine may have too little memory.",
    "reader_stalled": "Look at the document before you keep this source.",
    "redirect_loop": _ADDRESS,
    "reset": _THEIRS,
    "robots": f"The site asks programs not to read this page. {_DISCOVER}",
    "robots_unreachable": _THEIRS,
    "search_lost": "TikTok lost the search it was to go on with; it is tried again by itself. If it lasts, name a region or a narrower search.",
    "timeline_disabled": "This server shows the timeline to nobody: follow the same at another server, or accounts instead.",
    "timeout_connect": _THEIRS,
    "timeout_silence": _THEIRS,
    "timeout_total": _THEIRS,
    "timeout_visit": _THEIRS,
    "tls": "Its certificate is not valid or not trusted. Try the address in a browser; check this machine's clock.",
    "too_large": _LARGE,
    "too_many_redirects": _ADDRESS,
    "topic_refused": "Instagram does not answer for this hashtag: choose another one, or remove this source.",
    "truncated": _THEIRS,
    "unknown_collector": "Choose one of the collectors that exist, or remove this source.",
    "unknown_shape": _REPORT,
}


def remedy_for(code: str | None) -> str | None:
    """What to do about a code; None for a code that nobody knows."""
    if code is None or code in REMEDIES:
        return REMEDIES.get(code or "")
    if code.startswith("http_5") or code in ("http_408", "http_421", "http_425"):
        return _THEIRS
    return _ADDRESS if code.startswith("http_") else None
