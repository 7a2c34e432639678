"""Several workers as a whole: the real processes, a real broker, and one that is killed."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from har_stream.bench.load import Load
from tests.broker import Broker, Listener, free_port, wait_for
from tests.http_client import Metrics, ask, health, metrics, readiness, wait_to_serve
from tests.stream_process import books, command, end, environment, run

DEVICES = 12
WORKERS = 2


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    one = Broker(tmp_path_factory.mktemp("broker"))
    one.start()
    yield one
    one.stop()


@contextmanager
def stream(broker: Broker, *words: str) -> Iterator[tuple[Popen[bytes], int]]:
    port = free_port()
    uri = f"mqtt://127.0.0.1:{broker.port}"
    line = command("--workers", str(WORKERS), "--source", f"{uri}/har/+/imu", "--http", f"127.0.0.1:{port}", *words)
    # In a pipe that nobody reads it would stop; what it says goes to a file.
    process = Popen(line, stdout=PIPE, stderr=PIPE, env=environment(HAR_STREAM_STATE="off"), bufsize=0)
    try:
        wait_to_serve(port)
        wait_for(lambda: readiness(port)[1]["ready"])
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def children(process: Popen[bytes]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def hear(process: Popen[bytes], words: str, times: int) -> str:
    """Return what was said on stderr until these words had come so often."""
    stderr, said = process.stderr, ""
    assert stderr is not None

    def have_come() -> bool:
        nonlocal said
        said += (stderr.read() or b"").decode()
        return said.count(words) >= times

    os.set_blocking(stderr.fileno(), False)
    try:
        wait_for(have_come)
    except TimeoutError:
        pytest.fail(f"not said {times} times: {words!r}, but {said!r}")
    os.set_blocking(stderr.fileno(), True)
    return said


def balance(told: Metrics) -> float:
    return told.get("samples_in_total") - told.total("samples_total") - told.get("samples_buffered")


def total_in(said: str) -> int:
    """Return how many samples came in to all workers, whose books balance in the end."""
    (total,) = re.findall(r"INFO: all workers: (samples in .*)", said)
    counts = books(total)
    assert counts["in"] == counts["used"] + counts["refused"] + counts["dropped"] + counts["buffered"]
    return counts["in"]


def test_workers_share_devices_one_is_killed_and_comes_back_and_the_books_add_up(
    broker: Broker, tmp_path: Path
) -> None:
    uri = f"mqtt://127.0.0.1:{broker.port}"
    lines, history = tmp_path / "labels.jsonl", tmp_path / "history.sqlite"
    sinks = ("--sink", f"{uri}/out", "--sink", f"jsonl:{lines}", "--sink", f"history:{history}", "--home-assistant")
    announced = Listener(broker.port, "homeassistant/device/#")
    with stream(broker, *sinks, "--hop", "5") as (process, port):
        with Load(f"{uri}/har", DEVICES, 3600.0, speed=2.0) as load:
            wait_for(lambda: metrics(port).get("devices", state="streaming") == DEVICES)
            wait_for(lambda: metrics(port).get("windows_total") > 10 * DEVICES)
            (victim, other) = children(process)
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: "worker 1 has died, begins again in" in "".join(readiness(port)[1]["reasons"][:1]))
            assert health(port)["alive"], "it comes back by itself"
            assert balance(metrics(port)) == 0
            wait_for(lambda: readiness(port)[1]["ready"])
            assert other in children(process)
            wait_for(lambda: metrics(port).get("devices", state="streaming") == DEVICES)
            wait_for(lambda: len(json.loads(ask(port, "/api/devices")[1]).get("devices", ())) == DEVICES)
            process.send_signal(signal.SIGHUP)
            said = hear(process, "reload: the configuration is taken", WORKERS)
            load.end()
        told = metrics(port)
        assert balance(told) == 0
        assert told.get("samples_total", outcome="dropped", reason="worker_died") > 0
        assert told.get("worker_restarts_total") == 1
        assert told.get("workers", state="running") == told.get("workers", state="wanted") == WORKERS
        assert told.get("devices_limit") == WORKERS * 64
        ended = end(process, within_s=30)  # with its workers, each of which may be held up
    announced.close()
    assert ended.code == 0
    assert "worker 1: killed by SIGKILL; begins again in 1 s" in said
    assert total_in(ended.said) >= told.get("samples_in_total")
    ids = [json.loads(line)["id"] for line in lines.read_text().splitlines()]
    assert len(ids) == len(set(ids)) > 10 * DEVICES
    first = [topic for topic, payload, retained in announced.heard if payload and not retained]
    assert len(set(first)) >= DEVICES


def test_lines_of_all_workers_come_whole_and_are_those_of_one_process() -> None:
    words = ("--source", "sim:?devices=5&speed=max&loop=no&script=walking:90", "--hop", "8")
    one, several = run(*words), run(*words, "--workers", "3")
    assert (one.code, several.code) == (0, 0)
    assert sorted(one.output.splitlines()) == sorted(several.output.splitlines())
    assert sum(books(line)["in"] for line in several.said.splitlines() if "INFO: samples in" in line) == 22_500
    assert "all workers: samples in 22500 = used" in several.said


def test_when_the_reader_has_gone_all_end(broker: Broker) -> None:
    uri = f"mqtt://127.0.0.1:{broker.port}/gone"
    with stream(broker, "--sink", "stdout:", "--hop", "1") as (process, _), Load(f"{uri[:-5]}/har", 4, 3600.0):
        assert process.stdout is not None
        assert process.stdout.read(10)
        process.stdout.close()
        assert process.wait(60) == 0, process.stderr and process.stderr.read().decode()


def test_workers_of_a_supervisor_that_was_killed_end_too(broker: Broker) -> None:
    with stream(broker, "--sink", "jsonl:/dev/null") as (process, _):
        orphans = children(process)
        process.kill()
        wait_for(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in orphans))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--source", "serial:/dev/ttyUSB0"), "workers: a serial port is one process's"),
        (("check", "--source", "serial:/dev/ttyUSB0"), "workers: a serial port is one process's"),
        (("--source", "sim:", "--sink", "jsonl:/nowhere/x"), "no such folder"),
    ],
)
def test_what_is_wrong_is_told_once(words: tuple[str, ...], reason: str) -> None:
    ended = run(*words, "--workers", "3")
    assert ended.code == os.EX_CONFIG
    assert ended.said.count(reason) == 1
    assert len(ended.said.splitlines()) == 1, ended.said
