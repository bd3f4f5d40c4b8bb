"""How feeds are read: RSS, RDF, Atom and JSON Feed with their extensions, from bytes to Items.

One file a concern. `read.read` is the whole way; `discovery` and `finder` find feeds, `opml` moves lists of them.
"""
