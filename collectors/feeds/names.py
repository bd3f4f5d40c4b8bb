"""Namespaces of feeds → the short names by which this package speaks of elements ('itunes:duration').

Elements of RSS, RDF and Atom themselves have no prefix. Local names are lower case, since feeds disagree about
'pubDate'. A prefix is believed only through its address, never by how it is spelled.
"""

from __future__ import annotations

ATOM10 = "http://www.w3.org/2005/atom"
ATOM03 = "http://purl.org/atom/ns#"

_PREFIXES = {
    "": ("", ATOM10, "https://www.w3.org/2005/atom", ATOM03, "http://purl.org/pie/", "http://purl.org/echo/",
         "http://example.com/necho", "http://example.com/newformat#", "uri/of/echo/namespace#",
         "http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/", "http://purl.org/net/rss1.1#",
         "http://channel.netscape.com/rdf/simple/0.9/", "http://backend.userland.com/rss", "http://backend.userland.com/rss2",
         "http://backend.userland.com/rss091", "http://backend.userland.com/rss092", "http://backend.userland.com/rss/2.0",
         "http://backend.userland.com/rss20", "http://blogs.law.harvard.edu/tech/rss", "http://cyber.law.harvard.edu/rss",
         "http://www.rssboard.org/rss-specification", "http://purl.org/rss/1.0/modules/rss091#", "rss20.xsd"),
    "rdf": ("http://www.w3.org/1999/02/22-rdf-syntax-ns#",),
    "content": ("http://purl.org/rss/1.0/modules/content/",),
    "dc": ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/elements/1.0/"),
    "dcterms": ("http://purl.org/dc/terms/",),
    "sy": ("http://purl.org/rss/1.0/modules/syndication/",),
    "slash": ("http://purl.org/rss/1.0/modules/slash/",),
    "thr": ("http://purl.org/syndication/thread/1.0",),
    "itunes": ("http://www.itunes.com/dtds/podcast-1.0.dtd", "https://www.itunes.com/dtds/podcast-1.0.dtd",
               "http://www.itunes.com/dtds/podcast.dtd", "http://example.com/dtds/podcast-1.0.dtd"),
    "podcast": ("https://podcastindex.org/namespace/1.0", "http://podcastindex.org/namespace/1.0",
                "https://github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md"),
    "media": ("http://search.yahoo.com/mrss/", "http://search.yahoo.com/mrss", "https://search.yahoo.com/mrss/",
              "https://search.yahoo.com/mrss", "http://search.yahoo.com/rss/", "http://search.yahoo.com/mrss/1.1"),
    "yt": ("http://www.youtube.com/xml/schemas/2015", "http://gdata.youtube.com/schemas/2007"),
    "georss": ("http://www.georss.org/georss", "http://www.georss.org/georss/10", "http://www.georss.org/georss/"),
    "geo": ("http://www.w3.org/2003/01/geo/wgs84_pos#",),
    "gml": ("http://www.opengis.net/gml",),
    "xhtml": ("http://www.w3.org/1999/xhtml",),
}  # fmt: skip
PREFIX_OF = {address: prefix for prefix, addresses in _PREFIXES.items() for address in addresses}

# Declared for documents that use a prefix without saying which namespace it is
USUAL = {
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "media": "http://search.yahoo.com/mrss/",
    "yt": "http://www.youtube.com/xml/schemas/2015",
    "georss": "http://www.georss.org/georss",
    "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "gml": "http://www.opengis.net/gml",
    "atom": "http://www.w3.org/2005/Atom",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}


def canonical(tag: str) -> str:
    """'{http://purl.org/dc/elements/1.1/}Date' → 'dc:date'; '{unknown}x' → '?:x'."""
    if tag[0] != "{":
        return tag.lower()
    address, _, local = tag[1:].partition("}")
    prefix = PREFIX_OF.get(address.lower())
    if prefix is None:
        return "?:" + local.lower()
    return f"{prefix}:{local.lower()}" if prefix else local.lower()
