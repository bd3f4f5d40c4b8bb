"""A site by its address, over the stand-in of a publisher: once with a feed, once with a news sitemap."""

from __future__ import annotations

from collectors.base import Source
from tests.platforms.case import Case, Clock
from tests.platforms.sitemap_platform import SITE, Paper


def with_feed(clock: Clock) -> Paper:
    """Its front page names a feed."""
    paper = Paper(clock)
    paper.home = (
        "<html><head><link rel='alternate' type='application/rss+xml' href='/feed.xml'></head><body>News</body></html>"
    )
    return paper


def with_news_sitemap(clock: Clock) -> Paper:
    """Without a feed anywhere; robots.txt names its news sitemap."""
    paper = Paper(clock)
    paper.missing |= {"/feed.xml"}
    paper.robots += f"Sitemap: {SITE}/news-sitemap.xml\n"
    return paper


def without_news_sitemap(clock: Clock) -> Paper:
    """Without a feed and without headlines: every page under /news must be read."""
    paper = with_news_sitemap(clock)
    paper.missing |= {"/news-sitemap.xml"}
    paper.news = False
    paper.page_is = "article"
    return paper


SOURCE = Source(id="it", collector="site", platform="web", url=f"{SITE}/news")
CASES: list[Case] = [
    # robots.txt is asked first, and a 429 for it means that nothing may be read just now: not 'too often'
    Case("site feed", SOURCE, with_feed, pages=1, drifts=False, throttles=False, engagement=False),
    Case("site news sitemap", SOURCE, with_news_sitemap, pages=1, throttles=False, engagement=False),
    Case("site pages", SOURCE, without_news_sitemap, throttles=False, engagement=False),
]
