"""Where feeds usually are: well-known paths, and what each platform's addresses imply. Pure; nothing is asked.

One small function a platform, each registered by the hosts it knows; an address that nobody knows gets the paths that
common publishing software uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import SplitResult, quote, urlsplit

WELL_KNOWN = (
    "feed/", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "feed", "feed.json", "rss/", "feeds/posts/default",
    "?feed=rss2", "index.rdf", "blog/feed/", "news/rss.xml", "feeds/latest/",
)  # fmt: skip
Hint = Callable[[SplitResult, list[str], str], list[str]]
_YOUTUBE = "https://www.youtube.com/feeds/videos.xml"
_CHANNEL = re.compile(r"UC[\w-]{22}")
_CHANNEL_IN_PAGE = re.compile(
    r"""(?:"(?:channelId|externalId|browseId)"\s*:\s*"|/channel/|channel_id=|itemprop="(?:channelId|identifier)"\s+content=")(UC[\w-]{22})"""
)
_HINTS: dict[str, Hint] = {}


def _for(*hosts: str) -> Callable[[Hint], Hint]:
    def register(hint: Hint) -> Hint:
        for host in hosts:
            _HINTS[host] = hint
        return hint

    return register


def platform_candidates(url: str, html: str = "") -> list[str]:
    """The feeds that the address of a page on a known platform implies (with `html` for what only the page tells).

    Empty for anything else. Nothing says that they exist.
    """
    parts = _split(url)
    if parts is None:
        return []
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    path = [segment for segment in parts.path.split("/") if segment]
    domain = ".".join(host.split(".")[-2:])
    hint = _HINTS.get(host) or _HINTS.get(domain)
    if hint is not None:
        return hint(parts, path, html)
    if path and re.fullmatch(r"@[\w.-]+(?:@[\w.-]+)?", path[0]) and len(path) == 1:
        return [f"{parts.scheme}://{parts.netloc}/{path[0]}.rss"]  # Mastodon and its kin live on any host
    if len(path) == 2 and path[0] == "tags" and "mastodon" in html.lower():
        return [f"{parts.scheme}://{parts.netloc}/tags/{path[1]}.rss"]
    return []


def well_known_candidates(url: str) -> list[str]:
    """Addresses at which a site's software usually keeps its feed, those of the page's own folder first.

    Platform hints come before them. Pure; nothing says that they exist.
    """
    parts = _split(url)
    if parts is None:
        return []
    root = f"{parts.scheme}://{parts.netloc}/"
    folder = parts.path.rsplit("/", 1)[0] + "/" if not parts.path.endswith("/") else parts.path
    last = parts.path.rsplit("/", 1)[-1]
    found = platform_candidates(url)
    if last and "." not in last:
        found.append(f"{root.rstrip('/')}{parts.path}/feed/")
    if folder not in ("", "/"):
        found += [f"{root.rstrip('/')}{folder}{name}" for name in WELL_KNOWN[:3]]
    found += [root + name for name in WELL_KNOWN]
    return list(dict.fromkeys(found))


def _split(url: str) -> SplitResult | None:
    """A web address taken apart; 'clinic.example/news' counts as one, 'mailto:…' does not."""
    url = url.strip()
    try:
        parts = urlsplit(url if "://" in url else "https://" + url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return None
    return parts if good else None


def _query(parts: SplitResult, name: str) -> str:
    match = re.search(rf"(?:^|&){name}=([\w-]{{1,80}})", parts.query)
    return match.group(1) if match else ""


@_for("youtube.com", "youtu.be")
def _youtube(parts: SplitResult, path: list[str], html: str) -> list[str]:
    """Channel ids are in the address or, for handles, in the page; playlists in the query."""
    playlist = _query(parts, "list")
    if playlist.startswith(("PL", "UU", "OL", "FL")):
        return [f"{_YOUTUBE}?playlist_id={playlist}"]
    if len(path) >= 2 and path[0] == "channel" and _CHANNEL.fullmatch(path[1]):
        return [f"{_YOUTUBE}?channel_id={path[1]}"]
    in_page = _CHANNEL_IN_PAGE.search(html)
    if in_page:
        return [f"{_YOUTUBE}?channel_id={in_page.group(1)}"]
    if len(path) >= 2 and path[0] == "user":
        return [f"{_YOUTUBE}?user={quote(path[1])}"]
    return []


@_for("reddit.com", "old.reddit.com")
def _reddit(parts: SplitResult, path: list[str], html: str) -> list[str]:
    if len(path) >= 2 and path[0] == "r":
        if len(path) >= 4 and path[2] == "comments":
            return [f"https://www.reddit.com/r/{path[1]}/comments/{path[3]}/.rss"]
        return [f"https://www.reddit.com/r/{path[1]}/new/.rss"]
    if len(path) >= 2 and path[0] in ("user", "u"):
        return [f"https://www.reddit.com/user/{path[1]}/.rss"]
    return []


@_for("bsky.app")
def _bluesky(parts: SplitResult, path: list[str], html: str) -> list[str]:
    return [f"https://bsky.app/profile/{path[1]}/rss"] if len(path) >= 2 and path[0] == "profile" else []


@_for("vimeo.com")
def _vimeo(parts: SplitResult, path: list[str], html: str) -> list[str]:
    if not path or path[0].isdigit():
        return []
    if path[0] in ("channels", "groups", "album", "showcase") and len(path) >= 2:
        return [f"https://vimeo.com/{path[0]}/{path[1]}/videos/rss"]
    return [f"https://vimeo.com/{path[0]}/videos/rss"]


@_for(
    "pinterest.com", "pinterest.de", "pinterest.fr", "pinterest.es", "pinterest.it", "pinterest.co.uk", "pinterest.ca"
)
def _pinterest(parts: SplitResult, path: list[str], html: str) -> list[str]:
    if not path or path[0] in ("pin", "search", "ideas", "today", "business", "_tools"):
        return []
    board = path[1] if len(path) >= 2 and not path[1].startswith("_") else ""
    return (
        [f"https://www.pinterest.com/{path[0]}/{board}.rss"]
        if board
        else [f"https://www.pinterest.com/{path[0]}/feed.rss"]
    )


@_for("medium.com")
def _medium(parts: SplitResult, path: list[str], html: str) -> list[str]:
    host = parts.hostname or ""
    if host not in ("medium.com", "www.medium.com"):
        return [f"https://{host}/feed"]
    if path and path[0] == "tag" and len(path) >= 2:
        return [f"https://medium.com/feed/tag/{path[1]}"]
    return [f"https://medium.com/feed/{path[0]}"] if path else []


@_for("substack.com")
def _substack(parts: SplitResult, path: list[str], html: str) -> list[str]:
    host = parts.hostname or ""
    if host in ("substack.com", "www.substack.com"):
        return [f"https://{path[0][1:]}.substack.com/feed"] if path and path[0].startswith("@") else []
    return [f"https://{host}/feed"]


@_for("wordpress.com")
def _wordpress(parts: SplitResult, path: list[str], html: str) -> list[str]:
    section = "/".join(path[:2]) + "/" if len(path) >= 2 and path[0] in ("category", "tag", "author") else ""
    return [f"https://{parts.hostname}/{section}feed/"]


@_for("blogspot.com")
def _blogger(parts: SplitResult, path: list[str], html: str) -> list[str]:
    return [f"https://{parts.hostname}/feeds/posts/default"]


@_for("tumblr.com")
def _tumblr(parts: SplitResult, path: list[str], html: str) -> list[str]:
    host = parts.hostname or ""
    if host in ("tumblr.com", "www.tumblr.com"):
        return [f"https://{path[0]}.tumblr.com/rss"] if path else []
    return [f"https://{host}/rss"]


@_for("github.com")
def _github(parts: SplitResult, path: list[str], html: str) -> list[str]:
    return [f"https://github.com/{path[0]}/{path[1]}/releases.atom"] if len(path) >= 2 else []
