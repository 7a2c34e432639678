"""The live page in a real Chromium, before a running daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs
from playwright.sync_api import Browser, expect

from har_stream.plausibility import TEXTS, Suspicion
from har_stream.web.address import Address
from har_stream.web.live_events import LiveEvents
from har_stream.web.pages import Pages
from har_stream.web.server import open_server
from tests.broker import free_port
from tests.browser import Tab, chromium, daemon, violations
from tests.stream_process import end
from tests.test_live import Engine, prediction
from tests.watched import READING, WELL, Stream

SCRIPT = "sim:?devices=3&speed=8&script=walking:40,laying:40"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def test_labels_change_as_the_script_does_and_a_restarted_daemon_is_found_again(browser: Browser) -> None:
    port, tab = free_port(), Tab(browser)
    page = tab.page
    with daemon(SCRIPT, port) as first:
        page.goto(f"http://127.0.0.1:{port}/")
        expect(page.locator("#count")).to_have_text("3")
        expect(page.locator("#name")).to_have_text("sim01")
        for label, posture in (("walking", "upright"), ("laying", "lying"), ("walking", "upright")):
            expect(page.locator("#label")).to_have_text(label)
            expect(page.locator(".row").first.locator(".label")).to_have_text(label)
            expect(page.locator("#posture-text")).to_contain_text(posture)
        expect(page.locator("#ribbon-legend")).to_contain_text("laying")
        expect(page.locator("#rate")).to_have_text("50.0 Hz")
        expect(page.locator("#latency")).to_contain_text("ms")
        page.locator("#list").focus()
        page.keyboard.press("End")
        expect(page.locator("#name")).to_have_text("sim03")
        expect(page.locator("#shares .share").first).to_contain_text("%")
        drawn = "document.querySelector('#body-acc canvas').width > 100"
        assert page.evaluate(drawn)
        assert violations(page) == []
        assert tab.said == []
        assert end(first).code == 0
    expect(page.locator("#connection-text")).to_contain_text("connection lost")
    assert violations(page) == []
    with daemon(SCRIPT, port):
        expect(page.locator("#connection-text")).to_have_text("live")
        expect(page.locator("#name")).to_have_text("sim03")
        expect(page.locator("#label")).to_have_text("walking")
    assert all(url.startswith(f"http://127.0.0.1:{port}/") for url in tab.asked)
    page.close()


@contextmanager
def fed(engine: Engine) -> Iterator[str]:
    """A server in this process, whose devices are what a test says."""
    suspicions = {"a-1": Suspicion.ACC_MS2, HOSTILE: Suspicion.RAW}
    stream = Stream(replace(WELL, source=f"{HOSTILE} away", stream=replace(READING, suspicions=suspicions)))
    events = LiveEvents(engine.live, stream, stale_after_s=5.0, now=lambda: engine.now_s)
    server = open_server(Address("127.0.0.1", 0, given=True), Pages(stream, events))
    assert server is not None
    server.start()
    yield f"http://127.0.0.1:{server.address.port}/"
    server.close()


def test_hostile_ids_and_labels_are_shown_as_text(browser: Browser) -> None:
    engine, tab = Engine(), Tab(browser)
    hostile = structs.replace(prediction(HOSTILE, 0), label=HOSTILE, truth=f"{HOSTILE}&amp;")
    more = ["__proto__", "constructor", "'\"><script>alert(2)</script>", "\u202e\u0000\ud7ff", "x" * 3000]
    engine.tick(hostile, *(prediction(device, 0) for device in more))
    page = tab.page
    with fed(engine) as url:
        page.goto(f"{url}#{HOSTILE}")
        expect(page.locator("#name")).to_have_text(HOSTILE)
        expect(page.locator("#label")).to_have_text(HOSTILE)
        expect(page.locator("#truth")).to_contain_text("&amp;")
        expect(page.locator("#suspicion")).to_contain_text(TEXTS[Suspicion.RAW])
        expect(page.locator("#trouble")).to_contain_text(HOSTILE)
        expect(page.locator(".row")).to_have_count(6)
        expect(page.locator(".row.suspected")).to_have_count(1)
        page.get_by_role("option", name="constructor:").click()
        expect(page.locator("#name")).to_have_text("constructor")
        expect(page.locator("#label")).to_have_text("walking")
        expect(page.locator("#suspicion")).to_be_hidden()
        page.locator("#list").focus()
        for _ in range(6):
            page.keyboard.press("ArrowDown")
        assert page.locator("body img, body script").count() == 1, "but for the page's own picture"
    assert [text for text in tab.said if "ERR_" not in text] == []
    page.close()


def test_of_a_thousand_devices_those_in_sight_are_drawn(browser: Browser) -> None:
    engine, tab = Engine(limit=1000), Tab(browser)
    engine.tick(*(prediction(f"d{number}", 0) for number in range(1000)))
    page = tab.page
    with fed(engine) as url:
        page.goto(f"{url}#%")  # which is no text
        expect(page.locator("#count")).to_have_text("1000")
        expect(page.locator("#name")).to_have_text("d0")
        assert page.locator(".row").count() < 40
        page.locator("#list").focus()
        page.keyboard.press("End")
        expect(page.locator("#name")).to_have_text("d999")
        expect(page.get_by_role("option", name="d999:")).to_be_in_viewport()
        assert page.locator(".row").count() < 40
        page.locator("#filter").fill("D77")
        expect(page.locator(".row")).to_have_count(11)
        assert violations(page) == []
        assert tab.said == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_both_themes_without_violations(browser: Browser, scheme: Any) -> None:
    engine = Engine()
    engine.tick(prediction("a-1", 0, since_s=2.54), prediction("b", 0, "sitting"))
    tab = Tab(browser, viewport={"width": 360, "height": 720}, color_scheme=scheme)
    page = tab.page
    with fed(engine) as url:
        page.goto(url)
        expect(page.locator("#name")).to_have_text("a-1")
        expect(page.locator("#suspicion")).to_contain_text("m/s2")
        expect(page.locator("#since")).to_have_text("for 0 s")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert violations(page) == []
        ground = "getComputedStyle(document.body).backgroundColor"
        before = page.evaluate(ground)
        page.locator("#theme").click()
        page.locator("#theme").click()
        expect(page.locator("#theme")).to_have_text("Theme: dark")
        assert (page.evaluate(ground) == before) is (scheme == "dark")
        assert violations(page) == []
        page.reload()
        expect(page.locator("#theme")).to_have_text("Theme: dark")
        engine.now_s += 60
        page.reload()
        expect(page.locator("#since")).to_contain_text("silent for 1 min")
        expect(page.locator(".row").first.locator(".time")).to_contain_text("silent 1 min")
        assert tab.said == []
    page.close()
