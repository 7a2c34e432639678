"""Faults 18 to 22: values that are none, samples twice, late or missing, clocks that jump, hostile ids."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paho.mqtt.client import Client

from har_stream.formats import cbor_blocks
from har_stream.samples import Samples
from tests.broker import Broker, wait_for
from tests.faults.clock import FakeClock
from tests.faults.conftest import Measured
from tests.faults.length import lasting
from tests.faults.stream import Stream, balanced, stream
from tests.http_client import PATIENCE_S, Metrics, ask
from tests.mqtt_receiver import STEP, publisher
from tests.stream_process import run
from tests.turned_walk import simulated

RATE_HZ = 50.0
UNLAWFUL = ("NaN", "Infinity", "-Infinity", "1e308", "-1e308", "1e6", "-1e6")
MAX_DEVICES = 64
MOTION = simulated("walking:24,sitting:24")[: 100 * STEP]
LARGEST_GROWTH_MIB = 20.0
LONGEST_SCRAPE_S = 0.1


@pytest.fixture
def wide_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that passes on whatever comes, however fast."""
    one = Broker(tmp_path, "allow_anonymous true", "max_queued_messages 0")
    one.start()
    yield one
    one.stop()


@pytest.fixture
def listening(tmp_path: Path, wide_broker: Broker) -> Iterator[Stream]:
    """A stream of what comes over that broker."""
    with stream(tmp_path / "stream", f"mqtt://127.0.0.1:{wide_broker.port}/har/+/imu") as one:
        one.wait_to_say("listens to har/+/imu")
        yield one


def text(values: Samples, at: int, bad: dict[int, str] | None = None) -> str:
    """A JSON block of samples from the at-th on; `bad` replaces, by place, one number of a sample."""
    rows = [[f"{value:.9g}" for value in row] for row in values.tolist()]
    for place, number in (bad or {}).items():
        rows[place][place % 6] = number
    samples = ",".join(f"[{','.join(row)}]" for row in rows)
    return f'{{"t":{at / RATE_HZ},"hz":{RATE_HZ},"acc_unit":"g","gyro_unit":"rad/s","samples":[{samples}]}}'


def block(values: Samples, at: int) -> bytes:
    return cbor_blocks.encode(values[at : at + STEP], rate_hz=RATE_HZ, start_s=at / RATE_HZ)


def send(client: Client, device: str, payloads: Iterable[str | bytes]) -> None:
    for payload in payloads:
        client.publish(f"har/{device}/imu", payload)


def labels_of(lines: list[dict[str, Any]], device: str) -> list[tuple[Any, ...]]:
    """What was said of a device's windows, but for its name."""
    own = [line for line in lines if line["device"] == device]
    return [(*line["window"], line["label"], line["raw"], *line["probabilities"].values()) for line in own]


def told_the_same(lines: list[dict[str, Any]], one: str, other: str) -> int:
    """Hold what was said of two devices against each other; returns of how many windows."""
    ours, theirs = labels_of(lines, one), labels_of(lines, other)
    assert [line[:4] for line in ours] == [line[:4] for line in theirs]
    numbers = np.array([line[4:] for line in ours])
    assert np.isfinite(numbers).all()
    assert np.allclose(numbers, [line[4:] for line in theirs], rtol=0, atol=1e-5)
    return len(ours)


def wait_for_samples(one: Stream, samples: int) -> None:
    wait_for(lambda: one.metrics.get("samples_in_total") == samples)


