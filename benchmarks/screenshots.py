"""Pictures of every page of the demonstration: light, dark and on a phone. `make screenshots`.

They are written to build/screenshots/<page>-<light|dark|phone>.png; those of the README, small, to docs/images.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.demo_service import pages, served
from tests.browser.launching import launched
from tests.browser.probing import PHONE, settle
from tests.support.chromium import NoBrowserError, installed

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "build" / "screenshots"
IMAGES = ROOT / "docs" / "images"
WIDTH = 1280
LONGEST = 2_400
"""A page is shown down to here; the rest of a long table tells nothing new."""
KINDS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": WIDTH, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": WIDTH, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "color_scheme": "light", "device_scale_factor": 2},
}
IN_README = {"overview-light": 1_000, "trends-dark": 1_150, "claim-light": 1_150}
"""Picture → the height in pixels that is kept of it."""
LARGEST = 150_000


def shrunk(picture: bytes, height: int) -> bytes:
    """The upper part at three quarters of its size, with as many colours as fit the bytes allowed."""
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    part = whole.crop((0, 0, whole.width, min(height, whole.height)))
    part = part.resize((part.width * 3 // 4, part.height * 3 // 4), Image.Resampling.LANCZOS)
    for colours in (256, 128, 64, 32):
        out = io.BytesIO()
        part.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() <= LARGEST:
            break
    return out.getvalue()


def main() -> None:
    try:
        installed()
    except NoBrowserError as error:
        sys.exit(str(error))
    TARGET.mkdir(parents=True, exist_ok=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with served() as base, sync_playwright() as driver, launched(driver) as browser:
        found = pages(base)
        for kind, given in KINDS.items():
            context = browser.new_context(locale="en-GB", timezone_id="UTC", **given)
            page = context.new_page()
            for name, (_, path) in found.items():
                page.goto(base + path)
                settle(page)
                height = min(page.evaluate("document.documentElement.scrollHeight"), LONGEST)
                picture = page.screenshot(
                    path=TARGET / f"{name}-{kind}.png",
                    full_page=True,
                    clip={"x": 0, "y": 0, "width": given["viewport"]["width"], "height": height},
                )
                if kept := IN_README.get(f"{name}-{kind}"):
                    (IMAGES / f"{name}-{kind}.png").write_bytes(shrunk(picture, kept))
            context.close()
    print(f"{len(found) * len(KINDS)} pictures in {TARGET}, {len(IN_README)} in {IMAGES}")


if __name__ == "__main__":
    main()
