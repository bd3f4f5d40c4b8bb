"""How soon the pages of the demonstration are there, in a real browser, and how much they transfer.

    python -m benchmarks pages

First byte: from the request to the first byte of the answer, of a service that has answered before, the median of
several. Complete: from the click to the moment when everything has loaded, charts included, with an empty cache (a
visitor's first page) and with the cache of the page before. Bytes are as sent, with headers.
"""

from __future__ import annotations

import statistics
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.demo_service import pages, served
from tests.browser.launching import launched

FIRST_BYTE_MS = 150
COMPLETE_MS = 1_500
COLD_BYTES = 1_500_000
WARM_BYTES = 100_000

COMPLETE = """
() => document.readyState === 'complete' && !document.querySelector('.htmx-request, .plot[aria-busy]')
  && [...document.querySelectorAll('figure.chart[data-bundle]')].every((one) => one.dataset.drawn)
  && performance.now()
"""
FIGURES = """
() => {
  const [page] = performance.getEntriesByType('navigation');
  const all = [page, ...performance.getEntriesByType('resource')];
  return [page.responseStart - page.requestStart, all.reduce((sum, one) => sum + one.transferSize, 0)];
}
"""


def visit(page: Page, address: str) -> tuple[float, float, int]:
    """Milliseconds to the first byte and until complete; bytes."""
    page.goto("about:blank")
    page.goto(address, wait_until="commit")
    complete = float(page.wait_for_function(COMPLETE, polling=10).json_value())
    first, sent = page.evaluate(FIGURES)
    return first, complete, int(sent)


def measure(browser: Browser, address: str, rounds: int) -> dict[str, int]:
    cold, warm = [], []
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        cold.append(visit(page, address))
        warm.append(visit(page, address))
        context.close()
    return {
        "first_byte_ms": round(statistics.median(first for first, _, _ in [*cold, *warm])),
        "complete_cold_ms": round(statistics.median(complete for _, complete, _ in cold)),
        "complete_warm_ms": round(statistics.median(complete for _, complete, _ in warm)),
        "bytes_cold": max(sent for _, _, sent in cold),
        "bytes_warm": max(sent for _, _, sent in warm),
    }


def table(figures: dict[str, dict[str, int]]) -> str:
    lines = [f"{'page':<16}{'first byte':>12}{'complete':>12}{'again':>10}{'sent':>12}{'again':>10}"]
    for name, one in figures.items():
        late = "" if fits(one) else "   over"
        lines.append(
            f"{name:<16}{one['first_byte_ms']:>9} ms{one['complete_cold_ms']:>9} ms{one['complete_warm_ms']:>7} ms"
            f"{one['bytes_cold'] / 1000:>9.0f} kB{one['bytes_warm'] / 1000:>7.0f} kB{late}"
        )
    return "\n".join(lines)


def fits(one: dict[str, int]) -> bool:
    return (
        one["first_byte_ms"] <= FIRST_BYTE_MS
        and max(one["complete_cold_ms"], one["complete_warm_ms"]) <= COMPLETE_MS
        and one["bytes_cold"] <= COLD_BYTES
        and one["bytes_warm"] <= WARM_BYTES
    )


def run(rounds: int = 3) -> dict[str, Any]:
    """Under `ratios` the worst page of each aim; 1 or less meets it."""
    with served() as base, sync_playwright() as driver, launched(driver) as browser:
        found = pages(base)
        context = browser.new_context()
        page = context.new_page()
        for _, path in found.values():  # a service that has just started reads its modules and its cells once
            visit(page, base + path)
        context.close()
        figures = {name: measure(browser, base + path, rounds) for name, (_, path) in found.items()}
    print(table(figures))

    def worst(*names: str) -> int:
        return max(one[name] for one in figures.values() for name in names)

    return {
        "ratios": {
            f"slowest first byte to {FIRST_BYTE_MS} ms": round(worst("first_byte_ms") / FIRST_BYTE_MS, 2),
            f"slowest complete page to {COMPLETE_MS} ms": round(
                worst("complete_cold_ms", "complete_warm_ms") / COMPLETE_MS, 2
            ),
            f"largest first visit to {COLD_BYTES / 1e6} MB": round(worst("bytes_cold") / COLD_BYTES, 2),
            f"largest later visit to {WARM_BYTES / 1000:.0f} kB": round(worst("bytes_warm") / WARM_BYTES, 2),
        },
        "met": all(fits(one) for one in figures.values()),
        "over": [name for name, one in figures.items() if not fits(one)],
        "pages": figures,
    }
