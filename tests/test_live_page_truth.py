"""The live page against what else is known: the history of the same stream, and the labels that people give on it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from har_stream.annotations import NOT_RECORDED
from har_stream.datasets import read_recording
from tests.broker import free_port
from tests.browser import Tab, chromium, daemon, violations
from tests.http_client import ask
from tests.stream_process import TIMEOUT_S, end, run

SCRIPT = "sim:?speed=8&loop=no&script=walking:20,sitting:20,laying:20,walking_upstairs:15,standing:20"
LIVE = "sim:?devices=2&speed=4&script=walking:60,laying:60"
PIXELS = """() => {
  const canvas = document.getElementById("ribbon");
  const row = canvas.getContext("2d").getImageData(0, canvas.height >> 1, canvas.width, 1).data;
  const names = new Map([...document.querySelectorAll("#ribbon-legend li")].map(
    (item) => [getComputedStyle(item, "::before").backgroundColor, item.textContent.replace(/ \\d.*/, "")]));
  return Array.from({ length: canvas.width }, (_, at) => {
    const [red, green, blue, alpha] = row.slice(4 * at, 4 * at + 4);
    return alpha ? names.get(`rgb(${red}, ${green}, ${blue})`) ?? null : "";
  });
}"""
"""What each pixel along the ribbon shows, by the legend: null for an edge between two."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def drawn(page: Page) -> list[tuple[str, float]]:
    """The spans of the ribbon as its pixels show them: what, and for how many seconds."""
    title = page.locator("#ribbon-title").inner_text()
    minutes = int(found[0]) if (found := re.findall("[0-9]+", title)) else 60
    pixels: list[str | None] = page.evaluate(PIXELS)
    second = len(pixels) / minutes / 60
    runs = [(what, len(list(some)) / second) for what, some in groupby(one for one in pixels if one is not None)]
    return [(what, seconds) for what, seconds in runs if what]


def kept(history: Path) -> list[tuple[str, float]]:
    """The segments that the history exports, in the same way."""
    exported = run("history", "export", "--history", str(history))
    rows = csv.DictReader(exported.output.decode().splitlines())
    return [(row["label"].replace("_", " "), float(row["seconds"])) for row in rows]


def test_the_ribbon_agrees_with_the_history(browser: Browser, tmp_path: Path) -> None:
    port, tab, history = free_port(), Tab(browser), tmp_path / "h.sqlite"
    with daemon(SCRIPT, port, "--sink", f"history:{history}") as process:
        tab.page.goto(f"http://127.0.0.1:{port}/")
        expect(tab.page.locator("#ribbon-legend")).to_contain_text("standing")
        process.communicate(timeout=TIMEOUT_S)
    expect(tab.page.locator("#connection-text")).to_contain_text("connection lost")
    shown, held = drawn(tab.page), kept(history)
    tab.page.close()
    assert [what for what, _ in shown] == [what for what, _ in held]
    assert {"walking", "sitting", "laying", "walking upstairs", "standing"} <= {what for what, _ in held}
    # The last one the page may not have had whole when the stream ended.
    for (what, seconds), (_, kept_s) in zip(shown[:-1], held[:-1], strict=True):
        assert seconds == pytest.approx(kept_s, abs=0.5), what


def labels(port: int) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ask(port, "/api/labels")[1])
    return {one["device"]: one["activity"] for one in told["labels"]}


def pressed(page: Page) -> Any:
    return page.locator("#label-buttons [aria-pressed=true]")


def test_button_and_key_label_the_recording_and_two_pages_agree(browser: Browser, tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "walks"
    tabs = [Tab(browser), Tab(browser, viewport={"width": 360, "height": 720}, color_scheme="dark")]
    wide, narrow = (tab.page for tab in tabs)
    with daemon(LIVE, port, "--record", str(folder)) as process:
        for page in (wide, narrow):
            page.goto(f"http://127.0.0.1:{port}/")
            expect(page.locator("#name")).to_have_text("sim01")
            expect(page.locator("#label-note")).to_contain_text("press once you are under way")
        wide.get_by_role("button", name="sitting").click()
        for page in (wide, narrow):
            expect(pressed(page)).to_have_attribute("aria-keyshortcuts", "4")
            expect(page.locator("#label-note")).to_contain_text("labelled as sitting")
            expect(page.locator("#truth")).to_have_text("really sitting")
            expect(page.get_by_role("option", name="labelled as sitting")).to_have_count(1)
        expect(pressed(wide).locator("small")).to_have_text(re.compile("^[1-9][0-9]* (s|min .*)$"))
        for page in (wide, narrow):
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        narrow.keyboard.press("6")
        expect(pressed(wide)).to_have_attribute("aria-keyshortcuts", "6")
        assert labels(port) == {"sim01": "laying"}
        expect(narrow.locator("#truth")).to_have_text("really laying")
        wide.locator("#filter").fill("2")  # a digit that is typed labels nothing
        wide.get_by_role("option", name="sim02").click()
        wide.keyboard.press("5")  # at once: it means the device that was chosen, whichever is still shown
        expect(wide.locator("#name")).to_have_text("sim02")
        expect(pressed(wide)).to_have_attribute("aria-keyshortcuts", "5")
        narrow.keyboard.press("0")
        expect(pressed(narrow)).to_have_count(0)
        assert labels(port) == {"sim02": "standing", "sim01": None}
        assert [text for tab in tabs for text in tab.said] == []
        assert end(process).code == 0
    truth = read_recording(next(folder.glob("sim01_*"))).truth
    assert truth is not None
    found = [code for code, _ in groupby(truth.tolist())]
    assert found[found.index(4) : found.index(4) + 2] == [4, 6]
    wide.close()
    narrow.close()


def test_where_nothing_is_recorded_the_button_says_so(browser: Browser) -> None:
    port, tab = free_port(), Tab(browser)
    page = tab.page
    with daemon(LIVE, port) as process:
        page.goto(f"http://127.0.0.1:{port}/")
        expect(page.locator("#name")).to_have_text("sim01")
        expect(page.locator("#label-note")).to_have_text(NOT_RECORDED)
        page.get_by_role("button", name="laying").click()
        expect(page.locator("#label-note.bad")).to_have_text(NOT_RECORDED)
        expect(pressed(page)).to_have_count(0)
        assert labels(port) == {}
        assert violations(page) == []
        page.route("**/api/labels", lambda route: route.fulfill(status=401, body="a token is needed"))
        page.keyboard.press("1")
        expect(page.locator("#label-note.bad")).to_have_text("not taken: HTTP 401")
        page.unroute("**/api/labels")
        end(process)
        page.keyboard.press("1")
        expect(page.locator("#label-note.bad")).to_contain_text("no connection")
    page.close()
