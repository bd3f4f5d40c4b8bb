"""Vega-Lite specifications as PNG, drawn by a process that ends, because the library takes a hundred megabytes.

`python -m monitor.deliver.drawing` reads a specification from standard input and writes the picture to standard output.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import OrderedDict
from typing import Any

import orjson

SCALE = 2
"""Pixels for each CSS pixel."""
LONGEST = 60.0
"""Seconds one drawing may take."""
_KEPT = 16


class DrawingError(Exception):
    """There is no picture; the message says why."""


class Drawer:
    """Draws, and remembers the latest pictures: an issue is rendered once for each channel, try and visit of its page."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: OrderedDict[bytes, bytes] = OrderedDict()

    def __call__(self, spec: dict[str, Any]) -> bytes:
        """Raises DrawingError."""
        given = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
        with self._lock:
            if given not in self._made:
                self._made[given] = _drawn(given)
            self._made.move_to_end(given)
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
            return self._made[given]


def _drawn(given: bytes) -> bytes:
    command = [sys.executable, "-m", "monitor.deliver.drawing"]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=LONGEST, check=False)  # noqa: S603 - our own module
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DrawingError(f"the chart could not be drawn ({type(error).__name__})") from error
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise DrawingError(f"the chart could not be drawn: {said}")
    return done.stdout


def main() -> None:
    import vl_convert

    # Specifications are ours and hold their data; nothing may be fetched for them all the same.
    png = vl_convert.vegalite_to_png(sys.stdin.buffer.read().decode(), scale=SCALE, allowed_base_urls=[])
    sys.stdout.buffer.write(png)


if __name__ == "__main__":
    main()
