"""Retake the README's screenshot from a running stack: `python -m bgplatform.dev.screenshot`."""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.browser import ARGUMENTS, chromium, sign_in
from tests.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "static" / "samples"
PHOTOS = ("chelsea.png", "astronaut.jpg", "coffee.webp")
WAIT_MS = 120_000


def studio(stack: Stack) -> bytes:
    """Returns a PNG of the studio with three finished photos."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=[*ARGUMENTS, "--hide-scrollbars"]
        )
        size = {"width": 1020, "height": 850}
        page = browser.new_page(base_url=stack.address, viewport=size, device_scale_factor=1.5)  # type: ignore[arg-type]
        sign_in(page, stack)
        page.locator("#pictures").set_input_files([SAMPLES / name for name in PHOTOS])
        done = page.locator("#batches").get_by_role("img", name=re.compile("^Cut-out of"))
        expect(done).to_have_count(len(PHOTOS), timeout=WAIT_MS)
        for number in range(len(PHOTOS)):
            done.nth(number).evaluate("image => image.decode()")
        page.mouse.move(1, 1)
        return page.screenshot(animations="disabled")


def main() -> int:
    """Write docs/img/studio.webp. Returns the exit code."""
    target = ROOT / "docs" / "img" / "studio.webp"
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), MODEL="u2net") as stack:
        picture = Image.open(io.BytesIO(studio(stack)))
    target.parent.mkdir(exist_ok=True)
    picture.convert("RGB").save(target, quality=88, method=6)
    sys.stdout.write(f"{target.relative_to(ROOT)}: {target.stat().st_size // 1000} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
