"""The faces of a report: terminal, page, picture."""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import StringIO

import pytest
from rich.console import Console

from har_stream.day_book import midnight_s
from har_stream.day_report import Report, report
from har_stream.report.html import page
from har_stream.report.png import picture
from har_stream.report.terminal import columns, ribbon, scale, show
from har_stream.report.wording import COLOURS, duration, facts, lines, ticks, title
from har_stream.segments import Segment

DAY_S = midnight_s(datetime(2026, 11, 24, tzinfo=UTC).date())
HOUR_S = 3600.0
HOSTILE = '"><script>alert(1)</script>&$\\frac{$'


def day(*parts: tuple[str, float, float], hours: float = 24, device: str = "watch") -> Report:
    segments = [Segment(device, label, DAY_S + a * HOUR_S, DAY_S + b * HOUR_S, 0.9) for label, a, b in parts]
    return report(device, segments, DAY_S, DAY_S + hours * HOUR_S)


WHOLE = day(
    ("laying", 0, 7), ("walking", 7, 8), ("sitting", 8, 12), ("sitting", 13, 17), ("walking_upstairs", 17, 17.5)
)


def shown(told: Report, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width)
    show(told, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_terminal_tells_all_figures_within_its_width() -> None:
    text = shown(WHOLE)
    for words in ("watch on Tuesday, 2026-11-24", "sitting", "8 h 00 min", "48%", "4 h 00 min, 08:00 to 12:00"):
        assert words in text
    assert "without data     7 h 30 min" in text
    assert max(map(len, text.splitlines())) <= 80
    assert max(map(len, shown(WHOLE, width=40).splitlines())) <= 40


def test_the_ribbon_has_what_was_longest_in_each_of_its_columns() -> None:
    assert list(columns(WHOLE, 24)) == [
        *["laying"] * 7,
        "walking",
        *["sitting"] * 4,
        "",
        *["sitting"] * 4,
        "walking_upstairs",
        *[""] * 6,
    ]
    assert ribbon(WHOLE, 24).plain == "▁▁▁▁▁▁▁▆▃▃▃▃·▃▃▃▃█······"
    assert scale(WHOLE, 72).plain.split() == [f"{hour:02d}:00" for hour in range(0, 24, 2)]
    assert scale(WHOLE, 72).plain.index("12:00") == 36


def test_a_day_without_data_says_so() -> None:
    assert "no data" in shown(day())
    assert "no data" in page(day())
    assert picture(day()).startswith(b"\x89PNG")


class Elements(HTMLParser):
    """All elements of a page and what they say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data


def test_the_page_needs_nothing_else_and_runs_nothing() -> None:
    elements = Elements(page(WHOLE))
    policy = next(attrs["content"] for tag, attrs in elements.found if "http-equiv" in attrs)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not [tag for tag, attrs in elements.found if tag in ("script", "link", "img", "iframe", "object")]
    assert not [
        name for _, attrs in elements.found for name in attrs if name in ("style", "src", "href") or name[:2] == "on"
    ]
    parts = [attrs for tag, attrs in elements.found if tag == "rect" and attrs.get("height") == "60"]
    assert len(parts) == 1 + len(WHOLE.ribbon)
    assert parts[1]["width"] == f"{7 / 24 * 1000:.2f}"
    assert all(words in elements.said for words in ("watch on Tuesday, 2026-11-24", "8 h 00 min", "48%"))


def test_nothing_hostile_gets_out_of_its_text() -> None:
    told = day((HOSTILE, 1, 2), device=HOSTILE)
    elements = Elements(page(told))
    assert not [tag for tag, _ in elements.found if tag == "script"]
    assert elements.said.count("alert(1)") >= 4
    assert "alert(1)" in shown(told, width=200)
    assert "[red]x" in shown(day(("[red]x", 1, 2), device="[bold]x"))
    assert picture(told).startswith(b"\x89PNG")


def test_the_picture_has_its_size() -> None:
    assert struct.unpack(">II", picture(WHOLE)[16:24]) == (1200, 600)


def test_wording() -> None:
    assert [line.label for line in lines(WHOLE)][:2] == ["sitting", "laying"]
    assert len(lines(WHOLE)) == 6
    assert dict(facts(WHOLE))["changes"] == "3, 0.2 an hour"
    assert title(day(hours=15.5)) == "watch on Tuesday, 2026-11-24, until 15:30"
    assert title(day(hours=48)) == "watch from 2026-11-24 00:00 to 2026-11-26 00:00"
    assert [duration(seconds) for seconds in (0, 59.6, 3599.6, 3600)] == [
        "0 min 00 s",
        "1 min 00 s",
        "1 h 00 min",
        "1 h 00 min",
    ]
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in COLOURS.values())


@pytest.mark.parametrize("hours", [0.3, 1, 5, 24, 25, 24 * 7, 24 * 31, 24 * 400])
def test_times_along_the_ribbon_are_few_and_within_it(hours: float) -> None:
    told = day(hours=hours)
    found = [at_s for at_s, _ in ticks(told)]
    assert 2 <= len(found) <= 70
    assert found == sorted(set(found))
    assert told.start_s <= found[0]
    assert found[-1] <= told.end_s
