"""Run all benchmarks, or those named, print a table and write benchmarks/results/<name>.json.

Every module `bench_<name>.py` has `run() -> dict` with a `ratios` mapping; nothing else is needed to add one.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    for name in names or known:
        print(f"\n{name}", flush=True)
        result = importlib.import_module(f"benchmarks.bench_{name}").run()
        (results / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        for ratio, value in result.get("ratios", {}).items():
            print(f"  {ratio:<60} {value}")
        for figure, value in result.items():
            if figure != "ratios":
                print(f"  {figure:<60} {value}")


if __name__ == "__main__":
    main(sys.argv[1:])