def test_18_what_is_no_number_or_out_of_range_is_refused_and_windows_are_as_if_it_had_not_come(
    wide_broker: Broker, listening: Stream, measured: Measured
) -> None:
    values = MOTION
    with publisher(wide_broker.port) as client:
        for turn, at in enumerate(range(0, len(values), STEP)):
            part = values[at : at + STEP]
            if turn == 30:  # a whole block
                send(client, "bad", [text(part, at, dict.fromkeys(range(len(part)), "NaN"))])
            elif turn % 3 == 0:
                place = turn % STEP
                send(client, "bad", [text(part, at, {place: UNLAWFUL[turn // 3 % len(UNLAWFUL)]})])
                runs = ((part[:place], at), (part[place + 1 :], at + place + 1))
                send(client, "missing", [text(run, begin) for run, begin in runs if len(run)])
            else:
                for device in ("bad", "missing"):
                    send(client, device, [text(part, at)])
            time.sleep(0.005)
        refused = len(range(0, len(values) // STEP, 3)) - 1 + STEP
        wait_for_samples(listening, 2 * len(values) - refused)
        ended = listening.end()
    account = balanced(ended.said)
    assert account["refused"] == refused
    windows = told_the_same(ended.lines, "bad", "missing")
    assert windows > 30
    assert {line["raw"] for line in ended.lines} >= {"walking", "sitting"}
    measured(f"{refused} samples refused, {windows} windows as without them")


def test_19_samples_that_come_twice_or_late_are_counted_and_change_nothing(
    wide_broker: Broker, listening: Stream, measured: Measured
) -> None:
    values = MOTION
    blocks = [block(values, at) for at in range(0, len(values), STEP)]
    again = late = 0
    with publisher(wide_broker.port) as client:
        for turn, payload in enumerate(blocks):
            send(client, "plain", [payload])
            send(client, "messy", [payload])
            if turn % 2:
                send(client, "messy", [payload])
                again += STEP
            if turn % 5 == 4:
                send(client, "messy", [blocks[turn - 3]])
                late += STEP
            time.sleep(0.005)
        wait_for_samples(listening, 2 * len(values) + again + late)
        ended = listening.end()
    account = balanced(ended.said)
    assert (account["refused"], account["dropped"]) == (again + late, 0)
    windows = told_the_same(ended.lines, "plain", "messy")
    assert windows > 30
    measured(f"{again} samples twice, {late} late; {windows} windows unchanged")


def test_20_a_sample_that_is_missing_is_bridged_and_no_window_spans_ten_seconds_of_nothing(
    wide_broker: Broker, listening: Stream
) -> None:
    values = simulated("walking:36")
    lost, gap_begins, gap_ends = 333, 800, 1300
    runs = [(0, lost), (lost + 1, gap_begins), (gap_ends, len(values))]
    sent = 0
    with publisher(wide_broker.port) as client:
        for begin, end in runs:
            for at in range(begin, end, STEP):
                part = values[at : min(at + STEP, end)]
                send(client, "a", [cbor_blocks.encode(part, rate_hz=RATE_HZ, start_s=at / RATE_HZ)])
                sent += len(part)
        wait_for_samples(listening, sent)
        wait_for(lambda: listening.labelled == 11 + 6)
        wait_for(lambda: listening.metrics.get("samples_bridged_total") > 0)  # told after the tick that brought labels
        assert listening.metrics.get("samples_bridged_total") == 1
        ended = listening.end()
    starts_s = [line["window"][0] for line in ended.lines]
    before, after = gap_begins / RATE_HZ, gap_ends / RATE_HZ
    assert starts_s == pytest.approx([*np.arange(11) * 1.28, *after + np.arange(6) * 1.28])
    assert not [line for line in ended.lines if line["window"][0] < before and line["window"][1] > after]
    assert balanced(ended.said)["refused"] == 0


def ahead_h(one: Stream) -> int:
    """By how many hours its wall clock is ahead of ours, as its answers over HTTP tell it."""
    connection = HTTPConnection("127.0.0.1", one.port, timeout=PATIENCE_S)
    connection.request("GET", "/healthz")
    told = connection.getresponse().getheader("Date") or ""
    connection.close()
    return round((parsedate_to_datetime(told).timestamp() - time.time()) / 3600)


def test_21_a_wall_clock_that_jumps_stalls_nothing_and_changes_no_label(
    tmp_path: Path, broker: Broker, measured: Measured
) -> None:
    clock = FakeClock(tmp_path)
    people = "sim:?devices=3&script=walking:20,sitting:20,laying:20,standing:20,walking:400&loop=no"
    sinks = ("--sink", f"mqtt://127.0.0.1:{broker.port}/har", "--sink", f"history:{tmp_path / 'har.sqlite'}")
    kept = ("--record", str(tmp_path / "walks"), "--state", str(tmp_path / "state"), "--home-assistant")
    told: list[int] = []
    with stream(tmp_path / "stream", f"{people}&speed=10", *sinks, *kept, variables=clock.variables) as one:
        for offset in ("+1h", "-1h", "+10y", "-10y", "+0"):
            given, before = one.labelled, ahead_h(one)
            clock.jump(offset)
            wait_for(lambda was=before: ahead_h(one) != was)
            told.append(ahead_h(one))
            wait_for(lambda seen=given: one.labelled > seen + 10)
        ended = one.end()
    assert len(set(told)) == 5
    measured(", ".join(f"{hours:+} h" for hours in told))
    assert "ERROR" not in ended.said
    expected = run("--source", f"{people}&speed=max").lines
    for device in ("sim01", "sim02", "sim03"):
        jumped, steady = ([line for line in these if line["device"] == device] for these in (ended.lines, expected))
        assert len(jumped) > 15
        assert [(line["id"], line["label"], line["raw"]) for line in jumped] == [
            (line["id"], line["label"], line["raw"]) for line in steady[: len(jumped)]
        ]


def test_22_hostile_device_ids_take_no_more_than_there_is_room_for(
    wide_broker: Broker, listening: Stream, measured: Measured
) -> None:
    many = lasting(10_000, 100_000)
    values = simulated("sitting:3")[:STEP]
    lone = cbor_blocks.encode(values[:1], rate_hz=RATE_HZ, start_s=0.0)
    with publisher(wide_broker.port) as client:
        for number in range(MAX_DEVICES):
            send(client, f"known{number}", [block(values, 0)])
        wait_for_samples(listening, MAX_DEVICES * STEP)
        series = len(listening.metrics.values)
        before_mib = listening.memory_mib
        for number in range(many):
            unlawful = number % 4 == 0
            send(client, f"x y\N{GRINNING FACE}{number}" if unlawful else f"stranger-{number}", [lone])
            if number % 2500 == 0:  # as fast as it takes them, so that each is looked at
                wait_for_samples(listening, MAX_DEVICES * STEP + number + 1)
        wait_for_samples(listening, MAX_DEVICES * STEP + many)
        wait_for(lambda: not_used(listening.metrics) == many)  # those that came in last may lie in the queue still
        grown_mib = listening.memory_mib - before_mib
        told = listening.metrics
        present = sum(told.get("devices", state=state) for state in ("streaming", "suspicious", "stale"))
        assert present == MAX_DEVICES
        assert told.get("samples_total", outcome="refused", reason="device_id") == many // 4
        assert len(told.values) <= series + 2, "no id has a series of its own"
        scrape_s = min(timed_scrape(listening) for _ in range(5))
        listening.end()
    assert grown_mib < LARGEST_GROWTH_MIB
    assert scrape_s < LONGEST_SCRAPE_S
    measured(f"{many:,} ids: {grown_mib:+.1f} MiB, a scrape {1000 * scrape_s:.0f} ms")


def not_used(told: Metrics) -> float:
    """How many samples were refused or dropped so far."""
    return told.total("samples_total") - told.get("samples_total", outcome="used", reason="")


def timed_scrape(one: Stream) -> float:
    begun_s = time.perf_counter()
    status, _ = ask(one.port, "/metrics")
    assert status == 200
    return time.perf_counter() - begun_s
