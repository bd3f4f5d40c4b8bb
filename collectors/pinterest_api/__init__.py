"""Pinterest's API v5: one request in its words, and the search trends, which are no posts."""
