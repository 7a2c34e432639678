"""A person labels a running stream, which is killed: what was said is in the recording, replays and can be learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from har_stream.datasets import read_recording
from tests.broker import free_port, wait_for
from tests.held_up import HeldUp
from tests.http_client import wait_to_serve
from tests.stream_process import run, running

LOST_AT_MOST_S = 1.0
SPEED = 2
HALF_S = 1.3
"""Half a window, by which its truth is told, and a little for the filters' delay."""


def test_what_is_said_outlives_a_kill_replays_and_is_evaluated(tmp_path: Path) -> None:
    folder, lines, port = tmp_path / "walks", tmp_path / "lines.jsonl", free_port()
    here = ("--http", f"127.0.0.1:{port}")
    source = without_truth(tmp_path)
    with running(
        *("--source", f"replay:{source}?speed={SPEED}", "--record", str(folder), "--sink", f"jsonl:{lines}", *here)
    ) as process:
        wait_to_serve(port)
        wait_for(lambda: len(told(lines)) > 1)
        assert run("label", "phone", "walking", *here).code == 0
        wait_for(lambda: [one.get("truth") for one in told(lines)].count("walking") > 8)
        assert run("label", "phone", "sitting", *here).code == 0
        wait_for(lambda: [one.get("truth") for one in told(lines)].count("sitting") > 1)
        held_up = HeldUp(process.pid)
        wait_for(lambda: [one.get("truth") for one in told(lines)].count("sitting") > 3)
        killed_s = told(lines)[-1]["time"]
        may_be_lost_s = LOST_AT_MOST_S + held_up.look()
        process.kill()
        process.wait()
    assert "truth" not in told(lines)[0], "before the first label there is none, not an empty one"
    plain, labelled = sorted(map(read_recording, folder.iterdir()), key=lambda one: one.start_s)
    assert plain.truth is None
    assert [span.code for span in labelled.spans] == [1, 4]
    end_s = labelled.start_s + len(labelled.values) / labelled.rate_hz
    assert end_s > killed_s - SPEED * may_be_lost_s
    changed_s = labelled.start_s + labelled.spans[1].start / labelled.rate_hz
    check(told(lines), changed_s, labelled.start_s)
    replayed = run("--source", f"replay:{folder}?speed=max").lines
    check([one for one in replayed if "truth" in one], changed_s, labelled.start_s)
    figures = json.loads(
        run("evaluate", "--model", "sway-lstm", "--data", str(folder), module="training.cli").output.decode()
    )
    assert figures["windows"]["accuracy"] > 0.5
    assert figures["windows"]["per_subject"].keys() == {"1"}


def without_truth(folder: Path) -> Path:
    """Minutes of a simulated walk, as a busy machine takes its time to label it, in a recording that nobody did."""
    run("--source", "sim:?script=walking:240&loop=no&speed=max", "--record", str(folder / "sim"))
    (path,) = (folder / "sim").iterdir()
    recording = read_recording(path)
    header = "time_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rads,gyro_y_rads,gyro_z_rads"
    rows = [",".join(map(repr, (at / 50, *row))) for at, row in enumerate(recording.values.tolist())]
    (folder / "phone.csv").write_text("\n".join([header, *rows, ""]))
    return folder / "phone.csv"


def told(lines: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a file that is being written."""
    text = lines.read_text() if lines.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def check(lines: list[dict[str, Any]], changed_s: float, begun_s: float) -> None:
    """Every window that ends with more than a second of one activity tells it as the truth."""
    early = {one["truth"] for one in lines if begun_s + HALF_S < one["time"] <= changed_s}
    late = {one["truth"] for one in lines if one["time"] > changed_s + HALF_S}
    assert (early, late) == ({"walking"}, {"sitting"})
