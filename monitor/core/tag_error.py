"""What a tagger's measured error does to a trend's interval.

If a tag is wrong at rates that do not change over time, a change of the tagged share understates the change of the
true share: with false-positive rate f and tagged share q the true log slope is the measured one times q / (q − f)
(attenuation under non-differential misclassification: Bross 1954; Rogan and Gladen 1978). The sign stays. The interval
is therefore stretched outward by that factor, with f at the upper end of its own 95 % interval.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.core import estimates
from monitor.core.claim import Posts, TagError
from monitor.core.finding import SourceWeeks

MOST = 10.0
"""Most that an interval is stretched; beyond, tagged posts may be mostly wrong."""
TAGGED = ("content_type", "audience", "topic", "country", "region", "language", "live", "sponsored")
"""Dimensions that tagging decides, unless the source or an archive states them."""


def attenuation(panel: SourceWeeks, numerator: Posts, errors: Sequence[TagError]) -> float:
    """Factor by which a slope may be understated, at least 1. 1 where no error of this tag was measured."""
    known = [one for one in errors if numerator.any_of == ({one.dimension: (one.value,)},)]
    total = int(panel.n.sum())
    if not known or not total:
        return 1.0
    share = float(panel.k.sum()) / total
    false_positive = max(_upper(one) for one in known)
    if share <= false_positive:
        return MOST
    return min(share / (share - false_positive), MOST)


def unmeasured(sets: Sequence[Posts], errors: Sequence[TagError]) -> list[str]:
    """Tags that these sets rest on and whose error nobody measured, as 'topic telehealth', in order, each once."""
    known = {(one.dimension, one.value) for one in errors}
    missing: dict[str, dict[str, None]] = {}
    for posts in sets:
        for filters in posts.any_of:
            for dimension, values in filters.items():
                new = [value for value in values if dimension in TAGGED and (dimension, value) not in known]
                if new:
                    missing.setdefault(dimension, {}).update(dict.fromkeys(new))
    return [
        f"{dimension} ({len(values)} values)" if len(values) > 3 else f"{dimension} {', '.join(values)}"
        for dimension, values in missing.items()
    ]


def _upper(error: TagError) -> float:
    """Upper end of the 95 % interval (Wilson) of the false-positive rate."""
    right, of = error.specificity
    return float(estimates.share(np.array([of - right]), np.array([of])).high[0])
