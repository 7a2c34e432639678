"""har-bridge as a process, what reads its pseudo-terminal, and a subscriber that keeps payloads as they are."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from har_stream.samples import Block, SampleBlock, Samples, TimedBlock
from har_stream.sources.simulator import players
from har_stream.uri import Uri
from tests.broker import wait_for
from tests.stream_process import environment

PATIENCE_S = 90.0


class Bridge:
    """A running har-bridge command."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "har_stream.bridge", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[int, list[dict[str, Any]]]:
        """Ask it to end; give its exit code and what it reported."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, list[dict[str, Any]]]:
        """Wait for its end; give its exit code and what it reported."""
        _, said = self.process.communicate(timeout=PATIENCE_S)
        reports = [json.loads(line) for line in said.decode().splitlines() if line.startswith("{")]
        return self.process.returncode, reports

    def lines(self, count: int) -> list[dict[str, Any]]:
        """Give so many JSON lines of its output."""
        assert self.process.stdout is not None
        return [json.loads(self.process.stdout.readline()) for _ in range(count)]

    def facts(self, holds: Callable[[dict[str, Any]], bool], least: int = 4, most: int = 60) -> dict[str, Any]:
        """Give the first line of its output of which something holds, of `least` lines the last or later."""
        *_, facts = self.lines(least)
        for _ in range(most - least):
            if holds(facts):
                break
            (facts,) = self.lines(1)
        return facts


@contextmanager
def bridge(*words: str) -> Iterator[Bridge]:
    """Run a har-bridge command while the block lasts."""
    one = Bridge(*words)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


@contextmanager
def virtual_device(link: Path, *words: str) -> Iterator[Bridge]:
    """Run har-bridge simulate behind a link while the block lasts; it is there when the block begins."""
    with bridge("simulate", "--link", str(link), *words) as one:
        wait_for(lambda: link.exists() or one.process.poll() is not None, PATIENCE_S)
        yield one


def read_port(path: Path, until: Callable[[bytes], bool] = lambda _: False) -> bytes:
    """Read a pseudo-terminal until its device goes, or what was read is enough."""
    port = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    end_s, data = time.monotonic() + PATIENCE_S, b""
    try:
        while not until(data) and time.monotonic() < end_s:
            if not select.select([port], [], [], 0.05)[0]:
                continue
            piece = os.read(port, 65536)
            if not piece:
                break
            data += piece
    except OSError:  # the device has gone
        pass
    finally:
        os.close(port)
    return data


@contextmanager
def signals_kept() -> Iterator[None]:
    """Give signals their handlers back behind a command that ran in this process."""
    kept = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in kept:
            signal.signal(number, handler)


class Subscriber:
    """Hears everything on a broker, payloads as bytes."""

    def __init__(self, port: int, topic: str = "#") -> None:
        self.payloads: defaultdict[str, list[bytes]] = defaultdict(list)
        self._ready = False
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._note
        self._client.on_subscribe = self._subscribed
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topic, qos=1)
        self._client.loop_start()
        wait_for(lambda: self._ready)

    @property
    def messages(self) -> int:
        return sum(map(len, self.payloads.values()))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.payloads[message.topic].append(bytes(message.payload))

    def _subscribed(self, *_: Any) -> None:
        self._ready = True


def performed(script: str, samples: int, seed: int = 1, device: int = 0) -> Samples:
    """What a simulated person feels at 50 Hz, (n, 6)."""
    player = players(device + 1, script, seed, Uri("", "", "", {}))[device]
    parts, held = [], 0
    for block in player.blocks(256, loop=True):
        parts.append(block.values)
        held += len(block.values)
        if held >= samples:
            break
    return np.concatenate(parts)[:samples]


def values_of(blocks: list[Block]) -> Samples:
    """The samples in blocks, (n, 6)."""
    held = [block.values for block in blocks if isinstance(block, SampleBlock | TimedBlock)]
    return np.concatenate(held) if held else np.empty((0, 6), np.float32)
