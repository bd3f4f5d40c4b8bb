"""Every module stands on a floor, so that the import contract of pyproject.toml speaks of all of them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_module_of_the_product_has_its_floor() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (one["layers"] for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    placed = re.findall(r"[\w.]+", " ".join(layers))
    assert len(placed) == len(set(placed)), "no module stands on two floors"
    there = {f"monitor.{path.stem}" for path in (ROOT / "monitor").glob("*.py") if path.stem != "__init__"}
    there |= {f"monitor.{path.parent.name}" for path in (ROOT / "monitor").glob("*/__init__.py")}
    assert there - set(placed) == set(), "name these in the layers of [tool.importlinter]"
