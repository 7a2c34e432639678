"""Takes docs/page-light.png, page-dark.png and page-narrow.png: the live page after a minute of simulated people.

.venv/bin/python docs/page_picture.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
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
WIDE: Final[ViewportSize] = {"width": 1280, "height": 890}
NARROW: Final[ViewportSize] = {"width": 390, "height": 1240}


def take() -> None:
    """Run the daemon, look at it for a while, and choose somebody who walks."""
    port = free_port()
    words = command("--source", SOURCE, "--http", f"127.0.0.1:{port}", "--sink", "jsonl:/dev/null")
    daemon = subprocess.Popen(words, env=environment())  # noqa: S603 - our own command
    try:
        wait_to_serve(port)
        with chromium() as browser:
            light = browser.new_page(viewport=WIDE, color_scheme="light")
            dark = browser.new_page(viewport=WIDE, color_scheme="dark")
            narrow = browser.new_page(viewport=NARROW, color_scheme="light", device_scale_factor=1)
            for page in (light, dark, narrow):
                page.goto(f"http://127.0.0.1:{port}/")
            light.wait_for_timeout(SEEN_S * MS)
            for name, page in (("light", light), ("dark", dark), ("narrow", narrow)):
                choose_a_walker(page)
                page.screenshot(path=FOLDER / f"page-{name}.png")
    finally:
        daemon.terminate()
        daemon.wait()


def choose_a_walker(page: Page) -> None:
    """Open the page on somebody who walks now, and wait until ten seconds of it are in the charts."""
    page.locator(".row", has=page.locator(".label", has_text="walking")).first.click(timeout=PATIENCE_MS)
    page.wait_for_timeout(3 * MS)


if __name__ == "__main__":
    take()
