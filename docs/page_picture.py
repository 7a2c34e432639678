"""Takes docs/page-light.png, page-dark.png and page-narrow.png: the live page after a minute of simulated people.

.venv/bin/python docs/page_picture.py
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.broker import free_port
from tests.browser import chromium
from tests.http_client import wait_to_serve
from tests.stream_process import command, environment

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

FOLDER: Final = Path(__file__).parent
SOURCE: Final = "sim:?devices=12&speed=10"
SEEN_S: Final = 60.0
PATIENCE_MS: Final = 120_000
MS: Final = 1000
CHARTS_S: Final = 1.5
"""Until ten seconds of somebody who was chosen are in the charts, at the simulation's speed."""
TRIES: Final = 40
WALKING: Final = re.compile("^walking$")
WALKING_KEY, NONE_KEY = "1", "0"
WIDE: Final[ViewportSize] = {"width": 1280, "height": 1010}
NARROW: Final[ViewportSize] = {"width": 390, "height": 1560}


def take() -> None:
    """Run the daemon, look at it for a while, and choose somebody who walks."""
    port = free_port()
    folder = TemporaryDirectory()
    words = command(
        "--source", SOURCE, "--http", f"127.0.0.1:{port}", "--sink", "jsonl:/dev/null", "--record", folder.name
    )
    daemon = subprocess.Popen(words, env=environment())  # noqa: S603 - our own command
    try:
        wait_to_serve(port)
        with chromium() as browser:
            # Without motion: bars that are on their way to their values would be pictured so.
            light = browser.new_page(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
            dark = browser.new_page(viewport=WIDE, color_scheme="dark", reduced_motion="reduce")
            narrow = browser.new_page(viewport=NARROW, color_scheme="light", reduced_motion="reduce")
            for page in (light, dark, narrow):
                page.goto(f"http://127.0.0.1:{port}/")
            light.wait_for_timeout(SEEN_S * MS)
            for name, page in (("light", light), ("dark", dark), ("narrow", narrow)):
                picture(page, FOLDER / f"page-{name}.png")
    finally:
        daemon.terminate()
        daemon.wait()
        folder.cleanup()


def picture(page: Page, path: Path) -> None:
    """Choose somebody who walks, say so, and take the page if they walk before and after it was taken."""
    for _ in range(TRIES):
        page.locator(".row", has=page.locator(".label", has_text=WALKING)).first.click(timeout=PATIENCE_MS)
        page.keyboard.press(WALKING_KEY)
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(CHARTS_S * MS)
        walked = walks(page)
        taken = page.screenshot()
        done = walked and walks(page)
        page.keyboard.press(NONE_KEY)
        if done:
            path.write_bytes(taken)
            return
    raise SystemExit("nobody walked for long enough")


def walks(page: Page) -> bool:
    """Tell whether the chosen one walks, and is said to."""
    return page.locator("#label").inner_text() == "walking" and page.locator("#truth").inner_text() == "really walking"


if __name__ == "__main__":
    take()
