"""har-stream bench as people run it, in its quick form: every figure is there, and none of it makes no sense."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.broker import Broker, Listener
from tests.stream_process import TIMEOUT_S, Ended, environment, run

KEYS = {
    "latency_ms",
    "devices_per_core",
    "mqtt_devices_per_core",
    "startup_s",
    "rss_mb",
    "bytes_per_device",
    "stages_us",
    "models_us",
}
DEVICES = "1,80"
STAGES = {"decode", "intake", "resampling", "preprocessing", "classifier", "smoothing", "predictions", "other"}


def bench(folder: Path, *words: str, **extra: str) -> tuple[Ended, dict[str, Any]]:
    path = folder / "figures.json"
    ended = run("bench", "--quick", "--devices", DEVICES, "--json", str(path), *words, **extra)
    return ended, json.loads(path.read_bytes()) if path.exists() else {}


def numbers(value: Any) -> list[float]:
    """All numbers in a value of JSON."""
    if isinstance(value, dict):
        return [number for held in value.values() for number in numbers(held)]
    return [float(value)] if isinstance(value, int | float) else []


def test_every_figure_is_there_and_is_one_and_a_broker_is_left_as_it_was(broker: Broker, tmp_path: Path) -> None:
    ended, figures = bench(tmp_path, "--broker", f"mqtt://127.0.0.1:{broker.port}")
    assert ended.code == 0, ended.said
    assert figures.keys() >= KEYS
    assert figures["notes"] == []
    assert figures["complete"]
    for key in KEYS:
        found = numbers(figures[key])
        assert found, key
        assert all(math.isfinite(number) and number > 0 for number in found), key
    latency = figures["latency_ms"]
    assert latency["p50"] <= latency["p99"] <= latency["max"]
    assert figures["devices_per_core"].keys() == set(DEVICES.split(","))
    assert figures["stages_us"].keys() == STAGES
    # What a second of a device costs is what its stages cost.
    assert sum(figures["stages_us"].values()) == pytest.approx(1e6 / figures["devices_per_core"]["80"])
    assert figures["models_us"].keys() == {"sway-lstm/onnx", "seed-lstm/onnx", "light-lstm/onnx"}
    load = figures["mqtt"]
    assert load["received"] == load["sent"] == 80 * load["speed"] * 100
    assert figures["mqtt_devices_per_core"] == pytest.approx(load["device_s"] / load["cpu_s"])
    assert figures["cores"] >= 1
    assert figures["versions"]["python"].startswith("3.")
    assert b"people a core serves" in ended.output
    assert ended.said == ""
    listener = Listener(broker.port)
    time.sleep(0.5)  # what is retained comes at once
    assert listener.heard == []
    listener.close()


def test_without_a_broker_the_rest_is_measured(tmp_path: Path) -> None:
    program = (
        "import sys, shutil; shutil.which = lambda *_: None; "
        "from har_stream.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["bench", "--quick", "--devices", "1", "--only", "mqtt,models", "--json", str(tmp_path / "figures.json")]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, check=False, env=environment())
    figures = json.loads((tmp_path / "figures.json").read_bytes())
    assert done.returncode == 0
    assert figures["mqtt_devices_per_core"] is None
    assert figures["models_us"]
    (note,) = figures["notes"]
    assert "mqtt: no broker: Mosquitto is not installed here" in note
    assert b"no broker" in done.stdout


def test_four_times_too_much_is_come_through(tmp_path: Path) -> None:
    ended, figures = bench(tmp_path, "--only", "overload")
    assert ended.code == 0, ended.said
    assert figures["notes"] == []
    assert all(figures[key] is None for key in KEYS)
    one = figures["overload"]
    assert one["sent"] > 0
    assert one["lost_before"] == max(0, one["sent"] - one["received"])
    assert one["capacity_kept"] > 0
    assert one["per_core"] > 0
    assert one["answer_s"] > 0
    assert b"people a core served meanwhile" in ended.output
    assert one["rss_mb_most"] >= one["rss_mb_before"] > 0
    # Within a minute, or it would be null.
    assert one["recovery_s"] > 0
    assert one["drained_s"] > 0


def test_an_interrupted_bench_tells_what_is_done(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    words = ["--quick", "--devices", "1", "--only", "models,latency", "--json", str(path)]
    terminal, line = os.openpty()
    mark = f"bench-of-test-{uuid4()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "har_stream", "bench", *words],
        stdout=subprocess.PIPE,
        stderr=line,
        env=environment(MARK=mark),
    )
    os.close(line)
    try:
        said = b""
        while b"latency" not in said:  # told on a terminal while it is measured
            said += os.read(terminal, 4096)
        assert len(_marked(mark)) > 1
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=TIMEOUT_S)
        left = _marked(mark)
    finally:
        for pid in _marked(mark):
            os.kill(int(pid), signal.SIGKILL)
        os.close(terminal)
    assert process.returncode == 130
    figures = json.loads(path.read_bytes())
    assert figures["models_us"]
    assert figures["latency_ms"] is None
    assert not figures["complete"]
    assert b"interrupted" in output
    assert left == []


def _marked(mark: str) -> list[str]:
    """Processes that were started with a mark in their environment, by whomever."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            held = path.read_bytes()
        except OSError:
            continue
        if mark.encode() in held:
            found.append(path.parent.name)
    return found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--only", "latencies"), "unknown section 'latencies' (did you mean 'latency'?)"),
        (("--devices", "0"), "devices are whole numbers from 1 to 100000, not '0'"),
        (("--devices", "1,x"), "not '1,x'"),
        (("--engines", "onxx"), "unknown engine 'onxx' (did you mean 'onnx'?)"),
        (("--model", "seed-lsmt"), "unknown model 'seed-lsmt'"),
        (("--broker", "localhost"), "'localhost' is no URI"),
        (("--json", "/nowhere/at/all.json"), "--json: /nowhere/at: no folder that can be written to"),
        (("--quik",), "did you mean '--quick'?"),
    ],
)
def test_a_wrong_word_is_one_line(words: tuple[str, ...], told: str) -> None:
    ended = run("bench", *words)
    assert ended.code == os.EX_CONFIG
    (line,) = ended.said.splitlines()
    assert line.startswith("har-stream: ")
    assert told in line


def test_nothing_of_the_bench_is_loaded_by_the_daemon() -> None:
    program = (
        "import sys; from har_stream.cli import main; "
        "code = main(['--source', 'sim:?speed=max&loop=no&script=walking:3']); "
        "sys.exit(any(name.startswith('har_stream.bench') for name in sys.modules) or code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, env=environment())
    assert done.returncode == 0, done.stderr
