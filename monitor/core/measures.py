"""What a cell counts, named once for the store that keeps it and the mirror that reads it. Imports nothing heavy."""

from __future__ import annotations

MEASURES = (
    "posts",
    "sentiment_n",
    "sentiment_sum",
    "sentiment_sq",
    "positive",
    "negative",
    "engagement_n",
    "engagement_log_sum",
    "engagement_log_sq",
    "views_n",
    "views_sum",
    "interactions_sum",
    "viewed_n",
    "viewed_interactions_sum",
    "viewed_views_sum",
    "words_sum",
    "words_sq",
    "duration_n",
    "duration_sum",
    "guests_n",
    "guests_sum",
)
"""The measures of a cell, in the order of their columns; whole numbers all."""
