"""Health, readiness and metrics of the real process, asked over HTTP."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from har_stream import __version__
from har_stream.cli import main
from tests.broker import free_port, wait_for
from tests.held_up import HeldUp
from tests.http_client import ask, health, metrics, readiness, serves, wait_to_serve
from tests.serial_pair import Plug
from tests.stream_process import end, open_files, run, running

PEOPLE = "sim:?devices=3&speed=20"
DEFAULT_PORT = 9478


@contextmanager
def served(*words: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A daemon that answers on a free port."""
    port = free_port()
    with running("--http", f"127.0.0.1:{port}", *words) as process:
        wait_to_serve(port)
        yield port, process


def test_a_healthy_stream_is_alive_and_ready_and_its_books_balance_whenever_they_are_read(tmp_path: Path) -> None:
    labels = f"jsonl:{tmp_path / 'labels'}"
    with served("--source", PEOPLE, "--sink", labels, "--sink", labels, "--record", str(tmp_path / "walks")) as (
        port,
        one,
    ):
        assert health(port)["alive"] is True
        status, ready = readiness(port)
        assert (status, ready["ready"], ready["reasons"], ready["suspicions"]) == (200, True, [], {})
        assert ready["parts"] == {
            "model": "ok (light-lstm)",
            "source": "ok",
            labels: "ok",
            "state": "ok",
            "record": "ok",
        }
        wait_for(lambda: metrics(port).get("end_to_end_latency_seconds_count", sink=labels) > 20)
        for _ in range(20):
            told = metrics(port)
            assert told.get("samples_in_total") == told.total("samples_total") + told.get("samples_buffered")
            assert told.get("windows_total") == told.total("predictions_total")
        assert told.get("samples_total", outcome="used", reason="") > 1000
        assert told.get("devices", state="streaming") == 3
        assert told.total("suspicious_devices") == 0
        assert told.get("source_connected") == 1
        assert told.get("source_reconnects_total") == 0
        assert told.facts("build_info")["version"] == __version__
        assert told.facts("model_info")["name"] == "light-lstm"
        assert told.get("sink_labels_total", sink=labels, outcome="dropped") == 0
        assert told.get("end_to_end_latency_seconds_count", sink=labels) > 20
        assert 0 < told.get("inference_latency_seconds_count") <= told.get("windows_total")
        assert told.get("queue_limit", queue="labels", sink=labels) == 20_000
        wait_for(lambda: metrics(port).get("recording_samples_total", outcome="recorded") > 0)
        wait_for(lambda: metrics(port).get("recording_files_total") >= 3)  # they are begun one by one
        assert metrics(port).get("recording_files_total") == 3
        assert not any("sim0" in str(key) for key in told.values), "no device is named"
        assert ask(port, "/nothing")[0] == 404
        assert ask(port, "/metrics", "HEAD") == (200, b"")
        assert ask(port, "/metrics", "POST")[0] == 415
        assert end(one).code == 0


def test_the_books_balance_where_the_engine_never_rests() -> None:
    with served("--source", "sim:?devices=20&speed=max", "--sink", "jsonl:/dev/null") as (port, _):
        for _ in range(20):
            told = metrics(port)
            assert told.get("samples_in_total") == told.total("samples_total") + told.get("samples_buffered")
        before = told.get("windows_total")
        wait_for(lambda: metrics(port).get("windows_total") > before)


def test_a_serial_port_that_is_not_there_makes_it_unready_until_it_is_plugged_in(tmp_path: Path) -> None:
    plug = Plug(tmp_path / "port")
    with served("--source", f"serial:{plug.link}", "--sink", "jsonl:/dev/null", "--state", "off") as (port, _):
        wait_for(lambda: "source: not there: is it plugged in?" in readiness(port)[1]["reasons"])
        assert readiness(port)[0] == 503
        assert metrics(port).get("source_connected") == 0
        plug.plug()
        wait_for(lambda: readiness(port)[0] == 200)
        plug.unplug()
        wait_for(lambda: "source: unplugged; waiting for it to come back" in readiness(port)[1]["reasons"])
        plug.plug()
        wait_for(lambda: metrics(port).get("source_reconnects_total") == 1)
        plug.unplug()


def test_a_wrong_unit_is_listed_and_does_not_make_it_unready(tmp_path: Path) -> None:
    times_s = np.arange(3000) / 50
    values = np.column_stack([times_s, np.tile([9.81, 0, 0, 0, 0, 0], (len(times_s), 1))])
    header = "time_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rads,gyro_y_rads,gyro_z_rads"
    np.savetxt(tmp_path / "belt.csv", values, delimiter=",", header=header, comments="", fmt="%.4f")
    source = f"replay:{tmp_path / 'belt.csv'}?speed=10&loop=yes"
    with served("--source", source, "--sink", "jsonl:/dev/null") as (port, _):
        wait_for(lambda: readiness(port)[1]["suspicions"])
        status, told = readiness(port)
        assert (status, told["ready"]) == (200, True)
        assert told["suspicions"]["belt"].startswith("acceleration looks like m/s2")
        assert metrics(port).get("suspicious_devices", suspicion="acc_ms2") == 1


def test_an_address_that_was_given_and_is_taken_ends_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        ended = run("--source", "sim:", "--http", address)
    assert ended.code == 78
    assert ended.said == (
        f"har-stream: http: {address} is taken (by another har-stream?); give --http another HOST:PORT, or off\n"
    )


def test_the_default_address_is_left_with_one_warning_where_it_is_taken() -> None:
    source = "sim:?speed=max&loop=no&script=walking:20"
    with contextlib.ExitStack() as holding:
        with contextlib.suppress(OSError):  # then somebody else holds it
            holding.enter_context(socket.create_server(("127.0.0.1", DEFAULT_PORT)))
        ended = run("--source", source, "--log-level", "warning", HAR_STREAM_HTTP="")
    assert ended.code == 0
    assert len(ended.lines) > 10
    assert ended.said == (
        f"har-stream: WARNING: http: 127.0.0.1:{DEFAULT_PORT} is taken (by another har-stream?); the stream goes on "
        "without page, health and metrics (--http HOST:PORT, or off)\n"
    )


def test_clients_that_say_nothing_or_little_or_do_not_read_neither_block_others_nor_the_end() -> None:
    with served("--source", PEOPLE, "--sink", "jsonl:/dev/null") as (port, process), contextlib.ExitStack() as held:
        for number in range(200):
            client = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            client.sendall((b"", b"G", b"GET /metrics HTTP/1.0\r\n\r\n", b"GET /readyz HTTP/1.0\r\nX:")[number % 4])
        held_up, begun_s = HeldUp(process.pid), time.monotonic()
        wait_to_serve(port)
        assert time.monotonic() - begun_s - held_up.look() < 5
        assert end(process).code == 0


def test_off_means_that_nothing_listens() -> None:
    port = free_port()
    with running("--source", PEOPLE, "--http", "off", "--sink", "stdout:") as process:
        assert process.stdout is not None
        process.stdout.readline()
        inodes = [line.split() for line in Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]]
        mine = open_files(process.pid)
        assert not [line for line in inodes if line[3] == "0A" and f"socket:[{line[9]}]" in mine]
        assert not serves(port)


def test_an_address_that_is_none_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--source", "sim:", "--http", ":9478"]) == 78
    assert capsys.readouterr().err == (
        "har-stream: http: ':9478' is no address: expected HOST:PORT, such as 127.0.0.1:9478, or off\n"
    )
