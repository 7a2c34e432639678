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
                choose_a_walker(page)
                page.screenshot(path=FOLDER / f"page-{name}.png")
    finally:
        daemon.terminate()
        daemon.wait()
        folder.cleanup()


def choose_a_walker(page: Page) -> None:
    """Open the page on somebody who walks now, say so, and wait until ten seconds of it are in the charts."""
    page.locator(".row", has=page.locator(".label", has_text="walking")).first.click(timeout=PATIENCE_MS)
    page.get_by_role("button", name=re.compile("^walking")).first.click()
    page.wait_for_timeout(3 * MS)


if __name__ == "__main__":
    take()
