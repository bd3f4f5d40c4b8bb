"""Names for people of what posts are tagged with, as trend answers use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from monitor.core.answer import LABELS

if TYPE_CHECKING:
    from monitor.bootstrap import Services

Labels = Mapping[str, Mapping[str, str]]
"""dimension → key → name."""


def labels_of(services: Services) -> Labels:
    ours = services.labels
    return {name: {**LABELS.get(name, {}), **ours.get(name, {})} for name in {**LABELS, **ours}}
