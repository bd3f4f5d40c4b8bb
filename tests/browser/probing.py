"""What a browser finds out about one page. Loaded once; schemes and widths are switched under it, as on a device."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
NARROWEST: ViewportSize = {"width": 320, "height": 640}
"""What is left of a usual window at a zoom of 400 %."""
WIDEST: ViewportSize = {"width": 2560, "height": 1300}
SERIOUS = ("serious", "critical")
TARGETS = {"target-size": {"enabled": True}}
"""Places to press of at least 24 px; axe looks only when told to."""

FIND_REACHABLE = """
() => {
  const wanted = 'a[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [tabindex="0"], [contenteditable]';
  const seen = (one) => one.checkVisibility({visibilityProperty: true, opacityProperty: false});
  const groups = new Set();
  let at = 0;
  for (const one of document.querySelectorAll(wanted)) {
    if (one.disabled || one.tabIndex < 0 || !seen(one)) continue;
    if (one.type === 'radio') {  // one stop for all of a name: the chosen one, or the first
      const name = (one.form ? one.form.action : '') + one.name;
      const chosen = document.querySelector(`input[type=radio][name="${CSS.escape(one.name)}"]:checked`);
      if (groups.has(name) || (chosen && chosen !== one)) continue;
      groups.add(name);
    }
    one.dataset.probe = at++;
  }
  window.__reached = [];
  document.addEventListener('focusin', (event) => {
    if (event.target.dataset.probe) window.__reached.push(Number(event.target.dataset.probe));
  });
  document.activeElement.blur();
  window.getSelection().removeAllRanges();
  return at;
}
"""
NOT_REACHED = """
() => [...document.querySelectorAll('[data-probe]')]
  .filter((one) => !window.__reached.includes(Number(one.dataset.probe)))
  .map((one) => one.outerHTML.slice(0, 160))
