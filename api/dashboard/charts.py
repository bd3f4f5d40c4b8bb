"""Where charts are specified for pages: the specifications are made in `monitor.core.charts`, which mails use too."""

from __future__ import annotations

from monitor.core.charts import (
    DARK,
    HEIGHT,
    LIGHT,
    MAX_SERIES,
    PAGE,
    SCHEMA,
    THEMES,
    Bucket,
    Theme,
    bucket_end,
    buckets_of,
    config_of,
    empty_layer,
    gap_layer,
    spread,
    stamp,
    ticks_of,
    time_chart,
)

__all__ = [
    "DARK",
    "HEIGHT",
    "LIGHT",
    "MAX_SERIES",
    "PAGE",
    "SCHEMA",
    "THEMES",
    "Bucket",
    "Theme",
    "bucket_end",
    "buckets_of",
    "config_of",
    "empty_layer",
    "gap_layer",
    "spread",
    "stamp",
    "ticks_of",
    "time_chart",
]
