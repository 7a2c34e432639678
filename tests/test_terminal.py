"""The live table, drawn on a terminal of a known size."""

from __future__ import annotations

import io

from rich.console import Console

from har_stream.sinks.terminal import TerminalTable, clock
from tests.predictions import prediction


def drawn(table: TerminalTable, console: Console) -> str:
    with console.capture() as capture:
        console.print(table.render())
    return capture.get()


def console(height: int = 24) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100, height=height, color_system=None)


def test_before_the_first_window_it_says_what_it_waits_for() -> None:
    screen = console()
    assert "waiting for the first window" in drawn(TerminalTable(screen), screen)


def test_each_device_has_its_line_with_the_time_in_its_activity() -> None:
    screen = console()
    table = TerminalTable(screen)
    table.write([prediction(end_s=10.0, label="sitting"), prediction("watch", end_s=5.0)])
    table.write([prediction(end_s=85.0, label="sitting", raw="standing", since_s=8.0)])
    lines = drawn(table, screen).splitlines()
    (first,) = [line for line in lines if "exp01_user01" in line]
    assert all(part in first for part in ("1:25", "sitting", "98%", "1:17"))
    assert any("watch" in line and "walking" in line for line in lines)


def test_only_those_that_spoke_last_are_remembered() -> None:
    screen = console()
    table = TerminalTable(screen, max_devices=3)
    for device in ("kept", "gone", "b", "kept", "c"):
        table.write([prediction(device)])
    text = drawn(table, screen)
    assert [device in text for device in ("kept", "gone", "b", "c")] == [True, False, True, True]


def test_more_devices_than_lines_are_counted() -> None:
    screen = console(height=12)
    table = TerminalTable(screen)
    table.write([prediction(f"d{number:03d}") for number in range(50)])
    text = drawn(table, screen)
    assert "and 44 more devices" in text
    assert len(text.splitlines()) <= 12


def test_truth_has_a_column_where_the_recording_knows_it() -> None:
    screen = console()
    table = TerminalTable(screen)
    table.write([prediction(truth="walking_upstairs", has_truth=True)])
    assert "walking upstairs" in drawn(table, screen)


def test_times_read_like_a_clock() -> None:
    assert [clock(s) for s in (0, 59.9, 61, 3600, 86399)] == ["0:00", "0:59", "1:01", "1:00:00", "23:59:59"]