"""
INVISIBLE_FOCUS = """
() => {
  if (document.activeElement === document.body) return '';
  const style = getComputedStyle(document.activeElement);
  const drawn = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return drawn || style.boxShadow !== 'none' ? '' : document.activeElement.outerHTML.slice(0, 160);
}
"""
OVERFLOW = """
() => {
  const root = document.documentElement, wide = root.clientWidth;
  if (root.scrollWidth <= wide) return [];
  const inside = (one) => one.closest('.scroll, pre') && !one.matches('.scroll, pre');
  return [`${root.scrollWidth} px in ${wide}`].concat([...document.querySelectorAll('main *, header *, footer *')]
    .filter((one) => one.getBoundingClientRect().right > wide + 1 && !inside(one))
    .slice(0, 4).map((one) => one.outerHTML.slice(0, 120)));
}
"""
MARKUP = """
() => {
  const parts = [...document.querySelectorAll('[hx-trigger*="load"]')]
    .map((one) => document.querySelector(one.getAttribute('hx-target')) || one);
  const sent = (one) => !parts.some((part) => part.contains(one));  // what was in the answer, not asked for later
  return {
    headings: [...document.querySelectorAll('h1')].map((one) => one.innerText),
    pictures: [...document.images].filter((one) => !one.hasAttribute('alt')).map((one) => one.outerHTML.slice(0, 160)),
    charts: [...document.querySelectorAll('figure.chart')].filter(sent).length,
    tables: [...document.querySelectorAll('main table')].filter(sent).length,
    undrawn: [...document.querySelectorAll('figure.chart')].filter((one) => !one.querySelector('.drawn svg, img'))
      .map((one) => one.outerHTML.slice(0, 160)),
    twinless: [...document.querySelectorAll('figure.chart')]
      .filter((one) => !one.querySelector('table') && !document.querySelector('#table table')
        && !one.closest('section, article')?.querySelector('table'))
      .map((one) => one.outerHTML.slice(0, 160)),
    odd_links: [...document.querySelectorAll('a[href]')].filter((one) => !/^https?:$/.test(one.protocol))
      .map((one) => one.outerHTML),
  };
}
"""


@cache
def axe_source() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@dataclass
class Found:
    """Everything about one page; lists are of faults, and empty where there is none."""

    status: int = 0
    axe: dict[str, list[str]] = field(default_factory=dict)
    """Circumstance → violations that are serious or critical."""
    console: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    overflow: dict[int, list[str]] = field(default_factory=dict)
    markup: dict[str, Any] = field(default_factory=dict)
    unreached: list[str] = field(default_factory=list)
    unseen_focus: list[str] = field(default_factory=list)
    without_scripts: dict[str, Any] = field(default_factory=dict)
    printed: dict[str, Any] = field(default_factory=dict)


def own(url: str, base: str) -> bool:
    return url.startswith((base + "/", "data:", "blob:", "about:"))


def settle(page: Page) -> None:
    """Wait until the charts are drawn and the parts that load later are there."""
    page.wait_for_function(
        "() => document.readyState === 'complete' && !document.querySelector('.htmx-request, .plot[aria-busy]')"
        " && [...document.querySelectorAll('figure.chart[data-bundle]')].every((one) => one.dataset.drawn)"
    )


class Examiner:
    """Two visitors who look at one page after another, with the browser's cache warm: one runs scripts, one does not.

    Each keeps one tab, because a new one costs more than a page.
    """

    def __init__(self, browser: Browser, base: str) -> None:
        self._base = base
        self._found = Found()
        given: dict[str, Any] = {"locale": "en-GB", "timezone_id": "UTC"}
        self._tab = browser.new_context(**given).new_page()
        self._plain = browser.new_context(java_script_enabled=False, **given).new_page()
        self._tab.on("console", self._said)
        self._tab.on("pageerror", lambda error: self._found.console.append(str(error)))
        self._tab.on("request", self._asked)
        self._keys = self._tab.context.new_cdp_session(self._tab)

    def close(self) -> None:
        self._tab.context.close()
        self._plain.context.close()

    def look(self, path: str, *, variant: bool = False) -> Found:
        """A variant is spared the keyboard, and axe in the dark and on a phone."""
        found = self._found = Found()
        page = self._tab
        page.set_viewport_size(WIDE)
        answer = page.goto(self._base + path)
        assert answer is not None
        found.status = answer.status
        settle(page)
        found.markup = page.evaluate(MARKUP)
        if not variant:
            self._keyboard(found)
        # In the tab's own world by way of the debugger: the policy of the page stays as it is
        page.evaluate(axe_source() + "; undefined")
        found.axe["light"] = _axe(page)
        for size in (WIDEST, NARROWEST, PHONE):
            page.set_viewport_size(size)
            found.overflow[size["width"]] = page.evaluate(OVERFLOW)
        if not variant:
            # The colours are the same at every width
            found.axe["phone"] = _axe(page, rules={**TARGETS, "color-contrast": {"enabled": False}})
            page.emulate_media(color_scheme="dark")
            found.axe["dark"] = _axe(page, runOnly={"type": "rule", "values": ["color-contrast"]})
            page.emulate_media(color_scheme="light")
        found.console = [one for one in found.console if f"status of {found.status}" not in one]
        self._without_scripts(path)
        return found

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._found.console.append(message.text)

    def _asked(self, request: Request) -> None:
        if not own(request.url, self._base):
            self._found.elsewhere.append(request.url)

    def _keyboard(self, found: Found) -> None:
        """Press Tab as often as there are places to reach; look now and then whether the focus can be seen."""
        tab = {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        count = self._tab.evaluate(FIND_REACHABLE)
        for _ in range(2):  # a page that sends the focus to its problems is gone round once more
            for pressed in range(count + 3):
                self._keys.send("Input.dispatchKeyEvent", tab)
                if pressed % 8 == 2 and (unseen := self._tab.evaluate(INVISIBLE_FOCUS)):
                    found.unseen_focus.append(unseen)
            found.unreached = self._tab.evaluate(NOT_REACHED)
            if not found.unreached:
                break

    def _without_scripts(self, path: str) -> None:
        page, found = self._plain, self._found
        page.emulate_media(media="screen", color_scheme="light")
        answer = page.goto(self._base + path, wait_until="domcontentloaded")
        assert answer is not None
        found.without_scripts = {
            "status": answer.status,
            "headings": page.locator("main h1").all_inner_texts(),
            "tables": page.locator("main table").count(),
            "pictures": page.locator("main figure.chart img, main noscript img").count(),
        }
        page.emulate_media(media="print", color_scheme="dark")
        found.printed = {
            "navigation": page.locator("nav:visible, button:visible").count(),
            "text": len(page.locator("main").inner_text()),
        }


def _axe(page: Page, **options: Any) -> list[str]:
    given = {"resultTypes": ["violations"], "preload": False, "rules": TARGETS, **options}
    result = page.evaluate("(options) => axe.run(document, options)", given)
    return [
        f"{one['id']} ({one['impact']}): {one['help']} — "
        + " | ".join(f"{' '.join(map(str, node['target']))} {_why(node)}" for node in one["nodes"][:4])
        + (f" and {len(one['nodes']) - 4} more" if len(one["nodes"]) > 4 else "")
        for one in result["violations"]
        if one["impact"] in SERIOUS
    ]


def _why(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return json.dumps([one["message"] for one in checks[:2]])
