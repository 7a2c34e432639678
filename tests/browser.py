"""A real Chromium, as people have it, without a window."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.http_client import wait_to_serve
from tests.stream_process import running

PATIENCE_MS = 40_000

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """A page, and what it said on its console or asked for elsewhere than of the daemon."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.page: Page = browser.new_page(**options)
        self.page.set_default_timeout(PATIENCE_MS)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)


@contextmanager
def daemon(source: str, port: int, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A stream whose page is at a port."""
    with running("--source", source, "--http", f"127.0.0.1:{port}", "--sink", "jsonl:/dev/null", *more) as process:
        wait_to_serve(port)
        yield process


def violations(page: Page) -> list[str]:
    """What axe-core finds against a page."""
    page.wait_for_timeout(500)  # colours that change by steps have to have arrived
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:120]} {node.get('failureSummary')}" for one in found for node in one["nodes"]]
