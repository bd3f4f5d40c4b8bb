"""What one process remembers of committed rows, to save reading them again. Forgetting it changes no answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.store.cells import Cells
from monitor.store.recent import RecentKeys


@dataclass(frozen=True, slots=True)
class Memory:
    cells: Cells = field(default_factory=Cells)
    recent: RecentKeys = field(default_factory=RecentKeys)
