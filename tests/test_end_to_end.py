"""The real process from a source to its sinks."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from har_stream.datasets import Selection, UciHar, open_data_set
from tests.broker import Broker, Listener, wait_for
from tests.held_up import HeldUp, in_time
from tests.motion import model
from tests.stream_process import TIMEOUT_S, books, command, end, environment, handles, open_files, run, running

SIM = "sim:?devices=2&speed=max&loop=no&script=walking:20,sitting:15,laying:15"
LIVE = "sim:?devices=2&speed=4"


def test_a_replay_as_fast_as_it_can_gives_the_same_bytes_twice(hapt_zip: Path) -> None:
    first, second = (run("--source", f"replay:{hapt_zip}?speed=max&subject=1,3") for _ in range(2))
    assert first.code == 0
    assert first.output == second.output
    assert {line["device"] for line in first.lines} == {
        "exp01_user01", "exp02_user01", "exp05_user03", "exp06_user03",
    }  # fmt: skip
    account = books(first.said)
    assert account["in"] == sum(account[key] for key in ("used", "refused", "dropped", "buffered"))
    assert account["refused"] == account["dropped"] == 0


def test_labels_of_a_recording_agree_with_its_truth(hapt_zip: Path) -> None:
    lines = run("--source", f"replay:{hapt_zip}?speed=max&subject=1,3").lines
    known = [line for line in lines if line["truth"] in line["probabilities"]]
    assert len(known) > 600
    for word in ("raw", "label"):
        assert np.mean([line[word] == line["truth"] for line in known]) > 0.85
    assert any(line["truth"] == "stand_to_sit" for line in lines)


def test_settled_labels_speak_of_past_half_windows_without_holes(hapt_zip: Path) -> None:
    lines = run("--source", f"replay:{hapt_zip}?speed=max&subject=1").lines
    own = [line for line in lines if line["device"] == "exp01_user01" and line["settled"]]
    starts = [line["settled"]["span"][0] for line in own]
    assert np.diff(starts) == pytest.approx(1.28)
    for line in own:
        start_s, end_s = line["settled"]["span"]
        assert end_s - start_s == pytest.approx(1.28)
        assert 0 < line["time"] - end_s <= 2 * 1.28 + 0.01


def test_each_row_of_uci_har_gets_the_label_that_the_model_gives_it_offline(uci_zip: Path) -> None:
    manifest, classifier = model()
    lines = run("--source", f"replay:{uci_zip}?speed=max", "--model", manifest.name).lines
    data_set = open_data_set(uci_zip)
    assert isinstance(data_set, UciHar)
    table = data_set.windows(Selection())
    offline = classifier.probabilities(table.values).argmax(axis=1)
    for subject in np.unique(table.subject).tolist():
        streamed = [line for line in lines if line["device"] == f"subject{subject:02d}"]
        rows = table.subject == subject
        assert [line["raw"] for line in streamed] == [manifest.labels[label] for label in offline[rows]]
        assert [line["truth"] for line in streamed] == [manifest.labels[code - 1] for code in table.codes[rows]]


def test_a_recorded_csv_streams_like_the_recording_it_was_cut_from(hapt_zip: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(hapt_zip) as archive:
        acc, gyro = (
            np.loadtxt(archive.open(f"RawData/{sensor}_exp01_user01.txt"), max_rows=3000) for sensor in ("acc", "gyro")
        )
    path = tmp_path / "exp01_user01.csv"
    rows = np.hstack([np.arange(3000)[:, np.newaxis] / 50, acc, gyro])
    header = "time_s,acc_x_g,acc_y_g,acc_z_g,gyro_x_rads,gyro_y_rads,gyro_z_rads"
    np.savetxt(path, rows, fmt="%.9g", delimiter=",", header=header, comments="")
    ours = run("--source", f"replay:{path}?speed=max").lines
    theirs = [
        line
        for line in run("--source", f"replay:{hapt_zip}?speed=max&subject=1").lines
        if line["device"] == "exp01_user01"
    ]
    assert len(ours) == (2999 - 128) // 64 + 1
    for mine, other in zip(ours, theirs, strict=False):
        assert {key: other[key] for key in mine} == mine


def test_at_speed_one_labels_come_when_their_window_is_over() -> None:
    with running("--source", "sim:?devices=1&speed=1&script=sitting:60") as process:
        assert process.stdout is not None
        arrivals, ours, its = [], HeldUp(), HeldUp(process.pid)
        for _ in range(4):
            line = json.loads(process.stdout.readline())
            arrivals.append(time.monotonic() - line["time"])
        # Arrival runs with the stream's own clock: the difference stays, give or take a block and a busy machine.
        assert max(arrivals) - min(arrivals) - ours.look() - its.look() < 1.0
        assert end(process).code == 0


def test_a_reader_that_stops_reading_ends_the_stream_quietly(hapt_zip: Path) -> None:
    streamed = subprocess.Popen(
        command("--source", f"replay:{hapt_zip}?speed=max"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    head = subprocess.run(["head", "-n", "3"], stdin=streamed.stdout, capture_output=True, check=True)
    assert streamed.stdout is not None
    streamed.stdout.close()
    _, said = streamed.communicate(timeout=TIMEOUT_S)
    assert len(head.stdout.splitlines()) == 3
    assert streamed.returncode == 0
    assert b"Traceback" not in said
    assert b"Broken" not in said


def test_a_signal_while_data_are_read_ends_at_once(hapt_zip: Path) -> None:
    with running("--source", f"replay:{hapt_zip}") as process:
        wait_for(lambda: str(hapt_zip) in open_files(process.pid))
        ended = end(process)
    assert ended.code == 0
    assert "Traceback" not in ended.said


def test_a_reader_that_hangs_does_not_hold_up_the_end() -> None:
    with running("--source", "sim:?devices=20&speed=max", "--sink", "stdout:") as process:
        assert process.stdout is not None
        process.stdout.read(1)
        time.sleep(2)  # by now the pipe is full and the sink's thread sits in its write
        process.send_signal(signal.SIGTERM)
        assert in_time(process, 5.0, process.wait) == 0
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert "Fatal" not in said
    account = books(said)
    assert account["in"] == account["used"] + account["refused"] + account["dropped"] + account["buffered"]


def test_a_sink_that_hangs_keeps_no_other_from_its_last_words(broker: Broker) -> None:
    listener = Listener(broker.port)
    sinks = ("--sink", "stdout:", "--sink", f"mqtt://127.0.0.1:{broker.port}/har")
    with running("--source", "sim:?devices=20&speed=500", *sinks) as process:
        wait_for(lambda: listener.payloads("har/sim20/prediction"))
        time.sleep(2)  # nobody reads standard output: by now its sink sits in a write
        process.send_signal(signal.SIGTERM)
        assert in_time(process, 5.0, process.wait) == 0
        wait_for(lambda: listener.payloads("har/sim01/availability")[-1:] == ["offline"])
    listener.close()


def test_two_signals_at_once_while_loading_end_without_a_traceback() -> None:
    with running("--source", "sim:?devices=2") as process:
        wait_for(lambda: handles(process.pid, signal.SIGTERM))  # before, it is Python itself that starts
        process.send_signal(signal.SIGINT)
        ended = end(process)
    assert ended.code in (0, -signal.SIGINT, -signal.SIGTERM)
    assert "Traceback" not in ended.said


def test_several_sinks_get_the_same_labels(broker: Broker, tmp_path: Path) -> None:
    listener = Listener(broker.port)
    path = tmp_path / "labels.jsonl"
    sinks = ("--sink", "stdout:", "--sink", f"jsonl:{path}", "--sink", f"mqtt://127.0.0.1:{broker.port}/har")
    ended = run("--source", SIM, *sinks)
    assert ended.code == 0
    assert path.read_bytes() == ended.output
    wait_for(lambda: listener.payloads("har/status") == ["online", "offline"])
    for device in ("sim01", "sim02"):
        own = [line for line in ended.lines if line["device"] == device]
        assert [json.loads(p) for p in listener.payloads(f"har/{device}/prediction")] == own
        labels = [line["label"] for line in own]
        changes = [b for a, b in zip([None, *labels[:-1]], labels, strict=True) if a != b]
        assert listener.payloads(f"har/{device}/activity") == changes
    listener.close()


def test_when_the_daemon_is_killed_the_broker_says_offline(broker: Broker) -> None:
    listener = Listener(broker.port)
    with running("--source", LIVE, "--sink", f"mqtt://127.0.0.1:{broker.port}/har") as process:
        wait_for(lambda: listener.payloads("har/sim01/prediction"))
        process.kill()
        wait_for(lambda: listener.payloads("har/status") == ["online", "offline"])
    listener.close()


def test_a_broker_that_is_not_there_is_told_once_and_the_rest_goes_on(tmp_path: Path) -> None:
    port = Broker(tmp_path).port
    with running("--source", LIVE, "--sink", "stdout:", "--sink", f"mqtt://127.0.0.1:{port}/har") as process:
        assert process.stdout is not None
        for _ in range(20):
            assert json.loads(process.stdout.readline())["device"].startswith("sim")
        ended = end(process)
    assert ended.code == 0
    assert ended.said.count("not reachable") == 1


def test_a_shorter_hop_gives_more_windows() -> None:
    few, many = (run("--source", SIM, "--hop", hop).lines for hop in ("64", "16"))
    assert len(many) == pytest.approx(4 * len(few), rel=0.1)
    own = [line["time"] for line in many if line["device"] == "sim01"]
    assert np.diff(own) == pytest.approx(0.32)
