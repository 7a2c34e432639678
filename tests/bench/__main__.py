"""python -m tests.bench [--windows N]: the same messages the naive way and har-stream's, in one run, and the ratio.

Needs the extra "train" (TensorFlow). Wall time tells how late a label is, processor time how many people a core serves.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from paho.mqtt.client import MQTTMessage
from rich.console import Console
from rich.table import Table

from har_stream.bench import machine
from har_stream.bench.fleet import BLOCK, Fleet
from har_stream.bench.inner import InnerStream
from har_stream.classifier import Classifier
from har_stream.manifest import Manifest, load_manifest, resolve
from tests.bench.naive import Logits, NaiveListener, keras_predict, tf_function

MANY = 1_000
Messages = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Way:
    """How long a window took, and how much of a core: both with all that leads to it."""

    name: str
    devices: int
    windows: int
    wall_s: float
    cpu_s: float
    device_s: float

    @property
    def ms_a_window(self) -> float:
        return self.wall_s / self.windows * 1e3

    @property
    def devices_per_core(self) -> float:
        return self.device_s / self.cpu_s


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--windows", type=int, default=100, help="for each way (har-stream with many devices: more)")
    parser.add_argument("--model", default="light-lstm")
    arguments = parser.parse_args(words)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    folder = resolve(arguments.model)
    manifest, windows = load_manifest(folder), max(1, arguments.windows)
    classifier = Classifier(folder, manifest)
    ways = [
        naive("keras predict in on_message", manifest, keras_predict(folder, manifest), windows),
        naive("tf.function in on_message", manifest, tf_function(folder, manifest), windows),
        stream(1, manifest, classifier, windows),
        stream(MANY, manifest, classifier, windows),
    ]
    console = Console()
    console.print(f"{machine.processor_name()}, {machine.cores()} cores; {arguments.model}; commit {machine.commit()}")
    console.print(table(ways))
    return 0


def naive(name: str, manifest: Manifest, logits: Logits, windows: int) -> Way:
    listener = NaiveListener(manifest, logits)

    def push(messages: Messages) -> None:
        for device, payload in messages:
            message = MQTTMessage(topic=f"har/{device}/imu".encode())
            message.payload = payload
            listener.on_message(None, None, message)

    return _timed(name, Fleet(1, manifest.framing), manifest, push, lambda: len(listener.labels), windows)


def stream(devices: int, manifest: Manifest, classifier: Classifier, windows: int) -> Way:
    fleet = Fleet(devices, manifest.framing)
    inner = InnerStream(fleet, manifest, classifier)
    name = f"har-stream, {devices:,} device{'' if devices == 1 else 's'}"
    return _timed(name, fleet, manifest, inner.push, lambda: inner.predictions, windows)


def _timed(
    name: str,
    fleet: Fleet,
    manifest: Manifest,
    push: Callable[[Messages], None],
    done: Callable[[], int],
    windows: int,
) -> Way:
    """Warm up by some windows, then time at least so many more."""
    push(fleet.first())
    while done() < 3 * len(fleet.names):
        push(fleet.round())
    before, rounds, wall_s, cpu_s = done(), 0, 0.0, 0.0
    # Few devices have windows in few rounds only; after so many all are where they were in their hops.
    alike = manifest.framing.hop if len(fleet.names) < manifest.framing.hop else 1
    while done() - before < windows or rounds % alike:
        messages = fleet.round()
        begins_s, begins_cpu_s = time.perf_counter(), time.process_time()
        push(messages)
        wall_s += time.perf_counter() - begins_s
        cpu_s += time.process_time() - begins_cpu_s
        rounds += 1
    device_s = rounds * len(fleet.names) * BLOCK / manifest.framing.rate_hz
    return Way(name, len(fleet.names), done() - before, wall_s, cpu_s, device_s)


def table(ways: list[Way]) -> Table:
    told = Table("way", "ms a window", "people a core serves", "ratio")
    for column in told.columns[1:]:
        column.justify = "right"
    for way in ways:
        ratio = way.devices_per_core / ways[0].devices_per_core
        told.add_row(way.name, f"{way.ms_a_window:.3f}", f"{way.devices_per_core:,.0f}", f"{ratio:,.1f}")
    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
